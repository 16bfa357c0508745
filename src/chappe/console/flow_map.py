"""Who talks to whom, as a picture: producers, events and consumers in three columns, drawn as SVG.

A picture answers a question only while its names can be read. Up to WHOLE nodes are drawn as they are; more
are collapsed to one box for the events of an owner; of many applications the busiest are drawn, and the rest
counted; where owners alone are too many, a matrix of them and a table say more than lines do.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from chappe.console.links import segment, with_query
from chappe.console.shown import middle

Kind = Literal["producer", "event", "group", "consumer", "rest"]

WHOLE: Final = 60
COLLAPSED: Final = 600
MOST_APPLICATIONS: Final = 24
MOST_IN_MATRIX: Final = 16
NO_OWNER: Final = "no owner"

_ROW: Final = 32
_BOX: Final = (22, 240)
_COLUMNS: Final = (0.0, 340.0, 680.0)
_SWEEPS: Final = 6
_LABEL: Final = 30


@dataclass(frozen=True, slots=True)
class Flow:
    """One type of events, who sends it and who takes it; `perminute` is how often it comes.

    `trouble`: some of its events are held back; `ailing` are the consumers that do not get theirs.
    """

    type: str
    owner: str
    producers: Sequence[str]
    consumers: Sequence[str]
    perminute: float
    trouble: bool
    ailing: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A box: its place, and where a click leads (below /console/; empty: nowhere).

    `chosen`: it is what the picture is about.
    """

    kind: Kind
    name: str
    label: str
    href: str
    x: float
    y: float
    width: float
    height: float
    trouble: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A line: an SVG path, and how thick it is by what goes along it."""

    path: str
    width: float
    trouble: bool
    said: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, in units of the SVG's view box."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """Owners by consumers: how many types each takes of each; `heat` is from 0 to 4."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[int, int]]]]


@dataclass(slots=True)
class _Box:
    kind: Kind
    name: str
    label: str
    href: str = ""
    trouble: bool = False
    chosen: bool = False
    at: float = 0.0


def count(flows: Sequence[Flow]) -> int:
    """How many nodes all of them have."""
    producers = {name for flow in flows for name in flow.producers}
    consumers = {name for flow in flows for name in flow.consumers}
    return len(producers) + len(flows) + len(consumers)


def drawn(flows: Sequence[Flow], *, collapsed: bool = False, chosen: str = "") -> Picture:
    """The picture; `collapsed` draws the events of an owner as one box. `chosen` is a type in its midst."""
    sent = [(name, flow.perminute) for flow in flows for name in flow.producers]
    taken = [(name, flow.perminute) for flow in flows for name in flow.consumers]
    producers = {name: _Box("producer", name, name) for name in _busiest(sent)}
    consumers = {name: _Box("consumer", name, name) for name in _busiest(taken)}
    events: dict[str, _Box] = {}
    weights: dict[tuple[int, str, str], float] = defaultdict(float)
    troubled: set[tuple[int, str, str]] = set()
    for flow in flows:
        key = flow.owner or NO_OWNER if collapsed else flow.type
        box = events.get(key)
        if box is None:
            box = events[key] = _Box("group" if collapsed else "event", key, key)
        box.trouble |= flow.trouble
        box.chosen = key == chosen
        for side, names, shown in ((0, flow.producers, producers), (1, flow.consumers, consumers)):
            for name in names:
                place = name if name in shown else _rest(shown)
                edge = (side, place, key)
                weights[edge] += flow.perminute
                ails = side == 1 and name in flow.ailing
                shown[place].trouble |= ails
                if flow.trouble or ails:
                    troubled.add(edge)
    if collapsed:
        sizes: dict[str, int] = defaultdict(int)
        for flow in flows:
            sizes[flow.owner or NO_OWNER] += 1
        for key, box in events.items():
            box.label = f"{key}: {sizes[key]} type{'' if sizes[key] == 1 else 's'}"
    columns = [list(producers.values()), list(events.values()), list(consumers.values())]
    _sort(columns, weights)
    return _placed(columns, weights, troubled)


