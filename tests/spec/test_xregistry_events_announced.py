"""Events of change as CloudEvents (core/events.md "Event Definition"), and how they are announced."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.domain.channel import REGISTRY, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.flows.announce import LEASE_TTL_S, MOST_EVENTS, Announce
from chappe.formats.cloudevents_json import decode, encode
from chappe.formats.transaction_json import encode_transaction
from chappe.ports.cursors import ShardCursors
from chappe.ports.registry_log import Snapshot
from chappe.registry.change_events import MOST_CHANGED, events, place_of
from chappe.registry.transaction import Announcement, Transaction
from chappe.testing.fake_clock import FakeClock

CHANNEL = Channel(REGISTRY, 1)
AT = "2025-07-02T12:00:01Z"
GROUP_MADE = (
    Announcement(
        "io.xregistry.registry.updated", "/", ("dirs", "dirscount", "epoch", "modifiedat")
    ),
    Announcement("io.xregistry.group.created", "/dirs/d1"),
)


def a_transaction(
    *announcements: Announcement,
    correlation: str = "B9282-129301",
    root: str = "https://example.com/",
) -> Transaction:
    return Transaction((), AT, correlation=correlation, root=root, announcements=announcements)


def test_creating_a_group_with_a_complete_exchange() -> None:
    """events.md, the last sample."""
    sent = [json.loads(encode(one)) for one in events(a_transaction(*GROUP_MADE), 41)]
    for one in sent:
        assert one.pop("id")
        assert one.pop("sequence")
    common = {
        "specversion": "1.0",
        "source": "https://example.com",
        "time": AT,
        "xregcorrelationid": "B9282-129301",
    }
    assert sent == [
        {
            **common,
            "type": "io.xregistry.registry.updated",
            "subject": "/",
            "datacontenttype": "application/json",
            "data": {"changed": ["dirs", "dirscount", "epoch", "modifiedat"]},
        },
        {**common, "type": "io.xregistry.group.created", "subject": "/dirs/d1"},
    ]


def test_the_events_of_a_transaction_are_the_same_each_time_and_valid() -> None:
    made = events(a_transaction(*GROUP_MADE), 41)
    assert made == events(a_transaction(*GROUP_MADE), 41)
    assert [decode(encode(one)) for one in made] == made
    assert len({one.id for one in made}) == 2
    assert [place_of(one) for one in made] == [(41, 0), (41, 1)]


def test_a_transaction_of_the_hub_itself_has_an_id_too() -> None:
    (one,) = events(a_transaction(GROUP_MADE[1], correlation="", root=""), 7)
    assert one.extensions["xregcorrelationid"] == "revision-7"
    assert one.source == "/"


def test_changed_is_left_out_when_an_event_would_be_too_large() -> None:
    names = tuple(f"x{number}" for number in range(MOST_CHANGED + 1))
    (one,) = events(a_transaction(Announcement("io.xregistry.group.updated", "/dirs/d1", names)), 7)
    assert one.data is None


class Hub:
    """What the announcers of several nodes share."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.registry = MemoryRegistryLog()
        self.log = UnreliableLog(self.clock)
        self.cursors = UnreliableCursors()
        self.held = Held()
        self.revision = 0
        self.names = count()

    def announcer(self, node: str = "a") -> Announce:
        self.lease = PausableLease(self.held, self.clock, node=node)
        return Announce(
            self.registry,
            self.log,
            CHANNEL,
            lease=self.lease,
            cursors=self.cursors,
            clock=self.clock,
        )

    async def commit(self, announced: int = 2) -> None:
        name = f"t{next(self.names)}"
        owed = [
            Announcement("io.xregistry.group.created", f"/dirs/{name}-{n}")
            for n in range(announced)
        ]
        self.revision = await self.registry.commit(
            encode_transaction(a_transaction(*owed, correlation=name)),
            expected_revision=self.revision,
        )

    async def announced(self) -> list[str]:
        """The ids of the channel's events, in order."""
        blocks = await self.log.read(CHANNEL, None, 0, limit_blocks=10_000)
        return [event.id for block in blocks for event in block.events]

    @contextlib.asynccontextmanager
    async def running(self, announce: Announce) -> AsyncIterator[None]:
        await self.log.open_channel(CHANNEL)
        task = asyncio.ensure_future(announce.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def caught_up(self, announce: Announce) -> None:
        await self.clock.until(lambda: announce.announced.value == self.revision)


class UnreliableLog(MemoryEventLog):
    """Fails as `faults` say, one word an append: "before" or "after" it stored, or "no"."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.faults: list[str] = []

    @override
    async def append_all(self, channel: Channel, events: Sequence[Event]) -> Sequence[Position]:
        fault = self.faults.pop(0) if self.faults else "no"
        if fault == "before":
            raise Unavailable("no answer")
        positions = await super().append_all(channel, events)
        if fault == "after":
            raise Unavailable("no answer")
        return positions


class UnreliableCursors(MemoryCursors):
    """Its first `failing` writes fail."""

    failing = 0

    @override
    async def claim(self, shard: str) -> ShardCursors:
        return _Failing(self, await super().claim(shard))


class _Failing:
    def __init__(self, cursors: UnreliableCursors, inner: ShardCursors) -> None:
        self._cursors = cursors
        self._inner = inner
        self.checkpoint = inner.checkpoint
        self.lanes: Mapping[str, bytes] = {}

    async def write(self, checkpoint: bytes, lanes: Mapping[str, bytes | None]) -> None:
        if self._cursors.failing:
            self._cursors.failing -= 1
            raise Unavailable("no answer")
        await self._inner.write(checkpoint, lanes)


class PausableLease(MemoryShardLease):
    """Cannot be renewed while `paused`."""

    paused = False

    @override
    async def renew(self, shard: str) -> None:
        if self.paused:
            raise Unavailable("no answer")
        await super().renew(shard)


TWO_OF_TWO = ["t0-0", "t0-1", "t1-0", "t1-1"]


async def test_what_was_committed_is_announced_in_order() -> None:
    hub = Hub()
    announce = hub.announcer()
    await hub.commit()
    async with hub.running(announce):
        await hub.commit()
        await hub.caught_up(announce)
    assert await hub.announced() == TWO_OF_TWO


async def test_a_restart_goes_on_where_it_was() -> None:
    hub = Hub()
    for _ in range(2):
        announce = hub.announcer()
        async with hub.running(announce):
            await hub.commit()
            await hub.caught_up(announce)
        assert announce.announced.value is None
    assert await hub.announced() == TWO_OF_TWO


async def test_the_position_outlives_the_channels_events() -> None:
    hub = Hub()
    announce = hub.announcer()
    async with hub.running(announce):
        await hub.commit()
        await hub.caught_up(announce)
    hub.log = UnreliableLog(hub.clock)  # all of them too old
    announce = hub.announcer()
    async with hub.running(announce):
        await hub.commit()
        await hub.caught_up(announce)
    assert await hub.announced() == ["t1-0", "t1-1"]


async def test_a_transaction_without_events_moves_the_position() -> None:
    hub = Hub()
    announce = hub.announcer()
    async with hub.running(announce):
        await hub.commit(announced=0)
        await hub.caught_up(announce)
    assert await hub.announced() == []


async def test_an_import_is_announced_once_though_an_append_fails_half_way() -> None:
    hub = Hub()
    hub.log.faults = ["no", "before"]
    announce = hub.announcer()
    await hub.commit(announced=MOST_EVENTS * 2 + 5)
    async with hub.running(announce):
        await hub.caught_up(announce)
    assert await hub.announced() == [f"t0-{n}" for n in range(MOST_EVENTS * 2 + 5)]


@given(
    faults=st.lists(st.sampled_from(["no", "before", "after"]), max_size=8),
    failing=st.integers(0, 4),
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    together=st.booleans(),
)
def test_one_announcer_neither_loses_nor_repeats_whatever_fails(
    faults: list[str], failing: int, sizes: list[int], together: bool
) -> None:
    async def announce_all() -> None:
        hub = Hub()
        hub.log.faults, hub.cursors.failing = faults, failing
        announce = hub.announcer()
        async with hub.running(announce):
            for size in sizes:
                await hub.commit(size)
                if not together:
                    await hub.caught_up(announce)
            await hub.caught_up(announce)
        expected = [f"t{number}-{n}" for number, size in enumerate(sizes) for n in range(size)]
        assert await hub.announced() == expected

    asyncio.run(announce_all())


async def test_another_node_takes_over_and_repeats_nothing() -> None:
    hub = Hub()
    first = hub.announcer("a")
    first_lease = hub.lease
    second = hub.announcer("b")
    async with hub.running(first):
        await hub.commit()
        await hub.caught_up(first)
        async with hub.running(second):
            await hub.clock.advance(LEASE_TTL_S * 2)
            assert second.announced.value is None
            first_lease.paused = True
            await hub.clock.advance(LEASE_TTL_S * 3)
            await hub.commit()
            await hub.caught_up(second)
            assert first.announced.value is None
    assert await hub.announced() == TWO_OF_TWO


async def test_what_a_snapshot_dropped_is_told_and_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = Hub()
    await hub.commit()
    await hub.registry.save_snapshot(Snapshot(hub.revision, b"{}"))
    await hub.commit()
    announce = hub.announcer()
    async with hub.running(announce):
        await hub.caught_up(announce)
    assert await hub.announced() == ["t1-0", "t1-1"]
    assert "from 1 to 1 cannot be announced any more" in caplog.text


def test_a_channel_of_several_shards_is_refused() -> None:
    hub = Hub()
    with pytest.raises(ValueError, match="must have 1"):
        Announce(
            hub.registry,
            hub.log,
            Channel(REGISTRY, 2),
            lease=MemoryShardLease(hub.held, hub.clock, node="a"),
            cursors=hub.cursors,
            clock=hub.clock,
        )
