"""The catalogue in the published OpenAPI: GET /find."""

from __future__ import annotations

from typing import Final

from chappe.flows.catalogue import ORDERS, STATES
from chappe.http.openapi_hub_schemas import COUNT, TEXT, TIME, array_of, object_of
from chappe.http.openapi_parts import OF_THE_HUB, answer, operation, query
from chappe.http.openapi_schemas import Schema

_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": COUNT}
_TYPE: Final = object_of(
    {
        "type": TEXT,
        "state": {"enum": list(STATES)},
        "declared": array_of(TEXT),
        "owner": TEXT,
        "domain": TEXT,
        "group": TEXT,
        "description": TEXT,
        "validation": TEXT,
        "schema": {**TEXT, "description": "An xid or URI; # where it stands in the message."},
        "producers": array_of(TEXT),
        "sources": array_of({"type": ["string", "null"]}),
        "consumers": array_of(TEXT),
        "subscriptions": array_of(TEXT),
        "events": COUNT,
        "perminute": {"type": "number"},
        "lastseen": {**TIME, "type": ["string", "null"]},
        "quarantined": COUNT,
        "checked": {
            "type": ["object", "null"],
            "properties": {"events": COUNT, "invalid": COUNT},
            "description": "What came to this node, and how much of it broke the rules of the type.",
        },
        "hours": {
            "type": ["array", "null"],
            "items": {"type": ["integer", "null"]},
            "description": "Events of each of the last 24 hours, the oldest first; null: not known.",
        },
    },
    "type", "state", "declared", "events", "perminute", "lastseen", "sources", "subscriptions",
)  # fmt: skip
_OTHER: Final = object_of(
    {"kind": TEXT, "id": TEXT, "xid": TEXT, "owner": TEXT, "description": TEXT},
    "kind", "id", "xid",
)  # fmt: skip
_CATALOGUE: Final = object_of(
    {
        "channel": TEXT,
        "total": COUNT,
        "matching": COUNT,
        "facets": object_of(
            {
                "owner": _COUNTS,
                "domain": _COUNTS,
                "state": _COUNTS,
                "traffic": COUNT,
                "invalid": COUNT,
            }
        ),
        "types": array_of(_TYPE),
        "others": array_of(_OTHER),
        "after": {"type": ["string", "null"]},
    },
    "channel", "total", "matching", "facets", "types", "others", "after",
)  # fmt: skip
_BOOLEAN: Final[Schema] = {"enum": ["true", "false"]}

FIND: Final[dict[str, Schema]] = {
    "/find": {
        "get": operation(
            "get.find",
            "Find types of events: declared beside seen, with who sends and who takes them",
            "discovery",
            "read",
            parameters=[
                query("q", "Words that must all be there.", TEXT),
                query("channel", "Where they were seen.", TEXT),
                query("type", "This type alone.", TEXT),
                query("schema", "Whose payloads this schema describes (an xid).", TEXT),
                query("owner", "Of this owner.", TEXT),
                query("domain", "Of this domain.", TEXT),
                query("state", "In this state.", {"enum": list(STATES)}),
                query("traffic", "Whether there were events within an hour.", _BOOLEAN),
                query("invalid", "Whether the quarantine holds some.", _BOOLEAN),
                query("order", "By name, or what needs attention first.", {"enum": list(ORDERS)}),
                query("limit", "So many types at most.",
                      {"type": "integer", "minimum": 1, "maximum": 500}),
                query("after", "Start behind this one: `after` of the answer before.", TEXT),
            ],
            responses={"200": answer("A page of types.", _CATALOGUE), **OF_THE_HUB},
        )
    }
}  # fmt: skip
