"""Several events in one request: when it leaves, what becomes of it, and what it does not bury."""

from __future__ import annotations

import pytest

from chappe.domain import lane as lanes
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.event import Event
from chappe.domain.options import Batching, EnvelopeOptions, Options, Rate
from chappe.domain.retry import RetryPolicy
from chappe.ports.sink import Attempt
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, event, subscription
from tests.unit.test_deliver_order import numbered
from tests.unit.test_steady_time import SetClock


def batched(max_events: int = 10, max_wait_s: float = 1.0, **more: object) -> Options:
    return Options(
        batching=Batching(max_events=max_events, max_wait_s=max_wait_s),
        **more,  # type: ignore[arg-type]
    )


def ids(attempt: Attempt) -> list[str]:
    return [one.id for one in attempt.events]


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


async def test_a_request_leaves_when_it_is_full(house: House) -> None:
    house.subscribe(subscription(options=batched(max_events=4, max_wait_s=100)))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(8)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 8, limit_s=5)
    assert sorted(map(len, map(ids, sink.attempts))) == [4, 4]


async def test_a_request_that_is_not_full_leaves_when_its_first_event_has_waited(
    house: House,
) -> None:
    house.subscribe(subscription(options=batched(max_events=4, max_wait_s=2)))
    sink = ScriptedSink(house.clock)
    async with house.node(sink):
        await house.publish(event(1))
        await house.clock.advance(1.5)
        await house.publish(event(2))
        assert not sink.attempts
        await house.clock.until(lambda: bool(sink.attempts))
    assert [ids(one) for one in sink.attempts] == [["e-1", "e-2"]]
    assert sink.times_s == pytest.approx([2.0], abs=0.01)


async def test_a_request_leaves_though_the_clock_is_set_a_little_on_meanwhile() -> None:
    """By the wall clock its time has come too early; nothing else would ever come to take it."""
    clock = SetClock()
    house = House(clock=clock)
    await house.open()
    house.subscribe(subscription("a", options=batched(max_events=4, max_wait_s=2)))
    house.subscribe(subscription("b", options=batched(max_events=4, max_wait_s=0.1)))
    sink = ScriptedSink(clock)
    async with house.node(sink):
        await house.publish(event(1))
        await clock.advance(1.0)
        clock.set_by_ms += 700
        await house.publish(
            event(2)
        )  # its request has a time of its own, by the clock as it is now
        await clock.until(lambda: len(sink.delivered["a"]) == 2, limit_s=10)
    assert clock.monotonic_s() == pytest.approx(2.0, abs=0.01)


async def test_a_request_holds_no_more_bytes_than_asked(house: House) -> None:
    options = Options(batching=Batching(max_bytes=2_000, max_wait_s=0))
    house.subscribe(subscription(options=options))
    sink = ScriptedSink(house.clock)
    big = [Event(id=str(n), source="/s", type="t", data=b"x" * 500, text=True) for n in range(6)]
    await house.publish(*big)
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 6)
    assert max(len(one.events) for one in sink.attempts) == 2


async def test_the_mode_batched_gathers_with_the_defaults(house: House) -> None:
    house.subscribe(subscription(options=Options(envelopeoptions=EnvelopeOptions(mode="batched"))))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(100)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 100, limit_s=0.5)
    assert len(sink.attempts) == 1


async def test_a_batch_that_fails_comes_again_as_it_was_with_its_id(house: House) -> None:
    house.subscribe(subscription(options=batched(max_events=3)))
    sink = ScriptedSink(
        house.clock, lambda one: Failed("503", 503) if one.number < 3 else Delivered(204)
    )
    await house.publish(*(event(number) for number in range(6)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 6)
    sent = {(tuple(ids(one)), one.webhook_id) for one in sink.attempts}
    assert len(sent) == 2
    assert len(sink.attempts) == 6


async def test_a_batch_that_failed_comes_again_as_it_was_after_a_restart(house: House) -> None:
    retry = RetryPolicy(base_s=100)
    house.subscribe(subscription(options=batched(max_events=3), retry=retry))
    first = ScriptedSink(house.clock, lambda one: Failed("503", 503))
    await house.publish(*(event(number) for number in range(3)))
    async with house.node(first):
        await house.clock.until(lambda: len(first.attempts) == 2)
        await house.clock.advance(1)
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: bool(second.delivered["a"]))
    assert second.attempts[0].number == 3
    assert second.attempts[0].webhook_id == first.attempts[0].webhook_id
    assert ids(second.attempts[0]) == ids(first.attempts[0])


