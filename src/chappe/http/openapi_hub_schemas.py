"""The schemas of everything beside the registry: events, subscriptions, services, health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.domain.retry import (
    DEFAULT_STATUSES,
    MAX_SCHEDULE,
    MAX_WAIT_S,
    STATUS_ACTIONS,
    STATUS_KEY,
)
from chappe.domain.source import SETTINGS_OF
from chappe.formats.sink_settings import PROTOCOLS
from chappe.http.openapi_options import OPTIONS, SETTINGS, SOURCE_OPTIONS, SOURCE_SETTINGS
from chappe.http.openapi_parts import schema
from chappe.http.openapi_schemas import Schema

TEXT: Final[Schema] = {"type": "string"}
FILLED: Final[Schema] = {"type": "string", "minLength": 1}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
OBJECT: Final[Schema] = {"type": "object"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
SERVICE_ID: Final = "^[A-Za-z0-9_][A-Za-z0-9._~@-]{0,127}$"


def array_of(item: Schema) -> Schema:
    """An array."""
    return {"type": "array", "items": item}


def object_of(properties: Mapping[str, Schema], *required: str, closed: bool = False) -> Schema:
    """An object; `closed` has no other members."""
    result: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        result["required"] = list(required)
    if closed:
        result["additionalProperties"] = False
    return result


_PLACE: Final[Schema] = object_of({"position": TEXT, "acceptedat": TIME}, "position", "acceptedat")

_EVENT: Final[Schema] = object_of(
    {
        "specversion": {"const": "1.0"},
        "id": FILLED,
        "source": FILLED,
        "type": FILLED,
        "subject": FILLED,
        "time": TIME,
        "datacontenttype": TEXT,
        "dataschema": TEXT,
        "data": {},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
    "specversion", "id", "source", "type",
)  # fmt: skip

_CREDENTIAL: Final[Mapping[str, Schema]] = {
    "credentialtype": {"type": "string", "enum": ["PLAIN", "ACCESSTOKEN"]},
    "identifier": TEXT,
    "secret": {"type": "string", "writeOnly": True},
    "accesstoken": {"type": "string", "writeOnly": True},
    "accesstokentype": {"type": "string", "enum": ["bearer"]},
    "accesstokenexpiresutc": TEXT,
}

_SUBSCRIPTION: Final[Mapping[str, Schema]] = {
    "id": TEXT,
    "source": TEXT,
    "types": TEXTS,
    "config": OBJECT,
    "filters": array_of(OBJECT),
    "sink": FILLED,
    "protocol": {"type": "string", "enum": list(PROTOCOLS)},
    "protocolsettings": object_of(
        {
            "headers": {"type": "object", "additionalProperties": TEXT},
            "method": TEXT,
            **SETTINGS,
        }
    ),
    "sinkcredential": object_of(
        {
            **_CREDENTIAL,
            "credentialtype": {"type": "string", "enum": ["PLAIN", "ACCESSTOKEN", "REFRESHTOKEN"]},
            "refreshtoken": {"type": "string", "writeOnly": True},
            "refreshtokenendpoint": TEXT,
        },
        "credentialtype",
    ),
    "channel": TEXT,
    "start": {
        "type": "string",
        "description": "latest, earliest, a time (RFC 3339) or a position",
    },
    "concurrency": {"type": "integer", "minimum": 1, "maximum": 1024},
    "timeout_s": {"type": "number", "minimum": 0.1, "maximum": 300},
    "retry": object_of(
        {
            "max_attempts": {"type": "integer", "minimum": 1, "maximum": 1000},
            "base_s": {"type": "number", "minimum": 0.001, "maximum": 3600},
            "max_backoff_s": {"type": "number", "minimum": 0.001, "maximum": 86400},
            "max_age_s": {"type": "number", "minimum": 0.1, "maximum": 2592000},
            "max_retry_after_s": {
                "type": "number",
                "minimum": 0,
                "maximum": 86400,
                "description": "The longest wait that a sink can ask for (Retry-After)",
            },
            "schedule_s": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_SCHEDULE,
                "items": {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S},
                "description": "The waits between attempts, in the place of the growing ones",
            },
            "statuses": {
                "type": "object",
                "propertyNames": {"pattern": f"^{STATUS_KEY.pattern}$"},
                "additionalProperties": {"enum": list(STATUS_ACTIONS)},
                "default": dict(DEFAULT_STATUSES),
                "description": "What a status, or a class of them, means; before the defaults",
            },
        },
        closed=True,
    ),
    **OPTIONS,
    "replay": {
        "type": "object",
        "readOnly": True,
        "description": "What this one delivers again, and for which subscription",
    },
    "status": {"type": "object", "readOnly": True, "description": "How delivery goes"},
    "epoch": {"type": "integer", "minimum": 1},
    "createdat": TIME,
    "modifiedat": TIME,
    "warnings": {
        **TEXTS,
        "description": "What is odd about the filters; in answers to POST and PUT.",
    },
}

_SOURCE: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"},
    "protocol": {"type": "string", "enum": list(SETTINGS_OF)},
    "url": FILLED,
    "protocolsettings": object_of(SOURCE_SETTINGS),
    "credential": object_of(_CREDENTIAL, "credentialtype"),
    **SOURCE_OPTIONS,
    "epoch": {"type": "integer", "minimum": 1},
    "createdat": TIME,
    "modifiedat": TIME,
    "status": object_of(
        {
            "state": {"enum": ["waiting", "running", "failing", "paused", "unserved"]},
            "node": TEXT,
            "since": TIME,
            "at": TIME,
            "taken": COUNT,
            "setaside": COUNT,
            "error": TEXT,
            "errorat": TIME,
        },
        "state",
    ),
    "webhook": {"type": "string", "readOnly": True, "description": "Where webhooks are sent to"},
}  # fmt: skip

_SERVICE: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "pattern": SERVICE_ID},
    "authority": TEXT,
    "epoch": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    "name": FILLED,
    "url": TEXT,
    "description": TEXT,
    "docsurl": TEXT,
    "deprecated": object_of(
        {"effectivetime": TIME, "removaltime": TIME, "alternative": TEXT, "docsurl": TEXT}
    ),
    "specversions": TEXTS,
    "subscriptionurl": TEXT,
    "subscriptionconfig": {"type": "object", "additionalProperties": TEXT},
    "subscriptiondialects": TEXTS,
    "authscope": TEXT,
    "protocols": TEXTS,
    "events": array_of(schema("EventType")),
}
_SERVICE_NEEDS: Final = ("name", "specversions", "subscriptionurl", "protocols")

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Event": _EVENT,
    "Accepted": object_of(
        {
            "position": TEXT,
            "duplicate": {"type": "boolean"},
            "positions": TEXTS,
            "duplicates": array_of(COUNT),
            "warnings": array_of(OBJECT),
            "quarantine": {**TEXT, "description": "The channel that the event was put into instead."},
            "quarantined": array_of(OBJECT),
        }
    ),
    "Verdict": object_of(
        {
            "valid": {"type": "boolean"},
            "type": {"type": ["string", "null"]},
            "declaration": {"type": ["string", "null"]},
            "mode": {"type": ["string", "null"]},
            "schema": TEXT,
            "errors": array_of(OBJECT),
            "events": array_of(OBJECT),
        },
        "valid",
    ),
    "Inferred": object_of(
        {
            "type": TEXT,
            "channel": TEXT,
            "events": object_of(
                {
                    "read": COUNT,
                    "used": COUNT,
                    "skipped": {
                        "type": "object",
                        "propertyNames": {"enum": ["no_data", "not_json_type", "not_json"]},
                        "additionalProperties": COUNT,
                    },
                    "stopped": {"enum": ["end", "last", "bytes", "time"]},
                    "newest": _PLACE,
                    "oldest": _PLACE,
                },
                "read", "used", "skipped", "stopped", "newest", "oldest",
            ),
            "format": TEXT,
            "schema": OBJECT,
        },
        "type", "channel", "events", "format", "schema",
    ),
    "ListedEvent": object_of(
        {
            "position": TEXT,
            "acceptedat": TIME,
            "event": schema("Event"),
            "redacted": array_of(object_of({"pointer": TEXT, "rule": TEXT}, "pointer", "rule")),
        },
        "position", "acceptedat", "event",
    ),
    "Trace": object_of(
        {
            "position": TEXT,
            "first": TEXT,
            "channel": TEXT,
            "id": TEXT,
            "source": TEXT,
            "type": TEXT,
            "acceptedat": TIME,
            "node": TEXT,
            "schema": {"type": ["object", "null"]},
            "subscriptions": array_of(
                object_of(
                    {
                        "subscription": TEXT,
                        "sink": TEXT,
                        "matched": {"type": "boolean"},
                        "state": TEXT,
                        "attempts": array_of(OBJECT),
                    },
                    "subscription", "matched", "state", "attempts",
                )
            ),
        },
        "position", "channel", "id", "source", "type", "acceptedat", "node", "subscriptions",
    ),
    "Explained": object_of(
        {
            "channel": TEXT,
            "id": TEXT,
            "source": TEXT,
            "type": TEXT,
            "subscriptions": array_of(
                object_of(
                    {
                        "subscription": TEXT,
                        "sink": TEXT,
                        "matched": {"type": "boolean"},
                        "decided_by": {"type": ["string", "null"]},
                        "found": {"type": ["string", "null"]},
                    },
                    "subscription", "sink", "matched", "decided_by", "found",
                )
            ),
        },
        "channel", "id", "source", "type", "subscriptions",
    ),
    "Choice": object_of(
        {"source": TEXT, "types": array_of(TEXT), "filters": array_of(OBJECT)}, closed=True
    ),
    "Choice-tried": object_of(
        {
            "channel": TEXT,
            "read": {"type": "integer", "minimum": 0},
            "matched": {"type": "integer", "minimum": 0},
            "warnings": array_of(TEXT),
            "events": array_of(
                object_of(
                    {
                        "position": TEXT,
                        "acceptedat": TEXT,
                        "id": TEXT,
                        "source": TEXT,
                        "type": TEXT,
                        "subject": TEXT,
                        "matched": {"type": "boolean"},
                        "decided_by": {"type": ["string", "null"]},
                        "found": {"type": ["string", "null"]},
                    },
                    "position", "acceptedat", "id", "source", "type", "matched", "decided_by", "found",
                )
            ),
        },
        "channel", "read", "matched", "warnings", "events",
    ),
    "Subscription": object_of(
        _SUBSCRIPTION, "id", "sink", "protocol", "channel", "start", "epoch", "createdat",
        "modifiedat",
    ),
    "Granted": object_of(
        {"subscription": TEXT, "granted": {"const": True}}, "subscription", "granted"
    ),
    "Rotation-sent": object_of(
        {
            "overlap_s": {"type": "number", "minimum": 0, "maximum": 2592000},
            "kind": {"enum": ["hmac", "ed25519"]},
        },
        closed=True,
    ),
    "Rotation": object_of(
        {
            "subscription": TEXT,
            "key": TEXT,
            "public": TEXT,
            "keys": COUNT,
            "overlap_until": TIME,
        },
        "subscription", "keys",
    ),
    "Subscription-sent": {
        **object_of(_SUBSCRIPTION, "protocol", closed=True),
        # With PULL the hub is the sink.
        "anyOf": [{"required": ["sink"]}, {"properties": {"protocol": {"const": "PULL"}}}],
    },
    "Source": object_of(
        _SOURCE, "id", "protocol", "channel", "epoch", "createdat", "modifiedat"
    ),
    "Source-sent": object_of(_SOURCE, "protocol", closed=True),
    "EventType": object_of(
        {
            "type": FILLED,
            "description": TEXT,
            "datacontenttype": TEXT,
            "dataschema": TEXT,
            "dataschematype": TEXT,
            "dataschemacontent": TEXT,
            "sourcetemplate": TEXT,
            "extensions": array_of(
                object_of({"name": TEXT, "type": TEXT, "specurl": TEXT}, "name", "type")
            ),
        },
        "type",
    ),
    "Service": object_of(_SERVICE, "id", *_SERVICE_NEEDS),
    "Service-sent": object_of(_SERVICE, *_SERVICE_NEEDS, closed=True),
    "Services": array_of(schema("Service")),
    "Types": {"type": "object", "additionalProperties": schema("Services")},
    "Removal": object_of({"id": TEXT, "epoch": COUNT}, "id"),
    "Removed": object_of({"id": TEXT}, "id"),
    "SeenType": object_of(
        {
            "type": TEXT,
            "declared": TEXTS,
            "services": TEXTS,
            "events": COUNT,
            "firstseen": TIME,
            "lastseen": TIME,
            "perminute": NUMBER,
            "sources": array_of(
                object_of(
                    {
                        "source": {"type": ["string", "null"]},
                        "events": COUNT,
                        "firstseen": TIME,
                        "lastseen": TIME,
                        "perminute": NUMBER,
                    },
                    "source", "events", "firstseen", "lastseen", "perminute",
                )
            ),
        },
        "type", "declared", "services", "events", "perminute", "sources",
    ),
    "Extent": object_of(
        {
            "channel": TEXT,
            "shards": COUNT,
            "first_block": COUNT,
            "last_block": COUNT,
            "size_bytes": COUNT,
            "retention": object_of(
                {"max_age_s": NUMBER, "max_bytes": COUNT}, "max_age_s", "max_bytes"
            ),
        },
        "channel", "shards", "first_block", "last_block", "size_bytes",
    ),
    "Readiness": object_of(
        {
            "status": {"enum": ["ready", "not ready", "draining"]},
            "version": TEXT,
            "node": TEXT,
            "engine": OBJECT,
            "shards": OBJECT,
            "checks": array_of(
                object_of(
                    {"name": TEXT, "ok": {"type": "boolean"}, "detail": TEXT}, "name", "ok"
                )
            ),
            "confluent": {"type": "string", "format": "uri"},
        },
        "status", "version", "node", "checks",
    ),
}  # fmt: skip

_SECONDS: Final[Schema] = {"type": ["number", "null"], "minimum": 0}
_A_SECOND: Final[Schema] = {"type": "number"}
HISTORY: Final = object_of(
    {
        "node": TEXT,
        "every_s": _A_SECOND,
        "moments": array_of(
            object_of(
                {
                    "at": TIME,
                    "accepted": _A_SECOND,
                    "delivered": _A_SECOND,
                    "failed": _A_SECOND,
                    "open": COUNT,
                    "cpu": {"type": "number", "description": "The share of one core."},
                    "accept_p50_s": _SECONDS,
                    "accept_p99_s": _SECONDS,
                    "delivery_p50_s": _SECONDS,
                    "delivery_p99_s": _SECONDS,
                }
            )
        ),
    },
    "node", "every_s", "moments",
)  # fmt: skip
