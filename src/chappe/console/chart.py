"""Lines over time as SVG that the server draws, with the same as a table: no script, no picture alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.console.sparkline import spark

HEIGHT: Final = 60
_ROWS: Final = 12
"""Lines of the table: a dozen says how it went."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `last` is its newest value in words. `style` is a class: one, two or three."""

    label: str
    style: str
    path: str
    last: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, 100 wide and 60 high; `rows` are the table: a time, and a value of each line."""

    title: str
    lines: Sequence[Line]
    top: str
    first: str
    last: str
    rows: Sequence[tuple[str, Sequence[str]]]


def chart(
    title: str,
    at: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    said: Callable[[float], str],
) -> Chart | None:
    """Series over the times `at` (RFC 3339), all on one scale from 0; None: there is nothing to draw."""
    known = [one for _, values in series for one in values if one is not None]
    if len(at) < 2 or not known:
        return None
    most = max(known)
    lines = []
    for (label, values), style in zip(series, ("one", "two", "three"), strict=False):
        drawn = spark(values, height=HEIGHT, most=most)
        newest = next((one for one in reversed(values) if one is not None), None)
        last = "none" if newest is None else said(newest)
        lines.append(Line(label, style, "" if drawn is None else drawn.line, last))
    every = -(-len(at) // _ROWS)
    rows = [
        (at[row], ["none" if (one := values[row]) is None else said(one) for _, values in series])
        for row in range(len(at) - 1, -1, -every)
    ]
    return Chart(title, lines, said(most), at[0], at[-1], rows)
