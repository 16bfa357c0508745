"""What `chappe check` looks at, and its verdicts. Pure: values and limits in, verdicts out.

    judged(MEASURES["sub"]["age"], 723.0, {"warn": "5m", "crit": "1h"})  ->  warn, "12 min 3 s"

A number is too much from its limit on; of a measure that is a floor (`free`), it is too little from there on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from chappe.cli.amounts import amount, duration, size

Status = Literal["ok", "warn", "crit", "unknown"]
Unit = Literal["states", "count", "s", "percent", "bytes"]
Kind = Literal["hub", "sub", "channel", "source"]

OFF: Final = "off"
_WARN: Final[Status] = "warn"
_CRIT: Final[Status] = "crit"
_BY_GRAVITY: Final[Sequence[Status]] = ("ok", "warn", "unknown", "crit")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_BYTES: Final[Mapping[str, float]] = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12} | {
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_FACTORS: Final[Mapping[Unit, Mapping[str, float]]] = {
    "s": {"": 1.0, **_SECONDS},
    "percent": {"": 1.0, "%": 1.0},
    "bytes": _BYTES,
    "count": {"": 1.0},
    "states": {},
}
_QUANTITY: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z%]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to look at, and from where on it is bad where nothing is said; None: never."""

    name: str
    unit: Unit
    about: str
    warn: str | None = None
    crit: str | None = None
    what: str = "event"
    floor: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """One measure of one thing. `value` is a number in the measure's unit, or a state."""

    measure: Measure
    value: float | str
    status: Status
    text: str
    warn: float | None = None
    crit: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one thing; `error` says why nothing was, and `code` what that ends with.

    `answers` is false of a hub that is the thing itself, and silent.
    """

    kind: Kind
    name: str
    measures: Sequence[Judged] = ()
    note: str = ""
    error: str = ""
    code: int = 0
    answers: bool = True

    @property
    def status(self) -> Status:
        """The gravest of its measures."""
        if self.error:
            # Of a hub that says nothing this much is known: it does not serve.
            return "unknown" if self.answers else "crit"
        return worst([one.status for one in self.measures])


def _table(*measures: Measure) -> Mapping[str, Measure]:
    return MappingProxyType({one.name: one for one in measures})


MEASURES: Final[Mapping[Kind, Mapping[str, Measure]]] = MappingProxyType(
    {
        "hub": _table(
            Measure("state", "states", "whether it is ready", crit="not ready"),
            Measure("answer", "s", "how long it takes to say so"),
            Measure(
                "free",
                "bytes",
                "free disk space, of a hub with its own engine",
                floor=True,
                crit="1GB",
            ),
            Measure(
                "disabled", "count", "subscriptions that it has disabled", "1", what="subscription"
            ),
            Measure("dead-sinks", "count", "sinks that do nothing but fail", "1", what="sink"),
            Measure("streams", "percent", "open streams, of those that may be", "80%", "95%"),
        ),
        "sub": _table(
            Measure(
                "state",
                "states",
                "how delivery goes",
                "paused,awaiting grant,expired",
                "disabled,behind-retention",
            ),
            Measure("lag", "count", "events that are open or not read yet"),
            Measure("age", "s", "age of the oldest of them", "5m", "1h"),
            Measure("dead", "count", "open dead letters", "1", what="letter"),
            Measure("failures", "percent", "attempts that failed, of the newest", "10%", "50%"),
        ),
        "channel": _table(
            Measure("used", "percent", "what is kept, of what may be (retention_bytes)"),
            Measure("size", "bytes", "what is kept"),
            Measure("silent", "s", "time since its newest event"),
        ),
        "source": _table(
            Measure("state", "states", "how reading goes", "paused,waiting", "failing,unserved"),
            Measure("setaside", "count", "messages set aside, in all", what="message"),
        ),
    }
)


def limits(kind: Kind, given: Sequence[str]) -> dict[str, str]:
    """MEASURE=LIMIT, several -> by measure.

    Raises:
        ValueError: no such measure, or no limit of its unit.
    """
    found: dict[str, str] = {}
    for one in given:
        name, sign, text = one.partition("=")
        measure = MEASURES[kind].get(name)
        if measure is None or not sign:
            known = ", ".join(MEASURES[kind])
            raise ValueError(f"{one!r} is no MEASURE=LIMIT; measures of a {kind}: {known}")
        if text != OFF and measure.unit != "states":
            number(measure, text)
        found[name] = text
    return found


def judged(
    measure: Measure, value: float | str, *, warn: str | None = None, crit: str | None = None
) -> Judged:
    """The verdict on a value; limits that are not given are the measure's own."""
    warn, crit = (
        None if one == OFF else one
        for one in (
            warn if warn is not None else measure.warn,
            crit if crit is not None else measure.crit,
        )
    )
    if isinstance(value, str):
        return Judged(measure, value, _of_state(value, warn, crit), value)
    high, low = (None if one is None else number(measure, one) for one in (crit, warn))
    reached = [
        limit is not None and (value <= limit if measure.floor else value >= limit)
        for limit in (high, low)
    ]
    status: Status = "crit" if reached[0] else "warn" if reached[1] else "ok"
    return Judged(measure, value, status, shown(measure, value), low, high)


def _of_state(value: str, warn: str | None, crit: str | None) -> Status:
    for status, states in ((_CRIT, crit), (_WARN, warn)):
        if states is not None and value in (one.strip() for one in states.split(",")):
            return status
    return "unknown" if value == "unknown" else "ok"


def number(measure: Measure, text: str) -> float:
    """A limit in the measure's unit: "5m" -> 300.0, "10%" -> 10.0, "5GB" -> 5e9.

    Raises:
        ValueError: it is none of that unit.
    """
    found = _QUANTITY.fullmatch(text)
    factors = _FACTORS[measure.unit]
    unit = "" if found is None else found[2].casefold()
    if found is None or unit not in factors:
        good = {"s": "90s, 5m, 2h", "percent": "10%", "bytes": "500MB, 5GiB", "count": "1000"}
        raise ValueError(f"{measure.name}={text}: no limit, such as {good.get(measure.unit, '')}")
    return float(found[1]) * factors[unit]


def shown(measure: Measure, value: float) -> str:
    """The value for people, with its unit."""
    match measure.unit:
        case "s":
            return f"{value * 1000:.0f} ms" if value < 1 else duration(value)
        case "bytes":
            return size(int(value))
        case "percent":
            return f"{value:.3g} %"
        case _:
            return amount(int(value), measure.what)


def worst(statuses: Sequence[Status]) -> Status:
    """The gravest: crit, then unknown, then warn."""
    return max(statuses, key=_BY_GRAVITY.index, default="ok")
