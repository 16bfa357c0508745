"""Sealed chunks in the file: some ten thousand events each, as columns, and the keys of their ids.

    chunk    one row a chunk: where it begins and ends, how many events of which type
    part     the pages of its columns, at number << 16 | column << 13 | page
    by_id    the keys of a chunk's events, in order, each with its row

Nothing is ever inserted between older entries: what is written is appended, and dropped as a
whole. (One index over all keys costs 10 us an event at a million events, and grows.)
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chappe.adapters.sqlite.columns import (
    Column,
    Hashed,
    Runs,
    decode,
    encode,
    pack,
    texts,
)
from chappe.adapters.sqlite.tail import Tail, tally

SCHEMA: Final = """
CREATE TABLE log (identity TEXT NOT NULL, groups INTEGER NOT NULL);
CREATE TABLE channel (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    reached INTEGER NOT NULL,
    floor INTEGER NOT NULL
);
CREATE TABLE tail (no INTEGER PRIMARY KEY, channel INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE chunk (
    no INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    events INTEGER NOT NULL,
    first_block INTEGER NOT NULL,
    last_block INTEGER NOT NULL,
    oldest_ms INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL,
    counts BLOB NOT NULL
);
CREATE TABLE part (no INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE INDEX chunk_of_channel ON chunk (channel, no);
CREATE TABLE by_id (
    chunk INTEGER NOT NULL,
    key INTEGER NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (chunk, key, row)
) WITHOUT ROWID;
CREATE TABLE attempt (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    no INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (channel, block, no)
) WITHOUT ROWID;
"""
VERSION: Final = 1
"""Of the schema and of everything in the blobs; a file of another version is made again."""

ROWS_LIMIT: Final = 1 << 22
_COLUMN_BITS, _PAGE_BITS = 3, 13  # 8192 pages of 1024 rows, more than ROWS_LIMIT asks for
_COLUMNS: Final = ("type", "source", "subject", "id")
_RUNS: Final = len(_COLUMNS)
_counts = msgspec.msgpack.Decoder(dict[str, int]).decode


class Gone(Exception):
    """The chunk was pruned while it was being read."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a chunk without opening it."""

    no: int
    events: int
    first_block: int
    last_block: int
    oldest_ms: int
    newest_ms: int


class Chunk:
    """One chunk, read part by part as it is asked for."""

    def __init__(self, file: sqlite3.Connection, header: Header) -> None:
        self._file = file
        self._no = header.no
        self._columns: dict[str, Column] = {}
        self._runs: Runs | None = None

    def column(self, name: str) -> Column:
        """The column of an attribute."""
        if name not in self._columns:
            number = _COLUMNS.index(name)

            def load(page: int) -> bytes:
                return self._load(number, page)

            # Ids have keys where others have hashes; a row is found through by_id.
            self._columns[name] = Hashed(load) if name == "id" else decode(load)
        return self._columns[name]

    def columns(self, names: Iterable[str]) -> Mapping[str, Column]:
        """The columns of these attributes."""
        return {name: self.column(name) for name in names}

    @property
    def runs(self) -> Runs:
        """Where its rows stand in the log."""
        if self._runs is None:
            self._runs = Runs.decode(self._load(_RUNS, 0))
        return self._runs

    def keys(self) -> array[int]:
        """The key of each row."""
        keys = array("q")
        keys.frombytes(self._load(_COLUMNS.index("id"), 1))
        return keys

    def _load(self, column: int, page: int) -> bytes:
        number = _part(self._no, column, page)
        row = self._file.execute("SELECT body FROM part WHERE no = ?", (number,)).fetchone()
        if row is None:
            raise Gone
        body: bytes = row[0]
        return body


def seal(file: sqlite3.Connection, channel: int, number: int, tail: Tail) -> Header:
    """Write the tail as chunk `number`, inside the caller's transaction."""
    columns = [
        encode(tail.types),
        encode(tail.sources),
        encode(tail.subjects),
        [pack(None), tail.keys.tobytes(), *texts(tail.ids)],
        [tail.runs.encode()],
    ]
    file.executemany(
        "INSERT INTO part VALUES (?, ?)",
        [
            (_part(number, column, page), body)
            for column, pages in enumerate(columns)
            for page, body in enumerate(pages)
        ],
    )
    file.execute("CREATE TEMP TABLE IF NOT EXISTS fresh (key INTEGER, row INTEGER)")
    cells = [cell for row, key in enumerate(tail.keys) for cell in (key, row)]
    insert_many(file, "INSERT INTO fresh VALUES {rows}", 2, cells)
    # SQLite sorts them without the interpreter's lock.
    file.execute("INSERT INTO by_id SELECT ?, key, row FROM fresh ORDER BY key, row", (number,))
    file.execute("DELETE FROM fresh")
    runs = tail.runs
    header = Header(
        number, tail.size, min(runs.blocks), max(runs.blocks), min(runs.ats), max(runs.ats)
    )
    file.execute(
        "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            channel,
            header.events,
            header.first_block,
            header.last_block,
            header.oldest_ms,
            header.newest_ms,
            pack(tally(tail.types)),
        ),
    )
    file.execute("DELETE FROM tail WHERE channel = ?", (channel,))
    return header


def drop(file: sqlite3.Connection, channel: int, header: Header) -> Mapping[str, int]:
    """Delete a chunk inside the caller's transaction; how many events of each type went."""
    file.execute("DELETE FROM by_id WHERE chunk = ?", (header.no,))
    counts = counts_of(file, header)
    bounds = (_part(header.no, 0, 0), _part(header.no + 1, 0, 0))
    file.execute("DELETE FROM part WHERE no >= ? AND no < ?", bounds)
    file.execute("DELETE FROM chunk WHERE no = ?", (header.no,))
    return counts


def headers(file: sqlite3.Connection, channel: int) -> Iterator[Header]:
    """The channel's chunks, oldest first."""
    for row in file.execute(
        "SELECT no, events, first_block, last_block, oldest_ms, newest_ms FROM chunk"
        " WHERE channel = ? ORDER BY no",
        (channel,),
    ):
        yield Header(*row)


def counts_of(file: sqlite3.Connection, header: Header) -> Mapping[str, int]:
    """How many events of each type the chunk has."""
    row = file.execute("SELECT counts FROM chunk WHERE no = ?", (header.no,)).fetchone()
    return _counts(row[0])


def rows_of_keys(
    file: sqlite3.Connection, channel: int, least: int, greatest: int
) -> Iterator[tuple[int, int]]:
    """(chunk, row) of the channel's sealed events whose keys are in that span."""
    return file.execute(
        "SELECT c.no, k.row FROM chunk c CROSS JOIN by_id k ON k.chunk = c.no"
        " WHERE c.channel = ? AND k.key BETWEEN ? AND ?",
        (channel, least, greatest),
    )


def insert_many(file: sqlite3.Connection, sql: str, width: int, cells: Sequence[object]) -> None:
    """Insert rows of `width` cells, hundreds by one statement.

    The interpreter's lock is let go and asked for again once a statement; once a row, as
    executemany does it, the writer would wait up to 5 ms for each row while the loop is busy.
    """
    at, size = 0, len(cells)
    for rows in _ROWS:
        step = rows * width
        while size - at >= step:
            file.execute(_statement(sql, width, rows), cells[at : at + step])
            at += step


_MOST_ROWS: Final = 512
_ROWS: Final = (_MOST_ROWS, 64, 8, 1)


def _statement(sql: str, width: int, rows: int) -> str:
    return sql.replace("{rows}", ",".join([f"({_marks(width)})"] * rows))


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _part(chunk: int, column: int, page: int) -> int:
    return (chunk << _COLUMN_BITS | column) << _PAGE_BITS | page
