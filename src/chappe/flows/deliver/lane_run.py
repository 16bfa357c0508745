"""A lane at work: its state, and those who wait for it. Made by `shard`, settled by `dispatch`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from chappe.domain.channel import Channel
from chappe.domain.event import Event
from chappe.domain.lane import Lane, Open, Place
from chappe.domain.matching import wants
from chappe.domain.subscription import Subscription


class Owner(Protocol):
    """The shard that the lane belongs to."""

    @property
    def channel(self) -> Channel: ...
    @property
    def shard(self) -> int: ...
    @property
    def over(self) -> bool:
        """Whether the shard is this node's no longer."""
        ...

    def moved(self) -> None:
        """Something is to be written with the next checkpoint."""
        ...


class LaneRun:
    """A lane at work: its state, and what waits for it."""

    def __init__(self, owner: Owner, lane: Lane, *, held: bool = False) -> None:
        self._owner = owner
        self.channel = owner.channel
        self.shard = owner.shard
        self.lane = lane
        self.room = asyncio.Event()
        self.reading = False
        self.resumed = lane.recorded
        self.gone = False
        self.held = held
        self.looked_again_s = 0.0
        self._wanted: tuple[Subscription, Callable[[Event], bool]] | None = None

    def wants(self, subscription: Subscription) -> Callable[[Event], bool]:
        """The subscription's whole test."""
        if self._wanted is None or self._wanted[0] is not subscription:
            self._wanted = (subscription, wants(subscription))
        return self._wanted[1]

    async def wait_room(self) -> bool:
        """Wait until the lane may take another event; False where it may not go on at all."""
        while not self.lane.has_room and not self.gone and not self.held:
            self.room.clear()
            await self.room.wait()
        return not self.gone and not self.held

    def start(self, place: Place) -> Open | None:
        """The event's turn has come; None if it is no longer this node's to deliver."""
        return None if self.gone or self._owner.over else self.lane.start(place)

    def rest(self) -> None:
        """Read no further from now on; that no attempt starts is seen to by the dispatcher."""
        self.held = True
        self.room.set()

    def go_on(self) -> bool:
        """Hold no longer; tells whether what is open was never offered on this node."""
        self.held = False
        never_offered, self.resumed = self.resumed, False
        return never_offered

    def find(self, place: Place) -> Open | None:
        """The open event; None if it is settled, or no longer this node's to deliver."""
        return None if self.gone or self._owner.over else self.lane.open.get(place)

    def hold(self, place: Place, *, due_ms: int) -> None:
        """It waits until then, without that a try has ended."""
        if place in self.lane.open:
            self.lane.hold(place, due_ms=due_ms)
        self._changed()

    def settle(self, place: Place) -> None:
        """The event is settled."""
        self.lane.settle(place)
        self._changed()

    def fail(self, place: Place, *, due_ms: int, first_ms: int) -> None:
        """A try ended without settling it."""
        if place in self.lane.open:
            self.lane.fail(place, due_ms=due_ms, first_ms=first_ms)
        self._changed()

    @property
    def failing_ms(self) -> int | None:
        """Since when the sink has taken nothing, as an earlier owner knew it too."""
        return self.lane.failing_ms

    @property
    def dead_ms(self) -> int | None:
        """Since when the sink's breaker has been open."""
        return self.lane.dead_ms

    def key_of(self, place: Place) -> int | None:
        """The key that the event was marked with."""
        event = self.lane.open.get(place)
        return None if event is None else event.key

    def mark(self, place: Place, key: int) -> None:
        """The event waits behind those of its key."""
        self.lane.mark(place, key)

    def trouble(self, failing_ms: int | None, dead_ms: int | None) -> None:
        """Since when the sink fails and is dead; None: it is well."""
        if not self.gone and self.lane.trouble(failing_ms, dead_ms):
            self._owner.moved()

    def forgive(self, dead_for_ms: int) -> None:
        """No event is the older for the time in which the sink was dead."""
        self.lane.forgive(dead_for_ms)
        self._owner.moved()

    def _changed(self) -> None:
        if self.lane.refills:
            self.room.set()
        self._owner.moved()
