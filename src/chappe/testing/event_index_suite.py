"""What every EventIndex does. A test module inherits the suite and says how an index is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Block
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.sighting import MOST_SOURCES, Sighting
from chappe.ports.event_index import LIMIT, EventIndex, Found, Query

DAY_MS = 86_400_000


def an_event(
    id: str, type: str = "order.created", source: str = "/shop", subject: str | None = None
) -> Event:
    """An event of which only what is given matters."""
    return Event(id=id, source=source, type=type, subject=subject)


def a_block(seq: int, *events: Event, at_ms: int | None = None, shard: int = 0) -> Block:
    """A block; without `at_ms` it was accepted at `seq` seconds."""
    return Block(seq, shard, seq * 1000 if at_ms is None else at_ms, "node-1", events)


def an_attempt(block: int, index: int, attempt: int, at_ms: int, shard: int = 0) -> AttemptRow:
    """An attempt for an event of the channel "orders"."""
    return AttemptRow("orders", shard, block, index, "mail", attempt, at_ms, 12, 200, "delivered")


async def found(index: EventIndex, query: Query) -> list[str]:
    """The positions that a query gives, as texts."""
    return [str(item.position) for item in await index.find(query)]


class EventIndexSuite:
    """Inherit, and override `open`."""

    async def open(self, *, max_age_ms: int | None = None) -> EventIndex:
        """An empty index that the suite closes."""
        raise NotImplementedError

    @asynccontextmanager
    async def index(
        self, *blocks: Block, max_age_ms: int | None = None
    ) -> AsyncIterator[EventIndex]:
        """An index that holds the blocks in the channel "orders"."""
        index = await self.open(max_age_ms=max_age_ms)
        try:
            for block in blocks:
                await index.add("orders", [block])
            yield index
        finally:
            await index.close()

    async def test_an_empty_index_has_reached_nothing(self) -> None:
        async with self.index() as index:
            assert await index.reached("orders") == 0
            assert await found(index, Query("orders")) == []
            assert await index.counts("orders") == {}

    async def test_it_has_reached_the_last_block_even_when_that_is_empty(self) -> None:
        async with self.index(a_block(3, an_event("1"))) as index:
            await index.add("orders", [a_block(5, an_event("2")), a_block(8)])
            assert await index.reached("orders") == 8
            assert await index.reached("others") == 0

    async def test_a_block_that_was_taken_in_is_passed_over(self) -> None:
        async with self.index(a_block(4, an_event("1"))) as index:
            await index.add("orders", [a_block(3, an_event("0")), a_block(4, an_event("9"))])
            assert await found(index, Query("orders")) == ["0-4-0"]
            assert await index.reached("orders") == 4

    async def test_it_tells_where_events_stand_and_when_they_came(self) -> None:
        async with self.index(a_block(7, an_event("1"), an_event("2"), at_ms=99, shard=3)) as index:
            item = (await index.find(Query("orders", id="2")))[0]
            assert item.position == Position(3, 7, 1)
            assert item.at_ms == 99

    async def test_the_newest_come_first_unless_asked_otherwise(self) -> None:
        blocks = [a_block(n, an_event(f"{n}a"), an_event(f"{n}b")) for n in (1, 2)]
        async with self.index(*blocks) as index:
            oldest = ["0-1-0", "0-1-1", "0-2-0", "0-2-1"]
            assert await found(index, Query("orders")) == oldest[::-1]
            assert await found(index, Query("orders", newest_first=False)) == oldest

    async def test_every_part_of_a_query_must_hold(self) -> None:
        events = [
            an_event("1", "order.created", "/shop", "A"),
            an_event("2", "order.paid", "/shop", "A"),
            an_event("3", "order.paid", "/till", "B"),
            an_event("1", "order.paid", "/till"),
        ]
        async with self.index(a_block(1, *events)) as index:
            for query, places in (
                (Query("orders", type="order.paid"), ["0-1-3", "0-1-2", "0-1-1"]),
                (Query("orders", source="/shop"), ["0-1-1", "0-1-0"]),
                (Query("orders", subject="A"), ["0-1-1", "0-1-0"]),
                (Query("orders", id="1"), ["0-1-3", "0-1-0"]),
                (Query("orders", id="1", source="/till"), ["0-1-3"]),
                (Query("orders", type="order.paid", subject="A"), ["0-1-1"]),
                (Query("orders", type="order.created", source="/till"), []),
                (Query("orders", type="order"), []),
                (Query("orders", id="4"), []),
                (Query("others", id="1"), []),
            ):
                assert await found(index, query) == places, query

    async def test_a_span_of_time_has_its_beginning_but_not_its_end(self) -> None:
        async with self.index(*(a_block(n, an_event(str(n))) for n in range(1, 6))) as index:
            query = Query("orders", from_ms=2000, until_ms=4000)
            assert await found(index, query) == ["0-3-0", "0-2-0"]

    async def test_times_that_go_back_are_found_all_the_same(self) -> None:
        times = {1: 500, 2: 900, 3: 400, 4: 950}
        blocks = (a_block(n, an_event(str(n)), at_ms=at_ms) for n, at_ms in times.items())
        async with self.index(*blocks) as index:
            assert await found(index, Query("orders", until_ms=600)) == ["0-3-0", "0-1-0"]
            assert await found(index, Query("orders", from_ms=600)) == ["0-4-0", "0-2-0"]

    async def test_pages_join_without_gap_or_overlap_in_both_directions(self) -> None:
        blocks = [a_block(n, *(an_event(f"{n}-{i}") for i in range(3))) for n in range(1, 8)]
        async with self.index(*blocks) as index:
            for newest_first in (True, False):
                whole = await index.find(Query("orders", newest_first=newest_first))
                paged, after = list[Found](), None
                while page := await index.find(
                    Query("orders", after=after, newest_first=newest_first, limit=4)
                ):
                    paged += page
                    after = (page[-1].position.block, page[-1].position.index)
                assert paged == list(whole)
                assert len(paged) == 21

    async def test_a_page_is_bounded(self) -> None:
        async with self.index(a_block(1, *(an_event(str(n)) for n in range(1200)))) as index:
            assert len(await index.find(Query("orders", limit=5000))) == LIMIT
            assert await found(index, Query("orders", limit=0)) == []

    async def test_every_dead_letter_of_an_event_is_listed(self) -> None:
        async with self.index() as index:
            letter = an_event("1")
            await index.add("deadletters", [a_block(1, letter, letter), a_block(2, letter)])
            positions = await index.find(Query("deadletters", newest_first=False))
            assert [str(one.position) for one in positions] == ["0-1-0", "0-1-1", "0-2-0"]

    async def test_a_duplicate_is_not_listed_again(self) -> None:
        first = a_block(1, an_event("1"), an_event("1"), an_event("2"))
        async with self.index(first) as index:
            again = [an_event("2"), an_event("1", source="/till"), an_event("1"), an_event("3")]
            await index.add("orders", [a_block(2, *again), a_block(3, an_event("3"))])
            listed = ["0-1-0", "0-1-2", "0-2-1", "0-2-3"]
            assert await found(index, Query("orders", newest_first=False)) == listed
            assert await index.counts("orders") == {"order.created": 4}

    async def test_ids_that_look_alike_to_a_checksum_are_told_apart(self) -> None:
        one, two = an_event("plumless"), an_event("buckeroo")  # their CRC-32 is the same
        async with self.index(a_block(1, one, two, one), a_block(2, two, one)) as index:
            await index.add("orders", [a_block(3, *(an_event(str(n)) for n in range(9)))])
            await index.add("orders", [a_block(4, one, two, one)])
            assert await found(index, Query("orders", id="plumless")) == ["0-1-0"]
            assert await found(index, Query("orders", id="buckeroo", source="/shop")) == ["0-1-1"]
            assert await index.counts("orders") == {"order.created": 11}

    async def test_channels_know_nothing_of_each_other(self) -> None:
        async with self.index(a_block(1, an_event("1"))) as index:
            await index.add("others", [a_block(1, an_event("1"), an_event("2"))])
            assert await found(index, Query("orders")) == ["0-1-0"]
            assert await found(index, Query("others")) == ["0-1-1", "0-1-0"]

    async def test_it_counts_what_is_listed_by_type(self) -> None:
        async with self.index(a_block(1, an_event("1", "a"), an_event("2", "b"))) as index:
            await index.add("orders", [a_block(2, an_event("3", "a"))])
            assert await index.counts("orders") == {"a": 2, "b": 1}

    async def test_it_tells_which_types_were_seen_from_which_sources(self) -> None:
        events = [an_event("1", "a"), an_event("2", "b"), an_event("3", "a", "/till")]
        async with self.index(a_block(1, *events), a_block(2, an_event("4", "a"))) as index:
            assert await index.sightings("orders") == [
                Sighting("a", "/shop", 2, 1000, 2000),
                Sighting("a", "/till", 1, 1000, 1000),
                Sighting("b", "/shop", 1, 1000, 1000),
            ]
            assert await index.sightings("others") == []

    async def test_sightings_since_a_time_leave_out_what_came_before(self) -> None:
        times = {1: 500, 2: 900, 3: 400, 4: 950, 5: 600}
        blocks = (a_block(n, an_event(str(n), "ab"[n % 2]), at_ms=at) for n, at in times.items())
        async with self.index(*blocks) as index:
            assert await index.sightings("orders", since_ms=600) == [
                Sighting("a", "/shop", 2, 900, 950),
                Sighting("b", "/shop", 1, 600, 600),
            ]
            assert await index.sightings("orders", since_ms=951) == []

    async def test_sources_of_a_type_beyond_the_most_are_seen_as_one(self) -> None:
        many = [an_event(str(n), "a", f"/disk/{n}") for n in range(MOST_SOURCES)]
        others = [an_event("x", "b", "/disk/0"), an_event("y", "a", "/disk/0")]
        async with self.index(a_block(1, *many, *others)) as index:
            assert len(await index.sightings("orders")) == MOST_SOURCES + 1
            await index.add("orders", [a_block(2, an_event("z", "a", "/disk"))])
            assert await index.sightings("orders") == [
                Sighting("a", None, MOST_SOURCES + 2, 1000, 2000),
                Sighting("b", "/disk/0", 1, 1000, 1000),
            ]

    async def test_what_was_dropped_was_not_seen(self) -> None:
        async with self.index(a_block(1, an_event("1")), max_age_ms=DAY_MS) as index:
            assert len(await index.sightings("orders")) == 1
            await index.add("orders", [a_block(2, at_ms=DAY_MS * 3)])
            await index.add("orders", [a_block(3, an_event("3", "late"), at_ms=DAY_MS * 3)])
            assert [one.type for one in await index.sightings("orders")] == ["late"]

    async def test_attempts_are_found_by_position_in_the_order_of_time(self) -> None:
        rows = [an_attempt(1, 0, 2, 300), an_attempt(1, 1, 1, 150), an_attempt(1, 0, 1, 100)]
        async with self.index(a_block(1, an_event("1"), an_event("2"))) as index:
            await index.add("attempts", [a_block(9)], rows)
            assert await index.attempts("orders", Position(0, 1, 0)) == [rows[2], rows[0]]
            assert await index.attempts("orders", Position(1, 1, 0)) == []
            assert await index.attempts("orders", Position(0, 2, 0)) == []

    async def test_an_attempt_that_comes_twice_is_told_once(self) -> None:
        row = AttemptRow("orders", 0, 1, 0, "mail", 1, 5, 9, None, "retry", "no answer", 5000)
        async with self.index() as index:
            await index.add("attempts", [a_block(1)], [row])
            await index.add("attempts", [a_block(1)], [row])
            assert await index.attempts("orders", Position(0, 1, 0)) == [row]

    async def test_what_is_over_the_greatest_age_is_dropped_and_the_rest_kept(self) -> None:
        old = [a_block(n, an_event(str(n)), at_ms=n) for n in range(1, 4)]
        async with self.index(*old, max_age_ms=DAY_MS) as index:
            await index.add("attempts", [a_block(1, at_ms=3)], [an_attempt(2, 0, 1, 3)])
            await index.add("orders", [a_block(4, an_event("4"), at_ms=DAY_MS)])
            assert await index.counts("orders") == {"order.created": 4}
            await index.add("orders", [a_block(5, an_event("5"), at_ms=DAY_MS * 3 // 2)])
            assert await found(index, Query("orders")) == ["0-5-0", "0-4-0"]
            assert await index.counts("orders") == {"order.created": 2}
            assert await index.attempts("orders", Position(0, 2, 0)) == []

    async def test_what_was_dropped_may_be_listed_again(self) -> None:
        events: Sequence[Event] = [an_event("1")]
        async with self.index(a_block(1, *events), max_age_ms=DAY_MS) as index:
            await index.add("orders", [a_block(2, at_ms=DAY_MS * 3)])
            await index.add("orders", [a_block(3, *events, at_ms=DAY_MS * 3)])
            assert await found(index, Query("orders", id="1")) == ["0-3-0"]
