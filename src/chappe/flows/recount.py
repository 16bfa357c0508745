"""The traffic of the last hours, counted anew from the index when a node starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.sighting import Sighting
from chappe.kit.hours import HOUR_MS, SPAN, Hours
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex

MOST_EVENTS: Final = 200_000
"""An index that lists more of a channel is not counted: that would take the node's first seconds."""


@dataclass(frozen=True, slots=True)
class Recount:
    """Counts what a channel's index lists; to be called before the channel is followed again."""

    index: EventIndex
    hours: Hours
    clock: Clock
    most: int = MOST_EVENTS

    async def __call__(self, channel: str) -> None:
        """Fill the hours, where the index is small enough; else they begin with what comes.

        Raises:
            Unavailable: the index failed.
        """
        now_ms = self.clock.now_ms()
        listed = sum((await self.index.counts(channel)).values())
        if listed > self.most:
            self.hours.known_since(channel, now_ms)
            return
        first = now_ms // HOUR_MS - SPAN + 1
        later: Counter[str] = Counter()
        # From each hour on, the newest first: what an hour adds came in it.
        for hour in range(first + SPAN - 1, first - 1, -1) if listed else ():
            since = _by_type(await self.index.sightings(channel, since_ms=hour * HOUR_MS))
            for type_, count in since.items():
                if count > later[type_]:
                    self.hours.add(channel, type_, hour * HOUR_MS, count - later[type_])
            later = since
        self.hours.known_since(channel, first * HOUR_MS)


def _by_type(sightings: Sequence[Sighting]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in sightings:
        counts[one.type] += one.events
    return counts
