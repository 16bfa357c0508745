"""The text of a CESQL expression -> its tree (cesql/spec.md 2), by precedence climbing.

"type = 'a' AND NOT EXISTS b"   ->   Conjunction((Comparison(…), Negation(Exists("b"))))

What binds tighter stands further down (3.6); what binds alike is read from the left to the right:
    AND OR XOR  <  = != <> < <= > >=  <  + -  <  * / %  <  IN  <  LIKE  <  -x  <  NOT x

More than the specification's grammar is taken: `4-1` is a subtraction, and '' in a string is a quote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, NoReturn

from chappe.domain.cesql.like import MAX_GAPPED, pattern
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
)
from chappe.domain.cesql.values import LEAST, MOST, function, no_function
from chappe.domain.errors import Malformed

MAX_LENGTH: Final = 8192
MAX_DEPTH: Final = 32
_MAX_LEVEL: Final = 2 * MAX_DEPTH  # an operator in parentheses takes two levels of the parser

# What is none of the grammar's signs is read as one, so that the parser says where it stands.
_TOKENS = re.compile(
    r"""[ \t\r\n]*+(?:
        ([A-Za-z0-9_]++)
      | ('(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
      | (<=|>=|!=|<>|.)
      | \Z
    )""",
    re.VERBOSE | re.DOTALL,
)
_SIGNS: Final = frozenset({"", *"=<>+-*/%(),", "<=", ">=", "!=", "<>"})
_FUNCTION = re.compile("[A-Za-z][A-Za-z_]*")
_QUOTED = {quote: re.compile(rf"\\(.)|{quote}{quote}", re.DOTALL) for quote in "'\""}
_KEYWORDS: Final = frozenset("AND OR XOR NOT LIKE EXISTS IN TRUE FALSE".split())

_LOGIC, _COMPARE, _ADD, _MULTIPLY, _IN, _LIKE, _UNARY = range(1, 8)
_POWERS: Final = {
    "AND": _LOGIC, "OR": _LOGIC, "XOR": _LOGIC,
    "=": _COMPARE, "!=": _COMPARE, "<>": _COMPARE,
    "<": _COMPARE, "<=": _COMPARE, ">": _COMPARE, ">=": _COMPARE,
    "+": _ADD, "-": _ADD, "*": _MULTIPLY, "/": _MULTIPLY, "%": _MULTIPLY,
    "IN": _IN, "LIKE": _LIKE,
}  # fmt: skip
"""How tightly what stands between two operands binds; NOT as the word after it, see `_after_not`."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree; what a reader may take for something else, and calls of functions that there are not.

    Both are (offset, what), in the order of the text.
    """

    expression: Expression
    traps: tuple[tuple[int, str], ...] = ()
    unknown: tuple[tuple[int, str], ...] = ()


class ParseError(Malformed):
    """The text is no expression; `offset` counts characters from 0."""

    def __init__(self, reason: str, text: str, offset: int) -> None:
        super().__init__(f"at offset {offset}: {reason}", offset=offset, expression=text)
        self.offset = offset

    @property
    def marked(self) -> str:
        """The line of the text where it went wrong, and a caret below the place."""
        return marked(str(self.details["expression"]), self.offset)


def marked(text: str, offset: int) -> str:
    """The line of an offset, cut to some 80 characters around it, and a caret below."""
    start = text.rfind("\n", 0, offset) + 1
    line = text[start:].partition("\n")[0].replace("\t", " ")
    column = offset - start
    cut = max(column - 60, 0)
    return f"{line[cut : cut + 80]}\n{' ' * (column - cut)}^"


@lru_cache(maxsize=1024)
def parse(text: str) -> Parsed:
    """Read an expression.

    Raises:
        ParseError: it is none, or longer or deeper than may be.
    """
    if len(text) > MAX_LENGTH:
        raise ParseError(
            f"the expression has {len(text)} characters; at most {MAX_LENGTH} are possible",
            text,
            MAX_LENGTH,
        )
    parser = _Parser(text)
    expression = parser.whole()
    return Parsed(expression, parser.placed(parser.traps), parser.placed(parser.unknown))


class _Parser:
    """Goes along the tokens; looks at one, which is a word, a string, a sign or the end (all "")."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, str]] = _TOKENS.findall(text)
        self._at = -1
        self._level = 0
        self._depth = 0  # of the tree that was made last
        self.traps: list[tuple[int, str]] = []
        self.unknown: list[tuple[int, str]] = []
        self._next()

    def whole(self) -> Expression:
        """The expression that is all of the text."""
        expression = self._expression(0)
        if self._word or self._string or self._sign:
            self._fail("an operator or the end was expected")
        return expression

    def placed(self, notes: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
        """Notes by token as notes by offset."""
        return tuple((self._offset(at), told) for at, told in sorted(notes))

    def _expression(self, least: int) -> Expression:
        """What binds at least as tightly as `least`."""
        start = self._at
        self._level += 1
        if self._level > _MAX_LEVEL:
            self._too_deep(start)
        left = self._prefix()
        bare_not = left.__class__ is Negation and self._tokens[start][2] != "("
        chained = ""
        logic: dict[str, int] = {}
        while True:
            operator = self._sign or self._word.upper()
            if operator == "NOT":
                power = self._after_not()
            else:
                power = _POWERS.get(operator, 0)
            if not power or power < least:
                break
            at, depth = self._at, self._depth
            if bare_not:
                if power > _LOGIC:
                    self._note_not(start, operator)
                bare_not = False
            self._next()
            if power >= _IN:
                left = self._set_or_pattern(left, operator)
            else:
                right = self._expression(power + 1)
                # a AND b AND c is one conjunction; (a AND b) AND c stays as it is written.
                left = _joined(left, operator, right, is_chain=chained == operator)
                if power == _LOGIC:
                    depth -= chained == operator
                    logic.setdefault(operator, at)
                    chained = operator if operator != "XOR" else ""
            if depth < self._depth:
                depth = self._depth
            self._depth = depth + 1
            if depth >= MAX_DEPTH:
                self._too_deep(at)
        self._level -= 1
        if len(logic) > 1:
            self.traps.append(_mixed(logic))
        return left

    # --- parts of an expression

    def _prefix(self) -> Expression:
        self._depth = 1
        if self._word:
            return self._of_word()
        if self._string:
            text = _unquoted(self._string)
            self._next()
            return Literal(text)
        sign, at = self._sign, self._at
        if sign == "(":
            self._next()
            inner = self._expression(1)
            self._close(at)
            return inner
        if sign in ("-", "+"):
            self._next()
            if self._word.isdigit():
                return self._integer(sign + self._word, at)
            if sign == "-":
                return Minus(self._operand(at))
            self._at = at - 1
            self._next()
        self._fail("an attribute, a literal, a function or '(' was expected")

    def _of_word(self) -> Expression:
        word, at = self._word, self._at
        upper = word.upper()
        if upper in _KEYWORDS:
            if upper in ("TRUE", "FALSE"):
                self._next()
                return Literal(upper == "TRUE")
            if upper == "NOT":
                self._next()
                return Negation(self._operand(at))
            if upper == "EXISTS":
                self._next()
                if not self._word or self._word.upper() in _KEYWORDS:
                    self._fail("the name of an attribute was expected after EXISTS")
                return Exists(self._name())
            self._fail("an attribute, a literal, a function or '(' was expected")
        if self._tokens[at + 1][2] == "(":
            return self._call(upper)
        if word.isdigit():
            return self._integer(word, at)
        return Attribute(self._name())

    def _operand(self, at: int) -> Expression:
        """The operand of NOT or -, which bind tighter than all that stands between two operands."""
        operand = self._expression(_UNARY)
        self._deepen(self._depth, at)
        return operand

    def _name(self) -> str:
        word = self._word
        if "_" in word or word.isdigit():
            self._fail(f"{word!r} is no name of an attribute; a-z and 0-9 are allowed")
        self._next()
        return word.lower()

    def _integer(self, digits: str, at: int) -> Literal:
        if len(digits) > 40 or not LEAST <= int(digits) <= MOST:
            self._refuse(f"the number is not within 32 bits ({LEAST} to {MOST})", at)
        self._next()
        return Literal(int(digits))

    def _call(self, name: str) -> Call:
        if not _FUNCTION.fullmatch(name):
            self._fail(f"{self._word!r} is no name of a function; letters and _ are allowed")
        self._next()
        at = self._at
        self._next()
        arguments: tuple[Expression, ...] = ()
        self._depth = 0
        if self._sign != ")":
            arguments = self._list()
        self._close(at)
        self._deepen(self._depth, at)
        if function(name, len(arguments)) is None:
            self.unknown.append((at - 1, no_function(name, len(arguments)).message))
        return Call(name, arguments)

    def _set_or_pattern(self, left: Expression, operator: str) -> Expression:
        negated = operator == "NOT"
        if negated:
            operator = self._word.upper()
            self._next()
        at, depth = self._at, self._depth
        if operator == "LIKE":
            if not self._string:
                self._fail("a string literal was expected after LIKE")
            text = _unquoted(self._string)
            if pattern(text).too_gapped:
                reason = f"between two '%', what holds a '_' has at most {MAX_GAPPED} characters"
                self._refuse(reason, at)
            self._next()
            return Like(left, text, negated)
        if self._sign != "(":
            self._fail("'(' was expected after IN")
        self._next()
        items = self._list()
        self._depth = max(depth, self._depth)
        self._close(at)
        return In(left, items, negated)

    def _list(self) -> tuple[Expression, ...]:
        items = [self._expression(1)]
        depth = self._depth
        while self._sign == ",":
            self._next()
            items.append(self._expression(1))
            depth = max(depth, self._depth)
        self._depth = depth
        return tuple(items)

    def _after_not(self) -> int:
        """How tightly NOT IN or NOT LIKE binds, at the NOT."""
        power = _POWERS.get(self._tokens[self._at + 1][0].upper(), 0)
        if power < _IN:
            self._next()
            self._fail("IN or LIKE was expected after NOT")
        return power

    # --- tokens, bounds and errors

    def _next(self) -> None:
        self._at += 1
        self._word, self._string, self._sign = self._tokens[self._at]

    def _close(self, opened: int) -> None:
        if self._sign != ")":
            self._fail(f"',' or ')' was expected, for the '(' at offset {self._offset(opened)}")
        self._next()

    def _deepen(self, depth: int, at: int) -> None:
        self._depth = depth + 1
        if depth >= MAX_DEPTH:
            self._too_deep(at)

    def _note_not(self, at: int, operator: str) -> None:
        if operator == "NOT":
            operator = self._tokens[self._at + 1][0].upper()
        instead = f"x NOT {operator} …" if operator in ("IN", "LIKE") else "NOT (…)"
        told = f"NOT binds tighter than {operator}, so it negates what stands before it alone; "
        self.traps.append((at, f"{told}write {instead}"))

    def _fail(self, reason: str) -> NoReturn:
        """The token that is looked at cannot stand there."""
        found = self._word or self._string or self._sign
        if self._sign in ("'", '"'):
            self._refuse("the string has no end", self._at)
        if self._sign not in _SIGNS:
            self._refuse(f"the character {found!r} has no meaning here", self._at)
        shown = repr(found if len(found) <= 40 else f"{found[:40]}…") if found else "the end"
        self._refuse(f"{reason}, found {shown}", self._at)

    def _too_deep(self, at: int) -> NoReturn:
        self._refuse(f"nested more than {MAX_DEPTH} deep", at)

    def _refuse(self, reason: str, at: int) -> NoReturn:
        raise ParseError(reason, self._text, self._offset(at))

    def _offset(self, at: int) -> int:
        """Where a token stands in the text."""
        found = next(islice(_TOKENS.finditer(self._text), at, None))
        return found.start(found.lastindex) if found.lastindex else found.end()


def _joined(left: Expression, operator: str, right: Expression, *, is_chain: bool) -> Expression:
    match operator:
        case "AND":
            before = left.parts if is_chain and isinstance(left, Conjunction) else (left,)
            return Conjunction((*before, right))
        case "OR":
            before = left.parts if is_chain and isinstance(left, Disjunction) else (left,)
            return Disjunction((*before, right))
        case "XOR":
            return Exclusive(left, right)
        case "=" | "!=" | "<" | "<=" | ">" | ">=":
            return Comparison(operator, left, right)
        case "<>":
            return Comparison("!=", left, right)
        case "+" | "-" | "*" | "/" | "%":
            return Arithmetic(operator, left, right)
        case _:
            raise AssertionError(f"{operator!r} is no operator between two operands")


def _mixed(first: Mapping[str, int]) -> tuple[int, str]:
    """`first` is where each operator stands first: "a AND b OR c" -> {"AND": …, "OR": …}."""
    names = " and ".join(first)
    told = f"{names} bind alike and are read from the left to the right; add parentheses"
    return list(first.values())[1], told


def _unquoted(token: str) -> str:
    quote = token[0]
    inner = token[1:-1]
    if quote not in inner:
        return inner
    # A backslash takes its meaning from the quote alone; before all else it stays (for LIKE).
    return _QUOTED[quote].sub(lambda found: quote if found[1] in (quote, None) else found[0], inner)
