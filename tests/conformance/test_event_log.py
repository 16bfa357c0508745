"""Both event logs through the one suite, and what only the real one can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from chappe.adapters.memory.event_log import MemoryEventLog
from chappe.adapters.nats import group_commit
from chappe.adapters.nats.event_log import NatsEventLog, Retention
from chappe.adapters.system.clock import SystemClock
from chappe.domain.errors import Overloaded, TooLarge
from chappe.domain.position import Position
from chappe.testing.event_log_suite import CHANNEL, EventLogSuite, blocks_until, ids, numbered
from tests.conformance.engine import connected


class TestMemoryEventLog(EventLogSuite):
    @pytest.fixture
    def log(self) -> MemoryEventLog:
        return MemoryEventLog(SystemClock())


class TestNatsEventLog(EventLogSuite):
    @pytest.fixture
    async def log(self, tmp_path: Path) -> AsyncIterator[NatsEventLog]:
        async with connected(tmp_path) as connection:
            yield NatsEventLog(connection, node="n-1", retention=Retention())

    async def test_what_comes_during_a_commit_becomes_one_block(self, log: NatsEventLog) -> None:
        calls = [log.append(CHANNEL, numbered(n, key="k")) for n in range(400)]
        positions = [await call for call in calls]
        assert len({position.block for position in positions}) <= 2

    async def test_a_block_is_bounded_in_events(self, log: NatsEventLog) -> None:
        calls = [log.append(CHANNEL, numbered(n, key="k", size=1)) for n in range(2_500)]
        positions = [await call for call in calls]
        assert max(position.index for position in positions) == group_commit.BLOCK_EVENTS - 1

    async def test_a_large_event_is_stored_whole(self, log: NatsEventLog) -> None:
        event = numbered(1, size=5 * 1024 * 1024)
        position = await log.append(CHANNEL, event)
        assert await log.get(CHANNEL, position) == event

    async def test_an_event_beyond_the_engines_limit_is_refused(self, log: NatsEventLog) -> None:
        with pytest.raises(TooLarge, match="bytes when stored"):
            await log.append(CHANNEL, numbered(1, size=9 * 1024 * 1024))

    async def test_a_batch_larger_than_a_message_is_stored_whole(self, log: NatsEventLog) -> None:
        events = [numbered(n, size=20_000) for n in range(600)]
        positions = await log.append_all(CHANNEL, events)
        assert await log.get(CHANNEL, positions[599]) == events[599]
        assert len(set(positions)) == 600

    async def test_callers_are_told_when_too_much_waits(self, log: NatsEventLog) -> None:
        events = (numbered(n, key="k", size=1_000_000) for n in range(100))
        calls: list[Awaitable[Position]] = []
        with pytest.raises(Overloaded, match="wait to be stored"):
            calls.extend(log.append(CHANNEL, event) for event in events)
        assert len(calls) > 10
        await asyncio.gather(*calls)

    async def test_one_that_cannot_be_told_keeps_nobody_waiting(
        self, log: NatsEventLog, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(ended: Position | Exception) -> None:
            raise RuntimeError("gone")

        log.begin(CHANNEL, numbered(1, key="k"), broken)
        position = await log.append(CHANNEL, numbered(2, key="k"))
        assert position.index == 1
        assert "could not be told" in caplog.text

    async def test_another_node_reads_what_this_one_wrote(
        self, log: NatsEventLog, tmp_path: Path
    ) -> None:
        stored = await log.append(CHANNEL, numbered(1))
        other = NatsEventLog(log._connection, node="n-2", retention=Retention())
        await other.open_channel(CHANNEL)
        block = await other.block(CHANNEL, stored.block)
        assert block is not None
        assert (block.node, ids([block])) == ("n-1", ["e-1"])
        assert ids(await blocks_until(other, None, 1)) == ["e-1"]
