"""An expression as one compiled Python expression: what the hot path runs.

type = 'a' AND region = 'eu'   ->   e.type == 'a' and (a0 := e.extensions.get('region')) is not None
                                    and (a0 if a0.__class__ is str else text(a0)) == 'eu'

Into the source go fixed names (`_GLOBALS`, `e`, `a0`, `a1`, …) and literals by their repr(), nothing else
of what a user wrote. The answers are those of `evaluate`, of whose errors the first ends the
evaluation (cesql/spec.md 4.1, fail fast). An attribute is read once, and where FALSE and an error come
to the same, a missing one raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias, cast

from chappe.domain.cesql import like as patterns
from chappe.domain.cesql import values
from chappe.domain.cesql.evaluate import Outcome
from chappe.domain.cesql.tree import (
    Arithmetic,
    Attribute,
    Call,
    Comparing,
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
from chappe.domain.cesql.values import FUNCTIONS, REQUIRED, ZERO, Faulty, function, type_of
from chappe.domain.event import CORE_ATTRIBUTES, SPECVERSION, AttributeValue, Event

Predicate: TypeAlias = Callable[[Event], bool]


def predicate(node: Expression) -> Predicate:
    """Whether a filter lets an event pass: TRUE, and no error."""
    code = _Writer().write(node, {}, lax=True)
    if code.type is bool:
        source = code.source
    else:
        source = f"{code.source} is True" if code.type is None else "False"
    return cast("Predicate", _function(source, "return False"))


def evaluator(node: Expression) -> Callable[[Event], Outcome]:
    """The value of an expression, and its first error."""
    code = _Writer().outermost(node)
    # An attribute that is not there has no type, and so counts as a Boolean (3.2).
    zero = ZERO[bool if code.type is None or isinstance(node, Attribute) else code.type]
    apply = cast("Callable[[Event], Value | Faulty]", _function(code.source, "return error"))

    def evaluate(event: Event) -> Outcome:
        found = apply(event)
        if not isinstance(found, Faulty):
            return Outcome(found)
        value = found.value if isinstance(found, _Outermost) else None
        return Outcome(zero if value is None else value, (found.fault,))

    return evaluate


class _Code(NamedTuple):
    """Python for an expression: its type (None: known when it runs), and the attributes that are bound
    to their variables when it did not raise.
    """

    source: str
    type: Type | None
    binds: Mapping[str, bool] = {}


_Known: TypeAlias = Mapping[str, bool]
"""The attributes that are bound; True: bytes are a String already."""

_CALLS: Final[Mapping[str, str]] = {
    "=": "equal",
    "!=": "unequal",
    "<": "less",
    "<=": "at_most",
    ">": "greater",
    ">=": "at_least",
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "%": "remainder",
}
_PYTHON: Final[Mapping[Comparing, str]] = {"=": "=="}
_CASTS: Final[Mapping[Type, str]] = {str: "text", int: "integer", bool: "boolean"}
_CLASSES: Final[Mapping[Type, str]] = {str: "str", int: "int", bool: "bool"}
_OWN_VALUE: Final = frozenset({"LEFT", "RIGHT", "ABS"})
"""The functions that give a value besides their error."""


class _Writer:
    """Writes one function; gives each attribute a variable."""

    def __init__(self) -> None:
        self._variables: dict[str, str] = {}

    def outermost(self, node: Expression) -> _Code:
        """The whole expression; what its own function gives besides an error is told apart."""
        code = self.write(node, {})
        if isinstance(node, Call) and node.name in _OWN_VALUE:
            name, _, arguments = code.source.partition("(")
            return code._replace(source=f"outermost({name}, {arguments}")
        return code

    def write(self, node: Expression, known: _Known, *, lax: bool = False) -> _Code:
        """Python for a node; `lax`: FALSE may stand for an error."""
        match node:
            case Literal(value):
                return _Code(repr(value), type(value))
            case Attribute(name):
                return self._attribute(name, known)
            case Exists(name):
                return self._exists(name)
            case Negation(operand):
                code = self._cast(operand, bool, known)
                return code._replace(source=f"(not {code.source})")
            case Minus(operand):
                return self._call("negative", int, (operand,), known)
            case Conjunction(parts):
                return self._logic(" and ", parts, known, [lax] * len(parts))
            case Disjunction(parts):
                # What is false goes on to the next, what has an error does not pass.
                return self._logic(" or ", parts, known, [False] * (len(parts) - 1) + [lax])
            case Exclusive(left, right):
                return self._call("exclusive", bool, (left, right), known)
            case Arithmetic(operator, left, right):
                return self._call(_CALLS[operator], int, (left, right), known)
            case Comparison() | Like() | In():
                return self._test(node, known, lax=lax)
            case Call(name, arguments):
                called = function(name, len(arguments))
                if called is None:
                    source = f"no_function({name!r}, {len(arguments)})"
                    return _Code(source, bool)
                return self._call(_function_name(name), called.gives, arguments, known)

    def _test(self, node: Comparison | Like | In, known: _Known, *, lax: bool) -> _Code:
        operand = node.left if isinstance(node, Comparison) else node.operand
        guard = ""
        if lax and isinstance(operand, Attribute) and operand.name not in {*known, *REQUIRED}:
            guard = f"({self._read(operand.name)}) is not None and "
            known = {**known, operand.name: operand.name in CORE_ATTRIBUTES}
        if isinstance(node, Comparison):
            code = self._comparison(node.operator, node.left, node.right, known)
        elif isinstance(node, Like):
            code = self._like(operand, node.pattern, known, negated=node.negated)
        else:
            code = self._in(operand, node.items, known, negated=node.negated)
        if not guard:
            return code
        assert isinstance(operand, Attribute)
        binds = {operand.name: known[operand.name], **code.binds}
        return _Code(f"({guard}{code.source})", bool, binds)

    # --- attributes

    def _variable(self, name: str) -> str:
        return self._variables.setdefault(name, f"a{len(self._variables)}")

    def _read(self, name: str) -> str:
        if name in CORE_ATTRIBUTES:
            return f"{self._variable(name)} := e.{name}"
        return f"{self._variable(name)} := e.extensions.get({name!r})"

    def _attribute(self, name: str, known: _Known) -> _Code:
        if name == "specversion":
            return _Code(repr(SPECVERSION), str)
        if name in REQUIRED:
            return _Code(f"e.{name}", str)
        one, core = self._variable(name), name in CORE_ATTRIBUTES
        if name in known:
            source = one if known[name] else f"({one} := value({one}, {name!r}))"
        elif core:
            source = f"({one} if ({self._read(name)}) is not None else missing({name!r}))"
        else:
            source = (
                f"({one} if ({self._read(name)}).__class__ is str"
                f" else ({one} := value({one}, {name!r})))"
            )
        return _Code(source, str if core else None, {name: True})

    def _exists(self, name: str) -> _Code:
        if name in REQUIRED:
            source = "True"
        elif name in CORE_ATTRIBUTES:
            source = f"(e.{name} is not None)"
        else:
            source = f"({name!r} in e.extensions)"
        return _Code(source, bool)

    def _cast(self, node: Expression, target: Type, known: _Known) -> _Code:
        """The node as a value of that type."""
        if isinstance(node, Literal):
            try:
                folded = values.cast(node.value, target)
            except Faulty:
                return _Code(f"{_CASTS[target]}({node.value!r})", target)
            return _Code(repr(folded), target)
        code = self.write(node, known)
        if code.type is target:
            return code
        if code.type is None and isinstance(node, Attribute):
            return self._cast_attribute(node.name, target, known)
        return _Code(f"{_CASTS[target]}({code.source})", target, code.binds)

    def _cast_attribute(self, name: str, target: Type, known: _Known) -> _Code:
        one, cast_ = self._variable(name), _CASTS[target]
        look = one if name in known else f"({self._read(name)})"
        rest = one if known.get(name) else f"{one} := value({one}, {name!r})"
        # The first branch takes a value that is of the type already, and then bytes it is not.
        source = f"({one} if {look}.__class__ is {_CLASSES[target]} else {cast_}({rest}))"
        return _Code(source, target, {name: True})

    # --- operators

    def _operands(
        self, nodes: Sequence[Expression], known: _Known
    ) -> tuple[list[_Code], dict[str, bool]]:
        codes: list[_Code] = []
        binds: dict[str, bool] = {}
        for node in nodes:
            code = self.write(node, {**known, **binds})
            codes.append(code)
            binds.update(code.binds)
        return codes, binds

    def _call(
        self, name: str, gives: Type, arguments: Sequence[Expression], known: _Known
    ) -> _Code:
        """A call evaluates all of its operands, then casts them: the order of `evaluate`."""
        codes, binds = self._operands(arguments, known)
        source = f"{name}({', '.join(code.source for code in codes)})"
        return _Code(source, gives, binds)

    def _logic(
        self, operator: str, parts: Sequence[Expression], known: _Known, lax: Sequence[bool]
    ) -> _Code:
        codes: list[_Code] = []
        bound: dict[str, bool] = {}
        for part, laxly in zip(parts, lax, strict=True):
            so_far = {**known, **bound}
            if type_of(part) is bool:
                code = self.write(part, so_far, lax=laxly)
            else:
                code = self._cast(part, bool, so_far)
            codes.append(code)
            bound.update(code.binds)
        source = f"({operator.join(code.source for code in codes)})"
        # Only the first is always evaluated.
        return _Code(source, bool, codes[0].binds)

    def _comparison(
        self, operator: Comparing, left: Expression, right: Expression, known: _Known
    ) -> _Code:
        target = type_of(right) if operator in ("=", "!=") else int
        if target is None or not (type_of(left) is target or _is_safe(right, target)):
            # To cast the left operand here would be before the right one is evaluated.
            return self._call(_CALLS[operator], bool, (left, right), known)
        first = self._cast(left, target, known)
        second = self._cast(right, target, {**known, **first.binds})
        source = f"({first.source} {_PYTHON.get(operator, operator)} {second.source})"
        return _Code(source, bool, {**first.binds, **second.binds})

    def _like(self, operand: Expression, text: str, known: _Known, *, negated: bool) -> _Code:
        code = self._cast(operand, str, known)
        pieces = patterns.pattern(text).literal
        one = code.source
        match pieces:
            case None:
                patterns.compiled(text)  # now, so that no event waits for it
                source = f"like({one}, {text!r})"
            case [whole]:
                source = f"({one} == {whole!r})"
            case [start, ""]:
                source = f"{one}.startswith({start!r})"
            case ["", end]:
                source = f"{one}.endswith({end!r})"
            case ["", middle, ""]:
                source = f"({middle!r} in {one})"
            case _:
                start, *others, end = pieces
                source = f"in_order({one}, {start!r}, {tuple(others)!r}, {end!r})"
        return code._replace(source=_unless(source, negated), type=bool)

    def _in(
        self, operand: Expression, items: Sequence[Expression], known: _Known, *, negated: bool
    ) -> _Code:
        code = self.write(operand, known)
        literals = [item.value for item in items if isinstance(item, Literal)]
        if len(literals) < len(items) or code.type not in (str, None):
            listed, bound = self._operands(items, {**known, **code.binds})
            source = f"within({code.source}, ({''.join(f'{one.source}, ' for one in listed)}))"
            return _Code(_unless(source, negated), bool, {**code.binds, **bound})
        texts = sorted({values.to_text(one) for one in literals})
        among = f"in {{{', '.join(map(repr, texts))}}}" if len(texts) > 1 else f"== {texts[0]!r}"
        source = f"({code.source} {among})"
        if code.type is None:
            assert isinstance(operand, Attribute)
            one = self._variable(operand.name)
            rest = f"within({one}, {tuple(literals)!r})"
            source = f"({one} {among} if {code.source}.__class__ is str else {rest})"
        return _Code(_unless(source, negated), bool, code.binds)


def _unless(source: str, negated: bool) -> str:
    return f"(not {source})" if negated else source


def _is_safe(node: Expression, target: Type) -> bool:
    """Whether neither to evaluate the node nor to cast it can fail."""
    match node:
        case Literal(value):
            try:
                values.cast(value, target)
            except Faulty:
                return False
            return True
        case Attribute(name):
            return name in REQUIRED and target is str
        case _:
            return False


# --- what the generated source may name


class _Outermost(Faulty):
    """The error of the function that is the whole expression."""


def _outermost(apply: Callable[..., Value], *arguments: Value) -> Value:
    try:
        return apply(*arguments)
    except Faulty as error:
        raise _Outermost(error.kind, error.message, error.value) from None


def _missing(name: str) -> NoReturn:
    raise values.missing(name)


def _no_function(name: str, arity: int) -> NoReturn:
    raise values.no_function(name, arity)


def _value(found: AttributeValue | None, name: str) -> Value:
    if found is None:
        raise values.missing(name)
    return values.primitive(found)


def _function_name(name: str) -> str:
    return f"f_{name}"


_GLOBALS: Final[dict[str, Any]] = {
    "__builtins__": {},
    "str": str,
    "int": int,
    "bool": bool,
    "Faulty": Faulty,
    "text": values.to_text,
    "integer": values.to_integer,
    "boolean": values.to_boolean,
    "missing": _missing,
    "value": _value,
    "exclusive": values.exclusive,
    "no_function": _no_function,
    "outermost": _outermost,
    "negative": values.negative,
    "within": values.within,
    "like": patterns.like,
    "in_order": patterns.in_order,
    **{_CALLS[sign]: apply for sign, apply in {**values.COMPARE, **values.CALCULATE}.items()},
    **{_function_name(name): one.apply for name, one in FUNCTIONS.items()},
}


@lru_cache(maxsize=4096)
def _function(source: str, otherwise: str) -> Callable[[Event], object]:
    text = f"def cesql(e):\n try:\n  return {source}\n except Faulty as error:\n  {otherwise}\n"
    made: dict[str, object] = {}
    exec(compile(text, "<cesql>", "exec"), _GLOBALS, made)  # noqa: S102 - see the module's beginning
    return cast("Callable[[Event], object]", made["cesql"])
