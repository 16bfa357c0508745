"""CloudEvents Schema Registry 0.2 upon the registry: reads of its tree, and writes that are one transaction.

There is no state besides the registry's; the index of schema version URIs is made when somebody first
asks for one, and follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from chappe.domain.errors import NotFound
from chappe.formats.confluent.index import SCHEMAGROUPS, SCHEMAS
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.changing import (
    Choose,
    PutGroup,
    Registration,
    Removal,
)
from chappe.formats.schemaregistry02.documents import Sent
from chappe.formats.schemaregistry02.group_json import GroupSent
from chappe.formats.schemaregistry02.known_uris import KnownUris, follow, uris_to_try
from chappe.formats.schemaregistry02.looking import (
    Found,
    found_at,
    need_group,
    need_schema,
    need_version,
)
from chappe.formats.schemaregistry02.names import name_of
from chappe.formats.schemaregistry02.uris import Named, parse_local
from chappe.formats.schemaregistry02.versions import numbered
from chappe.kit.latest import Latest
from chappe.registry.entity import Group, Tree
from chappe.registry.state import State
from chappe.registry.writing import Committed, Writing

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(slots=True)
class SchemaRegistry:
    """The Schema Registry API of CloudEvents; names of groups and schemas are decoded.

    A `segment` is a name as it was sent. `api` and `hub` are the URLs of the API's root and of the hub's,
    without a slash at the end.

    Reads raise NotFound where there is no such thing. Writes do, too, and raise Unavailable when the engine
    did not acknowledge: the write may or may not have happened.
    """

    state: Latest[State]
    registry: Writing
    _known: KnownUris = field(default_factory=KnownUris, init=False, repr=False)

    def groups(self) -> Sequence[str]:
        """The names of all groups."""
        groups = self.state.value.tree.of(SCHEMAGROUPS)
        return [name_of(groups, id) for id in groups.ordered()]

    def group(self, name: str) -> Group:
        """One group."""
        return need_group(self.state.value.tree, name)

    def schemas(self, group: str) -> Sequence[str]:
        """The names of a group's schemas that have a version to show."""
        tree = self.state.value.tree
        schemas = need_group(tree, group).of(SCHEMAS)
        return [name_of(schemas, id) for id in schemas.ordered() if numbered(tree, schemas[id])]

    def versions(self, group: str, schema: str) -> Sequence[int]:
        """The numbers of a schema's versions, ascending; there is one."""
        return list(need_schema(self.state.value.tree, group, schema)[2])

    def latest(self, group: str, schema: str) -> Found:
        """The newest version of a schema (spec.md 2.2: always the default one)."""
        found, _, versions = need_schema(self.state.value.tree, group, schema)
        number = max(versions)
        return Found(Named(group, schema, number), versions[number], found)

    def version(self, named: Named) -> Found:
        """One version."""
        return need_version(self.state.value.tree, named)

    def by_uri(self, uri: str, api: str, hub: str) -> Found:
        """The version of a schema version URI (spec.md 2.2.2, 3.4.3)."""
        tree = self.state.value.tree
        local = parse_local(uri, api, hub)
        if local is not None:
            return need_version(tree, local)
        place = self._uris(tree).find(*uris_to_try(uri, api))
        if place is None:
            raise NotFound(f"uri: no schema version here has {shortened(uri)}")
        return found_at(tree, place)

    async def put_group(
        self, name: str, segment: str, wanted: GroupSent, *, by: str
    ) -> Committed[tuple[Group, bool]]:
        """Make a group, or update it; as it is then, and whether it is new.

        Raises:
            Malformed: the name can be no id, or an attribute breaks a rule.
            Conflict: its format would change, and it has schemas.
        """
        return await self.registry.write(PutGroup(name, segment, wanted), by=by, heavy=True)

    async def register(
        self, group: str, schema: str, segment: str, sent: Sent, *, api: str, hub: str, by: str
    ) -> Committed[Found]:
        """Make a version of a schema, and the schema where it is not there; or find the one that it is.

        Raises:
            Malformed: it is no document of its format, or something said of it breaks a rule.
            Conflict: it is not compatible, or its URI is that of another version.
        """
        registration = Registration(group, schema, segment, sent, api, hub, self._uris)
        return await self.registry.write(registration, by=by, heavy=True)

    async def remove(self, choose: Choose, *, by: str) -> Committed[None]:
        """Delete what `changing.a_group`, `all_schemas`, `a_schema` or `a_version` names."""
        return await self.registry.write(Removal(choose), by=by, heavy=True)

    def _uris(self, tree: Tree) -> KnownUris:
        """The index of a tree; a value, so that a thread that writes and the reads may both be at it."""
        known = self._known = follow(self._known, tree)
        return known
