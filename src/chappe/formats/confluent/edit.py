"""A write of the Confluent API to the registry: steps upon a tree that become one transaction.

Entities are made, changed and dropped by the registry's own engine, so its rules hold; what is the
API's alone is put into private attributes afterwards.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from chappe.formats.confluent.errors import InvalidSchema, Refused, incompatible, not_permitted
from chappe.formats.confluent.index import (
    PRIVATE,
    SCHEMAGROUPS,
    SCHEMAS,
    Context,
    Entry,
    Index,
    Place,
    Subject,
    fingerprint,
)
from chappe.formats.confluent.known_formats import KnownFormats
from chappe.formats.confluent.marks import image_at, marked_at, path_of, with_marks
from chappe.formats.confluent.names import (
    GLOBAL,
    Name,
    context_of,
    group_ids,
    subject_ids,
    subject_of,
)
from chappe.formats.confluent.parsing import Parser, Resolved
from chappe.formats.confluent.projection import project_schemas
from chappe.formats.confluent.settings import NOTHING_SET, Settings
from chappe.registry.entity import Collection, Resource
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.lineage import ancestor
from chappe.registry.request import ABSENT, Change, DocumentWrite, Rules, Write, Written
from chappe.registry.target import Level, Target
from chappe.registry.write import write
from chappe.registry.xref import remember_sources

T = TypeVar("T")

MIXED: Final = "Mixed/1.0"
"""The format that versions in different formats share: in the registry a schema has one format."""

_CONTENT_TYPES: Final[Mapping[str, str]] = {
    "AVRO": "application/vnd.apache.avro+json",
    "JSON": "application/schema+json",
    "PROTOBUF": "text/x-protobuf",
}


class Edit:
    """A tree under way; `index` is always of it, `now_ms` the time of all steps."""

    def __init__(self, index: Index, now: str, rules: Rules, parser: Parser) -> None:
        self.index = index
        self._known = KnownFormats(rules.formats, parser)
        self.now_ms = round(datetime.fromisoformat(now).timestamp() * 1000)
        self._now = now
        self._rules = replace(rules, formats=self._known)
        self._type_of = parser.type_of
        self._tree = index.tree
        self._changes: dict[tuple[str, ...], Change] = {}

    def written(self) -> Written:
        """What came of it."""
        changes = [
            one for one in self._changes.values() if one.before is not None or one.after is not None
        ]
        return Written(self._tree, changes, None)

    def attempt(self, do: Callable[[], T]) -> T:
        """Do steps, or, where they are refused, none of them.

        Raises:
            Refused: they are.
        """
        was = self.index, self._tree, dict(self._changes)
        try:
            return do()
        except Refused:
            self.index, self._tree, self._changes = was
            raise

    def context(self, name: str) -> Context:
        """A context, made where it is not there."""
        found = self.index.context(name)
        if found is not None:
            return found
        gid = self._free(group_ids(name), self._tree.of(SCHEMAGROUPS))
        self._do("PUT", self._target(Level.GROUP, gid), {})
        private: dict[str, Any] = {}
        if context_of(gid) != name:
            private["context"] = name
        next_ids = self._tree.attributes.get(PRIVATE, {}).get("nextids", {})
        if name in next_ids:
            private["nextid"] = next_ids[name]
        if private:
            self._mark((SCHEMAGROUPS, gid), private)
        self._project()
        return self.index.contexts[name]

    def add_version(
        self, name: Name, number: int, document: bytes, sent: Resolved, marks: Mapping[str, Any]
    ) -> Entry:
        """Make a version of a subject, which is made where it is not there; its entry."""
        type_, format_ = sent.content.type, self._known.add(document, sent)
        context = self.context(name.context)
        subject = self.index.subject(name)
        place = self._place(context, name) if subject is None else subject.place
        resource = self._resource(place)
        others = () if subject is None else subject.versions
        for one in others:
            self._known.add_entry(one)
        headers: dict[str, Any] = {"format": self._agreed(place, resource, format_)}
        earlier = [one.source.id for one in others if one.version < number]
        later = [one.source.id for one in others if one.version > number]
        headers["ancestorid"] = earlier[-1] if earlier else str(number)
        body = DocumentWrite(document, headers, _CONTENT_TYPES.get(type_))
        self._do("PUT", self._target(Level.VERSION, *place, str(number)), body)
        if later:
            target = replace(self._target(Level.VERSION, *place, later[0]), details=True)
            self._do("PATCH", target, {"ancestorid": str(number)})
        private = {"type": type_, "of": fingerprint(document), "ts": self.now_ms, **marks}
        self._mark((*path_of(place), str(number)), private)
        if resource is None:
            self._adopt(context, name, place)
        if int(marks["id"]) >= context.next_id:
            self._mark_group(context, nextid=int(marks["id"]) + 1)
        self._project()
        made = self.index.subject(name)
        entry = None if made is None else made.version(number)
        assert entry is not None, name
        return entry

    def number(self, place: Place, id: str, marks: Mapping[str, Any], next_id: int) -> None:
        """Give a version that the registry's own API made its marks."""
        self._mark((*path_of(place), id), marks)
        context = next(one for one in self.index.contexts.values() if one.gid == place[0])
        if next_id > context.next_id:
            self._mark_group(context, nextid=next_id)
        self._project()

    def mark_version(self, entry: Entry, **marks: Any) -> None:
        """Change the marks of a version; None takes one away."""
        self._mark(self._version_path(entry), with_marks(entry.private, marks))
        self._project()

    def drop_version(self, entry: Entry) -> None:
        """Delete a version for good; its number is not given again while there are others."""
        subject = self.index.subject(entry.name)
        assert subject is not None
        path = self._version_path(entry)
        place = subject.place
        resource = self._resource(place)
        assert resource is not None
        for one in subject.versions:
            self._known.add_entry(one)
        if len(resource.versions) == 1:
            self._do("DELETE", self._target(Level.RESOURCE, *place), ABSENT)
        else:
            self._bridge(place, resource, path[-1])
            self._do("DELETE", self._target(Level.VERSION, *place, path[-1]), ABSENT)
            if entry.version == subject.last_version:
                private = with_marks(self._meta(place), {"lastversion": entry.version})
                self._mark(path_of(place), private)
        self._project()

    def rule(self, name: Name) -> str | None:
        """The compatibility rule that the registry has for a subject, such as "backward"."""
        subject = self.index.subject(name)
        resource = None if subject is None else self._resource(subject.place)
        rule = None if resource is None else resource.meta.get("compatibility")
        return rule if isinstance(rule, str) else None

    def settle_default(self, name: Name) -> None:
        """Make the latest version that is not deleted the schema's default one in the registry.

        A default that somebody chose in the registry stays.
        """
        subject = self.index.subject(name)
        latest = None if subject is None else subject.latest
        if subject is None or latest is None:
            return
        resource, private = self._resource(subject.place), self._meta(subject.place)
        assert resource is not None
        is_own = private.get("sticky") is True
        if latest is subject.versions[-1]:
            wish: dict[str, Any] = {"defaultversionsticky": False}
            if not is_own:
                return
        else:
            wish = {"defaultversionid": latest.source.id, "defaultversionsticky": True}
            is_fixed = resource.meta.get("defaultversionsticky") is True and not is_own
            if is_fixed or resource.meta.get("defaultversionid") == latest.source.id:
                return
        self._do("PATCH", self._target(Level.META, *subject.place), wish)
        sticky = wish["defaultversionsticky"] or None
        self._mark(path_of(subject.place), with_marks(private, {"sticky": sticky}))
        self._project()

    def drop_subject(self, subject: Subject) -> None:
        """Delete a subject and all that was set for it, for good."""
        self._do("DELETE", self._target(Level.RESOURCE, *subject.place), ABSENT)
        self._project()

    def drop_context(self, context: Context) -> None:
        """Delete a context; its ids are not given again."""
        self._do("DELETE", self._target(Level.GROUP, context.gid), ABSENT)
        own = self._tree.attributes.get(PRIVATE, {})
        next_ids = {**own.get("nextids", {}), context.name: context.next_id}
        self._mark((), with_marks(own, {"nextids": next_ids}))
        self._project()

    def set(self, name: Name, settings: Settings) -> None:
        """Set what holds in a scope; nothing: it says nothing any more."""
        stored = settings.stored()
        changes = {"config": stored.get("config"), "mode": stored.get("mode")}
        subject = self.index.subject(name)
        if name.is_default:
            self._mark((), with_marks(self._tree.attributes.get(PRIVATE, {}), changes))
        elif name == Name(GLOBAL):
            own = self._tree.attributes.get(PRIVATE, {})
            self._mark((), with_marks(own, {"global": stored or None}))
        elif not name.subject:
            self._mark_group(self.context(name.context), **changes)
        elif subject is not None:
            self._mark(path_of(subject.place), with_marks(self._meta(subject.place), changes))
        else:
            context = self.context(name.context)
            pending = {key: one.stored() for key, one in context.pending.items()}
            pending = with_marks(pending, {name.subject: stored or None})
            self._mark_group(context, subjects=pending or None)
        self._project()

    def associate(self, subject: Subject, associations: Sequence[Mapping[str, Any]]) -> None:
        """Set what a subject belongs to."""
        private = with_marks(
            self._meta(subject.place), {"associations": list(associations) or None}
        )
        self._mark(path_of(subject.place), private)
        self._project()

    # The registry's engine

    def _do(self, method: Literal["PUT", "PATCH", "DELETE"], target: Target, body: Any) -> None:
        request = Write(method, target, body, Flags(), self._now, target.xid)
        try:
            written = write(self._tree, request, self._rules)
        except RegistryError as error:
            raise _refused(error) from error
        self._tree = written.tree
        for change in written.changes:
            self._note(change)

    def _target(self, level: Level, gid: str, rid: str = "", vid: str = "") -> Target:
        group_type = self._tree.model.groups.get(SCHEMAGROUPS)
        type_ = self._tree.model.resource_type(SCHEMAGROUPS, SCHEMAS)
        if group_type is None or type_ is None:
            raise Refused(
                500, 50001, "the registry's model has no place for schemas (--model hub has)"
            )
        return Target(level, group_type, gid, type_ if rid else None, rid, vid)

    def _agreed(self, place: Place, resource: Resource | None, format: str) -> str:
        """The format that all versions can have: that of this one, or one that says it is none."""
        if resource is None:
            return format
        others = {id: str(one.attributes["format"]) for id, one in resource.versions.items()}
        present = next(iter(others.values()))
        if present in (format, MIXED):
            return present
        body = {
            id: {
                "format": MIXED,
                "schemabase64": base64.b64encode(resource.versions[id].document or b"").decode(),
            }
            for id in others
        }
        self._do("PATCH", self._target(Level.VERSIONS, *place), body)
        return MIXED

    def _bridge(self, place: Place, resource: Resource, gone: str) -> None:
        """Link what follows a version that goes to the one before it."""
        before = ancestor(gone, resource.versions[gone])
        for id, one in resource.versions.items():
            if id != gone and ancestor(id, one) == gone:
                target = replace(self._target(Level.VERSION, *place, id), details=True)
                self._do("PATCH", target, {"ancestorid": id if before == gone else before})

    # Private attributes

    def _mark(self, path: tuple[str, ...], private: Mapping[str, Any]) -> None:
        """Replace an entity's private attribute."""
        before = image_at(self._tree, path)
        assert before is not None, path
        marked = marked_at(self._tree, path, private)
        change = Change(path, before, image_at(marked, path))
        remember_sources(self._tree, marked, (change,))
        self._tree = marked
        self._note(change)

    def _mark_group(self, context: Context, **changes: Any) -> None:
        path = (SCHEMAGROUPS, context.gid)
        group = self._tree.of(SCHEMAGROUPS)[context.gid]
        self._mark(path, with_marks(group.attributes.get(PRIVATE, {}), changes))

    def _adopt(self, context: Context, name: Name, place: Place) -> None:
        """Take over what was set for a subject before it had versions."""
        private: dict[str, Any] = {}
        if subject_of(place[1]) != name.subject:
            private["subject"] = name.subject
        pending = dict(context.pending)
        settings = pending.pop(name.subject, NOTHING_SET)
        private |= settings.stored()
        if private:
            self._mark(path_of(place), private)
        if not settings.is_empty:
            stored = {key: one.stored() for key, one in pending.items()}
            self._mark_group(context, subjects=stored or None)

    def _note(self, change: Change) -> None:
        first = self._changes.get(change.path, change)
        self._changes[change.path] = Change(change.path, first.before, change.after)

    def _project(self) -> None:
        self.index = project_schemas(self.index, self._tree, self._type_of, self._changes.values())

    # Where things are

    def _place(self, context: Context, name: Name) -> Place:
        """Where a subject that is not there yet will be."""
        schemas = self._tree.of(SCHEMAGROUPS)[context.gid].of(SCHEMAS)
        return context.gid, self._free(subject_ids(name.subject), schemas)

    def _free(self, ids: Sequence[str], taken: Collection[Any]) -> str:
        for id in ids:
            if id not in taken and taken.clash(id) is None:
                return id
        raise not_permitted(f"the registry has another entity of the id '{ids[-1]}'")

    def _resource(self, place: Place) -> Resource | None:
        group = self._tree.of(SCHEMAGROUPS).get(place[0])
        return None if group is None else group.of(SCHEMAS).get(place[1])

    def _meta(self, place: Place) -> Mapping[str, Any]:
        resource = self._resource(place)
        assert resource is not None, place
        private: Mapping[str, Any] = resource.meta.get(PRIVATE, {})
        return private

    def _version_path(self, entry: Entry) -> tuple[str, ...]:
        subject = self.index.subject(entry.name)
        assert subject is not None, entry.name
        return *path_of(subject.place), entry.source.id


def _refused(error: RegistryError) -> Refused:
    """What the registry's rules refuse, in the API's words."""
    said = f"{error.message} {error.detail}".strip()
    match error.kind:
        case "compatibility_violation":
            return incompatible(error.subject, said)
        case "format_violation":
            return InvalidSchema(said)
        case _:
            return not_permitted(said)
