"""The log of events: blocks in channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chappe.domain.channel import Block, Channel
from chappe.domain.event import Event
from chappe.domain.position import Position


@dataclass(frozen=True, slots=True)
class Extent:
    """What a channel holds: its first and last block (first = last + 1 when empty), and bytes.

    `max_age_s` and `max_bytes` are what it keeps at most; 0: no bound.
    """

    first_block: int
    last_block: int
    size_bytes: int
    max_age_s: float = 0.0
    max_bytes: int = 0


class EventLog(Protocol):
    """Channels of blocks. Safe for any number of nodes at once."""

    async def open_channel(self, channel: Channel) -> None:
        """Make the channel, or take the one that exists.

        Raises:
            Conflict: it exists with another number of shards.
            Unavailable: the engine does not answer.
        """
        ...

    async def keep(self, channel: Channel) -> None:
        """Keep of the channel, which is open, what its retention says from now on.

        Older blocks are removed soon after; what was removed does not come back.

        Raises:
            Unavailable: the engine does not answer.
        """
        ...

    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        """Store the event at the end of its key's shard; done once it is on disk.

        The event joins the next block of its shard when this is called, not when it is awaited, so
        events of one key stand in the order of the calls. Appending an event twice stores it twice:
        duplicates are the reader's to drop.

        Not promised: that an event whose append failed is not stored.

        Raises:
            Overloaded: too many events are waiting to be stored (raised by the call itself).
            TooLarge: the event is larger than a block may be (raised by the call itself).
            Unavailable: the engine did not acknowledge. The event may or may not have been stored;
                append it again.
        """
        ...

    def begin(
        self, channel: Channel, event: Event, done: Callable[[Position | Exception], None]
    ) -> None:
        """The same without a future: `done` gets the position, or the Unavailable that it ended in.

        For the hot path: a future costs as much as encoding the event. `done` is called once, after
        this has returned, and must not raise.

        Raises:
            Overloaded, TooLarge: as for `append`; `done` is not called then.
        """
        ...

    async def append_all(self, channel: Channel, events: Sequence[Event]) -> Sequence[Position]:
        """Store all of the events or none, each at the end of its key's shard.

        Positions are in the order of `events`. Not promised: that they stand in one block, nor that
        an append which failed with Unavailable stored nothing (it stored all, or nothing).

        Raises:
            Overloaded, TooLarge, Unavailable: as for `append`.
        """
        ...

    async def read(
        self, channel: Channel, shard: int | None, after_block: int, *, limit_blocks: int = 64
    ) -> Sequence[Block]:
        """The next blocks after `after_block`, of one shard or (None) of all, in order.

        Empty when there are none yet. Blocks which retention removed are skipped.
        """
        ...

    async def get(self, channel: Channel, position: Position) -> Event | None:
        """The event that stands there, or None (never was, or no longer kept)."""
        ...

    async def block(self, channel: Channel, seq: int) -> Block | None:
        """The block of that sequence, or None."""
        ...

    def follow(
        self, channel: Channel, shard: int | None, after_block: int
    ) -> AsyncGenerator[Sequence[Block]]:
        """All blocks after `after_block` in order, then new ones as they come, for ever.

        Survives a restart of the engine without a gap and without a repetition. An iteration gives
        at least one block. Close it when you leave it: it holds a place at the end of the log.
        """
        ...

    async def extent(self, channel: Channel) -> Extent:
        """What the channel holds now. A block whose append was acknowledged before is in it."""
        ...

    async def last_block(self, channel: Channel, shard: int) -> int:
        """The sequence of the shard's last block that is kept, 0 without one; never of a replica that lags."""
        ...

    async def block_at(self, channel: Channel, at_ms: int) -> int:
        """The sequence of the last block committed before `at_ms` (Unix, ms); 0 when there is none."""
        ...
