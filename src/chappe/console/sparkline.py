"""Some numbers in a row as a small picture: a line over an area, drawn on the server.

spark([0, 2, 4])  ->  Spark(line="M0 24L50 12L100 0", area="M0 24L0 24L50 12L100 0L100 24Z", …)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100
HEIGHT: Final = 24


@dataclass(frozen=True, slots=True)
class Spark:
    """SVG paths in a box 100 wide and 24 high; `most` is at its top."""

    line: str
    area: str
    most: float
    total: float


def spark(
    values: Sequence[float | None] | None, *, height: int = HEIGHT, most: float = 0.0
) -> Spark | None:
    """The picture; None where nothing is known. What is None is a gap at the beginning, or in between.

    `most` is what stands at the top at least, so that pictures can be compared.
    """
    known = [one for one in values or () if one is not None]
    if values is None or not known:
        return None
    top = max(most, *known)
    step = WIDTH / max(len(values) - 1, 1)
    line, area, stretch = "", "", list[str]()
    for at, one in enumerate([*values, None]):
        if one is not None:
            y = height - (height - 1) * one / top if top else height
            stretch.append(f"{round(at * step, 1):g} {round(y, 1):g}")
        elif stretch:
            if len(stretch) == 1:  # a line of one point would not be seen
                place, _, height_ = stretch[0].partition(" ")
                stretch = [f"{max(float(place) - 1, 0):g} {height_}", f"{float(place):g} {height_}"]
            first, last = stretch[0].split(" ")[0], stretch[-1].split(" ")[0]
            line += "M" + "L".join(stretch)
            area += f"M{first} {height}L{'L'.join(stretch)}L{last} {height}Z"
            stretch = []
    return Spark(line, area, top, sum(known))
