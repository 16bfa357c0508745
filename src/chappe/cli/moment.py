"""The command line's own clock: the one place of it where the time of day enters."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time of this machine, in UTC."""
    # The Clock port belongs to the hub; the command line stands outside of it (see .importlinter).
    return datetime.now(UTC)  # noqa: TID251


def now_text() -> str:
    """RFC 3339, in milliseconds: 2026-11-22T10:02:11.402Z."""
    return now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
