"""The registry's entities as immutable values: a tree from the registry down to the versions.

    Tree -> groups[plural][gid]: Group -> resources[plural][rid]: Resource -> versions[vid]: Version

Nobody changes a published value; a write copies the path that it touches (see draft) and shares the
rest. Derived things are not stored: ids of parents, `self`, `xid`, URLs, counts, `isdefault`, the
default version's attributes on its resource, the mirror of an `xref`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from typing_extensions import override

from chappe.registry.model import Model

Attributes = Mapping[str, Any]
"""What is stored of an entity, by attribute name: JSON values (dict, list, str, bool, int, Decimal).

Timestamps are RFC 3339 in UTC ("…Z"). Never None: an attribute without a value is absent. A name that
begins with "." is private: no client can write it, no view or filter shows it, and a replacement of
the other attributes keeps it.
"""

T = TypeVar("T")


class Collection(Mapping[str, T], Generic[T]):
    """Entities by id: looked up case-sensitively, unique without regard to case.

    (core/spec.md "`<SINGULAR>id` (`id`) Attribute")
    """

    __slots__ = ("__weakref__", "_by_id", "_folded", "_ordered")

    def __init__(self, by_id: Mapping[str, T] | None = None) -> None:
        self._by_id: dict[str, T] = dict(by_id or {})
        self._folded: dict[str, str] | None = None
        self._ordered: tuple[str, ...] | None = None

    @override
    def __getitem__(self, id: str) -> T:
        return self._by_id[id]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    @override
    def __len__(self) -> int:
        return len(self._by_id)

    @override
    def __contains__(self, id: object) -> bool:
        return id in self._by_id

    def clash(self, id: str) -> str | None:
        """The id that equals this one but for its case, if there is one."""
        if self._folded is None:
            self._folded = {one.lower(): one for one in self._by_id}
        other = self._folded.get(id.lower())
        return None if other == id else other

    def ordered(self) -> tuple[str, ...]:
        """The ids, ascending without regard to case (core/spec.md "Sort Flag")."""
        if self._ordered is None:
            self._ordered = tuple(sorted(self._by_id, key=lambda one: (one.lower(), one)))
        return self._ordered

    def changed(self, changes: Mapping[str, T | None]) -> Collection[T]:
        """A copy in which `changes` hold; None drops an id."""
        result: Collection[T] = Collection(self._by_id)
        by_id = result._by_id
        folded = None if self._folded is None else dict(self._folded)
        for id, entity in changes.items():
            if entity is None:
                by_id.pop(id, None)
                if folded is not None:
                    folded.pop(id.lower(), None)
            else:
                by_id[id] = entity
                if folded is not None:
                    folded[id.lower()] = id
        result._folded = folded
        if self._ordered is not None and by_id.keys() == self._by_id.keys():
            result._ordered = self._ordered
        return result


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Version:
    """One version of a resource.

    `attributes` hold epoch, createdat, modifiedat, ancestorid, name, contenttype, format,
    `<R>url`, extensions …; `document` is the domain-specific document, kept byte for byte (empty
    where there is none, or where `<R>url` says where it is). `uid` is unique in the registry for ever.
    """

    id: str
    attributes: Attributes
    document: bytes = b""
    uid: int = 0


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Resource:
    """A resource: its `meta` entity and its versions.

    `meta` holds epoch, createdat, modifiedat, labels, readonly, compatibility, deprecated, xref,
    defaultversionid, defaultversionsticky, extensions. With `xref` there are no versions, and of
    meta's own attributes only epoch and createdat are kept (they matter when the xref is cleared).
    `last_id` is the highest version id that the server has generated.
    """

    id: str
    meta: Attributes
    versions: Collection[Version]
    last_id: int = 0
    uid: int = 0

    @property
    def xref(self) -> str | None:
        """The xid of the resource that this one mirrors."""
        value = self.meta.get("xref")
        return value if isinstance(value, str) else None

    @property
    def default(self) -> Version | None:
        """The default version; None where `xref` is set."""
        return self.versions.get(self.meta.get("defaultversionid", ""))


NO_RESOURCES: Collection[Resource] = Collection()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Group:
    """A group; `resources` by plural name, absent where a collection is empty."""

    id: str
    attributes: Attributes
    resources: Mapping[str, Collection[Resource]] = field(default_factory=dict)
    uid: int = 0

    def of(self, plural: str) -> Collection[Resource]:
        """The resources of a type."""
        return self.resources.get(plural, NO_RESOURCES)


NO_GROUPS: Collection[Group] = Collection()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Tree:
    """The whole registry.

    `attributes` hold registryid, epoch, createdat, modifiedat, name, labels, extensions …;
    `capabilities` is the full map (see capabilities); `modelsource` is what a client sent.
    `next_uid` is what the next entity gets.
    """

    attributes: Attributes
    model: Model
    capabilities: Mapping[str, Any]
    groups: Mapping[str, Collection[Group]] = field(default_factory=dict)
    next_uid: int = 1

    def of(self, plural: str) -> Collection[Group]:
        """The groups of a type."""
        return self.groups.get(plural, NO_GROUPS)

    def resource(self, xid: str) -> Resource | None:
        """The resource at "/GROUPS/gid/RESOURCES/rid", or None."""
        parts = xid.split("/")
        if len(parts) != 5:
            return None
        group = self.of(parts[1]).get(parts[2])
        return None if group is None else group.of(parts[3]).get(parts[4])
