"""Finding groups, schemas and versions by name, or telling that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chappe.domain.errors import NotFound
from chappe.formats.confluent.index import SCHEMAGROUPS, SCHEMAS
from chappe.formats.schemaregistry02.known_uris import Place
from chappe.formats.schemaregistry02.names import name_of, shown
from chappe.formats.schemaregistry02.uris import Named
from chappe.formats.schemaregistry02.versions import group_of, numbered, schema_of
from chappe.registry.entity import Group, Resource, Tree, Version


@dataclass(frozen=True, slots=True)
class Found:
    """A version, what it is called, and the group that it is in."""

    named: Named
    version: Version
    group: Group


def need_group(tree: Tree, name: str) -> Group:
    """The group of that name.

    Raises:
        NotFound: there is none.
    """
    found = group_of(tree, name)
    if found is None:
        raise NotFound(f"group {shown(name)!r}: there is none")
    return found


def need_schema(tree: Tree, group: str, name: str) -> tuple[Group, Resource, Mapping[int, Version]]:
    """A schema that has versions to show, those, ascending, and its group.

    Raises:
        NotFound: there is none, or no such group.
    """
    found = need_group(tree, group)
    schema = schema_of(found, name)
    versions = {} if schema is None else numbered(tree, schema)
    if schema is None or not versions:
        raise NotFound(f"schema {shown(name)!r}: there is none in the group {shown(group)!r}")
    return found, schema, versions


def need_version(tree: Tree, named: Named) -> Found:
    """The version of that name.

    Raises:
        NotFound: there is none.
    """
    group, _, versions = need_schema(tree, named.group, named.schema)
    version = versions.get(named.number)
    if version is None:
        raise NotFound(f"{named.path}: there is no such version")
    return Found(named, version, group)


def found_at(tree: Tree, place: Place) -> Found:
    """The version at a place of the tree that it is there in."""
    groups = tree.of(SCHEMAGROUPS)
    group = groups[place.gid]
    schemas = group.of(SCHEMAS)
    named = Named(name_of(groups, place.gid), name_of(schemas, place.rid), place.number)
    return Found(named, schemas[place.rid].versions[str(place.number)], group)
