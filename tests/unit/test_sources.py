"""server/sources on memory adapters: one node reads a source, and another takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.adapters.memory.source_status import MemorySourceStatuses
from chappe.domain.errors import Unavailable
from chappe.domain.source import KafkaSource, NatsSource, Source, SourceOptions, SourceStatus
from chappe.kit.latest import Latest
from chappe.ports.event_source import Intake
from chappe.registry.state import State
from chappe.server.sources import LEASE_TTL_S, SourceParts, Sources
from chappe.testing.fake_clock import FakeClock

SHOP = Source("shop", "kafka://k1", "KAFKA", KafkaSource(topics=("orders",)))
PAUSED = replace(SHOP, options=SourceOptions(paused=True))


class Reader:
    """A source's reader that tells when it runs, and fails as often as it is told."""

    def __init__(self, world: World, node: str, source: Source) -> None:
        self._world, self._node, self._source = world, node, source

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        world = self._world
        world.runs.append((self._node, self._source.url))
        if world.failures:
            raise world.failures.pop(0)
        ready()
        world.reading.add(self._node)
        world.counted[self._node](1, 0)
        try:
            await asyncio.Event().wait()
        finally:
            world.reading.remove(self._node)


@dataclass
class World:
    """What outlives a node."""

    clock: FakeClock = field(default_factory=FakeClock)
    held: Held = field(default_factory=Held)
    statuses: MemorySourceStatuses = field(default_factory=MemorySourceStatuses)
    state: Latest[State] = field(default_factory=lambda: Latest(State(sources={"shop": SHOP})))
    runs: list[tuple[str, str]] = field(default_factory=list)
    reading: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)
    counted: dict[str, Callable[[int, int], None]] = field(default_factory=dict)

    @asynccontextmanager
    async def node(self, name: str) -> AsyncIterator[Sources]:
        def intake(source: Source, counted: Callable[[int, int], None]) -> Intake:
            self.counted[name] = counted
            return None  # type: ignore[return-value]  # the reader here has nothing to hand in

        sources = Sources(
            SourceParts(
                {"KAFKA": lambda source: Reader(self, name, source)},
                intake,
                MemoryShardLease(self.held, self.clock, node=name),
                self.statuses,
                self.clock,
                lambda: 1.0,
                name,
            ),
            self.state,
        )
        running = asyncio.ensure_future(sources.run())
        try:
            yield sources
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def declare(self, *sources: Source) -> None:
        self.state.set(State(sources={one.id: one for one in sources}))

    async def status(self) -> SourceStatus:
        return (await self.statuses.all())["shop"]


@pytest.fixture
def world() -> World:
    return World()


async def until(world: World, state: str) -> SourceStatus:
    def told() -> bool:
        found = world.statuses._by_id.get("shop")
        return found is not None and found.state == state

    await world.clock.until(told)
    return await world.status()


async def test_one_node_reads_and_says_so(world: World) -> None:
    async with world.node("one"), world.node("two"):
        status = await until(world, "running")
        await world.clock.advance(3 * LEASE_TTL_S)
        assert len(world.reading) == 1
        assert {status.node} == world.reading
        assert (await world.status()).taken == 1


async def test_another_node_takes_over_at_once_from_one_that_drains(world: World) -> None:
    async with world.node("one") as one:
        await until(world, "running")
        async with world.node("two"):
            await one.drain(10.0)
            assert world.reading == set()
            await world.clock.until(lambda: world.reading == {"two"}, limit_s=LEASE_TTL_S)
            await world.clock.advance(2.0)
    status = await world.status()
    assert (status.node, status.taken) == ("two", 2)


async def test_another_node_takes_over_when_the_lease_of_one_that_died_ends(world: World) -> None:
    world.held.until_s["source.shop"] = ("dead", LEASE_TTL_S, LEASE_TTL_S)
    async with world.node("two"):
        await world.clock.advance(LEASE_TTL_S - 1)
        assert world.reading == set()
        await world.clock.until(lambda: world.reading == {"two"}, limit_s=LEASE_TTL_S)


async def test_a_reader_that_fails_runs_again_after_growing_pauses(world: World) -> None:
    world.failures = [Unavailable("no broker"), Unavailable("no broker"), ValueError("a fault")]
    async with world.node("one"):
        failing = await until(world, "failing")
        assert (failing.error, failing.taken) == ("no broker", 0)
        await world.clock.advance(4.5)
        assert len(world.runs) == 3, "after 1 s and 2 s more, and not yet after 4 s more"
        running = await until(world, "running")
    assert len(world.runs) == 4
    assert running.error == "ValueError: a fault"


async def test_a_paused_source_rests_and_reads_again_when_it_is_resumed(world: World) -> None:
    async with world.node("one"):
        await until(world, "running")
        world.declare(PAUSED)
        await until(world, "paused")
        assert world.reading == set()
        world.declare(replace(SHOP, url="kafka://k2"))
        await until(world, "running")
    assert world.runs == [("one", "kafka://k1"), ("one", "kafka://k2")]


async def test_a_source_that_is_taken_away_is_forgotten(world: World) -> None:
    async with world.node("one"):
        await until(world, "running")
        world.declare()
        await world.clock.until(lambda: not world.statuses._by_id)
        assert (world.reading, world.held.until_s) == (set(), {})


async def test_a_protocol_that_the_node_has_no_client_for_is_said(world: World) -> None:
    world.declare(replace(SHOP, protocol="NATS", settings=NatsSource(subject="a")))
    async with world.node("one"):
        assert (await until(world, "unserved")).error == "this node has no client for NATS"
