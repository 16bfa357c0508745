"""Strings, numbers, enums and constants compared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from chappe.formats.json_compat.changes import Found
from chappe.formats.json_compat.rules import LOWER, UPPER
from chappe.formats.json_compat.shapes import Constant, Number, Text, Values
from chappe.formats.json_compat.wording import brief, clipped, listed


def compare_bounds(found: Found, old: Mapping[str, float], new: Mapping[str, float]) -> None:
    """maxLength, minimum, minItems and the like: they may be loosened and left out."""
    for keyword in {**old, **new}:
        name = UPPER.get(keyword) or LOWER[keyword]
        if keyword not in old:
            found.add(f"{name}_ADDED", keyword, new=str(new[keyword]))
        elif keyword not in new:
            found.add(f"{name}_REMOVED", keyword, old=str(old[keyword]))
        elif old[keyword] != new[keyword]:
            end = "INCREASED" if new[keyword] > old[keyword] else "DECREASED"
            found.add(f"{name}_{end}", keyword, old=str(old[keyword]), new=str(new[keyword]))


def compare_text(found: Found, old: Text, new: Text) -> None:
    """Strings: a pattern may only be left out."""
    compare_bounds(found, old.bounds, new.bounds)
    if old.pattern == new.pattern:
        return
    if old.pattern is None:
        found.add("PATTERN_ADDED", "pattern", new=brief(new.pattern))
    elif new.pattern is None:
        found.add("PATTERN_REMOVED", "pattern", old=brief(old.pattern))
    else:
        found.add("PATTERN_CHANGED", "pattern", old=brief(old.pattern), new=brief(new.pattern))


def compare_number(found: Found, old: Number, new: Number) -> None:
    """Numbers: multipleOf may become a divisor, an integer a number."""
    compare_bounds(found, old.bounds, new.bounds)
    _compare_multiple(found, old.multiple_of, new.multiple_of)
    if old.integer and not new.integer:
        found.add("TYPE_EXTENDED", old="integer", new="number")
    elif new.integer and not old.integer:
        found.add("TYPE_NARROWED", old="number", new="integer")


def _compare_multiple(found: Found, old: str | None, new: str | None) -> None:
    if old == new:
        return
    if old is None:
        found.add("MULTIPLE_OF_ADDED", "multipleOf", new=str(new))
    elif new is None:
        found.add("MULTIPLE_OF_REMOVED", "multipleOf", old=old)
    elif _divides(old, new):
        found.add("MULTIPLE_OF_EXPANDED", "multipleOf", old=old, new=new)
    elif _divides(new, old):
        found.add("MULTIPLE_OF_REDUCED", "multipleOf", old=old, new=new)
    else:
        found.add("MULTIPLE_OF_CHANGED", "multipleOf", old=old, new=new)


def _divides(divisor: str, number: str) -> bool:
    """Whether a number is a multiple, exactly as it is written: 0.1 divides 0.3."""
    low, high = sorted((Decimal(divisor), Decimal(number)), key=lambda each: each.adjusted())
    if high.adjusted() - low.adjusted() > 700 or not Decimal(divisor):
        return False
    numerator, below = Decimal(number).as_integer_ratio()
    counted, under = Decimal(divisor).as_integer_ratio()
    return (numerator * under) % (below * counted) == 0


def compare_values(found: Found, old: Values, new: Values) -> None:
    """An enum may only grow."""
    if old.values == new.values:
        return
    if new.values >= old.values:
        found.add("ENUM_ARRAY_EXTENDED", "enum", new=listed(new.values - old.values))
    elif old.values >= new.values:
        found.add("ENUM_ARRAY_NARROWED", "enum", old=listed(old.values - new.values))
    else:
        gone, added = listed(old.values - new.values), listed(new.values - old.values)
        found.add("ENUM_ARRAY_CHANGED", "enum", old=gone, new=added)


def compare_constant(found: Found, old: Constant, new: Constant) -> None:
    """A constant stays."""
    if old.value != new.value:
        found.add("ENUM_ARRAY_CHANGED", "const", old=clipped(old.value), new=clipped(new.value))
