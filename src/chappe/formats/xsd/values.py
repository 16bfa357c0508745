"""What a simple type comes to: its variety, the built-in type below it, and all facets of its chain."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.xsd import limits
from chappe.formats.xsd.builtin_types import LISTS, PRIMITIVES, RANGES, ancestry, white_space
from chappe.formats.xsd.components import XS, Facet, Simple, TypeUse, local, namespace
from chappe.formats.xsd.model import Model

NUMBERS: Final = ("decimal", "float", "double")
_STRINGS: Final = ("string", "anyURI")
# Bounded, so that no value can be written out to more than some 10,000 digits.
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?|-?INF"
)
_DIGITS = re.compile(r"-?(\d+)?(?:\.(\d*))?")


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range: the text as it is written, the number where it is one."""

    text: str
    number: Decimal | None
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a simple type.

    `builtin` is the built-in type that an atomic one is derived from. Of `patterns`, one alternative
    of each set must match. `enumeration` holds values in one spelling each, `spelled` as written.
    """

    variety: Literal["any", "atomic", "list", "union"]
    builtin: str = ""
    item: Values | None = None
    members: tuple[Values, ...] = ()
    least_length: int | None = None
    most_length: int | None = None
    low: Bound | None = None
    high: Bound | None = None
    total_digits: int | None = None
    fraction_digits: int | None = None
    patterns: tuple[frozenset[str], ...] = ()
    enumeration: frozenset[str] | None = None
    spelled: tuple[str, ...] = ()
    white_space: str = "collapse"
    weight: int = 1
    """How many types it is made of: what a comparison may have to go through."""

    @property
    def primitive(self) -> str:
        """The primitive type at the bottom; "" where the variety is not atomic."""
        return ancestry(self.builtin)[-1] if self.builtin else ""


ANY: Final = Values("any", white_space="preserve")


def values_of(model: Model, use: TypeUse, steps: tuple[Simple, ...] = ()) -> Values:
    """All of a simple type; `steps` restrict it further, the last of them standing first.

    Raises:
        Malformed: types are chained too deeply.
    """
    found = _values(model, use, 0)
    for step in reversed(steps):
        found = _restricted(found, step.facets)
    return found


def _values(model: Model, use: TypeUse, depth: int) -> Values:
    if depth > limits.MAX_CHAIN:
        raise Malformed(
            f"dataschema: simple types are derived from each other more than {limits.MAX_CHAIN} deep"
        )
    type_ = model.named(use)
    if isinstance(type_, str):
        return _builtin(type_)
    if not isinstance(type_, Simple):
        return ANY
    known: Values | None = model.values.get(type_)
    if known is None:
        known = model.values[type_] = _read(model, type_, depth)
    return known


def _read(model: Model, type_: Simple, depth: int) -> Values:
    if type_.item is not None:
        item = _values(model, type_.item, depth + 1)
        return Values("list", item=item, weight=item.weight)
    if type_.members:
        members: list[Values] = []
        weight = 0
        for each in type_.members:
            member = _values(model, each, depth + 1)
            weight += member.weight
            if weight > limits.MAX_MEMBERS:
                raise Malformed(
                    f"dataschema: the type {shortened(type_.name)}: a union of more than"
                    f" {limits.MAX_MEMBERS} types"
                )
            # A union of unions is the union of all; one with facets of its own stays one member.
            plain = member.variety == "union" and not member.patterns and member.enumeration is None
            members.extend(member.members if plain else (member,))
        return Values("union", members=tuple(members), weight=weight)
    if type_.base is None:
        return ANY
    return _restricted(_values(model, type_.base, depth + 1), type_.facets)


def _builtin(name: str) -> Values:
    last = local(name)
    if namespace(name) != XS:
        return ANY
    if last in LISTS:
        return Values("list", item=_builtin(f"{{{XS}}}{LISTS[last]}"), least_length=1)
    line = ancestry(last)
    if line[-1] not in PRIMITIVES:
        return ANY
    low, high = RANGES.get(last, (None, None))
    return Values(
        "atomic",
        last,
        low=Bound(str(low), low, inclusive=True) if low is not None else None,
        high=Bound(str(high), high, inclusive=True) if high is not None else None,
        fraction_digits=0 if "integer" in line else None,
        white_space=white_space(last),
    )


def _restricted(base: Values, facets: tuple[Facet, ...]) -> Values:
    values = base
    for facet in facets:
        if facet.kind == "whiteSpace":
            values = replace(values, white_space=facet.values[0].strip())
    for facet in facets:
        text = facet.values[0]
        match facet.kind:
            case "length":
                number = _count(text)
                values = replace(values, least_length=number, most_length=number)
            case "minLength":
                values = replace(values, least_length=_count(text))
            case "maxLength":
                values = replace(values, most_length=_count(text))
            case "totalDigits":
                values = replace(values, total_digits=_count(text))
            case "fractionDigits":
                values = replace(values, fraction_digits=_count(text))
            case "minInclusive" | "minExclusive":
                values = replace(values, low=_bound(text, inclusive=facet.kind == "minInclusive"))
            case "maxInclusive" | "maxExclusive":
                values = replace(values, high=_bound(text, inclusive=facet.kind == "maxInclusive"))
            case "pattern":
                values = replace(values, patterns=(*values.patterns, frozenset(facet.values)))
            case "enumeration":
                values = replace(
                    values,
                    enumeration=frozenset(spelling(values, each) for each in facet.values),
                    spelled=facet.values,
                )
            case _:
                pass
    return narrowed(values) if values.enumeration is not None else values


def spelling(values: Values, text: str) -> str:
    """A value in the one spelling that all texts for it share: "01.0" -> "1" where it is a decimal."""
    if values.white_space == "replace":
        text = re.sub(r"[\t\n\r]", " ", text)
    elif values.white_space == "collapse":
        text = " ".join(text.split())
    match values.primitive:
        case "boolean":
            return {"1": "true", "0": "false"}.get(text, text)
        case "decimal" | "float" | "double":
            number = number_of(text)
            if number is not None:
                return str(number.normalize()) if number else "0"
        case "hexBinary":
            return text.upper()
        case _:
            pass
    return text


def number_of(text: str) -> Decimal | None:
    """The number that a text is; infinities are, "NaN" is none."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) is None:
        return None
    return Decimal({"INF": "Infinity", "-INF": "-Infinity"}.get(stripped, stripped))


