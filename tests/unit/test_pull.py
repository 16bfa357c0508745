"""flows/pull and flows/deliver/pull_outlet on memory adapters and a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.memory.shard_calls import MemoryShardCalls, Served
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, DEADLETTERS, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.matching import SubscriptionIndex
from chappe.domain.options import Options, PullSettings
from chappe.domain.position import Position
from chappe.domain.pull import Lock, given_up
from chappe.domain.retry import RetryPolicy
from chappe.domain.seen import SeenEvents
from chappe.domain.subscription import PULL, HttpSettings, Subscription
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.pull_outlet import PullOutlets
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.deliver.shard import ShardDelivery
from chappe.flows.pull import Pull, Received
from chappe.formats.attempts import decode_attempts
from chappe.formats.lock_tokens import decode_token, encode_token
from chappe.kit.counters import Counters
from chappe.testing.fake_clock import FakeClock
from chappe.testing.scripted_sink import ScriptedSink

CHANNEL = Channel("default", 1)
KEY = b"k" * 32


def event(number: int, key: str | None = None) -> Event:
    return Event(id=f"e-{number}", source="/s", type="t", subject=key)


def pulled(**changes: object) -> Subscription:
    one = Subscription(
        id="a", sink="/subscriptions/a", protocol=PULL, settings=PullSettings(lock_s=60)
    )
    return replace(one, **changes)  # type: ignore[arg-type]


@dataclass
class House:
    """What outlives a node, and what the node's parts share."""

    clock: FakeClock = field(default_factory=FakeClock)
    cursors: MemoryCursors = field(default_factory=MemoryCursors)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    served: Served = field(default_factory=Served)

    def __post_init__(self) -> None:
        self.log = MemoryEventLog(self.clock)
        self.sink = ScriptedSink(self.clock)
        self.pull = Pull(
            MemoryShardCalls(self.served),
            self.log,
            lambda: self.subscriptions,
            lambda: {"default": CHANNEL},
            self.clock,
            KEY,
        )

    async def open(self) -> None:
        for channel in (CHANNEL, Channel(ATTEMPTS, 1), Channel(DEADLETTERS, 1)):
            await self.log.open_channel(channel)

    async def publish(self, *events: Event) -> None:
        for one in events:
            await self.log.append(CHANNEL, one)

    async def receive(self, most: int = 100, *, wait_s: float = 0.0) -> Sequence[Received]:
        """What `flows/pull` gives, as time passes."""
        asking = asyncio.ensure_future(
            self.pull.receive("a", most=most, wait_s=wait_s, wanted=lambda: True)
        )
        await self.clock.until(asking.done)
        return await asking

    async def settle(self, verb: str, received: Sequence[Received], **more: object) -> list[str]:
        tokens = [one.token for one in received]
        asking = asyncio.ensure_future(
            self.pull.settle("a", verb, tokens, **more)  # type: ignore[arg-type]
        )
        await self.clock.until(asking.done)
        return list(await asking)

    async def rows(self) -> list[AttemptRow]:
        blocks = await self.log.read(Channel(ATTEMPTS, 1), 0, 0, limit_blocks=10_000)
        return [row for block in blocks for one in block.events for row in decode_attempts(one)]

    async def dead_letters(self) -> list[Event]:
        blocks = await self.log.read(Channel(DEADLETTERS, 1), 0, 0, limit_blocks=10_000)
        return [one for block in blocks for one in block.events]

    @asynccontextmanager
    async def node(self) -> AsyncIterator[Dispatcher]:
        """A node that owns the shard, and is gone without a word at the end."""
        self.index = SubscriptionIndex()
        for one in self.subscriptions.values():
            self.index.put(one)
        recorder = AttemptRecorder(
            self.log, Channel(ATTEMPTS, 1), self.clock, iter(map(str, range(10**9))).__next__, "n"
        )
        dispatcher = Dispatcher(
            self.log,
            Channel(DEADLETTERS, 1),
            {"HTTP": self.sink},
            recorder,
            self.clock,
            lambda: 0.5,
            Counters(),
        )
        outlets = PullOutlets(self.log, self.clock, dispatcher)
        dispatcher.divert(PULL, outlets)
        delivery = ShardDelivery(
            CHANNEL,
            0,
            log=self.log,
            cursors=self.cursors,
            dispatcher=dispatcher,
            recorder=recorder,
            clock=self.clock,
            index=self.index,
            subscriptions=lambda: self.subscriptions,
            registry_revision=lambda: 1,
            seen=SeenEvents(window_ms=1000, limit=10_000),
            window_ms=1000,
            node="n",
        )
        self.delivery = delivery
        with outlets.owning(delivery, MemoryShardCalls(self.served)):
            tasks = [
                asyncio.ensure_future(work)
                for work in (dispatcher.run(), recorder.run(), delivery.run())
            ]
            try:
                yield dispatcher
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def change(self, dispatcher: Dispatcher, one: Subscription) -> None:
        self.subscriptions[one.id] = one
        self.index.put(one)
        dispatcher.put(one)
        self.delivery.change(one)


