"""The registry's paths in the published OpenAPI: what the capabilities allow, of the model's types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chappe.http.openapi_entities import META, REGISTRY, SENT, VERSION, made, name_of
from chappe.http.openapi_parts import (
    OF_THE_REGISTRY,
    answer,
    body,
    header,
    operation,
    ref,
    schema,
)
from chappe.http.openapi_schemas import Schema, map_of
from chappe.http.registry.header_values import SHOWN_PREFIX
from chappe.http.registry.methods import allowed, check_available
from chappe.http.registry_route import right_for
from chappe.registry.capabilities import is_available
from chappe.registry.errors import RegistryError
from chappe.registry.model import Attribute, GroupType, Model, ResourceType
from chappe.registry.paths import DETAILS, DISCOVERY, SHORT
from chappe.registry.target import Level, Target

TAG: Final = "registry"
_READ_HEADERS: Final = ("ETag", "Link", "chappe-revision")
_WRITE_HEADERS: Final = (
    *_READ_HEADERS,
    "Content-Location",
    "chappe-dry-run",
    "xRegistry-xregcorrelationid",
)
_ANY: Final = "*/*"
_METHODS: Final = ("GET", "PUT", "PATCH", "POST", "DELETE")

_READING: Final = ("binary", "collections", "doc", "filter", "inline", "sort", "specversion")
_WRITING: Final = (
    "binary", "doc", "epoch", "ignore", "inline", "setdefaultversionid", "specversion",
)  # fmt: skip
_SINGLE: Final = frozenset({Level.GROUP, Level.RESOURCE, Level.VERSION})
_WHOLE: Final = frozenset({Level.REGISTRY, Level.EXPORT, Level.GROUP})
_OF_ONE_RESOURCE: Final = frozenset({Level.RESOURCE, Level.META, Level.VERSIONS, Level.VERSION})
_ENTITIES: Final = frozenset(Level) - {
    Level.CAPABILITIES,
    Level.CAPABILITIES_OFFERED,
    Level.MODEL,
    Level.MODELSOURCE,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A path with what stands there: `shown` and `sent` are its schemas.

    `sent` is by method, None of a body that is a document. `added` is what a POST shows, where that is
    something else.
    """

    path: str
    target: Target
    what: str
    shown: Schema
    sent: Mapping[str, Schema | None]
    added: Schema | None = None


def registry_paths(model: Model, capabilities: Mapping[str, Any]) -> dict[str, Schema]:
    """The path items of the registry, by path."""
    paths: dict[str, Schema] = {}
    for place in _places(model):
        if not _is_there(place.target, capabilities):
            continue
        paths[place.path] = {
            **_parameters_of(place.path),
            **{
                method.lower(): _operation(method, place, capabilities)
                for method in _METHODS
                if method in allowed(place.target, capabilities)
            },
        }
    if is_available(capabilities, DISCOVERY):
        paths[f"/{DISCOVERY}"] = {"get": _plain_get("discovery", "The registries known here")}
    if capabilities["shortself"]:
        short = {
            "name": "uid", "in": "path", "required": True, "description": "What `shortself` ends in.",
            "schema": {"type": "string", "pattern": r"^[0-9a-z]{1,13}(?:\$details)?$"},
        }  # fmt: skip
        get = _plain_get("short", "The entity itself, as at its own path", shown={})
        paths[f"/{SHORT}/{{uid}}"] = {"parameters": [short], "get": get}
    return paths


def _is_there(target: Target, capabilities: Mapping[str, Any]) -> bool:
    try:
        check_available(target, capabilities)
    except RegistryError:
        return False
    return True


def _places(model: Model) -> Iterator[_Place]:
    registry, collections = schema(REGISTRY), schema("Collections")
    yield _Place(
        "/",
        Target(Level.REGISTRY),
        "the registry",
        {"anyOf": [registry, collections]},
        {"PUT": schema(REGISTRY + SENT), "PATCH": schema(REGISTRY + SENT), "POST": collections},
    )
    yield _Place(
        "/export",
        Target(Level.EXPORT),
        "the registry as one document",
        {"anyOf": [registry, collections]},
        {},
    )
    told = schema("Capabilities-sent")
    yield _Place(
        "/capabilities",
        Target(Level.CAPABILITIES),
        "what the registry can do",
        schema("Capabilities"),
        {"PUT": told, "PATCH": told},
    )
    for level, what in (
        (Level.CAPABILITIES_OFFERED, "what the capabilities can be set to"),
        (Level.MODEL, "the model, whole"),
        (Level.MODELSOURCE, "the model as it was sent"),
    ):
        target = Target(level)
        yield _Place(target.xid, target, what, {"type": "object"}, {"PUT": {"type": "object"}})
    for group in model.groups.values():
        yield from _of_group(group)
        for type in group.resources.values():
            yield from _of_resource(group, type)


