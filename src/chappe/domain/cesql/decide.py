"""Why an expression lets an event pass or not: the part that decided, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chappe.domain.cesql.evaluate import evaluate
from chappe.domain.cesql.tree import (
    Attribute,
    Conjunction,
    Disjunction,
    Exists,
    Expression,
    Literal,
    Negation,
    parts_of,
    text,
)
from chappe.domain.cesql.values import Faulty, attribute, to_boolean, to_text
from chappe.domain.event import Event

_MAX_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Decided:
    """`part` is the text of what decided, `found` what it saw, `trouble` why there is no Boolean.

    `found` is an attribute's canonical string, None where it is not set; several are "a='x', b unset".
    """

    passed: bool
    part: str
    found: str | None
    trouble: str | None = None


def decide(node: Expression, event: Event) -> Decided:
    """Whether the event passes, and which part of the expression decided."""
    outcome = evaluate(node, event)
    part = _deciding(node, event)
    shown = text(part)
    if len(shown) > _MAX_SHOWN:
        shown = f"{shown[:_MAX_SHOWN]}…"
    trouble = None
    if outcome.faults:
        trouble = outcome.faults[0].message
    elif not isinstance(outcome.value, bool):
        trouble = f"{to_text(outcome.value)[:_MAX_SHOWN]!r} is no Boolean"
    return Decided(outcome.passed, shown, _seen(part, event), trouble)


def attributes(node: Expression) -> list[str]:
    """The attributes that the expression names, each once, in its order."""
    found: dict[str, None] = {}
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Attribute | Exists):
            found[one.name] = None
        waiting.extend(reversed(parts_of(one)))
    return list(found)


def _deciding(node: Expression, event: Event) -> Expression:
    """For a conjunction the first part that is not true, for an alternative the first that is not
    false; else the last.
    """
    match node:
        case Conjunction(parts):
            deciding = next((part for part in parts if _truth(part, event) is not True), parts[-1])
        case Disjunction(parts):
            deciding = next((part for part in parts if _truth(part, event) is not False), parts[-1])
        case Negation(Conjunction() | Disjunction() as operand):
            deciding = operand
        case _:
            return node
    return _deciding(deciding, event)


def _truth(node: Expression, event: Event) -> bool | None:
    """What the node is as a Boolean; None for an error."""
    outcome = evaluate(node, event)
    if outcome.faults:
        return None
    try:
        return to_boolean(outcome.value)
    except Faulty:
        return None


def _seen(node: Expression, event: Event) -> str | None:
    names = attributes(node)
    found = {name: attribute(event, name) for name in names}
    texts = {name: None if one is None else to_text(one) for name, one in found.items()}
    if len(texts) == 1:
        return texts[names[0]]
    if not texts:
        return None if not isinstance(node, Literal) else to_text(node.value)
    return ", ".join(
        f"{name} unset" if one is None else f"{name}={one!r}" for name, one in texts.items()
    )
