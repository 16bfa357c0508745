"""What a JSON Schema says, by kind of value: the form in which two schemas are compared.

A subschema is of one kind. Where a schema says several things at once (a type and an enum, say) it is
a `Combined` "allOf" of them that is `implied`. Equal subschemas of one document are one object, so a
pair of them is compared once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Criterion: TypeAlias = Literal["allOf", "anyOf", "oneOf"]


@dataclass(frozen=True, slots=True)
class About:
    """What a subschema says of itself; `default` is JSON text, None where there is none."""

    id: str | None = None
    title: str | None = None
    description: str | None = None
    default: str | None = None
    connect_bytes: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Said:
    """What all kinds have: what it says of itself, and the JSON it was read from."""

    about: About = field(default_factory=About)
    raw: object = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Anything(Said):
    """`true`, `{}`, or nothing but annotations."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Nothing(Said):
    """`false`."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Simple(Said):
    """`boolean` or `null`: there is no more to say of them."""

    type: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Text(Said):
    """A string; the bounds have the names of their keywords."""

    bounds: Mapping[str, float]
    pattern: str | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Number(Said):
    """A number or an integer."""

    bounds: Mapping[str, float]
    multiple_of: str | None = None
    integer: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Object(Said):
    """An object. `additional` is what other members must be: None says nothing, `closed` forbids."""

    bounds: Mapping[str, float]
    properties: Mapping[str, Shape]
    required: frozenset[str]
    patterns: Mapping[str, Shape]
    additional: Shape | None
    closed: bool
    unevaluated: Shape | None
    needed: Mapping[str, frozenset[str]]
    dependent: Mapping[str, Shape]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Array(Said):
    """An array: a list of `each`, or a tuple of `items` and `additional` ones behind them."""

    bounds: Mapping[str, float]
    each: Shape | None
    items: tuple[Shape, ...]
    additional: Shape | None
    closed: bool
    unevaluated: Shape | None
    unique: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Values(Said):
    """An enum; each value as JSON text."""

    values: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Constant(Said):
    """A const, as JSON text."""

    value: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Negation(Said):
    """A not."""

    inner: Shape


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conditional(Said):
    """An if, then, else: what they say is not compared."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Combined(Said):
    """allOf, anyOf, oneOf, or what stands beside one another in one schema (`implied`)."""

    criterion: Criterion
    parts: tuple[Shape, ...]
    implied: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reference(Said):
    """A reference, by the number of its target; -1 is one that is known by its text alone."""

    text: str
    target: int
    follow: Callable[[], Shape]


Shape: TypeAlias = (
    Anything
    | Nothing
    | Simple
    | Text
    | Number
    | Object
    | Array
    | Values
    | Constant
    | Negation
    | Conditional
    | Combined
    | Reference
)


def kind_name(shape: Shape) -> str:
    """What the kind is called in a message."""
    match shape:
        case Anything():
            return "anything"
        case Nothing():
            return "nothing (false)"
        case Simple(type=name):
            return name
        case Text():
            return "string"
        case Number(integer=integer):
            return "integer" if integer else "number"
        case Object():
            return "object"
        case Array():
            return "array"
        case Values():
            return "enum"
        case Constant():
            return "const"
        case Negation():
            return "not"
        case Conditional():
            return "if/then/else"
        case Combined(criterion=criterion, parts=parts, implied=implied):
            inner = [each.criterion if isinstance(each, Combined) else kind_name(each)
                     for each in parts[:4]]  # fmt: skip
            if not implied:
                return f"{criterion} of {', '.join(inner) or 'nothing'}"
            return (" and " if criterion == "allOf" else " or ").join(inner)
        case Reference(text=text):
            return f"$ref {text}".rstrip()


_CIRCLE: Final = Anything()


def resolved(shape: Shape) -> Shape:
    """What a shape is when references are followed; a circle of nothing else is `true`."""
    seen: set[int] = set()
    while isinstance(shape, Reference) and shape.target >= 0:
        if shape.target in seen:
            return _CIRCLE
        seen.add(shape.target)
        shape = shape.follow()
    return shape
