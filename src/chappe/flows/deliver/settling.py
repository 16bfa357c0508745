"""The end of an attempt: its row in the delivery log, its lane, and the dead letter where it is one."""

from __future__ import annotations

import logging
from typing import NamedTuple

from msgspec import structs

from chappe.domain.attempt import AttemptRow, Result
from chappe.domain.channel import Channel
from chappe.domain.dead_letter import dead_letter, may_bury
from chappe.domain.errors import TooLarge, Unavailable
from chappe.domain.event import Event
from chappe.domain.lane import Open
from chappe.domain.subscription import Subscription
from chappe.flows.deliver.line import Job
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.formats.times import rfc3339
from chappe.kit.counters import Counters
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog

AGAIN_S = 0.5
"""Pause before asking an engine again that did not answer."""

_log = logging.getLogger("chappe.deliver")


class Try(NamedTuple):
    """An attempt of one event that ended: what the lane knew when it began, and its row."""

    job: Job
    event: Event
    started: Open
    row: AttemptRow

    @property
    def first_ms(self) -> int:
        """When the event was first tried (Unix ms)."""
        first_ms = self.started.first_ms
        return self.row.at_ms if first_ms is None else first_ms


class Settling:
    """Writes down what attempts came to."""

    def __init__(
        self,
        log: EventLog,
        dead_letters: Channel,
        recorder: AttemptRecorder,
        clock: Clock,
        counters: Counters,
    ) -> None:
        self._log = log
        self._dead_letters = dead_letters
        self._recorder = recorder
        self._clock = clock
        self._counters = counters

    def delivered(self, job: Job, row: AttemptRow) -> None:
        """The sink has the event: the end of nearly every attempt, with no call more than it needs."""
        self._counters.attempts.of(row.subscription).ended["delivered"] += 1
        self._recorder.record(row)
        job.lane.settle(job.place)

    def expired(self, job: Job, row: AttemptRow) -> None:
        """The event left the log before it could be delivered."""
        self._record(_ended(row, "expired", "the event is no longer in the log", None))
        job.lane.settle(job.place)

    def failed(self, one: Try, due_ms: int, reason: str) -> None:
        """It is tried again at `due_ms` (Unix)."""
        self._record(_ended(one.row, "retry", reason, due_ms))
        one.job.lane.fail(one.job.place, due_ms=due_ms, first_ms=one.first_ms)

    def kept(self, one: Try, reason: str) -> None:
        """It stays open as it was: the try does not count."""
        self._record(_ended(one.row, "retry", reason, None))

    def note(
        self, row: AttemptRow, result: Result, reason: str | None, next_ms: int | None
    ) -> None:
        """What became of a try that somebody else made."""
        self._record(_ended(row, result, reason, next_ms))

    async def bury(self, subscription: Subscription, one: Try, reason: str) -> None:
        """Put the event among the dead letters: on disk before its lane moves past it."""
        if may_bury(subscription):
            await self._append_letter(subscription, one.event, one.row, reason)
        self._record(_ended(one.row, "dead-letter", reason, None))
        one.job.lane.settle(one.job.place)

    def _record(self, row: AttemptRow) -> None:
        self._counters.attempts.of(row.subscription).ended[row.result] += 1
        self._recorder.record(row)

    async def _append_letter(
        self, subscription: Subscription, event: Event, row: AttemptRow, reason: str
    ) -> None:
        time = rfc3339(self._clock.now_ms())
        letter = _dead_letter(subscription, event, row, reason, time)
        while True:
            try:
                await self._log.append(self._dead_letters, letter)
            except Unavailable:
                await self._clock.sleep(AGAIN_S)
            except TooLarge as error:
                # It fitted into the log without our attributes. The event must end all the same: one
                # that cannot would end the node, and the next node after it.
                if letter.data is None:
                    _log.error("no dead letter of %s: %s", row.position, error)
                    return
                why = f"{reason}; without its {len(letter.data)} bytes of data, which do not fit"
                bare = structs.replace(event, data=None)
                letter = _dead_letter(subscription, bare, row, why, time)
            else:
                return


def row_of(
    job: Job,
    subscription: Subscription,
    number: int,
    at_ms: int,
    latency_ms: int,
    status: int | None,
) -> AttemptRow:
    """The row as nearly all of them stay: of an attempt that delivered the event."""
    lane, place = job.lane, job.place
    return AttemptRow(
        lane.channel.name,
        lane.shard,
        place.block,
        place.index,
        subscription.id,
        number,
        at_ms,
        latency_ms,
        status,
        "delivered",
    )


def _ended(row: AttemptRow, result: Result, reason: str | None, next_ms: int | None) -> AttemptRow:
    return structs.replace(row, result=result, reason=reason, next_ms=next_ms)


def _dead_letter(
    subscription: Subscription, event: Event, row: AttemptRow, reason: str, time: str
) -> Event:
    return dead_letter(
        event,
        subscription,
        row.position,
        reason=reason,
        status=row.status,
        attempts=row.attempt,
        time=time,
    )
