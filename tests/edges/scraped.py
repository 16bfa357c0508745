"""A hub under a load that touches all that it measures, and what /metrics says of it then."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.http import Client
from tests.chaos.hub import HubProcess, free_port

from chappe.testing.http_sink import Reply, SinkServer

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4"
BOUND = 12
"""Series of a label, so that there are others."""
ENFORCED = {
    "envelope": "CloudEvents/1.0",
    "envelopemetadata": {"type": {"value": "checked"}},
    "dataschemaformat": "JSONSchema/draft-07",
    "dataschema": {"type": "object", "required": ["total"]},
    "validation": "enforce",
}


@dataclass(frozen=True)
class Scraped:
    text: str
    openmetrics: str
    content_types: tuple[str, str]
    good: str
    failing: str
    refusing: str
    pulled: str
    paused: str
    types: int


async def a_scrape(home: Path) -> Scraped:
    """Load a hub, wait until it has dealt with all, and scrape it in both forms."""
    port = free_port()  # nobody listens there
    sinks = SinkServer(), SinkServer([Reply(503)] * 10_000), SinkServer([Reply(400)] * 100)
    options = ("--metrics-series", str(BOUND))
    async with HubProcess(home / "data", *options) as hub, sinks[0], sinks[1], sinks[2]:
        client = hub.client()
        await put(client, "/messagegroups/shop/messages/checked", ENFORCED)
        good = await subscribe(client, sinks[0].url)
        failing = await subscribe(
            client, sinks[1].url, types=["t.0"], retry={"base_s": 0.05}, breaker={"failures": 2}
        )
        refusing = await subscribe(client, sinks[2].url, types=["t.1"])
        pulled = await subscribe(client, None, protocol="PULL", types=["t.2"])
        paused = await subscribe(client, f"http://127.0.0.1:{port}/", paused=True)
        for number in range(BOUND):
            await subscribe(client, sinks[0].url, types=[f"none.{number}"])
        types = BOUND + 5
        for number in range(types):
            assert await publish(client, f"e-{number}", f"t.{number}") == 202
        assert await publish(client, "e-0", "t.0") == 202
        assert await publish(client, "bad", "checked") == 422
        assert await publish(client, "", "t.0") == 400
        await sinks[0].until(lambda: sinks[0].count == types)
        await sinks[1].until(lambda: sinks[1].count >= 2)
        received = await client.ask_json("POST", f"/subscriptions/{pulled}/receive", {})
        assert received.status == 200, received.body
        async with asyncio.timeout(60):
            while True:
                text = await client.ask("GET", "/metrics", {"accept": TEXT})
                shown = text.body.decode()
                if all(wanted in shown for wanted in settled(good, failing, refusing, paused)):
                    break
                await asyncio.sleep(0.1)
        openmetrics = await client.ask("GET", "/metrics", {"accept": OPENMETRICS})
        types_ = text.headers["content-type"], openmetrics.headers["content-type"]
        return Scraped(
            shown, openmetrics.body.decode(), types_,
            good, failing, refusing, pulled, paused, types,
        )  # fmt: skip


def settled(good: str, failing: str, refusing: str, paused: str) -> list[str]:
    """What must stand there once the load has been dealt with."""
    return [
        f'chappe_dead_letters_total{{subscription="{refusing}"}} 1.0',
        f'chappe_subscription_state{{state="breaker open",subscription="{failing}"}} 1.0',
        f'chappe_subscription_pending_events{{subscription="{failing}"}} 1.0',
        f'chappe_subscription_pending_events{{subscription="{good}"}} 0.0',
        'chappe_events_stored_total{channel="other",type="other"}',
        'chappe_pull_locked_events{subscription="',
        f'chappe_subscription_state{{state="paused",subscription="{paused}"}} 1.0',
    ]


async def put(client: Client, path: str, document: object) -> None:
    answer = await client.ask_json("PUT", path, document)
    assert answer.status < 300, answer.body


async def subscribe(client: Client, sink: str | None, **more: object) -> str:
    document: dict[str, Any] = {"protocol": "HTTP", **more}
    if sink is not None:
        document["sink"] = sink
    answer = await client.ask_json("POST", "/subscriptions", document)
    assert answer.status == 201, answer.body
    return str(json.loads(answer.body)["id"])


async def publish(client: Client, id_: str, type_: str) -> int:
    headers = {
        "ce-specversion": "1.0", "ce-id": id_, "ce-source": "/shop", "ce-type": type_,
        "content-type": "application/json",
    }  # fmt: skip
    return (await client.ask("POST", "/events", headers, b"{}")).status
