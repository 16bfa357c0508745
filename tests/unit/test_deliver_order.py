"""Order: of each key one event after the other, whatever fails, and whoever takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain import lane as lanes
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.event import Event
from chappe.domain.options import Batching, Breaker, Options
from chappe.domain.retry import RetryPolicy
from chappe.ports.clock import Clock
from chappe.ports.sink import Attempt, Sink
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, subscription

BY_KEY = Options(ordering="key")
IN_ONE_ROW = Options(ordering="subscription")


class CheckingSink:
    """Takes its time, differently for each request, and knows which events it has taken, in order.

    `under_way` holds the keys of what it is working on: two of one key at once are an error.
    """

    def __init__(self, clock: Clock, random: Random, answer: Callable[[Attempt], Outcome]) -> None:
        self._clock = clock
        self._random = random
        self._answer = answer
        self.taken: list[tuple[str, int]] = []
        self.under_way: list[str] = []
        self.most_at_once = 0
        self.overlaps: list[str] = []

    async def send(self, attempt: Attempt) -> Outcome:
        keys = sorted({one.subject or "" for one in attempt.events})
        self.overlaps += [key for key in keys if key and key in self.under_way]
        self.under_way += keys
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        try:
            await self._clock.sleep(self._random.random() * 0.2)
        finally:
            for key in keys:
                self.under_way.remove(key)
        outcome = self._answer(attempt)
        if isinstance(outcome, Delivered):
            self.taken += [(one.subject or "", int(one.id)) for one in attempt.events]
        return outcome

    async def close(self) -> None:
        """Nothing is open."""


_: type[Sink] = CheckingSink


def numbered(number: int, key: str | None) -> Event:
    return Event(id=str(number), source="/s", type="t", subject=key)


def firsts(taken: list[tuple[str, int]]) -> dict[str, list[int]]:
    """For each key its events, each where it came first."""
    found: dict[str, dict[int, None]] = {}
    for key, number in taken:
        found.setdefault(key, {}).setdefault(number)
    return {key: list(numbers) for key, numbers in found.items()}


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    return made


async def test_a_failing_key_blocks_only_itself(house: House) -> None:
    house.subscribe(subscription(options=BY_KEY))
    sink = ScriptedSink(
        house.clock,
        lambda one: (
            Failed("500", 500) if one.event.subject == "a" and one.number < 4 else Delivered(204)
        ),
    )
    for number in range(6):
        await house.publish(numbered(number, "ab"[number % 2]))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 3)
        assert sink.delivered["a"] == ["1", "3", "5"]
        assert {one.event.id for one in sink.attempts} == {"0", "1", "3", "5"}
        await house.clock.until(lambda: len(sink.delivered["a"]) == 6)
    assert sink.delivered["a"][3:] == ["0", "2", "4"]


async def test_a_dead_letter_unblocks_its_key(house: House) -> None:
    house.subscribe(subscription(options=BY_KEY))
    sink = ScriptedSink(
        house.clock, lambda one: Refused(400, "no") if one.event.id == "0" else Delivered(204)
    )
    await house.publish(*(numbered(number, "a") for number in range(3)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.delivered["a"]) == 2)
    assert sink.delivered["a"] == ["1", "2"]
    assert [one.id for one in await house.dead_letters()] == ["0"]


async def test_events_without_a_key_wait_for_nothing(house: House) -> None:
    house.subscribe(subscription(options=BY_KEY))
    sink = CheckingSink(house.clock, Random(1), lambda one: Delivered(204))
    await house.publish(*(numbered(number, None) for number in range(4)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.taken) == 4)
    assert sink.most_at_once == 4


async def test_a_subscription_in_order_has_one_event_under_way(house: House) -> None:
    house.subscribe(subscription(options=IN_ONE_ROW))
    sink = CheckingSink(house.clock, Random(1), lambda one: Delivered(204))
    await house.publish(*(numbered(number, "abc"[number % 3]) for number in range(20)))
    async with house.node(sink):
        await house.clock.until(lambda: len(sink.taken) == 20)
    assert sink.most_at_once == 1
    assert [number for _, number in sink.taken] == list(range(20))


async def test_what_stands_behind_a_failing_key_is_bounded_and_others_go_on(house: House) -> None:
    """Beyond the bound the lane waits on a cursor of its own; another subscription does not."""
    count = lanes.MAX_OPEN * 2
    house.subscribe(subscription("ordered", options=BY_KEY))
    house.subscribe(subscription("other"))
    sink = ScriptedSink(
        house.clock,
        lambda one: (
            Failed("500", 500)
            if one.subscription.id == "ordered" and one.event.subject == "bad"
            else Delivered(204)
        ),
    )
    for number in range(count):
        await house.publish(numbered(number, "bad" if number % 2 else f"k{number % 7}"))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["other"]) == count, limit_s=5)
        await house.clock.until(lambda: delivery.own_lanes == 1, limit_s=5)
        await house.clock.advance(1)
        assert delivery.open_events <= lanes.MAX_OPEN
        # Nearly all of the bound is of the failing key by now: the others came through before.
        assert len(sink.delivered["ordered"]) > lanes.MAX_OPEN * 3 // 4
        bad = [one for one in sink.attempts if one.subscription.id == "ordered"]
        assert {one.event.id for one in bad if one.event.subject == "bad"} == {"1"}


async def test_an_order_that_is_asked_for_later_holds_for_what_comes_then(house: House) -> None:
    house.subscribe(subscription())
    sink = CheckingSink(house.clock, Random(2), lambda one: Delivered(204))
    async with house.node(sink):
        await house.publish(*(numbered(number, "a") for number in range(5)))
        await house.clock.until(lambda: len(sink.taken) == 5)
        sink.overlaps.clear()
        house.change(subscription(options=BY_KEY))
        await house.publish(*(numbered(number, "a") for number in range(5, 15)))
        await house.clock.until(lambda: len(sink.taken) == 15)
    assert not sink.overlaps
    assert [number for _, number in sink.taken[5:]] == list(range(5, 15))


runs = st.lists(
    st.tuples(st.integers(0, 25), st.floats(0, 12), st.floats(0, 0.6)), min_size=1, max_size=5
)
"""Lives of a node: events published first, seconds that it lives, share of requests that fail."""


@settings(max_examples=60, deadline=None)
@given(
    runs,
    st.sampled_from([BY_KEY, IN_ONE_ROW]),
    st.sampled_from([None, Batching(max_events=1), Batching(max_events=5, max_wait_s=0.3)]),
    st.integers(1, 10),
    st.integers(1, 5),
    st.integers(0, 2**32),
)
def test_no_key_is_ever_out_of_order_and_no_event_is_lost(
    lives: list[tuple[int, float, float]],
    options: Options,
    batching: Batching | None,
    concurrency: int,
    keys: int,
    seed: int,
) -> None:
    """Nodes die at any moment and others resume from the record; requests fail or are refused."""
    asyncio.run(_live(lives, options, batching, concurrency, keys, seed))


async def _live(
    lives: list[tuple[int, float, float]],
    options: Options,
    batching: Batching | None,
    concurrency: int,
    keys: int,
    seed: int,
) -> None:
    random = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "MAX_OPEN", 12)
        patch.setattr(lanes, "MAX_WAITING", 4)
        house = House(random=random.random)
        await house.open()
        wanted = Options(
            ordering=options.ordering,
            batching=batching,
            breaker=Breaker(failures=random.choice([3, 1000]), open_s=1.0, max_open_s=4.0),
        )
        retry = RetryPolicy(max_attempts=1000, base_s=0.5, max_backoff_s=3.0)
        house.subscribe(subscription(options=wanted, retry=retry, concurrency=concurrency))
        taken: list[tuple[str, int]] = []
        published: list[str] = []
        for events, seconds, failing in [*lives, (3, 0.0, 0.0)]:
            for _ in range(events):
                published.append(f"k{random.randrange(keys)}")
                await house.publish(numbered(len(published) - 1, published[-1]))

            def answer(attempt: Attempt, failing: float = failing) -> Outcome:
                if random.random() >= failing:
                    return Delivered(204)
                if attempt.batch is not None and len(attempt.events) > 1 and random.random() < 0.5:
                    return Refused(400, "one of them")
                return Failed("busy", 503)

            sink = CheckingSink(house.clock, random, answer)
            async with house.node(sink):
                if seconds:
                    await house.clock.advance(seconds)
                else:
                    # No key twice in the same life: what an earlier one had begun does not count.
                    await house.clock.until(
                        partial(_all_came, taken, sink, len(published)), limit_s=3600
                    )
            assert not sink.overlaps
            taken += sink.taken
        assert firsts(taken) == {
            key: [number for number, other in enumerate(published) if other == key]
            for key in set(published)
        }
        if options.ordering == "subscription":
            assert list(dict.fromkeys(number for _, number in taken)) == list(range(len(published)))


def _all_came(taken: list[tuple[str, int]], sink: CheckingSink, count: int) -> bool:
    return len({number for _, number in [*taken, *sink.taken]}) == count
