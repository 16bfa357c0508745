"""flows/trace: what became of an event, and of one that repeats another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chappe.adapters.memory.event_index import MemoryEventIndex
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.flows.find import Find
from chappe.flows.trace import Trace
from chappe.kit.latest import Latest
from chappe.testing.fake_clock import FakeClock

CHANNEL = Channel("default", 1)
WINDOW_MS = 120_000
SUBSCRIPTIONS = {"a": Subscription(id="a", sink="http://sink/a")}


def event(number: int) -> Event:
    return Event(id=f"e-{number}", source="/s", type="t")


def delivered(position: Position) -> AttemptRow:
    _, block, index = position
    return AttemptRow("default", 0, block, index, "a", 1, 0, 5, 204, "delivered")


class House:
    """A log, its index, and the trace of what stands there."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog(self.clock, node="n")
        self.index = MemoryEventIndex()
        self.reached = Latest(0)
        channels = {CHANNEL.name: CHANNEL}
        find = Find(self.log, self.index, lambda _: self.reached, lambda: channels, self.clock)
        self.trace = Trace(
            self.log,
            self.index,
            find.one,
            self.known,
            lambda: channels,
            lambda: SUBSCRIPTIONS,
            lambda _: None,
            find.first,
            WINDOW_MS,
        )

    async def known(self) -> None:
        """What was recorded is in the index at once."""

    async def publish(self, one: Event) -> Position:
        return await self.log.append(CHANNEL, one)

    async def observe(self, attempts: Sequence[AttemptRow] = ()) -> None:
        blocks = await self.log.read(CHANNEL, None, self.reached.value, limit_blocks=1_000)
        await self.index.add(CHANNEL.name, blocks, attempts)
        self.reached.set((await self.log.extent(CHANNEL)).last_block)


@pytest.fixture
async def house() -> House:
    made = House()
    await made.log.open_channel(CHANNEL)
    return made


async def test_a_repeat_is_traced_as_its_first_copy(house: House) -> None:
    first = await house.publish(event(1))
    await house.publish(event(2))
    second = await house.publish(event(1))
    await house.observe([delivered(first)])
    traced = await house.trace("default", str(second))
    assert (traced.position, traced.first) == (second, first)
    assert [lane.state for lane in traced.lanes] == ["delivered"]
    assert [row.position for row in traced.lanes[0].attempts] == [first]


async def test_an_event_that_repeats_none_names_no_first_copy(house: House) -> None:
    first = await house.publish(event(1))
    await house.publish(event(1))
    await house.observe()
    traced = await house.trace("default", str(first))
    assert (traced.position, traced.first) == (first, None)
    assert [lane.state for lane in traced.lanes] == ["pending"]


async def test_an_event_that_comes_again_after_the_window_is_traced_by_itself(
    house: House,
) -> None:
    first = await house.publish(event(1))
    await house.clock.advance(WINDOW_MS / 1000)
    second = await house.publish(event(1))
    await house.observe([delivered(first)])
    traced = await house.trace("default", str(second))
    assert (traced.position, traced.first) == (second, None)
    assert [lane.state for lane in traced.lanes] == ["pending"]


async def test_a_repeat_that_was_delivered_all_the_same_is_traced_by_itself(house: House) -> None:
    """The memory of what was seen is bounded, too."""
    first = await house.publish(event(1))
    second = await house.publish(event(1))
    await house.observe([delivered(first), delivered(second)])
    traced = await house.trace("default", str(second))
    assert traced.first is None
    assert [row.position for row in traced.lanes[0].attempts] == [second]
