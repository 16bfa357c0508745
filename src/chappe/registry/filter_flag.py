"""`?filter` (core/spec.md "Filter Flag"), read into conditions.

"dirs.name=x*,dirs.epoch>3"  ->  (Condition(("dirs", "name"), "=", "x*"), Condition(… ">", "3"))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.registry.dot import DotError, parse_dot
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Condition

EXCLUDE_ALL: Final[Sequence[Sequence[Condition]]] = ((Condition(("excludeall",)),),)
"""What `filter=excludeall` gives: nothing is to be returned."""

MAX_CONDITIONS: Final = 100
"""In one request; each is looked at for every entity."""

MAX_WILDCARDS: Final = 16
"""In one value; a comparison takes time for each."""

_OPERATORS = ("!=", "<>", "<=", ">=", "=", "<", ">")
_SEPARATOR = "\0"


def parse_filters(texts: Sequence[str], subject: str) -> Sequence[Sequence[Condition]]:
    r"""The conditions of each `filter`: those of one are AND'd, the filters OR'd.

    Args:
        texts: the values of the flags, percent-decoded but for commas, each of which is "\0".
        subject: the request's path and query, for messages.

    Raises:
        RegistryError: bad_filter.
    """
    filters = tuple(
        tuple(
            _condition(one.replace(_SEPARATOR, ","), subject) for one in _expressions(text, subject)
        )
        for text in texts
    )
    if sum(map(len, filters)) > MAX_CONDITIONS:
        raise _bad(texts[0], f"more than {MAX_CONDITIONS} expressions in one request", subject)
    return _exclusive([one for conditions in filters for one in conditions], filters, subject)


def _exclusive(
    conditions: Sequence[Condition], filters: Sequence[Sequence[Condition]], subject: str
) -> Sequence[Sequence[Condition]]:
    """`excludeall` stands alone, or not at all."""
    if not any(_excludes(one) for one in conditions):
        return filters
    if len(conditions) == 1:
        return EXCLUDE_ALL
    second = conditions[1] if _excludes(conditions[0]) else next(filter(_excludes, conditions))
    raise _bad(
        second.text, '"excludeall" must not appear with any other filter expressions', subject
    )


def _excludes(condition: Condition) -> bool:
    return condition.path == ("excludeall",) and not condition.operator


def _expressions(text: str, subject: str) -> list[str]:
    """The expressions of one flag: split at the commas that stand in no brackets of a path."""
    found: list[str] = []
    start = 0
    while start <= len(text):
        at = _end_of_path(text, start)
        comma = text.find(",", at)
        end = len(text) if comma < 0 else comma
        if end == start:
            raise _bad(text.replace(_SEPARATOR, ","), "an expression is empty", subject)
        found.append(text[start:end])
        start = end + 1
    return found


def _end_of_path(text: str, start: int) -> int:
    """Where the path that begins at `start` ends: at an operator, a comma, or the text's end."""
    at = start
    while at < len(text) and text[at] not in "=!<>,":
        if text[at] == "[" and text[at + 1 : at + 2] in ("'", '"'):
            close = text.find(f"{text[at + 1]}]", at + 2)
            at = len(text) if close < 0 else close + 2
        else:
            at += 1
    return at


def _condition(text: str, subject: str) -> Condition:
    at = _end_of_path(text, 0)
    operator = next((one for one in _OPERATORS if text.startswith(one, at)), "")
    if at < len(text) and not operator:
        raise _bad(text, f'Unexpected "{text[at]}" in "{text}" at pos {at + 1}', subject)
    try:
        path = parse_dot(text[:at], wildcards=True)
    except DotError as error:
        # As the reader of the message sees it: the part of the expression that is wrong.
        raise _bad(text[:at] or text, str(error), subject) from None
    if not operator:
        return Condition(path, text=text)
    value = text[at + len(operator) :]
    if operator == "<>":
        operator = "!="
    if value == "null":
        if operator not in ("=", "!="):
            raise _bad(text, f'"{operator}" cannot compare with null', subject)
        return Condition(path, operator, None, text)
    wildcards = value.count("*") - value.count("\\*")
    if wildcards and operator not in ("=", "!="):
        raise _bad(text, f'"{operator}" cannot compare with a wildcard', subject)
    if wildcards > MAX_WILDCARDS:
        raise _bad(text, f"more than {MAX_WILDCARDS} wildcards in one value", subject)
    return Condition(path, operator, value, text)


def _bad(value: str, detail: str, subject: str) -> RegistryError:
    return RegistryError("bad_filter", subject, value=value, error_detail=detail)
