"""Is generated Python what it should be: declarations, and nothing that does anything?

A schema can name modules and types for the generator to import ("customBasePath": "os.path.x"), and
might hold text that slips out of a string. Whoever imports the result runs it. So its syntax tree is
held against what models are made of; whatever else there is, is refused.
"""

from __future__ import annotations

import ast
import re
from typing import Final, NoReturn

from chappe.domain.errors import CallerError

_MODULES: Final = frozenset(
    "__future__ collections.abc dataclasses datetime decimal enum ipaddress msgspec pathlib pydantic"
    " pydantic.dataclasses typing typing_extensions uuid".split()
)
_NOT_IMPORTED: Final = frozenset({"ImportString", "create_model", "ForwardRef"})
"""Names of these modules that make code of text, or import what a text says."""

_VALUES: Final = frozenset(
    "AnyUrl Decimal Discriminator Field Meta StringConstraints Tag UUID conbytes condate condecimal"
    " confloat conint conlist conset constr convert date datetime field time timedelta".split()
)
"""What may be called, with any values."""

_TYPES: Final = frozenset("ConfigDict NamedTuple RootModel TypeAliasType TypedDict TypeVar".split())
"""What may be called, with types; text in it may be evaluated, so it is a name."""

_METHODS: Final = frozenset("model_rebuild model_validate".split())
_DECORATORS: Final = frozenset({"dataclass"})
_NAME: Final = re.compile(r"[A-Za-z_][\w.]*( \| None)?", re.ASCII)
_TOP: Final = (ast.ImportFrom, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.Pass)
_EXPRESSIONS: Final = (
    ast.Attribute,
    ast.BinOp,
    ast.BitOr,
    ast.Call,
    ast.Constant,
    ast.Dict,
    ast.Lambda,
    ast.List,
    ast.ListComp,
    ast.Name,
    ast.Set,
    ast.Starred,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
    ast.USub,
    # Parts of these
    ast.arguments,
    ast.comprehension,
    ast.expr_context,
    ast.keyword,
)


def check_generated(source: str) -> None:
    """Refuse what is no plain declaration of models.

    Raises:
        CallerError: it has something else; names the line.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as exc:
        raise CallerError(f"the generated Python cannot be read: {exc}") from None
    for statement in tree.body:
        _statement(statement)


def _statement(node: ast.stmt) -> None:
    if not isinstance(node, _TOP):
        _refuse(node)
    match node:
        case ast.ImportFrom():
            names = {alias.name for alias in node.names}
            if node.level or node.module not in _MODULES or names & {*_NOT_IMPORTED, "*"}:
                _refuse(node)
        case ast.ClassDef():
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if not isinstance(called, ast.Name) or called.id not in _DECORATORS:
                    _refuse(decorator)
                for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
                    _type(keyword.value)
            for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
                _type(base)
            for statement in node.body:
                _statement(statement)
        case ast.AnnAssign():
            _target(node.target)
            _type(node.annotation)
            if node.value is not None:
                _value(node.value)
        case ast.Assign():
            for target in node.targets:
                _target(target)
            # A list, a Literal or a union may stand here as the alias of a type.
            (_type if isinstance(node.value, ast.Subscript | ast.BinOp) else _value)(node.value)
        case ast.Expr():
            _value(node.value)
        case _:
            pass


def _target(node: ast.expr) -> None:
    if not isinstance(node, ast.Name) or node.id.startswith("__"):
        _refuse(node)


def _value(node: ast.AST) -> None:
    """An expression whose texts are data."""
    _allowed(node)
    match node:
        case ast.Call():
            _call(node)
        case ast.Subscript():
            _type(node)
        case _:
            for child in ast.iter_child_nodes(node):
                _value(child)


def _type(node: ast.AST) -> None:
    """An expression whose texts may be evaluated, but those of Literal."""
    _allowed(node)
    match node:
        case ast.Constant(value=str(text)):
            if not _NAME.fullmatch(text):
                _refuse(node)
        case ast.Subscript(value=ast.Name(id="Literal")):
            _value(node.slice)
        case ast.Call():
            _call(node)
        case ast.Dict():
            for value in node.values:
                _type(value)
        case _:
            for child in ast.iter_child_nodes(node):
                _type(child)


def _call(node: ast.Call) -> None:
    arguments = (*node.args, *(keyword.value for keyword in node.keywords))
    match node.func:
        case ast.Name(id=name) if name in _VALUES:
            inside = _value
        case ast.Name(id=name) if name in _TYPES:
            inside = _type
        case ast.Attribute(value=ast.Name(), attr=name) if name in _METHODS:
            inside = _value
        case _:
            _refuse(node)
    for argument in arguments:
        inside(argument)


def _allowed(node: ast.AST) -> None:
    if not isinstance(node, _EXPRESSIONS):
        _refuse(node)
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    if isinstance(name, str) and name.startswith("__"):
        _refuse(node)


def _refuse(node: ast.AST) -> NoReturn:
    text = ast.unparse(node)
    shown = text if len(text) <= 80 else f"{text[:77]}…"
    raise CallerError(
        f"the generated Python is refused: line {getattr(node, 'lineno', '?')} would do more than"
        f" declare models: {shown}; what in the schema names Python code?"
    )
