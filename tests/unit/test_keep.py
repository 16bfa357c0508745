"""Subscriptions that end by themselves, and how delivery stands, on a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Channel
from chappe.domain.errors import NotFound
from chappe.domain.event import Event
from chappe.domain.lane import END_OF_BLOCK, START, LaneRecord, Open, Place
from chappe.domain.options import Options
from chappe.domain.outcomes import Outcomes
from chappe.domain.replay import Replay
from chappe.domain.span import Span
from chappe.domain.subscription import Subscription
from chappe.flows.keep import LOOK_S, Keep
from chappe.flows.standing import ShardView, Standing, TellStanding
from chappe.formats.times import rfc3339
from chappe.testing.fake_clock import FakeClock

CHANNEL = Channel("default", 2)
END = Place(9, END_OF_BLOCK)


def ending(name: str, expires_ms: int) -> Subscription:
    return Subscription(name, "http://s/", options=Options(expires=rfc3339(expires_ms)))


def companion(of: str = "a") -> Subscription:
    replay = Replay("replay", of, of)
    return Subscription("r", "http://s/", span=Span(end=END), replay=replay)


@dataclass
class World:
    clock: FakeClock = field(default_factory=FakeClock)
    held: Held = field(default_factory=Held)
    kept: dict[str, Subscription] = field(default_factory=dict)
    lanes: dict[tuple[int, str], LaneRecord] = field(default_factory=dict)
    ended: list[tuple[str, str]] = field(default_factory=list)

    @asynccontextmanager
    async def node(self, name: str) -> AsyncIterator[None]:
        async def record_of(channel: Channel, shard: int, id_: str) -> LaneRecord | None:
            return self.lanes.get((shard, id_))

        async def end(id_: str) -> object:
            if self.kept.pop(id_, None) is None:
                raise NotFound(f"subscriptions/{id_}: does not exist")
            self.ended.append((name, id_))
            return None

        lease = MemoryShardLease(self.held, self.clock, node=name)
        keep = Keep(
            lease, lambda: self.kept, lambda: {"default": CHANNEL}, record_of, end, self.clock
        )
        task = asyncio.ensure_future(keep.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_subscription_ends_at_its_time_and_not_before(world: World) -> None:
    now_ms = world.clock.now_ms()
    world.kept = {"a": ending("a", now_ms + 60_000), "b": Subscription("b", "http://s/")}
    async with world.node("one"):
        await world.clock.advance(59)
        assert world.ended == []
        await world.clock.advance(1 + LOOK_S)
        assert world.ended == [("one", "a")]
        await world.clock.advance(60)
    assert list(world.kept) == ["b"]


async def test_another_node_ends_what_the_dead_one_would_have(world: World) -> None:
    world.kept = {"a": ending("a", world.clock.now_ms() + 60_000)}
    async with world.node("two"):
        async with world.node("one"):
            await world.clock.advance(10)
        await world.clock.advance(80)
    assert [id_ for _, id_ in world.ended] == ["a"]


async def test_a_companion_ends_once_every_shard_is_through(world: World) -> None:
    world.kept = {"a": Subscription("a", "http://s/"), "r": companion()}
    through = LaneRecord(END, own=True, open={})
    async with world.node("one"):
        world.lanes[0, "r"] = through
        await world.clock.advance(5)
        world.lanes[1, "r"] = LaneRecord(END, own=True, open={Place(3, 0): Open(1)})
        await world.clock.advance(5)
        world.lanes[1, "r"] = LaneRecord(Place(8, 0), own=True, open={})
        await world.clock.advance(5)
        assert world.ended == []
        world.lanes[1, "r"] = through
        await world.clock.advance(LOOK_S)
    assert world.ended == [("one", "r")]


async def test_a_companion_ends_with_the_subscription_that_it_is_of(world: World) -> None:
    world.kept = {"r": companion()}
    async with world.node("one"):
        await world.clock.advance(LOOK_S)
    assert world.ended == [("one", "r")]


async def standing(
    one: Subscription, views: list[ShardView], *rows: AttemptRow, events: int = 6
) -> Standing:
    clock = FakeClock()
    log = MemoryEventLog(clock)
    await log.open_channel(CHANNEL)
    for number in range(events):
        await log.append(CHANNEL, Event(id=f"e-{number}", source="/s", type="t", subject="k"))
        await clock.advance(1)
    outcomes = Outcomes()
    outcomes.note(rows)

    async def view(channel: Channel, shard: int) -> ShardView:
        return views[shard]

    told = TellStanding(log, view, lambda: {"default": CHANNEL}, outcomes, clock)
    return (await told([one], counted=True))[one.id]


AT_END = ShardView("n-1", Place(6, END_OF_BLOCK), {})
ONE = Subscription("a", "http://s/")


async def test_a_lane_without_a_record_keeps_up(world: World) -> None:
    found = await standing(ONE, [AT_END, ShardView("n-2", START, {})])
    assert (found.state, [lane.blocks for lane in found.lanes]) == ("active", [0, 0])
    assert [lane.owner for lane in found.lanes] == ["n-1", "n-2"]


async def test_a_lane_on_its_own_tells_how_much_is_left_and_how_old_it_is() -> None:
    shard = Channel("default", 2)
    clock = FakeClock()
    log = MemoryEventLog(clock)
    await log.open_channel(shard)
    position = await log.append(shard, Event(id="e", source="/s", type="t", subject="k"))
    behind = ShardView(
        "n-1", Place(6, END_OF_BLOCK), {"a": LaneRecord(Place(2, 0), own=True, open={})}
    )
    views = [behind, behind]
    found = await standing(ONE, views)
    assert found.state == "catching-up"
    lane = found.lanes[position.shard]
    assert (lane.blocks, lane.events, lane.exact) == (5, 4, True)
    assert lane.oldest_ms == FakeClock().now_ms() + 2_000


async def test_open_events_that_failed_are_told_with_the_last_reason() -> None:
    record = LaneRecord(Place(6, END_OF_BLOCK), own=False, open={Place(1, 0): Open(2, 99, 1)})
    row = AttemptRow("default", 0, 1, 0, "a", 2, 5, 1, 503, "retry", "503 busy", 99)
    found = await standing(
        ONE, [ShardView("n-1", Place(6, END_OF_BLOCK), {"a": record}), AT_END], row
    )
    assert (found.state, found.reason) == ("retrying", "503 busy")
    assert (found.lanes[0].open, found.lanes[0].waiting) == (1, 1)
    assert found.failed == row


async def test_a_replay_tells_its_progress() -> None:
    half = LaneRecord(Place(3, END_OF_BLOCK), own=True, open={})
    through = LaneRecord(Place(6, END_OF_BLOCK), own=True, open={})
    replay = Replay("replay", "a", "a")
    span = Span(end=Place(6, END_OF_BLOCK))
    one = Subscription("a", "http://s/", span=span, replay=replay)
    end = Place(6, END_OF_BLOCK)
    found = await standing(
        one, [ShardView("n", end, {"a": half}), ShardView("n", end, {"a": through})]
    )
    assert found.progress == 0.75
