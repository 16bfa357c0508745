"""The registry's entities as immutable values: a tree from the registry down to the versions.

    Tree -> groups[plural][gid]: Group -> resources[plural][rid]: Resource -> versions[vid]: Version

Nobody changes a published value; a write copies the path that it touches (see draft) and shares the
rest. Derived things are not stored: ids of parents, `self`, `xid`, URLs, counts, `isdefault`, the
default version's attributes on its resource, the mirror of an `xref`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from typing_extensions import override

from chappe.registry.model import Model

Attributes = Mapping[str, Any]
"""What is stored of an entity, by attribute name: JSON values (dict, list, str, bool, int, Decimal).

Timestamps are RFC 3339 in UTC ("…Z"). Never None: an attribute without a value is absent. A name that
begins with "." is private: no client can write it, no view or filter shows it, and a replacement of
the other attributes keeps it.
"""

OWN_TEXTS: Final = frozenset({"name", "description", "documentation", "icon"})
"""Attributes whose texts are hardly ever those of another entity."""

T = TypeVar("T")

Kept: TypeAlias = tuple[object, frozenset[str]]
"""What was made of a collection (see columns), and the ids that were moved since."""


class Collection(Mapping[str, T], Generic[T]):
    """Entities by id: looked up case-sensitively, unique without regard to case.

    (core/spec.md "`<SINGULAR>id` (`id`) Attribute")
    """

    __slots__ = ("__weakref__", "_by_id", "_folded", "_ordered", "kept")

    def __init__(self, by_id: Mapping[str, T] | None = None) -> None:
        self._by_id: dict[str, T] = dict(by_id or {})
        self._folded: dict[str, str] | None = None
        self._ordered: tuple[str, ...] | None = None
        self.kept: Kept | None = None

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

    @override
    def items(self) -> ItemsView[str, T]:
        return self._by_id.items()

    @override
    def values(self) -> ValuesView[T]:
        return self._by_id.values()

    def find(self, id: str) -> T | None:
        """The entity of an id, or None; what `get` does, without its detour over KeyError."""
        return self._by_id.get(id)

    def clash(self, id: str) -> str | None:
        """The id that equals this one but for its case, if there is one."""
        if self._folded is None:
            self._folded = self._fold()
        other = self._folded.get(id.lower())
        if other is not None and other not in self._by_id:
            # Of an id that is gone, or of a write that was dropped.
            self._folded = self._fold()
            other = self._folded.get(id.lower())
        return None if other == id else other

    def ordered(self) -> tuple[str, ...]:
        """The ids, ascending without regard to case (core/spec.md "Sort Flag")."""
        if self._ordered is None:
            self._ordered = tuple(sorted(self._by_id, key=id_key))
        return self._ordered

    def changed(self, changes: Mapping[str, T | None]) -> Collection[T]:
        """A copy in which `changes` hold; None drops an id."""
        result: Collection[T] = Collection(self._by_id)
        by_id = result._by_id
        added = [id for id, one in changes.items() if one is not None and id not in by_id]
        dropped = [id for id, one in changes.items() if one is None and id in by_id]
        for id, entity in changes.items():
            if entity is None:
                by_id.pop(id, None)
            else:
                by_id[id] = entity
        if self._folded is not None and len(self._folded) <= 2 * len(by_id) + _SPARE:
            # Shared, not copied: `clash` sees through what does not hold (any more).
            result._folded = self._folded
            for id in added:
                result._folded[id.lower()] = id
        if self._ordered is not None and len(added) + len(dropped) <= _SPARE:
            result._ordered = self._reordered(added, dropped)
        if self.kept is not None:
            of, moved = self.kept
            moved |= changes.keys()
            if len(moved) <= _SPARE:
                result.kept = of, moved
        return result

    def _fold(self) -> dict[str, str]:
        return {one.lower(): one for one in self._by_id}

    def _reordered(self, added: Sequence[str], dropped: Sequence[str]) -> tuple[str, ...]:
        """`ordered` with a few ids more or less, without sorting all of them."""
        assert self._ordered is not None
        if not added and not dropped:
            return self._ordered
        order = list(self._ordered)
        for id in dropped:
            del order[bisect_left(order, id_key(id), key=id_key)]
        for id in added:
            insort(order, id, key=id_key)
        return tuple(order)


_SPARE: Final = 64


def id_key(id: str) -> tuple[str, str]:
    """The key of an id: ascending without regard to case."""
    return id.lower(), id


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Version:
    """One version of a resource.

    `attributes` hold epoch, createdat, modifiedat, ancestorid, name, contenttype, format,
    `<R>url`, extensions …; `document` is the domain-specific document, kept byte for byte: None
    where none was ever given, empty where `<R>url` says where it is. `uid` is unique in the registry for ever.
    """

    id: str
    attributes: Attributes
    document: bytes | None = None
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
        return self.versions.find(self.meta.get("defaultversionid", ""))


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
        group = self.of(parts[1]).find(parts[2])
        return None if group is None else group.of(parts[3]).find(parts[4])
