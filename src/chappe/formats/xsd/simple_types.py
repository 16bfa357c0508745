"""Whether every value of one simple type is a value of another.

Exact where lexical spaces nest (facets, ranges, enumerations, the hierarchy of built-in types), strict
where that cannot be told: a pattern that is not written the same is another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from chappe.formats.fields import shortened
from chappe.formats.xsd.builtin_types import ancestry
from chappe.formats.xsd.values import NUMBERS, Bound, Values, narrowed, spelling

_TEXTS: Final = ("string", "normalizedString", "token")
_ORDERED = re.compile(
    r"(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?|\d{4}(?:-\d\d)?|\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One way in which the reader's type takes less: a rule's name, the facet, both values."""

    code: str
    facet: str
    writer: str
    reader: str
    fix: str


def narrowings(reader: Values, writer: Values) -> Iterator[Narrowing]:
    """Why values of the writer's type may be none of the reader's; nothing when all are."""
    if reader is writer or reader == writer or reader.variety == "any":
        return
    match writer.variety, reader.variety:
        case "union", _:
            yield from _from_union(reader, writer)
        case _, "union":
            yield from _to_union(reader, writer)
        case "atomic", "atomic":
            yield from _atomic(reader, writer)
        case "list", "list":
            assert reader.item is not None
            assert writer.item is not None
            yield from narrowings(reader.item, writer.item)
            yield from _facets(reader, writer)
        case "atomic", "list" if _is_list_of_one(reader, writer):
            return
        case "list", "atomic" if _takes_all_text(reader):
            return
        case _:
            yield _type_changed(reader, writer)


def takes_empty(values: Values) -> bool:
    """Whether the empty text is surely a value."""
    if values.patterns or values.enumeration is not None:
        return False
    match values.variety:
        case "any":
            return True
        case "list":
            return not values.least_length
        case "union":
            return any(map(takes_empty, values.members))
        case "atomic":
            empty = ("string", "normalizedString", "token", "anyURI", "hexBinary", "base64Binary")
            return values.builtin in empty and not values.least_length


def _from_union(reader: Values, writer: Values) -> Iterator[Narrowing]:
    same = reader.variety == "union"
    if same and (reader.patterns or reader.enumeration is not None):
        yield from _facets(reader, writer)
        reader = replace(reader, patterns=(), enumeration=None)
    if writer.enumeration is not None and not same:
        yield _type_changed(reader, writer)
        return
    for member in writer.members:
        yield from narrowings(reader, member)


def _to_union(reader: Values, writer: Values) -> Iterator[Narrowing]:
    if reader.patterns or reader.enumeration is not None:
        yield from _facets(reader, writer)
    best: list[Narrowing] | None = None
    for member in reader.members:
        found = list(narrowings(member, writer))
        if not found:
            return
        if best is None or len(found) < len(best):
            best = found
    if writer.enumeration is not None and _covered(reader, writer):
        return
    yield Narrowing(
        "UNION_MEMBER_REMOVED",
        "memberTypes",
        describe(writer),
        describe(reader),
        f"keep a member type that takes all of {describe(writer)}",
    )


def _covered(reader: Values, writer: Values) -> bool:
    """Whether each enumerated value of the writer is one of some member of the reader's union."""
    assert writer.enumeration is not None
    return (
        all(
            any(
                next(narrowings(member, _only(writer, value)), None) is None
                for member in reader.members
            )
            for value in sorted(writer.enumeration)[:1_000]
        )
        and len(writer.enumeration) <= 1_000
    )


def _only(writer: Values, value: str) -> Values:
    """The writer's type with one of its values."""
    return narrowed(replace(writer, enumeration=frozenset((value,)), spelled=(value,)))


