"""flows/deliver on memory adapters and a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, DEADLETTERS, Channel
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import Fenced
from chappe.domain.event import Event
from chappe.domain.filters import Prefix
from chappe.domain.lane import MAX_OPEN
from chappe.domain.matching import SubscriptionIndex
from chappe.domain.retry import RetryPolicy
from chappe.domain.seen import SeenEvents
from chappe.domain.subscription import Subscription
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.deliver.shard import ShardDelivery
from chappe.formats.attempts import decode_attempts
from chappe.kit.counters import Counters
from chappe.ports.sink import Attempt, Sink
from chappe.testing.fake_clock import FakeClock
from chappe.testing.scripted_sink import ScriptedSink

CHANNEL = Channel("default", 1)
WINDOW_MS = 120_000


def event(number: int) -> Event:
    return Event(id=f"e-{number}", source="/s", type="t")


def subscription(name: str = "a", **changes: object) -> Subscription:
    return replace(Subscription(id=name, sink=f"http://sink/{name}"), **changes)  # type: ignore[arg-type]


@dataclass
class House:
    """What outlives a node, and what the node's parts share."""

    clock: FakeClock = field(default_factory=FakeClock)
    cursors: MemoryCursors = field(default_factory=MemoryCursors)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    revision: int = 1
    disabled: list[tuple[str, str]] = field(default_factory=list)
    share: float = 1.0
    random: Callable[[], float] = lambda: 0.5

    async def disable(self, subscription_id: str, reason: str) -> None:
        """What the registry would be asked to declare."""
        self.disabled.append((subscription_id, reason))

    def change(self, one: Subscription) -> None:
        """Tell the node that runs that a subscription is another."""
        self.subscriptions[one.id] = one
        self.index.put(one)
        self.dispatcher.put(one)
        self.delivery.change(one)

    def __post_init__(self) -> None:
        self.log = MemoryEventLog(self.clock)
        self.counters = Counters()

    async def open(self) -> None:
        for channel in (CHANNEL, Channel(ATTEMPTS, 1), Channel(DEADLETTERS, 1)):
            await self.log.open_channel(channel)

    async def publish(self, *events: Event) -> None:
        for one in events:
            await self.log.append(CHANNEL, one)

    def subscribe(self, one: Subscription) -> None:
        self.revision += 1
        self.subscriptions[one.id] = replace(one, made_at_revision=self.revision)

    async def attempts(self) -> list[AttemptRow]:
        blocks = await self.log.read(Channel(ATTEMPTS, 1), 0, 0, limit_blocks=10_000)
        return [row for block in blocks for one in block.events for row in decode_attempts(one)]

    async def dead_letters(self) -> list[Event]:
        blocks = await self.log.read(Channel(DEADLETTERS, 1), 0, 0, limit_blocks=10_000)
        return [one for block in blocks for one in block.events]

    @asynccontextmanager
    async def node(self, sink: Sink) -> AsyncIterator[ShardDelivery]:
        """A node that owns the shard, and is gone without a word at the end."""
        index = SubscriptionIndex()
        for one in self.subscriptions.values():
            index.put(one)
        recorder = AttemptRecorder(
            self.log, Channel(ATTEMPTS, 1), self.clock, iter(map(str, range(10**9))).__next__, "n"
        )
        dispatcher = Dispatcher(
            self.log,
            Channel(DEADLETTERS, 1),
            {"HTTP": sink},
            recorder,
            self.clock,
            self.random,
            self.counters,
            share=lambda channel: self.share,
            disable=self.disable,
        )
        delivery = ShardDelivery(
            CHANNEL,
            0,
            log=self.log,
            cursors=self.cursors,
            dispatcher=dispatcher,
            recorder=recorder,
            clock=self.clock,
            index=index,
            subscriptions=lambda: self.subscriptions,
            registry_revision=lambda: self.revision,
            seen=SeenEvents(window_ms=WINDOW_MS, limit=10_000),
            window_ms=WINDOW_MS,
            node="n",
        )
        self.index = index
        self.dispatcher = dispatcher
        self.delivery = delivery
        tasks = [
            asyncio.ensure_future(work)
            for work in (dispatcher.run(), recorder.run(), delivery.run())
        ]
        try:
            yield delivery
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


def failing_first(times: int, answer: Outcome) -> Callable[[Attempt], Outcome]:
    return lambda attempt: answer if attempt.number <= times else Delivered(200)


async def test_an_event_goes_to_every_subscription_that_wants_it(house: House) -> None:
    house.subscribe(subscription("a"))
    house.subscribe(subscription("b", filter=Prefix("id", "e-1")))
    sink = ScriptedSink(house.clock)
    await house.publish(event(1), event(2), event(11))
    async with house.node(sink):
        await house.clock.until(lambda: sum(map(len, sink.delivered.values())) == 5)
    assert sink.delivered == {"a": ["e-1", "e-2", "e-11"], "b": ["e-1", "e-11"]}


