"""How a sink is asked: slow start, rate, pauses, the breaker, and when delivery stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from chappe.domain.delivery import Delivered, Failed, Gone, Outcome, Refused
from chappe.domain.filters import Prefix
from chappe.domain.options import Breaker, Disabled, Options, Rate
from chappe.domain.retry import RetryPolicy
from chappe.formats.times import rfc3339
from chappe.ports.clock import Clock
from chappe.ports.sink import Attempt
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, event, subscription

DEAD = Failed("connection refused by 127.0.0.1:9")


class MeasuredSink(ScriptedSink):
    """Also knows how many attempts were under way when each began."""

    def __init__(
        self, clock: Clock, answer: Callable[[Attempt], Outcome], *, takes_s: float
    ) -> None:
        super().__init__(clock, answer, takes_s=takes_s)
        self.at_once: list[int] = []
        self._under_way = 0

    async def send(self, attempt: Attempt) -> Outcome:
        self._under_way += 1
        self.at_once.append(self._under_way)
        try:
            return await super().send(attempt)
        finally:
            self._under_way -= 1


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


async def test_a_node_that_starts_asks_a_sink_more_and_more(house: House) -> None:
    house.subscribe(subscription(concurrency=64))
    sink = MeasuredSink(house.clock, lambda one: Delivered(204), takes_s=1.0)
    await house.publish(*(event(number) for number in range(200)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 200)
    per_round = Counter(round(at_s) for at_s in sink.times_s)
    assert [per_round[second] for second in range(5)] == [4, 8, 16, 32, 64]


async def test_a_rate_is_kept_on_average_and_a_burst_at_once(house: House) -> None:
    house.subscribe(subscription(options=Options(rate=Rate(per_second=10, burst=5))))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(35)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 35)
    assert sum(at_s < 0.05 for at_s in sink.times_s) == 5
    assert sink.times_s[-1] == pytest.approx(3.0, abs=0.1)


async def test_a_node_with_half_of_the_shards_sends_half_of_the_rate(house: House) -> None:
    house.share = 0.5
    house.subscribe(subscription(options=Options(rate=Rate(per_second=10, burst=2))))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(11)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 11)
    assert sink.times_s[-1] == pytest.approx(2.0, abs=0.25)


async def test_retry_after_rests_the_whole_subscription(house: House) -> None:
    house.subscribe(subscription(concurrency=1))
    sink = ScriptedSink(
        house.clock,
        lambda one: (
            Failed("429", 429, 60.0)
            if one.event.id == "e-0" and one.number == 1
            else Delivered(204)
        ),
    )
    await house.publish(*(event(number) for number in range(5)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 5)
    assert sink.times_s[0] == 0.0
    assert min(sink.times_s[1:]) >= 60.0
    assert max(sink.times_s) < 61.0


async def test_retry_after_rests_no_longer_than_the_policy_lets_it(house: House) -> None:
    house.subscribe(subscription(concurrency=1, retry=RetryPolicy(max_retry_after_s=10)))
    sink = ScriptedSink(
        house.clock,
        lambda one: Failed("503", 503, 1e6) if one.number == 1 else Delivered(204),
    )
    await house.publish(event(0))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
    assert sink.times_s[1] == pytest.approx(10.0, abs=0.1)


async def test_nothing_is_spent_while_the_sink_is_known_dead(house: House) -> None:
    """A day of outage costs no event an attempt but the first, nor its age."""
    breaker = Breaker(failures=5, open_s=10, max_open_s=600)
    retry = RetryPolicy(max_attempts=2, base_s=1, max_age_s=3600)
    house.subscribe(subscription(options=Options(breaker=breaker), retry=retry, concurrency=2))
    dead = True
    sink = ScriptedSink(house.clock, lambda one: DEAD if dead else Delivered(204))
    await house.publish(*(event(number) for number in range(5)))
    async with house.node(sink):
        await house.clock.advance(86_400)
        tried = len(sink.attempts)
        # The first five, then a probe in each pause of 10, 20, 40 … 600 s, each shortened by jitter.
        assert 86_400 / 600 < tried < 86_400 / 300 + 20
        assert {one.number for one in sink.attempts[6:]} <= {1, 2}
        dead = False
        await house.clock.until(lambda: len(sink.delivered["a"]) == 5, limit_s=1200)
    assert not await house.dead_letters()


async def test_one_probe_at_a_time_goes_through(house: House) -> None:
    breaker = Breaker(failures=1, open_s=10)
    house.subscribe(subscription(options=Options(breaker=breaker), concurrency=8))
    sink = MeasuredSink(house.clock, lambda one: DEAD, takes_s=1.0)
    await house.publish(*(event(number) for number in range(50)))
    async with house.node(sink):
        await house.clock.advance(300)
    probes = [one for one, at_s in zip(sink.at_once, sink.times_s, strict=True) if at_s > 2]
    assert len(probes) > 3
    assert set(probes) == {1}


async def test_a_sink_that_comes_back_is_not_stormed(house: House) -> None:
    """Behind the outage stand a thousand events: they come in a rising tide, their retries spread."""
    random = Random(7)
    house.random = random.random
    retry = RetryPolicy(max_attempts=1000, base_s=30, max_backoff_s=60)
    house.subscribe(
        subscription(
            options=Options(breaker=Breaker(failures=100, open_s=20, max_open_s=20)),
            retry=retry,
            concurrency=200,
        )
    )
    back_s: float | None = None
    sink = MeasuredSink(
        house.clock, lambda one: DEAD if back_s is None else Delivered(204), takes_s=1.0
    )
    await house.publish(*(event(number) for number in range(1_000)))
    async with house.node(sink):
        await house.clock.advance(100)
        back_s = house.clock.monotonic_s()
        await house.clock.until(lambda: len(sink.delivered["a"]) == 1_000)
    after = [
        (at_s, count)
        for at_s, count in zip(sink.times_s, sink.at_once, strict=True)
        if at_s >= back_s
    ]
    began_s = after[0][0]
    per_second = Counter(int(at_s - began_s) for at_s, _ in after)
    # The probe, then twice as many with every answer: never more than double of the second before.
    assert per_second[0] == 1
    for second in range(1, 7):
        assert per_second[second] <= 2 * per_second[second - 1] + 1
    assert max(count for _, count in after[:60]) <= 64


async def test_retries_of_many_events_are_spread_over_the_whole_wait(house: House) -> None:
    house.random = Random(5).random
    breaker = Breaker(failures=10_000)
    retry = RetryPolicy(base_s=100, max_backoff_s=100)
    house.subscribe(subscription(options=Options(breaker=breaker), retry=retry, concurrency=100))
    sink = ScriptedSink(house.clock, lambda one: DEAD if one.number == 1 else Delivered(204))
    await house.publish(*(event(number) for number in range(100)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 100)
    tenths = Counter(int(at_s // 10) for at_s in sink.times_s if at_s > 0.5)
    assert len(tenths) == 10
    assert max(tenths.values()) < 25


async def test_an_open_breaker_and_its_dead_time_survive_a_restart(house: House) -> None:
    options = Options(
        breaker=Breaker(failures=2, open_s=1000, max_open_s=1000), disable_after_s=5000
    )
    house.subscribe(
        subscription(options=options, retry=RetryPolicy(max_attempts=3, max_age_s=1500))
    )
    first = ScriptedSink(house.clock, lambda one: DEAD)
    await house.publish(event(1), event(2), event(3))
    async with house.node(first):
        await house.clock.advance(2000)
    # The next owner's first attempt is a probe, and costs nothing.
    for _ in range(5):
        sink = ScriptedSink(house.clock, lambda one: DEAD)
        async with house.node(sink):
            await house.clock.advance(200)
        assert len(sink.attempts) == 1
        assert sink.attempts[0].number <= 3
    assert not await house.dead_letters()
    assert not house.disabled
    last = ScriptedSink(house.clock, lambda one: DEAD)
    async with house.node(last):
        await house.clock.advance(3000)
    assert [one for one, _ in house.disabled] == ["a"]
    well = ScriptedSink(house.clock)
    async with house.node(well):
        await house.clock.until(lambda: len(well.delivered["a"]) == 3, limit_s=10)


async def test_warnings_come_before_delivery_stops(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    options = Options(disable_after_s=1000, breaker=Breaker(failures=1, open_s=10, max_open_s=20))
    house.subscribe(subscription(options=options))
    sink = ScriptedSink(house.clock, lambda one: DEAD)
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(house.disabled))
        assert 1000 <= house.clock.monotonic_s() < 1050
        tried = len(sink.attempts)
        await house.clock.advance(10_000)
        assert len(sink.attempts) == tried
    told = [
        getattr(one, "fields", {}).get("percent")
        for one in caplog.records
        if one.message == "nothing delivered for long; delivery will stop"
    ]
    assert told == [50, 70, 90]
    assert dict(house.counters.dead_time_warnings) == {"50": 1, "70": 1, "90": 1}
    assert "nothing but failures for 1000 s" in house.disabled[0][1]


async def test_a_sink_that_is_gone_ends_its_subscription_at_once_and_loses_nothing(
    house: House,
) -> None:
    house.subscribe(subscription(concurrency=1))
    gone = True
    sink = ScriptedSink(house.clock, lambda one: Gone(410, "gone") if gone else Delivered(204))
    await house.publish(*(event(number) for number in range(3)))
    async with house.node(sink):
        await house.clock.advance(3600)
        assert len(sink.attempts) == 1
        assert house.disabled == [("a", "answered with 410: gone")]
        disabled = Options(disabled=Disabled(reason="answered with 410: gone"))
        house.change(subscription(concurrency=1, options=disabled))
        await house.clock.advance(3600)
        assert len(sink.attempts) == 1
        gone = False
        house.change(subscription(concurrency=1))
        await house.clock.until(lambda: len(sink.delivered["a"]) == 3, limit_s=5)
    assert not await house.dead_letters()


async def test_a_status_that_disables_is_the_subscriptions_to_name(house: House) -> None:
    retry = RetryPolicy(statuses={"403": "disable", "404": "refuse", "400": "retry"})
    house.subscribe(subscription(retry=retry, concurrency=1))
    answers = {"e-0": Failed("404", 404), "e-1": Refused(400, "odd"), "e-2": Refused(403, "no")}
    sink = ScriptedSink(house.clock, lambda one: answers[one.event.id])
    await house.publish(event(0), event(1), event(2))
    async with house.node(sink):
        await house.clock.until(lambda: bool(house.disabled))
        await house.clock.advance(1)
    assert [one.id for one in await house.dead_letters()] == ["e-0"]
    results = [(row.block, row.status, row.result) for row in await house.attempts()]
    assert results == [(1, 404, "dead-letter"), (2, 400, "retry"), (3, 403, "retry")]


async def test_a_schedule_is_kept_and_ends_in_a_dead_letter(house: House) -> None:
    house.subscribe(subscription(retry=RetryPolicy(schedule_s=(1, 60, 600))))
    sink = ScriptedSink(house.clock, lambda one: DEAD)
    await house.publish(event(1))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.attempts) == 4 and not delivery.open_events)
    assert sink.times_s == pytest.approx([0, 1, 61, 661])
    assert len(await house.dead_letters()) == 1


async def test_a_paused_subscription_asks_nothing_and_goes_on(house: House) -> None:
    house.subscribe(subscription(options=Options(paused=True)))
    sink = ScriptedSink(house.clock)
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.advance(100)
        assert not sink.attempts
        house.change(replace(subscription(), epoch=2))
        await house.clock.until(lambda: bool(sink.delivered["a"]), limit_s=1)


async def test_a_dead_sink_takes_nothing_from_a_healthy_one(house: House) -> None:
    house.subscribe(subscription("dead", concurrency=2))
    house.subscribe(subscription("well"))
    sink = ScriptedSink(
        house.clock, lambda one: DEAD if one.subscription.id == "dead" else Delivered(204)
    )
    await house.publish(*(event(number) for number in range(500)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["well"]) == 500, limit_s=1)
        await house.clock.advance(60)
        assert house.dispatcher.dead_sinks == 1
    dead = [one for one in sink.attempts if one.subscription.id == "dead"]
    assert len(dead) < 40


async def test_many_slow_sinks_do_not_keep_a_quick_one_waiting(house: House) -> None:
    """More attempts are under way than the engine lets begin at once, for a minute each."""
    for number in range(20):
        house.subscribe(subscription(f"slow-{number}", concurrency=32))
    house.subscribe(subscription("quick", filter=Prefix("id", "e-9")))
    quick = ScriptedSink(house.clock)
    slow = MeasuredSink(house.clock, lambda one: Delivered(204), takes_s=60.0)

    class Both(ScriptedSink):
        async def send(self, attempt: Attempt) -> Outcome:
            return await (quick if attempt.subscription.id == "quick" else slow).send(attempt)

    await house.publish(*(event(number) for number in range(100)))
    async with house.node(Both(house.clock)):
        await house.clock.until(lambda: len(quick.delivered["quick"]) == 11, limit_s=2)
        await house.clock.advance(250)
        await house.publish(event(900))
        began_s = house.clock.monotonic_s()
        await house.clock.until(lambda: len(quick.delivered["quick"]) == 12, limit_s=2)
        assert house.clock.monotonic_s() - began_s < 1
        # All that the subscriptions allow at once, in spite of the crowd.
        assert max(slow.at_once) > 300


async def test_a_sink_that_is_replaced_is_asked_at_once(house: House) -> None:
    options = Options(breaker=Breaker(failures=1, open_s=3600, max_open_s=3600))
    house.subscribe(subscription(options=options))
    sink = ScriptedSink(
        house.clock,
        lambda one: DEAD if one.subscription.sink == "http://sink/a" else Delivered(204),
    )
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: house.dispatcher.dead_sinks == 1)
        house.change(subscription(options=options, sink="http://sink/b"))
        await house.clock.until(lambda: bool(sink.delivered["a"]), limit_s=5)


async def test_a_change_while_no_node_ran_begins_the_dead_time_anew(house: House) -> None:
    options = Options(breaker=Breaker(failures=1, open_s=10), disable_after_s=1000)
    house.subscribe(subscription(options=options))
    await house.publish(event(1))
    async with house.node(ScriptedSink(house.clock, lambda one: DEAD)):
        await house.clock.advance(900)
    changed = rfc3339(house.clock.now_ms())
    house.subscriptions["a"] = replace(house.subscriptions["a"], modified_at=changed)
    async with house.node(ScriptedSink(house.clock, lambda one: DEAD)):
        await house.clock.advance(500)
        assert not house.disabled
        await house.clock.until(lambda: bool(house.disabled), limit_s=1000)
