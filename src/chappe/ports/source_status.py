"""How the sources do, as the nodes that run them say it to all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chappe.domain.source import SourceStatus


class SourceStatuses(Protocol):
    """The last word about each source. No fence: of two nodes that believe they run a source, the
    later one is heard; what a status says is news and nothing rests on it.
    """

    async def put(self, source: str, status: SourceStatus | None) -> None:
        """Say how a source does; None: forget it. On disk once this returns.

        Raises:
            Unavailable: the engine did not acknowledge; it may have been said or not.
        """
        ...

    async def all(self) -> Mapping[str, SourceStatus]:
        """What was last said of each source, by id. What was put before is in it.

        Raises:
            Unavailable: the engine did not answer.
        """
        ...
