"""The memory of what was seen: its bounds, and what it calls a repeat."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.seen import SeenEvents

WINDOW_MS = 1_000


def event(number: int) -> Event:
    return Event(id=str(number), source="/s", type="t")


def place(block: int, index: int = 0) -> Position:
    return Position(0, block, index)


steps = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 400)), max_size=60)
"""(event, ms since the one before)"""


@given(steps, st.integers(2, 12))
def test_it_never_holds_more_than_its_limit(added: list[tuple[int, int]], limit: int) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=limit)
    now_ms = 0
    for block, (number, wait_ms) in enumerate(added):
        now_ms += wait_ms
        seen.add(event(number), place(block), now_ms)
        assert len(seen) <= limit


@given(steps)
def test_what_was_added_within_half_a_window_is_known_with_its_last_position(
    added: list[tuple[int, int]],
) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=1_000)
    now_ms = 0
    last: dict[int, tuple[Position, int]] = {}
    for block, (number, wait_ms) in enumerate(added):
        now_ms += wait_ms
        seen.add(event(number), place(block), now_ms)
        last[number] = (place(block), now_ms)
        for known, (position, at_ms) in last.items():
            if now_ms - at_ms < WINDOW_MS // 2:
                assert seen.first(event(known)) == position


@given(st.lists(st.integers(0, 1), min_size=1, max_size=50))
def test_what_is_older_than_a_window_is_forgotten_as_others_come(gaps: list[int]) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=1_000)
    seen.add(event(0), place(1), 0)
    now_ms = 0
    for number, gap in enumerate(gaps, start=1):
        now_ms += 100 + gap * 200
        seen.add(event(number), place(number + 1), now_ms)
    if now_ms >= WINDOW_MS + 300:
        assert seen.first(event(0)) is None


@given(steps.map(lambda drawn: [number for number, _ in drawn]))
def test_reading_a_log_drops_all_but_the_first_of_each(log: list[int]) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=1_000)
    kept = [n for block, n in enumerate(log, 1) if not seen.is_repeated(event(n), place(block), 0)]
    assert kept == list(dict.fromkeys(log))


@given(
    steps.map(lambda drawn: [number for number, _ in drawn]),
    st.lists(st.integers(0, 60), max_size=10),
    st.integers(0, 60),
)
def test_a_reader_keeps_the_first_of_each_however_far_the_writers_are_ahead(
    log: list[int], told: list[int], start_over: int
) -> None:
    """Writers tell of some positions before the reader comes to them; a reader may begin again."""
    seen = SeenEvents(window_ms=WINDOW_MS, limit=1_000)
    blocks = list(enumerate(log, 1))
    for which in told:
        if which < len(blocks):
            block, number = blocks[which]
            seen.add(event(number), place(block), 0)
    first: dict[int, int] = {}
    for block, number in blocks:
        first.setdefault(number, block)
    for block, number in [*blocks[:start_over], *blocks]:
        repeated = seen.is_repeated(event(number), place(block), 0)
        if first[number] == block:
            assert not repeated, "the first of its kind must never be dropped"


@given(st.sampled_from([(0, 10), (WINDOW_MS, 0)]), st.integers(1, 5))
def test_turned_off_it_knows_nothing(setting: tuple[int, int], times: int) -> None:
    window_ms, limit = setting
    seen = SeenEvents(window_ms=window_ms, limit=limit)
    repeats = [seen.is_repeated(event(1), place(block), 0) for block in range(1, times + 1)]
    seen.add(event(1), place(1), 0)
    assert not any(repeats)
    assert seen.first(event(1)) is None


def test_an_event_of_the_same_id_and_another_source_is_another_event() -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=10)
    seen.add(event(1), place(1), 0)
    assert seen.first(Event(id="1", source="/other", type="t")) is None


def test_a_repeat_after_a_quiet_window_is_no_repeat() -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=10)
    seen.add(event(1), place(1), 0)
    assert seen.first(event(1), WINDOW_MS - 1) == place(1)
    assert seen.first(event(1), WINDOW_MS) is None
    assert not seen.is_repeated(event(1), place(2), WINDOW_MS)
    assert seen.is_repeated(event(1), place(3), WINDOW_MS + 1)


@given(steps, st.integers(0, 3 * WINDOW_MS))
def test_at_look_up_an_entry_lives_between_half_a_window_and_a_whole_one(
    added: list[tuple[int, int]], quiet_ms: int
) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=1_000)
    now_ms = 0
    last: dict[int, int] = {}
    for block, (number, wait_ms) in enumerate(added):
        now_ms += wait_ms
        seen.add(event(number), place(block), now_ms)
        last[number] = now_ms
    now_ms += quiet_ms
    for number, at_ms in last.items():
        found = seen.first(event(number), now_ms)
        if now_ms - at_ms < WINDOW_MS // 2:
            assert found is not None
        if now_ms - at_ms >= WINDOW_MS:
            assert found is None


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4), st.integers(0, 3)), max_size=12),
    st.lists(st.integers(0, 6), max_size=4),
    st.integers(1, 4),
)
def test_of_a_block_whose_events_stand_where_they_are_known_none_is_repeated(
    added: list[tuple[int, int, int]], numbers: list[int], block: int
) -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=100)
    for number, at, index in added:
        seen.add(event(number), place(at, index), 0)
    events = [event(number) for number in numbers]
    stand = seen.stand_at(events, 0, block)
    repeated = [seen.is_repeated(one, place(block, index), 0) for index, one in enumerate(events)]
    assert not (stand and any(repeated))


def test_what_was_just_written_stands_where_it_is_known() -> None:
    seen = SeenEvents(window_ms=WINDOW_MS, limit=100)
    events = [event(number) for number in range(5)]
    seen.add_all(events, [place(7, index) for index in range(5)], 0)
    assert seen.stand_at(events, 0, 7)
    assert not seen.stand_at(events, 0, 8)
    assert not seen.stand_at([*events, event(9)], 0, 7)
