"""The hours of what came: what is kept, what is not known, and in how much room."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.memory.event_index import MemoryEventIndex
from chappe.domain.channel import Block
from chappe.domain.event import Event
from chappe.flows.recount import Recount
from chappe.kit.hours import HOUR_MS, SPAN, Hours
from chappe.testing.fake_clock import FakeClock

NOW_H = 500_000


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from("ab")), max_size=60))
def test_the_last_day_is_what_a_plain_count_says(came: list[tuple[int, str]]) -> None:
    hours = Hours()
    hours.known_since("c", 0)
    # Time does not go back by more than a block or two.
    for hour, name in sorted(came):
        hours.count("c", hour * HOUR_MS + 5, [name])
    plain = Counter(came)
    for name in "ab":
        wanted = [plain[hour, name] for hour in range(60 - SPAN + 1, 61)]
        assert hours.of("c", name, 60 * HOUR_MS) == (wanted if any(wanted) else None)


def test_what_was_before_the_first_count_is_not_known() -> None:
    hours = Hours()
    hours.count("c", NOW_H * HOUR_MS, ["a", "a"])
    found = hours.of("c", "a", (NOW_H + 2) * HOUR_MS)
    assert found is not None
    assert list(found) == [None] * (SPAN - 3) + [2, 0, 0]


def test_names_beyond_the_room_are_not_counted_until_others_are_a_day_old() -> None:
    hours = Hours(most=2)
    hours.count("c", NOW_H * HOUR_MS, ["a", "b", "late"])
    assert hours.of("c", "late", NOW_H * HOUR_MS) is None
    later = (NOW_H + SPAN) * HOUR_MS
    hours.count("c", later, ["late"])
    assert hours.of("c", "late", later) is not None
    assert hours.of("c", "a", later) is None


async def test_a_node_that_starts_counts_what_its_index_lists() -> None:
    index, clock, hours = MemoryEventIndex(), FakeClock(start_ms=NOW_H * HOUR_MS + 7), Hours()
    ats = [NOW_H - 30, NOW_H - 3, NOW_H - 3, NOW_H]
    blocks = [
        Block(seq, 0, at * HOUR_MS, "n", (Event(id=f"{seq}", source="/s", type="a"),))
        for seq, at in enumerate(ats, 1)
    ]
    await index.add("c", blocks)
    await Recount(index, hours, clock)("c")
    found = hours.of("c", "a", clock.now_ms())
    assert found is not None
    assert list(found) == [0] * (SPAN - 4) + [2, 0, 0, 1]


async def test_of_a_large_index_nothing_is_said_of_before() -> None:
    index, clock, hours = MemoryEventIndex(), FakeClock(start_ms=NOW_H * HOUR_MS), Hours()
    event = Event(id="1", source="/s", type="a")
    await index.add("c", [Block(1, 0, (NOW_H - 3) * HOUR_MS, "n", (event,))])
    await Recount(index, hours, clock, most=0)("c")
    hours.count("c", NOW_H * HOUR_MS, ["a"])
    assert hours.of("c", "a", clock.now_ms()) == [None] * (SPAN - 1) + [1]
