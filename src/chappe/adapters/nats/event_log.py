"""The event log on JetStream: one stream a channel, one message a block.

A block is an official CloudEvents Protobuf batch on the subject EV.<channel>.<shard>; its sequence in
the stream is the block's sequence. The writing side (group commit) is in `group_commit`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from chappe.adapters.nats.connection import Connection, Message
from chappe.adapters.nats.group_commit import BatchCommits, ChannelCommits
from chappe.adapters.nats.jetstream import (
    ensure_stream,
    find_stream,
    has_message,
    last_seq,
    stream_info,
)
from chappe.adapters.nats.tail import SIZE, ChannelTail
from chappe.domain.channel import Block, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position, shard_of
from chappe.formats.block import decode_block
from chappe.kit.told import told_to
from chappe.ports.event_log import EventLog, Extent

NAMED = 256
"""Blocks that were written and not yet read back; a node that reads nothing back forgets the oldest."""

CACHE_BYTES = 16 * 1024 * 1024
"""Decoded blocks kept for the readers of what was just written, by the size of their payloads."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much a channel keeps; 0: no bound. Replicas are the engine's copies.

    `own` are the bounds of channels that have others: age and size by name. What a channel says of
    itself goes before both.
    """

    age_s: float = 7 * 86_400
    size_bytes: int = 10 * 1024**3
    replicas: int = 1
    own: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    def of(self, channel: Channel) -> tuple[float, int]:
        """The age in seconds and the size in bytes that hold for a channel."""
        age_s, size_bytes = self.own.get(channel.name, (self.age_s, self.size_bytes))
        kept = channel.kept
        return (
            age_s if kept.max_age_s is None else kept.max_age_s,
            size_bytes if kept.max_bytes is None else kept.max_bytes,
        )


class NatsEventLog:
    """Channels as JetStream streams."""

    def __init__(self, connection: Connection, *, node: str, retention: Retention) -> None:
        self._connection = connection
        self._retention = retention
        self._cache = _BlockCache(CACHE_BYTES, node)
        self._singles: dict[str, ChannelCommits] = {}
        self._batches: dict[str, BatchCommits] = {}
        self._tails: dict[str, ChannelTail] = {}

    async def open_channel(self, channel: Channel) -> None:
        """Make the channel's stream, or take the one that exists."""
        stream = stream_of(channel.name)
        age_s, size_bytes = self._retention.of(channel)
        config: Mapping[str, object] = {
            "subjects": [f"EV.{channel.name}.*"],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": self._retention.replicas,
            "max_age": int(age_s * 1e9),
            "max_bytes": size_bytes or -1,
            "allow_direct": True,
            "allow_atomic": True,
            "duplicate_window": 100_000_000,  # ns; the engine's least: blocks carry no message id
            "metadata": {"chappe-shards": str(channel.shards)},
        }
        # The engine's copy of the shards' number never changes: another number is a Conflict.
        await ensure_stream(self._connection, stream, config)
        self._singles[channel.name] = ChannelCommits(self._connection, channel, self._cache)
        self._batches[channel.name] = BatchCommits(self._connection, channel, self._cache)
        self._tails[channel.name] = ChannelTail(
            self._connection,
            stream,
            f"EV.{channel.name}.*",
            partial(self._block_at_tail, channel.name),
        )

    async def keep(self, channel: Channel) -> None:
        """Keep what the channel's retention says from now on."""
        age_s, size_bytes = self._retention.of(channel)
        config = {"max_age": int(age_s * 1e9), "max_bytes": size_bytes or -1}
        await ensure_stream(self._connection, stream_of(channel.name), config)

    async def shards_of(self, channel: str) -> int | None:
        """The number of shards of a channel that exists; None if there is none of that name."""
        info = await find_stream(self._connection, stream_of(channel))
        return None if info is None else int(info.metadata["chappe-shards"])

    async def identity(self, channel: Channel) -> str:
        """A text that no other log has: what was derived from this one holds for it alone."""
        info = await self._connection.api(f"STREAM.INFO.{stream_of(channel.name)}")
        return f"{channel.name} {info['created']}"

    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        """Store the event with the next block of its shard."""
        caller: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self.begin(channel, event, told_to(caller))
        return caller

    def begin(
        self, channel: Channel, event: Event, done: Callable[[Position | Exception], None]
    ) -> None:
        """The same without a future."""
        # The key is worked out only where there are shards to choose from.
        shard = shard_of(event.key, channel.shards) if channel.shards > 1 else 0
        self._singles[channel.name].append(event, shard, done)

    async def append_all(self, channel: Channel, events: Sequence[Event]) -> Sequence[Position]:
        """Store all of the events or none."""
        if not events:
            return []
        return await self._batches[channel.name].append(events)

    async def read(
        self, channel: Channel, shard: int | None, after_block: int, *, limit_blocks: int = 64
    ) -> Sequence[Block]:
        """The next blocks after `after_block`."""
        messages = await self._connection.get_many(
            stream_of(channel.name),
            _subject(channel.name, shard),
            after_block + 1,
            limit=limit_blocks,
            max_bytes=4 * 1024 * 1024,
        )
        return [self._block(channel.name, message) for message in messages]

    async def get(self, channel: Channel, position: Position) -> Event | None:
        """The event that stands there, or None."""
        block = self._cache.block(channel.name, position.block)
        if block is None:
            block = await self.block(channel, position.block)
        if block is None or block.shard != position.shard or position.index >= len(block.events):
            return None
        return block.events[position.index]

    async def block(self, channel: Channel, seq: int) -> Block | None:
        """The block of that sequence, or None."""
        known = self._cache.block(channel.name, seq)
        if known is not None:
            return known
        message = await self._connection.get(stream_of(channel.name), seq)
        return None if message is None else self._block(channel.name, message)

    async def follow(
        self, channel: Channel, shard: int | None, after_block: int
    ) -> AsyncGenerator[Sequence[Block]]:
        """All blocks after `after_block`, then new ones as they come."""
        while True:
            try:
                async with aclosing(self._follow_once(channel, shard, after_block)) as following:
                    async for blocks in following:
                        after_block = blocks[-1].seq
                        yield blocks
            except Unavailable as problem:
                # The engine is away, or has no leader: go on behind what was given, once it is back.
                _log.debug("following %s waits: %s", channel.name, problem)
                await self._connection.wait_connected()
                await asyncio.sleep(AGAIN_S)

    async def extent(self, channel: Channel) -> Extent:
        """What the channel holds."""
        info = await stream_info(self._connection, stream_of(channel.name))
        age_ns, size_bytes = (int(str(info.config.get(n, 0))) for n in ("max_age", "max_bytes"))
        return Extent(
            info.first_seq or 1,
            info.last_seq,
            info.size_bytes,
            age_ns / 1e9,
            max(0, size_bytes),
        )

    async def last_block(self, channel: Channel, shard: int) -> int:
        """The sequence of the shard's last block."""
        stream = stream_of(channel.name)
        return await last_seq(self._connection, stream, _subject(channel.name, shard))

    async def block_at(self, channel: Channel, at_ms: int) -> int:
        """The last block committed before `at_ms`, by bisection: times grow with sequences."""
        extent = await self.extent(channel)
        low, high = extent.first_block - 1, extent.last_block
        while low < high:
            middle = (low + high + 1) // 2
            message = await self._connection.get(stream_of(channel.name), middle)
            if message is not None and message.timestamp_ms >= at_ms:
                high = middle - 1
            else:
                low = middle
        return low

    async def _follow_once(
        self, channel: Channel, shard: int | None, after_block: int
    ) -> AsyncGenerator[Sequence[Block]]:
        """What was there and what comes, until this reader falls too far behind."""
        tail = self._tails[channel.name]
        reader = await tail.join(shard)
        try:
            async with aclosing(
                self._catch_up(channel, shard, after_block, reader.begin)
            ) as missed:
                async for blocks in missed:
                    after_block = blocks[-1].seq
                    yield blocks
            while not reader.lost:
                came = [block for block in await reader.next() if block.seq > after_block]
                if came:
                    after_block = came[-1].seq
                    yield came
        finally:
            await tail.leave(reader)

    async def _catch_up(
        self, channel: Channel, shard: int | None, after_block: int, until_block: int
    ) -> AsyncGenerator[Sequence[Block]]:
        """What stands between `after_block` and where the tail was joined."""
        if after_block >= until_block:
            return
        stream, subject = stream_of(channel.name), _subject(channel.name, shard)
        # Not of a direct get: a replica may lag behind what the tail has passed.
        last = await last_seq(self._connection, stream, subject)
        if last <= after_block:
            return
        following = self._connection.follow(stream, subject, after_block + 1)
        try:
            async for messages in following:
                yield [self._block(channel.name, message) for message in messages]
                if messages[-1].stream_seq >= last:
                    return
        finally:
            await following.close()

    async def _block_at_tail(self, channel: str, message: Message) -> Block | None:
        """The block of a message that came without its payload; None if it was removed since."""
        seq = message.stream_seq
        events = self._cache.events(message.headers)
        if events is not None:
            block = Block(
                seq,
                _shard_of(message),
                message.timestamp_ms,
                message.headers.get(NODE, ""),
                events,
            )
            self._cache.put(channel, block, int(message.headers.get(SIZE, "0")))
            return block
        while True:
            known = self._cache.block(channel, seq)
            if known is not None:
                return known
            try:
                whole = await self._connection.get(stream_of(channel), seq)
                if whole is not None:
                    return self._block(channel, whole)
                # Removed, or the replica that answered lags behind: the leader knows.
                if not await has_message(self._connection, stream_of(channel), seq):
                    return None
            except Unavailable:
                await self._connection.wait_connected()
            await asyncio.sleep(LAG_S)

    def _block(self, channel: str, message: Message) -> Block:
        seq = message.stream_seq
        known = self._cache.block(channel, seq)
        if known is not None:
            return known
        events = self._cache.events(message.headers)
        block = Block(
            seq,
            _shard_of(message),
            message.timestamp_ms,
            message.headers.get(NODE, ""),
            decode_block(message.payload) if events is None else events,
        )
        self._cache.put(channel, block, len(message.payload))
        return block


