"""How much of what came in each of the last 24 hours, in little room.

hours = Hours(1_000);  hours.count("default", 7_200_000, ["order.paid"]);  hours.of(…, now_ms)  ->  [0, …, 1]

An addition makes nothing: it is a look-up and a sum in a ring of 24 numbers. Hours before anything was
counted are not known, which is another thing than 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

SPAN: Final = 24
HOUR_MS: Final = 3_600_000
MOST: Final = 10_000
"""Rings of one `Hours`, of some 250 bytes each."""


class _Ring:
    """Counts of the last hours up to `last` (hours since 1970)."""

    __slots__ = ("counts", "last")

    def __init__(self, hour: int) -> None:
        self.counts = array("Q", bytes(8 * SPAN))
        self.last = hour

    def add(self, hour: int, count: int) -> None:
        if hour > self.last:
            for gone in range(self.last + 1, min(hour, self.last + SPAN) + 1):
                self.counts[gone % SPAN] = 0
            self.last = hour
        if hour > self.last - SPAN:  # else it is too old to be told
            self.counts[hour % SPAN] += count

    def at(self, hour: int) -> int:
        return self.counts[hour % SPAN] if self.last - SPAN < hour <= self.last else 0


_NO_RINGS: Final[Mapping[str, _Ring]] = {}


class Hours:
    """Counts by channel and name; at most `most` of them, what comes later is not counted."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rings: dict[str, dict[str, _Ring]] = {}
        self._since: dict[str, int] = {}
        self._held = 0
        self._swept = -1

    def count(self, channel: str, at_ms: int, names: Iterable[str]) -> None:
        """One more of each name came at `at_ms` (Unix)."""
        hour = at_ms // HOUR_MS
        place, rings = hour % SPAN, self._rings.get(channel, _NO_RINGS)
        for name in names:
            ring = rings.get(name)
            if ring is not None and ring.last == hour:
                ring.counts[place] += 1
            else:
                self.add(channel, name, at_ms, 1)
                rings = self._rings[channel]

    def add(self, channel: str, name: str, at_ms: int, count: int) -> None:
        """So many more came at `at_ms` (Unix)."""
        hour = at_ms // HOUR_MS
        rings = self._rings.setdefault(channel, {})
        ring = rings.get(name)
        if ring is None:
            if self._held >= self._most and not self._made_room(hour):
                return
            ring = rings[name] = _Ring(hour)
            self._held += 1
        ring.add(hour, count)
        self._since[channel] = min(hour, self._since.get(channel, hour))

    def known_since(self, channel: str, at_ms: int) -> None:
        """From then on nothing of the channel is missed."""
        hour = at_ms // HOUR_MS
        self._since[channel] = min(hour, self._since.get(channel, hour))

    def of(self, channel: str, name: str, now_ms: int) -> Sequence[int | None] | None:
        """The last 24 hours, the oldest first and the present one last; None in it: not known.

        None alone: nothing came in all of them, or there was no room to count.
        """
        ring = self._rings.get(channel, {}).get(name)
        now = now_ms // HOUR_MS
        if ring is None or ring.last <= now - SPAN:
            return None
        since = self._since.get(channel, now)
        return [ring.at(hour) if hour >= since else None for hour in range(now - SPAN + 1, now + 1)]

    def _made_room(self, hour: int) -> bool:
        """Forget what did not come for a day; looked for once an hour at most."""
        if hour == self._swept:
            return False
        self._swept = hour
        for rings in self._rings.values():
            for name in [name for name, ring in rings.items() if ring.last <= hour - SPAN]:
                del rings[name]
                self._held -= 1
        return self._held < self._most
