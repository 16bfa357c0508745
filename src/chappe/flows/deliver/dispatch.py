"""Trying the sinks: a queue and some workers for each subscription that has something open.

Serves all shards of a node, so that `concurrency` bounds a subscription as a whole and one sink never
takes another's turn. Idle subscriptions have neither queue nor task.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct, structs

from chappe.domain.attempt import AttemptRow, Result
from chappe.domain.channel import Channel
from chappe.domain.delivery import Ack, DeadLetter, Delivered, Retry, settle
from chappe.domain.errors import TooLarge, Unavailable
from chappe.domain.event import Event
from chappe.domain.ids import webhook_id
from chappe.domain.lane import Open, Place
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.formats.times import rfc3339
from chappe.kit.counters import Counters
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.sink import Attempt, Sink

AGAIN_S = 0.5
"""Pause before asking an engine again that did not answer."""


_log = logging.getLogger("chappe.deliver")


class OpenLane(Protocol):
    """The lane that a job belongs to, as its shard keeps it."""

    @property
    def channel(self) -> Channel: ...
    @property
    def shard(self) -> int: ...
    def start(self, place: Place) -> Open | None:
        """The event's turn has come; None if it is no longer this node's to deliver."""
        ...

    def settle(self, place: Place) -> None: ...
    def fail(self, place: Place, *, due_ms: int, first_ms: int) -> None: ...


class Job(Struct):
    """One open event of one lane; without `event` it is read again from the log.

    (A Struct and no dataclass, as Event: one is made for every delivery.)
    """

    lane: OpenLane
    place: Place
    event: Event | None


@dataclass(slots=True)
class _Outlet:
    """The open events of one subscription on this node."""

    subscription: Subscription
    queue: deque[Job] = field(default_factory=deque)
    workers: int = 0


class Dispatcher:
    """Delivers jobs until they are settled."""

    def __init__(
        self,
        log: EventLog,
        dead_letters: Channel,
        sinks: Mapping[str, Sink],
        recorder: AttemptRecorder,
        clock: Clock,
        random: Callable[[], float],
        counters: Counters,
    ) -> None:
        self._log = log
        self._dead_letters = dead_letters
        self._sinks = sinks
        self._recorder = recorder
        self._clock = clock
        self._random = random
        self._counters = counters
        self._outlets: dict[str, _Outlet] = {}
        self._waiting: list[tuple[int, int, str, Job]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._tasks = Supervisor()
        self._draining = False

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self._tasks:
            await self._wake_retries()

    def put(self, subscription: Subscription) -> None:
        """The subscription was made or changed; events that are open follow the change."""
        outlet = self._outlets.get(subscription.id)
        if outlet is not None:
            outlet.subscription = subscription

    def remove(self, subscription_id: str) -> None:
        """The subscription ended: what is open for it is dropped."""
        outlet = self._outlets.pop(subscription_id, None)
        if outlet is not None:
            outlet.queue.clear()

    def offer(self, subscription: Subscription, job: Job) -> None:
        """Deliver the job's event, soon."""
        outlet = self._outlets.get(subscription.id)
        if outlet is None:
            outlet = self._outlets[subscription.id] = _Outlet(subscription)
        outlet.queue.append(job)
        if outlet.workers < outlet.subscription.concurrency and not self._draining:
            self._tasks.start_soon(self._work(outlet), name=f"deliver {subscription.id}")
            outlet.workers += 1

    def offer_at(self, subscription: Subscription, job: Job, due_ms: int) -> None:
        """Deliver the job's event at `due_ms` (Unix, ms)."""
        heapq.heappush(self._waiting, (due_ms, next(self._order), subscription.id, job))
        if self._waiting[0][0] == due_ms:
            self._wake.set()
        self._outlets.setdefault(subscription.id, _Outlet(subscription))

    async def drain(self, timeout_s: float) -> bool:
        """Start no more attempts and wait for those under way; tells whether all ended."""
        self._draining = True
        deadline_s = self._clock.monotonic_s() + timeout_s
        while any(outlet.workers for outlet in self._outlets.values()):
            if self._clock.monotonic_s() >= deadline_s:
                return False
            await self._clock.sleep(0.02)
        return True

    async def _wake_retries(self) -> None:
        while True:
            self._wake.clear()
            now_ms = self._clock.now_ms()
            while self._waiting and self._waiting[0][0] <= now_ms:
                _, _, subscription_id, job = heapq.heappop(self._waiting)
                outlet = self._outlets.get(subscription_id)
                if outlet is not None:
                    self.offer(outlet.subscription, job)
            if self._waiting:
                await self._clock.wait(self._wake, (self._waiting[0][0] - now_ms) / 1000)
            else:
                await self._wake.wait()

    async def _work(self, outlet: _Outlet) -> None:
        try:
            while outlet.queue and not self._draining:
                await self._deliver(outlet, outlet.queue.popleft())
        finally:
            outlet.workers -= 1

    async def _deliver(self, outlet: _Outlet, job: Job) -> None:
        lane, place = job.lane, job.place
        started = lane.start(place)
        if started is None:
            return
        subscription = outlet.subscription
        number = started.attempts + 1
        at_ms = self._clock.now_ms()
        began_s = self._clock.monotonic_s()
        event = job.event if job.event is not None else await self._event_of(job)
        if event is None:
            row = _row(job, subscription, number, at_ms, 0, None)
            self._settled(job, row, "expired", "the event is no longer in the log")
            return
        attempt = Attempt(event, subscription, webhook_id(event, subscription.id), number)
        outcome = await self._sinks[subscription.protocol].send(attempt)
        latency_s = self._clock.monotonic_s() - began_s
        self._counters.delivery_s.observe(latency_s)
        row = _row(job, subscription, number, at_ms, round(latency_s * 1000), outcome.status)
        first_ms = started.first_ms if started.first_ms is not None else at_ms
        settlement = settle(
            outcome,
            attempt=number,
            age_s=(at_ms - first_ms) / 1000,
            policy=subscription.retry,
            random=self._random,
        )
        match settlement:
            case Ack():
                self._record(row)
                lane.settle(place)
            case Retry(after_s):
                due_ms = self._clock.now_ms() + round(after_s * 1000)
                reason = None if isinstance(outcome, Delivered) else outcome.reason
                self._record(_ended(row, "retry", reason, due_ms))
                lane.fail(place, due_ms=due_ms, first_ms=first_ms)
                if self._outlets.get(subscription.id) is outlet:  # else it has ended meanwhile
                    self.offer_at(subscription, Job(lane, place, None), due_ms)
            case DeadLetter(reason):
                await self._bury(job, event, row, reason)
                self._settled(job, row, "dead-letter", reason)

    def _settled(self, job: Job, row: AttemptRow, result: Result, reason: str | None) -> None:
        self._record(_ended(row, result, reason, None))
        job.lane.settle(job.place)

    def _record(self, row: AttemptRow) -> None:
        self._counters.deliveries[row.result] += 1
        self._recorder.record(row)

    async def _event_of(self, job: Job) -> Event | None:
        position = Position(job.lane.shard, job.place.block, job.place.index)
        while True:
            try:
                return await self._log.get(job.lane.channel, position)
            except Unavailable:
                await self._clock.sleep(AGAIN_S)

    async def _bury(self, job: Job, event: Event, row: AttemptRow, reason: str) -> None:
        """Put the event among the dead letters: on disk before its lane moves past it."""
        time = rfc3339(self._clock.now_ms())
        letter = _dead_letter(event, row, reason, time)
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
                letter = _dead_letter(structs.replace(event, data=None), row, why, time)
            else:
                return


def _row(
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


def _dead_letter(event: Event, row: AttemptRow, reason: str, time: str) -> Event:
    extensions = dict(event.extensions)
    extensions.update(
        deadletterreason=reason,
        deadlettersubscription=row.subscription,
        deadletterposition=str(row.position),
        deadletterattempts=row.attempt,
        deadlettertime=time,
    )
    if row.status is not None:
        extensions["deadletterstatus"] = row.status
    return structs.replace(event, extensions=extensions)
