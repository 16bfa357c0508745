"""What the index of events costs: adding, pruning and finding, beside a plain table with indexes.

    python -m bench.event_index [events]

Figures are processor time of the writer's thread, in microseconds an event. "outside SQLite" is
the share during which the thread holds the interpreter's lock: SQLite lets it go in every
statement. The length of an empty loop shows how fast the machine is at that moment.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typing_extensions import override

from chappe.adapters.sqlite.event_index import SqliteEventIndex
from chappe.adapters.sqlite.writer import Bounds, Writer, tune
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Block
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.ports.event_index import Query

BLOCK_EVENTS = 100
ADD_BLOCKS = 2
SPAN_EVENTS = 100_000


def blocks_of(first: int, count: int, seed: int) -> list[Block]:
    """Blocks of 20 types, 200 sources, and 100,000 subjects or none; ids are random UUIDs."""
    draw = random.Random(seed)
    return [
        Block(
            seq,
            seq % 4,
            1_700_000_000_000 + seq * 5,
            "node-1",
            [
                Event(
                    id=str(uuid.UUID(int=draw.getrandbits(128))),
                    source=f"https://shop.example/tills/{draw.randrange(200)}",
                    type=f"com.example.order.step{draw.randrange(20)}",
                    subject=f"order-{draw.randrange(100_000)}" if draw.random() < 0.7 else None,
                )
                for _ in range(BLOCK_EVENTS)
            ],
        )
        for seq in range(first, first + count)
    ]


def attempts_of(blocks: list[Block]) -> Iterator[AttemptRow]:
    """One delivered attempt an event."""
    for block in blocks:
        for index in range(len(block.events)):
            yield AttemptRow(
                "orders",
                block.shard,
                block.seq,
                index,
                "mail-the-customer",
                1,
                block.at_ms + 20,
                12,
                200,
                "delivered",
            )


class PlainTable:
    """The peer: a table with an index for each filter, executemany."""

    def __init__(self, path: Path) -> None:
        self.file = file = sqlite3.connect(path, isolation_level=None)
        file.executescript(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;
            CREATE TABLE event (block INTEGER, ix INTEGER, shard INTEGER, at_ms INTEGER, type TEXT,
                source TEXT, subject TEXT, id TEXT, PRIMARY KEY (block, ix)) WITHOUT ROWID;
            CREATE UNIQUE INDEX by_id ON event (id, source);
            CREATE INDEX by_type ON event (type, block, ix);
            CREATE INDEX by_source ON event (source, block, ix);
            CREATE INDEX by_subject ON event (subject, block, ix);
            """
        )

    def add(self, blocks: list[Block]) -> None:
        self.file.execute("BEGIN")
        self.file.executemany(
            "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (block.seq, index, block.shard, block.at_ms, e.type, e.source, e.subject, e.id)
                for block in blocks
                for index, e in enumerate(block.events)
            ),
        )
        self.file.execute("COMMIT")


class Timed(sqlite3.Connection):
    """Sums up the processor time of its statements."""

    spent_s = 0.0

    @override
    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        begun = time.thread_time()
        try:
            return super().execute(sql, parameters)
        finally:
            self.spent_s += time.thread_time() - begun


def timed(writer: Writer, path: Path) -> Timed:
    """Have the writer use a connection that is timed."""
    file = sqlite3.connect(path, isolation_level=None, factory=Timed)
    tune(file)
    writer.file.close()
    writer.file = file
    return file


def loop_ns() -> float:
    """One turn of a small loop."""
    begun, total = time.thread_time(), 0
    for n in range(1_000_000):
        total += n
    return (time.thread_time() - begun) * 1e3


def cost_us(blocks: list[Block], add: Callable[[list[Block]], None]) -> tuple[float, float]:
    """Processor time of this thread an event (µs), and the longest call (ms)."""
    longest, begun = 0.0, time.thread_time()
    for at in range(0, len(blocks), ADD_BLOCKS):
        call = time.thread_time()
        add(blocks[at : at + ADD_BLOCKS])
        longest = max(longest, time.thread_time() - call)
    spent = time.thread_time() - begun
    return spent / (len(blocks) * BLOCK_EVENTS) * 1e6, longest * 1e3


async def find_ms(index: SqliteEventIndex, query: Query) -> tuple[float, float, int]:
    """The first of nine and the median (ms), and how many events were found."""
    spent, count = list[float](), 0
    for _ in range(9):
        begun = time.perf_counter()
        count = len(await index.find(query))
        spent.append((time.perf_counter() - begun) * 1e3)
    return spent[0], sorted(spent)[4], count


