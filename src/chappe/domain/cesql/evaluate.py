"""What an expression says of an event, by walking its tree: the value, and every error on the way.

The reference for `generate`, and what explains a decision. Evaluation is total (cesql/spec.md 3.3):
an operator of whose operands one has an error gives the zero value of its own type and their errors,
as the specification asks for missing attributes (3.2) and its conformance kit for all errors.
Operands are evaluated from the left to the right, then cast from the left to the right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chappe.domain.cesql.like import like
from chappe.domain.cesql.tree import (
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Conjunction,
    Disjunction,
    Exclusive,
    Exists,
    Expression,
    In,
    Like,
    Literal,
    Minus,
    Negation,
    Type,
    Value,
)
from chappe.domain.cesql.values import (
    CALCULATE,
    COMPARE,
    ZERO,
    Fault,
    Faulty,
    attribute,
    exclusive,
    function,
    missing,
    negative,
    no_function,
    to_boolean,
    to_text,
    within,
)
from chappe.domain.event import Event


@dataclass(frozen=True, slots=True)
class Outcome:
    """The value of an expression, and its errors in the order in which they arose."""

    value: Value
    faults: tuple[Fault, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether a filter lets the event pass: TRUE, and no error (cesql/spec.md 1.2)."""
        return self.value is True and not self.faults


def evaluate(node: Expression, event: Event) -> Outcome:
    """The value and the errors of an expression for one event."""
    match node:
        case Literal(value):
            return Outcome(value)
        case Attribute(name):
            found = attribute(event, name)
            # What type it would have had is unknown, so it counts as a Boolean (3.2).
            return Outcome(False, (missing(name).fault,)) if found is None else Outcome(found)  # noqa: FBT003
        case Exists(name):
            return Outcome(attribute(event, name) is not None)
        case Negation(operand):
            return _applied(event, bool, lambda value: not to_boolean(value), operand)
        case Minus(operand):
            return _applied(event, int, negative, operand)
        case Conjunction(parts):
            return _conjunction(parts, event)
        case Disjunction(parts):
            return _disjunction(parts, event)
        case Exclusive(left, right):
            return _applied(event, bool, exclusive, left, right)
        case Comparison(operator, left, right):
            return _applied(event, bool, COMPARE[operator], left, right)
        case Arithmetic(operator, left, right):
            return _applied(event, int, CALCULATE[operator], left, right)
        case Like(operand, pattern, negated):
            return _applied(
                event, bool, lambda value: like(to_text(value), pattern) is not negated, operand
            )
        case In(operand, items, negated):
            return _applied(
                event,
                bool,
                lambda value, *among: within(value, among) is not negated,
                operand,
                *items,
            )
        case Call(name, arguments):
            called = function(name, len(arguments))
            if called is None:
                return Outcome(False, (no_function(name, len(arguments)).fault,))  # noqa: FBT003
            return _applied(event, called.gives, called.apply, *arguments)


def _applied(
    event: Event, gives: Type, apply: Callable[..., Value], *operands: Expression
) -> Outcome:
    outcomes = [evaluate(operand, event) for operand in operands]
    faults = tuple(fault for outcome in outcomes for fault in outcome.faults)
    if faults:
        return Outcome(ZERO[gives], faults)
    try:
        return Outcome(apply(*[outcome.value for outcome in outcomes]))
    except Faulty as error:
        value = ZERO[gives] if error.value is None else error.value
        return Outcome(value, (error.fault,))


def _boolean(node: Expression, event: Event) -> Outcome:
    outcome = evaluate(node, event)
    if outcome.faults:
        return Outcome(False, outcome.faults)  # noqa: FBT003
    try:
        return Outcome(to_boolean(outcome.value))
    except Faulty as error:
        return Outcome(False, (error.fault,))  # noqa: FBT003


def _conjunction(parts: Sequence[Expression], event: Event) -> Outcome:
    # 3.6: what stands behind a false operand MUST NOT be evaluated; one with an error is false.
    for part in parts:
        outcome = _boolean(part, event)
        if outcome.value is False:
            return outcome
    return Outcome(True)  # noqa: FBT003


def _disjunction(parts: Sequence[Expression], event: Event) -> Outcome:
    faults: list[Fault] = []
    for part in parts:
        outcome = _boolean(part, event)
        faults += outcome.faults
        if outcome.value is True and not faults:
            return outcome
    return Outcome(False, tuple(faults))  # noqa: FBT003