def matrix(flows: Sequence[Flow]) -> Matrix:
    """Owners by the consumers that take most types."""
    taken: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, int] = defaultdict(int)
    for flow in flows:
        for name in flow.consumers:
            taken[flow.owner or NO_OWNER][name] += 1
            totals[name] += 1
    columns = sorted(totals, key=lambda name: (-totals[name], name))[:MOST_IN_MATRIX]
    most = max((number for row in taken.values() for number in row.values()), default=1)
    rows = [
        (
            owner,
            [
                (row[name], math.ceil(4 * row[name] / most)) if name in row else (0, 0)
                for name in columns
            ],
        )
        for owner, row in sorted(taken.items())
    ]
    return Matrix(columns, rows)


def _busiest(along: Iterable[tuple[str, float]]) -> list[str]:
    """The applications of one side that are drawn: all, or those along which most goes."""
    totals: dict[str, float] = defaultdict(float)
    for name, perminute in along:
        totals[name] += perminute
    busiest = sorted(totals, key=lambda name: (-totals[name], name))
    return sorted(busiest[:MOST_APPLICATIONS])


def _rest(shown: dict[str, _Box]) -> str:
    name = "\0rest"
    if name not in shown:
        shown[name] = _Box("rest", name, "others")
    return name


def _sort(columns: list[list[_Box]], weights: Mapping[tuple[int, str, str], float]) -> None:
    """Put each box near those that it has to do with: barycentres, some sweeps from side to side."""
    for column in columns:
        _number(column)
    near: dict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for side, application, event in weights:
        near[(2 * side, application)].append((1, event))
        near[(1, event)].append((2 * side, application))
    places = {(at, box.name): box for at, column in enumerate(columns) for box in column}
    for sweep in range(_SWEEPS):
        for at in (1, 0, 2) if sweep % 2 == 0 else (1, 2, 0):
            for box in columns[at]:
                others = [places[one].at for one in near[(at, box.name)]]
                if others:
                    box.at = sum(others) / len(others)
            columns[at].sort(key=lambda box: (box.kind == "rest", box.at, box.name))
            _number(columns[at])


def _number(column: Sequence[_Box]) -> None:
    """Places from 0 to 1, so that columns of different lengths can be compared."""
    for at, box in enumerate(column):
        box.at = (at + 0.5) / len(column)


def _placed(
    columns: Sequence[Sequence[_Box]],
    weights: Mapping[tuple[int, str, str], float],
    troubled: set[tuple[int, str, str]],
) -> Picture:
    high, wide = _BOX
    height = float(max(max(map(len, columns)), 1) * _ROW)
    nodes: dict[tuple[int, str], Node] = {}
    for at, column in enumerate(columns):
        top = (height - len(column) * _ROW) / 2
        for row, box in enumerate(column):
            nodes[(at, box.name)] = Node(
                kind=box.kind,
                name="" if box.kind == "rest" else box.name,
                label=middle(box.label, _LABEL),
                href=_href(box),
                x=_COLUMNS[at],
                y=round(top + row * _ROW + (_ROW - high) / 2, 1),
                width=wide,
                height=high,
                trouble=box.trouble,
                chosen=box.chosen,
            )
    most = max(weights.values(), default=0.0)
    edges: list[Edge] = []
    for key, weight in sorted(weights.items()):
        side, application, event = key
        one, other = nodes[(2 * side, application)], nodes[(1, event)]
        begin, end = (one, other) if side == 0 else (other, one)
        x1, y1 = begin.x + begin.width, begin.y + high / 2
        x2, y2 = end.x, end.y + high / 2
        bend = (x2 - x1) / 2
        edges.append(
            Edge(
                path=f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}",
                width=round(1 + 4 * math.sqrt(weight / most), 2) if most else 1.0,
                trouble=key in troubled,
                said=f"{begin.name or 'others'} to {end.name or 'others'}: {weight:.3g} a minute",
            )
        )
    return Picture([*nodes.values()], edges, _COLUMNS[2] + wide, height)


def _href(box: _Box) -> str:
    match box.kind:
        case "event":
            return f"types/{segment(box.name)}"
        case "group":
            return with_query("map", {"owner": box.name})
        case "producer" | "consumer":
            return with_query("map", {"application": box.name})
        case _:
            return ""
