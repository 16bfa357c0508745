"""Making the index of a tree: of nothing, or out of that of another tree and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from chappe.formats.confluent.index import (
    PRIVATE,
    SCHEMAGROUPS,
    SCHEMAS,
    Context,
    Entry,
    Index,
    Place,
    Subject,
    TypeOf,
    fingerprint,
)
from chappe.formats.confluent.names import Name, context_of, subject_of
from chappe.formats.confluent.settings import read_settings
from chappe.formats.confluent.shared_map import SharedMap
from chappe.registry.entity import Collection, Group, Resource, Tree, Version
from chappe.registry.request import Change

_SCHEMA: Final = 4
"""The length of a schema's path."""

T = TypeVar("T")


def project_schemas(
    before: Index | None, tree: Tree, type_of: TypeOf, changes: Iterable[Change] | None = None
) -> Index:
    """The index of a tree, out of that of an earlier (or later) one where there is one.

    `changes` are all that happened in between; without them the trees are compared.
    """
    if before is not None and before.tree is tree:
        return before
    if before is None:
        return _Projection(Index(Tree({}, tree.model, {})), tree, type_of, None).made()
    touched: dict[str, dict[str, None]] | None = None
    if changes is not None:
        touched = {}
        for change in changes:
            if change.path[:1] == (SCHEMAGROUPS,):
                group = touched.setdefault(change.path[1], {})
                if len(change.path) >= _SCHEMA:
                    group[change.path[3]] = None
    return _Projection(before, tree, type_of, touched).made()


class _Projection:
    """Gathers what each changed schema takes out of the index, and puts into it."""

    def __init__(
        self,
        before: Index,
        tree: Tree,
        type_of: TypeOf,
        touched: Mapping[str, Mapping[str, None]] | None,
    ) -> None:
        self._before = before
        self._tree = tree
        self._type_of = type_of
        self._touched = touched
        self._kept: dict[int, Entry] = {}
        self._contexts: dict[str, Context] = {}
        self._of_group: dict[str, str] = {one.gid: one.name for one in before.contexts.values()}
        self._subjects: dict[str, dict[str, Subject | None]] = {}
        self._ids: dict[str, dict[int, list[Entry]]] = {}
        self._contents: dict[str, dict[tuple[str, str], list[Entry]]] = {}
        self._references: dict[tuple[Name, int], list[Entry]] = {}
        self._places: dict[Place, Name | None] = {}
        self._unnumbered = dict(before.unnumbered)
        self._associated = dict(before.associated)

    def made(self) -> Index:
        """The index of the tree."""
        old, new = self._before.tree.of(SCHEMAGROUPS), self._tree.of(SCHEMAGROUPS)
        changed = list(differing(old, new, self._touched))
        # What goes first makes room for what comes under its name.
        for gid, was, is_ in changed:
            for rid, resource, _ in self._differing(gid, was, is_):
                if resource is not None:
                    self._drop((gid, rid))
        for gid, _, is_ in changed:
            if is_ is not None:
                context = _context_name(is_)
                self._of_group[gid] = context
                self._contexts[context] = self._context(context, is_)
        for gid, was, is_ in changed:
            for rid, _, resource in self._differing(gid, was, is_):
                if resource is not None:
                    self._add((gid, rid), resource)
        contexts = {
            name: one for name, one in self._before.contexts.items() if one.gid in new
        } | self._contexts
        for name in self._subjects.keys() | self._ids.keys():
            if name in contexts:
                contexts[name] = self._filled(contexts[name])
        return Index(
            self._tree,
            contexts,
            self._before.places.changed(self._places),
            self._before.references.changed(_tuples(self._references)),
            self._unnumbered,
            self._associated,
        )

    def _differing(
        self, gid: str, was: Group | None, is_: Group | None
    ) -> Iterable[tuple[str, Resource | None, Resource | None]]:
        touched = None if self._touched is None else self._touched[gid]
        if was is None or is_ is None:
            touched = None
        return differing(_schemas(was), _schemas(is_), touched)

    def _context(self, name: str, group: Group) -> Context:
        private = group.attributes.get(PRIVATE, {})
        present = self._before.contexts.get(name) or Context(name, group.id, 1)
        return Context(
            name,
            group.id,
            private.get("nextid", 1),
            read_settings(private),
            {subject: read_settings(one) for subject, one in private.get("subjects", {}).items()},
            present.subjects,
            present.ids,
            present.contents,
        )

    def _filled(self, context: Context) -> Context:
        return Context(
            context.name,
            context.gid,
            context.next_id,
            context.settings,
            context.pending,
            context.subjects.changed(self._subjects.get(context.name, {})),
            context.ids.changed(_tuples(self._ids.get(context.name, {}))),
            context.contents.changed(_tuples(self._contents.get(context.name, {}))),
        )

    def _drop(self, place: Place) -> None:
        self._unnumbered.pop(place, None)
        name = self._before.places.find(place)
        if name is None:
            return
        subject = self._before.subject(name)
        self._places[place] = None
        self._subjects.setdefault(name.context, {})[name.subject] = None
        self._associated.pop(name, None)
        for one in () if subject is None else subject.versions:
            self._kept[one.uid] = one
            for entries in self._lists(name.context, one):
                entries.remove(one)

    def _add(self, place: Place, resource: Resource) -> None:
        context = self._of_group[place[0]]
        private = resource.meta.get(PRIVATE, {})
        name = Name(context, private.get("subject") or subject_of(place[1]))
        versions: list[Entry] = []
        unnumbered: list[str] = []
        for id, one in resource.versions.items():
            found = self._entry(name, id, one)
            if isinstance(found, Entry):
                versions.append(found)
            elif found:
                unnumbered.append(id)
        if unnumbered:
            self._unnumbered[place] = unnumbered
        if not versions:
            return
        versions.sort(key=lambda one: one.version)
        subject = Subject(
            name,
            name.text,
            place,
            versions,
            next((one for one in reversed(versions) if not one.deleted), None),
            read_settings(private),
            private.get("associations", ()),
            max(private.get("lastversion", 0), versions[-1].version),
        )
        self._places[place] = name
        self._subjects.setdefault(context, {})[name.subject] = subject
        if subject.associations:
            self._associated[name] = subject
        for entry in versions:
            for entries in self._lists(context, entry):
                entries.append(entry)

    def _entry(self, name: Name, id: str, one: Version) -> Entry | bool:
        """The entry of a version; True where it needs an id, False where it can have none."""
        private = one.attributes.get(PRIVATE, {})
        type_ = private.get("type") or self._type_of(str(one.attributes.get("format", "")))
        number = private.get("version") or _number(id)
        if type_ is None or not one.document:
            return False
        if private.get("of") != fingerprint(one.document):
            # Without a mark, or with that of a document that was replaced in the registry.
            return self._type_of(str(one.attributes.get("format", ""))) is not None
        if "id" not in private or number is None:
            return False
        kept = self._kept.get(one.uid)
        if kept is not None and kept.source is one and kept.name == name:
            return kept
        return Entry(name, number, type_, one)

    def _lists(self, context: str, one: Entry) -> Iterator[list[Entry]]:
        """The lists that an entry is in."""
        present = self._before.contexts.get(context)
        ids, contents = (None, None) if present is None else (present.ids, present.contents)
        yield _opened(self._ids.setdefault(context, {}), one.id, ids)
        yield _opened(self._contents.setdefault(context, {}), one.key, contents)
        for reference in one.references:
            key = (one.name.beside(reference.subject), reference.version)
            yield _opened(self._references, key, self._before.references)


