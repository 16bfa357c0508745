"""Pulled subscriptions and streams in the published OpenAPI."""

from __future__ import annotations

from typing import Final

from chappe.domain.pull import MOST_EVENTS
from chappe.http.openapi_hub_schemas import COUNT, TEXT, TIME, array_of, object_of
from chappe.http.openapi_parts import OF_THE_HUB, answer, body, in_path, operation, query, schema
from chappe.http.openapi_schemas import Schema

_ID: Final = in_path("id", "The subscription's id.", pattern=".")
_TOKENS: Final[Schema] = {**array_of(TEXT), "minItems": 1, "maxItems": MOST_EVENTS}
_RECEIVED: Final = object_of(
    {
        "locktoken": TEXT,
        "deliverycount": COUNT,
        "lockeduntil": TIME,
        "position": TEXT,
        "event": schema("Event"),
    },
    "locktoken", "deliverycount", "lockeduntil", "position", "event",
)  # fmt: skip
_SETTLED: Final = object_of(
    {
        "succeeded": array_of(TEXT),
        "failed": array_of(
            object_of(
                {
                    "locktoken": TEXT,
                    "code": {"enum": ["settled", "lock_lost", "lock_expired", "invalid_token"]},
                    "detail": TEXT,
                },
                "locktoken", "code", "detail",
            )
        ),
    },
    "succeeded", "failed",
)  # fmt: skip


def _receive() -> Schema:
    wanted = object_of(
        {
            "max_events": {"type": "integer", "minimum": 1, "maximum": MOST_EVENTS},
            "wait_s": {"type": "number", "minimum": 0, "maximum": 60},
        }
    )
    shown: Schema = answer("The events, each locked for the caller.", array_of(_RECEIVED))
    shown["content"]["application/cloudevents-batch+json"] = {"schema": array_of(schema("Event"))}
    done = operation(
        "post.subscriptions.id.receive",
        "Lock events of a pulled subscription and answer them",
        "subscriptions",
        "subscribe",
        request=body(wanted),
        responses={"200": shown, **OF_THE_HUB},
    )
    return {"parameters": [_ID], "post": done}


def _settle(verb: str, summary: str, **more: Schema) -> Schema:
    done = operation(
        f"post.subscriptions.id.{verb}",
        summary,
        "subscriptions",
        "subscribe",
        request=body(object_of({"locktokens": _TOKENS, **more}, "locktokens", closed=True)),
        responses={"200": answer("What became of each token.", _SETTLED), **OF_THE_HUB},
    )
    return {"parameters": [_ID], "post": done}


def _stream(above: str, *parameters: Schema) -> dict[str, Schema]:
    """Server-sent events; with `Upgrade: websocket` the same path speaks WebSocket."""
    shown = operation(
        f"get.{'channels.' if above else ''}events.stream",
        "Follow events as they come (server-sent events; a WebSocket with Upgrade)",
        "events",
        "read",
        parameters=[
            query("type", "Events of this type.", TEXT),
            query("source", "Events of this source.", TEXT),
            query("subject", "Events of this subject.", TEXT),
            query("filter", "A filter of the Subscriptions API, or an array of them, in JSON.", TEXT),
            query("from", "latest, earliest, a time (RFC 3339), or a position to go on behind.", TEXT),
            query("access_token", "A token; the header is better.", TEXT),
        ],
        responses={
            "200": answer("Events, for ever.", TEXT, type="text/event-stream"),
            **OF_THE_HUB,
        },
    )  # fmt: skip
    item: Schema = {"get": shown}
    return {
        f"{above}/events/stream": item | ({"parameters": list(parameters)} if parameters else {})
    }


STREAMS: Final[dict[str, Schema]] = {
    **_stream(""),
    **_stream("/channels/{channel}", in_path("channel", "The channel's name.")),
}

PULLING: Final[dict[str, Schema]] = {
    "/subscriptions/{id}/receive": _receive(),
    "/subscriptions/{id}/acknowledge": _settle("acknowledge", "The events are done"),
    "/subscriptions/{id}/release": _settle(
        "release",
        "The events come again",
        delay_s={"type": "number", "minimum": 0, "maximum": 86_400},
    ),
    "/subscriptions/{id}/reject": _settle(
        "reject", "The events become dead letters", reason={"type": "string", "maxLength": 1024}
    ),
    "/subscriptions/{id}/renewlocks": _settle("renewlocks", "The events stay locked longer"),
}
