"""Which part of a channel a subscription is about, where that is not "all that comes after its beginning"."""

from __future__ import annotations

from dataclasses import dataclass

from chappe.domain.lane import Place
from chappe.domain.position import Position


@dataclass(frozen=True, slots=True)
class Span:
    """Events from `first` and `from_ms` on, up to and with `end`; with `only`, none but those.

    `first` and `end` are places in the channel: a block belongs to one shard, so its sequence orders
    all of them. `from_ms` is when an event was accepted (Unix, ms).
    """

    first: Place | None = None
    from_ms: int | None = None
    end: Place | None = None
    only: frozenset[Position] | None = None

    def holds(self, shard: int, place: Place, at_ms: int) -> bool:
        """Whether the event that was accepted at `at_ms` and stands there belongs to it."""
        if self.first is not None and place < self.first:
            return False
        if self.end is not None and place > self.end:
            return False
        if self.from_ms is not None and at_ms < self.from_ms:
            return False
        return self.only is None or Position(shard, place.block, place.index) in self.only
