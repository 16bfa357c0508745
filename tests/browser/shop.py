"""A hub with something to see: a shop's types, schemas, producers and consumers, events, failures.

Names are as hostile and as long as a registry lets them be, so that pages show how they bear it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chappe.testing.http_sink import Received, Reply, SinkServer
from tests.chaos.http import Client

LONG = "com.example.a-department-with-a-name.of-many-words.order.line.item.price.was.corrected.v12"
PAID = "shop.order.paid"
FAILING = "crm"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SCRIPT = "<script>alert(1)</script>"

_JSON = {"content-type": "application/json"}
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["order", "total"],
    "properties": {
        "order": {"type": "string", "description": "The order's number"},
        "total": {"type": "number", "minimum": 0},
        "customer": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "country": {"enum": ["de", "fr", "nl"]}},
        },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}},
            },
        },
    },
}
_NEWER = {**_SCHEMA, "required": ["order", "total", "currency"]}
_NEWER["properties"] = {**_SCHEMA["properties"], "currency": {"type": "string"}}  # type: ignore[dict-item]


@dataclass(slots=True)
class Shop:
    """What was made: where to look for it."""

    positions: list[str] = field(default_factory=list)
    subscriptions: dict[str, str] = field(default_factory=dict)


async def opened(client: Client, sink: SinkServer) -> Shop:
    """The shop, after its events were delivered, or failed for good."""
    shop = Shop()
    await _must(client, "POST", "/", _registry())
    for name, at, more in (
        ("billing", "/billing", {}),
        (FAILING, "/crm", {"retry": {"schedule_s": [0.01], "max_attempts": 2}}),
        ("analytics", "/analytics", {"filters": [{"prefix": {"subject": "eu"}}]}),
        ("stopped", "/stopped", {"paused": True}),
    ):
        body = {"sink": f"{sink.url}{at}", "protocol": "HTTP", "types": [PAID], **more}
        made = await _must(client, "POST", "/subscriptions", body)
        shop.subscriptions[name] = made["id"]
    for number in range(30):
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"A-{1000 + number}",
            "source": "/shop/web" if number % 5 else "/shop/till-without-a-declaration",
            "type": (PAID, LONG, "shop.order.placed", "never.declared")[number % 4],
            "subject": f"order-{number}",
            "datacontenttype": "application/json",
            "data": {"order": f"O-{number}", "total": number, "customer": {"country": "de"}},
        }
        if number in (4, 8, 12):
            event["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
            event["causationid"] = f"A-{1000 + number - 4}"
        if number == 8:
            event |= {"subject": SCRIPT, "data": {"order": SCRIPT, "total": 1}}
        if number == 11:
            event["type"] = SCRIPT
        answer = await client.ask(
            "POST",
            "/events",
            {"content-type": "application/cloudevents+json"},
            json.dumps(event).encode(),
        )
        assert answer.status in (200, 202), answer.body
        shop.positions.append(str(answer.json()["position"]))
    await _settled(client, shop)
    return shop


def answers(request: Received) -> Reply:
    """What the shop's sinks say."""
    if request.target == "/crm":
        return Reply(503, body=b"upstream timeout <b>now</b>")
    return Reply(204)


async def _settled(client: Client, shop: Shop) -> None:
    """Until the consumer that fails has dead letters of each event that it wants."""
    path = f"/deadletters?subscription={shop.subscriptions[FAILING]}"
    async with asyncio.timeout(60):
        while len((await client.ask("GET", path)).json()) < 8:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


def _registry() -> dict[str, Any]:
    types = (PAID, "shop.order.placed", "shop.order.cancelled", LONG)
    return {
        "schemagroups": {
            "shop": {
                "schemas": {
                    "order": {
                        "versions": {
                            "1": {"format": "JsonSchema/draft/2020-12", "schema": _SCHEMA},
                            "2": {
                                "format": "JsonSchema/draft/2020-12",
                                "schema": _NEWER,
                                "ancestor": "1",
                            },
                        }
                    }
                }
            }
        },
        "messagegroups": {
            "shop": {
                "description": "What the shop tells",
                "labels": {"owner": "checkout"},
                "messages": {
                    f"m{number}": {
                        "description": f"Said when it happens: {type_}",
                        "envelope": "CloudEvents/1.0",
                        "envelopemetadata": {"type": {"value": type_}},
                        "dataschemaxid": "/schemagroups/shop/schemas/order",
                        "dataschemaformat": "JsonSchema/draft/2020-12",
                    }
                    for number, type_ in enumerate(types)
                },
            }
        },
        "endpoints": {
            "shop-web": {
                "usage": ["producer"],
                "protocol": "HTTP",
                "labels": {"owner": "checkout"},
                "messagegroups": ["/messagegroups/shop"],
            },
            "warehouse": {
                "usage": ["consumer"],
                "protocol": "HTTP",
                "labels": {"owner": "logistics"},
                "messagegroups": ["/messagegroups/shop"],
            },
        },
    }


async def _must(client: Client, method: str, target: str, body: Mapping[str, Any]) -> Any:
    answer = await client.ask(method, target, _JSON, json.dumps(body).encode())
    assert answer.status in (200, 201), answer.body
    return answer.json()
