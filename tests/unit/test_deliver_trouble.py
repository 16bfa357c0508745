"""flows/deliver while the engine or the registry lags: the cursors on disk must be right by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from typing_extensions import override

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, DEADLETTERS, Channel
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import TooLarge, Unavailable
from chappe.domain.event import Event
from chappe.domain.filters import Prefix
from chappe.domain.position import Position
from chappe.domain.retry import RetryPolicy
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.ports.cursors import ShardCursors
from chappe.ports.sink import Attempt
from chappe.testing.fake_clock import FakeClock
from chappe.testing.scripted_sink import ScriptedSink
from tests.unit.test_deliver import House, event, subscription


class MutedLog(MemoryEventLog):
    """Takes no attempts while `muted`."""

    muted = False

    @override
    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        if self.muted and channel.name == ATTEMPTS:
            raise Unavailable("muted")
        return super().append(channel, event)


class NarrowLog(MemoryEventLog):
    """Has room for an event's attributes among the dead letters, not for its data."""

    @override
    def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
        if channel.name == DEADLETTERS and event.data is not None:
            raise TooLarge("no room")
        return super().append(channel, event)


class LostAck(ShardCursors):
    """Writes what it is told, and fails the write after `fail` was set: the answer was lost."""

    def __init__(self, inner: ShardCursors) -> None:
        self._inner = inner
        self.fail = False
        self.written: list[Mapping[str, bytes | None]] = []

    @property
    @override
    def checkpoint(self) -> bytes | None:
        return self._inner.checkpoint

    @property
    @override
    def lanes(self) -> Mapping[str, bytes]:
        return self._inner.lanes

    @override
    async def write(self, checkpoint: bytes, lanes: Mapping[str, bytes | None]) -> None:
        self.written.append(lanes)
        await self._inner.write(checkpoint, lanes)
        if self.fail:
            raise Unavailable("the answer was lost")


class LostAcks(MemoryCursors):
    """Cursors whose holds are LostAck."""

    def __init__(self) -> None:
        super().__init__()
        self.holds: list[LostAck] = []

    @override
    async def claim(self, shard: str) -> ShardCursors:
        hold = LostAck(await super().claim(shard))
        self.holds.append(hold)
        return hold


@pytest.fixture
async def house() -> House:
    made = House()
    made.log = MutedLog(made.clock)
    await made.open()
    return made


def muted(house: House, *, is_: bool) -> None:
    assert isinstance(house.log, MutedLog)
    house.log.muted = is_


def dead(attempt: Attempt) -> Outcome:
    return Failed("refused")


async def test_what_a_lane_took_while_the_engine_was_away_is_in_its_next_record(
    house: House,
) -> None:
    """A lane with a record takes an event, the checkpoint fails, the next works, the node dies."""
    house.subscribe(subscription("bad", retry=RetryPolicy(base_s=7200, max_backoff_s=7200)))
    house.subscribe(subscription("good"))
    stuck: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sink = ScriptedSink(house.clock, dead)

    async def send(attempt: Attempt) -> Outcome:
        if attempt.subscription.id == "good":
            return Delivered(204)
        if attempt.event.id == "e-2":
            await stuck  # under way until the end: nothing changes the lane any more
        return await sink.send(attempt)

    both = ScriptedSink(house.clock)
    both.send = send  # type: ignore[method-assign]
    await house.publish(event(1))
    async with house.node(both) as delivery:
        await house.clock.advance(1)
        assert len(await records(house)) == 1
        muted(house, is_=True)
        await house.publish(event(2))
        await house.clock.advance(1)
        muted(house, is_=False)
        await house.clock.until(lambda: delivery._written.at == tuple(delivery.reader))
    after = ScriptedSink(house.clock)
    async with house.node(after):
        await house.clock.until(lambda: "e-2" in after.delivered["bad"], limit_s=10)
    stuck.cancel()
    assert after.delivered["good"] == []


async def records(house: House) -> Mapping[str, bytes]:
    stored = house.cursors._shards["default.0"]
    return dict(stored.lanes)


