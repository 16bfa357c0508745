"""Registries made by hand, and requests of them, for the tests of reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chappe.registry.capabilities import DEFAULT
from chappe.registry.entity import Collection, Group, Resource, Tree, Version
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.model import Model
from chappe.registry.model_source import compile_model
from chappe.registry.paths import parse_path
from chappe.registry.request_flags import parse_flags
from chappe.registry.target import Target
from chappe.registry.views import render

BASE = "http://example.com"
THEN = "2026-01-01T00:00:00Z"
TIMES = {"epoch": 1, "createdat": THEN, "modifiedat": THEN}

MODEL: Mapping[str, Any] = {
    "attributes": {"*": {"type": "any"}},
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {"*": {"type": "any"}},
            "resources": {
                "files": {
                    "singular": "file",
                    "attributes": {
                        "due": {"type": "timestamp"},
                        "sizes": {"type": "map", "item": {"type": "decimal"}},
                        "*": {"type": "any"},
                    },
                    "metaattributes": {"*": {"type": "any"}},
                    "typemap": {"text/*": "string", "text/bin": "binary", "my/json": "JSON"},
                },
                "notes": {
                    "singular": "note",
                    "hasdocument": False,
                    "attributes": {"*": {"type": "any"}},
                },
            },
        },
        "schemagroups": {
            "singular": "schemagroup",
            "attributes": {"*": {"type": "any"}},
            "resources": {"schemas": {"singular": "schema"}},
        },
    },
}


def model(source: Mapping[str, Any] = MODEL) -> Model:
    """The compiled model."""
    return compile_model(source)


def version(id: str, document: bytes | None = None, /, **attributes: Any) -> Version:
    """A version; `ancestorid` is itself."""
    return Version(id, {**TIMES, "ancestorid": id, **attributes}, document)


def resource(
    id: str, *versions: Version, default: str = "", xref: str = "", **meta: Any
) -> Resource:
    """A resource; its last version is the default one, unless `default` says which."""
    known: dict[str, Any] = {**TIMES, **meta}
    if xref:
        known["xref"] = xref
    elif versions:
        known["defaultversionid"] = default or versions[-1].id
    return Resource(id, known, Collection({one.id: one for one in versions}))


def group(
    id: str, resources: Mapping[str, Sequence[Resource]] | None = None, /, **attributes: Any
) -> Group:
    """A group with resources by their plural name."""
    below = {
        plural: Collection({one.id: one for one in ones})
        for plural, ones in (resources or {}).items()
    }
    return Group(id, {**TIMES, **attributes}, below)


def tree(
    groups: Mapping[str, Sequence[Group]] | None = None,
    *,
    source: Mapping[str, Any] = MODEL,
    capabilities: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> Tree:
    """A registry with groups by their plural name."""
    below = {
        plural: Collection({one.id: one for one in ones}) for plural, ones in (groups or {}).items()
    }
    return Tree(
        {"registryid": "r", **TIMES, **attributes},
        model(source),
        {**DEFAULT, **(capabilities or {})},
        below,
    )


def asked(of: Tree, url: str) -> tuple[Target, Flags]:
    """The target and flags of a GET."""
    path, _, query = url.partition("?")
    target = parse_path(path.encode(), of.model)
    return target, parse_flags(query.encode(), target=target, method="GET", tree=of, path=path)


def get(of: Tree, url: str, processed: frozenset[str] | None = None) -> Any:
    """What a GET shows, its numbers as they are written."""
    target, flags = asked(of, url)
    return json.loads(render(of, target, flags, BASE, processed), parse_float=Decimal)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """The kind and the subject of the error that a call ends in; ("", "") if it ends in none."""
    try:
        call()
    except RegistryError as error:
        return error.kind, error.subject
    return "", ""


def get_if_found(of: Tree, url: str) -> Any:
    """What a GET shows; {} where there is no such entity."""
    try:
        return get(of, url)
    except RegistryError as error:
        if error.kind != "not_found":
            raise
        return {}


def xids(shown: Any) -> list[str]:
    """The xids of all entities in an answer, but for meta."""
    found: list[str] = []
    if isinstance(shown, dict):
        if isinstance(shown.get("xid"), str):
            found.append(shown["xid"])
        for name, value in shown.items():
            if name != "meta":
                found += xids(value)
    return found