@pytest.fixture
async def house() -> House:
    made = House()
    await made.open()
    made.subscriptions["a"] = pulled()
    return made


def ids(received: Sequence[Received]) -> list[str]:
    return [one.event.id for one in received]


async def test_what_a_consumer_holds_goes_to_nobody_else_until_its_lock_ends(house: House) -> None:
    await house.publish(event(1), event(2))
    async with house.node():
        assert ids(await house.receive(1, wait_s=10)) == ["e-1"]
        assert ids(await house.receive()) == ["e-2"]
        assert ids(await house.receive(wait_s=59)) == []
        again = await house.receive(wait_s=10)
    assert [(one.event.id, one.lock.number) for one in again] == [("e-1", 2), ("e-2", 2)]


async def test_the_delivery_log_tells_of_each_time(house: House) -> None:
    await house.publish(event(1))
    async with house.node():
        await house.settle("release", await house.receive(wait_s=10))
        held = await house.receive(wait_s=10)
        await house.clock.advance(5)
        await house.settle("acknowledge", held)
        await house.clock.advance(1)
        rows = await house.rows()
    assert [(row.attempt, row.result, row.reason) for row in rows] == [
        (1, "retry", "released"),
        (2, "delivered", None),
    ]
    assert rows[1].latency_ms == 5000


async def test_a_lock_and_its_count_outlive_their_node(house: House) -> None:
    await house.publish(event(1), event(2))
    async with house.node():
        first = await house.receive(wait_s=10)
        await house.clock.advance(1)
    async with house.node():
        await house.clock.advance(1)
        assert await house.receive() == []
        assert await house.settle("renew", first[:1]) == ["ok"]
        again = await house.receive(wait_s=58.5)
        assert [(one.event.id, one.lock.number) for one in again] == [("e-2", 2)]
        assert await house.settle("acknowledge", first) == ["ok", "lock_lost"]


async def test_a_token_that_the_new_owner_knows_nothing_of_still_acknowledges(
    house: House,
) -> None:
    await house.publish(event(1))
    async with house.node():
        held = await house.receive(wait_s=10)  # And the node ends before it writes that down.
    async with house.node():
        assert await house.settle("acknowledge", held) == ["ok"]
        assert await house.receive(wait_s=120) == []


async def test_a_request_waits_for_an_owner_but_not_for_ever(house: House) -> None:
    await house.publish(event(1))
    async with house.node():
        held = await house.receive(wait_s=10)
    asking = asyncio.ensure_future(house.settle("acknowledge", held))
    with pytest.raises(Unavailable):
        await asking
    with pytest.raises(Unavailable):
        await house.receive()


async def test_a_late_acknowledgement_counts_while_nobody_else_has_the_event(
    house: House,
) -> None:
    await house.publish(event(1))
    async with house.node():
        held = await house.receive(wait_s=10)
        await house.clock.advance(61)
        assert await house.settle("renew", held) == ["lock_expired"]
        assert await house.settle("release", held) == ["lock_expired"]
        assert await house.settle("acknowledge", held) == ["ok"]
        assert await house.settle("acknowledge", held) == ["settled"]


