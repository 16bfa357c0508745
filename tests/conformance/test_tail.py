"""The end of a channel on a real engine: whoever follows it gets every block once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from typing_extensions import override

from chappe.adapters.nats import tail
from chappe.adapters.nats.connection import ApiError, Connection, Message, NatsAddress
from chappe.adapters.nats.event_log import NatsEventLog, Retention
from chappe.adapters.nats.jetstream import delete_message, delete_stream, purge, stream_info
from chappe.domain.channel import Block
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.ports.event_log import EventLog
from chappe.server.embedded_nats import EmbeddedNats
from chappe.testing.event_log_suite import CHANNEL, ids, numbered

pytestmark = pytest.mark.engine

STREAM = "EV_orders"
SHARDS = (None, 0, 1, 2, 3)


class LateConnection(Connection):
    """Fetches no block before it may."""

    def __init__(self, address: NatsAddress, *, name: str) -> None:
        super().__init__(address, name=name)
        self.may_get = asyncio.Event()
        self.may_get.set()
        self.waits = False

    @override
    async def get(self, stream: str, seq: int) -> Message | None:
        self.waits = True
        await self.may_get.wait()
        return await super().get(stream, seq)


class World:
    """An engine, and nodes on it."""

    def __init__(self, engine: EmbeddedNats, address: NatsAddress) -> None:
        self.engine = engine
        self._address = address
        self._connections: list[LateConnection] = []

    async def node(self, name: str) -> tuple[NatsEventLog, LateConnection]:
        connection = await LateConnection.open(self._address, name=name)
        self._connections.append(connection)
        log = NatsEventLog(connection, node=name, retention=Retention())
        await log.open_channel(CHANNEL)
        return log, connection

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    nats = EmbeddedNats(tmp_path)
    async with nats as engine:
        made = World(nats, NatsAddress((engine.url,), engine.user, engine.password))
        try:
            yield made
        finally:
            await made.close()


class Reading:
    """One follower of the channel; while `gate` is closed it takes no more."""

    def __init__(self, log: EventLog, shard: int | None, *, after: int = 0) -> None:
        self.shard = shard
        self.after = after
        self.blocks: list[Block] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.task = asyncio.ensure_future(self._read(log))

    @property
    def seqs(self) -> list[int]:
        return [block.seq for block in self.blocks]

    async def until(self, condition: Callable[[], bool]) -> None:
        await eventually(lambda: condition() or self.task.done())
        if self.task.done():
            await self.task
        assert condition()

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _read(self, log: EventLog) -> None:
        async for some in log.follow(CHANNEL, self.shard, self.after):
            self.blocks += some
            await self.gate.wait()


@asynccontextmanager
async def reading(
    log: EventLog, shard: int | None = None, *, after: int = 0
) -> AsyncIterator[Reading]:
    one = Reading(log, shard, after=after)
    try:
        yield one
    finally:
        await one.end()


async def eventually(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def stored(log: NatsEventLog, shard: int | None, after: int = 0) -> list[Block]:
    blocks: list[Block] = []
    while some := await log.read(CHANNEL, shard, blocks[-1].seq if blocks else after):
        blocks += some
    return blocks


async def append(log: NatsEventLog, event: Event) -> Position:
    """Append until it is acknowledged; so it may stand there twice."""
    while True:
        try:
            return await log.append(CHANNEL, event)
        except Unavailable:
            await asyncio.sleep(0.01)


async def complete(log: NatsEventLog, one: Reading) -> None:
    """The reader has got all that is stored of its shard, once and in order."""
    expected = await stored(log, one.shard, one.after)
    await one.until(lambda: one.seqs[-1:] == [block.seq for block in expected[-1:]])
    assert one.seqs == [block.seq for block in expected]
    assert ids(one.blocks) == ids(expected)


# ---- slow readers


@pytest.mark.parametrize("bound", ["HELD_BLOCKS", "HELD_BYTES"])
@pytest.mark.parametrize("shard", [None, 2])
async def test_a_slow_reader_that_lost_its_place_misses_nothing_and_gets_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, bound: str, shard: int | None
) -> None:
    monkeypatch.setattr(tail, bound, 4 if bound == "HELD_BLOCKS" else 500)
    log, _ = await world.node("n-1")
    await log.append(CHANNEL, numbered(0, key="a"))
    async with reading(log, shard) as slow, reading(log) as fast:
        await fast.until(lambda: bool(fast.blocks))
        slow.gate.clear()
        for number in range(1, 60):
            await log.append(CHANNEL, numbered(number, size=100))
        await fast.until(lambda: len(fast.blocks) == 60)
        assert any(reader.lost for reader in log._tails["orders"]._readers)
        slow.gate.set()
        await complete(log, slow)
        await log.append_all(CHANNEL, [numbered(number) for number in range(60, 90)])
        await complete(log, slow)


async def test_a_block_larger_than_what_may_wait_comes_through(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "HELD_BYTES", 1_000)
    log, _ = await world.node("n-1")
    async with reading(log) as one:
        for number in range(5):
            await log.append(CHANNEL, numbered(number, size=5_000))
        await complete(log, one)


# ---- blocks of other nodes


async def test_a_block_of_another_node_is_fetched_with_all_that_it_holds(world: World) -> None:
    log, _ = await world.node("n-1")
    other, _ = await world.node("n-2")
    event = numbered(1, key="k", size=70_000)
    async with reading(log) as one:
        await log.append(CHANNEL, numbered(0))
        await one.until(lambda: len(one.blocks) == 1)
        await other.append(CHANNEL, event)
        await one.until(lambda: len(one.blocks) == 2)
    assert [block.node for block in one.blocks] == ["n-1", "n-2"]
    assert list(one.blocks[1].events) == [event]


async def test_readers_that_join_during_traffic_have_neither_gap_nor_repeat(world: World) -> None:
    random = Random(7)
    log, _ = await world.node("n-1")
    other, _ = await world.node("n-2")
    readings: list[Reading] = []

    async def write(to: NatsEventLog, first: int) -> None:
        for number in range(first, first + 150):
            if number % 10:
                await to.append(CHANNEL, numbered(number))
            else:
                await to.append_all(CHANNEL, [numbered(1_000 * number + n) for n in range(20)])

    try:
        async with asyncio.TaskGroup() as writers:
            writers.create_task(write(log, 0))
            writers.create_task(write(other, 10_000))
            for _ in range(6):
                for shard in SHARDS:
                    after = readings[-1].seqs[-1] if readings and readings[-1].seqs else 0
                    readings.append(Reading(log, shard, after=random.choice((0, after))))
                    await asyncio.sleep(random.uniform(0, 0.02))
        for one in readings:
            await complete(log, one)
    finally:
        for one in readings:
            await one.end()


# ---- the engine goes


async def test_a_restart_of_the_engine_makes_neither_gap_nor_repeat(world: World) -> None:
    log, connection = await world.node("n-1")
    other, _ = await world.node("n-2")
    readings = [Reading(log, shard) for shard in SHARDS]
    try:
        for number in range(30):
            await append(log if number % 2 else other, numbered(number))
        async with asyncio.TaskGroup() as writers:
            for number in range(30, 60):
                writers.create_task(_append(log if number % 2 else other, numbered(number)))
            await world.engine.stop()
            await eventually(lambda: not connection.connected)
            # Of those that join while there is no engine, nothing is asked but patience.
            readings += [Reading(log, shard) for shard in SHARDS]
            await world.engine.start()
        for number in range(60, 90):
            await append(log if number % 2 else other, numbered(number))
        for one in readings:
            await complete(log, one)
    finally:
        for one in readings:
            await one.end()


async def test_a_block_that_is_fetched_when_the_engine_goes_is_fetched_again(world: World) -> None:
    log, connection = await world.node("n-1")
    other, _ = await world.node("n-2")
    async with reading(log) as one:
        await log.append(CHANNEL, numbered(0))
        await one.until(lambda: len(one.blocks) == 1)
        connection.may_get.clear()
        await other.append(CHANNEL, numbered(1))
        await eventually(lambda: connection.waits)
        await world.engine.stop()
        await eventually(lambda: not connection.connected)
        connection.may_get.set()
        await world.engine.start()
        await connection.wait_connected()
        await complete(log, one)
    assert ids(one.blocks) == ["e-0", "e-1"]


async def test_followers_of_a_closed_connection_end(world: World) -> None:
    log, connection = await world.node("n-1")
    await log.append(CHANNEL, numbered(0))
    async with reading(log) as one:
        await one.until(lambda: len(one.blocks) == 1)
        await connection.close()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(one.task, 60)


async def test_followers_of_a_deleted_channel_are_told(world: World) -> None:
    log, connection = await world.node("n-1")
    await log.append(CHANNEL, numbered(0))
    async with reading(log) as one, reading(log, 1) as two:
        await one.until(lambda: len(one.blocks) == 1)
        await delete_stream(connection, STREAM)
        for each in (one, two):
            with pytest.raises(ApiError, match="stream not found"):
                await asyncio.wait_for(each.task, 60)


# ---- blocks go


@pytest.mark.parametrize("how", ["the first ones", "one in the middle", "all"])
async def test_what_is_removed_before_it_was_fetched_is_passed_over(world: World, how: str) -> None:
    log, connection = await world.node("n-1")
    other, operator = await world.node("n-2")
    async with reading(log) as one, reading(log, 1) as shard:
        await log.append(CHANNEL, numbered(0))
        await one.until(lambda: len(one.blocks) == 1)
        connection.may_get.clear()
        for number in range(1, 5):
            await other.append(CHANNEL, numbered(number))
        await eventually(lambda: connection.waits)
        match how:
            case "the first ones":
                await purge(operator, STREAM, before_seq=4)
            case "one in the middle":
                await delete_message(operator, STREAM, 2)
            case _:
                await purge(operator, STREAM)
        connection.may_get.set()
        await log.append(CHANNEL, numbered(5))
        expected = [block.seq for block in await stored(log, None) if block.seq > 1]
        await one.until(lambda: one.seqs == [1, *expected])
        left = [block.seq for block in await stored(log, 1) if block.seq > 1]
        await shard.until(lambda: [seq for seq in shard.seqs if seq > 1] == left)


async def test_retention_under_traffic_ends_no_reader(world: World) -> None:
    log, connection = await world.node("n-1")
    other, _ = await world.node("n-2")
    info = await stream_info(connection, STREAM)
    await connection.api(f"STREAM.UPDATE.{STREAM}", {**info.config, "max_msgs": 3})
    async with reading(log) as one, reading(log, 2) as shard, reading(log) as slow:
        slow.gate.clear()
        for number in range(80):
            await (log if number % 2 else other).append(CHANNEL, numbered(number, key="a"))
        slow.gate.set()
        left = [block.seq for block in await stored(log, None)]
        for each in (one, slow):
            await each.until(lambda each=each: each.seqs[-3:] == left)  # type: ignore[misc]
            assert each.seqs == sorted(set(each.seqs))
        of_shard = [block.seq for block in await stored(log, 2)]
        await shard.until(lambda: not of_shard or shard.seqs[-1:] == of_shard[-1:])


async def test_a_reader_that_joins_an_emptied_channel_gets_what_comes(world: World) -> None:
    log, connection = await world.node("n-1")
    for number in range(3):
        await log.append(CHANNEL, numbered(number))
    await purge(connection, STREAM)
    async with reading(log) as one:
        await log.append(CHANNEL, numbered(3))
        await one.until(lambda: ids(one.blocks) == ["e-3"])


# ---- readers come and go


async def test_the_last_reader_that_leaves_ends_the_following(world: World) -> None:
    log, connection = await world.node("n-1")
    await log.append(CHANNEL, numbered(0))
    async with reading(log) as one, reading(log, 1) as two:
        await one.until(lambda: len(one.blocks) == 1)
        assert (await stream_info(connection, STREAM)).consumers == 1
        await two.end()
        assert (await stream_info(connection, STREAM)).consumers == 1
    assert (await stream_info(connection, STREAM)).consumers == 0
    async with reading(log, after=1) as again:
        await log.append(CHANNEL, numbered(1))
        await again.until(lambda: ids(again.blocks) == ["e-1"])


@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_that_is_cancelled_at_any_moment_harms_no_other(
    world: World, seed: int
) -> None:
    random = Random(seed)
    log, connection = await world.node("n-1")
    other, _ = await world.node("n-2")
    async with reading(log) as one, reading(log, 2) as two:
        for number in range(60):
            short = Reading(log, random.choice(SHARDS), after=random.choice((0, number // 2)))
            for _ in range(random.randrange(6)):
                await asyncio.sleep(random.choice((0, 0, 0.002)))
            ending = asyncio.ensure_future(short.end())
            await append(log if number % 2 else other, numbered(number))
            await ending
        await complete(log, one)
        await complete(log, two)
    assert (await stream_info(connection, STREAM)).consumers == 0


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_readers_that_come_as_the_last_one_leaves_are_served(
    world: World, turns: int
) -> None:
    log, _ = await world.node("n-1")
    await log.append(CHANNEL, numbered(0))
    first = Reading(log, None)
    await first.until(lambda: len(first.blocks) == 1)
    first.task.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with reading(log) as second:
        await log.append(CHANNEL, numbered(1))
        await second.until(lambda: ids(second.blocks) == ["e-0", "e-1"])
    await first.end()


async def _append(log: NatsEventLog, event: Event) -> None:
    await append(log, event)