async def test_an_event_is_offered_again_until_the_sink_takes_it(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, failing_first(3, Failed("503", 503)))
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
    assert [attempt.number for attempt in sink.attempts] == [1, 2, 3, 4]
    # Half of 1, 2 and 4 s: the test's random number is 0.5.
    assert sink.times_s == pytest.approx([0.0, 0.5, 1.5, 3.5])


async def test_every_attempt_of_an_event_carries_the_same_webhook_id(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, failing_first(2, Failed("503", 503)))
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
    assert len({attempt.webhook_id for attempt in sink.attempts}) == 1


async def test_a_failed_delivery_waits_as_long_as_the_sink_asked(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, failing_first(1, Failed("429", 429, retry_after_s=60.0)))
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
    assert sink.times_s == pytest.approx([0.0, 60.0])


async def test_an_event_that_is_never_taken_becomes_a_dead_letter_with_the_reason(
    house: House,
) -> None:
    house.subscribe(subscription(retry=RetryPolicy(max_attempts=3)))
    sink = ScriptedSink(house.clock, lambda attempt: Failed("no answer within 5 s"))
    await house.publish(event(1))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.attempts) == 3 and not delivery.open_events)
    (letter,) = await house.dead_letters()
    assert letter.id == "e-1"
    assert letter.extensions["deadletterattempts"] == 3
    assert "no answer within 5 s" in str(letter.extensions["deadletterreason"])


async def test_a_refused_event_is_not_tried_again(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, lambda attempt: Refused(400, "bad"))
    await house.publish(event(1))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: bool(sink.attempts) and not delivery.open_events)
        await house.clock.advance(3600)
    assert len(sink.attempts) == 1
    assert len(await house.dead_letters()) == 1


async def test_attempts_are_recorded_with_status_result_and_next_try(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, failing_first(1, Failed("503 busy", 503)), takes_s=0.25)
    await house.publish(event(1))
    async with house.node(sink):
        await house.clock.until(lambda: bool(sink.delivered["a"]))
        await house.clock.advance(1)
    first, second = await house.attempts()
    assert (first.result, first.status, first.latency_ms, first.reason) == (
        "retry",
        503,
        250,
        "503 busy",
    )
    assert first.next_ms == house.clock._start_ms + 750
    assert (second.result, second.attempt, second.status) == ("delivered", 2, 200)


async def test_a_repeated_event_is_delivered_once(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock)
    await house.publish(event(1), event(2), event(1), event(3))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) >= 3)
        await house.clock.advance(5)
    assert sink.delivered["a"] == ["e-1", "e-2", "e-3"]


async def test_a_repeat_is_known_to_the_next_owner(house: House) -> None:
    house.subscribe(subscription())
    await house.publish(event(1))
    first = ScriptedSink(house.clock)
    async with house.node(first):
        await house.clock.until(lambda: bool(first.delivered["a"]))
        await house.clock.advance(1)
    await house.publish(event(1), event(2))
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: bool(second.delivered["a"]))
        await house.clock.advance(5)
    assert second.delivered["a"] == ["e-2"]


async def test_what_was_settled_is_not_delivered_again_after_a_restart(house: House) -> None:
    house.subscribe(subscription())
    await house.publish(*(event(number) for number in range(20)))
    first = ScriptedSink(house.clock)
    async with house.node(first):
        await house.clock.until(lambda: len(first.delivered["a"]) == 20)
        await house.clock.advance(1)
    await house.publish(event(99))
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: bool(second.delivered["a"]))
        await house.clock.advance(5)
    assert second.delivered["a"] == ["e-99"]


async def test_retry_times_and_attempt_counts_survive_a_restart(house: House) -> None:
    house.subscribe(subscription(retry=RetryPolicy(base_s=100)))
    await house.publish(event(1))
    first = ScriptedSink(house.clock, lambda attempt: Failed("503", 503))
    async with house.node(first):
        await house.clock.until(lambda: len(first.attempts) == 2)
        await house.clock.advance(1)
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: bool(second.delivered["a"]))
    # The waits are half of 100 and of 200 s; the restart in between changes nothing.
    assert second.attempts[0].number == 3
    assert second.times_s == pytest.approx([150.0])


async def test_what_was_under_way_at_a_crash_is_delivered_by_the_next_owner(house: House) -> None:
    house.subscribe(subscription())
    await house.publish(event(1), event(2))
    stuck = ScriptedSink(house.clock, takes_s=1e9)
    async with house.node(stuck):
        await house.clock.advance(5)
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: len(second.delivered["a"]) == 2)
    assert second.delivered["a"] == ["e-1", "e-2"]


async def test_a_dead_sink_does_not_hold_another_back(house: House) -> None:
    count = MAX_OPEN * 3
    house.subscribe(subscription("dead"))
    house.subscribe(subscription("well"))
    sink = ScriptedSink(
        house.clock,
        lambda attempt: Failed("refused") if attempt.subscription.id == "dead" else Delivered(204),
    )
    await house.publish(*(event(number) for number in range(count)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["well"]) == count, limit_s=60)
        assert delivery.own_lanes == 1
    dead = {attempt.event.id for attempt in sink.attempts if attempt.subscription.id == "dead"}
    assert len(dead) <= MAX_OPEN


