"""A lane: one subscription on one shard; how far it is, and which events are still open.

A lane runs on the shard's reader while it keeps up (`own` is False): the reader offers it what
matches, and it has no record of its own. It falls back to a cursor of its own (`own` is True) when it
is full, and comes back once it has read up to the reader. `record()` is its whole durable state; a
lane without failures on the shard's reader needs none.

Pure: time is given in, waiting is done by `flows/deliver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

MAX_OPEN = 1_024
"""Events that a lane may have taken and not settled: enough to keep a fast sink busy over one block,
few enough that a thousand lanes fit in memory."""

MAX_WAITING = 128
"""With so many events waiting for another try the lane takes no more: its sink is in trouble. Those it
took before may join them, so a dead sink costs one record of at most MAX_OPEN entries, some 30 kB."""


class Place(NamedTuple):
    """A position within the lane's shard."""

    block: int
    index: int  # type: ignore[assignment]  # as in Position


START = Place(0, -1)


class Open(msgspec.Struct, gc=False):
    """An event that the lane took and did not settle; times are Unix ms.

    `attempts` counts the tries that ended and counted. `due_ms` is when to try again, None while it is
    queued or under way. `first_ms` is when it was first tried, None before. `key` is the number of what
    it must wait behind (`domain/ordering`), None where it waits behind nothing.

    (A Struct and no dataclass, as Event: one is made for every delivery.)
    """

    attempts: int = 0
    due_ms: int | None = None
    first_ms: int | None = None
    key: int | None = None


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """What of a lane outlives the process.

    Everything up to and with `cursor` was taken; of that, only `open` is not settled. A lane that is
    not `own` may resume at the shard's checkpoint where that is further. `failing_ms` and `dead_ms`
    are the lane's.
    """

    cursor: Place
    own: bool
    open: Mapping[Place, Open]
    failing_ms: int | None = None
    dead_ms: int | None = None


@dataclass(slots=True)
class Lane:
    """The state of one lane; every method is one step of its life.

    `failing_ms` is since when (Unix ms) the sink has taken nothing, as far as this lane tried it;
    `dead_ms` since when its breaker has been open.
    """

    subscription: str
    cursor: Place = START
    own: bool = False
    open: dict[Place, Open] = field(default_factory=dict)
    waiting: int = 0
    failed: int = 0
    dirty: bool = False
    recorded: bool = False
    keyed: bool = False
    failing_ms: int | None = None
    dead_ms: int | None = None
    most_waiting: int = MAX_WAITING

    @classmethod
    def resumed(cls, subscription: str, record: LaneRecord, checkpoint: Place) -> Lane:
        """The lane as its record left it; events that were under way are due again."""
        cursor = record.cursor if record.own else max(record.cursor, checkpoint)
        lane = cls(subscription, cursor=cursor, own=record.own, recorded=True)
        lane.failing_ms, lane.dead_ms = record.failing_ms, record.dead_ms
        for place, event in record.open.items():
            lane.open[place] = Open(event.attempts, event.due_ms, event.first_ms, event.key)
            lane.keyed = lane.keyed or event.key is not None
            lane.failed += event.attempts > 0
            lane.waiting += event.due_ms is not None
        return lane

    @property
    def has_room(self) -> bool:
        """Whether the lane may take another event."""
        return len(self.open) < MAX_OPEN and self.waiting < self.most_waiting

    @property
    def refills(self) -> bool:
        """Whether so much is settled that a lane that was full reads on.

        Half, so that it is woken once for many; of a lane in order nearly at once, since what waits
        behind a failing key may fill half of it for long.
        """
        return len(self.open) <= (MAX_OPEN * 7 // 8 if self.keyed else MAX_OPEN // 2)

    def take(self, place: Place) -> None:
        """Take the event that stands at `place`; places come in order."""
        self.open[place] = Open()
        self.cursor = place
        self.dirty = True

    def pass_over(self, place: Place) -> None:
        """Everything up to and with `place` was looked at by this lane's own cursor."""
        if place > self.cursor:
            self.cursor = place
            self.dirty = True

    def fall_back(self, last: Place) -> None:
        """Go on with a cursor of its own; `last` is the last place that was offered to it."""
        self.own = True
        self.cursor = max(self.cursor, last)
        self.dirty = True

    def join(self, reader: Place) -> bool:
        """Come back to the shard's reader if everything up to it was looked at."""
        if self.own and self.cursor >= reader and self.has_room:
            self.own = False
            self.dirty = True
        return not self.own

    def settle(self, place: Place) -> None:
        """The event is settled."""
        event = self.open.pop(place, None)
        if event is not None:
            self.failed -= event.attempts > 0
            self.waiting -= event.due_ms is not None
            self.dirty = True

    def fail(self, place: Place, *, due_ms: int, first_ms: int) -> None:
        """A try ended without settling it; it is due again at `due_ms`."""
        event = self.open[place]
        self.failed += event.attempts == 0
        self.waiting += event.due_ms is None
        event.attempts += 1
        event.due_ms = due_ms
        event.first_ms = first_ms
        self.dirty = True

    def mark(self, place: Place, key: int) -> None:
        """The event waits behind those of its key."""
        self.open[place].key = key
        self.keyed = True

    def trouble(self, failing_ms: int | None, dead_ms: int | None) -> bool:
        """Since when the sink fails and is dead; whether that is news."""
        if (failing_ms, dead_ms) == (self.failing_ms, self.dead_ms):
            return False
        self.failing_ms, self.dead_ms = failing_ms, dead_ms
        self.dirty = True
        return True

    def forgive(self, dead_for_ms: int) -> None:
        """The sink was dead for so long: no event is the older for it."""
        for event in self.open.values():
            if event.first_ms is not None:
                event.first_ms += dead_for_ms

    def hold(self, place: Place, *, due_ms: int) -> None:
        """It waits until `due_ms`, without that a try has ended."""
        event = self.open[place]
        self.waiting += event.due_ms is None
        event.due_ms = due_ms
        self.dirty = True

    def start(self, place: Place) -> Open | None:
        """The event's turn has come: it no longer waits. None if it is settled meanwhile."""
        event = self.open.get(place)
        if event is not None and event.due_ms is not None:
            event.due_ms = None
            self.waiting -= 1
        return event

    @property
    def needs_record(self) -> bool:
        """Whether a restart from the shard's checkpoint alone would lose something."""
        return self.own or self.failed > 0 or self.failing_ms is not None

    @property
    def oldest(self) -> Place | None:
        """The first open place."""
        return next(iter(self.open), None)

    def record(self) -> LaneRecord:
        """The durable state as of now."""
        return LaneRecord(self.cursor, self.own, dict(self.open), self.failing_ms, self.dead_ms)


def before(place: Place) -> Place:
    """The place just before; of a block's first event, the end of all blocks before it."""
    if place.index > 0:
        return Place(place.block, place.index - 1)
    return Place(place.block - 1, END_OF_BLOCK)


END_OF_BLOCK = 2**31 - 1
"""An index after every event of a block."""
