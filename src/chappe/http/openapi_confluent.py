"""The Schema Registry API of Confluent in the published OpenAPI, made of the routes that serve it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.domain.access import ADMIN
from chappe.http.confluent.media import JSON, UNVERSIONED, V1
from chappe.http.confluent.routes import ROUTES
from chappe.http.openapi_hub_schemas import COUNT, TEXT, TEXTS, array_of
from chappe.http.openapi_parts import answer, operation, query, ref, schema
from chappe.http.openapi_schemas import Schema

TAG: Final = "confluent"
_MEDIA: Final = V1.decode()
_TAKEN: Final = tuple(one.decode() for one in (V1, UNVERSIONED, JSON))

_FLAG: Final[Schema] = {"type": "boolean"}
_PARAMETERS: Final[Mapping[str, tuple[str, Schema]]] = {
    "aliases": ("Subjects by their aliases, too.", _FLAG),
    "associationType": ("Associations of these types.", TEXTS),
    "cascadeLifecycle": ("Subjects that the resource owns go with it.", _FLAG),
    "contextPrefix": ("Contexts whose names begin like this.", TEXT),
    "defaultToGlobal": ("What holds there, where nothing was set.", _FLAG),
    "deleted": ("What was deleted, too.", _FLAG),
    "deletedAsNegative": ("All versions, the deleted ones as negative numbers.", _FLAG),
    "deletedOnly": ("Nothing but what was deleted.", _FLAG),
    "dryRun": ("Everything but the commit.", _FLAG),
    "fetchMaxId": ("The greatest id, too.", _FLAG),
    "findTags": ("What is tagged inside with one of these; `*` for any.", TEXTS),
    "force": ("Without looking at what is there.", _FLAG),
    "format": ("Such as `resolved` (Avro) or `serialized` (Protobuf).", TEXT),
    "includeSchemas": ("The schemas of the subjects, too.", _FLAG),
    "key": ("Names of properties, in the order of `value`.", TEXTS),
    "latestOnly": ("The latest version of each subject.", _FLAG),
    "lifecycle": ("STRONG, WEAK; of schemas also NONE.", TEXT),
    "limit": ("The most of a page; all where it is none.", {"type": "integer"}),
    "normalize": ("Compare what is meant, not how it is written.", _FLAG),
    "offset": ("How many are left out before the page.", COUNT),
    "permanent": ("For good; what is deleted already.", _FLAG),
    "recursive": ("Those of the context's subjects, too.", _FLAG),
    "referenceFormat": ("`qualified`: subjects with their contexts.", TEXT),
    "resourceType": ("The type of resources; `topic` unless said.", TEXT),
    "ruleType": ("Schemas with a rule of this type.", TEXT),
    "subject": ("The subject, or the context, that is meant.", TEXT),
    "subjectPrefix": ("Subjects whose names begin like this; `:*:` for all contexts.", TEXT),
    "value": ("Values of properties.", TEXTS),
    "verbose": ("The reasons, too.", _FLAG),
}

_PAGE: Final = "offset limit"
_OF_RESOURCES: Final = f"resourceType associationType lifecycle {_PAGE}"
_ASKED: Final[Mapping[str, str]] = {
    "GET subjects": f"subjectPrefix deleted deletedOnly {_PAGE}",
    "POST subjects/{subject}": "normalize format deleted",
    "DELETE subjects/{subject}": "permanent",
    "GET subjects/{subject}/metadata": "key value format deleted",
    "GET subjects/{subject}/versions": f"deleted deletedOnly deletedAsNegative {_PAGE}",
    "POST subjects/{subject}/versions": "normalize format force",
    "GET subjects/{subject}/versions/{version}": "format referenceFormat deleted findTags",
    "DELETE subjects/{subject}/versions/{version}": "permanent",
    "GET subjects/{subject}/versions/{version}/schema": "format deleted",
    "GET subjects/{subject}/versions/{version}/referencedby": f"deleted {_PAGE}",
    "GET schemas": "subjectPrefix aliases deleted latestOnly ruleType resourceType"
    f" associationType lifecycle {_PAGE}",
    "GET schemas/ids/{id}": "subject format referenceFormat findTags fetchMaxId",
    "GET schemas/ids/{id}/schema": "subject format",
    "GET schemas/ids/{id}/subjects": f"subject deleted {_PAGE}",
    "GET schemas/ids/{id}/versions": f"subject deleted {_PAGE}",
    "GET schemas/guids/{guid}": "format",
    "POST compatibility/subjects/{subject}/versions": "normalize verbose",
    "POST compatibility/subjects/{subject}/versions/{version}": "normalize verbose",
    "GET config": "defaultToGlobal",
    "GET config/{subject}": "defaultToGlobal",
    "GET mode": "defaultToGlobal",
    "GET mode/{subject}": "defaultToGlobal",
    "PUT mode": "force",
    "PUT mode/{subject}": "force",
    "DELETE mode": "recursive",
    "DELETE mode/{subject}": "recursive",
    "GET contexts": f"contextPrefix {_PAGE}",
    "POST associations": "dryRun",
    "GET associations/subjects/{subject}": _OF_RESOURCES,
    "GET associations/resources/{resource}": _OF_RESOURCES,
    "PUT associations/resources/{resource}": "dryRun",
    "DELETE associations/resources/{resource}": (
        "resourceType associationType cascadeLifecycle dryRun"
    ),
    "GET associations/resources/{namespace}/{name}": _OF_RESOURCES,
    "POST associations:batch": "dryRun",
    "POST associations:batchGet": "includeSchemas",
    "POST associations:batchMutate": "dryRun",
}
"""The query parameters of each operation; one that is not here has none."""

_SENT: Final[Mapping[str, str]] = {
    "POST subjects/{subject}": "SchemaSent",
    "POST subjects/{subject}/versions": "SchemaSent",
    "POST subjects/{subject}/versions/{version}/tags": "TagsSent",
    "POST compatibility/subjects/{subject}/versions": "SchemaSent",
    "POST compatibility/subjects/{subject}/versions/{version}": "SchemaSent",
    "PUT config": "ConfigSent",
    "PUT config/{subject}": "ConfigSent",
    "PUT mode": "Mode",
    "PUT mode/{subject}": "Mode",
    "POST associations": "AssociationsSent",
    "PUT associations/resources/{resource}": "AssociationsSent",
    "POST associations:batch": "BatchSent",
    "POST associations:batchGet": "BatchSent",
    "POST associations:batchMutate": "BatchSent",
}


def _of(name: str) -> Schema:
    return schema(f"Confluent.{name}")


_NUMBERS: Final = array_of({"type": "integer"})
_ANY: Final[Schema] = {}
_SHOWN: Final[Mapping[str, Schema]] = {
    "GET subjects": TEXTS,
    "POST subjects/{subject}": _of("Schema"),
    "DELETE subjects/{subject}": _NUMBERS,
    "GET subjects/{subject}/metadata": _of("Schema"),
    "GET subjects/{subject}/versions": _NUMBERS,
    "POST subjects/{subject}/versions": _of("Schema"),
    "GET subjects/{subject}/versions/{version}": _of("Schema"),
    "DELETE subjects/{subject}/versions/{version}": {"type": "integer"},
    "GET subjects/{subject}/versions/{version}/schema": _ANY,
    "GET subjects/{subject}/versions/{version}/referencedby": _NUMBERS,
    "POST subjects/{subject}/versions/{version}/tags": _of("Schema"),
    "GET schemas": array_of(_of("Schema")),
    "GET schemas/types": TEXTS,
    "GET schemas/ids/{id}": _of("Schema"),
    "GET schemas/ids/{id}/schema": _ANY,
    "GET schemas/ids/{id}/subjects": TEXTS,
    "GET schemas/ids/{id}/versions": array_of(_of("SubjectVersion")),
    "GET schemas/guids/{guid}": _of("Schema"),
    "GET schemas/guids/{guid}/ids": array_of(_of("ContextId")),
    "POST compatibility/subjects/{subject}/versions": _of("Compatibility"),
    "POST compatibility/subjects/{subject}/versions/{version}": _of("Compatibility"),
    "GET config": _of("Config"),
    "PUT config": _of("ConfigSent"),
    "DELETE config": _of("Config"),
    "GET config/{subject}": _of("Config"),
    "PUT config/{subject}": _of("ConfigSent"),
    "DELETE config/{subject}": _of("Config"),
    **{
        f"{method} {path}": _of("Mode")
        for method in ("GET", "PUT", "DELETE")
        for path in ("mode", "mode/{subject}")
    },
    "GET contexts": TEXTS,
    "POST associations": _of("Associated"),
    "GET associations/subjects/{subject}": array_of(_of("Association")),
    "GET associations/resources/{resource}": array_of(_of("Association")),
    "PUT associations/resources/{resource}": _of("Associated"),
    "GET associations/resources/{namespace}/{name}": array_of(_of("Association")),
    "POST associations:batch": _of("Batch"),
    "POST associations:batchGet": _of("Batch"),
    "POST associations:batchMutate": _of("Batch"),
}
"""What each operation answers; an object where it is not here."""

_STATUS: Final[Mapping[str, str]] = {
    "DELETE contexts/{context}": "204",
    "DELETE associations/resources/{resource}": "204",
    "POST associations:batch": "207",
    "POST associations:batchGet": "207",
    "POST associations:batchMutate": "207",
}

CONFLUENT_SECURITY: Final[Schema] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Any name, and a token of the hub as the password.",
    }
}
CONFLUENT_RESPONSES: Final[Mapping[str, Schema]] = {
    "ConfluentError": {
        "description": "Refused; nothing of it was done.",
        "content": {_MEDIA: {"schema": _of("Error")}},
    }
}


def confluent_paths() -> dict[str, Schema]:
    """The path items, by path below the hub's root."""
    paths: dict[str, Schema] = {}
    for path, operations in ROUTES.items():
        parameters = [
            {"name": one[1:-1], "in": "path", "required": True, "schema": TEXT}
            for one in path.split("/")
            if one.startswith("{")
        ]
        item: Schema = {"parameters": parameters} if parameters else {}
        for method, found in operations.items():
            summary = " ".join((found.handler.__doc__ or "").split()).rstrip(".")
            right = ADMIN if path in ("config", "mode") and method != "GET" else found.right
            item[method.lower()] = _operation(method, path, summary, right)
        paths[f"/confluent/{path}" if path else "/confluent"] = item
    return paths


def _operation(method: str, path: str, summary: str, right: str) -> Schema:
    key = f"{method} {path}"
    status = _STATUS.get(key, "200")
    shown = None if status == "204" else _SHOWN.get(key, {"type": "object"})
    sent = _SENT.get(key)
    more: dict[str, Any] = {}
    if sent is not None:
        content = {one: {"schema": _of(sent)} for one in _TAKEN}
        more["request"] = {"required": True, "content": content}
    result = operation(
        ".".join(["confluent", method.lower(), *_words(path)]),
        summary,
        TAG,
        right,
        parameters=[query(one, *_PARAMETERS[one]) for one in _ASKED.get(key, "").split()],
        responses={
            status: answer("Done.", shown, type=_MEDIA),
            "4XX": ref("responses", "ConfluentError"),
            "5XX": ref("responses", "ConfluentError"),
        },
        **more,
    )
    return {**result, "security": [{"basic": []}, {"bearer": []}, {}]}


def _words(path: str) -> list[str]:
    return [one.strip("{}").replace(":", ".") for one in path.split("/") if one]
