"""Reading stored events page by page, for flows that look at many of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.ports.event_index import Query


class Stored(Protocol):
    """An event and where it stands; `at_ms` is when it was accepted (Unix, ms)."""

    @property
    def position(self) -> Position: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def event(self) -> Event: ...


class Paged(Protocol):
    """Some events; `next` is the (block, index) to go on after, None at the end."""

    @property
    def items(self) -> Sequence[Stored]: ...
    @property
    def next(self) -> tuple[int, int] | None: ...


class StoredEvents(Protocol):
    """What was acknowledged before it is asked for is seen."""

    async def page(self, query: Query, *, wait_s: float = 0.0) -> Paged:
        """The events that fit; with `wait_s` an empty page waits that long for one to come.

        Raises:
            NotFound: there is no such channel.
            Unavailable: the index is too far behind the log.
        """
        ...
