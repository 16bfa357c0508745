"""The hub's own paths in the published OpenAPI: events, subscriptions, discovery, health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from chappe.formats import event_formats
from chappe.http.openapi_find import FIND
from chappe.http.openapi_hub_nodes import NODES
from chappe.http.openapi_hub_schemas import (
    COUNT,
    FILLED,
    HISTORY,
    OBJECT,
    SERVICE_ID,
    TEXT,
    TIME,
    array_of,
    object_of,
)
from chappe.http.openapi_hub_streams import PULLING, STREAMS
from chappe.http.openapi_parts import (
    OF_THE_HUB,
    PARAMETERS,
    answer,
    body,
    in_path,
    operation,
    query,
    schema,
)
from chappe.http.openapi_schemas import Schema

_CORRELATED: Final = ("xRegistry-xregcorrelationid",)


_BATCH: Final = f"{event_formats.BATCH_MEDIA_TYPE}+json"
_ONE: Final = event_formats.JSON.media_type
# What is no JSON has no schema that OpenAPI could tell.
_OTHERS: Final[Schema] = {one: {"schema": {}} for one in event_formats.BY_MEDIA_TYPE if one != _ONE}
_OTHER_BATCHES: Final[Schema] = {
    one: {"schema": {}} for one in event_formats.BY_BATCH_MEDIA_TYPE if one != _BATCH
}
_LISTING: Final = (
    query("type", "Events of this type.", TEXT),
    query("source", "Events of this source.", TEXT),
    query("subject", "Events of this subject.", TEXT),
    query("id", "Events with this id.", TEXT),
    query("from", "Accepted then or later.", TIME),
    query("until", "Accepted before.", TIME),
    query("position", "Behind this position.", TEXT),
    query("order", "The newest first, or in the order of acceptance.", {"enum": ["desc", "asc"]}),
    query("limit", "The most events of a page.", {"type": "integer", "minimum": 1, "maximum": 1000}),
    query("wait", "Seconds that an empty page waits; with order=asc.",
          {"type": "number", "minimum": 0, "maximum": 30}),
    query("redact", "Without what the types' policies take out of samples.",
          {"enum": ["", "true", "false"]}),
)  # fmt: skip
_PUBLISHED: Final[Schema] = {
    "required": False,
    "content": {
        _ONE: {"schema": schema("Event")},
        _BATCH: {"schema": array_of(schema("Event"))},
        **_OTHERS,
        **_OTHER_BATCHES,
        "*/*": {"schema": {}},
    },
}
_CHANNEL: Final = in_path("channel", "The channel's name.")
_REFERENCE: Final = in_path(
    "reference", "A position, an id, or source and id joined by `#`.", pattern="."
)

_LISTED: Final = (
    query("type", "Those that may get events of this type.", TEXT),
    query("source", "Those that may get events of this source.", TEXT),
    query("sink", "Those of this sink.", TEXT),
    query("channel", "Those of this channel.", TEXT),
    query("state", "Those in this state, such as paused.", TEXT),
    query("limit", "The most subscriptions of a page; absent: all.",
          {"type": "integer", "minimum": 1, "maximum": 1000}),
    query("after", "Behind this id.", TEXT),
)  # fmt: skip
_DRY_RUN: Final = PARAMETERS["dryrun"]
_SUBSCRIPTION: Final = in_path("id", "The subscription's id.", pattern=".")


def hub_paths() -> dict[str, Schema]:
    """The path items of everything beside the registry, by path."""
    paths: dict[str, Schema] = {}
    for above, parameters in (("", []), ("/channels/{channel}", [_CHANNEL])):
        paths |= _events(above, parameters)
    paths |= FIND
    types = operation(
        "get.channels.types",
        "The types of events that are declared, or were seen in the channel",
        "discovery",
        "read",
        parameters=[
            _MATCHING,
            query("window", "Seconds over which rates are told.",
                  {"type": "integer", "minimum": 60, "maximum": 604800}),
        ],
        responses={"200": answer("The types.", array_of(schema("SeenType"))), **OF_THE_HUB},
    )  # fmt: skip
    paths["/channels/{channel}/types"] = {"parameters": [_CHANNEL], "get": types}
    infer = operation(
        "get.channels.types.type.schema",
        "Draft a JSON Schema from the newest events of a type",
        "events",
        "read",
        parameters=[
            query("last", "How many of the newest are read.",
                  {"type": "integer", "minimum": 1, "maximum": 10_000}),
        ],
        responses={"200": answer("The draft.", schema("Inferred")), **OF_THE_HUB},
    )  # fmt: skip
    paths["/channels/{channel}/types/{type}/schema"] = {
        "parameters": [_CHANNEL, in_path("type", "The type of events.", pattern=".")],
        "get": infer,
    }
    extent = operation(
        "get.channels.extent",
        "How far the channel's log reaches",
        "events",
        "read",
        responses={"200": answer("The extent.", schema("Extent")), **OF_THE_HUB},
    )
    paths["/channels/{channel}/extent"] = {"parameters": [_CHANNEL], "get": extent}
    validate = operation(
        "post.validate",
        "Tell whether an event, a batch, or with `schema` any payload, would be let in",
        "events",
        "read",
        parameters=[query("schema", "The xid of a schema in the registry.", TEXT)],
        request=_PUBLISHED,
        responses={"200": answer("The verdict.", schema("Verdict")), **OF_THE_HUB},
    )
    paths["/validate"] = {"post": validate}
    judge = operation(
        "post.validate.schema",
        "Tell whether a schema may become what the body holds, and what stored events say to it",
        "events",
        "read",
        parameters=[
            query("against", "The xid of the schema that is to change, or of the message that holds it.", TEXT,
                  required=True),
            query("policy", "How JSON Schemas are compared.",
                  {"enum": ["strict", "lenient", "semantic"]}),
            query("type", "Events of this type; else of those whose messages name the schema.", TEXT),
            query("channel", "Where the events are.", TEXT),
            query("last", "How many of the newest are asked.",
                  {"type": "integer", "minimum": 0, "maximum": 10_000}),
        ],
        request={"required": True, "content": {"*/*": {"schema": {}}}},
        responses={"200": answer("The judgement.", OBJECT), **OF_THE_HUB},
    )  # fmt: skip
    paths["/validate/schema"] = {"post": judge}
    explain = operation(
        "post.validate.subscriptions",
        "Tell for each subscription whether it would get an event, and which test decided",
        "subscriptions",
        "read",
        parameters=[
            query("channel", "The subscriptions of this channel.", TEXT),
            query("subscription", "Only those with these ids, joined by commas.", TEXT),
        ],
        request=_PUBLISHED,
        responses={"200": answer("What each says.", schema("Explained")), **OF_THE_HUB},
    )
    paths["/validate/subscriptions"] = {"post": explain}
    tried = operation(
        "post.validate.filters",
        "Tell which of the newest events a subscription would get, and which test decided",
        "subscriptions",
        "read",
        parameters=[
            query("channel", "Where the events are.", TEXT),
            query("last", "How many of the newest are tried.",
                  {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}),
        ],
        request={"required": True, "content": {"application/json": {"schema": schema("Choice")}}},
        responses={"200": answer("What became of each.", schema("Choice-tried")), **OF_THE_HUB},
    )  # fmt: skip
    paths["/validate/filters"] = {"post": tried}
    trial = operation(
        "post.validate.sink",
        "Send one test event to a sink, as a subscription's deliveries go, and tell its answer",
        "subscriptions",
        "subscribe",
        parameters=[query("subscription", "One that there is; there is no body then.", TEXT)],
        request=body(schema("Subscription-sent"), required=False),
        responses={"200": answer("What the sink answered.", schema("Tried")), **OF_THE_HUB},
    )
    paths["/validate/sink"] = {"post": trial}
    return {**paths, **STREAMS, **_subscriptions(), **_sources(), **_discovery(), **_health()}


def _events(above: str, parameters: Sequence[Schema]) -> dict[str, Schema]:
    prefix = "channels." if above else ""
    publish = operation(
        f"post.{prefix}events",
        "Publish an event, or a batch: binary, structured or batched mode",
        "events",
        "publish",
        parameters=[query("access_token", "A token; the header is better.", TEXT)],
        request=_PUBLISHED,
        responses={
            "202": answer("It is on disk.", schema("Accepted"), headers=["Location"]),
            **OF_THE_HUB,
        },
    )
    listing: Schema = operation(
        f"get.{prefix}events",
        "List events",
        "events",
        "read",
        parameters=_LISTING,
        responses={
            "200": {
                **answer("A page.", array_of(schema("ListedEvent")), headers=["Link"]),
            },
            **OF_THE_HUB,
        },
    )
    listing["responses"]["200"]["content"] |= {
        _BATCH: {"schema": array_of(schema("Event"))},
        **_OTHER_BATCHES,
    }
    one = operation(
        f"get.{prefix}events.reference",
        "Read one event",
        "events",
        "read",
        responses={
            "200": answer(
                "The event.",
                schema("Event"),
                type=_ONE,
                headers=["chappe-position", "chappe-acceptedat"],
            ),
            **OF_THE_HUB,
        },
    )
    # In binary mode the payload itself is the answer, whatever its type.
    one["responses"]["200"]["content"] |= {**_OTHERS, "*/*": {"schema": {}}}
    trace = operation(
        f"get.{prefix}events.reference.trace",
        "Tell what became of an event",
        "events",
        "read",
        responses={"200": answer("What each subscription did.", schema("Trace")), **OF_THE_HUB},
    )
    below = [*parameters, _REFERENCE]
    return {
        f"{above}/events": _item(parameters, get=listing, post=publish),
        f"{above}/events/{{reference}}": _item(below, get=one),
        f"{above}/events/{{reference}}/trace": _item(below, get=trace),
    }


def _subscriptions() -> dict[str, Schema]:
    shown, sent = schema("Subscription"), body(schema("Subscription-sent"))

    def of(method: str, summary: str, right: str, status: str, **more: Any) -> Schema:
        value = more.pop("shown", shown)
        headers = ["Location"] if status == "201" else []
        responses = {status: answer("As it is shown.", value, headers=headers), **OF_THE_HUB}
        if status == "201":
            responses["200"] = answer("A dry run: as it would be.", value)
        return operation(method, summary, "subscriptions", right, responses=responses, **more)

    return {
        "/subscriptions": _item(
            [],
            get=of(
                "get.subscriptions",
                "List subscriptions",
                "read",
                "200",
                shown=array_of(shown),
                parameters=_LISTED,
            ),
            post=of(
                "post.subscriptions",
                "Make one",
                "subscribe",
                "201",
                request=sent,
                parameters=[query("id", "Its id; absent: it gets one.", FILLED), _DRY_RUN],
            ),
        ),
        "/subscriptions/{id}": _item(
            [_SUBSCRIPTION],
            get=of("get.subscriptions.id", "Read one", "read", "200"),
            put=of(
                "put.subscriptions.id",
                "Replace one",
                "subscribe",
                "200",
                request=sent,
                parameters=[_DRY_RUN],
            ),
            patch=of(
                "patch.subscriptions.id",
                "Change some fields (RFC 7396)",
                "subscribe",
                "200",
                request=body(OBJECT, types=("application/json", "application/merge-patch+json")),
                parameters=[_DRY_RUN],
            ),
            delete=of(
                "delete.subscriptions.id", "End one", "subscribe", "200", parameters=[_DRY_RUN]
            ),
        ),
        "/subscriptions/{id}/grant": _item(
            [
                in_path("id", "The subscription's id.", pattern="."),
                query("key", "Proves that the sink was asked.", FILLED),
            ],
            **{
                method: operation(
                    f"{method}.subscriptions.grant",
                    "Agree to be delivered to; the sink was told this URL",
                    "subscriptions",
                    None,
                    responses={"200": answer("It is kept.", schema("Granted")), **OF_THE_HUB},
                )
                for method in ("get", "post")
            },
        ),
        "/subscriptions/{id}/signing": _item(
            [in_path("id", "The subscription's id.", pattern=".")],
            post=operation(
                "post.subscriptions.signing",
                "Make another signing key; it is shown this once",
                "subscriptions",
                "subscribe",
                request=body(schema("Rotation-sent"), required=False),
                parameters=[_DRY_RUN],
                responses={
                    "200": answer("What would be, without a key.", schema("Rotation")),
                    "201": answer("The key.", schema("Rotation")),
                    **OF_THE_HUB,
                },
            ),
        ),
        **PULLING,
    }


def _sources() -> dict[str, Schema]:
    shown, sent = schema("Source"), body(schema("Source-sent"))

    def of(method: str, summary: str, right: str, *statuses: str, **more: Any) -> Schema:
        value = more.pop("shown", shown)
        located = ["Location"] if method == "post.sources" else []
        answers = {one: answer("As it is shown.", value, headers=located) for one in statuses}
        responses = {**answers, **OF_THE_HUB}
        return operation(method, summary, "sources", right, responses=responses, **more)

    return {
        "/sources": _item(
            [],
            get=of("get.sources", "List sources", "read", "200", shown=array_of(shown)),
            post=of(
                "post.sources",
                "Make one",
                "subscribe",
                "200",
                "201",
                request=sent,
                parameters=[_DRY_RUN],
            ),
        ),
        "/sources/{id}": _item(
            [in_path("id", "The source's id.", pattern=".")],
            get=of("get.sources.id", "Read one", "read", "200"),
            put=of(
                "put.sources.id",
                "Replace or make one",
                "subscribe",
                "200",
                "201",
                request=sent,
                parameters=[_DRY_RUN],
            ),
            delete=of("delete.sources.id", "End one", "subscribe", "200", parameters=[_DRY_RUN]),
        ),
        "/sources/{id}/pause": _item(
            [in_path("id", "The source's id.", pattern=".")],
            post=of(
                "post.sources.id.pause",
                "Let reading rest",
                "subscribe",
                "200",
                parameters=[_DRY_RUN],
            ),
        ),
        "/sources/{id}/resume": _item(
            [in_path("id", "The source's id.", pattern=".")],
            post=of(
                "post.sources.id.resume",
                "Let reading go on",
                "subscribe",
                "200",
                parameters=[_DRY_RUN],
            ),
        ),
        "/sources/{id}/webhook": _webhook(),
    }


def _webhook() -> Schema:
    """Anything may be sent: what it must be, the source's declaration says."""
    said = object_of({"source": TEXT, "protocol": TEXT, "method": TEXT}, "source", "protocol")
    taken = {
        "200": answer("The challenge that a provider wants to read again.", OBJECT),
        "202": answer("It is on disk.", schema("Accepted"), headers=("Location",)),
        **OF_THE_HUB,
    }
    return _item(
        [in_path("id", "The source's id.", pattern=".")],
        get=operation(
            "get.sources.id.webhook", "Ask whether webhooks are taken", "sources", None,
            responses={"200": answer("They are.", said), **OF_THE_HUB},
        ),
        post=operation(
            "post.sources.id.webhook", "Take a webhook in", "sources", None,
            request={"required": True, "content": {"*/*": {"schema": {}}}}, responses=taken,
        ),
    )  # fmt: skip


