"""Which events were seen lately: the window in which a repeated source and id is a duplicate."""

from __future__ import annotations

from chappe.domain.event import Event
from chappe.domain.position import Position


class SeenEvents:
    """First positions by (source, id), bounded by age and number.

    Two generations: the younger takes entries until it is full or half a window old, then it becomes
    the elder and the elder is dropped. So an entry lives between half a window and a whole one, and
    forgetting costs nothing per event.
    """

    def __init__(self, *, window_ms: int, limit: int) -> None:
        self._half_ms = window_ms // 2
        self._half = max(1, limit // 2)
        self._young: dict[tuple[str, str], Position] = {}
        self._elder: dict[tuple[str, str], Position] = {}
        self._since_ms: int | None = None
        self.enabled = window_ms > 0 and limit > 0

    def first(self, event: Event) -> Position | None:
        """Where the event was first seen, or None."""
        key = (event.source, event.id)
        return self._young.get(key) or self._elder.get(key)

    def add(self, event: Event, position: Position, at_ms: int) -> None:
        """Remember where the event stands."""
        if not self.enabled:
            return
        if self._since_ms is None:
            self._since_ms = at_ms
        elif len(self._young) >= self._half or at_ms - self._since_ms >= self._half_ms:
            self._elder = self._young
            self._young = {}
            self._since_ms = at_ms
        self._young[(event.source, event.id)] = position

    def is_repeated(self, event: Event, position: Position, at_ms: int) -> bool:
        """Whether the event was seen before `position`; remembers it if not.

        Made for reading a log in order while the same memory is fed by the writers of the log, who
        are ahead of the reader: an entry at or after `position` makes no duplicate.
        """
        if not self.enabled:
            return False
        known = self.first(event)
        if known is not None and (known.block, known.index) < (position.block, position.index):
            return True
        if known != position:
            self.add(event, position, at_ms)
        return False

    def __len__(self) -> int:
        return len(self._young) + len(self._elder)
