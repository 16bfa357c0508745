"""The whole hub between brokers: published here, delivered there, read back; also when it is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import pytest
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess
from tests.conformance.test_nats_sign_in import serving
from tests.edges.brokers import kafka_broker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


@contextlib.asynccontextmanager
async def kafka(directory: Path) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any]]]:
    with kafka_broker(directory) as broker:
        yield (
            {"protocol": "KAFKA", "sink": f"kafka://{broker}/orders"},
            {
                "protocol": "KAFKA",
                "url": f"kafka://{broker}",
                "protocolsettings": {"topics": ["orders"]},
            },
        )


@contextlib.asynccontextmanager
async def jetstream(directory: Path) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any]]]:
    async with serving(directory, f'jetstream: {{store_dir: "{directory}/js"}}') as port:
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        await client.jetstream().add_stream(name="ORDERS", subjects=["orders.>"])
        await client.close()
        url = f"nats://127.0.0.1:{port}"
        yield (
            {
                "protocol": "NATS",
                "sink": url,
                "protocolsettings": {"subject": "orders.{type}", "jetstream": True},
            },
            {
                "protocol": "NATS",
                "url": url,
                "protocolsettings": {"subject": "orders.>", "jetstream": True},
            },
        )


async def wired(client: Client, sink: dict[str, Any], source: dict[str, Any]) -> None:
    """Default -> broker -> back."""
    made = await client.ask_json("PUT", "/channels/back", {"shards": 1})
    assert made.status == 201, made.body
    made = await client.ask_json("POST", "/subscriptions", {**sink, "retry": {"base_s": 0.1}})
    assert made.status == 201, made.body
    made = await client.ask_json("POST", "/sources", {**source, "id": "shop", "channel": "back"})
    assert made.status == 201, made.body


async def publish(client: Client, first: int, last: int) -> None:
    batch = [
        {"specversion": "1.0", "id": str(number), "source": "/shop", "type": "order.paid"}
        for number in range(first, last)
    ]
    headers = {"content-type": "application/cloudevents-batch+json"}
    answer = await client.ask("POST", "/events", headers, json.dumps(batch).encode())
    assert answer.status == 202, answer.body


async def back(client: Client) -> list[str]:
    answer = await client.ask("GET", "/channels/back/events?order=asc&limit=1000")
    return [one["event"]["id"] for one in answer.json()]


async def until_back(client: Client, count: int, *, within_s: float = 90.0) -> list[str]:
    ids: list[str] = []
    try:
        async with asyncio.timeout(within_s):
            while len(set(ids)) < count:
                await asyncio.sleep(0.1)
                ids = await back(client)
    except TimeoutError:
        status = (await client.ask("GET", "/sources")).body
        raise AssertionError(f"{len(set(ids))} of {count} came back; {status!r}") from None
    return ids


async def until_state(client: Client, state: str, *, taken: int = 0) -> dict[str, Any]:
    """The source's status when it is in that state and has taken so many; a node tells it once a second."""
    status: dict[str, Any] = {}
    try:
        async with asyncio.timeout(60):
            while status.get("state") != state or status["taken"] < taken:
                await asyncio.sleep(0.05)
                status = (await client.ask("GET", "/sources/shop")).json()["status"]
    except TimeoutError:
        raise AssertionError(f"not {state}: {status}") from None
    return status


@pytest.mark.parametrize("broker", [jetstream, kafka])
async def test_events_go_to_a_broker_and_come_back_and_a_kill_loses_none(
    tmp_path: Path, broker: Any
) -> None:
    async with broker(tmp_path) as (sink, source), HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        await wired(client, sink, source)
        await publish(client, 0, 200)
        assert set(await until_back(client, 200)) == {str(number) for number in range(200)}
        assert (await until_state(client, "running", taken=200))["taken"] == 200

        await publish(client, 200, 400)
        await hub.crash()
        await hub.start()
        client = hub.client()
        await publish(client, 400, 500)
        ids = await until_back(client, 500)
        assert set(ids) == {str(number) for number in range(500)}


async def test_nats_is_part_of_the_core_and_says_what_is_wrong_with_a_source(
    tmp_path: Path,
) -> None:
    async with HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        made = await client.ask_json(
            "POST",
            "/sources",
            {
                "id": "shop",
                "protocol": "NATS",
                "url": "nats://127.0.0.1:1",
                "protocolsettings": {"subject": "orders"},
            },
        )
        assert made.status == 201, made.body
        status = await until_state(client, "failing")
        assert "connection refused" in status["error"]
        assert status["node"]
