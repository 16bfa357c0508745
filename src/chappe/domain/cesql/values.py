"""What both ways of evaluating CESQL share: errors, casts, operators and functions on plain values.

cesql/spec.md 3.3 to 3.7. A function here takes values of any type, casts them from the left to the
right, and raises `Faulty` where the specification has an error; `Faulty.value` is what the operator
gives besides, where that is not the zero value of its type.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from typing import Literal as OneOf

from chappe.domain.cesql.tree import (
    Arithmetic,
    Attribute,
    Call,
    Expression,
    Literal,
    Minus,
    Type,
    Value,
)
from chappe.domain.event import CORE_ATTRIBUTES, SPECVERSION, AttributeValue, Event

Kind: TypeAlias = OneOf[
    "parse", "math", "cast", "missingAttribute", "missingFunction", "functionEvaluation"
]

LEAST: Final = -(2**31)
MOST: Final = 2**31 - 1
MAX_TEXT: Final = 1024 * 1024
"""The most characters that a function may put together, so that a filter cannot fill the memory."""

REQUIRED: Final = frozenset({"specversion", "id", "source", "type"})
"""The attributes that every event has."""

ZERO: Final[Mapping[Type, Value]] = {str: "", int: 0, bool: False}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of an evaluation: its kind (cesql/spec.md 3.3), and what happened."""

    kind: Kind
    message: str


class Faulty(Exception):
    """An operator or a function cannot give a value of its own."""

    def __init__(self, kind: Kind, message: str, value: Value | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.value = value

    @property
    def fault(self) -> Fault:
        """The error as a value."""
        return Fault(self.kind, self.message)


def type_of(node: Expression) -> Type | None:
    """The type of an expression; None for an extension attribute, whose event decides."""
    match node:
        case Literal(value):
            return type(value)
        case Attribute(name):
            return str if name in CORE_ATTRIBUTES else None
        case Minus() | Arithmetic():
            return int
        case Call(name, arguments):
            called = function(name, len(arguments))
            return bool if called is None else called.gives
        case _:
            return bool


# --- attributes


def attribute(event: Event, name: str) -> Value | None:
    """The value of an attribute, None where it is not set (cesql/spec.md 3.2)."""
    if name in CORE_ATTRIBUTES:
        return SPECVERSION if name == "specversion" else getattr(event, name)
    found = event.extensions.get(name)
    return None if found is None else primitive(found)


def primitive(value: AttributeValue) -> Value:
    """What is no primitive type of CESQL is a String: bytes are, in Base64."""
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def missing(name: str) -> Faulty:
    """The error of an attribute that is not set."""
    return Faulty("missingAttribute", f"the event has no attribute {name!r}")


# --- casts (3.7)

_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,10})")


def cast(value: Value, target: Type) -> Value:
    """The value as one of the target's type."""
    if target is str:
        return to_text(value)
    return to_integer(value) if target is int else to_boolean(value)


def to_text(value: Value) -> str:
    """12 -> "12", True -> "true"."""
    if value.__class__ is str:
        return value
    if value.__class__ is bool:
        return "true" if value else "false"
    return str(value)


def to_integer(value: Value) -> int:
    """True -> 1, "+012" -> 12."""
    if value.__class__ is int:
        return value
    if value.__class__ is bool:
        return 1 if value else 0
    found = _INTEGER.fullmatch(value)  # type: ignore[arg-type]
    if found is not None:
        number = int(found[1] + found[2])
        if LEAST <= number <= MOST:
            return number
    raise Faulty("cast", f"{_shown(value)} is no Integer of 32 bits")


def to_boolean(value: Value) -> bool:
    """12 -> True, "TRUE" -> True."""
    if value.__class__ is bool:
        return value
    if value.__class__ is int:
        return value != 0
    lowered = value.lower()  # type: ignore[union-attr]
    if lowered == "true":
        return True
    if lowered == "false":
        return False
    raise Faulty("cast", f"{_shown(value)} is no Boolean")


# --- operators (3.4)


def equal(left: Value, right: Value) -> bool:
    """Cast to the right operand's type, the rule for ambiguous operators (3.7)."""
    if left.__class__ is not right.__class__:
        left = cast(left, right.__class__)
    return left == right


def exclusive(left: Value, right: Value) -> bool:
    """Whether one of two operands is true."""
    return to_boolean(left) is not to_boolean(right)


def negative(value: Value) -> int:
    """The operand with the other sign."""
    return _integer(-to_integer(value))


def add(left: Value, right: Value) -> int:
    """The `+` of two operands."""
    return _integer(to_integer(left) + to_integer(right))


def subtract(left: Value, right: Value) -> int:
    """The `-` of two operands."""
    return _integer(to_integer(left) - to_integer(right))


def multiply(left: Value, right: Value) -> int:
    """The `*` of two operands."""
    return _integer(to_integer(left) * to_integer(right))


def divide(left: Value, right: Value) -> int:
    """The quotient, rounded towards 0."""
    dividend, divisor = to_integer(left), to_integer(right)
    if divisor == 0:
        raise Faulty("math", f"{dividend} / 0: a division by zero")
    quotient = abs(dividend) // abs(divisor)
    return _integer(quotient if (dividend < 0) == (divisor < 0) else -quotient)


def remainder(left: Value, right: Value) -> int:
    """The rest of a division, with the sign of the left operand."""
    dividend, divisor = to_integer(left), to_integer(right)
    if divisor == 0:
        raise Faulty("math", f"{dividend} % 0: a division by zero")
    rest = abs(dividend) % abs(divisor)
    return rest if dividend >= 0 else -rest


def less(left: Value, right: Value) -> bool:
    """The `<` of two operands."""
    return to_integer(left) < to_integer(right)