def _atomic(reader: Values, writer: Values) -> Iterator[Narrowing]:
    if reader.builtin in ancestry(writer.builtin):
        yield from _facets(reader, writer)
    elif reader.primitive == writer.primitive == "decimal":
        # Ranges and digits tell: unsignedByte fits into short though it is not derived from it.
        # "5.0" is a decimal without fraction digits, and no integer.
        if "integer" in ancestry(reader.builtin) and "integer" not in ancestry(writer.builtin):
            yield _type_changed(reader, writer)
        else:
            found = list(_facets(reader, writer))
            if any(each.code in ("RANGE_TIGHTENED", "DIGITS_TIGHTENED") for each in found):
                yield _type_changed(reader, writer)
            else:
                yield from found
    elif reader.primitive in NUMBERS and writer.primitive in NUMBERS:
        widened = (writer.primitive, reader.primitive) in (
            *(("decimal", "float"), ("decimal", "double"), ("float", "double")),
        )
        if not widened or reader.patterns or reader.enumeration is not None:
            yield _type_changed(reader, writer)
        else:
            yield from _facets(reader, writer)
    elif not _takes_all_text(reader) or writer.primitive == "string":
        yield _type_changed(reader, writer)


def _takes_all_text(reader: Values) -> bool:
    return (
        reader.variety == "atomic"
        and reader.builtin in _TEXTS
        and not reader.patterns
        and reader.enumeration is None
        and not reader.least_length
        and reader.most_length is None
    )


def _is_list_of_one(reader: Values, writer: Values) -> bool:
    assert reader.item is not None
    return (
        writer.primitive not in ("string", "anyURI")
        and not reader.patterns
        and reader.enumeration is None
        and (reader.least_length or 0) <= 1
        and (reader.most_length is None or reader.most_length >= 1)
        and next(narrowings(reader.item, writer), None) is None
    )


def _facets(reader: Values, writer: Values) -> Iterator[Narrowing]:
    yield from _white_space(reader, writer)
    yield from _lengths(reader, writer)
    yield from _range(reader, writer)
    yield from _digits(reader, writer)
    for wanted in reader.patterns:
        if any(has <= wanted for has in writer.patterns):
            continue
        shown = " | ".join(sorted(wanted))
        before = " and ".join(" | ".join(sorted(each)) for each in writer.patterns)
        yield Narrowing(
            "PATTERN_CHANGED" if writer.patterns else "PATTERN_ADDED",
            "pattern",
            shortened(before) if before else "none",
            shortened(shown),
            "keep the pattern, or add the other one beside it in the same restriction",
        )
    if reader.enumeration is not None:
        if writer.enumeration is None:
            yield Narrowing(
                "ENUMERATION_ADDED",
                "enumeration",
                "any value",
                shortened(", ".join(reader.spelled)),
                "allow any value, as before",
            )
        else:
            known = {spelling(reader, each) for each in reader.enumeration}
            gone = [each for each in writer.spelled if spelling(reader, each) not in known]
            if gone:
                yield Narrowing(
                    "ENUMERATION_VALUE_REMOVED",
                    "enumeration",
                    shortened(", ".join(gone)),
                    "not among the values",
                    f"keep the value {shortened(gone[0])}",
                )


def _white_space(reader: Values, writer: Values) -> Iterator[Narrowing]:
    constrained = (
        reader.patterns
        or reader.enumeration is not None
        or reader.least_length
        or reader.most_length is not None
    )
    if reader.white_space != writer.white_space and constrained:
        # Values are compared with facets after their white space is treated: "a  b" has 3 or 4.
        yield Narrowing(
            "WHITE_SPACE_CHANGED",
            "whiteSpace",
            writer.white_space,
            reader.white_space,
            f"keep whiteSpace {writer.white_space}",
        )


