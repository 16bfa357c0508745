"""What every event log must do. Subclass it with a fixture `log` that gives an open EventLog."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chappe.domain.channel import Block, Channel
from chappe.domain.errors import Conflict
from chappe.domain.event import Event
from chappe.domain.position import Position, shard_of
from chappe.kit.told import told_to
from chappe.ports.event_log import EventLog

CHANNEL = Channel("orders", 4)


def numbered(number: int, *, key: str | None = None, size: int = 10) -> Event:
    """An event whose id is its number."""
    return Event(id=f"e-{number}", source="/s", type="t", subject=key, data=b"x" * size)


async def blocks_until(
    log: EventLog, shard: int | None, events: int, *, after: int = 0
) -> list[Block]:
    """Follow the channel until so many events have come."""
    blocks: list[Block] = []
    async with asyncio.timeout(20):
        async for some in log.follow(CHANNEL, shard, after):
            blocks += some
            if sum(len(block.events) for block in blocks) >= events:
                break
    return blocks


def ids(blocks: Sequence[Block]) -> list[str]:
    """The ids of all events, in order."""
    return [event.id for block in blocks for event in block.events]


class EventLogSuite:
    """The promises of ports/event_log, one test each."""

    @pytest.fixture(autouse=True)
    async def _channel(self, log: EventLog) -> None:
        await log.open_channel(CHANNEL)

    async def test_an_appended_event_stands_at_its_position(self, log: EventLog) -> None:
        event = Event(
            id="1",
            source="/s",
            type="t",
            subject="k",
            time="2026-01-01T00:00:00.5+02:00",
            datacontenttype="application/json",
            extensions={"n": 7, "b": True, "s": "ü", "raw": b"\x00\xff"},
            data=b'{"a": 1.0}',
            text=True,
        )
        position = await log.append(CHANNEL, event)
        assert await log.get(CHANNEL, position) == event
        assert position.shard == shard_of("k", 4)

    async def test_events_of_one_key_stand_in_the_order_of_the_calls(self, log: EventLog) -> None:
        calls = [log.append(CHANNEL, numbered(number, key="k")) for number in range(200)]
        positions = [await call for call in calls]
        assert positions == sorted(positions, key=lambda one: (one.block, one.index))
        assert len({position.shard for position in positions}) == 1

    async def test_who_begins_is_told_after_the_call_where_the_event_stands(
        self, log: EventLog
    ) -> None:
        ended: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        log.begin(CHANNEL, numbered(1), told_to(ended))
        assert not ended.done()
        assert await log.get(CHANNEL, await ended) == numbered(1)

    async def test_every_position_is_of_one_event(self, log: EventLog) -> None:
        calls = [log.append(CHANNEL, numbered(number)) for number in range(300)]
        positions = [await call for call in calls]
        assert len(set(positions)) == 300
        for number in (0, 123, 299):
            found = await log.get(CHANNEL, positions[number])
            assert found is not None
            assert found.id == f"e-{number}"

    async def test_a_batch_answers_in_its_own_order(self, log: EventLog) -> None:
        events = [numbered(number) for number in range(250)]
        positions = await log.append_all(CHANNEL, events)
        for event, position in zip(events, positions, strict=True):
            assert await log.get(CHANNEL, position) == event

    async def test_an_empty_batch_stores_nothing(self, log: EventLog) -> None:
        assert list(await log.append_all(CHANNEL, [])) == []
        assert (await log.extent(CHANNEL)).last_block == 0

    async def test_batches_at_the_same_time_do_not_mix_up(self, log: EventLog) -> None:
        batches = [[numbered(100 * batch + n) for n in range(100)] for batch in range(20)]
        answers = await asyncio.gather(*(log.append_all(CHANNEL, batch) for batch in batches))
        for batch, positions in zip(batches, answers, strict=True):
            found = [await log.get(CHANNEL, position) for position in positions[::33]]
            assert found == batch[::33]

    async def test_a_shard_is_read_in_order(self, log: EventLog) -> None:
        await log.append_all(CHANNEL, [numbered(n, key="a") for n in range(50)])
        for n in range(50, 60):
            await log.append(CHANNEL, numbered(n, key="a"))
        shard = shard_of("a", 4)
        read: list[Block] = []
        while some := await log.read(CHANNEL, shard, read[-1].seq if read else 0, limit_blocks=3):
            assert len(some) <= 3
            read += some
        assert ids(read) == [f"e-{n}" for n in range(60)]
        assert {block.shard for block in read} == {shard}

    async def test_a_shard_holds_nothing_of_another(self, log: EventLog) -> None:
        await log.append_all(CHANNEL, [numbered(n) for n in range(100)])
        found: list[str] = []
        for shard in range(4):
            blocks = await log.read(CHANNEL, shard, 0)
            found += ids(blocks)
            assert all(shard_of(e.key, 4) == shard for block in blocks for e in block.events)
        assert sorted(found) == sorted(f"e-{n}" for n in range(100))

    async def test_following_gives_what_was_there_and_what_comes(self, log: EventLog) -> None:
        await log.append_all(CHANNEL, [numbered(n) for n in range(40)])
        following = asyncio.ensure_future(blocks_until(log, None, 80))
        for n in range(40, 80):
            await log.append(CHANNEL, numbered(n))
        blocks = await following
        assert sorted(ids(blocks)) == sorted(f"e-{n}" for n in range(80))
        assert [block.seq for block in blocks] == sorted({block.seq for block in blocks})

    async def test_following_begins_after_the_block_that_is_named(self, log: EventLog) -> None:
        first = await log.append(CHANNEL, numbered(1, key="k"))
        await log.append(CHANNEL, numbered(2, key="k"))
        blocks = await blocks_until(log, first.shard, 1, after=first.block)
        assert ids(blocks) == ["e-2"]

    async def test_the_extent_holds_what_was_acknowledged(self, log: EventLog) -> None:
        position = await log.append(CHANNEL, numbered(1, size=5_000))
        extent = await log.extent(CHANNEL)
        assert extent.first_block == 1
        assert extent.last_block == position.block
        assert extent.size_bytes >= 5_000

    async def test_a_block_tells_its_shard_its_time_and_its_events(self, log: EventLog) -> None:
        position = await log.append(CHANNEL, numbered(1))
        block = await log.block(CHANNEL, position.block)
        assert block is not None
        assert (block.seq, block.shard, block.at_ms > 0) == (position.block, position.shard, True)
        assert ids([block]) == ["e-1"]

    async def test_where_nothing_stands_nothing_is_found(self, log: EventLog) -> None:
        position = await log.append(CHANNEL, numbered(1))
        shard, block, index = position
        assert await log.get(CHANNEL, Position(shard, block, index + 1)) is None
        assert await log.get(CHANNEL, Position((shard + 1) % 4, block, index)) is None
        assert await log.get(CHANNEL, Position(shard, block + 1, 0)) is None
        assert await log.block(CHANNEL, 999) is None

    async def test_the_last_block_before_a_time_is_found(self, log: EventLog) -> None:
        blocks: list[Block] = []
        for n in range(5):
            position = await log.append(CHANNEL, numbered(n, key="k"))
            block = await log.block(CHANNEL, position.block)
            assert block is not None
            blocks.append(block)
            await asyncio.sleep(0.003)
        for block in blocks:
            expected = max((one.seq for one in blocks if one.at_ms < block.at_ms), default=0)
            assert await log.block_at(CHANNEL, block.at_ms) == expected
        assert await log.block_at(CHANNEL, blocks[-1].at_ms + 1) == blocks[-1].seq

    async def test_the_last_block_of_a_shard_is_found(self, log: EventLog) -> None:
        assert await log.last_block(CHANNEL, 0) == 0
        last: dict[int, int] = {}
        for n in range(12):
            position = await log.append(CHANNEL, numbered(n, key=f"k{n}"))
            last[position.shard] = position.block
        for shard in range(CHANNEL.shards):
            assert await log.last_block(CHANNEL, shard) == last.get(shard, 0)

    async def test_a_channel_keeps_its_number_of_shards(self, log: EventLog) -> None:
        await log.open_channel(CHANNEL)
        with pytest.raises(Conflict, match=r"4.*5"):
            await log.open_channel(Channel("orders", 5))

    async def test_channels_do_not_mix(self, log: EventLog) -> None:
        other = Channel("bills", 1)
        await log.open_channel(other)
        await log.append(CHANNEL, numbered(1))
        assert (await log.extent(other)).last_block == 0

    async def test_a_caller_that_gave_up_harms_no_other(self, log: EventLog) -> None:
        calls = [asyncio.ensure_future(_append(log, numbered(n))) for n in range(50)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        stored = [result for result in results[1::2] if isinstance(result, Position)]
        assert len(set(stored)) == 25


async def _append(log: EventLog, event: Event) -> Position:
    return await log.append(CHANNEL, event)
