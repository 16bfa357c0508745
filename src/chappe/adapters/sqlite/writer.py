"""Taking events into the file; everything here runs in the writer's thread."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from chappe.adapters.sqlite import chunks
from chappe.adapters.sqlite.chunks import Chunk
from chappe.adapters.sqlite.columns import pack
from chappe.adapters.sqlite.known import Known
from chappe.adapters.sqlite.search import View
from chappe.adapters.sqlite.tail import Batch, Sift, Tail, key_of
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import RECORDS, Block
from chappe.domain.event import Event

_SOURCES_LIMIT: Final = 65_536  # remembered hashes; a hub of more sources works them out again
_GROUP_ROWS: Final = 10  # attempts in one row of the file: it fits into a page beside others
_PRUNED_GROUPS: Final = 4_096
_SLACK: Final = 8  # an event may outlive the greatest age by 1/8 of it
_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_batch = msgspec.msgpack.Decoder(Batch).decode


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the index may hold; without a bound it grows with the log.

    `max_age_ms` is counted from the newest block that was taken in. `max_bytes` bounds the used
    pages of the file and is kept to one chunk; the newest `chunk_events` are always held.
    """

    max_age_ms: int | None = None
    max_bytes: int | None = None
    chunk_events: int = 32_768
    tail_events: int = 65_536  # in memory, over all channels

    def __post_init__(self) -> None:
        most = chunks.ROWS_LIMIT // 2
        if not 1 <= self.chunk_events <= most:
            raise ValueError(f"chunk_events: {self.chunk_events}; 1 to {most} are possible")


