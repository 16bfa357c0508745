"""The newest events of a channel, in memory, until there are enough for a chunk.

Every batch stands in the file's table `tail` too, so that a restart finds them again.
"""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

import msgspec

from chappe.adapters.sqlite.columns import Column, Listed, Runs, Text
from chappe.domain.channel import Block
from chappe.domain.event import Event

ID_BITS = 31
"""The low bits of a key, which tell sources apart; the high 32 bits are the id's CRC-32."""


class Batch(msgspec.Struct, array_like=True, gc=False):
    """Events that are listed by one transaction, as columns."""

    runs: bytes
    types: list[str]
    sources: list[str]
    subjects: list[Text]
    ids: list[str]


class Tail:
    """Columns that grow by batches; only the writer's thread changes them.

    Other threads read: `size` moves last, and what stands below it never changes.
    """

    def __init__(self) -> None:
        self.size = 0
        self.runs = Runs()
        self.types: list[str] = []
        self.sources: list[str] = []
        self.subjects: list[Text] = []
        self.ids: list[str] = []
        self.keys = array("q")
        self.row_of: dict[int, int] = {}  # of each key, the last

    def extend(self, batch: Batch, keys: Sequence[int]) -> None:
        """List the batch; `keys` are those of its events."""
        self.types += batch.types
        self.sources += batch.sources
        self.subjects += batch.subjects
        self.ids += batch.ids
        self.keys.extend(keys)
        self.row_of.update(zip(keys, range(self.size, self.size + len(keys)), strict=True))
        self.runs.extend(Runs.decode(batch.runs), self.size)
        self.size += len(keys)

    def holds(self, source: str, id: str, key: int) -> bool:
        """Whether the event is listed here."""
        row = self.row_of.get(key)
        if row is None:
            return False
        if self.ids[row] == id and self.sources[row] == source:
            return True
        # Another event of the same key may hide it: CRC-32s collide.
        return (source, id) in zip(self.sources, self.ids, strict=True)

    @property
    def oldest_ms(self) -> int:
        """When its first block was accepted; the tail must not be empty."""
        return self.runs.ats[0]

    def columns(self, names: Iterable[str]) -> Mapping[str, Column]:
        """The columns of these attributes."""
        return {name: Listed(self._values(name)) for name in names}

    def _values(self, name: str) -> Sequence[Text]:
        match name:
            case "type":
                return self.types
            case "source":
                return self.sources
            case "subject":
                return self.subjects
            case _:
                return self.ids


class Sift:
    """Blocks on their way in: all their events, and how to leave some out."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        self.events: Sequence[Event] = (
            blocks[0].events if len(blocks) == 1 else [e for b in blocks for e in b.events]
        )
        self._first_of: dict[int, int] = {}

    def keys(self, source_bits: dict[str, int]) -> list[int]:
        """The key of each event; `source_bits` remembers what was worked out for its source."""
        sources = [event.source for event in self.events]
        for source in set(sources).difference(source_bits):
            source_bits[source] = zlib.crc32(source.encode()) >> 1
        # Both maps run in C: this is half of what the interpreter's lock is held for.
        ids = map(zlib.crc32, map(str.encode, [event.id for event in self.events]))
        bits = map(source_bits.__getitem__, sources)
        return [id_ << ID_BITS | bit for id_, bit in zip(ids, bits, strict=True)]

    def repeats(self, at: int, keys: Sequence[int]) -> bool:
        """Whether the event at `at` stands before that already; `keys` are those of all events."""
        if not self._first_of:
            backwards = range(len(keys) - 1, -1, -1)
            self._first_of = dict(zip(reversed(keys), backwards, strict=True))
        event = self.events[at]
        return any(
            other.id == event.id and other.source == event.source
            for other in self.events[self._first_of[keys[at]] : at]
        )

    def batch(self, left_out: Set[int]) -> Batch:
        """The columns of all events but those at `left_out` (counted over all blocks)."""
        runs, row, at = Runs(), 0, 0
        for block in self._blocks:
            begun = False
            if not left_out and block.events:
                runs.append(block.seq, block.shard, block.at_ms, row, 0)
                row += len(block.events)
                continue
            for index in range(len(block.events)):
                if at in left_out:
                    begun = False
                else:
                    if not begun:
                        runs.append(block.seq, block.shard, block.at_ms, row, index)
                        begun = True
                    row += 1
                at += 1
        events = self.events
        if left_out:
            events = [event for at, event in enumerate(events) if at not in left_out]
        return Batch(
            runs.encode(),
            [event.type for event in events],
            [event.source for event in events],
            [event.subject for event in events],
            [event.id for event in events],
        )


def key_of(source: str, id: str) -> int:
    """The key of one event: 63 bits, and the same on every machine."""
    return zlib.crc32(id.encode()) << ID_BITS | zlib.crc32(source.encode()) >> 1


def keys_of_id(id: str) -> tuple[int, int]:
    """The least and the greatest key that an event of this id can have."""
    low = zlib.crc32(id.encode()) << ID_BITS
    return low, low | (1 << ID_BITS) - 1


def tally(types: Sequence[str]) -> Counter[str]:
    """How many there are of each type."""
    return Counter(types)
