"""What a request of the API does to the registry's tree; the registry's engine does it, so its rules hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from chappe.domain.errors import Conflict, Malformed, NotAllowed, NotFound
from chappe.formats.confluent.index import SCHEMAGROUPS, SCHEMAS
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.documents import Sent, format_for, write_of
from chappe.formats.schemaregistry02.format_names import effective
from chappe.formats.schemaregistry02.group_json import GroupSent
from chappe.formats.schemaregistry02.known_uris import KnownUris, uris_to_try
from chappe.formats.schemaregistry02.looking import Found, found_at, need_group, need_schema
from chappe.formats.schemaregistry02.names import find_id, free_id
from chappe.formats.schemaregistry02.uris import Named, joined, parse_local
from chappe.formats.schemaregistry02.versions import (
    AUTHORITY,
    counted,
    highest,
    numbered,
    schema_of,
    text_of,
)
from chappe.registry.capabilities import is_mutable
from chappe.registry.entity import Group, Resource, Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.request import ABSENT, Rules, Write, Written
from chappe.registry.target import Level, Target
from chappe.registry.write import write

_CONFLICTS: Final = frozenset(
    {
        "compatibility_violation",
        "constraint_failure",
        "mismatched_version_attribute",
        "readonly",
    }
)
"""What the registry refuses for what is there already: spec.md 2.2 has "a conflict handling mechanism"."""


@dataclass(frozen=True, slots=True)
class PutGroup:
    """Make a group, or update it; answers it, and whether it is new.

    `name` is decoded, `segment` the same as it was sent.
    """

    name: str
    segment: str
    wanted: GroupSent

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, tuple[Group, bool]]:
        groups = tree.of(SCHEMAGROUPS)
        id = find_id(groups, self.name)
        if id is None:
            id = free_id(groups, self.name, sent=self.segment, what="group")
            target = _target(tree, Level.GROUP, id)
            written = _done(tree, "PUT", target, self._body(None), now, rules)
            return written, (written.tree.of(SCHEMAGROUPS)[id], True)
        present = groups[id]
        body = self._body(present.attributes.get("format"))
        if all(present.attributes.get(name) == value for name, value in body.items()):
            return Written(tree, (), None), (present, False)
        self._check_format(present, body["format"])
        written = _done(tree, "PATCH", _target(tree, Level.GROUP, id), body, now, rules)
        return written, (written.tree.of(SCHEMAGROUPS)[id], False)

    def _body(self, present: str | None) -> dict[str, Any]:
        format_ = None if self.wanted.format is None else effective(self.wanted.format, present)
        body: dict[str, Any] = {"format": format_, "description": self.wanted.description}
        if self.wanted.properties is not None:
            body["labels"] = dict(self.wanted.properties) or None
        return body

    def _check_format(self, present: Group, wanted: str | None) -> None:
        # spec.md 2.1.1: MUST NOT be modified if at least one schema exists in the group.
        format_ = present.attributes.get("format")
        if wanted != format_ and present.of(SCHEMAS):
            raise Conflict(
                f"format: {_or_none(wanted)} was sent; the group {self.segment!r} has schemas, so its"
                f" format stays {_or_none(format_)}"
            )


@dataclass(frozen=True, slots=True)
class Registration:
    """Make a version of a schema, unless it has one that is the same; answers that version.

    `group` and `schema` are decoded, `segment` is the schema's name as it was sent. `api` and `hub` are the
    URLs of the API's root and of the hub's, without a slash at the end; `uris` gives the index of a tree.
    """

    group: str
    schema: str
    segment: str
    sent: Sent
    api: str
    hub: str
    uris: Callable[[Tree], KnownUris]

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, Found]:
        group = need_group(tree, self.group)
        schema = schema_of(group, self.schema)
        if schema is not None:
            _refuse_mirror(schema, self.segment)
        present = {} if schema is None else numbered(tree, schema)
        for number in reversed(present):
            named = Named(self.group, self.schema, number)
            if self.sent.is_of(present[number], named):
                return Written(tree, (), None), Found(named, present[number], group)
        named = Named(self.group, self.schema, 1 if schema is None else highest(schema) + 1)
        authority = self.sent.authority
        if authority is None and present:
            # It is the schema's, so it holds for the versions that follow (spec.md 2.2.4).
            authority = text_of(present[max(present)].attributes, AUTHORITY)
        self._check_unique(tree, named, authority)
        return self._made(tree, group, schema, named, authority, now, rules)

    def _made(
        self,
        tree: Tree,
        group: Group,
        schema: Resource | None,
        named: Named,
        authority: str | None,
        now: str,
        rules: Rules,
    ) -> tuple[Written, Found]:
        rid = (
            free_id(group.of(SCHEMAS), self.schema, sent=self.segment, what="schema")
            if schema is None
            else schema.id
        )
        versionid = "" if schema is None or named.number == counted(schema) else str(named.number)
        format_ = format_for(self.sent, group, schema, rules.formats)
        body = write_of(self.sent, format_, authority, versionid)
        target = _target(tree, Level.RESOURCE, group.id, rid)
        written = _done(tree, "POST", target, body, now, rules)
        after = written.tree.of(SCHEMAGROUPS)[group.id]
        version = after.of(SCHEMAS)[rid].versions[str(named.number)]
        return written, Found(named, version, after)

    def _check_unique(self, tree: Tree, named: Named, authority: str | None) -> None:
        """Refuse a URI that is another version's (spec.md 2.2.5: unique within the registry)."""
        id = self.sent.id
        if authority is None and id is None:
            return
        uri = joined(authority or "", id or named.path)
        if id is not None and parse_local(uri, self.api, self.hub) is not None:
            raise Malformed(f"id: {shortened(id)} is the path of a version, which is its own id")
        implied = [f"{self.api}{uri}"] if uri.startswith("/") else []
        place = self.uris(tree).find(*uris_to_try(uri, self.api), *implied)
        if place is not None:
            other = found_at(tree, place).named.path
            raise Conflict(f"id: {shortened(uri)} is the schema version URI of {other}")


