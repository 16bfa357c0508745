"""What a restart of the hub or of its engine must not change, each once found to be broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.chaos.hub import HubProcess, kill, wait_until

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.shard_lease import NatsShardLease
from chappe.adapters.system.clock import SystemClock
from chappe.server.embedded_nats import EmbeddedNats
from chappe.testing.http_sink import SinkServer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "data") as one:
        yield one


async def publish(hub: HubProcess, id_: str) -> None:
    client = hub.client()
    headers = {"ce-specversion": "1.0", "ce-id": id_, "ce-source": "/s", "ce-type": "t"}
    async with asyncio.timeout(60):
        while (await client.ask("POST", "/events", headers)).status != 202:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await client.close()


async def subscribe(hub: HubProcess, sink: SinkServer) -> str:
    document = {"sink": sink.url, "protocol": "HTTP"}
    return str((await hub.client().ask_json("POST", "/subscriptions", document)).json()["id"])


async def test_a_lease_can_be_renewed_and_taken_after_the_engine_forgot_all_of_them(
    tmp_path: Path,
) -> None:
    """The leases' stream is in memory: the engine that comes back has no such stream."""
    async with EmbeddedNats(tmp_path) as engine:
        address = NatsAddress((engine.url,), engine.user, engine.password, None)
        connection = await Connection.open(address, name="test")
        one, other = (
            NatsShardLease(connection, SystemClock(), node=node, replicas=1) for node in "ab"
        )
        await one.open()
        await one.acquire("s.0", ttl_s=0.2)
        await connection.api("STREAM.DELETE.LEASES")
        await one.renew("s.0")
        await connection.api("STREAM.DELETE.LEASES")
        await asyncio.wait_for(other.acquire("s.0", ttl_s=0.2), 60)
        await connection.close()


async def test_delivery_goes_on_after_the_engine_alone_was_killed(hub: HubProcess) -> None:
    async with SinkServer() as sink:
        await subscribe(hub, sink)
        await publish(hub, "before")
        await sink.until(lambda: sink.count == 1)
        was = hub.engine_pid
        kill(was)
        await wait_until(lambda: hub.engine_pid not in (None, was), "the engine is started again")
        await publish(hub, "after")
        await sink.until(lambda: sink.count == 2, within_s=60)
        # Longer than a lease lives: the shards must still be this node's then.
        client = hub.client()
        loop = asyncio.get_running_loop()
        end_s = loop.time() + 7.0
        while loop.time() < end_s:
            shards = (await client.ask("GET", "/readyz")).json()["shards"]
            assert shards.keys() == {"default.0", "deadletters.0", "registry.0", "audit.0"}, (
                hub.last_words()
            )
            await asyncio.sleep(0.5)
        await publish(hub, "later")
        await sink.until(lambda: sink.count == 3, within_s=60)


async def test_a_subscription_that_is_changed_after_a_restart_gets_nothing_again(
    hub: HubProcess,
) -> None:
    async with SinkServer() as sink:
        id_ = await subscribe(hub, sink)
        for number in range(10):
            await publish(hub, f"e-{number}")
        await sink.until(lambda: sink.count == 10)
        await hub.stop()
        await hub.start()
        client = hub.client()
        found = (await client.ask("GET", f"/subscriptions/{id_}")).json()
        changed = await client.ask_json("PUT", f"/subscriptions/{id_}", {**found, "timeout_s": 9})
        assert changed.status == 200
        for number in range(10, 20):
            await publish(hub, f"e-{number}")
        await sink.until(lambda: sink.count >= 20)
        await hub.stop()  # what is under way ends before
    assert sink.count == 20
