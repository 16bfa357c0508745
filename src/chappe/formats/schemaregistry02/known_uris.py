"""Versions by schema version URI, of those that were given an authority or an id of their own.

The index is a value: it is made of a tree when somebody first asks, then of the one before and what
differs. A URI below no authority stands in it by its path alone, "/342".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from chappe.formats.confluent.index import SCHEMAGROUPS, SCHEMAS
from chappe.formats.confluent.projection import differing
from chappe.formats.confluent.shared_map import SharedMap
from chappe.formats.schemaregistry02.names import name_of
from chappe.formats.schemaregistry02.uris import Named, joined
from chappe.formats.schemaregistry02.versions import AUTHORITY, VERSION_URI, numbered, text_of
from chappe.registry.entity import Attributes, Collection, Group, Resource, Tree
from chappe.registry.state import NO_TREE


class Place(NamedTuple):
    """Where a version is in the registry: its group's and its schema's id, and its number."""

    gid: str
    rid: str
    number: int


@dataclass(frozen=True, slots=True)
class KnownUris:
    """The places by URI; several only where the registry's own API gave one URI twice."""

    tree: Tree = NO_TREE
    by_uri: SharedMap[str, tuple[Place, ...]] = field(default_factory=SharedMap)

    def find(self, *uris: str) -> Place | None:
        """The version that one of the URIs names."""
        return next((found[0] for uri in uris if (found := self.by_uri.find(uri))), None)


def uri_of(attributes: Attributes, named: Named) -> str | None:
    """The URI that a version stands in the index by; None where it has nothing but its path."""
    authority, id = text_of(attributes, AUTHORITY), text_of(attributes, VERSION_URI)
    if authority is None and id is None:
        return None
    return joined(authority or "", id or named.path)


def uris_to_try(uri: str, *bases: str) -> list[str]:
    """How a URI that somebody sent may stand in the index; the bases are implied authorities."""
    below = [f"/{uri[len(base) :].lstrip('/')}" for base in bases if uri.startswith(f"{base}/")]
    relative = [] if ":" in uri.partition("/")[0] else [f"/{uri.lstrip('/')}"]
    return [uri, *below, *relative]


def follow(before: KnownUris, tree: Tree) -> KnownUris:
    """The index of a tree, out of that of another one."""
    if before.tree is tree:
        return before
    changed: dict[str, set[Place]] = {}

    def places(uri: str) -> set[Place]:
        return changed.setdefault(uri, set(before.by_uri.find(uri) or ()))

    old, new = before.tree.of(SCHEMAGROUPS), tree.of(SCHEMAGROUPS)
    for gid, was, is_ in differing(old, new):
        for rid, one, other in differing(_schemas(was), _schemas(is_)):
            for uri, place in _uris(before.tree, gid, rid, one):
                places(uri).discard(place)
            for uri, place in _uris(tree, gid, rid, other):
                places(uri).add(place)
    found = {uri: tuple(sorted(one)) or None for uri, one in changed.items()}
    return KnownUris(tree, before.by_uri.changed(found))


def _uris(tree: Tree, gid: str, rid: str, schema: Resource | None) -> Iterator[tuple[str, Place]]:
    if schema is None or schema.xref is not None:
        return  # What a mirror shows has its URI where it is.
    for number, version in numbered(tree, schema).items():
        if AUTHORITY in version.attributes or VERSION_URI in version.attributes:
            groups = tree.of(SCHEMAGROUPS)
            named = Named(name_of(groups, gid), name_of(_schemas(groups[gid]), rid), number)
            uri = uri_of(version.attributes, named)
            if uri is not None:
                yield uri, Place(gid, rid, number)


def _schemas(group: Group | None) -> Collection[Resource]:
    return Collection() if group is None else group.of(SCHEMAS)
