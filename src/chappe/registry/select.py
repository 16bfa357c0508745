"""Filters (core/spec.md "Filter Flag"): compiled once for a request, evaluated depth-first.

    ?filter=dirs.dirid=d1,dirs.files.name=x*

is a chain of steps, one for each level: (tests of a dir) -> (tests of its files). An entity is chosen
where its tests hold and, if the chain goes on, something below it is chosen; what is below the end of
a chain is chosen whole. So AND is taken on the leaves: two conditions on different collections of one
entity have no leaf in common. The filters of a request are OR'd: their choices are united.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from chappe.registry.columns import MIN_ENTITIES, Path, column_of
from chappe.registry.compare import Test, exact_keys, matcher
from chappe.registry.definitions import type_at
from chappe.registry.dot import is_any_item, is_any_member, is_name
from chappe.registry.entity import Collection
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Condition
from chappe.registry.places import Place, Reader

MAX_TESTS: Final = 1_000_000
"""Of values, in one request: about half a second of work."""

EXCLUDE_ALL: Final = "?filter=excludeall"

EntityTest: TypeAlias = Callable[[Any, Any], bool]
"""(entity, above) -> whether a condition holds."""

Spend: TypeAlias = Callable[[int, str], None]
"""(comparisons, the condition's text): counts those that cannot be known before."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What is chosen of an entity.

    `everything` below it; or in `members` by the collection's name the entities by id, and in
    `queries` the query that gives the same at the collection's own URL.
    """

    everything: bool = False
    members: Mapping[str, Mapping[str, Chosen]] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


WHOLE: Final = Chosen(everything=True)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A test that a column of the whole collection tells (see columns)."""

    path: Path
    test: Test
    exact: Sequence[Any] | None
    if_none: bool
    of_one: EntityTest

    def ids(self, entities: Collection[Any], above: Any) -> list[str]:
        """The ids of the entities that pass, in any order."""
        column, loose = column_of(entities, self.path)
        found = column.matching(self.test, self.exact, if_none=self.if_none)
        if loose:
            found = [id for id in found if id not in loose]
            for id in loose:
                entity = entities.find(id)
                if entity is not None and self.of_one(entity, above):
                    found.append(id)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One filter at one level: the tests of the entities here, then the step into `hop`.

    `weight` is how many comparisons the tests of one entity take, at least. The first test is
    `scan`'s, if there is one. `children` gives the entities of that collection; `text` is what a query at this level's URL says.
    """

    tests: Sequence[EntityTest]
    text: str
    weight: int
    scan: Scan | None = None
    hop: str = ""
    children: Reader | None = None
    next: Step | None = None


class Selection:
    """The filters of one request, for the entities of one place."""

    def __init__(self, place: Place, filters: Sequence[Sequence[Condition]], subject: str) -> None:
        self._subject = subject
        self._left = MAX_TESTS
        self._queries: dict[tuple[Step, ...], str] = {}
        compiled = [
            _compiled(place, [(one, one.path) for one in conditions], self._spend)
            for conditions in filters
        ]
        # A filter that stands twice is looked at once.
        self._steps = list({step.text: step for step in compiled if step is not None}.values())

    def of_entity(self, entity: Any, above: Any) -> Chosen | None:
        """What is chosen of one entity; None: not even itself."""
        return self._chosen(entity, above, self._steps)

    def of_collection(self, entities: Mapping[str, Any], above: Any) -> dict[str, Chosen]:
        """What is chosen of a collection, by id.

        Raises:
            RegistryError: bad_filter: the filter asks for more than MAX_TESTS.
        """
        return self._members(entities, above, self._steps)

    def _chosen(self, entity: Any, above: Any, steps: Sequence[Step]) -> Chosen | None:
        held = [step for step in steps if _holds(step.tests, entity, above)]
        return self._below(entity, above, held) if held else None

    def _below(self, entity: Any, above: Any, held: Sequence[Step]) -> Chosen | None:
        """What is chosen of an entity for which the tests of these steps hold."""
        if any(step.next is None for step in held):
            return WHOLE
        members: dict[str, Mapping[str, Chosen]] = {}
        queries: dict[str, str] = {}
        for hop, (children, nexts) in _hops(held).items():
            entities, parents = children(entity, above)
            found = self._members(entities, parents, nexts)
            if found:
                members[hop] = found
                queries[hop] = self._query(tuple(nexts))
        return Chosen(members=members, queries=queries) if members else None

    def _members(
        self, entities: Mapping[str, Any], above: Any, steps: Sequence[Step]
    ) -> dict[str, Chosen]:
        """What is chosen of a collection: quickly in the common case of one filter."""
        if len(steps) != 1:
            return self._united(entities, above, steps)
        step = steps[0]
        following, children = step.next, step.children
        self._spend(len(entities) * step.weight, step.text)
        tests = step.tests
        if len(tests) == 1 and len(entities) < MIN_ENTITIES:  # nearly every resource's versions
            test = tests[0]
            ids: Sequence[str] = [id for id, one in entities.items() if test(one, above)]
        else:
            ids = _passing(step, entities, above)
        if not ids:
            return {}
        if following is None or children is None:
            return dict.fromkeys(ids, WHOLE)
        query: Mapping[str, str] | None = None
        found: dict[str, Chosen] = {}
        nexts = (following,)
        for id in ids:
            below, parents = children(entities[id], above)
            members = self._members(below, parents, nexts)
            if members:
                query = query or {step.hop: self._query(nexts)}
                found[id] = Chosen(members={step.hop: members}, queries=query)
        return found

    def _united(
        self, entities: Mapping[str, Any], above: Any, steps: Sequence[Step]
    ) -> dict[str, Chosen]:
        if not steps:
            return {}
        self._spend(len(entities) * sum(step.weight for step in steps), steps[0].text)
        held: dict[str, list[Step]] = {}
        for step in steps:
            for id in _passing(step, entities, above):
                held.setdefault(id, []).append(step)
        found: dict[str, Chosen] = {}
        for id, passed in held.items():
            chosen = self._below(entities[id], above, passed)
            if chosen is not None:
                found[id] = chosen
        return found

    def _spend(self, tests: int, text: str) -> None:
        self._left -= tests
        if self._left < 0:
            raise RegistryError(
                "bad_filter",
                self._subject,
                value=text,
                error_detail=f"takes more than {MAX_TESTS} comparisons; ask at a deeper path",
            )

    def _query(self, steps: tuple[Step, ...]) -> str:
        query = self._queries.get(steps)
        if query is None:
            texts = dict.fromkeys(step.text for step in steps)
            query = self._queries[steps] = "?" + "&".join(f"filter={text}" for text in texts)
        return query


def _hops(steps: Sequence[Step]) -> dict[str, tuple[Reader, list[Step]]]:
    """The collections that the steps lead into, each with what follows there."""
    found: dict[str, tuple[Reader, list[Step]]] = {}
    for step in steps:
        if step.children is not None and step.next is not None:
            found.setdefault(step.hop, (step.children, []))[1].append(step.next)
    return found


def _passing(step: Step, entities: Mapping[str, Any], above: Any) -> Sequence[str]:
    """The ids of the entities that pass the tests of a step."""
    tests, scan = step.tests, step.scan
    if not tests:
        return list(entities)
    if scan is not None and len(entities) >= MIN_ENTITIES and isinstance(entities, Collection):
        ids = scan.ids(entities, above)
        for test in tests[1:]:
            ids = [id for id in ids if test(entities[id], above)]
        return ids
    if len(tests) == 1:
        test = tests[0]
        return [id for id, one in entities.items() if test(one, above)]
    return [id for id, one in entities.items() if _holds(tests, one, above)]


def _holds(tests: Sequence[EntityTest], entity: Any, above: Any) -> bool:
    for test in tests:
        if not test(entity, above):
            return False
    return True


_Left: TypeAlias = tuple[Condition, Sequence[str | int]]
"""A condition, and what is left of its path at a place."""


def _compiled(place: Place, conditions: Sequence[_Left], spend: Spend) -> Step | None:
    """The chain of one filter from a place on; None if nothing can match it."""
    tests: list[EntityTest] = []
    scans: list[Scan] = []
    deeper: list[_Left] = []
    weight = 0
    hops: set[str] = set()
    for condition, path in conditions:
        first = path[0]
        if len(path) > 1 and isinstance(first, str) and place.below(first) is not None:
            hops.add(first)
            deeper.append((condition, path[1:]))
        else:
            test = _test(place, condition, path, spend)
            scan = _scan(place, condition, path, test)
            tests.append(test)
            if scan is not None:
                scans.append(scan)
            # Each wildcard of a value is a search of its own.
            weight += 1 + (condition.value or "").count("*")
    text = ",".join(_text(path, condition) for condition, path in conditions)
    first_scan = min(scans, key=_breadth, default=None)
    if first_scan is not None:
        others = [test for test in tests if test is not first_scan.of_one]
        tests = [first_scan.of_one, *others]
    if not hops:
        return Step(tests, text, weight or 1, first_scan)
    hop = hops.pop()
    below = place.below(hop)
    following = None if hops or below is None else _compiled(below, deeper, spend)
    if following is None:
        return None
    return Step(tests, text, weight or 1, first_scan, hop, place.children(hop), following)


def _breadth(scan: Scan) -> int:
    """How much a scan is likely to let pass: an equality the least."""
    return 2 if scan.if_none else scan.exact is None


def _scan(
    place: Place, condition: Condition, path: Sequence[str | int], test: EntityTest
) -> Scan | None:
    """The same as a scan of a column, where there can be one."""
    if place.kind == "resource" and path[0] == "meta" and len(path) > 1:
        return _scan(place.meta(), condition, path[1:], test)
    column = place.column(path)
    if column is None:
        return None
    operator, value = condition.operator, condition.value
    passes, if_none = matcher(operator, value, is_time=column.is_time)
    exact = exact_keys(operator, value, is_time=column.is_time)
    return Scan(column, passes, exact, if_none, test)


def _test(
    place: Place, condition: Condition, path: Sequence[str | int], spend: Spend
) -> EntityTest:
    if place.kind == "resource" and path[0] == "meta" and len(path) > 1:
        return _test(place.meta(), condition, path[1:], spend)
    is_time = type_at(place.definitions, path) == "timestamp"
    test, if_none = matcher(condition.operator, condition.value, is_time=is_time)
    first, rest = path[0], path[1:]
    if isinstance(first, int) or is_any_item(first):
        return lambda entity, above: if_none
    search = _Search(test, spend, condition.text)
    if is_any_member(first):
        values = place.everything()
        return lambda entity, above: (
            if_none != any(search.finds(value, rest) for value in values(entity, above))
        )
    read = place.reader(first)
    if not rest and place.is_stored(first):

        def of_stored(entity: Any, above: Any) -> bool:
            value = entity.attributes.get(first)
            return if_none if value is None else test(value) is not if_none

        return of_stored

    if not rest:

        def of_attribute(entity: Any, above: Any) -> bool:
            value = read(entity, above)
            return if_none if value is None else test(value) is not if_none

        return of_attribute

    if len(rest) == 1 and is_name(rest[0]):
        key = rest[0]

        def of_key(entity: Any, above: Any) -> bool:
            value = read(entity, above)
            value = value.get(key) if isinstance(value, dict) else None
            return if_none if value is None else test(value) is not if_none

        return of_key

    def of_member(entity: Any, above: Any) -> bool:
        value = read(entity, above)
        return if_none if value is None else search.finds(value, rest) is not if_none

    return of_member


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks below a value; a wildcard may find very many there, so they are counted."""

    test: Test
    spend: Spend
    text: str

    def finds(self, value: Any, path: Sequence[str | int]) -> bool:
        """Whether a value at the path below `value` passes the test."""
        self.spend(1, self.text)
        if not path:
            return value is not None and self.test(value)
        first, rest = path[0], path[1:]
        return any(self.finds(one, rest) for one in _members_of(value, first))


def _members_of(value: Any, part: str | int) -> Iterator[Any]:
    if isinstance(part, int):
        if isinstance(value, list) and part < len(value):
            yield value[part]
    elif is_any_item(part):
        if isinstance(value, list):
            yield from value
    elif isinstance(value, dict):
        if is_any_member(part):
            yield from value.values()
        elif part in value:
            yield value[part]


def _text(path: Sequence[str | int], condition: Condition) -> str:
    """A condition as the query of a URL writes it, for a place further down its path."""
    parts = ""
    for part in path:
        if isinstance(part, int):
            parts += f"[{part}]"
        elif is_any_item(part):
            parts += "[*]"
        elif is_any_member(part) or (part and not set(part) & _SPECIAL):
            parts += f".{part}" if parts else part
        else:
            mark = '"' if "'" in part else "'"
            parts += f"[{mark}{part}{mark}]"
    value = "null" if condition.value is None else condition.value
    text = f"{parts}{condition.operator}{value}" if condition.operator else parts
    return quote(text, safe=_SAFE)


_SPECIAL = frozenset(".[]'\"*=!<>,")
_SAFE: Final = "=!*:@/?;$()'"
"""What stands in a query as it is (RFC 3986); a comma would end the expression."""