async def test_an_event_alone_in_its_request_has_the_id_that_it_has_without_batching(
    house: House,
) -> None:
    house.subscribe(subscription("a", options=batched(max_wait_s=0)))
    sink = ScriptedSink(house.clock)
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
        house.change(subscription("a"))
        await house.publish(event(2))
        await house.clock.until(lambda: len(sink.delivered["a"]) == 2)
    assert sink.attempts[0].batch is not None
    assert sink.attempts[1].batch is None
    assert sink.attempts[0].webhook_id.startswith("msg_")


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_one_bad_event_does_not_bury_the_others(house: House, status: int) -> None:
    house.subscribe(subscription(options=batched(max_events=16)))

    def answer(attempt: Attempt) -> Outcome:
        return Refused(status, "bad one") if "e-5" in ids(attempt) else Delivered(204)

    sink = ScriptedSink(house.clock, answer)
    await house.publish(*(event(number) for number in range(16)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["a"]) == 15 and not delivery.open_events)
    (letter,) = await house.dead_letters()
    assert letter.id == "e-5"
    assert letter.extensions["deadletterattempts"] == 1
    # 16, 8 + 8, 4 + 4, 2 + 2, 1 + 1
    assert len(sink.attempts) == 9


async def test_a_refusal_of_who_sends_is_about_every_event(house: House) -> None:
    house.subscribe(subscription(options=batched(max_events=4)))
    sink = ScriptedSink(house.clock, lambda one: Refused(401, "who are you"))
    await house.publish(*(event(number) for number in range(4)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: bool(sink.attempts) and not delivery.open_events)
    assert len(sink.attempts) == 1
    assert len(await house.dead_letters()) == 4


async def test_attempts_are_recorded_for_each_event_of_a_request(house: House) -> None:
    house.subscribe(subscription(options=batched(max_events=3)))
    sink = ScriptedSink(
        house.clock, lambda one: Failed("503", 503) if one.number < 2 else Delivered(204)
    )
    await house.publish(*(event(number) for number in range(3)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 3)
        await house.clock.advance(1)
    rows = await house.attempts()
    assert [(row.block, row.result, row.attempt) for row in rows] == [
        *((block, "retry", 1) for block in (1, 2, 3)),
        *((block, "delivered", 2) for block in (1, 2, 3)),
    ]
    assert len({row.next_ms for row in rows[:3]}) == 1


async def test_events_of_one_key_stand_in_one_request_in_order(house: House) -> None:
    house.subscribe(subscription(options=batched(max_events=6, ordering="key")))
    sink = ScriptedSink(house.clock, takes_s=0.1)
    await house.publish(*(numbered(number, "ab"[number % 2]) for number in range(12)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 12)
    taken = list(map(int, sink.delivered["a"]))
    assert [number for number in taken if number % 2 == 0] == list(range(0, 12, 2))
    assert [number for number in taken if number % 2] == list(range(1, 12, 2))
    assert max(len(one.events) for one in sink.attempts) == 6


async def test_a_lane_that_gathers_falls_back_before_memory_grows(house: House) -> None:
    count = lanes.MAX_OPEN * 3
    house.subscribe(subscription("late", options=batched(max_events=100, ordering="key")))
    broken = True
    sink = ScriptedSink(
        house.clock, lambda one: Failed("refused") if broken else Delivered(204), takes_s=0.01
    )
    await house.publish(*(numbered(number, f"k{number % 50}") for number in range(count)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: delivery.own_lanes == 1)
        await house.clock.advance(30)
        assert delivery.open_events <= lanes.MAX_OPEN
        broken = False
        await house.clock.until(lambda: len(set(sink.delivered["late"])) == count, limit_s=3600)
        await house.clock.until(lambda: delivery.own_lanes == 0)


async def test_the_rate_counts_requests(house: House) -> None:
    rate = Rate(per_second=2, burst=1)
    house.subscribe(subscription(options=batched(max_events=5, max_wait_s=0, rate=rate)))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(20)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 20)
    assert sink.times_s == pytest.approx([0, 0.5, 1, 1.5], abs=0.02)
