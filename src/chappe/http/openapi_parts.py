"""What many operations of the published OpenAPI share: parameters, headers, answers, errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from chappe.http.openapi_schemas import ID_PATTERN, Schema
from chappe.registry.capabilities import SPECVERSION

JSON_TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"

SECURITY: Final[Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the hub. One without any token is open to everybody.",
    }
}


def ref(kind: str, name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name: str) -> Schema:
    """A reference to a schema."""
    return ref("schemas", name)


def query(name: str, description: str, value: Schema, **more: Any) -> Schema:
    """A query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": value, **more}


def header(name: str, description: str, **more: Any) -> Schema:
    """A request header."""
    value = {"type": "string"}
    return {"name": name, "in": "header", "description": description, "schema": value, **more}


def in_path(name: str, description: str, *, pattern: str = ID_PATTERN) -> Schema:
    """A part of the path."""
    value = {"type": "string", "pattern": pattern}
    return {
        "name": name, "in": "path", "required": True, "description": description, "schema": value,
    }  # fmt: skip


def body(value: Schema, *, required: bool = True, types: Iterable[str] = (JSON_TYPE,)) -> Schema:
    """A request's body."""
    return {"required": required, "content": {one: {"schema": value} for one in types}}


def answer(
    description: str,
    value: Schema | None = None,
    *,
    type: str = JSON_TYPE,
    headers: Iterable[str] = (),
) -> Schema:
    """A response; `headers` are names of components."""
    result: Schema = {"description": description}
    named = {name: ref("headers", name) for name in headers}
    if named:
        result["headers"] = named
    if value is not None:
        result["content"] = {type: {"schema": value}}
    return result


def operation(
    id: str,
    summary: str,
    tag: str,
    right: str | None,
    *,
    parameters: Sequence[Schema] = (),
    request: Schema | None = None,
    responses: Mapping[str, Schema],
) -> Schema:
    """An operation; `right` is what a token needs for it, None where none is asked for."""
    result: Schema = {"operationId": id, "summary": summary, "tags": [tag]}
    if right is None:
        result["security"] = []
    else:
        result["x-chappe-right"] = right
    if parameters:
        result["parameters"] = list(parameters)
    if request is not None:
        result["requestBody"] = request
    return {**result, "responses": dict(responses)}


_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_SWITCH: Final[Schema] = {"type": "string", "enum": ["", "true"]}

FLAGS: Final[Mapping[str, Schema]] = {
    "binary": query(
        "binary", "Documents are inlined in base64.", _SWITCH, allowEmptyValue=True
    ),
    "collections": query(
        "collections", "Nothing but the maps of the collections.", _SWITCH, allowEmptyValue=True
    ),
    "doc": query(
        "doc", "As a document that stands for itself.", _SWITCH, allowEmptyValue=True
    ),
    "epoch": query(
        "epoch", "Only if the entity has this epoch.", {"type": "integer", "minimum": 0}
    ),
    "filter": query(
        "filter",
        "Only what all expressions of one of these hold for: `name=x*,labels.team`.",
        _TEXTS,
    ),
    "ignore": query(
        "ignore",
        "What of the request is ignored; `*` or nothing for all.",
        _TEXTS,
        allowEmptyValue=True,
    ),
    "inline": query(
        "inline",
        "The paths of what is inlined, such as `files.versions`; `*` or nothing for all.",
        _TEXTS,
        allowEmptyValue=True,
    ),
    "setdefaultversionid": query(
        "setdefaultversionid",
        "The id of the version that becomes the default one; `null` or `request`, too.",
        _TEXT,
    ),
    "sort": query("sort", "The attribute to sort by: `name`, `labels.stage=desc`.", _TEXT),
    "specversion": query(
        "specversion", "The version of the specification.", {"type": "string", "enum": [SPECVERSION]}
    ),
}  # fmt: skip
"""The flags of requests that the capabilities may list."""

PARAMETERS: Final[Mapping[str, Schema]] = {
    **FLAGS,
    "limit": query("limit", "The most entities of a page.", {"type": "integer", "minimum": 1}),
    "cursor": query("cursor", "Where a page begins; comes from a link to it.", _TEXT),
    "dryrun": query(
        "dryrun", "Everything but the commit.", {"type": "string", "enum": ["", "true", "false"]},
        allowEmptyValue=True,
    ),
    "If-Match": header("If-Match", "Only if the entity has one of these tags."),
    "If-None-Match": header("If-None-Match", "Only if the entity has none of these tags."),
    "chappe-min-revision": {
        **header("chappe-min-revision", "Answer from this revision of the registry on."),
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
    "gid": in_path("gid", "The id of the group."),
    "rid": in_path("rid", "The id of the resource."),
    "vid": in_path("vid", "The id of the version."),
}  # fmt: skip

HEADERS: Final[Mapping[str, Schema]] = {
    name: {"description": description, "schema": {"type": "string"}}
    for name, description in {
        "ETag": "What is shown, and the entity's state.",
        "Link": "The registry's root; of a page, its neighbours.",
        "Location": "Where what was made stands.",
        "Content-Location": "Where the version that is shown stands.",
        "Retry-After": "Seconds after which to send the request again.",
        "WWW-Authenticate": "How to prove who you are.",
        "Allow": "The methods that work here.",
        "chappe-revision": "The registry's revision that is shown, or was made.",
        "chappe-dry-run": "`true`: nothing was committed.",
        "xRegistry-xregcorrelationid": "The id that the write's events of change carry.",
        "chappe-position": "Where the event stands.",
        "chappe-acceptedat": "When the event was accepted.",
        "Schema-Id": "What the version is called in any registry, below its authority.",
        "Schema-Id-Location": "Where that id leads to the document.",
        "Schema-Version": "The version's number.",
        "Schema-Format": "The schema's format, where its group has none.",
        "Schema-Description": "Of the version; percent-encoded.",
        "Schema-Authority": "Who controls the schema, a URI.",
        "Schema-Createdtimeutc": "When the version was registered.",
    }.items()
}

ERRORS: Final[Mapping[str, Schema]] = {
    "Error": {
        "type": "object",
        "description": "An error of xRegistry.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "detail": {"type": "string"},
            "subject": {"type": "string", "pattern": "^/"},
            "args": {"type": "object", "additionalProperties": {"type": "string"}},
            "source": {"type": "string"},
        },
        "required": ["type", "title", "subject"],
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457; docs/errors.md tells each code, and which members it adds.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "code": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail", "code"],
    },
}

_PROBLEM: Final[Schema] = {PROBLEM_TYPE: {"schema": schema("Problem")}}

RESPONSES: Final[Mapping[str, Schema]] = {
    "NotModified": answer("The client has it already.", headers=["ETag"]),
    "Refused": {
        "description": "The registry refuses the request; nothing of it was done.",
        "content": {JSON_TYPE: {"schema": schema("Error")}, **_PROBLEM},
    },
    "Problem": {
        "description": "The hub refuses the request; nothing of it was done.",
        "content": _PROBLEM,
    },
    "Unavailable": {
        "description": "Not at the moment; send the request again.",
        "headers": {"Retry-After": ref("headers", "Retry-After")},
        "content": _PROBLEM,
    },
}

OF_THE_HUB: Final[Mapping[str, Schema]] = {
    "4XX": ref("responses", "Problem"),
    "503": ref("responses", "Unavailable"),
}
OF_THE_REGISTRY: Final[Mapping[str, Schema]] = {
    "4XX": ref("responses", "Refused"),
    "503": ref("responses", "Unavailable"),
}
