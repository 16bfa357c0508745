"""Finding events and attempts: an index that each node can rebuild from the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Block
from chappe.domain.position import Position
from chappe.domain.sighting import Sighting

LIMIT = 1000
"""The most events that one query gives."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which events; every part that is given must hold.

    Times are Unix ms of acceptance: `from_ms` belongs to the span, `until_ms` does not. `after` is
    the block and index of the last event of the page before, in the direction of `newest_first`.
    `limit` is cut to LIMIT.
    """

    channel: str
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    id: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    after: tuple[int, int] | None = None
    newest_first: bool = True
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Where an event stands and when it was accepted (Unix, ms)."""

    position: Position
    at_ms: int


class EventIndex(Protocol):
    """Bounded by age and size; write-behind: `reached` says how far it is.

    The greatest age is counted from the newest block. An event is listed at least that long (if
    size allows) and dropped by an `add` soon after; what is dropped may be listed again.
    """

    async def add(
        self, channel: str, blocks: Sequence[Block], attempts: Sequence[AttemptRow] = ()
    ) -> None:
        """Take blocks in, in order; a block that it knows already is passed over.

        An event whose source and id stand already in the same channel is a duplicate and is not
        listed again; but one event may have several dead letters, so in the channels of attempts and
        dead letters everything is listed. `reached` moves to the last block, in the same step as everything else: a
        kill leaves all of a call or nothing. Attempts may come before their event, and twice.

        Blocks of one channel come from one caller, one call after the other.

        Raises:
            Unavailable: it was not added, or in part; ask `reached` and go on behind it. It may be
                lower than before: an index that is damaged starts over.
        """
        ...

    async def reached(self, channel: str) -> int:
        """The last block that the index has taken in; 0 at the start."""
        ...

    async def find(self, query: Query) -> Sequence[Found]:
        """The events that fit, in the order of acceptance or its reverse."""
        ...

    async def attempts(self, channel: str, position: Position) -> Sequence[AttemptRow]:
        """All attempts for the event at `position`, in time's order."""
        ...

    async def counts(self, channel: str) -> Mapping[str, int]:
        """How many events of each type are listed; exact, also after old ones were dropped."""
        ...

    async def sightings(self, channel: str, *, since_ms: int | None = None) -> Sequence[Sighting]:
        """Which types were seen from which sources among what is listed, the last seen first.

        With `since_ms` only events accepted then or later count. Exact, also after old events were
        dropped. Sources of a type beyond MOST_SOURCES are told as one, `source` being None.
        """
        ...

    async def close(self) -> None:
        """Write what is left and close."""
        ...
