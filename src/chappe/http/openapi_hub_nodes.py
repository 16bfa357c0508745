"""The schema of GET /nodes."""

from __future__ import annotations

from typing import Final

from chappe.http.openapi_hub_schemas import COUNT, TEXT, TIME, array_of, object_of
from chappe.http.openapi_schemas import Schema

_NAME: Final[Schema] = {"type": "string", "minLength": 1}
_FLAG: Final[Schema] = {"type": "boolean"}


def _lately(what: str) -> Schema:
    said = f"{what}, over the last quarter of a minute; null before one has gone by."
    return {"type": ["number", "null"], "minimum": 0, "description": said}


_NODE: Final = object_of(
    {
        "node": _NAME,
        "answers": {**_FLAG, "description": "Whether this is the node that was asked."},
        "version": _NAME,
        "url": {**TEXT, "description": "Where it is reached, or the hub where that has one URL."},
        "host": TEXT,
        "pid": COUNT,
        "started": TIME,
        "status": {"enum": ["ready", "not ready", "draining"]},
        "failing": {**array_of(_NAME), "description": "The checks of /readyz that do not hold."},
        "shards": {**array_of(_NAME), "description": "Those that it owns, such as `default.0`."},
        "open": {**COUNT, "description": "Events begun and not settled."},
        "accepted": {**COUNT, "description": "Events acknowledged since it started."},
        "accepted_per_s": _lately("Events acknowledged a second"),
        "attempts": {**COUNT, "description": "Attempts to deliver since it started."},
        "attempts_per_s": _lately("Attempts to deliver a second"),
        "cpu": _lately("The share of one core"),
        "memory_bytes": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Resident; null where the system does not tell.",
        },
        "registry_revision": COUNT,
    },
    "node", "answers", "version", "started", "status", "failing", "shards", "open", "accepted",
    "accepted_per_s", "attempts", "attempts_per_s", "cpu", "memory_bytes", "registry_revision",
)  # fmt: skip
_MISSING: Final = object_of(
    {
        "shard": _NAME,
        "node": {**TEXT, "description": "Who holds its lease; empty where nobody does."},
    },
    "shard", "node",
)  # fmt: skip

NODES: Final = object_of(
    {
        "nodes": {**array_of(_NODE), "minItems": 1, "description": "By their names."},
        "complete": {**_FLAG, "description": "Whether the owner of each shard has answered."},
        "missing": {**array_of(_MISSING), "description": "Shards that nobody answered for."},
    },
    "nodes", "complete", "missing",
)  # fmt: skip
