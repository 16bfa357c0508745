"""Both leases through the one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chappe.adapters.memory.shard_lease import Held, MemoryShardLease
from chappe.adapters.nats.shard_lease import NatsShardLease
from chappe.adapters.system.clock import SystemClock
from chappe.ports.shard_lease import ShardLease
from chappe.testing.shard_lease_suite import ShardLeaseSuite
from tests.conformance.engine import connected


class TestMemoryShardLease(ShardLeaseSuite):
    @pytest.fixture
    def node(self) -> Callable[[str], ShardLease]:
        held, clock = Held(), SystemClock()
        return lambda name: MemoryShardLease(held, clock, node=name)


class TestNatsShardLease(ShardLeaseSuite):
    @pytest.fixture
    async def node(self, tmp_path: Path) -> AsyncIterator[Callable[[str], ShardLease]]:
        clock = SystemClock()
        async with connected(tmp_path) as connection:
            first = NatsShardLease(connection, clock, node="first", replicas=1)
            await first.open()
            yield lambda name: NatsShardLease(connection, clock, node=name, replicas=1)
