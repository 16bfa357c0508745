"""Events as columns of text: which rows hold a value. Pure; threads and SQLite are elsewhere.

A row is one listed event, counted from 0 within a chunk or the tail, in the order of acceptance.
A column of a sealed chunk is stored in pages (of bytes):

    few values    [names]   one byte a row, a number of a name
    many values   nil       CRC-32 of each row's text     texts of rows 0-1023     texts of 1024-…

Finding a value is a search of bytes in bytes, at the speed of memory, and needs no index that
would have to be kept in order while events come in.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol, TypeAlias

import msgspec

from chappe.domain.position import Position

Text: TypeAlias = str | None
Load: TypeAlias = Callable[[int], bytes]
"""Gives a page of a column by its number."""

_PAGE_ROWS = 1024
_MOST_NAMES = 256  # a number has one byte
_HASH_BYTES = 4
_FIRST_TEXTS = 2  # pages 0 and 1 are names and numbers, or nil and hashes

pack = msgspec.msgpack.Encoder().encode
_unpack_names = msgspec.msgpack.Decoder(list[str | None] | None).decode
_unpack_texts = msgspec.msgpack.Decoder(list[str | None]).decode


class Column(Protocol):
    """One attribute of many events."""

    def get(self, row: int) -> Text:
        """The value at `row`."""
        ...

    def values(self, span: range) -> Sequence[Text]:
        """The values at the rows in `span` (step 1)."""
        ...

    def count(self, value: str) -> int:
        """About how many rows hold `value`; 0 only if none does."""
        ...

    def rows(self, value: str, span: range, *, newest_first: bool) -> Iterator[int]:
        """The rows in `span` (step 1) that hold `value`, rising, or falling with `newest_first`."""
        ...


class Listed:
    """A column in memory, which still grows."""

    def __init__(self, values: Sequence[Text]) -> None:
        self._values = values

    def get(self, row: int) -> Text:
        """The value at `row`."""
        return self._values[row]

    def values(self, span: range) -> Sequence[Text]:
        """The values at the rows in `span`."""
        return self._values[span.start : span.stop]

    def count(self, value: str) -> int:
        """How many rows hold `value`."""
        return self._values.count(value)

    def rows(self, value: str, span: range, *, newest_first: bool) -> Iterator[int]:
        """As `Column.rows`."""
        values = self._values
        found = [row for row in span if values[row] == value]
        return reversed(found) if newest_first else iter(found)


class Coded:
    """A stored column of few different values."""

    def __init__(self, names: Sequence[Text], load: Load) -> None:
        self._names = names
        self._load = load

    @cached_property
    def _codes(self) -> bytes:
        return self._load(1)

    def get(self, row: int) -> Text:
        """The value at `row`."""
        return self._names[self._codes[row]]

    def values(self, span: range) -> Sequence[Text]:
        """The values at the rows in `span`."""
        return [self._names[code] for code in self._codes[span.start : span.stop]]

    def count(self, value: str) -> int:
        """How many rows hold `value`."""
        return self._codes.count(self._names.index(value)) if value in self._names else 0

    def rows(self, value: str, span: range, *, newest_first: bool) -> Iterator[int]:
        """As `Column.rows`."""
        if value not in self._names:
            return
        code, start, stop = self._names.index(value), span.start, span.stop
        search = self._codes.rfind if newest_first else self._codes.find
        while (row := search(code, start, stop)) >= 0:
            yield row
            if newest_first:
                stop = row
            else:
                start = row + 1


class Hashed:
    """A stored column of many different values; texts are loaded page by page when asked for."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._pages: dict[int, list[Text]] = {}
        self._hits: dict[str, list[int]] = {}

    def get(self, row: int) -> Text:
        """The value at `row`."""
        number, at = divmod(row, _PAGE_ROWS)
        if number not in self._pages:
            self._pages[number] = _unpack_texts(self._load(number + _FIRST_TEXTS))
        return self._pages[number][at]

    def values(self, span: range) -> Sequence[Text]:
        """The values at the rows in `span`."""
        if not span:
            return []
        first, last = span.start // _PAGE_ROWS, (span.stop - 1) // _PAGE_ROWS
        found = [
            text
            for number in range(first, last + 1)
            for text in _unpack_texts(self._load(number + _FIRST_TEXTS))
        ]
        before = first * _PAGE_ROWS
        return found[span.start - before : span.stop - before]

    def count(self, value: str) -> int:
        """How many rows hold `value` or a text of the same hash."""
        return len(self._of_hash(value))

    def rows(self, value: str, span: range, *, newest_first: bool) -> Iterator[int]:
        """As `Column.rows`."""
        hits = self._of_hash(value)
        for row in reversed(hits) if newest_first else hits:
            if row in span and self.get(row) == value:
                yield row

    def _of_hash(self, value: str) -> list[int]:
        if value not in self._hits:
            hashes, needle = self._load(1), _hash(value)
            # One byte of each hash first: a byte is searched for much faster than four.
            first, byte, row, hits = hashes[::_HASH_BYTES], needle[0], -1, list[int]()
            while (row := first.find(byte, row + 1)) >= 0:
                if hashes.startswith(needle, row * _HASH_BYTES):
                    hits.append(row)
            self._hits[value] = hits
        return self._hits[value]


