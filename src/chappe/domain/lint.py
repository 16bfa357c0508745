"""What a subscription says that its author may not mean: warnings, each a sentence with its place.

filters/0/sql: at offset 8: AND and OR bind alike …
filters: no event passes: type would have to be 'a' and 'b'

They judge no event, so nothing is refused for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from chappe.domain.cesql import tree
from chappe.domain.cesql.decide import attributes
from chappe.domain.cesql.evaluate import evaluate
from chappe.domain.cesql.like import pattern
from chappe.domain.cesql.values import REQUIRED, to_text, type_of
from chappe.domain.event import Event
from chappe.domain.filters import All, AnyOf, Exact, Filter, Not, Prefix, Sql, Suffix

MOST: Final = 20
"""So many warnings are told; who has more has seen enough."""

_MAX_SHOWN: Final = 120
_NO_EVENT: Final = Event(id="-", source="-", type="-")
_TYPES: Final = {str: "a String", int: "an Integer"}


def warnings(source: str | None, types: frozenset[str], filter_: Filter) -> list[str]:
    """What is odd about the conditions of a subscription."""
    found = list(_of(filter_, "filters"))
    needs = _Needs()
    if source is not None:
        needs.one_of("source", {source})
    if types:
        needs.one_of("type", types)
    _gather(filter_, needs)
    clash = needs.clash
    if clash is not None and not any("never" in one and clash in one for one in found):
        found.append(f"filters: no event passes: {clash}")
    return found[:MOST]


def _of(filter_: Filter, path: str) -> Iterator[str]:
    match filter_:
        case All(parts):
            below = path if path == "filters" else f"{path}/all"
            for number, part in enumerate(parts):
                yield from _of(part, f"{below}/{number}")
        case AnyOf(parts):
            for number, part in enumerate(parts):
                yield from _of(part, f"{path}/any/{number}")
        case Not(part):
            yield from _of(part, f"{path}/not")
        case Sql():
            for one in _of_sql(filter_):
                yield f"{path}/sql: {one}"
        case Exact() | Prefix() | Suffix():
            return


def _of_sql(sql: Sql) -> Iterator[str]:
    for offset, told in sql.traps:
        yield f"at offset {offset}: {told}"
    match sql.expression:
        case tree.Attribute(name) if type_of(sql.expression) is None:
            yield f"only a Boolean passes, and HTTP's headers carry Strings; write {name} = TRUE"
        case expression if (kind := _TYPES.get(type_of(expression) or bool)) is not None:
            yield f"no event passes: the value is {kind}, and only a Boolean can be TRUE"
        case expression:
            yield from _constant(expression)
    yield from _unguarded(sql.expression)


# --- what is the same for every event


def _constant(node: tree.Expression) -> Iterator[str]:
    """The outermost parts that are always, or never, TRUE."""
    always = _truth(node)
    if always is not None:
        why = _clash(node) if isinstance(node, tree.Conjunction) else None
        shown = _shown(node)
        yield f"{shown} is {'always' if always else 'never'} TRUE" + (f": {why}" if why else "")
        return
    match node:
        case tree.Conjunction(parts) | tree.Disjunction(parts):
            for part in parts:
                yield from _constant(part)
        case tree.Negation(tree.Conjunction() | tree.Disjunction() as operand):
            yield from _constant(operand)
        case _:
            return


def _truth(node: tree.Expression) -> bool | None:
    """True: TRUE for every event; False: TRUE for none, with an error or without; None: it depends."""
    match node:
        case tree.Conjunction(parts):
            truths = [_truth(part) for part in parts]
            if False in truths or _clash(node) is not None:
                return False
            return True if all(truths) else None
        case tree.Disjunction(parts):
            truths = [_truth(part) for part in parts]
            if truths[0] is True:
                return True
            return False if all(truth is False for truth in truths) else None
        case tree.Exists(name):
            return True if name in REQUIRED else None
        case tree.Negation(operand) if _truth(operand) is True:
            return False
        case tree.Comparison(operator, left, right) if operator not in ("=", "!=") and not (
            _fits_integer(left) and _fits_integer(right)
        ):
            return False
        case _ if attributes(node):
            return None
        case _:
            # A part of AND and OR is cast.
            return evaluate(tree.Conjunction((node, tree.Literal(True))), _NO_EVENT).passed  # noqa: FBT003


def _fits_integer(node: tree.Expression) -> bool:
    """Whether it is an Integer for some event."""
    if attributes(node):
        return True
    return not evaluate(tree.Arithmetic("+", node, tree.Literal(0)), _NO_EVENT).faults


# --- what cannot hold together


@dataclass(slots=True)
class _Need:
    """What is asked of one attribute."""

    values: frozenset[str] | None = None
    excluded: set[str] = field(default_factory=set)
    starts: set[str] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)


class _Needs:
    """What must hold of the attributes of an event, all at once; `clash` tells why it cannot."""

    def __init__(self) -> None:
        self._of: dict[str, _Need] = {}
        self.clash: str | None = None

    def one_of(self, name: str, values: Iterable[str]) -> None:
        need, wanted = self._need(name), frozenset(values)
        if need.values is not None and not need.values & wanted and self.clash is None:
            self.clash = f"{name} would have to be {_any(need.values)} and {_any(wanted)}"
        need.values = wanted if need.values is None else need.values & wanted
        self._check(name, need)

    def none_of(self, name: str, values: Iterable[str]) -> None:
        need = self._need(name)
        need.excluded |= set(values)
        self._check(name, need)

    def starts(self, name: str, prefix: str) -> None:
        need = self._need(name)
        for other in need.starts:
            if not (other.startswith(prefix) or prefix.startswith(other)) and self.clash is None:
                self.clash = f"{name} would have to begin with {other!r} and {prefix!r}"
        need.starts.add(prefix)
        self._check(name, need)

    def ends(self, name: str, suffix: str) -> None:
        need = self._need(name)
        for other in need.ends:
            if not (other.endswith(suffix) or suffix.endswith(other)) and self.clash is None:
                self.clash = f"{name} would have to end with {other!r} and {suffix!r}"
        need.ends.add(suffix)
        self._check(name, need)

    def _need(self, name: str) -> _Need:
        return self._of.setdefault(name, _Need())

    def _check(self, name: str, need: _Need) -> None:
        if need.values is None or self.clash is not None:
            return
        left = need.values - need.excluded
        if not left:
            self.clash = f"{name} would have to be {_any(need.values)} and not to be"
        elif not any(
            all(value.startswith(one) for one in need.starts)
            and all(value.endswith(one) for one in need.ends)
            for value in left
        ):
            affix = _any(frozenset(need.starts | need.ends))
            self.clash = f"{name} would have to be {_any(left)} and to begin or end with {affix}"


def _gather(filter_: Filter, needs: _Needs) -> None:
    match filter_:
        case Exact(attribute, value):
            needs.one_of(attribute, {value})
        case Prefix(attribute, value):
            needs.starts(attribute, value)
        case Suffix(attribute, value):
            needs.ends(attribute, value)
        case All(parts):
            for part in parts:
                _gather(part, needs)
        case AnyOf(parts):
            leaves = [part for part in parts if isinstance(part, Exact)]
            if len(leaves) == len(parts) and len({leaf.attribute for leaf in leaves}) == 1:
                needs.one_of(leaves[0].attribute, {leaf.value for leaf in leaves})
        case Not(Exact(attribute, value)):
            needs.none_of(attribute, {value})
        case Not():
            return
        case Sql(_, expression):
            _gather_sql(expression, needs)


def _gather_sql(node: tree.Expression, needs: _Needs) -> None:
    match node:
        case tree.Conjunction(parts):
            for part in parts:
                _gather_sql(part, needs)
        case tree.Comparison("=", tree.Attribute(name), tree.Literal(str(value))):
            needs.one_of(name, {value})
        case tree.Comparison("!=", tree.Attribute(name), tree.Literal(str(value))):
            needs.none_of(name, {value})
        case tree.In(tree.Attribute(name), items, negated) if all(
            isinstance(item, tree.Literal) and isinstance(item.value, str) for item in items
        ):
            values = {to_text(item.value) for item in items if isinstance(item, tree.Literal)}
            # A set is cast to the attribute's type, and only a String's is what is written here.
            if type_of(tree.Attribute(name)) is str:
                (needs.none_of if negated else needs.one_of)(name, values)
        case tree.Like(tree.Attribute(name), text, negated=False):
            wanted = pattern(text)
            if wanted.literal is not None and len(wanted.literal) == 1:
                needs.one_of(name, wanted.literal)
                return
            if wanted.start:
                needs.starts(name, wanted.start)
            if wanted.end:
                needs.ends(name, wanted.end)
        case _:
            return


def _clash(node: tree.Expression) -> str | None:
    needs = _Needs()
    _gather_sql(node, needs)
    return needs.clash


# --- attributes that may be missing


def _unguarded(node: tree.Expression) -> Iterator[str]:
    """Alternatives that are never looked at for an event without an attribute that comes first."""
    match node:
        case tree.Disjunction(parts):
            for part in parts[:-1]:
                for name in _needed(part):
                    yield (
                        f"an event without {name} never passes, whatever follows OR; write "
                        f"(EXISTS {name} AND …) OR …"
                    )
                    return
            for part in parts:
                yield from _unguarded(part)
        case tree.Conjunction(parts):
            for part in parts:
                yield from _unguarded(part)
        case _:
            return


def _needed(node: tree.Expression) -> list[str]:
    """The attributes without which the node has an error."""
    match node:
        case tree.Exists() | tree.Literal():
            return []
        case tree.Attribute(name):
            return [] if name in REQUIRED else [name]
        case tree.Conjunction(parts) | tree.Disjunction(parts):
            return _needed(parts[0])
        case _:
            return [name for part in tree.parts_of(node) for name in _needed(part)]


def _shown(node: tree.Expression) -> str:
    shown = tree.text(node)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"


def _any(values: frozenset[str]) -> str:
    shown = [repr(one[:60]) for one in sorted(values)[:3]]
    return " or ".join(shown) + (" or …" if len(values) > 3 else "")
