"""The sources' statuses on JetStream, beside the cursors: the last message of a subject is the word.

CU.source.<id>.status        an empty message: forgotten
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chappe.adapters.nats.connection import Connection
from chappe.adapters.nats.cursors import STREAM
from chappe.domain.source import SourceStatus
from chappe.ports.source_status import SourceStatuses

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SourceStatus).decode


class NatsSourceStatuses:
    """The last word about each source; the stream is the cursors', which is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, source: str, status: SourceStatus | None) -> None:
        """Say how a source does."""
        payload = b"" if status is None else _encode(status)
        await self._connection.publish(f"CU.source.{source}.status", payload)

    async def all(self) -> Mapping[str, SourceStatus]:
        """What was last said of each source."""
        found = await self._connection.get_last_of_each(STREAM, "CU.source.*.status")
        return {
            message.subject.split(".")[2]: _decode(message.payload)
            for message in found
            if message.payload
        }


_: type[SourceStatuses] = NatsSourceStatuses
