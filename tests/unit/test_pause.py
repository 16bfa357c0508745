"""Pause and resume in flows/deliver, on memory adapters and a clock that the tests turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.delivery import Delivered, Failed
from chappe.domain.lane import MAX_OPEN
from chappe.domain.options import Options
from chappe.flows.deliver.shard import ShardDelivery
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, event, failing_first, subscription

PAUSED = Options(paused=True)


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


def change(house: House, delivery: ShardDelivery, *, paused: bool, name: str = "a") -> None:
    """What a node does when it sees the registry's change."""
    changed = replace(house.subscriptions[name], options=Options(paused=paused))
    house.subscriptions[name] = changed
    house.index.put(changed)
    house.dispatcher.put(changed)
    delivery.change(changed)


async def test_nothing_is_delivered_while_paused_and_nothing_is_lost(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock)
    async with house.node(sink) as delivery:
        await house.publish(event(1))
        await house.clock.until(lambda: sink.delivered["a"] == ["e-1"])
        change(house, delivery, paused=True)
        await house.publish(*(event(number) for number in range(2, 50)))
        await house.clock.advance(3600)
        assert sink.delivered["a"] == ["e-1"]
        change(house, delivery, paused=False)
        await house.clock.until(lambda: len(sink.delivered["a"]) == 49)
        await house.publish(event(50))
        await house.clock.until(lambda: len(sink.delivered["a"]) == 50)
        await house.clock.advance(5)
        assert delivery.own_lanes == 0
    assert sink.delivered["a"] == [f"e-{number}" for number in range(1, 51)]


async def test_attempts_under_way_end_and_retries_wait_for_the_resume(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, failing_first(1, Failed("503", 503)), takes_s=10.0)
    await house.publish(event(1))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.attempts) == 1)
        change(house, delivery, paused=True)
        await house.clock.advance(3600)
        assert [row.result for row in await house.attempts()] == ["retry"]
        assert len(sink.attempts) == 1
        change(house, delivery, paused=False)
        await house.clock.until(lambda: sink.delivered["a"] == ["e-1"])
    assert [attempt.number for attempt in sink.attempts] == [1, 2]


async def test_what_was_queued_behind_slow_attempts_waits_and_keeps_its_order(
    house: House,
) -> None:
    house.subscribe(subscription(concurrency=1))
    sink = ScriptedSink(house.clock, takes_s=10.0)
    await house.publish(*(event(number) for number in range(9)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.attempts) == 1)
        change(house, delivery, paused=True)
        await house.clock.advance(60)
        assert sink.delivered["a"] == ["e-0"]
        change(house, delivery, paused=False)
        await house.clock.until(lambda: len(sink.delivered["a"]) == 9)
        await house.clock.advance(60)
    assert sink.delivered["a"] == [f"e-{number}" for number in range(9)]


async def test_a_pause_survives_a_restart_and_a_takeover(house: House) -> None:
    house.subscribe(subscription())
    first = ScriptedSink(house.clock, takes_s=1e9)
    await house.publish(event(1))
    async with house.node(first) as delivery:
        await house.clock.until(lambda: len(first.attempts) == 1)
        change(house, delivery, paused=True)
        await house.publish(event(2), event(3))
        await house.clock.advance(2)
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.publish(event(4))
        await house.clock.advance(600)
    assert second.attempts == []
    third = ScriptedSink(house.clock)
    async with house.node(third) as delivery:
        await house.clock.advance(1)
        change(house, delivery, paused=False)
        await house.clock.until(lambda: len(third.delivered["a"]) == 4)
        await house.clock.advance(5)
    assert sorted(third.delivered["a"]) == ["e-1", "e-2", "e-3", "e-4"]


async def test_a_paused_subscription_without_events_costs_no_record(house: House) -> None:
    house.subscribe(subscription(types=frozenset({"other"}), options=PAUSED))
    async with house.node(ScriptedSink(house.clock)) as delivery:
        await house.publish(*(event(number) for number in range(5)))
        await house.clock.advance(5)
        assert delivery.own_lanes == 0
    assert not (await house.cursors.claim("default.0")).lanes


async def test_a_lane_that_reads_on_its_own_stops_in_the_middle_of_a_block(house: House) -> None:
    count = MAX_OPEN * 3
    house.subscribe(subscription())
    broken = True
    sink = ScriptedSink(
        house.clock, lambda attempt: Failed("refused") if broken else Delivered(204)
    )
    async with house.node(sink) as delivery:
        await house.log.append_all(delivery.channel, [event(number) for number in range(count)])
        await house.clock.until(lambda: delivery.own_lanes == 1)
        change(house, delivery, paused=True)
        broken = False
        tried = len(sink.attempts)
        await house.clock.advance(7200)
        assert len(sink.attempts) == tried
        change(house, delivery, paused=False)
        await house.clock.until(lambda: len(sink.delivered["a"]) == count)
        await house.clock.advance(60)
    assert sorted(sink.delivered["a"]) == sorted(f"e-{number}" for number in range(count))


@given(
    steps=st.lists(st.sampled_from(["publish", "pause", "resume", "wait", "restart"]), max_size=25)
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_done_in_whatever_order_each_event_arrives_once(steps: list[str]) -> None:
    import asyncio

    async def run() -> None:
        house = House()
        await house.open()
        house.subscribe(subscription())
        sink = ScriptedSink(house.clock, failing_first(1, Failed("503", 503)))
        sent, left = 0, list(steps)
        while True:
            async with house.node(sink) as delivery:
                await house.clock.advance(0.3)
                while left and (step := left.pop(0)) != "restart":
                    if step == "publish":
                        sent += 1
                        await house.publish(event(sent))
                    elif step == "wait":
                        await house.clock.advance(0.4)
                    else:
                        change(house, delivery, paused=step == "pause")
                # A checkpoint, so that the next owner repeats nothing.
                await house.clock.advance(1)
                if not left:
                    change(house, delivery, paused=False)
                    await house.clock.advance(30)
                    break
        assert sorted(sink.delivered["a"]) == sorted(f"e-{n}" for n in range(1, sent + 1))

    asyncio.run(run())
