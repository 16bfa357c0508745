"""Unix milliseconds <-> RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
