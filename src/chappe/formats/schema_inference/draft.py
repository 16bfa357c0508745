"""A JSON Schema (2020-12) of what was seen: what the samples agree on is asserted, nothing else.

Objects stay open, numbers and lengths without bounds: that no sample was longer is no evidence that
none may be. What is asserted on the ground of how often something came has its thresholds here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.formats.schema_inference.places import TYPES, Members, Place, merged
from chappe.formats.schema_inference.strings import Strings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MIN_FORMAT: Final = 3
"""Strings that a `format` needs; all of them have it."""

MIN_ENUM: Final = 20
"""Strings that an enumeration needs, and each of its values must have come `MIN_ENUM_EACH` times."""
MIN_ENUM_EACH: Final = 3
MIN_ENUM_VALUES: Final = 2
"""A string that is always the same says nothing of what else may come."""

MIN_MAP: Final = 20
"""Names that seldom come twice make a map from so many on, if their values are alike."""
MAP_SELDOM: Final = 0.1
"""A name is seldom when it stands in so large a part of the objects."""


def schema_of(place: Place, depth: int) -> dict[str, object]:
    """What is asserted of the values at a place; of those more than `depth` below it nothing."""
    types = [each for each in TYPES if each in place.types]
    if "number" in types and "integer" in types:
        types.remove("integer")  # JSON Schema 2020-12 6.1.1: every integer is a number
    made: dict[str, object] = {}
    if types:
        made["type"] = types[0] if len(types) == 1 else types
    if place.strings is not None:
        made |= _strings(place.strings, types)
    if depth:
        if place.items is not None:
            made["items"] = schema_of(place.items, depth - 1)
        if place.members is not None:
            made |= _members(place.members, place.objects, depth - 1)
    return made


def _members(members: Members, objects: int, depth: int) -> dict[str, object]:
    named = members.named
    if named is None or not named or _is_map(members, named, objects):
        return {"additionalProperties": schema_of(merged(members), depth)}
    # Values under names that are data, beside properties: nothing is said of them.
    made: dict[str, object] = {
        "properties": {name: schema_of(named[name], depth) for name in sorted(named)}
    }
    required = sorted(name for name, place in named.items() if place.seen == objects)
    if required:
        made["required"] = required
    return made


def _is_map(members: Members, named: dict[str, Place], objects: int) -> bool:
    """Many different names with alike values, each name in few of the objects."""
    if len(named) < MIN_MAP:
        return False
    if sum(place.seen for place in named.values()) > MAP_SELDOM * len(named) * objects:
        return False
    types = set().union(*(place.types for place in members.places())) - {"null"}
    return len(types) <= 1 or types == {"integer", "number"}


def _strings(strings: Strings, types: Sequence[str]) -> dict[str, object]:
    if strings.format is not None:
        return {"format": strings.format} if strings.seen >= MIN_FORMAT else {}
    values = strings.counts
    if values is None or not _is_enumeration(values, strings.seen):
        return {}
    match types:
        case ["string"]:
            return {"enum": sorted(values)}
        case ["null", "string"]:
            return {"enum": [*sorted(values), None]}
        case _:
            return {}


def _is_enumeration(values: dict[str, int], seen: int) -> bool:
    """Few words, each of them often; where all have digits, they are rather ids: "C-1", "C-2"."""
    return (
        seen >= MIN_ENUM
        and len(values) >= MIN_ENUM_VALUES
        and min(values.values()) >= MIN_ENUM_EACH
        and not all(any(c.isdigit() for c in value) for value in values)
    )