def at_most(left: Value, right: Value) -> bool:
    """The `<=` of two operands."""
    return to_integer(left) <= to_integer(right)


def greater(left: Value, right: Value) -> bool:
    """The `>` of two operands."""
    return to_integer(left) > to_integer(right)


def at_least(left: Value, right: Value) -> bool:
    """The `>=` of two operands."""
    return to_integer(left) >= to_integer(right)


def unequal(left: Value, right: Value) -> bool:
    """The same as NOT (left = right)."""
    return not equal(left, right)


def within(value: Value, items: Sequence[Value]) -> bool:
    """Whether an item is equal to the value; all are cast to its type, for a set has no order (3.7)."""
    target = value.__class__
    # A list, so that every item is cast and an error does not hide behind an earlier hit.
    return value in [item if item.__class__ is target else cast(item, target) for item in items]


COMPARE: Final[Mapping[str, Callable[[Value, Value], bool]]] = {
    "=": equal,
    "!=": unequal,
    "<": less,
    "<=": at_most,
    ">": greater,
    ">=": at_least,
}
CALCULATE: Final[Mapping[str, Callable[[Value, Value], int]]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}


def _integer(number: int) -> int:
    # 3.4.2 does not say what an overflow is; ABS has a MathError there (3.5.2), and so have all.
    if LEAST <= number <= MOST:
        return number
    raise Faulty("math", f"{number} is beyond 32 bits")


# --- functions (3.5)

# Unicode's White_Space, which has no control characters but these; str.strip() takes away four more.
_WHITE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def length(value: Value) -> int:
    """LENGTH: characters, not bytes."""
    return len(to_text(value))


def concat(*values: Value) -> str:
    """CONCAT."""
    return _bounded("CONCAT", "", [to_text(value) for value in values])


def concat_ws(delimiter: Value, *values: Value) -> str:
    """CONCAT_WS."""
    return _bounded("CONCAT_WS", to_text(delimiter), [to_text(value) for value in values])


def lower(value: Value) -> str:
    """LOWER."""
    return to_text(value).lower()


def upper(value: Value) -> str:
    """UPPER."""
    return to_text(value).upper()


def trim(value: Value) -> str:
    """TRIM."""
    return to_text(value).strip(_WHITE)


def left(value: Value, count: Value) -> str:
    """LEFT."""
    whole, characters = to_text(value), to_integer(count)
    if characters < 0:
        raise Faulty("functionEvaluation", f"LEFT: {characters} is negative", whole)
    return whole[:characters]


def right(value: Value, count: Value) -> str:
    """RIGHT."""
    whole, characters = to_text(value), to_integer(count)
    if characters < 0:
        raise Faulty("functionEvaluation", f"RIGHT: {characters} is negative", whole)
    return whole[max(len(whole) - characters, 0) :]


def substring(value: Value, position: Value, count: Value = MOST) -> str:
    """SUBSTRING: from 1, or from the end with a negative position."""
    whole, start, characters = to_text(value), to_integer(position), to_integer(count)
    if not -len(whole) <= start <= len(whole):
        raise Faulty(
            "functionEvaluation", f"SUBSTRING: {start} is beyond the {len(whole)} characters"
        )
    if characters < 0:
        raise Faulty("functionEvaluation", f"SUBSTRING: the length {characters} is negative")
    if start == 0:
        return ""
    begin = start - 1 if start > 0 else len(whole) + start
    return whole[begin : begin + characters]


def absolute(value: Value) -> int:
    """ABS."""
    number = to_integer(value)
    if number == LEAST:
        raise Faulty("math", f"ABS: {number} has no counterpart in 32 bits", MOST)
    return abs(number)


@dataclass(frozen=True, slots=True)
class Function:
    """A function by how many arguments it takes (`most` None: any number), and what it gives."""

    apply: Callable[..., Value]
    least: int
    most: int | None
    gives: Type


FUNCTIONS: Final[Mapping[str, Function]] = {
    "LENGTH": Function(length, 1, 1, int),
    "CONCAT": Function(concat, 0, None, str),
    "CONCAT_WS": Function(concat_ws, 1, None, str),
    "LOWER": Function(lower, 1, 1, str),
    "UPPER": Function(upper, 1, 1, str),
    "TRIM": Function(trim, 1, 1, str),
    "LEFT": Function(left, 2, 2, str),
    "RIGHT": Function(right, 2, 2, str),
    "SUBSTRING": Function(substring, 2, 3, str),
    "ABS": Function(absolute, 1, 1, int),
    "INT": Function(to_integer, 1, 1, int),
    "BOOL": Function(to_boolean, 1, 1, bool),
    "STRING": Function(to_text, 1, 1, str),
}


def function(name: str, arity: int) -> Function | None:
    """The function of that name that takes so many arguments; None where there is none."""
    found = FUNCTIONS.get(name)
    if found is None or arity < found.least or (found.most is not None and arity > found.most):
        return None
    return found


def no_function(name: str, arity: int) -> Faulty:
    """The error of a call that fits no function."""
    known = FUNCTIONS.get(name)
    if known is None:
        return Faulty("missingFunction", f"there is no function {name}")
    return Faulty("missingFunction", f"{name} does not take {arity} arguments")


def _bounded(name: str, delimiter: str, texts: Sequence[str]) -> str:
    size = sum(map(len, texts)) + len(delimiter) * max(len(texts) - 1, 0)
    if size > MAX_TEXT:
        raise Faulty("functionEvaluation", f"{name}: {size} characters are over {MAX_TEXT}")
    return delimiter.join(texts)


def _shown(value: Value) -> str:
    shown = str(value)
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}…")
