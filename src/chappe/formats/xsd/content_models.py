"""Whether every sequence of elements that one content model takes is taken by another.

Where both are built alike, one look at their parts tells. Else the answer comes from the derivatives
of both, which are regular expressions over element names, by walking both at once, the shortest
sequences first; so a "no" has an example. The walk is bounded; past its bound there is no answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.formats.xsd.components import (
    ElementParticle,
    Group,
    Name,
    Particle,
    Wildcard,
    WildcardParticle,
    namespace,
    takes_nothing,
)
from chappe.formats.xsd.model import Model

_NOTHING: Final = 0
_EMPTY: Final = 1
# Parts of a choice that are tried one by one.
_MANY: Final = 10


@dataclass(frozen=True, slots=True)
class Contained:
    """Every sequence of the writer's is one of the reader's."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The beginning of a sequence that only the writer's model takes.

    With `is_complete` it is a whole sequence, to which the reader's model needs more.
    """

    names: tuple[Name, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Undecided:
    """The models are too large to tell."""


@dataclass(slots=True)
class Budget:
    """How many more steps a comparison may take; a step is some 2 µs."""

    steps: int


def contains(
    reader: tuple[Model, Particle | None],
    writer: tuple[Model, Particle | None],
    budget: Budget,
) -> Contained | Counterexample | Undecided:
    """Whether the reader's content model takes all that the writer's does."""
    if covers(reader, writer, budget):
        return Contained()
    if budget.steps <= 0:
        return Undecided()
    walk = _Walk(_symbols((reader, writer)), budget)
    try:
        return walk.contains(walk.expression(*reader), walk.expression(*writer))
    except _TooLarge:
        return Undecided()


def covers(
    reader: tuple[Model, Particle | None],
    writer: tuple[Model, Particle | None],
    budget: Budget,
) -> bool:
    """Whether each part of the writer's surely has its place in the reader's; a "no" is not sure."""
    (reading, wide), (writing, narrow) = reader, writer
    budget.steps -= 1
    if budget.steps < 0:
        return False
    if narrow is None or wide is None:
        return narrow is None and takes_nothing(wide)
    if wide.least > narrow.least:
        return False
    if wide.most is not None and (narrow.most is None or narrow.most > wide.most):
        return False
    match wide, narrow:
        case ElementParticle(), ElementParticle():
            names = {each.name for each in reading.standing(wide)}
            return names.issuperset(each.name for each in writing.standing(narrow))
        case WildcardParticle(wildcard=wildcard), ElementParticle():
            return all(wildcard.admits(namespace(e.name)) for e in writing.standing(narrow))
        case WildcardParticle(wildcard=wildcard), WildcardParticle(wildcard=other):
            return is_wider(wildcard, other)
        case Group(), Group() if wide.kind == narrow.kind == "sequence":
            return _covers_sequence((reading, wide), (writing, narrow), budget)
        case Group(), Group() if wide.kind == narrow.kind:
            return _covers_unordered((reading, wide), (writing, narrow), budget)
    return False


def _covers_sequence(
    reader: tuple[Model, Group], writer: tuple[Model, Group], budget: Budget
) -> bool:
    (reading, wide), (writing, narrow) = reader, writer
    at = 0
    for part in narrow.parts:
        while at < len(wide.parts):
            if covers((reading, wide.parts[at]), (writing, part), budget):
                break
            if not takes_nothing(wide.parts[at]):
                return False
            at += 1
        else:
            return False
        at += 1
    return all(takes_nothing(part) for part in wide.parts[at:])


def _covers_unordered(
    reader: tuple[Model, Group], writer: tuple[Model, Group], budget: Budget
) -> bool:
    """For a choice, and for an "all", in which no name stands twice."""
    (reading, wide), (writing, narrow) = reader, writer
    if not narrow.parts:
        return all(takes_nothing(part) for part in wide.parts)
    places = {
        element.name: part
        for part in wide.parts
        if isinstance(part, ElementParticle)
        for element in reading.standing(part)
    }
    others = [part for part in wide.parts if not isinstance(part, ElementParticle)]
    used = set()
    for part in narrow.parts:
        candidates: list[Particle] = []
        if isinstance(part, ElementParticle):
            candidates += {
                id(place): place
                for element in writing.standing(part)
                if (place := places.get(element.name)) is not None
            }.values()
        candidates += others[:_MANY]
        for candidate in candidates:
            if covers((reading, candidate), (writing, part), budget):
                used.add(id(candidate))
                break
        else:
            return False
    return wide.kind == "choice" or all(
        id(part) in used or takes_nothing(part) for part in wide.parts
    )


def is_wider(reader: Wildcard, writer: Wildcard) -> bool:
    """Whether one wildcard takes all namespaces that the other does."""
    return all(
        reader.admits(uri) or not writer.admits(uri)
        for uri in (*reader.namespaces, *writer.namespaces, "\0any other")
    )


class _TooLarge(Exception):
    """The walk is past its bound."""


def _symbols(sides: Iterable[tuple[Model, Particle | None]]) -> dict[str, list[Name]]:
    """All names that are told apart, by their namespace; "*" is any other name of it."""
    found: dict[str, dict[Name, None]] = {"*": {}}
    for model, particle in sides:
        waiting = [particle]
        while waiting:
            match waiting.pop():
                case ElementParticle() as at:
                    for element in model.standing(at):
                        found.setdefault(namespace(element.name), {})[element.name] = None
                case WildcardParticle(wildcard=wildcard):
                    for each_namespace in wildcard.namespaces:
                        found.setdefault(each_namespace, {})
                case Group(parts=parts):
                    waiting.extend(parts)
                case None:
                    pass
    return {uri: [*names, f"{{{uri}}}*"] for uri, names in found.items()}


class _Walk:
    """Expressions are numbers into `_table`, equal ones the same number."""

    def __init__(self, symbols: dict[str, list[Name]], budget: Budget) -> None:
        self._symbols = symbols
        self._table: list[tuple[object, ...]] = [("nothing",), ("empty",)]
        self._numbers: dict[tuple[object, ...], int] = {("nothing",): 0, ("empty",): 1}
        self._nullable: list[bool] = [False, True]
        self._derivatives: dict[tuple[int, Name], frozenset[int]] = {}
        self._firsts: dict[int, tuple[Name, ...]] = {}
        self._budget = budget

    def expression(self, model: Model, particle: Particle | None) -> int:
        """A content model as an expression."""
        self._spend(1)
        body = _EMPTY
        match particle:
            case None:
                return _EMPTY
            case ElementParticle():
                body = self._leaf(each.name for each in model.standing(particle))
            case WildcardParticle(wildcard=wildcard):
                body = self._leaf(
                    name
                    for uri, names in self._symbols.items()
                    if wildcard.admits("\0any other" if uri == "*" else uri)
                    for name in names
                )
            case Group(kind="sequence"):
                for part in reversed(particle.parts):
                    body = self._sequence(self.expression(model, part), body)
            case Group(kind="choice"):
                body = self._choice(self.expression(model, part) for part in particle.parts)
                body = body if particle.parts else _EMPTY
            case Group():
                body = self._all(self.expression(model, part) for part in particle.parts)
        return self._repeat(body, particle.least, particle.most)

    def contains(self, reader: int, writer: int) -> Contained | Counterexample | Undecided:
        start = (writer, frozenset((reader,)))
        seen = {start}
        waiting: deque[tuple[int, frozenset[int], tuple[object, ...]]] = deque(
            ((writer, start[1], ()),)
        )
        while waiting:
            at, others, way = waiting.popleft()
            if self._nullable[at] and not any(self._nullable[each] for each in others):
                return Counterexample(_unwound(way), is_complete=True)
            for name in self._first(at):
                taken: frozenset[int] = frozenset()
                for each in others:
                    taken |= self._derivative(each, name)
                onward = (way, name)
                for rest in self._derivative(at, name):
                    if not taken:
                        return Counterexample(_unwound(onward), is_complete=False)
                    state = (rest, taken)
                    if state not in seen:
                        seen.add(state)
                        self._spend(len(taken))
                        waiting.append((*state, onward))
        return Contained()

    def _make(self, nullable: bool, *parts: object) -> int:
        number = self._numbers.get(parts)
        if number is None:
            number = self._numbers[parts] = len(self._table)
            self._table.append(parts)
            self._nullable.append(nullable)
        return number

    def _leaf(self, names: Iterable[Name]) -> int:
        found = frozenset(names)
        self._spend(1 + len(found) // 8)
        return self._make(False, "leaf", found) if found else _NOTHING  # noqa: FBT003

    def _sequence(self, first: int, rest: int) -> int:
        if _NOTHING in (first, rest):
            return _NOTHING
        if first == _EMPTY or rest == _EMPTY:
            return rest if first == _EMPTY else first
        return self._make(self._nullable[first] and self._nullable[rest], "seq", first, rest)

    def _choice(self, parts: Iterable[int]) -> int:
        found = frozenset(parts) - {_NOTHING}
        if len(found) <= 1:
            return next(iter(found), _NOTHING)
        return self._make(any(self._nullable[each] for each in found), "or", found)

    def _all(self, parts: Iterable[int]) -> int:
        found = frozenset(parts) - {_EMPTY}
        if _NOTHING in found:
            return _NOTHING
        if len(found) <= 1:
            return next(iter(found), _EMPTY)
        return self._make(all(self._nullable[each] for each in found), "all", found)

    def _repeat(self, body: int, least: int, most: int | None) -> int:
        if most == 0 or body == _EMPTY or (body == _NOTHING and least == 0):
            return _EMPTY
        if body == _NOTHING or (least == most == 1):
            return body
        if self._nullable[body]:
            least = 0
        return self._make(least == 0, "many", body, least, most)

    def _first(self, number: int) -> tuple[Name, ...]:
        """The names that a sequence can begin with, in order."""
        if number not in self._firsts:
            found: set[Name] = set()
            waiting, seen = [number], {number}
            while waiting:
                match self._table[waiting.pop()]:
                    case ("leaf", frozenset() as names):
                        found |= names
                        onward: Sequence[int] = ()
                    case ("seq", int(first), int(rest)):
                        onward = (first, rest) if self._nullable[first] else (first,)
                    case ("or" | "all", frozenset() as parts):
                        onward = tuple(parts)
                    case ("many", int(body), _, _):
                        onward = (body,)
                    case _:
                        onward = ()
                fresh = [each for each in onward if each not in seen]
                seen.update(fresh)
                waiting.extend(fresh)
            self._spend(len(seen))
            self._firsts[number] = tuple(sorted(found))
        return self._firsts[number]

    def _derivative(self, number: int, name: Name) -> frozenset[int]:
        """What may follow the name: Antimirov's partial derivatives."""
        key = (number, name)
        known = self._derivatives.get(key)
        if known is not None:
            return known
        self._spend(1)
        found: set[int] = set()
        match self._table[number]:
            case ("leaf", frozenset() as names):
                if name in names:
                    found.add(_EMPTY)
            case ("seq", int(), int()):
                # A loop, not a recursion: sequences are as long as schemas are.
                at = number
                while True:
                    entry = self._table[at]
                    if entry[0] != "seq":
                        found |= self._derivative(at, name)
                        break
                    _, first, rest = entry
                    assert isinstance(first, int)
                    assert isinstance(rest, int)
                    found |= {self._sequence(each, rest) for each in self._derivative(first, name)}
                    self._spend(1)
                    if not self._nullable[first]:
                        break
                    at = rest
            case ("or", frozenset() as parts):
                for part in parts:
                    found |= self._derivative(part, name)
            case ("all", frozenset() as parts):
                for part in parts:
                    taken = self._derivative(part, name)
                    if taken:
                        rest = self._all(parts - {part})
                        found |= {self._sequence(each, rest) for each in taken}
            case ("many", int(body), int(least), int() | None as most):
                rest = self._repeat(body, max(least - 1, 0), None if most is None else most - 1)
                found = {self._sequence(each, rest) for each in self._derivative(body, name)}
            case _:
                pass
        self._derivatives[key] = frozenset(found - {_NOTHING})
        return self._derivatives[key]

    def _spend(self, steps: int) -> None:
        self._budget.steps -= steps
        if self._budget.steps < 0:
            raise _TooLarge


def _unwound(way: tuple[object, ...]) -> tuple[Name, ...]:
    names: list[Name] = []
    while way:
        before, name = way
        assert isinstance(before, tuple)
        assert isinstance(name, str)
        names.append(name)
        way = before
    return tuple(reversed(names))