def _opened(
    lists: dict[Any, list[Entry]], key: Any, present: SharedMap[Any, tuple[Entry, ...]] | None
) -> list[Entry]:
    if key not in lists:
        lists[key] = list((present.find(key) if present is not None else None) or ())
    return lists[key]


def _tuples(lists: Mapping[Any, list[Entry]]) -> dict[Any, tuple[Entry, ...] | None]:
    return {
        key: tuple(sorted(one, key=lambda entry: entry.uid)) or None for key, one in lists.items()
    }


def differing(
    old: Mapping[str, T],
    new: Mapping[str, T],
    touched: Mapping[str, object] | None = None,
) -> Iterable[tuple[str, T | None, T | None]]:
    """What is another object, or on one side only: (id, before, after); of `touched` alone."""
    if old is new:
        return
    if touched is not None:
        for id in touched:
            was, is_ = old.get(id), new.get(id)
            if was is not is_:
                yield id, was, is_
        return
    for id, one in old.items():
        other = new.get(id)
        if other is not one:
            yield id, one, other
    for id, one in new.items():
        if id not in old:
            yield id, None, one


def _schemas(group: Group | None) -> Collection[Resource]:
    return Collection() if group is None else group.of(SCHEMAS)


def _context_name(group: Group) -> str:
    private = group.attributes.get(PRIVATE, {})
    return private.get("context") or context_of(group.id)


def _number(id: str) -> int | None:
    """The number of a version that the registry's own API made."""
    return int(id) if id.isascii() and id.isdigit() and id[0] != "0" and len(id) < 10 else None
