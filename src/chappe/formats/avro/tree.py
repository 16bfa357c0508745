"""A parsed Avro schema as a typed tree; two nodes are the same only if they are one object.

A named type is one node however often it is referred to, so the tree of a recursive schema is a graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum as Enumeration
from typing import Final, Literal, TypeAlias

PrimitiveKind: TypeAlias = Literal[
    "null", "boolean", "int", "long", "float", "double", "bytes", "string"
]
PRIMITIVES: Final[Mapping[str, PrimitiveKind]] = {
    "null": "null",
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "bytes": "bytes",
    "string": "string",
}
COMPLEX: Final = frozenset(("record", "error", "enum", "array", "map", "fixed"))

Order: TypeAlias = Literal["ascending", "descending", "ignore"]
Properties: TypeAlias = Mapping[str, object]
"""What a schema says beyond Avro's own attributes, among it the logical type, in its order."""


class Absent(Enumeration):
    """No default was given; null is a default."""

    ABSENT = 0


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a type: Name("com.example", "Order"); `space` is "" outside of any namespace."""

    space: str
    simple: str

    @property
    def full(self) -> str:
        """Such as "com.example.Order"."""
        return f"{self.space}.{self.simple}" if self.space else self.simple

    def seen_from(self, space: str) -> str:
        """What it is written as within a namespace: without its own, where that is clear."""
        if self.space == space and space:
            is_type = self.simple in PRIMITIVES or self.simple in COMPLEX or self.simple == "union"
            return self.full if is_type else self.simple
        return self.full


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One of the eight primitive types."""

    kind: PrimitiveKind
    properties: Properties


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """Items of one type."""

    items: Type
    properties: Properties
    kind: Literal["array"] = "array"


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Values of one type under string keys."""

    values: Type
    properties: Properties
    kind: Literal["map"] = "map"


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """One of several types, none of them a union, no two of the same name."""

    branches: Sequence[Type]
    kind: Literal["union"] = "union"


@dataclass(frozen=True, slots=True, eq=False)
class Enum:
    """One of several symbols; `default` is what a reader takes for a symbol that it lacks."""

    name: Name
    symbols: Sequence[str]
    default: str | None
    doc: str | None
    aliases: Sequence[Name]
    properties: Properties
    kind: Literal["enum"] = "enum"


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A fixed number of bytes."""

    name: Name
    size: int
    doc: str | None
    aliases: Sequence[Name]
    properties: Properties
    kind: Literal["fixed"] = "fixed"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of a record; `default` is JSON as it stands in the schema."""

    name: str
    type: Type
    default: object
    doc: str | None
    order: Order
    aliases: Sequence[str]
    properties: Properties


@dataclass(slots=True, eq=False)
class Record:
    """Named fields in an order. It is known by its name before it has fields: they may refer to it."""

    name: Name
    doc: str | None
    aliases: Sequence[Name]
    is_error: bool
    properties: Properties
    fields: Sequence[Field] = ()
    by_name: Mapping[str, Field] = field(default_factory=dict)
    kind: Literal["record"] = "record"


Named: TypeAlias = Record | Enum | Fixed
Type: TypeAlias = Primitive | Array | Map | Union | Record | Enum | Fixed


def branch_name(branch: Type) -> str:
    """What a branch is called in a union and in Avro's JSON: "long", "array", "com.example.Order"."""
    match branch:
        case Record() | Enum() | Fixed():
            return branch.name.full
        case _:
            return branch.kind
