"""Unix milliseconds <-> RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(at_ms: int) -> str:
    """1763805731402 -> "2025-11-22T10:02:11.402Z"."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def rfc3339_us(at_us: int) -> str:
    """1763805731402100 -> "2025-11-22T10:02:11.4021Z": as the registry stores times, zeros trimmed."""
    at = _EPOCH + timedelta(microseconds=at_us)
    fraction = f".{at_us % 1_000_000:06d}".rstrip("0").rstrip(".")
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f"{fraction}Z"


def unix_ms(text: str) -> int | None:
    """2025-11-22T10:02:11.402Z -> 1763805731402; None for what is no RFC 3339 time.

    A leap second is the end of its minute.
    """
    if not _RFC3339.fullmatch(text):
        return None
    upper = text.upper()
    leap = upper[17:19] == "60"
    if leap:
        upper = f"{upper[:17]}59{upper[19:]}"
    try:
        at = datetime.fromisoformat(upper)
    except ValueError:
        return None
    return round(at.timestamp() * 1000) + (1000 if leap else 0)


def is_rfc3339(text: str) -> bool:
    """Whether the text is an RFC 3339 time, with seconds and an offset."""
    return unix_ms(text) is not None
