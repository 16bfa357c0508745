"""How much and how long, for people: units always stand there."""

from __future__ import annotations


def amount(count: int, what: str) -> str:
    """1 -> "1 event", 7201 -> "7,201 events"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """1234 -> "1.2 kB"; powers of ten."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            return f"{value:.1f} {unit}"
    raise AssertionError


def duration(seconds: float) -> str:
    """0.4 -> "0.4 s", 90 -> "1 min 30 s", 100000 -> "1 d 4 h"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    for unit, lesser, of, below in (
        ("min", "s", 60, 1),
        ("h", "min", 3600, 60),
        ("d", "h", 86400, 3600),
    ):
        if whole < of * (60 if unit == "min" else 24) or unit == "d":
            rest = (whole % of) // below
            return f"{whole // of} {unit}" + (f" {rest} {lesser}" if rest else "")
    raise AssertionError
