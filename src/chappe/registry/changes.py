"""What a write changed, as announcements: the events of change of core/events.md. Pure.

    PATCH /dirs/d1/files/f1 {"name": "foo"}  ->
        ("io.xregistry.resource.updated", "/dirs/d1/files/f1", ("epoch", "modifiedat", "name"))
        ("io.xregistry.version.updated", "/dirs/d1/files/f1/versions/v1", ("epoch", …))

They are worked out from the images before and after, so whatever a request did on its way, only its
net effect is told. Where events.md contradicts itself: a `created` event has no `changed` ("Entity
Events" of resources asks for one, "data" forbids it), and the parent of a resource is its group
(which "resource Events" calls the registry, unlike "group Events").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from chappe.registry.entity import Group, Resource, Tree, Version
from chappe.registry.request import Change, Written
from chappe.registry.transaction import Announcement


class Action(IntEnum):
    """What happened to an entity; of several the greatest is told (events.md "Event Definition")."""

    UPDATED = 1
    CREATED = 2
    DELETED = 3


TYPES: Final[Mapping[tuple[str, Action], str]] = {
    ("registry", Action.UPDATED): "io.xregistry.registry.updated",
    ("model", Action.UPDATED): "io.xregistry.model.updated",
    ("modelsource", Action.UPDATED): "io.xregistry.modelsource.updated",
    ("capabilities", Action.UPDATED): "io.xregistry.capabilities.updated",
    ("group", Action.CREATED): "io.xregistry.group.created",
    ("group", Action.UPDATED): "io.xregistry.group.updated",
    ("group", Action.DELETED): "io.xregistry.group.deleted",
    ("resource", Action.CREATED): "io.xregistry.resource.created",
    ("resource", Action.UPDATED): "io.xregistry.resource.updated",
    ("resource", Action.DELETED): "io.xregistry.resource.deleted",
    ("version", Action.CREATED): "io.xregistry.version.created",
    ("version", Action.UPDATED): "io.xregistry.version.updated",
    ("version", Action.DELETED): "io.xregistry.version.deleted",
}
"""The events' types by entity and action."""

DEPRECATION: Final[Mapping[str, str]] = {
    "group": "io.xregistry.group.deprecation",
    "resource": "io.xregistry.resource.deprecation",
}
"""The types of the events that come in addition."""

ENTITIES: Final[Mapping[int, str]] = {0: "registry", 2: "group", 4: "resource", 5: "version"}
"""By the length of a change's path."""

Path = tuple[str, ...]

_RESOURCE: Final = 4


def events_of(before: Tree, written: Written) -> list[Announcement]:
    """The events that a write owes, upon the tree that it was made upon.

    Entities in the order of their paths, parents first, the registry's own before all; always the
    same for the same two trees and changes. `changed` is sorted.
    """
    account = _Account(before, written.tree)
    for change in written.changes:
        account.take(change)
    return account.announcements()


@dataclass(slots=True)
class _Subject:
    """What is known of one entity so far; `deprecated` None: nothing there changed."""

    action: Action = Action.UPDATED
    changed: set[str] = field(default_factory=set)
    deprecated: set[str] | None = None


