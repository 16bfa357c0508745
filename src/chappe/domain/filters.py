"""Filter expressions: the dialects exact, prefix, suffix, all, any, not and sql as a tree.

subscriptions/spec.md 3.2.4. A new dialect is one more case. `matches` decides; `decide` also says
which leaf did. `compiled` gives a closure for the hot path, with the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from chappe.domain.cesql import decide as cesql
from chappe.domain.cesql import generate
from chappe.domain.cesql.tree import Expression
from chappe.domain.event import Event


@dataclass(frozen=True, slots=True)
class Exact:
    """The attribute's canonical string equals `value`; case-sensitive; unset: false."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """The attribute's canonical string starts with `value`; case-sensitive; unset: false."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Suffix:
    """The attribute's canonical string ends with `value`; case-sensitive; unset: false."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class All:
    """Every part is true; so it is with no parts."""

    parts: Sequence[Filter]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is true."""

    parts: Sequence[Filter]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Sql:
    """The CESQL expression is TRUE, without an error; `text` is how it was written.

    `traps` is what a reader may take for something else: (offset in the text, what).
    """

    text: str
    expression: Expression
    traps: tuple[tuple[int, str], ...] = field(default=(), compare=False)


Filter: TypeAlias = Exact | Prefix | Suffix | All | AnyOf | Not | Sql

ALWAYS = All(())


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a filter let the event pass, and the leaf that decided (None: nothing to decide)."""

    passed: bool
    leaf: str | None = None
    found: str | None = None


def matches(filter_: Filter, event: Event) -> bool:
    """Whether the event passes."""
    return decide(filter_, event).passed


def decide(filter_: Filter, event: Event) -> Decision:
    """Whether the event passes, and which leaf decided it.

    For a conjunction that fails it is the first false part; for an alternative that passes the
    first true one; else the last that was looked at.
    """
    match filter_:
        case Exact(attribute, value):
            found = event.get(attribute)
            return Decision(found == value, f"exact({attribute})={value!r}", found)
        case Prefix(attribute, value):
            found = event.get(attribute)
            passed = found is not None and found.startswith(value)
            return Decision(passed, f"prefix({attribute})={value!r}", found)
        case Suffix(attribute, value):
            found = event.get(attribute)
            passed = found is not None and found.endswith(value)
            return Decision(passed, f"suffix({attribute})={value!r}", found)
        case All(parts):
            last = Decision(passed=True)
            for part in parts:
                last = decide(part, event)
                if not last.passed:
                    return last
            return last
        case AnyOf(parts):
            last = Decision(passed=False)
            for part in parts:
                last = decide(part, event)
                if last.passed:
                    return last
            return last
        case Not(part):
            inner = decide(part, event)
            return Decision(not inner.passed, f"not {inner.leaf or 'all()'}", inner.found)
        case Sql(_, expression):
            decided = cesql.decide(expression, event)
            trouble = "" if decided.trouble is None else f": {decided.trouble}"
            return Decision(decided.passed, f"sql({decided.part}){trouble}", decided.found)


Predicate: TypeAlias = Callable[[Event], bool]


def compiled(filter_: Filter) -> Predicate:
    """The filter as a closure: the same answers as `matches`, without the tree walk."""
    match filter_:
        case Exact(attribute, value):
            return lambda event: event.get(attribute) == value
        case Prefix(attribute, value):
            return lambda event: (event.get(attribute) or "").startswith(value)
        case Suffix(attribute, value):
            return lambda event: (event.get(attribute) or "").endswith(value)
        case All(parts):
            predicates = tuple(compiled(part) for part in parts)
            if len(predicates) == 1:
                return predicates[0]
            return lambda event: all(predicate(event) for predicate in predicates)
        case AnyOf(parts):
            predicates = tuple(compiled(part) for part in parts)
            return lambda event: any(predicate(event) for predicate in predicates)
        case Not(part):
            predicate = compiled(part)
            return lambda event: not predicate(event)
        case Sql(_, expression):
            return generate.predicate(expression)
