"""Examples of requests and answers in the published OpenAPI, by operation.

Each is held to its schema by a test; they tell one story, of a shop whose orders are paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.http.openapi_schemas import Schema

_EVENT: Final[Mapping[str, Any]] = {
    "specversion": "1.0",
    "id": "A-1017",
    "source": "/shop",
    "type": "order.paid",
    "subject": "order/1017",
    "datacontenttype": "application/json",
    "data": {"total": 12.5},
}
_SUBSCRIPTION: Final[Mapping[str, Any]] = {
    "protocol": "HTTP",
    "sink": "https://billing.example/events",
    "types": ["order.paid"],
    "filters": [{"prefix": {"subject": "order/"}}],
}
_SERVICE: Final[Mapping[str, Any]] = {
    "name": "Shop",
    "specversions": ["1.0"],
    "subscriptionurl": "https://shop.example/subscriptions",
    "protocols": ["HTTP"],
    "events": [{"type": "order.paid"}],
}
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
}
_MESSAGE: Final[Mapping[str, Any]] = {
    "envelope": "CloudEvents/1.0",
    "envelopemetadata": {"type": {"value": "order.paid"}, "source": {"value": "/shop"}},
    "dataschemaformat": "JsonSchema/draft2020-12",
    "dataschemaxid": "/schemagroups/shop/schemas/order",
}
_ASYNCAPI: Final[Mapping[str, Any]] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Checkout", "version": "1.2.0"},
    "servers": {"n": {"host": "nats.example:4222", "protocol": "nats"}},
    "channels": {
        "paid": {
            "address": "orders.paid",
            "messages": {"order.paid": {"payload": {"type": "object"}}},
        }
    },
    "operations": {"tell": {"action": "send", "channel": {"$ref": "#/channels/paid"}}},
}

SENT: Final[Mapping[str, tuple[str, Any]]] = {
    "post.events": ("application/cloudevents+json", _EVENT),
    "post.channels.events": ("application/cloudevents+json", _EVENT),
    "post.validate": ("application/cloudevents+json", _EVENT),
    "post.subscriptions": ("application/json", _SUBSCRIPTION),
    "put.subscriptions.id": ("application/json", _SUBSCRIPTION),
    "post.services": ("application/json", [_SERVICE]),
    "put.services.id": ("application/json", _SERVICE),
    "post.asyncapi": ("application/json", _ASYNCAPI),
    "put.messagegroups.gid.messages.rid": ("application/json", _MESSAGE),
    "put.schemagroups.gid.schemas.rid.details": (
        "application/json",
        {"format": "JsonSchema/draft2020-12", "schema": _SCHEMA},
    ),
    "put.endpoints.gid": (
        "application/json",
        {
            "usage": ["consumer"],
            "protocol": "NATS",
            "protocoloptions": {
                "endpoints": [{"uri": "nats://nats.example:4222"}],
                "subjectfilter": "orders.>",
            },
            "messagegroups": ["/messagegroups/shop"],
            "labels": {"application": "checkout", "owner": "team-shop"},
        },
    ),
    "put.channels.gid": ("application/json", {"shards": 4}),
}
"""Media type and value of a request's body, by operation."""

SHOWN: Final[Mapping[str, tuple[str, str, Any]]] = {
    "get.nodes": (
        "200",
        "application/json",
        {
            "nodes": [
                {
                    "node": "760adc2552b53b16",
                    "answers": True,
                    "version": "0.1.0",
                    "url": "https://events.example",
                    "host": "events-0",
                    "pid": 7,
                    "started": "2026-03-02T07:14:00.402Z",
                    "status": "ready",
                    "failing": [],
                    "shards": ["default.0", "default.2"],
                    "open": 31,
                    "accepted": 61804,
                    "accepted_per_s": 412.3,
                    "attempts": 180447,
                    "attempts_per_s": 1203.3,
                    "cpu": 0.41,
                    "memory_bytes": 96468992,
                    "registry_revision": 12,
                }
            ],
            "complete": False,
            "missing": [
                {"shard": "default.1", "node": "9e107d9d372bb682"},
                {"shard": "default.3", "node": "9e107d9d372bb682"},
            ],
        },
    ),
    "get.livez": ("200", "application/json", {"status": "ok"}),
    "post.asyncapi": (
        "200",
        "application/json",
        {
            "made": [
                "/endpoints/checkout.paid",
                "/endpoints/checkout.paid/messages/order.paid",
                "/messagegroups/checkout",
                "/messagegroups/checkout/messages/order.paid",
            ],
            "changed": [],
            "left": [],
        },
    ),
}
"""Status, media type and value of an answer's body, by operation."""


def with_examples(paths: Mapping[str, Schema]) -> dict[str, Schema]:
    """The paths, with an example of each operation that has one here."""
    return {
        path: {name: _operation(one) if name in _METHODS else one for name, one in item.items()}
        for path, item in paths.items()
    }


_METHODS: Final = frozenset({"get", "put", "patch", "post", "delete"})


def _operation(told: Schema) -> Schema:
    made = dict(told)
    sent = SENT.get(told["operationId"])
    if sent is not None and "requestBody" in told:
        type_, value = sent
        made["requestBody"] = _with(told["requestBody"], type_, value)
    shown = SHOWN.get(told["operationId"])
    if shown is not None:
        status, type_, value = shown
        responses = told["responses"]
        made["responses"] = {**responses, status: _with(responses[status], type_, value)}
    return made


def _with(body: Schema, type: str, value: Any) -> Schema:
    content = body["content"]
    if type not in content:
        return body
    return {**body, "content": {**content, type: {**content[type], "example": value}}}
