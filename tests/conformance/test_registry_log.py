"""The registry logs keep the suite of their port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.jetstream import stream_info
from chappe.adapters.nats.registry_log import SNAPSHOTS, NatsRegistryLog
from chappe.ports.registry_log import Snapshot
from chappe.server.embedded_nats import EmbeddedNats
from chappe.testing.registry_log_suite import RegistryLogSuite, World, fill


class TestMemoryRegistryLog(RegistryLogSuite):
    @pytest.fixture
    def world(self) -> World:
        async def restart() -> None:
            """Nothing holds it."""

        async def half_snapshot(snapshot: Snapshot) -> None:
            """It is saved in one step."""

        return World(MemoryRegistryLog(), restart, half_snapshot)


@pytest.mark.engine
class TestNatsRegistryLog(RegistryLogSuite):
    @pytest.fixture
    async def connection(self, tmp_path: Path) -> AsyncIterator[tuple[EmbeddedNats, Connection]]:
        nats = EmbeddedNats(tmp_path)
        async with nats as engine:
            address = NatsAddress((engine.url,), engine.user, engine.password)
            connection = await Connection.open(address, name="test")
            try:
                yield nats, connection
            finally:
                await connection.close()

    @pytest.fixture
    async def world(self, connection: tuple[EmbeddedNats, Connection]) -> World:
        nats, link = connection
        log = NatsRegistryLog(link)
        await log.open()

        async def restart() -> None:
            await nats.stop()
            await nats.start()
            await link.wait_connected()

        async def half_snapshot(snapshot: Snapshot) -> None:
            for number in (1, 2):
                subject = f"REGSNAP.part.{snapshot.revision}-dead.{number}"
                await link.publish(subject, snapshot.state[: 1 << 20])

        return World(log, restart, half_snapshot)

    async def test_a_snapshot_replaces_the_parts_of_the_last_one(
        self, world: World, connection: tuple[EmbeddedNats, Connection]
    ) -> None:
        commits = await fill(world.log, 3)
        for commit in commits:
            await world.log.save_snapshot(Snapshot(commit.revision, b"x" * 3_000_000))
        info = await stream_info(connection[1], SNAPSHOTS)
        assert info.messages == 4  # three parts and the manifest