_MATCHING: Final = query("matching", "A part of the type, in any case.", FILLED)
_EPOCH: Final = query("epoch", "Greater than the present one.", COUNT)


def _discovery() -> dict[str, Schema]:
    def of(id: str, summary: str, shown: Schema, right: str = "read", **more: Any) -> Schema:
        headers = _CORRELATED if right != "read" else ()
        responses = {"200": answer("As it is shown.", shown, headers=headers), **OF_THE_HUB}
        return operation(id, summary, "discovery", right, responses=responses, **more)

    one, many, types = schema("Service"), schema("Services"), schema("Types")
    gone = {"anyOf": [one, schema("Removed")]}
    sent = schema("Service-sent")
    filter_ = {**PARAMETERS["filter"], "description": "A part of an attribute's text: `name=shop`."}
    return {
        "/features": _item([], get=of("get.features", "What this API can do", OBJECT)),
        "/services": _item(
            [],
            get=of("get.services", "List services", many, parameters=[filter_]),
            post=of("post.services", "Make or replace several", many, "subscribe",
                    request=body(array_of(sent))),
            delete=of("delete.services", "End several", array_of(gone), "subscribe",
                      request=body(array_of(schema("Removal")))),
        ),
        "/services/{id}": _item(
            [in_path("id", "The service's id.", pattern=SERVICE_ID)],
            get=of("get.services.id", "Read one", one),
            put=of("put.services.id", "Make or replace one", one, "subscribe", request=body(sent)),
            delete=of("delete.services.id", "End one", gone, "subscribe", parameters=[_EPOCH]),
        ),
        "/types": _item(
            [], get=of("get.types", "Services by type of event", types, parameters=[_MATCHING])
        ),
        "/types/{type}": _item(
            [in_path("type", "The type of events.", pattern=".")],
            get=_with_page(of("get.types.type", "The services that offer a type", types)),
        ),
    }  # fmt: skip


