"""Which events somebody wants, as filters of the Subscriptions API (docs/filters.md).

    types_filter(["order.paid"])               {"exact": {"type": "order.paid"}}
    types_filter(["order.*", "user.deleted"])  {"any": [{"prefix": {"type": "order."}}, {"exact": …}]}
    types_filter(["order.*.paid"])             {"sql": "type LIKE 'order.%.paid'"}
    types_filter(["*"])                        None: every event

A star stands for any text, dots included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from chappe.domain.errors import Malformed

Expression: TypeAlias = Mapping[str, object]


def expressions(
    types: Sequence[str],
    *,
    source: str | None = None,
    subject: str | None = None,
    sql: str | None = None,
    filter: Expression | None = None,
) -> list[Expression]:
    """The filters that must all hold; none: every event."""
    found: list[Expression] = []
    of_types = types_filter(types)
    if of_types is not None:
        found.append(of_types)
    for name, value in (("source", source), ("subject", subject)):
        if value is not None:
            found.append({"exact": {name: value}})
    if sql is not None:
        found.append({"sql": sql})
    if filter is not None:
        found.append(filter)
    return found


def types_filter(types: Sequence[str]) -> Expression | None:
    """One of the types; None: any type does.

    Raises:
        Malformed: a type is empty, or has a backslash and stars elsewhere than at one end.
    """
    return any_of([_type_filter(one) for one in types]) if types else None


def any_of(parts: Iterable[Expression | None]) -> Expression | None:
    """At least one part holds; None, as a part or as the answer: it always does."""
    alternatives: list[Expression] = []
    for part in parts:
        if part is None:
            return None
        if part not in alternatives:
            alternatives.append(part)
    return alternatives[0] if len(alternatives) == 1 else {"any": alternatives}


def all_of(parts: Sequence[Expression]) -> Expression | None:
    """All parts hold; None: there is none."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"all": list(parts)}


def _type_filter(pattern: str) -> Expression | None:
    if not pattern:
        raise Malformed("type: '' is no type; '*' stands for all")
    stars = pattern.count("*")
    if not stars:
        return {"exact": {"type": pattern}}
    if pattern == "*":
        return None
    if stars == 1 and pattern.endswith("*"):
        return {"prefix": {"type": pattern[:-1]}}
    if stars == 1 and pattern.startswith("*"):
        return {"suffix": {"type": pattern[1:]}}
    # cesql-spec.md 3.4.3: % and _ are wildcards unless a backslash stands before them; so none can stand before a
    # wildcard, nor (2.5) before the end of a string.
    if "\\" in pattern:
        raise Malformed(
            f"type: {pattern!r}: CESQL has no pattern with a backslash and several stars"
        )
    text = pattern
    for special in ("'", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return {"sql": f"type LIKE '{text.replace('*', '%')}'"}
