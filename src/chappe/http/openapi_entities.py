"""The entities of a model as schemas of the published OpenAPI, by the names of components.

    dirs    dirs.files    dirs.files-version    dirs.files-meta    Registry

Each has a twin, such as "dirs.files-sent", of what a client may write. A type of resource that was
imported from another type of group goes by the name of where it is defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from chappe.http.openapi_parts import schema
from chappe.http.openapi_schemas import (
    Schema,
    map_of,
    nullable,
    required_of,
    sent,
    shown,
)
from chappe.registry.capabilities import (
    FLAGS,
    IGNORES,
    MAY_BE_MUTABLE,
    SPECVERSION,
    VERSIONMODES,
)
from chappe.registry.model import GroupType, Model, ResourceType

REGISTRY: Final = "Registry"
SENT: Final = "-sent"
VERSION: Final = "-version"
META: Final = "-meta"

_OBJECT: Final[Schema] = {"type": "object"}
_COMPUTED: Final[Mapping[str, Schema]] = {
    "capabilities": schema("Capabilities"),
    "model": _OBJECT,
    "modelsource": _OBJECT,
}
_NAMES: Final[Schema] = {"type": "array", "items": {"type": "string"}}

ANSWERED: Final[Mapping[str, Schema]] = {
    "Capabilities": {
        "type": "object",
        "properties": {
            "available": {
                "type": "object",
                "properties": {
                    name: {
                        "type": "object",
                        "properties": {"mutable": {"type": "boolean"}},
                        "required": ["mutable"],
                    }
                    for name in MAY_BE_MUTABLE
                },
                "additionalProperties": False,
            },
            "compatibilities": {"type": "object", "additionalProperties": _NAMES},
            "flags": {"type": "array", "items": {"enum": list(FLAGS)}},
            "formats": _NAMES,
            "ignores": {"type": "array", "items": {"enum": list(IGNORES)}},
            "pagination": {"type": "boolean"},
            "shortself": {"type": "boolean"},
            "specversions": {"type": "array", "items": {"enum": [SPECVERSION]}},
            "versionmodes": {"type": "array", "items": {"enum": list(VERSIONMODES)}},
        },
        "required": ["available", "flags", "specversions", "versionmodes"],
        "additionalProperties": False,
    },
    "Capabilities-sent": {
        "type": "object",
        "description": "Names are taken in any case, and `*` for all.",
        "properties": {
            name: {"type": [type, "null"]}
            for name, type in {
                "available": "object",
                "compatibilities": "object",
                "flags": "array",
                "formats": "array",
                "ignores": "array",
                "pagination": "boolean",
                "shortself": "boolean",
                "specversions": "array",
                "versionmodes": "array",
            }.items()
        },
        "additionalProperties": False,
    },
    "Collections": {
        "type": "object",
        "description": "Maps of entities, by the plural name of their type.",
        "additionalProperties": {"type": "object", "additionalProperties": _OBJECT},
    },
    "Registries": {
        "type": "object",
        "properties": {"registries": _NAMES},
        "required": ["registries"],
    },
    "Removed-sent": {
        "type": "object",
        "description": "What is to go, by id; each entry may name the epoch that it must have.",
        "additionalProperties": {
            "type": ["object", "null"],
            "properties": {
                "epoch": {"type": ["integer", "null"], "minimum": 0},
                "meta": {"type": ["object", "null"]},
            },
        },
    },
}


def name_of(type: ResourceType) -> str:
    """The component of a type of resource: "/dirs/files" -> "dirs.files"."""
    return type.origin.removeprefix("/").replace("/", ".")


def entity_schemas(model: Model) -> dict[str, Schema]:
    """The schemas of everything that the model defines."""
    schemas = dict(ANSWERED)
    schemas.update(_registry(model))
    for group in model.groups.values():
        schemas.update(_group(group))
        for type in group.resources.values():
            if name_of(type) not in schemas:
                schemas.update(_resource(type))
    return schemas


def made(name: str, type: GroupType | ResourceType) -> Schema:
    """What a PUT or POST sends of one entity: what a new one needs is required."""
    required = required_of(type.attributes if isinstance(type, GroupType) else type.version)
    return {**schema(name + SENT), **({"required": required} if required else {})}


def _registry(model: Model) -> Iterator[tuple[str, Schema]]:
    given = {**_COMPUTED, **_collections({name: name for name in model.groups}, "")}
    yield REGISTRY, shown(model.attributes, given=given)
    given = {
        "capabilities": nullable(schema("Capabilities-sent")),
        "modelsource": nullable(_OBJECT),
        **_collections({name: name for name in model.groups}, SENT),
    }
    yield REGISTRY + SENT, sent(model.attributes, given=given)


def _group(group: GroupType) -> Iterator[tuple[str, Schema]]:
    below = {plural: name_of(type) for plural, type in group.resources.items()}
    for suffix, made_of in (("", shown), (SENT, sent)):
        given = _collections(below, suffix)
        yield group.plural + suffix, made_of(group.attributes, given=given)


def _resource(type: ResourceType) -> Iterator[tuple[str, Schema]]:
    name, id = name_of(type), f"{type.singular}id"
    for suffix, made_of in (("", shown), (SENT, sent)):
        document = _document(type)
        below = {
            "meta": schema(name + META + suffix),
            **_collections({"versions": name + VERSION}, suffix),
        }
        yield name + VERSION + suffix, made_of(type.version, given=document)
        if made_of is shown:
            # A mirror of what is not there, and a document view, have no default version.
            always = frozenset({id, "self", "xid", "metaurl"})
            given = {**document, **below}
            yield name, shown(type.version, type.resource, given=given, required=always)
            yield (
                name + META,
                shown(type.meta, required=frozenset({id, "self", "xid"})),
            )
        else:
            given = {**document, **{key: nullable(one) for key, one in below.items()}}
            yield name + SENT, sent(type.version, type.resource, given=given)
            yield name + META + SENT, sent(type.meta)


def _document(type: ResourceType) -> dict[str, Schema]:
    if not type.hasdocument:
        return {}
    return {
        type.singular: {"description": "The document, where it is JSON or a text."},
        f"{type.singular}base64": {
            "type": ["string", "null"],
            "contentEncoding": "base64",
            "description": "The document, whatever it is.",
        },
    }


def _collections(names: Mapping[str, str], suffix: str) -> dict[str, Any]:
    """The maps of the collections, which are there where they are inlined."""
    result: dict[str, Any] = {}
    for plural, name in names.items():
        entities = map_of(schema(name + suffix))
        result[plural] = nullable(entities) if suffix else entities
    return result
