"""The reference event log: blocks in a list. Nothing outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from chappe.domain.channel import Block, Channel, Kept
from chappe.domain.errors import Conflict
from chappe.domain.event import Event
from chappe.domain.position import Position, shard_of
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog, Extent


@dataclass(slots=True)
class _Stream:
    shards: int
    blocks: list[Block] = field(default_factory=list)
    last: Latest[int] = field(default_factory=lambda: Latest(0))


class MemoryEventLog:
    """Every append is a block of its own; `append_all` makes one block a shard."""

    def __init__(self, clock: Clock, *, node: str = "memory") -> None:
        self._clock = clock
        self._node = node
        self._streams: dict[str, _Stream] = {}
        self._kept: dict[str, Kept] = {}

    async def open_channel(self, channel: Channel) -> None:
        """Make the channel, or take the one that exists."""
        stream = self._streams.setdefault(channel.name, _Stream(channel.shards))
        if stream.shards != channel.shards:
            raise Conflict(
                f"channel {channel.name}: it has {stream.shards} shards, not {channel.shards}; "
                "the number is fixed when the channel is made"
            )

    async def keep(self, channel: Channel) -> None:
        """Everything is kept; the bounds are told."""
        self._kept[channel.name] = channel.kept

    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        """Store the event in a block of its own."""
        stored: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        stored.set_result(self._store(channel, shard_of(event.key, channel.shards), [event])[0])
        return stored

    def begin(
        self, channel: Channel, event: Event, done: Callable[[Position | Exception], None]
    ) -> None:
        """Store the event in a block of its own, and tell in the loop's next turn."""
        (position,) = self._store(channel, shard_of(event.key, channel.shards), [event])
        asyncio.get_running_loop().call_soon(done, position)

    async def append_all(self, channel: Channel, events: Sequence[Event]) -> Sequence[Position]:
        """Store all of the events, one block a shard."""
        by_shard: dict[int, list[int]] = {}
        for number, event in enumerate(events):
            by_shard.setdefault(shard_of(event.key, channel.shards), []).append(number)
        positions: dict[int, Position] = {}
        for shard, numbers in by_shard.items():
            stored = self._store(channel, shard, [events[number] for number in numbers])
            positions.update(zip(numbers, stored, strict=True))
        return [positions[number] for number in range(len(events))]

    async def read(
        self, channel: Channel, shard: int | None, after_block: int, *, limit_blocks: int = 64
    ) -> Sequence[Block]:
        """The next blocks after `after_block`."""
        blocks = self._streams[channel.name].blocks[after_block:]
        return [block for block in blocks if shard is None or block.shard == shard][:limit_blocks]

    async def get(self, channel: Channel, position: Position) -> Event | None:
        """The event that stands there, or None."""
        block = await self.block(channel, position.block)
        if block is None or block.shard != position.shard or position.index >= len(block.events):
            return None
        return block.events[position.index]

    async def block(self, channel: Channel, seq: int) -> Block | None:
        """The block of that sequence, or None."""
        blocks = self._streams[channel.name].blocks
        return blocks[seq - 1] if 1 <= seq <= len(blocks) else None

    async def follow(
        self, channel: Channel, shard: int | None, after_block: int
    ) -> AsyncGenerator[Sequence[Block]]:
        """All blocks after `after_block`, then new ones as they come."""
        last = self._streams[channel.name].last
        while True:
            newest = last.value
            blocks = await self.read(channel, shard, after_block)
            if blocks:
                after_block = blocks[-1].seq
                yield blocks
            else:
                after_block = max(after_block, newest)
                await last.wait_until(lambda seq, seen=newest: seq > seen)  # type: ignore[misc]

    async def extent(self, channel: Channel) -> Extent:
        """What the channel holds."""
        blocks = self._streams[channel.name].blocks
        size = sum(len(event.data or b"") for block in blocks for event in block.events)
        kept = self._kept.get(channel.name, channel.kept)
        return Extent(1, len(blocks), size, kept.max_age_s or 0.0, kept.max_bytes or 0)

    async def last_block(self, channel: Channel, shard: int) -> int:
        """The sequence of the shard's last block."""
        blocks = self._streams[channel.name].blocks
        return max((block.seq for block in blocks if block.shard == shard), default=0)

    async def block_at(self, channel: Channel, at_ms: int) -> int:
        """The last block committed before `at_ms`."""
        blocks = self._streams[channel.name].blocks
        return max((block.seq for block in blocks if block.at_ms < at_ms), default=0)

    def _store(self, channel: Channel, shard: int, events: Sequence[Event]) -> list[Position]:
        stream = self._streams[channel.name]
        seq = len(stream.blocks) + 1
        stream.blocks.append(Block(seq, shard, self._clock.now_ms(), self._node, tuple(events)))
        stream.last.set(seq)
        return [Position(shard, seq, index) for index in range(len(events))]


_: type[EventLog] = MemoryEventLog