async def test_a_record_whose_write_was_not_answered_is_forgotten_all_the_same(
    house: House,
) -> None:
    """Else a restart, weeks later, would deliver again all that it tells of."""
    house.cursors = LostAcks()
    house.subscribe(subscription("a", retry=RetryPolicy(base_s=10)))
    healthy = False
    sink = ScriptedSink(
        house.clock, lambda attempt: Delivered(204) if healthy else Failed("refused")
    )
    async with house.node(sink):
        await house.clock.until(lambda: bool(house.cursors.holds))  # type: ignore[attr-defined]
        (hold,) = house.cursors.holds
        hold.fail = True
        await house.publish(event(1))
        await house.clock.until(lambda: bool(sink.attempts))
        await house.clock.until(lambda: any("a" in lanes for lanes in hold.written))
        healthy = True
        await house.clock.until(lambda: bool(sink.delivered["a"]))
        hold.fail = False
        await house.clock.advance(5)
    assert await records(house) == {}


async def test_a_node_whose_registry_is_behind_drops_no_lane_of_the_last_owner(
    house: House,
) -> None:
    house.subscribe(subscription("a", retry=RetryPolicy(base_s=100)))
    await house.publish(event(1))
    async with house.node(ScriptedSink(house.clock, dead)):
        await house.clock.advance(1)
    revision, known = house.revision, dict(house.subscriptions)
    house.revision = 0
    house.subscriptions.clear()
    second = ScriptedSink(house.clock)
    async with house.node(second):
        await house.clock.advance(30)
        house.subscriptions.update(known)
        house.revision = revision
        await house.clock.until(lambda: bool(second.delivered["a"]), limit_s=3600)
    assert second.attempts[0].number == 2


async def test_a_slow_sink_does_not_hold_the_checkpoint_although_it_moves(house: House) -> None:
    """Its lane gets a record: what the others settled is not delivered again after a crash."""
    house.subscribe(subscription("slow", concurrency=1))
    house.subscribe(subscription("fast"))
    fast = ScriptedSink(house.clock)
    slow = ScriptedSink(house.clock, takes_s=0.4)

    async def send(attempt: Attempt) -> Outcome:
        return await (slow if attempt.subscription.id == "slow" else fast).send(attempt)

    both = ScriptedSink(house.clock)
    both.send = send  # type: ignore[method-assign]
    async with house.node(both):
        for number in range(40):
            await house.publish(event(number))
            await house.clock.advance(0.1)
    after = ScriptedSink(house.clock)
    async with house.node(after):
        await house.clock.advance(5)
    assert len(after.delivered["fast"]) <= 5
    taken = {*slow.delivered["slow"], *after.delivered["slow"]}
    assert taken == {f"e-{number}" for number in range(40)}


async def test_a_dead_letter_that_does_not_fit_is_kept_without_its_data(house: House) -> None:
    house.log = NarrowLog(house.clock)
    await house.open()
    house.subscribe(subscription("a"))
    await house.publish(Event(id="big", source="/s", type="t", data=b"12345", text=True))
    sink = ScriptedSink(house.clock, lambda attempt: Refused(400, "no"))
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: bool(sink.attempts) and not delivery.open_events)
    (letter,) = await house.dead_letters()
    assert (letter.id, letter.data) == ("big", None)
    assert "without its 5 bytes of data" in str(letter.extensions["deadletterreason"])


async def test_a_flush_does_not_wait_for_what_is_recorded_meanwhile() -> None:
    clock = FakeClock()
    log = MemoryEventLog(clock)
    channel = Channel(ATTEMPTS, 1)
    await log.open_channel(channel)
    recorder = AttemptRecorder(log, channel, clock, lambda: "id", "n")
    row = AttemptRow("default", 0, 1, 0, "a", 1, 0, 0, 204, "delivered")

    class Busy(MemoryEventLog):
        @override
        def append(self, channel: Channel, event: Event) -> asyncio.Future[Position]:
            recorder.record(row)  # an attempt ends while the last are written
            return log.append(channel, event)

    recorder._log = Busy(clock)
    recorder.record(row)
    await asyncio.wait_for(recorder.flush(), 60)
    assert (await log.extent(channel)).last_block == 1


async def test_a_subscription_filter_is_asked_of_what_the_lane_reads_on_its_own(
    house: House,
) -> None:
    house.subscribe(subscription("old"))
    await house.publish(*(event(number) for number in range(12)))
    sink = ScriptedSink(house.clock)
    async with house.node(sink) as delivery:
        await house.clock.until(lambda: len(sink.delivered["old"]) == 12)
        late = replace(subscription("late"), filter=Prefix("id", "e-1"))
        house.subscribe(late)
        house.index.put(house.subscriptions["late"])
        delivery.put(house.subscriptions["late"])
        await house.clock.until(lambda: len(sink.delivered["late"]) == 3)
        await house.clock.advance(5)
    assert sink.delivered["late"] == ["e-1", "e-10", "e-11"]
