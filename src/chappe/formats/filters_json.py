"""Filter expressions in JSON (subscriptions/spec.md 3.2.4.1) <-> the tree of domain.filters.

[{"prefix": {"subject": "eu-"}}]                <-> All((Prefix("subject", "eu-"),))
{"exact": {"type": "a", "source": "/b"}}         -> All((Exact("type", "a"), Exact("source", "/b")))
{"not": {"any": [{"suffix": {"type": ".x"}}]}}  <-> Not(AnyOf((Suffix("type", ".x"),)))
{"sql": "hop < 5"}                              <-> Sql("hop < 5", Comparison("<", …, …))

`cesql` is read as `sql`; Knative names it so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.filters import ALWAYS, All, AnyOf, Exact, Filter, Not, Prefix, Sql, Suffix
from chappe.formats.cesql_parser import ParseError, parse
from chappe.formats.fields import kind_of, shortened

MAX_DEPTH: Final = 32
MAX_EXPRESSIONS: Final = 256
MAX_SQL: Final = 16_384
"""The most characters of all CESQL expressions together: to compile them takes some 0.1 s."""
DIALECTS: Final = ("exact", "prefix", "suffix", "all", "any", "not", "sql")

_LEAVES: Final[dict[str, Callable[[str, str], Filter]]] = {
    "exact": Exact,
    "prefix": Prefix,
    "suffix": Suffix,
}
_ATTRIBUTE = re.compile(r"[a-z0-9]+")


def parse_filters(document: object, path: str = "filters") -> Filter:
    """The array of expressions, which must all be true; absent (None) or empty: always true.

    Raises:
        Malformed: an expression breaks a rule; the message begins with its path.
    """
    if document is None:
        return ALWAYS
    if not isinstance(document, list):
        raise Malformed(f"{path}: {kind_of(document)} was sent, an array is needed")
    reader = _Reader()
    return All(tuple(reader.expression(part, f"{path}/{i}", 1) for i, part in enumerate(document)))


def render_filters(filter_: Filter) -> list[dict[str, object]]:
    """The array that `parse_filters` reads as the same tree (a lone expression becomes `[it]`)."""
    parts = filter_.parts if isinstance(filter_, All) else (filter_,)
    return [_render(part) for part in parts]


class _Reader:
    """Counts the expressions of one array while reading it."""

    def __init__(self) -> None:
        self._count = 0
        self._sql = 0

    def expression(self, document: object, path: str, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise Malformed(f"{path}: nested more than {MAX_DEPTH} deep")
        self._take(path)
        if not isinstance(document, dict):
            raise Malformed(
                f"{path}: {kind_of(document)} was sent, an object with one dialect is needed"
            )
        if len(document) != 1:
            names = ", ".join(repr(name) for name in list(document)[:10])
            raise Malformed(
                f"{path}: an expression has exactly one dialect, this one has {len(document)}"
                + (f" ({names})" if names else "")
            )
        ((dialect, body),) = document.items()
        path = f"{path}/{dialect}"
        match dialect:
            case "exact" | "prefix" | "suffix":
                return self._leaves(_LEAVES[dialect], body, path)
            case "all":
                return All(self._several(body, path, depth))
            case "any":
                return AnyOf(self._several(body, path, depth))
            case "not":
                return Not(self.expression(body, path, depth + 1))
            case "sql" | "cesql":
                return self._expression_text(body, path)
            case _:
                raise Malformed(
                    f"{path.rpartition('/')[0]}: unknown dialect {shortened(dialect)};"
                    f" known: {', '.join(DIALECTS)}"
                )

    def _leaves(self, make: Callable[[str, str], Filter], body: object, path: str) -> Filter:
        if not isinstance(body, dict) or not body:
            raise Malformed(
                f"{path}: a non-empty object of attribute names and strings is needed,"
                f" {'an empty one' if body == {} else kind_of(body)} was sent"
            )
        leaves: list[Filter] = []
        for name, value in body.items():
            if len(body) > 1:
                self._take(path)
            if not _ATTRIBUTE.fullmatch(name):
                raise Malformed(
                    f"{path}: {shortened(name)} is no attribute name; a-z and 0-9 are allowed"
                )
            if not isinstance(value, str) or not value:
                raise Malformed(
                    f"{path}/{name}: a non-empty string is needed,"
                    f" {'an empty one' if value == '' else kind_of(value)} was sent"
                )
            leaves.append(make(name, value))
        return leaves[0] if len(leaves) == 1 else All(tuple(leaves))

    def _several(self, body: object, path: str, depth: int) -> tuple[Filter, ...]:
        if not isinstance(body, list) or not body:
            raise Malformed(
                f"{path}: a non-empty array of expressions is needed,"
                f" {'an empty one' if body == [] else kind_of(body)} was sent"
            )
        return tuple(self.expression(part, f"{path}/{i}", depth + 1) for i, part in enumerate(body))

    def _expression_text(self, body: object, path: str) -> Sql:
        self._sql += len(body) if isinstance(body, str) else 0
        if self._sql > MAX_SQL:
            raise Malformed(f"{path}: more than {MAX_SQL} characters of CESQL in all")
        return _sql(body, path)

    def _take(self, path: str) -> None:
        self._count += 1
        if self._count > MAX_EXPRESSIONS:
            raise Malformed(f"{path}: more than {MAX_EXPRESSIONS} expressions")


def _sql(body: object, path: str) -> Sql:
    if not isinstance(body, str) or not body:
        raise Malformed(
            f"{path}: a CESQL expression is needed, a non-empty string;"
            f" {'an empty one' if body == '' else kind_of(body)} was sent"
        )
    try:
        parsed = parse(body)
        # The specification makes a call of an unknown function an error of each evaluation; here it
        # can never be anything else, so it is one of the expression.
        if parsed.unknown:
            offset, told = parsed.unknown[0]
            raise ParseError(told, body, offset)
    except ParseError as error:
        raise Malformed(
            f"{path}: {error.message}", offset=error.offset, marked=error.marked
        ) from None
    return Sql(body, parsed.expression, parsed.traps)


def _render(filter_: Filter) -> dict[str, object]:
    match filter_:
        case Exact(attribute, value):
            return {"exact": {attribute: value}}
        case Prefix(attribute, value):
            return {"prefix": {attribute: value}}
        case Suffix(attribute, value):
            return {"suffix": {attribute: value}}
        case All(parts):
            return {"all": [_render(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [_render(part) for part in parts]}
        case Not(part):
            return {"not": _render(part)}
        case Sql(text):
            return {"sql": text}