def _lengths(reader: Values, writer: Values) -> Iterator[Narrowing]:
    if (reader.least_length or 0) > (writer.least_length or 0):
        yield Narrowing(
            "MIN_LENGTH_RAISED",
            "minLength",
            str(writer.least_length or 0),
            str(reader.least_length),
            f"lower it to {writer.least_length or 0}",
        )
    if reader.most_length is not None and (
        writer.most_length is None or writer.most_length > reader.most_length
    ):
        before = "unbounded" if writer.most_length is None else str(writer.most_length)
        yield Narrowing(
            "MAX_LENGTH_LOWERED",
            "maxLength",
            before,
            str(reader.most_length),
            f"raise it to {before}" if writer.most_length is not None else "leave it out",
        )


def _range(reader: Values, writer: Values) -> Iterator[Narrowing]:
    for facet, wanted, had, sign in (
        ("min", reader.low, writer.low, 1),
        ("max", reader.high, writer.high, -1),
    ):
        if wanted is None or (had is not None and _within(wanted, had, sign)):
            continue
        name = f"{facet}{'Inclusive' if wanted.inclusive else 'Exclusive'}"
        before = "unbounded" if had is None else f"{had.text}{'' if had.inclusive else ' excluded'}"
        yield Narrowing(
            "RANGE_TIGHTENED",
            name,
            before,
            f"{wanted.text}{'' if wanted.inclusive else ' excluded'}",
            "leave it out" if had is None else f"set it to {before}",
        )


def _within(wanted: Bound, had: Bound, sign: int) -> bool:
    """Whether the writer's bound lies within the reader's; `sign` is 1 at the lower end."""
    if had.text == wanted.text:
        return wanted.inclusive or not had.inclusive
    order = _order(wanted, had)
    if order is None:
        return False
    return order * sign < 0 or (order == 0 and (wanted.inclusive or not had.inclusive))


def _order(one: Bound, other: Bound) -> int | None:
    """-1, 0 or 1 as the one comes before, with or after the other; None: that cannot be told."""
    if one.number is not None and other.number is not None:
        return _sign(one.number - other.number) if one.number != other.number else 0
    first, second = _ORDERED.fullmatch(one.text), _ORDERED.fullmatch(other.text)
    if first is None or second is None:
        return None
    if first[2] != second[2] or len(first[1]) != len(second[1]):
        return None
    return (first[1] > second[1]) - (first[1] < second[1])


def _sign(number: Decimal) -> int:
    return (number > 0) - (number < 0)


def _digits(reader: Values, writer: Values) -> Iterator[Narrowing]:
    for facet, wanted, had in (
        ("totalDigits", reader.total_digits, _total_digits(writer)),
        ("fractionDigits", reader.fraction_digits, writer.fraction_digits),
    ):
        if wanted is not None and (had is None or had > wanted):
            before = "unbounded" if had is None else str(had)
            yield Narrowing(
                "DIGITS_TIGHTENED",
                facet,
                before,
                str(wanted),
                "leave it out" if had is None else f"raise it to {had}",
            )


def _total_digits(writer: Values) -> int | None:
    """How many digits a value can have: for whole numbers between bounds those of the longer one."""
    if writer.total_digits is not None or writer.fraction_digits != 0:
        return writer.total_digits
    if writer.low is None or writer.high is None:
        return None
    if writer.low.number is None or writer.high.number is None:
        return None
    return max(len(str(abs(int(each)))) for each in (writer.low.number, writer.high.number))


def _type_changed(reader: Values, writer: Values) -> Narrowing:
    return Narrowing(
        "TYPE_CHANGED",
        "type",
        describe(writer),
        describe(reader),
        f"keep {describe(writer)}, or a type that takes all of its values",
    )


def describe(values: Values) -> str:
    """For a message: "xs:int", "a list of xs:int", "a union of xs:int and xs:date"."""
    match values.variety:
        case "any":
            return "xs:anySimpleType"
        case "list":
            assert values.item is not None
            return f"a list of {describe(values.item)}"
        case "union":
            shown = " and ".join(dict.fromkeys(map(describe, values.members[:5])))
            return f"a union of {shown}"
        case "atomic":
            return f"xs:{values.builtin}"