def _bound(text: str, *, inclusive: bool) -> Bound:
    stripped = text.strip()
    return Bound(stripped, number_of(stripped), inclusive)


def _count(text: str) -> int | None:
    stripped = text.strip().removeprefix("+")
    if not stripped.isascii() or not stripped.isdigit():
        return None
    return int(stripped[:20])


def narrowed(values: Values) -> Values:
    """With an enumeration: ranges and lengths as far as the enumerated values use them."""
    enumerated = values.enumeration
    assert enumerated is not None
    if values.variety == "atomic" and values.primitive in NUMBERS:
        numbers = [number_of(each) for each in enumerated]
        known = [each for each in numbers if each is not None]
        if known and len(known) == len(numbers):
            low, high = min(known), max(known)
            values = replace(
                values,
                low=Bound(str(low), low, inclusive=True),
                high=Bound(str(high), high, inclusive=True),
            )
            if values.primitive == "decimal":
                digits = [_DIGITS.match(format(each, "f")) for each in known]
                wholes = [len((each[1] or "").lstrip("0")) for each in digits if each]
                parts = [len((each[2] or "").rstrip("0")) for each in digits if each]
                values = replace(
                    values,
                    total_digits=max(map(sum, zip(wholes, parts, strict=True)), default=None),
                    fraction_digits=max(parts, default=None),
                )
    elif values.variety == "atomic" and values.primitive in _STRINGS:
        lengths = [len(each) for each in enumerated]
        values = replace(values, least_length=min(lengths), most_length=max(lengths))
    return values