def _of_group(group: GroupType) -> Iterator[_Place]:
    shown, sent = schema(group.plural), schema(group.plural + SENT)
    path = f"/{group.plural}"
    yield _Place(
        path,
        Target(Level.GROUPS, group),
        f"the {group.plural}",
        map_of(shown),
        {"POST": map_of(sent), "PATCH": map_of(sent), "DELETE": schema("Removed-sent")},
    )
    yield _Place(
        f"{path}/{{gid}}",
        Target(Level.GROUP, group, "gid"),
        f"one {group.singular}",
        {"anyOf": [shown, schema("Collections")]},
        {"PUT": made(group.plural, group), "PATCH": sent, "POST": schema("Collections")},
    )


def _of_resource(group: GroupType, type: ResourceType) -> Iterator[_Place]:
    name = name_of(type)
    above = f"/{group.plural}/{{gid}}/{type.plural}"
    shown, sent = schema(name), schema(name + SENT)
    version, version_sent = schema(name + VERSION), schema(name + VERSION + SENT)
    meta, meta_sent = schema(name + META), schema(name + META + SENT)
    yield _Place(
        above,
        Target(Level.RESOURCES, group, "gid", type),
        f"the {type.plural} of the {group.singular}",
        map_of(shown),
        {"POST": map_of(sent), "PATCH": map_of(sent), "DELETE": schema("Removed-sent")},
    )
    one = Target(Level.RESOURCE, group, "gid", type, "rid", details=True)
    one_sent = {"PUT": made(name, type), "PATCH": sent, "POST": made(name + VERSION, type)}
    path = f"{above}/{{rid}}"
    yield from _with_document(_Place(path, one, f"one {type.singular}", shown, one_sent, version))
    yield _Place(
        f"{path}/meta",
        Target(Level.META, group, "gid", type, "rid"),
        f"what holds for all versions of the {type.singular}",
        meta,
        {"PUT": meta_sent, "PATCH": meta_sent},
    )
    yield _Place(
        f"{path}/versions",
        Target(Level.VERSIONS, group, "gid", type, "rid"),
        f"the versions of the {type.singular}",
        map_of(version),
        {
            "POST": map_of(version_sent),
            "PATCH": map_of(version_sent),
            "DELETE": schema("Removed-sent"),
        },
    )
    one_version = _Place(
        f"{path}/versions/{{vid}}",
        Target(Level.VERSION, group, "gid", type, "rid", "vid", details=True),
        f"one version of the {type.singular}",
        version,
        {"PUT": made(name + VERSION, type), "PATCH": version_sent},
    )
    yield from _with_document(one_version)


def _with_document(place: _Place) -> Iterator[_Place]:
    """A resource or version; where it has a document, that and its metadata have paths."""
    type = place.target.resource_type
    if type is None or not type.hasdocument:
        yield place
        return
    yield replace(
        place,
        target=replace(place.target, details=False),
        what=f"the document of {place.what}",
        shown={},
        sent=dict.fromkeys(place.sent),
        added=None,
    )
    yield replace(place, path=place.path + DETAILS, what=f"the metadata of {place.what}")


def _operation(method: str, place: _Place, capabilities: Mapping[str, Any]) -> Schema:
    sent = place.sent.get(method)
    document = place.target.is_document
    parameters = [ref("parameters", name) for name in _flags(method, place, capabilities)]
    request = None
    if document and method in ("PUT", "POST"):
        parameters += _attribute_headers(place.target)
        request = body({}, required=False, types=[_ANY])
    elif sent is not None:
        request = body(sent, required=method != "DELETE")
    right = right_for(method, place.path.encode("ascii"))
    return operation(
        _id(method, place.path),
        f"{_VERBS[method]} {place.what}",
        TAG,
        right,
        parameters=parameters,
        request=request,
        responses={**_responses(method, place), **OF_THE_REGISTRY},
    )


