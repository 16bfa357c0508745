"""What is due in a second stays due in a second, also when somebody sets the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.lane import LaneRecord, Open, Place
from chappe.flows.deliver.steady_time import JUMP_MS, SteadyTime
from chappe.formats.cursor_records import decode_lane, encode_lane
from chappe.testing.fake_clock import FakeClock


class SetClock(FakeClock):
    """A clock whose wall time somebody sets."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.set_by_ms


@given(st.lists(st.integers(-(10**9), 10**9).filter(lambda ms: abs(ms) > JUMP_MS), max_size=5))
def test_time_goes_on_whatever_the_clock_is_set_to(jumps: list[int]) -> None:
    clock = SetClock()
    steady = SteadyTime(clock)
    before = steady.now_ms()
    for jump_ms in jumps:
        clock.set_by_ms += jump_ms
        assert steady.now_ms() == before


@given(st.integers(-JUMP_MS, JUMP_MS))
def test_drift_is_followed(drift_ms: int) -> None:
    clock = SetClock()
    steady = SteadyTime(clock)
    before = steady.now_ms()
    clock.set_by_ms += drift_ms
    assert steady.now_ms() == before + drift_ms


AT, MADE_MS = Place(7, 0), 1_900_000_000_000
RECORD = encode_lane(
    LaneRecord(
        cursor=AT,
        own=False,
        open={AT: Open(2, due_ms=MADE_MS + 500, first_ms=MADE_MS - 100)},
        failing_ms=None,
        dead_ms=None,
    ),
    at_ms=MADE_MS,
)


@pytest.mark.parametrize("set_back_ms", [0, 30_000, 3_600_000])
def test_a_record_of_before_the_clock_was_set_back_is_due_no_later_than_it_was(
    set_back_ms: int,
) -> None:
    found = decode_lane(RECORD, now_ms=MADE_MS - set_back_ms).open[AT]
    assert found.due_ms == MADE_MS - set_back_ms + 500
    assert found.first_ms == MADE_MS - set_back_ms - 100


def test_a_record_keeps_its_times_where_the_clock_went_on() -> None:
    assert decode_lane(RECORD, now_ms=MADE_MS + 90_000).open[AT].due_ms == MADE_MS + 500
    assert decode_lane(RECORD).open[AT].due_ms == MADE_MS + 500
