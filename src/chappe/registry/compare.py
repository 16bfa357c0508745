"""How values are compared, by filters and sorts alike (core/spec.md "Filter Flag").

Strings compare without regard to case, letters with accents beside those without (as en-US has
them); numbers by value, timestamps as instants, booleans exactly (false before true).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from chappe.registry.values import timestamp

Test: TypeAlias = Callable[[Any], bool]
"""Whether a value that is there (never None) matches."""

SortKey: TypeAlias = tuple[Any, ...]
"""Sorts as the values do: (kind, value …)."""

LOWEST: Final[SortKey] = (0,)
"""The key of what has no value: lower than all (core/spec.md "Sort Flag")."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_MAX_DIGITS: Final = 1000
_ESCAPED = "\0"
_TRUTHS: Final = {"true": True, "false": False}


def fold(text: str) -> str:
    """A text with all that equals it but for case, and for how Unicode composes it, made one."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def collated(text: str) -> tuple[str, str]:
    """The order of texts: letters without their accents first, then with them.

    Not the full Unicode Collation Algorithm (that needs its tables): the order of scripts and of
    punctuation is that of the code points.
    """
    folded = fold(text)
    if folded.isascii():
        return folded, folded
    plain = "".join(
        one for one in unicodedata.normalize("NFD", folded) if not unicodedata.combining(one)
    )
    return plain, folded


def instant(text: str) -> str:
    """A stored timestamp such that texts sort as their instants do.

    "…T06:00:05Z" -> "…T06:00:05", "…T06:00:05.50Z" -> "…T06:00:05.5": a fraction of any length sorts
    behind its whole second. What is no timestamp is folded.
    """
    if text.endswith("Z"):
        whole, point, fraction = text[:-1].partition(".")
        fraction = fraction.rstrip("0")
        return whole + point + fraction if fraction else whole
    return fold(text)


def number(text: str) -> Decimal | None:
    """The number that a filter's value writes; None if it is none."""
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal has
        return None


def sort_key(value: Any, *, is_time: bool = False) -> SortKey:
    """The key of a value: missing, then booleans, numbers, texts, and what is no scalar."""
    if value is None:
        return LOWEST
    if isinstance(value, bool):
        return (1, value)
    if isinstance(value, int | Decimal):
        return (2, value)
    if isinstance(value, str):
        return (3, instant(value), "") if is_time else (3, *collated(value))
    return (4,)


def matcher(operator: str, value: str | None, *, is_time: bool = False) -> tuple[Test, bool]:
    r"""The test of a value, and whether the condition holds where *no* value passes it.

    Args:
        operator: "" (present), "=", "!=", "<", "<=", ">" or ">=".
        value: as the filter has it, "*" being a wildcard and "\*" a star; None: null.
        is_time: whether the attribute is a timestamp.
    """
    negated = operator == "!="
    if value is None:  # "=null" holds of the missing, "!=null" of what is present
        return _present, not negated
    if operator == "":
        return _present, False
    if operator in ("=", "!="):
        return _equality(value, is_time=is_time), negated
    return _relation(operator, value, is_time=is_time), False


def exact_keys(operator: str, value: str | None, *, is_time: bool = False) -> Sequence[Any] | None:
    """The only values that pass the test of `matcher`, as keys of a column; None: others may.

    A text is there folded, of a timestamp as it is stored; a truth is in a tuple, for True is 1.
    """
    if value is None or is_time or operator not in ("=", "!="):
        return None
    kept = value.replace("\\*", _ESCAPED)
    if "*" in kept:
        return None
    wanted = kept.replace(_ESCAPED, "*")
    amount = number(wanted)
    found: list[Any] = [fold(wanted)]
    if amount is not None:
        found.append(amount)
    if wanted in _TRUTHS:
        found.append((_TRUTHS[wanted],))
    return found


def _present(value: Any) -> bool:
    return True


def _equality(text: str, *, is_time: bool) -> Test:
    kept = text.replace("\\*", _ESCAPED)
    if "*" in kept:
        return _wildcard(kept)
    wanted = kept.replace(_ESCAPED, "*")
    moment = timestamp(wanted) if is_time else None
    if moment is not None:
        same = instant(moment)
        return lambda value: isinstance(value, str) and instant(value) == same
    folded = fold(wanted)
    amount = number(wanted)
    truth = _TRUTHS.get(wanted)

    def test(value: Any) -> bool:
        if type(value) is str:
            return (value.lower() if value.isascii() else fold(value)) == folded
        if type(value) is bool:
            return value is truth
        if isinstance(value, int | Decimal):
            return amount is not None and value == amount
        return False

    return test


def _wildcard(text: str) -> Test:
    """A match of parts in order: without backtracking, so no pattern is slow."""
    parts = [fold(part.replace(_ESCAPED, "*")) for part in text.split("*")]
    first, last = parts[0], parts[-1]
    between = [part for part in parts[1:-1] if part]
    if not (first or last or between):
        return _present  # "*": any value, even an empty one
    if not between and not (first and last):
        return lambda value: (
            type(value) is str
            and (folded := value.lower() if value.isascii() else fold(value)).startswith(first)
            and folded.endswith(last)
        )
    if len(between) == 1 and not (first or last):
        (only,) = between
        return lambda value: (
            type(value) is str and only in (value.lower() if value.isascii() else fold(value))
        )
    shortest = len(first) + len(last)

    def test(value: Any) -> bool:
        if type(value) is not str:
            return False
        folded = value.lower() if value.isascii() else fold(value)
        if len(folded) < shortest or not folded.startswith(first) or not folded.endswith(last):
            return False
        at, end = len(first), len(folded) - len(last)
        for part in between:
            found = folded.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return test


_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _relation(operator: str, text: str, *, is_time: bool) -> Test:
    holds = _HOLDS[operator]
    amount = number(text)
    truth = _TRUTHS.get(text)
    moment = (timestamp(text) or text) if is_time else None
    bound: Any = instant(moment) if moment is not None else collated(text)
    key: Callable[[str], Any] = instant if moment is not None else collated

    def test(value: Any) -> bool:
        if type(value) is str:
            return holds(key(value), bound)
        if type(value) is bool:
            return truth is not None and holds(value, truth)
        if isinstance(value, int | Decimal):
            return amount is not None and holds(value, amount)
        return False

    return test
