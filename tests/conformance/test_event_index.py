"""The indexes of events: each through the one suite, and SQLite against the plain one."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from chappe.adapters.memory.event_index import MemoryEventIndex
from chappe.adapters.sqlite.columns import Coded, Hashed, decode, encode
from chappe.adapters.sqlite.event_index import SqliteEventIndex
from chappe.adapters.sqlite.writer import Bounds
from chappe.domain.channel import Block
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.ports.event_index import EventIndex, Query
from chappe.testing.event_index_suite import (
    EventIndexSuite,
    a_block,
    an_attempt,
    an_event,
    found,
)


class TestMemory(EventIndexSuite):
    @override
    async def open(self, *, max_age_ms: int | None = None) -> EventIndex:
        return MemoryEventIndex(max_age_ms=max_age_ms)


class TestSqlite(EventIndexSuite):
    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "index.db"

    @override
    async def open(self, *, max_age_ms: int | None = None) -> EventIndex:
        return await SqliteEventIndex.open(
            self.path, log="log-1", bounds=Bounds(max_age_ms=max_age_ms)
        )


class TestSqliteOfManySmallChunks(TestSqlite):
    @override
    async def open(self, *, max_age_ms: int | None = None) -> EventIndex:
        bounds = Bounds(max_age_ms=max_age_ms, chunk_events=3)
        return await SqliteEventIndex.open(self.path, log="log-1", bounds=bounds)


class TestSqliteInMemory(EventIndexSuite):
    @override
    async def open(self, *, max_age_ms: int | None = None) -> EventIndex:
        bounds = Bounds(max_age_ms=max_age_ms, chunk_events=2)
        return await SqliteEventIndex.open(":memory:", log="log-1", bounds=bounds)


EVENTS = st.builds(
    an_event,
    st.integers(0, 30).map(str),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["/s", "/t"]),
    st.sampled_from([None, "x", "y", ""]),
)
BLOCKS = st.lists(
    st.tuples(
        st.integers(1, 3),  # how much further the sequence is
        st.integers(0, 3),
        st.integers(0, 5),  # times go forward and back
        st.lists(EVENTS, max_size=5),
    ),
    max_size=12,
)
QUERIES = st.builds(
    Query,
    st.just("orders"),
    type=st.sampled_from([None, None, "a", "b", "z"]),
    source=st.sampled_from([None, None, "/s", "/z"]),
    subject=st.sampled_from([None, None, "x", ""]),
    id=st.none() | st.integers(0, 31).map(str),
    from_ms=st.none() | st.integers(0, 6),
    until_ms=st.none() | st.integers(0, 6),
    after=st.none() | st.tuples(st.integers(0, 20), st.integers(0, 5)),
    newest_first=st.booleans(),
    limit=st.sampled_from([1, 2, 100]),
)


@settings(deadline=None)
@given(
    drawn=BLOCKS,
    queries=st.lists(QUERIES, min_size=1, max_size=12),
    chunk_events=st.integers(1, 9),
    at_once=st.integers(1, 4),
)
def test_sqlite_answers_every_query_as_the_plain_index_does(
    drawn: Sequence[tuple[int, int, int, list[Event]]],
    queries: Sequence[Query],
    chunk_events: int,
    at_once: int,
) -> None:
    seq, blocks = 0, list[Block]()
    for step, shard, at_ms, events in drawn:
        seq += step
        blocks.append(Block(seq, shard, at_ms, "node-1", events))

    async def compare() -> None:
        plain = MemoryEventIndex()
        bounds = Bounds(chunk_events=chunk_events, tail_events=6)
        index = await SqliteEventIndex.open(":memory:", log="log-1", bounds=bounds)
        for at in range(0, len(blocks), at_once):
            for each in (plain, index):
                await each.add("orders", blocks[at : at + at_once])
        for query in queries:
            assert await index.find(query) == await plain.find(query)
        assert await index.counts("orders") == await plain.counts("orders")
        for since_ms in (None, 0, 3, 5, 6):
            seen = await index.sightings("orders", since_ms=since_ms)
            assert seen == await plain.sightings("orders", since_ms=since_ms)
        assert await index.reached("orders") == await plain.reached("orders")
        await index.close()

    asyncio.run(compare())


@given(
    values=st.lists(st.none() | st.text(max_size=4), max_size=40),
    more=st.booleans(),
    value=st.text(max_size=4),
    newest_first=st.booleans(),
)
def test_a_stored_column_gives_back_its_values_and_finds_them(
    values: list[str | None], more: bool, value: str, newest_first: bool
) -> None:
    if more:  # beyond 256 names values are hashed
        values = values + [f"name {n}" for n in range(300)]
    column = decode(encode(values).__getitem__)
    assert isinstance(column, Hashed if more else Coded)
    assert [column.get(row) for row in range(len(values))] == values
    for sought in (value, *[each for each in values[:3] if each is not None]):
        rows = [row for row in range(1, len(values)) if values[row] == sought]
        span = range(1, max(1, len(values)))
        assert list(column.rows(sought, span, newest_first=newest_first)) == (
            rows[::-1] if newest_first else rows
        )


async def test_everything_is_there_again_after_opening_the_file_again(tmp_path: Path) -> None:
    bounds, path = Bounds(chunk_events=4), tmp_path / "index.db"
    index = await SqliteEventIndex.open(path, log="log-1", bounds=bounds)
    for n in range(1, 8):
        await index.add("orders", [a_block(n, an_event(str(n)))], [an_attempt(n, 0, 1, n)])
    before = await index.find(Query("orders"))
    await index.close()
    index = await SqliteEventIndex.open(path, log="log-1", bounds=bounds)
    await index.add("orders", [a_block(8, an_event("2"), an_event("6"))])
    assert await index.find(Query("orders")) == before
    assert await index.counts("orders") == {"order.created": 7}
    assert await index.attempts("orders", Position(0, 6, 0)) == [an_attempt(6, 0, 1, 6)]
    assert await index.reached("orders") == 8
    await index.close()


ADD_AND_DIE = """
import asyncio, os, sys
from chappe.adapters.sqlite.event_index import SqliteEventIndex
from chappe.adapters.sqlite.writer import Bounds
from chappe.testing.event_index_suite import a_block, an_event

