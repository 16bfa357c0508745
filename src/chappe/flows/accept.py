"""Event in: look for a repeat, check the payload, store it, answer where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from chappe.domain.channel import OWN, Channel
from chappe.domain.errors import (
    ChappeError,
    InvalidBatch,
    Malformed,
    NotFound,
    SchemaMismatch,
)
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.seen import SeenEvents
from chappe.domain.trace_context import TraceContext, joined
from chappe.formats.receipt import Receipt
from chappe.formats.schema_language import Verdict, Violation
from chappe.kit.told import told_to
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.tracing import Tracing

REASON: Final = "quarantinereason"
"""The extension attribute that tells why an event is in quarantine."""
MOST_REASON: Final = 512


class Accept:
    """Takes events in. One for each node; it remembers what the node has seen lately.

    `may_store` raises when nothing can be stored now; `is_declared` tells whether a message declares
    an event type. `violated` is told of each event that breaks the rules of its type, and whether it
    was let pass (warn), held (quarantine) or sent back (refuse; not by `begin`, whose caller is told).
    """

    def __init__(
        self,
        log: EventLog,
        channels: Callable[[], Mapping[str, Channel]],
        check: Callable[[Event], Verdict | None],
        seen: Callable[[str], SeenEvents],
        clock: Clock,
        may_store: Callable[[], None] = lambda: None,
        is_declared: Callable[[str], bool] = lambda type: True,
        violated: Callable[[str, str], None] = lambda type, result: None,
        tracing: Tracing | None = None,
    ) -> None:
        self._log = log
        self._channels = channels
        self._check = check
        self._seen = seen
        self._clock = clock
        self._may_store = may_store
        self._is_declared = is_declared
        self._violated = violated
        self._tracing = tracing

    async def __call__(
        self, channel: str, event: Event, hop: TraceContext | None = None
    ) -> Receipt:
        """Store one event; `hop` is the trace context of the request that it came with.

        Raises:
            NotFound, Malformed: there is no such channel, or nobody may publish to it.
            SchemaMismatch: the payload breaks the schema that is enforced for its type.
            Overloaded, TooLarge, Unavailable: as EventLog.append.
        """
        # A caller that gives up changes nothing: what was begun is stored all the same.
        ended: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        tracing = self._tracing
        began_ns = 0 if tracing is None else tracing.now_ns()
        try:
            self.begin(channel, event, told_to(ended), hop)
        except ChappeError as error:
            if isinstance(error, SchemaMismatch):
                self._violated(event.type, "refuse")
            if tracing is not None and channel in self._channels():
                refused = joined(event, hop)
                tracing.accepted(channel, refused, began_ns=began_ns, hop=hop, error=error)
            raise
        return await ended

    def begin(
        self,
        channel: str,
        event: Event,
        done: Callable[[Receipt | Exception], None],
        hop: TraceContext | None = None,
    ) -> None:
        """The same without a task: `done` gets the receipt, or the error that storing ended in.

        Raises:
            CallerError, Overloaded: as `__call__`; nothing was begun then.
        """
        target = self._channel(channel)
        if self._tracing is not None:
            event = joined(event, hop)
            done = _traced(self._tracing, channel, event, hop, done)
        seen = self._seen(channel)
        first = seen.first(event)
        # The time is asked for only where it matters: hardly any event is a repeat.
        if first is not None and seen.first(event, self._clock.now_ms()) is not None:
            done(Receipt(first, duplicate=True))
            return
        violations, refusal = self._checked(target, event)
        if refusal is not None:
            if target.quarantine is None:
                # Counted by who tells the publisher, who may ask twice.
                raise refusal
            self._violated(event.type, "quarantine")
            self._begin_quarantine(target.quarantine, quarantined(event, refusal), violations, done)
            return
        if violations:
            self._violated(event.type, "warn")
        self._may_store()
        self._begin_storing(target, event, done, violations)

    def _begin_quarantine(
        self,
        name: str,
        event: Event,
        violations: Sequence[Violation],
        done: Callable[[Receipt | Exception], None],
    ) -> None:
        """Store what a channel refused in its quarantine; a repeat is known there."""
        target = self._channel(name)
        first = self._seen(name).first(event, self._clock.now_ms())
        if first is not None:
            done(Receipt(first, duplicate=True, warnings=violations, quarantine=name))
            return
        self._may_store()
        self._begin_storing(target, event, done, violations, name)

    def _begin_storing(
        self,
        target: Channel,
        event: Event,
        done: Callable[[Receipt | Exception], None],
        warnings: Sequence[Violation],
        quarantine: str | None = None,
    ) -> None:
        seen = self._seen(target.name)

        def stored(ended: Position | Exception) -> None:
            if isinstance(ended, Exception):
                done(ended)
                return
            seen.add(event, ended, self._clock.now_ms())
            done(Receipt(ended, duplicate=False, warnings=warnings, quarantine=quarantine))

        self._log.begin(target, event, stored)

    async def all(
        self, channel: str, events: Sequence[Event], hop: TraceContext | None = None
    ) -> Sequence[Receipt]:
        """Store all of the events or, when one is refused, none.

        A repeat within the batch, or of an event seen before, gets the first position.

        Raises:
            InvalidBatch: some payloads break their schemas; each with its index.
            NotFound, Malformed, Overloaded, TooLarge, Unavailable: as for one event.
        """
        tracing = self._tracing
        if tracing is None:
            return await self._all(channel, events)
        events, began_ns = [joined(event, hop) for event in events], tracing.now_ns()
        try:
            receipts = await self._all(channel, events)
        except ChappeError as error:
            # A name that somebody made up is none of a span.
            if channel in self._channels():
                tracing.accepted_all(channel, events, began_ns=began_ns, hop=hop, error=error)
            raise
        stored = [(one.quarantine or channel, one.position, one.duplicate) for one in receipts]
        tracing.accepted_all(channel, events, began_ns=began_ns, hop=hop, stored=stored)
        return receipts

    async def _all(self, channel: str, events: Sequence[Event]) -> Sequence[Receipt]:
        target = self._channel(channel)
        violations, refused = self._all_checked(target, events)
        for index, found in enumerate(violations):
            if found:
                kept_out = "refuse" if target.quarantine is None else "quarantine"
                self._violated(events[index].type, kept_out if index in refused else "warn")
        if refused and target.quarantine is None:
            raise InvalidBatch(dict(refused), len(events))
        self._may_store()
        if not refused:
            return list(map(Receipt, *await self._stored(target, events), violations))
        receipts: dict[int, Receipt] = {}
        taken = [index for index in range(len(events)) if index not in refused]
        stored, repeated = await self._stored(target, [events[index] for index in taken])
        for index, position, duplicate in zip(taken, stored, repeated, strict=True):
            receipts[index] = Receipt(position, duplicate, violations[index])
        if target.quarantine is not None:
            held = [quarantined(events[index], error) for index, error in refused.items()]
            stored, repeated = await self._stored(self._channel(target.quarantine), held)
            for index, position, duplicate in zip(refused, stored, repeated, strict=True):
                receipts[index] = Receipt(position, duplicate, violations[index], target.quarantine)
        return [receipts[index] for index in range(len(events))]

    async def _stored(
        self, channel: Channel, events: Sequence[Event]
    ) -> tuple[Sequence[Position], Sequence[bool]]:
        """Where each event stands, and whether it is a repeat."""
        seen = self._seen(channel.name)
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

    def _checked(
        self, channel: Channel, event: Event
    ) -> tuple[Sequence[Violation], SchemaMismatch | None]:
        """What is wrong with an event, and the refusal where that is not let pass."""
        verdict = self._check(event)
        if verdict is None:
            if channel.undeclared == "allow" or self._is_declared(event.type):
                return (), None
            return _undeclared(channel, event)
        if not verdict.violations:
            return (), None
        if verdict.mode != "enforce":
            return verdict.violations, None
        first = verdict.violations[0]
        more = len(verdict.violations) - 1
        return verdict.violations, SchemaMismatch(
            f"data of {event.type}: {first.pointer or '/'}: {first.message}"
            + (f" (and {more} more)" if more else ""),
            [violation.details() for violation in verdict.violations],
            type=event.type,
            declaration=verdict.declaration.path,
        )

    def _all_checked(
        self, channel: Channel, events: Sequence[Event]
    ) -> tuple[list[Sequence[Violation]], dict[int, SchemaMismatch]]:
        violations: list[Sequence[Violation]] = []
        refused: dict[int, SchemaMismatch] = {}
        for index, event in enumerate(events):
            found, refusal = self._checked(channel, event)
            violations.append(found)
            if refusal is not None:
                refused[index] = refusal
        return violations, refused


def _traced(
    tracing: Tracing,
    channel: str,
    event: Event,
    hop: TraceContext | None,
    done: Callable[[Receipt | Exception], None],
) -> Callable[[Receipt | Exception], None]:
    """`done`, with the span of the acceptance before it."""
    began_ns = tracing.now_ns()

    def ended(found: Receipt | Exception) -> None:
        if isinstance(found, Exception):
            tracing.accepted(channel, event, began_ns=began_ns, hop=hop, error=found)
        else:
            tracing.accepted(
                found.quarantine or channel, event, began_ns=began_ns, hop=hop,
                position=found.position, duplicate=found.duplicate,
            )  # fmt: skip
        done(found)

    return ended


def _undeclared(
    channel: Channel, event: Event
) -> tuple[Sequence[Violation], SchemaMismatch | None]:
    message = f"no message declares the type {event.type!r}"
    violations = (Violation("", "type", f'"{event.type}"', message),)
    if channel.undeclared == "warn":
        return violations, None
    return violations, SchemaMismatch(
        f"type: {message}; the channel {channel.name!r} takes declared types alone",
        [violations[0].details()],
        type=event.type,
    )


def quarantined(event: Event, refusal: SchemaMismatch) -> Event:
    """The event as it stands in a quarantine: with the reason in an extension attribute."""
    shown = "".join(one if one.isprintable() else " " for one in refusal.message[:MOST_REASON])
    return msgspec.structs.replace(event, extensions={**event.extensions, REASON: shown})