Choose: TypeAlias = Callable[[Tree], Target]


@dataclass(frozen=True, slots=True)
class Removal:
    """Delete what is found in the tree."""

    choose: Choose

    def __call__(self, tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
        return _done(tree, "DELETE", self.choose(tree), ABSENT, now, rules), None


def a_group(name: str) -> Choose:
    """A group with all that is in it; raises NotFound, as all of these."""
    return lambda tree: _target(tree, Level.GROUP, need_group(tree, name).id)


def all_schemas(group: str) -> Choose:
    """All schemas of a group."""
    return lambda tree: _target(tree, Level.RESOURCES, need_group(tree, group).id)


def a_schema(group: str, name: str) -> Choose:
    """A schema with all its versions."""

    def choose(tree: Tree) -> Target:
        found, schema, _ = need_schema(tree, group, name)
        return _target(tree, Level.RESOURCE, found.id, schema.id)

    return choose


def a_version(named: Named) -> Choose:
    """One version; the last one takes the schema with it."""

    def choose(tree: Tree) -> Target:
        group, schema, versions = need_schema(tree, named.group, named.schema)
        _refuse_mirror(schema, named.schema)
        if named.number not in versions:
            raise NotFound(f"{named.path}: there is no such version")
        return _target(tree, Level.VERSION, group.id, schema.id, str(named.number))

    return choose


def _refuse_mirror(schema: Resource, segment: str) -> None:
    if schema.xref is not None:
        raise Conflict(f"schema {segment!r}: mirrors {schema.xref} of the registry; write to that")


def _or_none(format: str | None) -> str:
    return "none" if format is None else shortened(format)


def _target(tree: Tree, level: Level, gid: str, rid: str = "", vid: str = "") -> Target:
    group_type = tree.model.groups.get(SCHEMAGROUPS)
    type_ = tree.model.resource_type(SCHEMAGROUPS, SCHEMAS)
    if group_type is None or type_ is None:
        raise NotFound("schemagroups: the registry's model has no place for them (--model hub has)")
    return Target(level, group_type, gid, None if level is Level.GROUP else type_, rid, vid)


def _done(
    tree: Tree,
    method: Literal["PUT", "PATCH", "POST", "DELETE"],
    target: Target,
    body: Any,
    now: str,
    rules: Rules,
) -> Written:
    """A write by the registry's engine; what it refuses is told as the hub's other errors are."""
    if not is_mutable(tree.capabilities, "entities"):
        raise NotAllowed(
            f"{target.xid}: nobody can write to the registry (its capability `available`)",
            allow=("GET", "HEAD", "OPTIONS"),
        )
    try:
        return write(tree, Write(method, target, body, Flags(), now, target.xid), rules)
    except RegistryError as error:
        said = f"{error.message} {error.detail}".strip()
        raise (Conflict if error.kind in _CONFLICTS else Malformed)(said) from error