_VERBS: Final = {
    "GET": "Read",
    "PUT": "Make or replace",
    "PATCH": "Change",
    "POST": "Add to",
    "DELETE": "Delete",
}


def _responses(method: str, place: _Place) -> dict[str, Schema]:
    type = _ANY if place.target.is_document else "application/json"
    if method == "DELETE":
        return {"204": answer("It is gone.", headers=["Link", "chappe-revision"])}
    headers = _READ_HEADERS if method == "GET" else _WRITE_HEADERS
    value = place.added if method == "POST" and place.added is not None else place.shown
    result = {"200": answer("As it is shown.", value, type=type, headers=headers)}
    if method == "GET":
        result["304"] = ref("responses", "NotModified")
    elif method in ("PUT", "POST", "PATCH") and place.target.level in _MADE:
        made_headers = (*headers, "Location")
        result["201"] = answer("It was made.", value, type=type, headers=made_headers)
    if place.target.is_document:
        result["303"] = answer("The document is elsewhere.", headers=["Location", *headers])
    return result


_MADE: Final = frozenset({Level.GROUP, Level.RESOURCE, Level.META, Level.VERSION})


def _flags(method: str, place: _Place, capabilities: Mapping[str, Any]) -> Iterator[str]:
    """The names of the parameters and headers that a request may have here."""
    level = place.target.level
    reads = method == "GET"
    for name in _READING if reads else _WRITING:
        if name in capabilities["flags"] and _fits(name, method, level):
            yield name
    if reads and capabilities["pagination"] and place.target.is_collection:
        yield from ("limit", "cursor")
    if not reads:
        yield from ("dryrun", "If-Match")
    yield from ("If-None-Match", "chappe-min-revision")


def _fits(name: str, method: str, level: Level) -> bool:
    """Whether a flag means anything at a place; where it does not, it is ignored or refused."""
    match name:
        case "specversion":
            return True
        case "collections":
            return level in _WHOLE
        case "sort":
            return level in (Level.GROUPS, Level.RESOURCES, Level.VERSIONS)
        case "epoch":
            return method == "DELETE" and level in _SINGLE
        case "setdefaultversionid":
            return level in _OF_ONE_RESOURCE
        case "ignore":
            return method != "DELETE" or level in _ENTITIES
        case _:
            return level in _ENTITIES and method != "DELETE"


def _attribute_headers(target: Target) -> list[Schema]:
    """The attributes that stand beside a document that is sent."""
    type = target.resource_type
    assert type is not None
    return [
        header(f"{SHOWN_PREFIX}{name}", _described(one))
        for name, one in type.version.by_name.items()
        if one.is_scalar
        and not one.readonly
        and name not in ("contenttype", f"{type.singular}base64")
    ]


def _described(attribute: Attribute) -> str:
    text = attribute.description or f"The attribute `{attribute.name}`"
    return f"{text} ({attribute.type})"


def _plain_get(id: str, summary: str, *, shown: Schema | None = None) -> Schema:
    value = schema("Registries") if shown is None else shown
    responses = {"200": answer("As it is shown.", value, headers=["Link"]), **OF_THE_REGISTRY}
    if shown is not None:
        responses["200"]["content"] = {_ANY: {"schema": shown}}
        responses["303"] = answer("The document is elsewhere.", headers=["Location"])
    return operation(f"get.{id}", summary, TAG, "read", responses=responses)


def _parameters_of(path: str) -> Schema:
    names: Sequence[str] = [one for one in ("gid", "rid", "vid") if f"{{{one}}}" in path]
    return {"parameters": [ref("parameters", name) for name in names]} if names else {}


def _id(method: str, path: str) -> str:
    """A name for an operation: that of "GET" and "/dirs/{gid}" is "get.dirs.gid".

    A type's name has no dot, so no two are the same.
    """
    parts = path.replace("{", "").replace("}", "").replace(DETAILS, ".details")
    return f"{method.lower()}{parts.rstrip('/').replace('/', '.')}"
