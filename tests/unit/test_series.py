"""Tallies that are bounded, and times of blocks that are not kept for ever."""

from __future__ import annotations

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.block_times import MOST, STEP_MS, BlockTimes
from chappe.kit.counters import Attempts, Count, Counters, Exemplar, Histogram
from chappe.kit.series import Series


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans())), st.integers(1, 4))
def test_nothing_that_was_counted_is_lost_and_no_more_than_the_limit_is_told_apart(
    steps: list[tuple[int, bool]], limit: int
) -> None:
    series: Series[int, Count] = Series(Count, limit)
    counted = 0
    for key, is_dropped in steps:
        if is_dropped:
            series.drop(key)
        else:
            series.of(key).value += 1
            counted += 1
        assert len(series.items()) <= limit
    assert series.total().value == counted


def test_a_value_that_is_dropped_makes_room_for_another() -> None:
    series: Series[str, Count] = Series(Count, 1)
    assert series.of("a") is series.of("a")
    assert series.of("b") is series.other
    series.drop("a")
    assert series.of("b") is not series.other


def test_histograms_add_up() -> None:
    one, other = Histogram((1.0, 2.0)), Histogram((1.0, 2.0))
    for seconds in (0.5, 1.5, 9.0):
        one.observe(seconds)
    other.observe(1.5)
    one.add(other)
    assert (one.counts, one.sum_s, one.total) == ([1, 2, 1], 12.5, 4)


def test_an_exemplar_stands_in_the_bucket_of_its_duration() -> None:
    histogram = Histogram((1.0, 2.0))
    histogram.exemplify(Exemplar(1.5, "a" * 32, 0.0))
    histogram.exemplify(Exemplar(99.0, "b" * 32, 0.0))
    assert {at: one.trace_id[0] for at, one in histogram.exemplars.items()} == {1: "a", 2: "b"}


def test_a_subscription_that_ended_still_counts_in_the_sums() -> None:
    counters = Counters()
    counters.attempts.of("s").ended["delivered"] += 2
    counters.attempts.of("s").took_s.observe(0.1)
    counters.attempts.drop("s")
    total: Attempts = counters.attempts.total()
    assert total.ended == {"delivered": 2}
    assert counters.delivery_s.total == 1
    assert not counters.attempts.items()


@given(st.lists(st.integers(0, 3_000), max_size=300), st.integers(0, 400))
def test_a_blocks_time_is_told_to_a_step(gaps_ms: list[int], asked: int) -> None:
    times, at_ms, told = BlockTimes(), 1_000_000, []
    for seq, gap_ms in enumerate(gaps_ms, start=10):
        at_ms += gap_ms
        told.append((seq, at_ms))
        times.note(seq, at_ms)
    found = times.at_ms(asked)
    here = bisect_right(told, (asked, 10**12)) - 1
    if here < 0:
        assert found is None
    else:
        assert found is not None
        assert 0 <= told[here][1] - found < STEP_MS


def test_times_of_a_long_life_take_bounded_memory() -> None:
    times = BlockTimes()
    for seq in range(4 * MOST):
        times.note(seq, seq * STEP_MS)
    assert len(times._seqs) <= MOST
    assert times.at_ms(4 * MOST - 1) == (4 * MOST - 1) * STEP_MS
    old = times.at_ms(MOST)
    assert old is not None
    # Older, less exact, but never from before the block by more than a part of its age.
    assert 0 <= MOST * STEP_MS - old <= MOST * STEP_MS