async def finding(path: Path, last: list[Block]) -> None:
    index = await SqliteEventIndex.open(path, log="bench")
    event, block = last[-1].events[3], last[-1]
    begin_ms = 1_700_000_000_000
    middle = begin_ms + (block.at_ms - begin_ms) // 2
    for name, query in (
        ("newest", Query("orders")),
        ("newest, 1000", Query("orders", limit=1000)),
        ("type", Query("orders", type=event.type)),
        ("type, unknown", Query("orders", type="none")),
        ("source", Query("orders", source=event.source)),
        ("subject", Query("orders", subject="order-77777")),
        ("subject, unknown", Query("orders", subject="none")),
        ("id", Query("orders", id=event.id)),
        ("id, unknown", Query("orders", id="none")),
        ("source + id", Query("orders", id=event.id, source=event.source)),
        ("type + source", Query("orders", type=event.type, source=event.source)),
        ("type + subject", Query("orders", type=event.type, subject="order-77777")),
        ("a second in the middle", Query("orders", from_ms=middle, until_ms=middle + 1000)),
        (
            "type + 100 ms in the middle",
            Query("orders", type=event.type, from_ms=middle, until_ms=middle + 100),
        ),
        ("page in the middle", Query("orders", type=event.type, after=(block.seq // 2, 0))),
        ("oldest first, source", Query("orders", source=event.source, newest_first=False)),
    ):
        first_ms, median_ms, count = await find_ms(index, query)
        print(f"  {name:30} {first_ms:8.2f} ms, again {median_ms:6.2f} ms  {count:5} found")
    await index.attempts("orders", Position(block.shard, block.seq, 3))
    begun = time.perf_counter()
    rows = await index.attempts("orders", Position(block.shard, block.seq, 3))
    print(f"  {'attempts':30} {(time.perf_counter() - begun) * 1e3:8.2f} ms  {len(rows):5} found")
    await index.close()


def adding(path: Path, plain: PlainTable, events: int) -> list[Block]:
    """Add; gives the last blocks."""
    writer = Writer(str(path), "bench", Bounds())
    writer.open()
    file = timed(writer, path)
    last, span = list[Block](), SPAN_EVENTS // BLOCK_EVENTS
    print(f"adding, {ADD_BLOCKS} blocks of {BLOCK_EVENTS} events a call")
    for first in range(0, events // BLOCK_EVENTS, span):
        last, file.spent_s = blocks_of(first + 1, span, first), 0.0
        spent, longest = cost_us(last, lambda blocks: writer.add("orders", blocks, ()))
        line = f"  {(first + span) * BLOCK_EVENTS:9,} {spent:6.2f} us an event, "
        line += f"{spent - file.spent_s / SPAN_EVENTS * 1e6:.2f} outside SQLite, "
        line += f"longest call {longest:.0f} ms, loop {loop_ns():.0f} ns"
        if first < span * 4:
            line += f"; plain table {cost_us(last, plain.add)[0]:6.2f}"
        print(line, flush=True)
    rows = list(attempts_of(last))
    for step in (ADD_BLOCKS * BLOCK_EVENTS, 10):
        begun = time.thread_time()
        for at in range(0, len(rows), step):
            writer.add("attempts", [], rows[at : at + step])
        spent = (time.thread_time() - begun) / len(rows) * 1e6
        print(f"  attempts, {step} a call {spent:6.2f} us a row")
    writer.file.close()
    return last


def pruning(path: Path, events: int) -> None:
    """Add to an index that is full, so that each chunk drives out another."""
    writer = Writer(str(path), "bench", Bounds(max_bytes=path.stat().st_size))
    writer.open()
    file = timed(writer, path)
    blocks = blocks_of(events // BLOCK_EVENTS + 1, 2 * SPAN_EVENTS // BLOCK_EVENTS, -1)
    spent, longest = cost_us(blocks, lambda some: writer.add("orders", some, ()))
    outside = spent - file.spent_s / len(blocks) / BLOCK_EVENTS * 1e6
    print(f"adding to a full index: {spent:.2f} us an event, {outside:.2f} outside SQLite", end="")
    print(f", longest call {longest:.0f} ms")
    file.close()


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.db"
        last = adding(path, PlainTable(Path(folder) / "plain.db"), events)
        print(f"file: {path.stat().st_size / events:.0f} bytes an event\nfinding among {events:,}")
        asyncio.run(finding(path, last))
        pruning(path, events)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
