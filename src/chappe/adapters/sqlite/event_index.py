"""The index of events in a SQLite file that can be made again from the log at any time.

Adding is what it is made for: an event holds the interpreter's lock for about a microsecond. Each
`add` is one transaction that writes one row with the columns of its events (`tail`), so that a
kill loses nothing. Some ten thousand events later the tail is sealed into a chunk (`chunks`). A
query walks the chunks from the end that was asked for and searches their columns (`search`).

Two threads, each with a connection of its own: a writer and a reader. What readers see of a
channel is one immutable `View`, which the writer replaces after a commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import msgspec

from chappe.adapters.sqlite.chunks import Chunk, Gone
from chappe.adapters.sqlite.search import View, find
from chappe.adapters.sqlite.sightings import sightings_in
from chappe.adapters.sqlite.writer import Bounds, Writer, connect, is_damage, tune
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Block
from chappe.domain.errors import Unavailable
from chappe.domain.position import Position
from chappe.domain.sighting import Sighting, joined
from chappe.ports.event_index import EventIndex, Found, Query

P = ParamSpec("P")
R = TypeVar("R")

_GREATEST: Final = (1 << 63) - 1
_attempts = msgspec.msgpack.Decoder(list[AttemptRow]).decode


class SqliteEventIndex:
    """The EventIndex port. Made by `open`, ended by `close`.

    Every method raises Unavailable when SQLite does. A file that turns out to be damaged is made
    again at once, empty: then `add` raises Unavailable for each channel until `reached` was asked.
    """

    def __init__(self, path: str, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._writing = ThreadPoolExecutor(1, "index-writer")
        # A database in memory has one connection, hence one thread.
        shared = path == ":memory:"
        self._reading = self._writing if shared else ThreadPoolExecutor(1, "index-reader")
        self._file: sqlite3.Connection
        self._mending = asyncio.Lock()
        self._sightings: dict[int, list[Sighting]] = {}  # of whole chunks, by number
        self._generation = 0
        self._unasked: frozenset[str] = frozenset()
        self._closed = False

    @classmethod
    async def open(
        cls, path: Path | str, *, log: str, bounds: Bounds | None = None
    ) -> SqliteEventIndex:
        """Open the file at `path`, or ":memory:".

        A file that is damaged, of another version, or made from another log than `log` (any text
        that names the log's identity) is deleted; the index then starts at the log's beginning.

        Raises:
            Unavailable: the file cannot be opened or made, or another process holds it.
        """
        index = cls(str(path), Writer(str(path), log, bounds or Bounds()))
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(index._writing, index._writer.open)
            await loop.run_in_executor(index._reading, index._connect)
        except (sqlite3.Error, OSError) as exc:
            index._shut_down()
            raise Unavailable(f"event index {path}: {exc}") from exc
        return index

    async def add(
        self, channel: str, blocks: Sequence[Block], attempts: Sequence[AttemptRow] = ()
    ) -> None:
        """As the port says."""
        if channel in self._unasked:
            raise Unavailable(f"event index {self._path}: it starts over; ask `reached` first")
        await self._in(self._writing, self._writer.add, channel, blocks, attempts)

    async def reached(self, channel: str) -> int:
        """As the port says."""
        self._unasked -= {channel}
        known = self._writer.channels.get(channel)
        return known.reached if known else 0

    async def find(self, query: Query) -> Sequence[Found]:
        """As the port says."""
        return await self._in(self._reading, self._find, query)

    async def attempts(self, channel: str, position: Position) -> Sequence[AttemptRow]:
        """As the port says."""
        return await self._in(self._reading, self._attempts, channel, position)

    async def counts(self, channel: str) -> Mapping[str, int]:
        """As the port says."""
        known = self._writer.channels.get(channel)
        # dict() over texts runs no Python code: the writer's thread cannot come between.
        return dict(known.counts) if known else {}

    async def sightings(self, channel: str, *, since_ms: int | None = None) -> Sequence[Sighting]:
        """As the port says.

        A chunk is counted when it is asked for the first time, which takes some 10 ms.
        """
        known = self._writer.channels.get(channel)
        if known is None:
            return []
        return await self._in(self._reading, self._all_sightings, known.view, since_ms)

    async def close(self) -> None:
        """As the port says; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await self._in(self._reading, self._file.close)
        await self._in(self._writing, self._writer.file.close)
        self._shut_down()

    def _connect(self) -> None:
        self._sightings.clear()
        if self._reading is self._writing:
            self._file = self._writer.file
        else:
            self._file = connect(self._path)
            tune(self._file)
            self._file.execute("PRAGMA query_only = 1")

    def _find(self, query: Query) -> Sequence[Found]:
        channel = self._writer.channels.get(query.channel)
        return find(self._file, channel.view, query) if channel else []

    def _attempts(self, name: str, position: Position) -> Sequence[AttemptRow]:
        channel = self._writer.channels.get(name)
        if channel is None:
            return []
        rows = [
            row
            for (body,) in self._file.execute(
                "SELECT body FROM attempt WHERE channel = ? AND block = ? ORDER BY no",
                (channel.view.no, min(position.block, _GREATEST)),
            )
            for row in _attempts(body)
            if row.position == position
        ]
        # The same row may come twice: what feeds the index reads at least once.
        return sorted(dict.fromkeys(rows), key=lambda row: (row.at_ms, row.attempt))

    def _all_sightings(self, view: View, since_ms: int | None) -> Sequence[Sighting]:
        size, parts, whole = view.tail.size, list[Sequence[Sighting]](), self._sightings
        for header in view.headers:
            if since_ms is not None and header.newest_ms < since_ms:
                continue
            is_whole = since_ms is None or header.oldest_ms >= since_ms
            try:
                if is_whole and header.no in whole:
                    parts.append(whole[header.no])
                    continue
                part = sightings_in(
                    Chunk(self._file, header), header.events, None if is_whole else since_ms
                )
            except Gone:
                continue  # pruned meanwhile: its events are listed no more
            parts.append(part)
            if is_whole:
                whole[header.no] = part
        if size:
            parts.append(sightings_in(view.tail, size, since_ms))
        self._forget_dropped()
        return joined(parts)

    def _forget_dropped(self) -> None:
        channels = list(self._writer.channels.values())
        kept = {header.no for channel in channels for header in channel.view.headers}
        for number in self._sightings.keys() - kept:
            del self._sightings[number]

    async def _in(
        self, thread: ThreadPoolExecutor, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        generation = self._generation
        try:
            return await asyncio.get_running_loop().run_in_executor(
                thread, lambda: work(*args, **kwargs)
            )
        except (sqlite3.Error, msgspec.DecodeError) as exc:
            if is_damage(exc):
                await self._start_over(generation)
            raise Unavailable(f"event index {self._path}: {exc}") from exc

    async def _start_over(self, generation: int) -> None:
        async with self._mending:
            if generation != self._generation or self._closed:
                return  # another call has done it
            self._generation += 1
            self._unasked = frozenset(self._writer.channels)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._reading, self._file.close)
            await loop.run_in_executor(self._writing, self._writer.start_over)
            await loop.run_in_executor(self._reading, self._connect)

    def _shut_down(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()


_: type[EventIndex] = SqliteEventIndex
