"""What do the payloads of a type look like? A schema drafted from the newest events of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chappe.domain.errors import Malformed, NotFound
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.formats.json_schema import is_json_type
from chappe.formats.schema_inference.inference import Inference
from chappe.ports.clock import Clock
from chappe.ports.event_index import LIMIT, Query
from chappe.ports.stored_events import Stored, StoredEvents

FORMAT: Final = "JsonSchema/draft/2020-12"

MOST_BYTES: Final = 16 << 20
"""Of all payloads together; a megabyte takes some 60 ms, and up to 0.8 s if it is made for that."""

MOST_S: Final = 10.0
"""No event is looked at later than that, but the first."""

_PAGE: Final = 100
"""Events that are held in memory at a time."""

Skipped: TypeAlias = Literal["no_data", "not_json_type", "not_json"]
"""Why an event says nothing: no payload, a `datacontenttype` that is not JSON, data that is no JSON."""

Stop: TypeAlias = Literal["end", "last", "bytes", "time"]
"""Why no older event was read: there is none, `last` were read, `MOST_BYTES` or `MOST_S` are over."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands, and when it was accepted (Unix, ms)."""

    position: Position
    at_ms: int


@dataclass(frozen=True, slots=True)
class Inferred:
    """A draft (JSON Schema 2020-12), and the evidence for it: `used` events of those `read`."""

    schema: Mapping[str, object]
    read: int
    used: int
    skipped: Mapping[Skipped, int]
    newest: Place
    oldest: Place
    stopped: Stop


@dataclass(frozen=True, slots=True)
class Infer:
    """Drafts schemas from stored events."""

    find: StoredEvents
    clock: Clock

    async def __call__(self, type: str, *, channel: str = "default", last: int = LIMIT) -> Inferred:
        """The draft of the `last` newest events of a type; all that it was made of are valid by it.

        Raises:
            NotFound: there is no such channel, or no event of the type that has JSON.
            Unavailable: the index is too far behind the log.
        """
        reading = _Reading(self.clock, self.clock.monotonic_s() + MOST_S)
        after: tuple[int, int] | None = None
        stopped: Stop | None = None
        while stopped is None and reading.read < last:
            limit = min(_PAGE, last - reading.read)
            page = await self.find.page(Query(channel, type=type, after=after, limit=limit))
            # Beside what else the node does: a payload can be made to take long.
            stopped = await asyncio.to_thread(reading.take, page.items)
            after = page.next
            if stopped is None and (after is None or not page.items):
                stopped = "end"
        if not reading.used or reading.newest is None or reading.oldest is None:
            raise NotFound(_nothing(type, channel, reading))
        draft = await asyncio.to_thread(reading.inference.draft)
        return Inferred(
            {"$schema": draft.pop("$schema"), "title": type, **draft},
            reading.read,
            reading.used,
            dict(reading.skipped),
            reading.newest,
            reading.oldest,
            stopped or "last",
        )


class _Reading:
    """What was read so far."""

    def __init__(self, clock: Clock, until_s: float) -> None:
        self._clock = clock
        self._until_s = until_s
        self.inference = Inference()
        self.read = 0
        self.skipped: Counter[Skipped] = Counter()
        self.newest: Place | None = None
        self.oldest: Place | None = None
        self._left = MOST_BYTES

    @property
    def used(self) -> int:
        return self.inference.samples

    def take(self, items: Sequence[Stored]) -> Stop | None:
        """See these events, the newest first; why that had to end before the last of them."""
        for item in items:
            if self.read and self._clock.monotonic_s() > self._until_s:
                return "time"
            self._left -= len(item.event.data or b"")
            if self.read and self._left < 0:
                return "bytes"
            self.read += 1
            self.oldest = Place(item.position, item.at_ms)
            self.newest = self.newest or self.oldest
            self._see(item.event)
        return None

    def _see(self, event: Event) -> None:
        if event.data is None:
            self.skipped["no_data"] += 1
        elif not is_json_type(event.datacontenttype):
            self.skipped["not_json_type"] += 1
        else:
            try:
                self.inference.add(event.data)
            except Malformed:
                self.skipped["not_json"] += 1


def _nothing(type: str, channel: str, reading: _Reading) -> str:
    if not reading.read:
        return f"type {type!r}: channel {channel} has no event of it"
    why = ", ".join(f"{name} {count}" for name, count in sorted(reading.skipped.items()))
    return f"type {type!r}: none of the {reading.read} events read in channel {channel} has JSON ({why})"