async def main():
    index = await SqliteEventIndex.open(sys.argv[1], log="log-1", bounds=Bounds(chunk_events=3))
    for n in range(1, 6):
        await index.add("orders", [a_block(n, an_event(str(n)))])
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_a_kill_loses_nothing_that_was_added(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", ADD_AND_DIE, str(path))
    assert await child.wait() == -9
    index = await SqliteEventIndex.open(path, log="log-1")
    assert await index.reached("orders") == 5
    assert await found(index, Query("orders", id="5")) == ["0-5-0"]
    await index.close()


async def test_readers_see_no_gap_while_events_come_in(tmp_path: Path) -> None:
    bounds = Bounds(chunk_events=7)
    index = await SqliteEventIndex.open(tmp_path / "index.db", log="log-1", bounds=bounds)

    async def add() -> None:
        for n in range(1, 301):
            await index.add("orders", [a_block(n, an_event(f"{n}a"), an_event(f"{n}b"))])

    adding, sizes = asyncio.ensure_future(add()), set[int]()
    everything = [f"0-{n}-{i}" for n in range(1, 301) for i in (0, 1)]
    while not adding.done():
        places = await found(index, Query("orders", newest_first=False, limit=1000))
        assert places == everything[: len(places)]
        sizes.add(len(places))
    await adding
    assert len(sizes) > 1
    await index.close()


async def test_the_index_of_another_log_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = await SqliteEventIndex.open(path, log="log-1")
    await index.add("orders", [a_block(1, an_event("1"))])
    await index.close()
    index = await SqliteEventIndex.open(path, log="log-2")
    assert await index.reached("orders") == 0
    assert await found(index, Query("orders")) == []
    await index.close()


@pytest.mark.parametrize("what", ["no database", "another version", "empty"])
async def test_a_file_that_cannot_be_used_is_made_again(tmp_path: Path, what: str) -> None:
    path = tmp_path / "index.db"
    match what:
        case "no database":
            path.write_bytes(b"something else " * 1000)
        case "another version":
            file = sqlite3.connect(path)
            file.executescript("CREATE TABLE log (x); PRAGMA user_version = 999;")
            file.close()
        case _:
            path.write_bytes(b"")
    index = await SqliteEventIndex.open(path, log="log-1")
    await index.add("orders", [a_block(1, an_event("1"))])
    assert await found(index, Query("orders")) == ["0-1-0"]
    await index.close()


async def test_an_index_that_is_damaged_while_it_is_open_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = await SqliteEventIndex.open(path, log="log-1", bounds=Bounds(chunk_events=2))
    for n in range(1, 101):
        await index.add("orders", [a_block(n, an_event(str(n)))])
    vandal = sqlite3.connect(path)
    vandal.execute("UPDATE part SET body = x'c1'")  # c1 begins nothing in MessagePack
    vandal.commit()
    vandal.close()
    with pytest.raises(Unavailable, match=r"index\.db"):
        await index.find(Query("orders", type="order.created", limit=1000))
    with pytest.raises(Unavailable, match="ask `reached` first"):
        await index.add("orders", [a_block(101, an_event("101"))])
    assert await index.reached("orders") == 0
    await index.add("orders", [a_block(1, an_event("1"))])
    assert await found(index, Query("orders")) == ["0-1-0"]
    await index.close()


async def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        await SqliteEventIndex.open(tmp_path / "nowhere" / "index.db", log="log-1")


async def test_the_file_keeps_within_its_bytes_and_counts_what_is_left(tmp_path: Path) -> None:
    bounds = Bounds(max_bytes=400_000, chunk_events=500)
    index = await SqliteEventIndex.open(tmp_path / "index.db", log="log-1", bounds=bounds)
    for n in range(1, 201):
        events = [an_event(f"{n}-{i}", subject=f"{n * 7}-{i}") for i in range(50)]
        await index.add("orders", [a_block(n, *events)], [an_attempt(n, 0, 1, n)])
    await index.close()
    assert (tmp_path / "index.db").stat().st_size < 600_000
    index = await SqliteEventIndex.open(tmp_path / "index.db", log="log-1", bounds=bounds)
    listed = (await index.counts("orders"))["order.created"]
    assert 500 <= listed < 10_000
    oldest = (await index.find(Query("orders", newest_first=False, limit=1)))[0].position
    assert (200 - oldest.block + 1) * 50 == listed
    assert await index.attempts("orders", Position(0, 1, 0)) == []
    assert await index.attempts("orders", Position(0, 200, 0)) == [an_attempt(200, 0, 1, 200)]
    await index.close()
