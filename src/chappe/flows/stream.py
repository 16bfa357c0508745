"""Following a channel from outside: many readers, one tail, and nothing that grows with a slow reader.

    log ─► one tail a channel (while anybody reads it): the newest blocks, bounded in bytes
              ├─► reader at the end: takes what is new, encoded once for all
              └─► reader that fell behind: reads the log at its own pace until it is back

A reader is a place in the channel and a test, nothing else. Block sequences grow over the whole channel,
so one position tells exactly what was seen of all shards, at any node.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from chappe.domain.channel import Block, Channel
from chappe.domain.errors import Malformed, NotFound, Overloaded, Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position, is_position
from chappe.formats.times import unix_ms
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog

TAIL_BYTES: Final = 8 * 1024 * 1024
"""What a tail holds of the newest payloads; with their encodings it is some three times as much."""

PIECE_BYTES: Final = 64 * 1024
"""What a reader is given at a time, about, and so what one that stops reading holds."""

EVENT_BYTES: Final = 512
LAST_INDEX: Final = 999_999_999
"""An index after every event of a block."""

MOST_BLOCK: Final = 2**63 - 1
AGAIN_S: Final = 0.2

_log = logging.getLogger("chappe.stream")


class Tailed:
    """A block on its way to readers, and what it was encoded to for the first of them."""

    __slots__ = ("_encoded", "block", "size")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.size = sum(size_of(event) for event in block.events)
        self._encoded: dict[str, list[bytes | None]] = {}

    def encoded(
        self, form: str, indexes: Sequence[int], encode: Callable[[Event, Position, int], bytes]
    ) -> list[bytes]:
        """These events in one form; each is encoded once, however many read it.

        `encode` takes the event, its position, and when it was accepted (Unix, ms).
        """
        block = self.block
        known = self._encoded.get(form)
        if known is None:
            known = self._encoded[form] = [None] * len(block.events)
        found: list[bytes] = []
        for index in indexes:
            one = known[index]
            if one is None:
                position = Position(block.shard, block.seq, index)
                one = known[index] = encode(block.events[index], position, block.at_ms)
            found.append(one)
        return found


@dataclass(frozen=True, slots=True)
class Piece:
    """Some events of one block."""

    tailed: Tailed
    indexes: Sequence[int]


class _Tail:
    """The newest blocks of a channel; every block after `held_after` up to `reached` is there."""

    def __init__(self, channel: Channel, begin: int) -> None:
        self.channel = channel
        self.held_after = self.reached = begin
        self.readers: set[Reading] = set()
        self.task: asyncio.Task[None] | None = None
        self._blocks: list[Tailed] = []
        self._seqs: list[int] = []
        self._size = 0

    def put(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            tailed = Tailed(block)
            self._blocks.append(tailed)
            self._seqs.append(block.seq)
            self._size += tailed.size
            self.reached = block.seq
        if self._size > TAIL_BYTES:
            gone = 0
            # Half of it at once: taking from the front of a list is not free.
            while self._size > TAIL_BYTES // 2 and gone < len(self._blocks) - 1:
                self._size -= self._blocks[gone].size
                gone += 1
            self.held_after = self._seqs[gone - 1] if gone else self.held_after
            del self._blocks[:gone], self._seqs[:gone]
        for reader in self.readers:
            reader.wake()

    def after(self, block: int, most: int) -> Sequence[Tailed]:
        begin = bisect_right(self._seqs, block)
        return self._blocks[begin : begin + most]


class Reading:
    """One reader's place; made by `Streams.open`, and to be closed."""

    def __init__(
        self,
        streams: Streams,
        tail: _Tail,
        at: Position,
        wanted: Callable[[Event], bool] | None,
        log: EventLog,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._tail = tail
        self._wanted = wanted
        self._log = log
        self._clock = clock
        self._came = asyncio.Event()
        self.at = at
        """All up to and with this was given, or was not wanted."""
        self.ended = False

    async def next(self, within_s: float) -> Sequence[Piece]:
        """What comes next, some PIECE_BYTES of it; empty when nothing did in time, or at the end."""
        until_s = self._clock.monotonic_s() + within_s
        while not self.ended:
            self._came.clear()
            after = self.at.block - (self.at.index < LAST_INDEX)
            if after >= self._tail.held_after:
                blocks = self._tail.after(after, 64)
            else:
                blocks = await self._from_log(after)
            pieces = self._cut(blocks)
            if pieces:
                return pieces
            left_s = until_s - self._clock.monotonic_s()
            if left_s <= 0:
                break
            if blocks:
                await self._clock.sleep(0)  # None of many was wanted: others have their turn.
            else:
                await self._clock.wait(self._came, left_s)
        return ()

    def wake(self) -> None:
        """Look again: something came, or somebody went."""
        self._came.set()

    def end(self) -> None:
        """Give no more."""
        self.ended = True
        self._came.set()

    def close(self) -> None:
        """The reader reads no more; a second close does nothing."""
        self.end()
        self._streams.leave(self._tail, self)

    def _cut(self, blocks: Sequence[Tailed]) -> list[Piece]:
        pieces: list[Piece] = []
        size = 0
        for tailed in blocks:
            block = tailed.block
            begin = self.at.index + 1 if block.seq == self.at.block else 0
            indexes: list[int] = []
            for index in range(begin, len(block.events)):
                event = block.events[index]
                if self._wanted is not None and not self._wanted(event):
                    continue
                size += size_of(event)
                if size > PIECE_BYTES and (pieces or indexes):
                    self.at = Position(block.shard, block.seq, index - 1)
                    if indexes:
                        pieces.append(Piece(tailed, indexes))
                    return pieces
                indexes.append(index)
            if indexes:
                pieces.append(Piece(tailed, indexes))
            self.at = Position(block.shard, block.seq, LAST_INDEX)
        return pieces

    async def _from_log(self, after: int) -> Sequence[Tailed]:
        channel = self._tail.channel
        try:
            blocks = await self._log.read(channel, None, max(after, 0), limit_blocks=16)
            if not blocks:
                first = (await self._log.extent(channel)).first_block
                if first > after + 1:  # Retention has removed what came next.
                    self.at = Position(0, first - 1, LAST_INDEX)
                else:
                    await self._clock.sleep(AGAIN_S)  # A replica lags behind what the tail has.
                self.wake()
        except Unavailable:
            await self._clock.sleep(AGAIN_S)
            self.wake()
            return ()
        return [Tailed(block) for block in blocks]


class Streams:
    """Opens readers, and runs a tail for each channel that has some."""

    def __init__(
        self,
        log: EventLog,
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        *,
        limit: int,
    ) -> None:
        """At most `limit` readers at a time on this node."""
        self._log = log
        self._channels = channels
        self._clock = clock
        self._limit = limit
        self._tails: dict[str, _Tail] = {}
        self._opening = asyncio.Lock()
        self._tasks = Supervisor()
        self._over = asyncio.Event()
        self._others: set[Callable[[], None]] = set()
        self.open_readers = 0

    @property
    def limit(self) -> int:
        """How many may be open."""
        return self._limit

    @property
    def readers(self) -> Mapping[str, int]:
        """How many follow each channel."""
        return {name: len(tail.readers) for name, tail in self._tails.items()}

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self._tasks:
            await asyncio.Event().wait()

    async def open(
        self, channel: str, start: str, wanted: Callable[[Event], bool] | None
    ) -> Reading:
        """A reader of what comes after `start`: latest, earliest, a time (RFC 3339) or a position.

        Raises:
            NotFound: there is no such channel.
            Malformed: `start` is nothing of that.
            Overloaded: too many are open.
            Unavailable: the engine does not answer, or the node ends.
        """
        where = self._channels().get(channel)
        if where is None:
            raise NotFound(f"channel {channel!r}: there is none of that name")
        self._check_room()
        self.open_readers += 1
        try:
            at = await self._start(where, start)
            tail = await self._tail(where)
        except BaseException:
            self.open_readers -= 1
            raise
        reading = Reading(self, tail, at, wanted, self._log, self._clock)
        tail.readers.add(reading)
        return reading

    def enter(self, end: Callable[[], None]) -> Callable[[], None]:
        """Count a stream that reads nothing; `end` is called when the node shuts down.

        To be called in the end: what is given back.

        Raises:
            Overloaded, Unavailable: as `open`.
        """
        self._check_room()
        self.open_readers += 1
        self._others.add(end)

        def leave() -> None:
            if end in self._others:
                self._others.discard(end)
                self.open_readers -= 1

        return leave

    def end(self) -> None:
        """Let every reader come to its end: the node shuts down."""
        self._over.set()
        for end in self._others:
            end()
        for tail in self._tails.values():
            for reader in tail.readers:
                reader.end()

    def leave(self, tail: _Tail, reading: Reading) -> None:
        """The reader is gone; the last one ends its tail."""
        if reading not in tail.readers:
            return
        tail.readers.discard(reading)
        self.open_readers -= 1
        if not tail.readers and self._tails.get(tail.channel.name) is tail:
            del self._tails[tail.channel.name]
            if tail.task is not None:
                tail.task.cancel()

    def _check_room(self) -> None:
        if self._over.is_set():
            raise Unavailable("this node is shutting down; send the request again")
        if self.open_readers >= self._limit:
            raise Overloaded(
                f"streams: {self._limit} are open at this node, and no more may be (max_streams)"
            )

    async def _start(self, channel: Channel, start: str) -> Position:
        if is_position(start):
            found = Position.parse(start)
            return found._replace(block=min(found.block, MOST_BLOCK))
        if start == "earliest":
            return Position(0, 0, LAST_INDEX)
        if start == "latest":
            return Position(0, (await self._log.extent(channel)).last_block, LAST_INDEX)
        at_ms = unix_ms(start.replace(" ", "+"))
        if at_ms is None:
            raise Malformed(
                f"from: {start[:60]!r} is none of 'latest', 'earliest', a time (RFC 3339) and a"
                " position, such as 0-1041-7"
            )
        return Position(0, await self._log.block_at(channel, at_ms), LAST_INDEX)

    async def _tail(self, channel: Channel) -> _Tail:
        async with self._opening:
            tail = self._tails.get(channel.name)
            if tail is None:
                tail = _Tail(channel, (await self._log.extent(channel)).last_block)
                tail.task = self._tasks.start_soon(
                    self._follow(tail), name=f"stream {channel.name}"
                )
                self._tails[channel.name] = tail
            return tail

    async def _follow(self, tail: _Tail) -> None:
        try:
            async with aclosing(self._log.follow(tail.channel, None, tail.reached)) as following:
                async for blocks in following:
                    tail.put(blocks)
        except Exception:  # noqa: BLE001  # one channel must not end the node
            _log.exception("following channel %s failed; its streams end", tail.channel.name)
            if self._tails.get(tail.channel.name) is tail:
                del self._tails[tail.channel.name]
            for reader in tail.readers:
                reader.end()


def size_of(event: Event) -> int:
    """About what the event takes."""
    return EVENT_BYTES + len(event.data or b"")
