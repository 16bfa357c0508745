"""Where a subscription begins: the block of its channel after which events are for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from chappe.domain.channel import Channel
from chappe.domain.errors import Malformed, NotFound
from chappe.domain.position import Position, is_position
from chappe.formats.times import unix_ms
from chappe.ports.event_log import EventLog

MOST_BLOCK: Final = 2**63 - 1
"""No log gets there."""


class Begin:
    """Finds the block; what comes before the start within the next one, the subscription's span tells."""

    def __init__(self, log: EventLog, channels: Callable[[], Mapping[str, Channel]]) -> None:
        self._log = log
        self._channels = channels

    async def __call__(self, name: str, start: str) -> int:
        """The block after which "latest", "earliest", a time (RFC 3339) or a position begins.

        A position begins with its own event, a time with what was accepted then or later, which may be
        in the future.

        Raises:
            NotFound: there is no such channel.
            Malformed: the position is none of the channel.
        """
        channel = self._channels().get(name)
        if channel is None:
            raise NotFound(f"channel {name!r}: there is none of that name")
        if start == "earliest":
            return 0
        at_ms = unix_ms(start)
        if at_ms is not None:
            return await self._log.block_at(channel, at_ms)
        if is_position(start):
            return _before(channel, Position.parse(start))
        return (await self._log.extent(channel)).last_block


def _before(channel: Channel, position: Position) -> int:
    if position.shard >= channel.shards:
        raise Malformed(
            f"start: {str(position)!r}: channel {channel.name} has the shards 0 to"
            f" {channel.shards - 1}"
        )
    if position.block > MOST_BLOCK:
        raise Malformed(f"start: {str(position)!r}: no log is that long")
    return max(0, position.block - 1)
