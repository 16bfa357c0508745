"""Times as people say them: "2h", "7d", "yesterday" -> RFC 3339; whatever else is left for the hub to judge."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from chappe.cli.moment import now

if TYPE_CHECKING:
    _Text: TypeAlias = click.ParamType[str]
    _Number: TypeAlias = click.ParamType[float]
else:
    _Text = _Number = click.ParamType  # Generic from click 8.5 on.

_AGO: Final = re.compile(r"(\d{1,9})(ms|s|m|h|d|w)", re.ASCII)
_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)(?:/?(s|m|min|h))?", re.ASCII)
_PER: Final = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def moment_of(text: str, at: datetime) -> str:
    """The time, counted back from `at`: ("2h", 12:00) -> 10:00; what is none stays as it is.

    "today" and "yesterday" begin at midnight, UTC.
    """
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    match text:
        case "now":
            return _text(at)
        case "today":
            return _text(midnight)
        case "yesterday":
            return _text(midnight - timedelta(days=1))
        case _:
            found = _AGO.fullmatch(text)
            if found is None:
                return text
            try:
                return _text(at - int(found[1]) * _UNITS[found[2]])
            except OverflowError:
                return text


def per_second(text: str) -> float | None:
    """A rate: "500", "500/s", "30/m" -> events a second; None where it is none, or nothing."""
    found = _RATE.fullmatch(text)
    if found is None or not float(found[1]):
        return None
    return float(found[1]) / _PER[found[2]]


class Moment(_Text):
    """A place in a channel or a time; durations count back from now."""

    name = "time"

    def convert(  # type: ignore[explicit-override]
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        return moment_of(str(value), now())


class PerSecond(_Number):
    """A rate: 500, 500/s, 30/m."""

    name = "rate"

    def convert(  # type: ignore[explicit-override]
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = per_second(str(value))
        if found is None:
            self.fail(f"{value!r} is no rate, such as 50, 50/s or 30/m", param, ctx)
        return found


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
