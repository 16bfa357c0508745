"""server/workers on memory adapters: who owns a shard when a node stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from chappe.adapters.memory.cursors import MemoryCursors
from chappe.adapters.memory.event_index import MemoryEventIndex
from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.channel import ATTEMPTS, DEADLETTERS, REGISTRY, Channel
from chappe.domain.seen import SeenEvents
from chappe.flows.announce import ANNOUNCER, Announce
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.materialise import Materialise
from chappe.kit.counters import Counters
from chappe.kit.latest import Latest
from chappe.registry.state import State, empty
from chappe.server.workers import LEASE_TTL_S, Engine, Workers
from chappe.testing.fake_clock import FakeClock
from chappe.testing.scripted_sink import ScriptedSink

SHARDS = {"default.0", "default.1", "deadletters.0", "registry.0", "audit.0"}


@dataclass
class World:
    """What outlives a node."""

    clock: FakeClock = field(default_factory=FakeClock)
    held: Held = field(default_factory=Held)
    registry: MemoryRegistryLog = field(default_factory=MemoryRegistryLog)
    cursors: MemoryCursors = field(default_factory=MemoryCursors)

    def __post_init__(self) -> None:
        self.log = MemoryEventLog(self.clock)

    @property
    def owners(self) -> dict[str, str]:
        """The node that holds each shard's lease."""
        now_s = self.clock.monotonic_s()
        return {name: one[0] for name, one in self.held.until_s.items() if one[1] > now_s}

    @asynccontextmanager
    async def node(self, name: str) -> AsyncIterator[Workers]:
        state: Latest[State] = Latest(empty(2))
        counters, reached = Counters(), {}
        for channel in state.value.channels:
            reached[channel] = Latest(0)
        numbers = iter(range(10**9))
        recorder = AttemptRecorder(
            self.log, Channel(ATTEMPTS, 1), self.clock, lambda: f"{name}-{next(numbers)}", name
        )
        dispatcher = Dispatcher(
            self.log,
            Channel(DEADLETTERS, 1),
            {"HTTP": ScriptedSink(self.clock)},
            recorder,
            self.clock,
            lambda: 0.5,
            counters,
        )
        seen = SeenEvents(window_ms=1_000, limit=10)
        lease = MemoryShardLease(self.held, self.clock, node=name)
        workers = Workers(
            Engine(
                self.log,
                MemoryEventIndex(),
                lease,
                self.cursors,
            ),
            state=state,
            materialise=Materialise(self.registry, state, self.clock, SystemSecrets(b"k" * 32)),
            announce=Announce(
                self.registry,
                self.log,
                Channel(REGISTRY, 1),
                lease=lease,
                cursors=self.cursors,
                clock=self.clock,
            ),
            dispatcher=dispatcher,
            recorder=recorder,
            clock=self.clock,
            counters=counters,
            reached=reached.__getitem__,
            seen=lambda _: seen,
            window_ms=1_000,
            node=name,
        )
        running = asyncio.ensure_future(workers.run())
        try:
            yield workers
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_node_that_drains_lets_its_shards_go_and_takes_none_again(world: World) -> None:
    async with world.node("one") as one:
        await world.clock.until(lambda: one.owned.keys() == SHARDS)
        await one.drain(1.0)
        assert world.owners == {}
        await world.clock.advance(3 * LEASE_TTL_S)
        assert (world.owners, dict(one.owned)) == ({}, {})


async def test_a_node_that_waits_for_a_shard_and_drains_takes_it_no_more(world: World) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(world.node("one"))
        await world.clock.until(lambda: one.owned.keys() == SHARDS)
        async with world.node("two") as two:
            await world.clock.advance(LEASE_TTL_S)
            await two.drain(1.0)
            await stack.aclose()
            await world.clock.advance(3 * LEASE_TTL_S)
            assert world.owners == {}


async def test_another_node_takes_what_a_draining_one_lets_go(world: World) -> None:
    async with world.node("one") as one:
        await world.clock.until(lambda: one.owned.keys() == SHARDS)
        async with world.node("two") as two:
            await one.drain(1.0)
            await world.clock.until(lambda: two.owned.keys() == SHARDS, limit_s=LEASE_TTL_S)
            await world.clock.advance(3 * LEASE_TTL_S)
            assert set(world.owners.values()) == {"two"}
            assert world.owners.keys() == {*SHARDS, ANNOUNCER}