class _Account:
    """Gathers what each subject has to tell."""

    def __init__(self, before: Tree, after: Tree) -> None:
        self._before = before
        self._after = after
        self._subjects: dict[Path, _Subject] = {}
        self._special: list[Announcement] = []

    def take(self, change: Change) -> None:
        """Note what a change means for its entity and for its parent."""
        subject = self._subject(change.path)
        match change.before, change.after:
            case Tree() as old, Tree() as new:
                self._registry(old, new, subject.changed)
            case (_, None):
                # Also what was made and dropped within the request: precedence asks for `deleted`.
                subject.action = Action.DELETED
                self._tell_parent(change.path)
            case (None, new):
                subject.action = max(subject.action, Action.CREATED)
                subject.deprecated = _deprecated_names({}, _metadata(new))
                self._tell_parent(change.path)
            case Group() as old, Group() as new:
                subject.changed |= _differing(old.attributes, new.attributes)
                subject.deprecated = _deprecated_names(old.attributes, new.attributes)
            case Resource() as old, Resource() as new:
                subject.changed |= _in_meta(_differing(old.meta, new.meta))
                subject.deprecated = _deprecated_names(old.meta, new.meta)
            case Version() as old, Version() as new:
                subject.changed |= self._edited(old, new, change.path)
            case old, new:
                raise TypeError(f"{change.path}: a {type(old).__name__} became a {new!r}")

    def announcements(self) -> list[Announcement]:
        """Everything taken, told."""
        for path in {path[:_RESOURCE] for path in self._subjects if len(path) >= _RESOURCE}:
            self._subject(path).changed |= self._by_default_version(path)
        told: list[Announcement] = []
        for path in sorted(self._subjects):
            told += _told(path, self._subjects[path])
            if not path:
                told += self._special
        return told

    def _subject(self, path: Path) -> _Subject:
        return self._subjects.setdefault(path, _Subject())

    def _registry(self, old: Tree, new: Tree, changed: set[str]) -> None:
        """The registry's own attributes, and the three entities that have no path of their own."""
        changed |= _differing(old.attributes, new.attributes)
        capabilities = _differing(old.capabilities, new.capabilities)
        for name, differs, details in (
            ("model", not _same(old.model.full, new.model.full), None),
            ("modelsource", not _same(old.model.source, new.model.source), None),
            ("capabilities", bool(capabilities), tuple(sorted(capabilities))),
        ):
            if differs:
                changed.add(name)
                event = TYPES[name, Action.UPDATED]
                self._special.append(Announcement(event, f"/{name}", details))

    def _tell_parent(self, path: Path) -> None:
        """A child came or went: the parent's collection changed."""
        match path:
            case (groups, _):
                names = {"epoch", "modifiedat", groups, f"{groups}count"}
            case (_, _, resources, _):
                names = {"epoch", "modifiedat", resources, f"{resources}count"}
            case _:
                names = {"meta.epoch", "meta.modifiedat", "versions", "versionscount"}
        parent = path[:-1] if len(path) > _RESOURCE else path[:-2]
        self._subject(parent).changed |= names

    def _by_default_version(self, path: Path) -> set[str]:
        """What a resource shows otherwise because of its default version.

        A moved pointer lists everything that the old and the new one hold (events.md "data").
        """
        before, after = _resource(self._before, path), _resource(self._after, path)
        if before is None or after is None:
            return set()
        old, new = before.default, after.default
        if old is not None and new is not None and old.id == new.id:
            return self._edited(old, new, path)
        return {name for one in (old, new) if one is not None for name in self._all(one, path)}

    def _edited(self, old: Version, new: Version, path: Path) -> set[str]:
        if old is new:
            return set()
        names = _differing(old.attributes, new.attributes)
        name = self._document_name(path)
        if _document(old, name) != _document(new, name):
            names.add(name)
        return names

    def _all(self, version: Version, path: Path) -> set[str]:
        """The names of everything that a resource takes over from its default version.

        Not its id, self, shortself and xid: a resource has its own (spec.md "Resource Entity").
        """
        names = {one for one in version.attributes if not one.startswith(".")}
        name = self._document_name(path)
        if _document(version, name) is not None:
            names.add(name)
        return names | {"versionid", "isdefault"}

    def _document_name(self, path: Path) -> str:
        """The attribute that holds the document: the singular name of the type."""
        for model in (self._after.model, self._before.model):
            type_ = model.resource_type(path[0], path[2])
            if type_ is not None:
                return type_.singular
        return path[2]


def _told(path: Path, subject: _Subject) -> Iterable[Announcement]:
    entity, xid = ENTITIES[len(path)], xid_of(path)
    if subject.action is not Action.UPDATED:
        # events.md "data": `changed` must not be there.
        yield Announcement(TYPES[entity, subject.action], xid)
    elif subject.changed:
        changed = tuple(sorted(subject.changed))
        yield Announcement(TYPES[entity, Action.UPDATED], xid, changed)
    if subject.deprecated is not None and subject.action is not Action.DELETED:
        yield Announcement(DEPRECATION[entity], xid, tuple(sorted(subject.deprecated)))


def xid_of(path: Path) -> str:
    """("dirs", "d1", "files", "f1", "v1") -> "/dirs/d1/files/f1/versions/v1"; () -> "/"."""
    below = ("versions", *path[_RESOURCE:]) if len(path) > _RESOURCE else ()
    return "/" + "/".join((*path[:_RESOURCE], *below))


def _resource(tree: Tree, path: Path) -> Resource | None:
    group = tree.of(path[0]).get(path[1])
    return None if group is None else group.of(path[2]).get(path[3])


def _document(version: Version, name: str) -> bytes | None:
    """The document where it is here, and not where `<R>url` says."""
    return None if f"{name}url" in version.attributes else version.document


def _metadata(image: Tree | Group | Resource | Version | None) -> Mapping[str, Any]:
    """Where an entity's `deprecated` stands, if it can have one."""
    match image:
        case Group(attributes=attributes):
            return attributes
        case Resource(meta=meta):
            return meta
        case _:
            return {}


def _deprecated_names(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str] | None:
    """The attributes of `deprecated` that differ; None when it is as it was."""
    was, is_ = old.get("deprecated"), new.get("deprecated")
    if _same(was, is_):
        return None
    return _differing(was or {}, is_ or {})


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """The names that were added, changed or dropped, but for private ones."""
    if old is new:
        return set()
    return {
        name
        for name in old.keys() | new.keys()
        if not name.startswith(".")
        and (name not in old or name not in new or not _same(old[name], new[name]))
    }


def _in_meta(names: Iterable[str]) -> set[str]:
    return {f"meta.{name}" for name in names}


def _same(old: object, new: object) -> bool:
    """Whether two JSON values are the same; unlike `==`, true is not 1."""
    if old is new:
        return True
    match old, new:
        case Mapping(), Mapping():
            return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
        case (list() | tuple(), list() | tuple()):
            return len(old) == len(new) and all(map(_same, old, new))
        case _:
            return type(old) is type(new) and old == new