async def test_the_keys_of_what_is_locked_are_known_again_after_a_takeover(house: House) -> None:
    house.subscriptions["a"] = pulled(options=Options(ordering="key"))
    await house.publish(event(1, "k"), event(2, "l"), event(3, "k"), event(4, "l"))
    async with house.node():
        held = await house.receive(wait_s=10)
        assert ids(held) == ["e-1", "e-2"]
        await house.clock.advance(1)
    async with house.node():
        await house.clock.advance(1)
        assert await house.receive() == []
        await house.settle("acknowledge", held[:1])
        assert ids(await house.receive()) == ["e-3"]


async def test_ordered_as_a_whole_it_gives_one_event_at_a_time(house: House) -> None:
    house.subscriptions["a"] = pulled(options=Options(ordering="subscription"))
    await house.publish(event(1), event(2))
    async with house.node():
        held = await house.receive(wait_s=10)
        assert ids(held) == ["e-1"]
        await house.settle("reject", held, reason="no")
        assert ids(await house.receive()) == ["e-2"]
    assert [one.id for one in await house.dead_letters()] == ["e-1"]


async def test_many_locks_do_not_stop_the_lane(house: House) -> None:
    await house.publish(*map(event, range(1_500)))
    found: list[str] = []
    async with house.node():
        while len(found) < 1_500:
            got = await house.receive(500, wait_s=10)
            found += ids(got)
            assert await house.settle("acknowledge", got[:200]) == ["ok"] * len(got[:200])
            await house.settle("acknowledge", got[200:])
    assert found == [f"e-{number}" for number in range(1_500)]


async def test_a_paused_subscription_gives_nothing(house: House) -> None:
    await house.publish(event(1))
    async with house.node() as dispatcher:
        house.change(dispatcher, pulled(options=Options(paused=True)))
        assert await house.receive(wait_s=5) == []
        house.change(dispatcher, pulled())
        assert ids(await house.receive(wait_s=5)) == ["e-1"]


async def test_a_subscription_that_is_pushed_from_now_on_loses_nothing(house: House) -> None:
    await house.publish(event(1), event(2))
    pushed = pulled(protocol="HTTP", sink="http://sink/", settings=HttpSettings())
    async with house.node() as dispatcher:
        assert ids(await house.receive(1, wait_s=10)) == ["e-1"]
        house.change(dispatcher, pushed)
        await house.clock.until(lambda: len(house.sink.delivered["a"]) == 2)
    assert house.sink.delivered["a"] == ["e-2", "e-1"]


async def test_a_subscription_that_is_pulled_from_now_on_loses_nothing(house: House) -> None:
    from chappe.domain.delivery import Failed

    house.sink = ScriptedSink(house.clock, lambda attempt: Failed("503", 503))
    house.subscriptions["a"] = pulled(protocol="HTTP", sink="http://s/", settings=HttpSettings())
    await house.publish(event(1))
    async with house.node() as dispatcher:
        await house.clock.until(lambda: len(house.sink.attempts) == 2)
        house.change(dispatcher, pulled())
        (one,) = await house.receive(wait_s=60)
        assert (one.event.id, one.lock.number) == ("e-1", 3)
        assert await house.settle("acknowledge", [one]) == ["ok"]


@given(
    st.integers(0, 255),
    st.integers(1, 2**53),
    st.integers(0, 10_000),
    st.integers(1, 1000),
)
def test_a_token_is_read_back_for_its_own_subscription_alone(
    shard: int, block: int, index: int, number: int
) -> None:
    lock = Lock(Position(shard, block, index), number)
    token = encode_token(lock, pulled(), KEY)
    assert decode_token(token, pulled(), KEY) == lock
    assert decode_token(token, pulled(id="b"), KEY) is None
    assert decode_token(token, pulled(made_at_revision=7), KEY) is None
    assert decode_token(token, pulled(), b"another") is None
    assert decode_token(f"{token}A", pulled(), KEY) is None


def test_an_event_is_given_up_after_its_last_delivery_or_its_time() -> None:
    policy = RetryPolicy(max_attempts=3, max_age_s=100)
    assert given_up(2, 100.0, policy) is None
    assert given_up(3, 0.0, policy) == "gave up after 3 deliveries"
    assert given_up(1, 101.0, policy) == "gave up after 1 deliveries in 101 s"
