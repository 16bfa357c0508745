"""The hub's own figures, read from its metrics in Prometheus' text form; and their pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)", re.IGNORECASE)
_LE = re.compile(r'(?:^|,)le="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Figures:
    """Each figure summed over its labels, and the buckets of each histogram (upper bound -> count)."""

    values: Mapping[str, float]
    buckets: Mapping[str, Mapping[float, float]]
    named: tuple[str, ...] = ("",)

    def find(self, name: str) -> float | None:
        """A figure; None where there is none.

        Raises:
            LookupError: its line was passed over, so nobody can tell.
        """
        if not name.startswith(self.named):
            raise LookupError(f"{name} begins with none of {', '.join(self.named)}")
        return self.values.get(name)

    def get(self, name: str) -> float:
        """The same; 0 where there is none."""
        return self.find(name) or 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram, in a picture 100 wide and 40 high; `said` is its tooltip."""

    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: bars by bucket, and where half and nearly all of them ended."""

    count: int
    bars: Sequence[Bar]
    p50: str
    p99: str
    first: str
    last: str


def parse(text: str, *, named: tuple[str, ...] = ("",)) -> Figures:
    """Read the text form; lines that are none, or whose names begin otherwise than `named`, are passed over."""
    values: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    for line in text.splitlines():
        if not line.startswith(named):
            continue  # A hub has thousands of lines, most of which no page shows.
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, value = found[1], found[2] or "", float(found[3])
        bound = _LE.search(labels)
        if name.endswith("_bucket") and bound is not None:
            of = buckets.setdefault(name.removesuffix("_bucket"), {})
            of[float(bound[1])] = of.get(float(bound[1]), 0.0) + value
        else:
            values[name] = values.get(name, 0.0) + value
    return Figures(values, buckets, named)


def spread(figures: Figures, name: str) -> Spread | None:
    """A histogram as a picture, from its first bucket that holds anything to its last; None: nothing is in it."""
    bounds = sorted(figures.buckets.get(name, {}).items())
    counts = [
        (bound, total - (bounds[at - 1][1] if at else 0.0))
        for at, (bound, total) in enumerate(bounds)
    ]
    whole = bounds[-1][1] if bounds else 0.0
    if not whole:
        return None
    full = [at for at, (_, count) in enumerate(counts) if count]
    shown = counts[max(full[0] - 1, 0) : full[-1] + 2]
    most = max(count for _, count in shown)
    width = 100 / len(shown)
    bars = [
        Bar(
            x=round(at * width, 2),
            y=round(40 - 40 * count / most, 2),
            width=round(width * 0.9, 2),
            height=round(40 * count / most, 2),
            said=f"up to {seconds(bound)}: {count:.0f}",
        )
        for at, (bound, count) in enumerate(shown)
    ]
    return Spread(
        count=int(whole),
        bars=bars,
        p50=_below(counts, whole, 0.50),
        p99=_below(counts, whole, 0.99),
        first=seconds(shown[0][0]),
        last=seconds(shown[-1][0]),
    )


def _below(counts: Sequence[tuple[float, float]], whole: float, share: float) -> str:
    """Within which bucket's bound that share of them ended."""
    total = 0.0
    for at, (bound, count) in enumerate(counts):
        total += count
        if total >= share * whole:
            return f"> {seconds(counts[at - 1][0])}" if math.isinf(bound) else f"≤ {seconds(bound)}"
    return ""


def seconds(value: float) -> str:
    """0.0075 -> "7.5 ms", 2.5 -> "2.5 s"."""
    if math.isinf(value):
        return "longer"
    return f"{value * 1000:g} ms" if value < 1 else f"{value:g} s"
