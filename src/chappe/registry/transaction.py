"""One committed transaction: after-images of whole entities, so that applying it needs no rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chappe.registry.request import Change


class Announcement(NamedTuple):
    """One event of change (core/events.md) that a transaction owes: its type, subject, what changed.

    `changed` is None where the event has no such data (created, deleted).
    """

    type: str
    subject: str
    changed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """Changes that happen together or not at all.

    `at` is RFC 3339 in UTC, `by` a principal's name, `root` the registry's URL as the events of
    change give it. `correlation` is unique for ever; `next_uid` is the tree's afterwards.
    """

    changes: Sequence[Change]
    at: str
    by: str = ""
    correlation: str = ""
    root: str = ""
    next_uid: int = 0
    announcements: Sequence[Announcement] = ()
