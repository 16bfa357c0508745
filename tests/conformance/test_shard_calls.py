"""Both calls through the one suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chappe.adapters.memory.shard_calls import MemoryShardCalls, Served
from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.shard_calls import NatsShardCalls
from chappe.ports.shard_calls import ShardCalls
from chappe.server.embedded_nats import EmbeddedNats
from chappe.testing.shard_calls_suite import ShardCallsSuite


class TestMemoryShardCalls(ShardCallsSuite):
    @pytest.fixture
    def node(self) -> Callable[[str], ShardCalls]:
        served = Served()
        return lambda name: MemoryShardCalls(served)


@pytest.mark.engine
class TestNatsShardCalls(ShardCallsSuite):
    @pytest.fixture
    async def node(self, tmp_path: Path) -> AsyncIterator[Callable[[str], ShardCalls]]:
        async with EmbeddedNats(tmp_path) as engine, AsyncExitStack() as stack:
            address = NatsAddress((engine.url,), engine.user, engine.password, None)
            made: dict[str, NatsShardCalls] = {}
            for name in ("one", "two"):
                connection = await Connection.open(address, name=name)
                stack.push_async_callback(connection.close)
                made[name] = NatsShardCalls(connection)
                stack.push_async_callback(made[name].close)
            yield made.__getitem__
