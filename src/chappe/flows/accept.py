"""Event in: look for a repeat, check the payload, store it, answer where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chappe.domain.channel import OWN, Channel
from chappe.domain.errors import (
    CallerError,
    InvalidBatch,
    Malformed,
    NotFound,
    SchemaMismatch,
    Unavailable,
)
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.seen import SeenEvents
from chappe.formats.schema_language import Verdict, Violation
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog


class Receipt(NamedTuple):
    """The event is on disk at `position`; `duplicate`: it was before this request."""

    position: Position
    duplicate: bool = False
    warnings: Sequence[Violation] = ()


class Accept:
    """Takes events in. One for each node; it remembers what the node has seen lately.

    `may_store` raises when nothing can be stored now.
    """

    def __init__(
        self,
        log: EventLog,
        channels: Callable[[], Mapping[str, Channel]],
        check: Callable[[Event], Verdict | None],
        seen: Callable[[str], SeenEvents],
        clock: Clock,
        may_store: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._channels = channels
        self._check = check
        self._seen = seen
        self._clock = clock
        self._may_store = may_store

    async def __call__(self, channel: str, event: Event) -> Receipt:
        """Store one event.

        Raises:
            NotFound, Malformed: there is no such channel, or nobody may publish to it.
            SchemaMismatch: the payload breaks the schema that is enforced for its type.
            Overloaded, TooLarge, Unavailable: as EventLog.append.
        """
        ended: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def done(found: Receipt | Exception) -> None:
            if ended.done():
                return  # The caller has given up; what was begun was stored all the same.
            if isinstance(found, Exception):
                ended.set_exception(found)
            else:
                ended.set_result(found)

        self.begin(channel, event, done)
        return await ended

    def begin(
        self, channel: str, event: Event, done: Callable[[Receipt | Exception], None]
    ) -> None:
        """The same without a task: `done` gets the receipt, or the error that storing ended in.

        Raises:
            CallerError, Overloaded: as `__call__`; nothing was begun then.
        """
        target = self._channel(channel)
        seen = self._seen(channel)
        first = seen.first(event)
        # The time is asked for only where it matters: hardly any event is a repeat.
        if first is not None and seen.first(event, self._clock.now_ms()) is not None:
            done(Receipt(first, duplicate=True))
            return
        warnings = self._checked(event)
        self._may_store()

        def stored(ended: asyncio.Future[Position]) -> None:
            error = ended.exception()
            if error is not None:
                done(error if isinstance(error, Exception) else Unavailable(str(error)))
                return
            position = ended.result()
            seen.add(event, position, self._clock.now_ms())
            done(Receipt(position, duplicate=False, warnings=warnings))

        self._log.append(target, event).add_done_callback(stored)

    async def all(self, channel: str, events: Sequence[Event]) -> Sequence[Receipt]:
        """Store all of the events or, when one is refused, none.

        A repeat within the batch, or of an event seen before, gets the first position.

        Raises:
            InvalidBatch: some payloads break their schemas; each with its index.
            NotFound, Malformed, Overloaded, TooLarge, Unavailable: as for one event.
        """
        target = self._channel(channel)
        seen = self._seen(channel)
        warnings = self._all_checked(events)
        self._may_store()
        stored, repeated = await self._stored(target, seen, events)
        return [
            Receipt(position, duplicate, found)
            for position, duplicate, found in zip(stored, repeated, warnings, strict=True)
        ]

    async def _stored(
        self, channel: Channel, seen: SeenEvents, events: Sequence[Event]
    ) -> tuple[Sequence[Position], Sequence[bool]]:
        """Where each event stands, and whether it is a repeat."""
        if seen.all_new(events):
            stored = await self._log.append_all(channel, events)
            seen.add_all(events, stored, self._clock.now_ms())
            return stored, [False] * len(events)
        now_ms = self._clock.now_ms()
        places: dict[tuple[str, str], int] = {}
        to_store: list[Event] = []
        known = [seen.first(event, now_ms) for event in events]
        for event, first in zip(events, known, strict=True):
            if first is None and (event.source, event.id) not in places:
                places[event.source, event.id] = len(to_store)
                to_store.append(event)
        stored = await self._log.append_all(channel, to_store)
        seen.add_all(to_store, stored, self._clock.now_ms())
        positions: list[Position] = []
        repeated: list[bool] = []
        answered: set[int] = set()
        for event, first in zip(events, known, strict=True):
            if first is not None:
                positions.append(first)
                repeated.append(True)
            else:
                place = places[event.source, event.id]
                positions.append(stored[place])
                repeated.append(place in answered)
                answered.add(place)
        return positions, repeated

    def _channel(self, name: str) -> Channel:
        channel = self._channels().get(name)
        if channel is None:
            raise NotFound(f"channel {name!r}: there is none of that name")
        if name in OWN:
            raise Malformed(f"channel {name}: the hub alone writes to it")
        return channel

    def _checked(self, event: Event) -> Sequence[Violation]:
        verdict = self._check(event)
        if verdict is None or not verdict.violations:
            return ()
        if verdict.mode == "enforce":
            first = verdict.violations[0]
            more = len(verdict.violations) - 1
            raise SchemaMismatch(
                f"data of {event.type}: {first.pointer or '/'}: {first.message}"
                + (f" (and {more} more)" if more else ""),
                [violation.details() for violation in verdict.violations],
                type=event.type,
                declaration=verdict.declaration.path,
            )
        return verdict.violations

    def _all_checked(self, events: Sequence[Event]) -> list[Sequence[Violation]]:
        errors: dict[int, CallerError] = {}
        warnings: list[Sequence[Violation]] = []
        for index, event in enumerate(events):
            try:
                warnings.append(self._checked(event))
            except SchemaMismatch as error:
                errors[index] = error
        if errors:
            raise InvalidBatch(errors, len(events))
        return warnings
