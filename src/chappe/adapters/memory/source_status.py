"""The sources' statuses of one process."""

from __future__ import annotations

from collections.abc import Mapping

from chappe.domain.source import SourceStatus
from chappe.ports.source_status import SourceStatuses


class MemorySourceStatuses:
    """The last word about each source, in memory."""

    def __init__(self) -> None:
        self._by_id: dict[str, SourceStatus] = {}

    async def put(self, source: str, status: SourceStatus | None) -> None:
        """Say how a source does."""
        if status is None:
            self._by_id.pop(source, None)
        else:
            self._by_id[source] = status

    async def all(self) -> Mapping[str, SourceStatus]:
        """What was last said of each source."""
        return dict(self._by_id)


_: type[SourceStatuses] = MemorySourceStatuses
