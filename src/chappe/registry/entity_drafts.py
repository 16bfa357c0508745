"""Entities under way in a write: mutable copies of what the request touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from chappe.registry.entity import Attributes, Collection, Group, Resource, Version
from chappe.registry.model import GroupType, ResourceType


@dataclass(slots=True, eq=False)
class Entry:
    """An entity's attributes under way.

    `raised` tells whether its epoch has gone up already: it does so once in a request. `dated` tells
    whether the request itself sets modifiedat, so that nothing else may. `edited`: it changed, but
    in a way that does not count as an update.
    """

    before: Attributes | None
    attributes: dict[str, Any]
    raised: bool = False
    dated: bool = False
    edited: bool = False

    def touch(self, now: str, *, date: bool = True) -> None:
        """Mark as updated: a higher epoch, and modifiedat now (core/spec.md "`epoch` Attribute")."""
        if self.raised:
            return
        self.raised = True
        self.attributes["epoch"] = 1 if self.before is None else self.before.get("epoch", 0) + 1
        if date and not self.dated:
            self.attributes["modifiedat"] = now

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what was there before."""
        return self.raised or self.edited or self.before is None


@dataclass(slots=True, eq=False)
class VersionDraft:
    """A version under way.

    `asked` tells whether the request sets its attributes. `unlinked` tells that its ancestor is for
    the versionmode to choose.
    """

    id: str
    before: Version | None
    entry: Entry
    document: bytes | None
    uid: int
    asked: bool = False
    unlinked: bool = False

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes under way."""
        return self.entry.attributes

    @property
    def is_changed(self) -> bool:
        """Whether it is made or updated, or a read-only attribute of it changed."""
        before = self.before
        return (
            before is None
            or self.entry.raised
            or before.document != self.document
            or before.attributes != self.entry.attributes
        )

    def built(self) -> Version:
        """The version as a value."""
        return Version(self.id, self.entry.attributes, self.document, self.uid)


@dataclass(slots=True, eq=False)
class MetaWish:
    """What the request says of a resource's meta: its attributes, and whether they are a patch."""

    sent: dict[str, Any]
    patch: bool


@dataclass(slots=True, eq=False)
class ResourceDraft:
    """A resource under way: its meta, and the versions touched (None: deleted).

    `flag` is the value of "setdefaultversionid". `made` are the ids of versions that the request
    makes, by their lower case. `is_xref` tells whether it mirrors another at the end.
    """

    id: str
    type: ResourceType
    group: GroupDraft
    before: Resource | None
    meta: Entry
    uid: int
    last_id: int = 0
    touched: dict[str, VersionDraft | None] = field(default_factory=dict)
    wish: MetaWish | None = None
    is_xref: bool = False
    was_xref: bool = False
    flag: str | None = None
    made: dict[str, str] = field(default_factory=dict)

    @property
    def xid(self) -> str:
        """The resource's xid."""
        return f"{self.group.xid}/{self.type.plural}/{self.id}"

    @property
    def path(self) -> tuple[str, str, str, str]:
        """The resource's path in changes."""
        return (self.group.type.plural, self.group.id, self.type.plural, self.id)

    @property
    def old(self) -> Mapping[str, Version]:
        """The versions before the request."""
        return {} if self.before is None else self.before.versions

    def version(self, id: str) -> Version | VersionDraft | None:
        """A version as it is in the draft."""
        if id in self.touched:
            return self.touched[id]
        return self.old.get(id)

    def has(self, id: str) -> bool:
        """Whether there is such a version in the draft."""
        return self.version(id) is not None

    def versions(self) -> dict[str, Version | VersionDraft]:
        """All versions of the draft, by id."""
        result: dict[str, Version | VersionDraft] = dict(self.old)
        for id, one in self.touched.items():
            if one is None:
                result.pop(id, None)
            else:
                result[id] = one
        return result

    def asked(self) -> Iterator[VersionDraft]:
        """The versions whose attributes the request sets."""
        return (one for one in self.touched.values() if one is not None and one.asked)

    def opened(self, id: str) -> VersionDraft:
        """The draft of an existing version."""
        one = self.touched.get(id)
        if one is None:
            version = self.old[id]
            entry = Entry(version.attributes, dict(version.attributes))
            one = VersionDraft(id, version, entry, version.document, version.uid)
            self.touched[id] = one
        return one

    def size(self) -> int:
        """How many versions there are in the draft."""
        old = self.old
        count = len(old)
        for id, one in self.touched.items():
            count += (one is not None) - (id in old)
        return count

    def built(self) -> Resource:
        """The resource as a value."""
        changes = {
            id: None if one is None else one.built()
            for id, one in self.touched.items()
            if one is None or one.is_changed
        }
        if self.before is None:
            versions: Collection[Version] = Collection(
                {id: one for id, one in changes.items() if one is not None}
            )
        elif not changes and not self.meta.is_changed:
            return self.before
        else:
            versions = self.before.versions.changed(changes) if changes else self.before.versions
        return Resource(self.id, self.meta.attributes, versions, self.last_id, self.uid)


@dataclass(slots=True, eq=False)
class GroupDraft:
    """A group under way, and its resources that are touched (None: deleted), by plural name."""

    id: str
    type: GroupType
    before: Group | None
    entry: Entry
    uid: int
    resources: dict[str, dict[str, ResourceDraft | None]] = field(default_factory=dict)
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: bool = False

    @property
    def xid(self) -> str:
        """The group's xid."""
        return f"/{self.type.plural}/{self.id}"

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes under way."""
        return self.entry.attributes

    def of(self, plural: str) -> Collection[Resource]:
        """The resources of a type before the request."""
        return Collection() if self.before is None else self.before.of(plural)

    def built(self) -> Group:
        """The group as a value."""
        resources = {} if self.before is None else dict(self.before.resources)
        same = self.before is not None and not self.entry.is_changed
        for plural, touched in self.resources.items():
            changes = differing(
                touched, {id: one.before if one else None for id, one in touched.items()}
            )
            if changes:
                same = False
                put_collection(
                    resources, plural, resources.get(plural, Collection()).changed(changes)
                )
        if same and self.before is not None:
            return self.before
        return Group(self.id, self.entry.attributes, resources, self.uid)


B = TypeVar("B", covariant=True)
E = TypeVar("E", Group, Resource)


class _Buildable(Protocol[B]):
    def built(self) -> B: ...


def differing(
    touched: Mapping[str, _Buildable[B] | None], before: Mapping[str, B | None]
) -> dict[str, B | None]:
    """What differs from before, by id; None: it is gone."""
    result: dict[str, B | None] = {}
    for id, one in touched.items():
        built = None if one is None else one.built()
        if built is None or built is not before[id]:
            result[id] = built
    return result


def put_collection(
    collections: dict[str, Collection[E]], plural: str, collection: Collection[E]
) -> None:
    """Keep a collection, or its absence where it is empty."""
    if collection:
        collections[plural] = collection
    else:
        collections.pop(plural, None)
