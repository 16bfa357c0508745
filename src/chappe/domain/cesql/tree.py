"""A CESQL expression as a tree (cesql/spec.md 2), and as text again.

type = 'a' AND NOT EXISTS b     <-> Conjunction((Comparison("=", Attribute("type"), Literal("a")),
                                                 Negation(Exists("b"))))
x NOT LIKE 'a%'                 <-> Like(Attribute("x"), "a%", negated=True)

Made by `formats.cesql_parser`, which bounds its depth, so that all who walk it may recurse.
(msgspec Structs and no dataclasses: parsing takes half as long.)
"""

from __future__ import annotations

from typing import Literal as OneOf
from typing import TypeAlias

import msgspec

Value: TypeAlias = str | int | bool
"""A String, an Integer of 32 bits, or a Boolean."""

Type: TypeAlias = type[str] | type[int] | type[bool]

Comparing: TypeAlias = OneOf["=", "!=", "<", "<=", ">", ">="]
Calculating: TypeAlias = OneOf["+", "-", "*", "/", "%"]


class Literal(msgspec.Struct, frozen=True):
    """A value that stands in the text."""

    value: Value

    # 1 == True in Python; here they are of two types.
    def __eq__(self, other: object) -> bool:  # type: ignore[explicit-override]
        return (
            isinstance(other, Literal)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:  # type: ignore[explicit-override]
        return hash((type(self.value), self.value))


class Attribute(msgspec.Struct, frozen=True):
    """A context attribute by its name, in lower case."""

    name: str


class Exists(msgspec.Struct, frozen=True):
    """EXISTS name."""

    name: str


class Negation(msgspec.Struct, frozen=True):
    """NOT operand."""

    operand: Expression


class Minus(msgspec.Struct, frozen=True):
    """-operand."""

    operand: Expression


class Conjunction(msgspec.Struct, frozen=True):
    """a AND b AND …: at least two."""

    parts: tuple[Expression, ...]


class Disjunction(msgspec.Struct, frozen=True):
    """a OR b OR …: at least two."""

    parts: tuple[Expression, ...]


class Exclusive(msgspec.Struct, frozen=True):
    """left XOR right."""

    left: Expression
    right: Expression


class Comparison(msgspec.Struct, frozen=True):
    """left = right, and the like; `<>` is read as `!=`."""

    operator: Comparing
    left: Expression
    right: Expression


class Arithmetic(msgspec.Struct, frozen=True):
    """left + right, and the like."""

    operator: Calculating
    left: Expression
    right: Expression


class Like(msgspec.Struct, frozen=True):
    """operand [NOT] LIKE 'pattern'."""

    operand: Expression
    pattern: str
    negated: bool = False


class In(msgspec.Struct, frozen=True):
    """operand [NOT] IN (item, …)."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool = False


class Call(msgspec.Struct, frozen=True):
    """A function by its name, in upper case."""

    name: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = (
    Literal
    | Attribute
    | Exists
    | Negation
    | Minus
    | Conjunction
    | Disjunction
    | Exclusive
    | Comparison
    | Arithmetic
    | Like
    | In
    | Call
)


def parts_of(node: Expression) -> tuple[Expression, ...]:
    """The expressions that stand right below this one."""
    match node:
        case Literal() | Attribute() | Exists():
            return ()
        case Negation(operand) | Minus(operand) | Like(operand):
            return (operand,)
        case Conjunction(parts) | Disjunction(parts):
            return parts
        case Exclusive(left, right):
            return (left, right)
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case In(operand, items):
            return (operand, *items)
        case Call(_, arguments):
            return arguments


def text(node: Expression) -> str:
    """The expression as text that is read as the same tree; what is nested stands in parentheses."""
    match node:
        case Literal(value):
            return _literal(value)
        case Attribute(name):
            return name
        case Exists(name):
            return f"EXISTS {name}"
        case Negation(operand):
            return f"NOT {_nested(operand)}"
        case Minus(Literal(int() as number)):
            return f"-({number})"  # -5 is a literal
        case Minus(operand):
            return f"-{_nested(operand)}"
        case Conjunction(parts):
            return " AND ".join(_part(part) for part in parts)
        case Disjunction(parts):
            return " OR ".join(_part(part) for part in parts)
        case Exclusive(left, right):
            return f"{_part(left)} XOR {_part(right)}"
        case Comparison(operator, left, right) | Arithmetic(operator, left, right):
            return f"{_nested(left)} {operator} {_nested(right)}"
        case Like(operand, pattern, negated):
            return f"{_nested(operand)} {'NOT ' if negated else ''}LIKE {_literal(pattern)}"
        case In(operand, items, negated):
            listed = ", ".join(text(item) for item in items)
            return f"{_nested(operand)} {'NOT ' if negated else ''}IN ({listed})"
        case Call(name, arguments):
            return f"{name}({', '.join(text(one) for one in arguments)})"


def _nested(node: Expression) -> str:
    shown = text(node)
    match node:
        case Literal(int(value)) if value < 0:
            return f"({shown})"
        case Literal() | Attribute() | Call():
            return shown
        case _:
            return f"({shown})"


def _part(node: Expression) -> str:
    match node:
        case Conjunction() | Disjunction() | Exclusive():
            return f"({text(node)})"
        case _:
            return text(node)


def _literal(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case str():
            return _quoted(value, "'") or _quoted(value, '"') or repr(value)


def _quoted(value: str, quote: str) -> str | None:
    """The string between these quotes; None where a backslash would keep one of them."""
    pieces: list[str] = []
    at = 0
    while at < len(value):
        piece = value[at : at + 2] if value[at] == "\\" else value[at]
        if piece in ("\\", f"\\{quote}"):
            return None
        pieces.append(quote * 2 if piece == quote else piece)
        at += len(piece)
    return f"{quote}{''.join(pieces)}{quote}"
