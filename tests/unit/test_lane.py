"""A lane against a model of its shard: whatever happens, in whatever order, no event is lost."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from chappe.domain import lane as lanes
from chappe.domain.lane import END_OF_BLOCK, START, Lane, LaneRecord, Place, before
from chappe.formats.cursor_records import decode_lane, encode_lane

ROOM, ROOM_WAITING = 4, 2
"""Small enough to be full all the time."""


class LaneOnAShard(RuleBasedStateMachine):
    """The lane, moved as `flows/deliver` moves it, with crashes between any two steps.

    On disk are a checkpoint and, perhaps, the lane's record. The model keeps the places that the
    subscription wants, and those that were settled.
    """

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(lanes, "MAX_OPEN", ROOM)
        self._patch.setattr(lanes, "MAX_WAITING", ROOM_WAITING)
        self.log: list[Place] = []
        self.settled: set[Place] = set()
        self.clock_ms = 0
        self.checkpoint = START
        self.record: LaneRecord | None = None
        self.reader = START
        self.lane = Lane("s")

    @override
    def teardown(self) -> None:
        self._patch.undo()

    # ---- what the reader and the lane's own cursor do

    @initialize(size=st.integers(1, 4))
    def first_block(self, size: int) -> None:
        self.publish(size)

    @rule(size=st.integers(1, 4))
    def publish(self, size: int) -> None:
        block = self.log[-1].block + 1 if self.log else 1
        self.log += [Place(block, index) for index in range(size)]

    @rule()
    def the_reader_matches_a_block(self) -> None:
        ahead = [place for place in self.log if place > self.reader]
        for place in ahead:
            if place.block != ahead[0].block:
                break
            self._offer(place)
            self.reader = place
        if ahead:
            self.reader = Place(ahead[0].block, END_OF_BLOCK)

    def _offer(self, place: Place) -> None:
        lane = self.lane
        if lane.own or place <= lane.cursor:
            return
        if lane.has_room:
            lane.take(place)
        else:
            lane.fall_back(before(place))

    @precondition(lambda self: self.lane.own)
    @rule(steps=st.integers(1, 6))
    def the_lane_reads_on(self, steps: int) -> None:
        lane = self.lane
        if lane.join(self.reader):
            return
        for place in [place for place in self.log if place > lane.cursor][:steps]:
            if not lane.has_room:
                return
            lane.take(place)

    # ---- what the dispatcher does

    @precondition(lambda self: self.lane.open)
    @rule(data=st.data())
    def an_event_is_settled(self, data: st.DataObject) -> None:
        place = self._open_one(data)
        self.lane.start(place)
        self.lane.settle(place)
        self.settled.add(place)

    @precondition(lambda self: self.lane.open)
    @rule(data=st.data(), wait_ms=st.integers(0, 1000))
    def a_try_fails(self, data: st.DataObject, wait_ms: int) -> None:
        place = self._open_one(data)
        self.clock_ms += 1
        event = self.lane.start(place)
        assert event is not None
        first_ms = self.clock_ms if event.first_ms is None else event.first_ms
        self.lane.fail(place, due_ms=self.clock_ms + wait_ms, first_ms=first_ms)

    def _open_one(self, data: st.DataObject) -> Place:
        return data.draw(st.sampled_from(sorted(self.lane.open)))

    # ---- what is written; a crash may come after the record and before the checkpoint

    @rule(keep=st.booleans(), whole=st.booleans())
    def cursors_are_written(self, keep: bool, whole: bool) -> None:
        lane = self.lane
        oldest = lane.oldest
        at = self.reader
        if lane.needs_record or keep or (self.record is not None and not self._can_forget(oldest)):
            self.record = decode_lane(encode_lane(lane.record()))
        else:
            self.record = None
            if oldest is not None:
                at = min(at, before(oldest))
        if whole:
            self.checkpoint = at

    def _can_forget(self, oldest: Place | None) -> bool:
        return oldest is None or oldest > self.checkpoint

    @rule()
    def the_node_dies_and_another_resumes(self) -> None:
        retried = {} if self.record is None else dict(self.record.open)
        self.reader = self.checkpoint
        if self.record is None:
            self.lane = Lane("s")
        else:
            self.lane = Lane.resumed("s", self.record, self.checkpoint)
        assert self.lane.open == retried

    # ---- what must hold at any time

    @invariant()
    def no_event_is_lost(self) -> None:
        self._check_nothing_lost(self.lane, self.reader)

    @invariant()
    def nothing_is_lost_if_the_node_dies_now(self) -> None:
        if self.record is None:
            self._check_nothing_lost(Lane("s"), self.checkpoint)
        else:
            self._check_nothing_lost(
                Lane.resumed("s", self.record, self.checkpoint), self.checkpoint
            )

    def _check_nothing_lost(self, lane: Lane, reader: Place) -> None:
        seen = lane.cursor if lane.own else max(lane.cursor, reader)
        lost = [
            place
            for place in self.log
            if place <= seen and place not in self.settled and place not in lane.open
        ]
        assert not lost, f"{lost} are neither settled nor open, and {seen} is past them"

    @invariant()
    def a_lane_that_needs_no_record_has_nothing_to_forget(self) -> None:
        """Nothing but what reading again from the checkpoint brings back."""
        if not self.lane.needs_record:
            assert not self.lane.own
            assert all(event.attempts == 0 for event in self.lane.open.values())

    @invariant()
    def the_counts_are_right(self) -> None:
        events = self.lane.open.values()
        assert self.lane.waiting == sum(event.due_ms is not None for event in events)
        assert self.lane.failed == sum(event.attempts > 0 for event in events)
        assert self.lane.oldest == min(self.lane.open, default=None)

    @invariant()
    def it_takes_no_more_than_there_is_room_for(self) -> None:
        assert len(self.lane.open) <= ROOM


LaneOnAShard.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestLane = LaneOnAShard.TestCase


def test_a_lane_that_is_not_its_own_resumes_at_the_later_of_cursor_and_checkpoint() -> None:
    record = LaneRecord(Place(3, 0), own=False, open={})
    assert Lane.resumed("s", record, Place(5, 1)).cursor == Place(5, 1)


def test_a_lane_on_its_own_cursor_resumes_there_whatever_the_checkpoint_says() -> None:
    record = LaneRecord(Place(3, 0), own=True, open={})
    assert Lane.resumed("s", record, Place(5, 1)).cursor == Place(3, 0)


def test_before_the_first_event_of_a_block_stands_all_of_the_block_before() -> None:
    assert before(Place(7, 0)) == Place(6, END_OF_BLOCK)
    assert before(Place(7, 3)) == Place(7, 2)