MEDIA_TYPE = "application/cloudevents-batch+protobuf"
NODE = "Chappe-Node"
BLOCK = "Chappe-Block"
LAG_S = 0.02
AGAIN_S = 0.2

_log = logging.getLogger("chappe.nats")


def stream_of(channel: str) -> str:
    """The stream of a channel."""
    return f"EV_{channel}"


def _shard_of(message: Message) -> int:
    return int(message.subject.rpartition(".")[2])


def _subject(channel: str, shard: int | None) -> str:
    return f"EV.{channel}.{'*' if shard is None else shard}"


class _BlockCache:
    """The blocks that were written or read last, so that a node does not decode what it wrote.

    A block that is on its way has no sequence yet: it is known by a name that it carries. The engine
    may hand it to a follower before it acknowledges it.
    """

    def __init__(self, limit_bytes: int, node: str) -> None:
        self._limit = limit_bytes
        self._node = node
        self._run = secrets.token_hex(6)
        self._count = 0
        self._size = 0
        self._blocks: OrderedDict[tuple[str, int], tuple[Block, int]] = OrderedDict()
        self._named: OrderedDict[str, Sequence[Event]] = OrderedDict()

    def begin(self, events: Sequence[Event]) -> Mapping[str, str]:
        """A block goes out; the headers that it must carry."""
        self._count += 1
        name = f"{self._run}.{self._count}"
        self._named[name] = events
        if len(self._named) > NAMED:
            self._named.popitem(last=False)
        return {"Content-Type": MEDIA_TYPE, NODE: self._node, BLOCK: name}

    def events(self, headers: Mapping[str, str]) -> Sequence[Event] | None:
        """The events of the block that carries these headers, if this node wrote it just now."""
        return self._named.pop(headers.get(BLOCK, ""), None)

    def block(self, channel: str, seq: int) -> Block | None:
        """The block, if it was read lately."""
        entry = self._blocks.get((channel, seq))
        return None if entry is None else entry[0]

    def put(self, channel: str, block: Block, size: int) -> None:
        """Keep the block."""
        self._blocks[channel, block.seq] = (block, size)
        self._size += size
        while self._size > self._limit:
            self._size -= self._blocks.popitem(last=False)[1][1]


_: type[EventLog] = NatsEventLog
