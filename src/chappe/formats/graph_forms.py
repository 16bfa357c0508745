"""A graph of producers, types and consumers, in the forms that others draw; all names are taken as text.

Graph().add("order.paid", ["/shop"], ["billing"])  ->  flowchart LR … p0 --> t0 --> c0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

import msgspec

_WIDE, _HIGH, _GAP, _ROW, _MARGIN = 260, 30, 130, 44, 20


@dataclass(slots=True)
class Graph:
    """The nodes of each column in their order, and the arrows between them, by name."""

    producers: dict[str, None] = field(default_factory=dict)
    types: dict[str, None] = field(default_factory=dict)
    consumers: dict[str, None] = field(default_factory=dict)
    sends: list[tuple[str, str]] = field(default_factory=list)
    takes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, type_: str, producers: Sequence[str], consumers: Sequence[str]) -> None:
        """A type with who sends it and who takes it."""
        self.types[type_] = None
        for one in producers:
            self.producers[one] = None
            self.sends.append((one, type_))
        for one in consumers:
            self.consumers[one] = None
            self.takes.append((type_, one))


def as_json(graph: Graph) -> str:
    """Nodes and arrows, for programs."""
    value = {
        "producers": list(graph.producers),
        "types": list(graph.types),
        "consumers": list(graph.consumers),
        "sends": [{"producer": one, "type": other} for one, other in graph.sends],
        "takes": [{"type": one, "consumer": other} for one, other in graph.takes],
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def as_mermaid(graph: Graph) -> str:
    """Mermaid's flowchart; Markdown of GitHub and GitLab draws it."""
    ids = _ids(graph)
    lines = ["flowchart LR"]
    for column, (opening, closing) in zip(
        _columns(graph), (("(", ")"), ("[", "]"), ("(", ")")), strict=True
    ):
        lines += [
            f'  {ids[kind, name]}{opening}"{_mermaid(name)}"{closing}' for kind, name in column
        ]
    lines += [f"  {ids['p', one]} --> {ids['t', other]}" for one, other in graph.sends]
    lines += [f"  {ids['t', one]} --> {ids['c', other]}" for one, other in graph.takes]
    return "\n".join(lines) + "\n"


def as_dot(graph: Graph) -> str:
    """Graphviz."""
    ids = _ids(graph)
    lines = ["digraph chappe {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for column in _columns(graph):
        for kind, name in column:
            shape = ', style="", shape=note' if kind == "t" else ""
            lines.append(f'  {ids[kind, name]} [label="{_dot(name)}"{shape}];')
    lines += [f"  {ids['p', one]} -> {ids['t', other]};" for one, other in graph.sends]
    lines += [f"  {ids['t', one]} -> {ids['c', other]};" for one, other in graph.takes]
    return "\n".join([*lines, "}"]) + "\n"


def as_svg(graph: Graph) -> str:
    """A picture in three columns, with nothing from elsewhere in it."""
    columns = _columns(graph)
    rows = max((len(column) for column in columns), default=0)
    height = 2 * _MARGIN + max(1, rows) * _ROW
    width = 2 * _MARGIN + 3 * _WIDE + 2 * _GAP
    places: dict[tuple[str, str], tuple[int, int]] = {}
    boxes: list[str] = []
    for number, column in enumerate(columns):
        x = _MARGIN + number * (_WIDE + _GAP)
        top = _MARGIN + (rows - len(column)) * _ROW // 2
        for row, (kind, name) in enumerate(column):
            y = top + row * _ROW
            places[kind, name] = x, y + _HIGH // 2
            boxes.append(_box(x, y, name, rounded=kind != "t"))
    arrows = [
        _arrow(places[from_], places[to])
        for from_, to in (
            *((("p", one), ("t", other)) for one, other in graph.sends),
            *((("t", one), ("c", other)) for one, other in graph.takes),
        )
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    )
    title = "<title>Producers, types and consumers</title>"
    return "\n".join([head, title, *arrows, *boxes, "</svg>"]) + "\n"


FORMS: Final[Mapping[str, Callable[[Graph], str]]] = MappingProxyType(
    {"mermaid": as_mermaid, "dot": as_dot, "json": as_json, "svg": as_svg}
)


def _columns(graph: Graph) -> tuple[list[tuple[str, str]], ...]:
    return (
        [("p", one) for one in graph.producers],
        [("t", one) for one in graph.types],
        [("c", one) for one in graph.consumers],
    )


def _ids(graph: Graph) -> dict[tuple[str, str], str]:
    return {
        node: f"{node[0]}{number}"
        for column in _columns(graph)
        for number, node in enumerate(column)
    }


def _mermaid(text: str) -> str:
    # A quote would end the label; Mermaid has numbers for characters instead of a backslash.
    shown = "".join(c if c.isprintable() else " " for c in text)
    return (
        shown.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    )


def _dot(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')


def _box(x: int, y: int, name: str, *, rounded: bool) -> str:
    corner = ' rx="12"' if rounded else ""
    shown = "".join(c if c.isprintable() else " " for c in name)
    shown = shown if len(shown) <= 34 else f"{shown[:33]}…"
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}"{corner} fill="#fff" stroke="#555"/>'
        f'<text x="{x + 10}" y="{y + 20}" fill="#222">{escape(shown)}</text>'
    )


def _arrow(from_: tuple[int, int], to: tuple[int, int]) -> str:
    x, y = from_[0] + _WIDE, from_[1]
    middle = (x + to[0]) // 2
    path = f"M{x},{y} C{middle},{y} {middle},{to[1]} {to[0] - 6},{to[1]}"
    head = f"M{to[0]},{to[1]} l-8,-4 v8 z"
    return f'<path d="{path}" fill="none" stroke="#888"/><path d="{head}" fill="#888"/>'