def _with_page(told: Schema) -> Schema:
    """The operation, which answers a page in Markdown where that is asked for."""
    shown = told["responses"]["200"]
    content = {**shown["content"], "text/markdown": {"schema": TEXT}}
    responses = {**told["responses"], "200": {**shown, "content": content}}
    return {**told, "responses": responses}


def _health() -> dict[str, Schema]:
    ready = schema("Readiness")
    return {
        "/livez": _item(
            [],
            get=operation(
                "get.livez", "Does the node run?", "health", None,
                responses={"200": answer("It does.", object_of({"status": {"const": "ok"}}))},
            ),
        ),
        "/readyz": _item(
            [],
            get=operation(
                "get.readyz", "May the node be sent work?", "health", None,
                responses={"200": answer("It may.", ready), "503": answer("Not now.", ready)},
            ),
        ),
        "/startupz": _item(
            [],
            get=operation(
                "get.startupz", "Has the node been ready once?", "health", None,
                responses={
                    "200": answer("It has.", object_of({"status": {"const": "started"}})),
                    "503": answer("Not yet.", OBJECT),
                },
            ),
        ),
        "/metrics": _item(
            [],
            get=operation(
                "get.metrics", "Figures for Prometheus", "health", "read",
                responses={"200": answer("They.", TEXT, type="text/plain"), **OF_THE_HUB},
            ),
        ),
        "/metrics/history": _item(
            [],
            get=operation(
                "get.history", "The last hour of the node", "health", "read",
                responses={"200": answer("It, the oldest first.", HISTORY), **OF_THE_HUB},
            ),
        ),
        "/nodes": _item(
            [],
            get=operation(
                "get.nodes", "The nodes of the hub", "health", "read",
                responses={"200": answer("Those that answer.", NODES), **OF_THE_HUB},
            ),
        ),
        "/openapi.json": _item(
            [],
            get=operation(
                "get.openapi", "This document", "health", "read",
                responses={"200": answer("It.", OBJECT), **OF_THE_HUB},
            ),
        ),
    }  # fmt: skip


def _item(parameters: Sequence[Schema], **operations: Schema) -> Schema:
    return {**({"parameters": list(parameters)} if parameters else {}), **operations}
