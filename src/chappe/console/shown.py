"""How values look on a page: times, numbers, long names."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (30 * 86_400, 86_400, "d"))


def ago(at: str, now: datetime) -> str:
    """An RFC 3339 time in words: "3 s ago", "2 h ago", "in 5 min"; a day where it is long ago."""
    then = moment(at)
    if then is None:
        return at
    seconds = (now - then).total_seconds()
    apart = abs(seconds)
    for below, unit, name in _STEPS:
        if apart < below:
            said = f"{int(apart // unit)} {name}"
            return f"{said} ago" if seconds >= 0 else f"in {said}"
    return then.strftime("%Y-%m-%d")


def moment(at: str) -> datetime | None:
    """An RFC 3339 time; None where it is none."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def middle(text: str, most: int = 40) -> str:
    """A long name without its middle: "com.acme.shop.order.paid.v1" -> "com.acme…paid.v1"."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def number(value: float) -> str:
    """1234567 -> "1 234 567", 0.25 -> "0.25"; the spaces are narrow and do not break."""
    whole = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.3g}"
    return whole.replace(",", "\u202f")


def rate(per_minute: float) -> str:
    """So many of something in the unit that makes it a number to be read: 0.05 a minute -> "3/h"."""
    if per_minute >= 60:
        return f"{number(round(per_minute / 60, 1))}/s"
    if per_minute >= 1:
        return f"{number(round(per_minute, 1))}/min"
    return f"{number(round(per_minute * 60, 1))}/h"


def size(count: float) -> str:
    """Bytes: 532 -> "532 B", 11446 -> "11.4 kB", 10737418240 -> "10.7 GB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def span(seconds: float) -> str:
    """Seconds in words: 42 -> "42 s", 604800 -> "7 d"."""
    for below, unit, name in _STEPS:
        if seconds < below:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 86_400:.3g} d"
