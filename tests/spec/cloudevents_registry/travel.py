"""Into an empty registry, and out again by an export; and what must be the same after it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from chappe.formats.languages import json_alone
from chappe.http.registry.answers import answer_read, answer_write
from chappe.http.registry.asked import Asked, Edge
from chappe.registry.entity import Tree
from chappe.registry.flags import Flags, Inline
from chappe.registry.hub_model import hub_model
from chappe.registry.request import Rules, Write
from chappe.registry.target import Level, Target
from chappe.registry.views import render
from chappe.registry.write import empty_tree, write

BASE = "https://hub.example.com"
NOW = "2026-11-22T10:00:00Z"
LATER = "2026-11-22T11:00:00Z"
Document: TypeAlias = dict[str, Any]

RESOURCES: Mapping[str, Mapping[str, str]] = {
    "channels": {},
    "endpoints": {"messages": "message", "sources": "source", "subscriptions": "subscription"},
    "messagegroups": {"messages": "message"},
    "schemagroups": {"schemas": "schema"},
}
SINGULAR = {
    "channels": "channel",
    "endpoints": "endpoint",
    "messagegroups": "messagegroup",
    "schemagroups": "schemagroup",
}
BY_THE_SERVER = frozenset(
    "self xid shortself epoch createdat modifiedat ancestorid isdefault versionid metaurl"
    " versionsurl versionscount formatvalidated formatvalidatedreason compatibilityvalidated"
    " compatibilityvalidatedreason".split()
)


def read(path: Path) -> Document:
    """A scenario; its fractions exact."""
    document: Document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return document


def imported(document: Document) -> Tree:
    """A registry with the hub's model that took `document` by `POST /`."""
    tree = empty_tree("hub", NOW, hub_model())
    request = Write("POST", Target(Level.REGISTRY), document, Flags(), LATER, path="/")
    return write(tree, request, Rules(json_alone())).tree


def exported(tree: Tree) -> Document:
    """What `GET /export` answers, without the registry's own attributes."""
    flags = Flags(doc=True, inline=Inline(everything=True))
    body = json.loads(render(tree, Target(Level.REGISTRY), flags, BASE), parse_float=Decimal)
    return {plural: body[plural] for plural in RESOURCES if body.get(plural)}


def sent_and_fetched(method: str, text: bytes) -> Document:
    """What `GET /export` answers after the registry took `text` by a request to `/`; as bytes go."""
    tree = empty_tree("hub", NOW, hub_model())
    headers = [(b"content-type", b"application/json")]
    edge = Edge()
    request = Asked(method, b"/", b"", headers, text, BASE)
    written, response = answer_write(tree, request, edge, now=LATER, rules=Rules(json_alone()))
    assert written is not None, response.body
    response = answer_read(written.tree, Asked("GET", b"/export", b"", [], b"", BASE), edge)
    assert response.status == 200, response.body
    body = json.loads(response.body, parse_float=Decimal)
    return {plural: body[plural] for plural in RESOURCES if body.get(plural)}


def normal(document: Document) -> dict[str, Any]:
    """What a document says, by xid: the attributes that are not the server's, documents as values.

    A resource without `versions` says it of its one version; with them, they say it.
    """
    said: dict[str, Any] = {}
    for plural, groups in document.items():
        for gid, group in groups.items():
            below = {f"{name}{end}" for name in RESOURCES[plural] for end in ("", "url", "count")}
            said[f"/{plural}/{gid}"] = _attributes(group, below | {f"{SINGULAR[plural]}id"})
            for resources, singular in RESOURCES[plural].items():
                for rid, resource in group.get(resources, {}).items():
                    xid = f"/{plural}/{gid}/{resources}/{rid}"
                    said |= _resource(xid, resource, singular)
    return said


def _resource(xid: str, resource: Document, singular: str) -> Iterator[tuple[str, Any]]:
    hidden = {f"{singular}id", "meta", "versions", "defaultversionid"}
    versions = resource.get("versions") or {"1": resource}
    if (sticky := resource.get("meta", {}).get("defaultversionsticky")) is True:
        yield f"{xid}/meta", {"default": resource["meta"]["defaultversionid"], "sticky": sticky}
    for vid, version in versions.items():
        attributes = _attributes(version, hidden)
        encoded = attributes.pop(f"{singular}base64", None)
        if encoded is not None:
            attributes[singular] = base64.b64decode(encoded).decode()
        yield f"{xid}/versions/{vid}", attributes


def _attributes(entity: Document, hidden: set[str]) -> Document:
    return {
        name: value
        for name, value in entity.items()
        if name not in BY_THE_SERVER and name not in hidden
    }


def lost(said: Any, found: Any, path: str = "") -> Iterator[str]:
    """The places at which `found` lacks, or changes, what was said."""
    if isinstance(said, dict) and isinstance(found, dict):
        for name, value in said.items():
            if name not in found:
                yield f"{path}.{name}: gone"
            else:
                yield from lost(value, found[name], f"{path}.{name}")
    elif isinstance(said, list) and isinstance(found, list) and len(said) == len(found):
        for index, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from lost(one, other, f"{path}[{index}]")
    elif said != found or isinstance(said, bool) is not isinstance(found, bool):
        yield f"{path}: {said!r} became {found!r}"
