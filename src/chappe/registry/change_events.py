"""Events of change as CloudEvents (core/events.md "Event Definition").

    {"type": "io.xregistry.group.updated", "source": "https://hub.example", "subject": "/dirs/d1",
     "id": "0c9f…-0", "time": "2025-09-01T12:01:02Z", "xregcorrelationid": "0c9f…",
     "sequence": "0000000000000041.000000", "data": {"changed": ["epoch", "modifiedat", "name"]}}

The same transaction always gives the same events, so that one which is announced again after a
crash repeats their source and id, and whoever drops duplicates drops them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chappe.domain.event import Event
from chappe.registry.transaction import Announcement, Transaction

CORRELATION: Final = "xregcorrelationid"
SEQUENCE: Final = "sequence"
"""The documented extension of CloudEvents: revision and ordinal, of fixed width, so that it sorts."""

MOST_CHANGED: Final = 500
"""Names in `changed`, which is optional, so that no event is too large to be stored: some 35 kB."""

_SEQUENCE: Final = re.compile(r"(\d{16})\.(\d{6})", re.ASCII)
_encode: Final = msgspec.json.Encoder().encode


def events(transaction: Transaction, revision: int) -> list[Event]:
    """What the transaction owes, in the order of its announcements."""
    return [
        to_event(announcement, transaction, revision=revision, ordinal=ordinal)
        for ordinal, announcement in enumerate(transaction.announcements)
    ]


def to_event(
    announcement: Announcement, transaction: Transaction, *, revision: int, ordinal: int
) -> Event:
    """One announcement of a transaction; `ordinal` is its place among them, from 0."""
    # A write of the hub itself may have no correlation id; its revision is unique as well.
    correlation = transaction.correlation or f"revision-{revision}"
    # A root that nobody gave must not make an event that breaks CloudEvents.
    source = transaction.root.rstrip("/") or "/"
    changed = announcement.changed
    if changed is not None and len(changed) > MOST_CHANGED:
        changed = None
    return Event(
        id=f"{correlation}-{ordinal}",
        source=source,
        type=announcement.type,
        subject=announcement.subject,
        time=transaction.at or None,
        datacontenttype=None if changed is None else "application/json",
        extensions={CORRELATION: correlation, SEQUENCE: f"{revision:016d}.{ordinal:06d}"},
        data=None if changed is None else _encode({"changed": changed}),
        text=changed is not None,
    )


def place_of(event: Event) -> tuple[int, int] | None:
    """The (revision, ordinal) of an event that `to_event` made; None for another."""
    found = _SEQUENCE.fullmatch(event.get(SEQUENCE) or "")
    return None if found is None else (int(found[1]), int(found[2]))
