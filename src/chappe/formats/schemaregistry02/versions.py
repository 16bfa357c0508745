"""Which versions of the registry the API shows, and what it tells of each.

Versions are counted (spec.md 2.2.5), so a version is shown whose id in the registry is a whole number,
whose document is here, and which nobody deleted in the Confluent API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from chappe.formats.confluent.index import PRIVATE, SCHEMAGROUPS, SCHEMAS, fingerprint
from chappe.formats.schemaregistry02.names import find_id
from chappe.registry.entity import Group, Resource, Tree, Version

AUTHORITY: Final = "authority"
"""The attribute of a version that has its schema's authority (spec.md 2.2.4)."""

VERSION_URI: Final = "versionuri"
"""The attribute of a version that has its id in the sense of the API, where it was given one."""

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def group_of(tree: Tree, name: str) -> Group | None:
    """The group of that name."""
    groups = tree.of(SCHEMAGROUPS)
    id = find_id(groups, name)
    return None if id is None else groups[id]


def schema_of(group: Group, name: str) -> Resource | None:
    """The schema of that name, whether or not it has versions to show."""
    schemas = group.of(SCHEMAS)
    id = find_id(schemas, name)
    return None if id is None else schemas[id]


def numbered(tree: Tree, schema: Resource) -> dict[int, Version]:
    """The versions that are shown, ascending; of a mirror those of what it mirrors."""
    source: Resource | None = schema
    if schema.xref is not None:
        source = tree.resource(schema.xref)
    found = {} if source is None else source.versions
    shown = {int(id): one for id, one in found.items() if _NUMBER.fullmatch(id) and is_shown(one)}
    return dict(sorted(shown.items()))


def is_shown(version: Version) -> bool:
    """Whether there is a document to show, that nobody withdrew."""
    if not version.document:
        return False
    mark = version.attributes.get(PRIVATE, {})
    return not (mark.get("deleted") and mark.get("of") == fingerprint(version.document))


def highest(schema: Resource) -> int:
    """The highest number that a version has or had, as far as anybody knows."""
    taken = [int(id) for id in schema.versions if _NUMBER.fullmatch(id)]
    marked: int = schema.meta.get(PRIVATE, {}).get("lastversion", 0)
    return max(schema.last_id, marked, *taken, 0)


def counted(schema: Resource) -> int:
    """The number that the engine gives the next version; what it has counted it never gives again."""
    number = schema.last_id + 1
    while str(number) in schema.versions:
        number += 1
    return number


def text_of(attributes: Mapping[str, object], name: str) -> str | None:
    """An attribute that the registry's own API may have set to anything."""
    value = attributes.get(name)
    return value if isinstance(value, str) and value else None
