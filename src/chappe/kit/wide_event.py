"""Structured logs: one wide line for each unit of work, with everything that one asks about later.

    log.info("request", extra=wide(method="GET", path="/events", status=200, ms=1.2))
    {"at": "…Z", "level": "info", "event": "request", "method": "GET", …}

What happens thousands of times a second is summed (`Summary`) or capped (`Cap`), never logged one
by one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TextIO

from chappe.kit.any_json import encode_json
from chappe.kit.counters import Histogram

Format = Literal["auto", "json", "text"]

_WIDE = "fields"


def setup(format: Format = "auto", level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to `stream` (stderr), replacing what was set up before.

    `auto` is text on a terminal and JSON elsewhere. `level` is debug, info, warning or error.
    """
    out = sys.stderr if stream is None else stream
    as_text = format == "text" or (format == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level.upper())


def wide(**fields: object) -> Mapping[str, object]:
    """The `extra` of a log call: fields that are None are left out."""
    return {_WIDE: {name: value for name, value in fields.items() if value is not None}}


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:  # type: ignore[explicit-override]
        """The line."""
        line: dict[str, object] = {
            "at": _at(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return encode_json(line).decode()


class TextFormatter(logging.Formatter):
    """Short lines for a terminal: time, level, what, then name=value."""

    def format(self, record: logging.LogRecord) -> str:  # type: ignore[explicit-override]
        """The line."""
        fields = "".join(f" {name}={_short(value)}" for name, value in _fields(record).items())
        line = f"{_at(record):%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Summary:
    """What came in on one channel since the last line."""

    __slots__ = ("bytes", "duplicates", "events", "latency_s", "rejected")

    def __init__(self) -> None:
        self.events = 0
        self.duplicates = 0
        self.bytes = 0
        self.rejected: dict[str, int] = {}
        self.latency_s = Histogram()

    def accepted(self, events: int, duplicates: int, size_bytes: int, seconds: float) -> None:
        """Count one request whose events were taken in."""
        self.events += events
        self.duplicates += duplicates
        self.bytes += size_bytes
        self.latency_s.observe(seconds)

    def refused(self, code: str) -> None:
        """Count one request that was refused."""
        self.rejected[code] = self.rejected.get(code, 0) + 1

    def fields(self) -> Mapping[str, object]:
        """What to log."""
        return wide(
            events=self.events,
            duplicates=self.duplicates,
            bytes=self.bytes,
            rejected=self.rejected or None,
            p50_ms=_ms(self.latency_s.quantile_s(0.5)),
            p99_ms=_ms(self.latency_s.quantile_s(0.99)),
        )


class Cap:
    """At most `limit` lines a second; counts those that were left out."""

    def __init__(self, limit: int = 100) -> None:
        self._limit = limit
        self._second = -1
        self._used = 0
        self._left_out = 0

    def take(self, now_s: float) -> int | None:
        """None when this line is to be left out; else how many were since the last one written."""
        second = int(now_s)
        if second != self._second:
            self._second, self._used = second, 0
        if self._used >= self._limit:
            self._left_out += 1
            return None
        self._used += 1
        left_out, self._left_out = self._left_out, 0
        return left_out


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    found: Mapping[str, object] = getattr(record, _WIDE, {})
    return found


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _short(value: object) -> str:
    match value:
        case float():
            return f"{value:.4g}"
        case str() if value and value.isprintable() and not set(value) & set(' "='):
            return value
        case _:
            return encode_json(value).decode()


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
