"""Which events were seen lately: the window in which a repeated source and id is a duplicate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from chappe.domain.event import Event
from chappe.domain.position import Position


class SeenEvents:
    """First positions by (source, id), bounded by age and number.

    Two generations: the younger takes entries until it is full or half a window old, then it becomes
    the elder and the elder is dropped. A generation counts until its first entry is a window old. So an
    entry lives between half a window and a whole one, whether others come or not, and forgetting costs
    nothing per event.
    """

    def __init__(self, *, window_ms: int, limit: int) -> None:
        self._window_ms = window_ms
        self._half_ms = window_ms // 2
        self._half = max(1, limit // 2)
        self._young: dict[tuple[str, str], Position] = {}
        self._elder: dict[tuple[str, str], Position] = {}
        self._young_ms: int | None = None
        self._elder_ms = 0
        self.enabled = window_ms > 0 and limit > 0

    def first(self, event: Event, now_ms: int | None = None) -> Position | None:
        """Where the event was first seen within the window before `now_ms`, or None.

        Without `now_ms` the age does not count.
        """
        key = (event.source, event.id)
        found, since_ms = self._young.get(key), self._young_ms
        if found is None:
            found, since_ms = self._elder.get(key), self._elder_ms
            if found is None:
                return None
        if now_ms is None or since_ms is None or now_ms - since_ms < self._window_ms:
            return found
        return None

    def all_new(self, events: Sequence[Event]) -> bool:
        """Whether none of the events is remembered, of whatever age, nor repeats another of them."""
        if not self.enabled:
            return True
        keys = {(event.source, event.id) for event in events}
        return (
            len(keys) == len(events)
            and self._young.keys().isdisjoint(keys)
            and self._elder.keys().isdisjoint(keys)
        )

    def add(self, event: Event, position: Position, at_ms: int) -> None:
        """Remember where the event stands."""
        if self.enabled:
            self._age(at_ms)
            self._young[event.source, event.id] = position

    def add_all(self, events: Sequence[Event], positions: Sequence[Position], at_ms: int) -> None:
        """Remember where each of the events stands."""
        if self.enabled:
            self._age(at_ms)
            keys = [(event.source, event.id) for event in events]
            self._young.update(zip(keys, positions, strict=True))

    def _age(self, at_ms: int) -> None:
        if self._young_ms is None:
            self._young_ms = at_ms
        elif len(self._young) >= self._half or at_ms - self._young_ms >= self._half_ms:
            self._elder, self._elder_ms = self._young, self._young_ms
            self._young, self._young_ms = {}, at_ms

    def is_repeated(self, event: Event, position: Position, at_ms: int) -> bool:
        """Whether the event was seen before `position`; remembers it if not.

        Made for reading a log in order while the same memory is fed by the writers of the log, who
        are ahead of the reader: an entry at or after `position` makes no duplicate.
        """
        if not self.enabled:
            return False
        known = self.first(event, at_ms)
        if known is not None and (known.block, known.index) < (position.block, position.index):
            return True
        if known != position:
            self.add(event, position, at_ms)
        return False

    def stand_at(self, events: Sequence[Event], shard: int, block: int) -> bool:
        """Whether the newest that is known of each event is its own place, in order, in that block.

        So it is with what this node has just written: none of them is repeated, and none is missing.
        """
        known = map(self._young.get, [(event.source, event.id) for event in events])
        return list(known) == list(zip(repeat(shard), repeat(block), range(len(events))))

    def __len__(self) -> int:
        return len(self._young) + len(self._elder)
