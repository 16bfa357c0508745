"""What was seen at each place of the samples: a tree that grows with them, within bounds.

    {"id": 1, "lines": [{"sku": "A"}]}      Place(object)
                                              ├─ "id"     Place(integer)
                                              └─ "lines"  Place(array)
                                                            └─ Place(object) ─ "sku" Place(string)

What it holds depends on the samples alone, never on their order or on how they were parted: seeing
two trees' samples one after the other, and merging the trees, come to the same. All bounds are made
for that: what they count can only grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from chappe.formats.schema_inference.string_formats import is_key
from chappe.formats.schema_inference.strings import Strings

MAX_NAMES: Final = 128
"""Properties of an object; one with more is a map, whose values share one place."""

TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


@dataclass(slots=True)
class Members:
    """The members of the objects at one place.

    `named` are places by name, None once the names were more than `MAX_NAMES`; `keyed` is the place
    of all values under names that are data, and then of all others, too.
    """

    named: dict[str, Place] | None = field(default_factory=dict)
    keyed: Place | None = None

    def places(self) -> Iterator[Place]:
        """The places below."""
        if self.named is not None:
            yield from self.named.values()
        if self.keyed is not None:
            yield self.keyed


@dataclass(slots=True)
class Place:
    """The values at one place: how many they were, of which types, and what is inside of them."""

    seen: int = 0
    types: set[str] = field(default_factory=set)
    objects: int = 0
    strings: Strings | None = None
    items: Place | None = None
    members: Members | None = None

    def add(self, value: object, depth: int) -> int:
        """See one more value, and what is in it up to `depth` places below; how many are new."""
        self.seen += 1
        type_ = _type_of(value)
        self.types.add(type_)
        match value:
            case str():
                if self.strings is None:
                    self.strings = Strings()
                self.strings.add(value)
            case list() if depth and value:
                return self._add_items(value, depth - 1)
            case dict():
                self.objects += 1
                if depth and value:
                    return self._add_members(value, depth - 1)
            case _:
                pass
        return 0

    def merge(self, other: Place) -> None:
        """See all that the other place saw; the other stays as it is, and shares nothing."""
        self.seen += other.seen
        self.objects += other.objects
        self.types |= other.types
        if other.strings is not None:
            if self.strings is None:
                self.strings = Strings()
            self.strings.merge(other.strings)
        if other.items is not None:
            if self.items is None:
                self.items = Place()
            self.items.merge(other.items)
        if other.members is not None:
            if self.members is None:
                self.members = Members()
            _merge_members(self.members, other.members)

    def cut(self, depth: int) -> None:
        """Forget what is more than `depth` places below."""
        if depth == 0:
            self.items = self.members = None
        if self.items is not None:
            self.items.cut(depth - 1)
        if self.members is not None:
            for place in self.members.places():
                place.cut(depth - 1)

    def weigh(self, levels: list[int], depth: int, times: int) -> None:
        """Add to `levels`, by depth, how many places there are, or could have been.

        The values of a map count as if each of its possible names had all their places: else a map
        would weigh less than the objects that it was made of, and what is dropped for its weight
        would depend on the order of the samples.
        """
        if depth == len(levels):
            levels.append(0)
        levels[depth] += times
        if self.items is not None:
            self.items.weigh(levels, depth + 1, times)
        if self.members is not None:
            below = times if self.members.named is not None else times * (MAX_NAMES + 1)
            for place in self.members.places():
                place.weigh(levels, depth + 1, below)

    def _add_items(self, items: list[object], depth: int) -> int:
        fresh = 0
        if self.items is None:
            self.items, fresh = Place(), 1
        for item in items:
            fresh += self.items.add(item, depth)
        return fresh

    def _add_members(self, value: Mapping[str, object], depth: int) -> int:
        fresh = 0
        if self.members is None:
            self.members = Members()
        members = self.members
        for name, each in value.items():
            place = members.named.get(name) if members.named is not None else members.keyed
            if place is None:
                place = _place_for(members, name)
                fresh += 1
            fresh += place.add(each, depth)
        return fresh


def merged(members: Members) -> Place:
    """All members' values as those of one place."""
    values = Place()
    for place in members.places():
        values.merge(place)
    return values


def _place_for(members: Members, name: str) -> Place:
    """The place of a name that has none of its own yet."""
    if members.named is not None and not is_key(name):
        if len(members.named) < MAX_NAMES:
            return members.named.setdefault(name, Place())
        _become_map(members)
    if members.keyed is None:
        members.keyed = Place()
    return members.keyed


def _become_map(members: Members) -> None:
    members.keyed, members.named = merged(members), None


def _merge_members(into: Members, other: Members) -> None:
    if other.named is None and into.named is not None:
        _become_map(into)
    if other.named is not None:
        for name, place in other.named.items():
            known = into.named.get(name) if into.named is not None else into.keyed
            (known or _place_for(into, name)).merge(place)
    if other.keyed is not None:
        if into.keyed is None:
            into.keyed = Place()
        into.keyed.merge(other.keyed)


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float() | Decimal():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            raise AssertionError(f"{type(value).__name__} is no JSON value")
