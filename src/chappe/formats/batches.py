"""A batch is all or nothing: its events, or the errors of all that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from chappe.domain.errors import CallerError, InvalidBatch
from chappe.domain.event import Event

T = TypeVar("T")


def decode_each(parts: Sequence[T], decode: Callable[[T], Event]) -> list[Event]:
    """The event in each part, in order.

    Raises:
        InvalidBatch: `decode` refused some; with the error of each.
    """
    events: list[Event] = []
    errors: dict[int, CallerError] = {}
    for index, part in enumerate(parts):
        try:
            events.append(decode(part))
        except CallerError as exc:
            errors[index] = exc
    if errors:
        raise InvalidBatch(errors, len(parts))
    return events