class Channel:
    """A channel as the writer knows it."""

    def __init__(self, no: int, reached: int = 0, floor: int = 0, *, distinct: bool = True) -> None:
        self.distinct = distinct  # whether a repeated event is a duplicate
        self.reached = reached
        self.floor = floor
        self.counts: Counter[str] = Counter()
        self.known = Known(0)
        self.forgotten = 0  # events that were dropped, but are in `known`
        self.view = View(no, (), Tail())

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest chunk, or else the tail, begins."""
        if self.view.headers:
            return self.view.headers[0].oldest_ms
        return self.view.tail.oldest_ms if self.view.tail.size else None


class Writer:
    """The only one who changes the file; `channels` may be read from other threads."""

    def __init__(self, path: str, log: str, bounds: Bounds) -> None:
        self._path = path
        self._log = log
        self._bounds = bounds
        self.file: sqlite3.Connection
        self._forget()

    def open(self) -> None:
        """Open the file, or make it; one that is damaged or made from something else is deleted."""
        self.file = connect(self._path)
        try:
            self._load()
        except (_Foreign, sqlite3.DatabaseError, msgspec.DecodeError) as exc:
            if not isinstance(exc, _Foreign) and not is_damage(exc):
                self.file.close()
                raise
            self.start_over()

    def start_over(self) -> None:
        """Delete the file and make it again, empty; nobody else may have it open."""
        self.file.close()
        for suffix in ("", "-wal", "-shm"):
            Path(self._path + suffix).unlink(missing_ok=True)
        self._forget()
        self.file = connect(self._path)
        self._load()

    def add(self, name: str, blocks: Sequence[Block], attempts: Sequence[AttemptRow]) -> None:
        """Take in blocks and attempts; one transaction, or one for each chunk that they fill."""
        channel = self._channel(name)
        *parts, last = list(self._parts(channel, blocks)) or [list[Block]()]
        for part in parts:
            self._add_part(channel, part, ())
        self._add_part(channel, last, attempts)
        self._tidy()

    def _forget(self) -> None:
        self.channels: dict[str, Channel] = {}
        self._source_bits: dict[str, int] = {}
        self._next_chunk = 1
        self._next_group = 1
        self._newest_ms = 0
        self._tidy_ms = 0

    def _load(self) -> None:
        file = self.file
        tune(file)
        file.execute("PRAGMA journal_mode = WAL")
        version = file.execute("PRAGMA user_version").fetchone()[0]
        fresh = not file.execute("SELECT 1 FROM sqlite_master").fetchone()
        if fresh:
            file.executescript(f"BEGIN; {chunks.SCHEMA}; PRAGMA user_version = {chunks.VERSION};")
            file.execute("INSERT INTO log VALUES (?, 1)", (self._log,))
            file.execute("COMMIT")
        elif version != chunks.VERSION:
            raise _Foreign
        identity, self._next_group = file.execute("SELECT identity, groups FROM log").fetchone()
        if identity != self._log:
            raise _Foreign
        for no, name, reached, floor in file.execute("SELECT * FROM channel").fetchall():
            self.channels[name] = self._load_channel(
                Channel(no, reached, floor, distinct=name not in RECORDS)
            )

    def _load_channel(self, channel: Channel) -> Channel:
        no, tail = channel.view.no, Tail()
        headers = tuple(chunks.headers(self.file, no))
        for header in headers:
            channel.counts.update(chunks.counts_of(self.file, header))
            self._next_chunk = max(self._next_chunk, header.no + 1)
            self._newest_ms = max(self._newest_ms, header.newest_ms)
        for (body,) in self.file.execute(
            "SELECT body FROM tail WHERE channel = ? ORDER BY no", (no,)
        ):
            batch = _batch(body)
            tail.extend(batch, list(map(key_of, batch.sources, batch.ids)))
        channel.counts.update(tail.types)
        self._newest_ms = max([self._newest_ms, *tail.runs.ats])
        channel.view = View(no, headers, tail)
        self._know(channel)
        return channel

    def _parts(self, channel: Channel, blocks: Sequence[Block]) -> Iterator[list[Block]]:
        """The blocks that are not known yet, cut so that a part fills no more than a chunk."""
        part, events, reached = list[Block](), 0, channel.reached
        for block in blocks:
            if block.seq <= reached:
                continue
            reached = block.seq
            if part and (
                events >= self._bounds.chunk_events or self._is_old(part[0].at_ms, block.at_ms)
            ):
                yield part
                part, events = [], 0
            part.append(block)
            events += len(block.events)
        if part:
            yield part

    def _is_old(self, at_ms: int, newest_ms: int) -> bool:
        """Whether an event of `at_ms` must not share a chunk with one of `newest_ms`."""
        max_age_ms = self._bounds.max_age_ms
        return max_age_ms is not None and at_ms < newest_ms - max_age_ms // _SLACK // 2

    def _add_part(
        self, channel: Channel, blocks: Sequence[Block], attempts: Sequence[AttemptRow]
    ) -> None:
        tail = channel.view.tail
        if tail.size and blocks and self._is_old(tail.oldest_ms, blocks[-1].at_ms):
            self._seal(channel)
        no, sift = channel.view.no, Sift(blocks) if blocks else None
        keys = sift.keys(self._source_bits) if sift else []
        batch: Batch | None = None
        if sift and sift.events:
            left_out = self._left_out(channel, sift, keys) if channel.distinct else set()
            batch = sift.batch(left_out)
            if left_out:
                keys = [key for at, key in enumerate(keys) if at not in left_out]
        groups = list(self._groups(attempts))
        with _Transaction(self.file):
            if blocks:
                self.file.execute(
                    "UPDATE channel SET reached = ? WHERE no = ?", (blocks[-1].seq, no)
                )
            if batch and keys:
                self.file.execute(
                    "INSERT INTO tail (channel, body) VALUES (?, ?)", (no, pack(batch))
                )
            if groups:
                chunks.insert_many(self.file, "INSERT INTO attempt VALUES {rows}", 5, groups)
                self.file.execute("UPDATE log SET groups = ?", (self._next_group,))
        if batch and keys:
            channel.counts.update(batch.types)
            channel.view.tail.extend(batch, keys)
        if blocks:
            channel.reached = blocks[-1].seq
            self._newest_ms = max(self._newest_ms, *[block.at_ms for block in blocks], 0)
        if channel.view.tail.size >= self._bounds.chunk_events:
            self._seal(channel)
        if channel.known.full or channel.forgotten > channel.known.keys // 2:
            self._know(channel)

    def _channel(self, name: str) -> Channel:
        known = self.channels.get(name)
        if known is None:
            cursor = self.file.execute("INSERT INTO channel VALUES (NULL, ?, 0, 0)", (name,))
            known = self.channels[name] = Channel(
                cursor.lastrowid or 0, distinct=name not in RECORDS
            )
        return known

    def _left_out(self, channel: Channel, sift: Sift, keys: Sequence[int]) -> set[int]:
        """Which of the events are duplicates: of each other, of the tail, of sealed events."""
        left_out = set[int]()
        for at in channel.known.suspects(keys):
            event, key = sift.events[at], keys[at]
            if (
                channel.view.tail.holds(event.source, event.id, key)
                or sift.repeats(at, keys)
                or self._is_sealed(channel.view, event, key)
            ):
                left_out.add(at)
        return left_out

    def _is_sealed(self, view: View, event: Event, key: int) -> bool:
        for number, row in chunks.rows_of_keys(self.file, view.no, key, key):
            header = next(header for header in view.headers if header.no == number)
            chunk = Chunk(self.file, header)
            # Equal keys need not mean equal events.
            if chunk.column("id").get(row) == event.id:
                if chunk.column("source").get(row) == event.source:
                    return True
        return False

    def _know(self, channel: Channel) -> None:
        """Make the filter again, for everything that is listed."""
        view = channel.view
        known = Known(2 * (view.tail.size + sum(header.events for header in view.headers)))
        for header in view.headers:
            known.add(Chunk(self.file, header).keys())
        known.add(view.tail.keys)
        channel.known, channel.forgotten = known, 0

    def _groups(self, attempts: Sequence[AttemptRow]) -> Iterator[object]:
        """The cells of the rows for the attempts; those of one block go together."""
        groups: dict[tuple[str, int], list[AttemptRow]] = {}
        for row in attempts:
            groups.setdefault((row.channel, row.block), []).append(row)
        for (name, block), rows in groups.items():
            channel = self._channel(name)
            if block <= channel.floor:
                continue
            for at in range(0, len(rows), _GROUP_ROWS):
                some = rows[at : at + _GROUP_ROWS]
                yield from (channel.view.no, block, self._next_group, some[-1].at_ms, pack(some))
                self._next_group += 1

    def _seal(self, channel: Channel) -> None:
        view = channel.view
        with _Transaction(self.file):
            header = chunks.seal(self.file, view.no, self._next_chunk, view.tail)
        self._next_chunk += 1
        channel.view = View(view.no, (*view.headers, header), Tail())
        if len(self._source_bits) > _SOURCES_LIMIT:
            self._source_bits.clear()
        self._prune_bytes()

    def _tidy(self) -> None:
        """Seal what is old or too much for memory; drop what is over the greatest age."""
        channels = self.channels.values()
        while sum(channel.view.tail.size for channel in channels) > self._bounds.tail_events:
            self._seal(max(channels, key=lambda channel: channel.view.tail.size))
        max_age_ms = self._bounds.max_age_ms
        if max_age_ms is None or self._newest_ms < self._tidy_ms:
            return
        slack_ms = max_age_ms // _SLACK
        self._tidy_ms = self._newest_ms + slack_ms // 4
        horizon_ms = self._newest_ms - max_age_ms
        for channel in channels:
            tail = channel.view.tail
            if tail.size and self._is_old(tail.oldest_ms, self._newest_ms):
                self._seal(channel)
            while channel.view.headers and channel.view.headers[0].newest_ms < horizon_ms:
                self._drop(channel)
            self._drop_attempts(channel, horizon_ms)

    def _prune_bytes(self) -> None:
        max_bytes = self._bounds.max_bytes
        while max_bytes is not None and self._used_bytes() > max_bytes:
            sealed = [channel for channel in self.channels.values() if channel.view.headers]
            if not sealed:
                return
            self._drop(min(sealed, key=lambda channel: channel.view.headers[0].oldest_ms))

    def _used_bytes(self) -> int:
        page, pages, free = (
            self.file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        return int(page * (pages - free))

    def _drop(self, channel: Channel) -> None:
        """Drop the channel's oldest chunk, and the attempts for its events."""
        view = channel.view
        header, rest = view.headers[0], view.headers[1:]
        floor = max(channel.floor, header.last_block)
        with _Transaction(self.file):
            counts = chunks.drop(self.file, view.no, header)
            self.file.execute("UPDATE channel SET floor = ? WHERE no = ?", (floor, view.no))
            self.file.execute(
                "DELETE FROM attempt WHERE channel = ? AND block <= ?", (view.no, floor)
            )
        channel.floor = floor
        channel.counts = channel.counts - Counter(counts)
        channel.view = replace(view, headers=rest)
        channel.forgotten += header.events

    def _drop_attempts(self, channel: Channel, horizon_ms: int) -> None:
        """Drop old attempts, from the lowest block on; for channels whose events are not here."""
        self.file.execute(
            "DELETE FROM attempt WHERE channel = ?1 AND at_ms < ?2 AND block <="
            " (SELECT max(block) FROM (SELECT block, at_ms FROM attempt WHERE channel = ?1"
            "  ORDER BY block LIMIT ?3) WHERE at_ms < ?2)",
            (channel.view.no, horizon_ms, _PRUNED_GROUPS),
        )


def connect(path: str) -> sqlite3.Connection:
    """A connection; whoever uses it from several threads does so one at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def tune(file: sqlite3.Connection) -> None:
    """Set the connection to fast: a crash of the machine may damage the file, the log mends it."""
    file.execute("PRAGMA synchronous = OFF")
    file.execute("PRAGMA wal_autocheckpoint = 4000")
    file.execute("PRAGMA cache_size = -32768")
    file.execute("PRAGMA temp_store = MEMORY")


def is_damage(exc: BaseException) -> bool:
    """Whether SQLite says that the file itself is wrong."""
    code = getattr(exc, "sqlite_errorcode", None)  # set by SQLite's own errors only
    return isinstance(exc, msgspec.DecodeError) or (code is not None and code & 0xFF in _CORRUPT)


class _Foreign(Exception):
    """The file was made by another version, or from another log."""


class _Transaction:
    """BEGIN, and COMMIT or ROLLBACK."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._file.execute("COMMIT")
        elif self._file.in_transaction:
            self._file.execute("ROLLBACK")