async def test_a_lane_that_fell_back_catches_up_and_comes_back(house: House) -> None:
    count = MAX_OPEN * 2
    house.subscribe(subscription("late"))
    broken = True
    sink = ScriptedSink(
        house.clock, lambda attempt: Failed("refused") if broken else Delivered(204)
    )
    await house.publish(*(event(number) for number in range(count)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: delivery.own_lanes == 1)
        broken = False
        await house.clock.until(lambda: len(sink.delivered["late"]) == count)
        await house.clock.until(lambda: delivery.own_lanes == 0)
        await house.publish(event(count))
        await house.clock.until(lambda: len(sink.delivered["late"]) == count + 1)
    assert sorted(set(sink.delivered["late"])) == sorted(f"e-{n}" for n in range(count + 1))


async def test_a_lane_that_fell_back_goes_on_where_it_was_after_a_restart(house: House) -> None:
    count = MAX_OPEN * 2
    house.subscribe(subscription("late"))
    dead = ScriptedSink(house.clock, lambda attempt: Failed("refused"))
    await house.publish(*(event(number) for number in range(count)))
    async with house.node(dead) as delivery:
        await house.clock.until(lambda: delivery.own_lanes == 1)
        await house.clock.advance(2)
    well = ScriptedSink(house.clock)
    async with house.node(well):
        await house.clock.until(lambda: len(set(well.delivered["late"])) == count)
    assert len(well.delivered["late"]) == count


async def test_a_subscription_gets_the_events_after_its_start_and_none_before(
    house: House,
) -> None:
    house.subscribe(subscription("old"))
    sink = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(10)))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["old"]) == 10)
        # The reader is past the start already: the lane must read what it has missed.
        house.subscribe(subscription("mid", starts_after=6))
        house.index.put(house.subscriptions["mid"])
        delivery.put(house.subscriptions["mid"])
        await house.publish(event(10))
        await house.clock.until(lambda: len(sink.delivered["mid"]) == 5)
        await house.clock.advance(5)
    assert sorted(sink.delivered["mid"]) == ["e-10", "e-6", "e-7", "e-8", "e-9"]


async def test_a_subscription_made_while_nobody_owned_the_shard_misses_nothing(
    house: House,
) -> None:
    house.subscribe(subscription("old"))
    first = ScriptedSink(house.clock)
    await house.publish(*(event(number) for number in range(6)))
    async with house.node(first):
        await house.clock.until(lambda: len(first.delivered["old"]) == 6)
        await house.clock.advance(1)
    house.subscribe(subscription("young", starts_after=2))
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.until(lambda: len(second.delivered["young"]) == 4)
        await house.clock.advance(2)
    third = ScriptedSink(house.clock)
    async with house.node(third):
        await house.clock.advance(10)
    assert second.delivered == {"young": ["e-2", "e-3", "e-4", "e-5"]}
    assert third.attempts == []


async def test_what_is_open_is_dropped_with_its_subscription(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock, lambda attempt: Failed("503", 503))
    await house.publish(event(1))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: bool(sink.attempts))
        del house.subscriptions["a"]
        house.index.remove("a")
        house.dispatcher.remove("a")
        delivery.remove("a")
        tried = len(sink.attempts)
        await house.clock.advance(3600)
        assert len(sink.attempts) == tried
    assert not (await house.cursors.claim("default.0")).lanes


async def test_an_owner_that_lost_its_shard_moves_no_cursor_any_more(house: House) -> None:
    house.subscribe(subscription())
    sink = ScriptedSink(house.clock)
    async with house.node(sink) as delivery:
        await house.publish(event(1))
        await house.clock.until(lambda: bool(sink.delivered["a"]))
        await house.clock.advance(1)
        await house.cursors.claim("default.0")
        await house.publish(event(2))
        await house.clock.until(lambda: delivery.over)
        with pytest.raises(Fenced):
            await delivery.finish()


async def test_a_slow_lane_does_not_hold_the_checkpoint(house: House) -> None:
    house.subscribe(subscription("slow", filter=Prefix("id", "e-0")))
    house.subscribe(subscription("fast"))
    sink = ScriptedSink(house.clock)
    stuck = ScriptedSink(house.clock, takes_s=1e9)

    async def send(attempt: Attempt) -> Outcome:
        return await (stuck if attempt.subscription.id == "slow" else sink).send(attempt)

    both = ScriptedSink(house.clock)
    both.send = send  # type: ignore[method-assign]
    await house.publish(*(event(number) for number in range(10)))
    async with house.node(both):
        await house.clock.until(lambda: len(sink.delivered["fast"]) == 10)
        await house.publish(event(10))
        await house.clock.advance(1)
        for number in range(11, 31):
            await house.publish(event(number))
            await house.clock.advance(0.2)
    after = ScriptedSink(house.clock)
    async with house.node(after):
        await house.clock.until(lambda: bool(after.delivered["slow"]))
        await house.clock.advance(2)
    assert after.delivered["slow"] == ["e-0"]
    assert len(after.delivered["fast"]) <= 2