class Runs:
    """Where rows stand in the log: a run is rows whose events are neighbours in one block.

    A block makes one run, and one more behind each duplicate that was left out.
    """

    def __init__(self) -> None:
        self.blocks = array("q")
        self.shards = array("q")
        self.ats = array("q")
        self.indexes = array("q")
        self.rows = array("q")

    def extend(self, other: Runs, by_rows: int) -> None:
        """Append `other`, whose row 0 is row `by_rows` here.

        `rows` comes last: who reads in another thread finds every run that `rows` names complete.
        """
        self.blocks.extend(other.blocks)
        self.shards.extend(other.shards)
        self.ats.extend(other.ats)
        self.indexes.extend(other.indexes)
        self.rows.extend([row + by_rows for row in other.rows])

    def append(self, block: int, shard: int, at_ms: int, row: int, index: int) -> None:
        """Begin a run."""
        self.blocks.append(block)
        self.shards.append(shard)
        self.ats.append(at_ms)
        self.indexes.append(index)
        self.rows.append(row)

    def where(self, row: int) -> tuple[Position, int]:
        """The position of `row`, and when its block was accepted (Unix, ms)."""
        run = bisect_right(self.rows, row) - 1
        index = self.indexes[run] + row - self.rows[run]
        return Position(self.shards[run], self.blocks[run], index), self.ats[run]

    def behind(self, block: int, index: int, size: int) -> int:
        """The first of `size` rows that stands behind (`block`, `index`)."""
        return bisect_right(range(size), (block, index), key=lambda row: self.where(row)[0][1:])

    def end(self, run: int, size: int) -> int:
        """The first row behind the run, of `size` rows."""
        return self.rows[run + 1] if run + 1 < len(self.rows) else size

    def encode(self) -> bytes:
        """All parts, one behind the other."""
        return b"".join(part.tobytes() for part in self._parts())

    @classmethod
    def decode(cls, body: bytes) -> Runs:
        """Undo `encode`."""
        runs, size = cls(), len(body) // 5
        for number, part in enumerate(runs._parts()):
            part.frombytes(body[number * size : (number + 1) * size])
        return runs

    def _parts(self) -> tuple[array[int], ...]:
        return self.blocks, self.shards, self.ats, self.indexes, self.rows


def encode(values: Sequence[Text]) -> list[bytes]:
    """The pages of a column."""
    names = list(dict.fromkeys(values))
    if len(names) <= _MOST_NAMES:
        codes = {name: code for code, name in enumerate(names)}
        return [pack(names), bytes(map(codes.__getitem__, values))]
    hashes = b"".join(map(_hash, values))
    return [pack(None), hashes, *texts(values)]


def texts(values: Sequence[Text]) -> list[bytes]:
    """The pages of texts of a column."""
    return [pack(values[at : at + _PAGE_ROWS]) for at in range(0, len(values), _PAGE_ROWS)]


def decode(load: Load) -> Column:
    """The column that `encode` made."""
    names = _unpack_names(load(0))
    return Hashed(load) if names is None else Coded(names, load)


def matching(
    columns: Mapping[str, Column], wanted: Mapping[str, str], span: range, *, newest_first: bool
) -> Iterator[int]:
    """The rows in `span` whose columns hold all that is wanted, led by the rarest value."""
    if not wanted:
        yield from reversed(span) if newest_first else span
        return
    lead = min(wanted, key=lambda name: columns[name].count(wanted[name]))
    others = [(columns[name], value) for name, value in wanted.items() if name != lead]
    for row in columns[lead].rows(wanted[lead], span, newest_first=newest_first):
        if all(column.get(row) == value for column, value in others):
            yield row


def _hash(value: Text) -> bytes:
    return zlib.crc32(value.encode() if value is not None else b"").to_bytes(_HASH_BYTES, "little")
