"""Trying the sinks: a line and some workers for each subscription that has something open.

Serves all shards of a node, so that `concurrency` bounds a subscription as a whole and one sink never
takes another's turn. Idle subscriptions have neither line nor task. What a sink has earned (slow start,
breaker, rate, pause) is `outlet`'s to say, what becomes of an attempt `settling`'s.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import structs

from chappe.domain.attempt import AttemptRow, Result
from chappe.domain.channel import Channel
from chappe.domain.dead_letter import message_id, sent_event
from chappe.domain.delivery import (
    DeadLetter,
    Delivered,
    Disable,
    Failed,
    Gone,
    Outcome,
    Refused,
    Retry,
    Settlement,
    Split,
    Wait,
    ruled,
    settle,
)
from chappe.domain.errors import ChappeError, Unavailable
from chappe.domain.event import Event
from chappe.domain.ids import batch_id
from chappe.domain.lane import Open
from chappe.domain.options import Transform
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.domain.trace_context import TraceContext, carried
from chappe.flows.deliver.line import Job, OpenLane
from chappe.flows.deliver.outlet import Fared, Outlet
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.deliver.settling import AGAIN_S, Settling, Try, row_of
from chappe.flows.deliver.steady_time import SteadyTime
from chappe.kit.counters import Counters, Exemplar
from chappe.kit.supervise import Supervisor
from chappe.kit.wide_event import wide
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.reshaper import CannotReshape
from chappe.ports.sink import Attempt, Sink
from chappe.ports.tracing import Tracing

PLENTY = 128
"""Workers at once that keep a processor busy where sinks are quick. Beyond, outlets wait in a crowd for
workers that become free: a task and a connection for each would cost more than the delivery itself."""

CROWD_S = 0.02
"""How often is looked whether the crowd moves. If fewer than PLENTY attempts ended in that time, sinks
are slow and not the processor: then as many more workers start."""

Disabler: TypeAlias = Callable[[str, str], Awaitable[None]]
"""Declares that a subscription (its id) is disabled for a reason; done once that is on disk.

Raises ChappeError where it is not; Unavailable where it may work later.
"""

Shaper: TypeAlias = Callable[[Transform, Event], Awaitable[Event]]
"""Applies a transform (flows/deliver/reshape)."""

Replier: TypeAlias = Callable[[Subscription, Event, Sequence[Event]], Awaitable[str | None]]
"""Publishes replies (flows/deliver/reply); why not, where it did not."""

_Due: TypeAlias = tuple[int, int, str, Sequence[Job]]
"""Unix ms, a tie-breaker, the subscription's id, the jobs of one request; none: look again."""

_CROWD = ""
"""Stands for the crowd where a subscription's id is expected."""

_log = logging.getLogger("chappe.deliver")


class Diverted(Protocol):
    """Who takes the open events of the subscriptions that no sink is tried for."""

    def offer(self, subscription: Subscription, job: Job) -> None: ...
    def offer_at(self, subscription: Subscription, job: Job, due_ms: int) -> None: ...
    def put(self, subscription: Subscription) -> None: ...
    def remove(self, subscription_id: str) -> None: ...
    async def run(self) -> None: ...


def _whole(channel: str) -> float:
    """This node owns every shard."""
    return 1.0


async def _undeclared(subscription: str, reason: str) -> None:
    """Nobody is told; this node stops all the same."""


async def _unpublished(
    subscription: Subscription, event: Event, replies: Sequence[Event]
) -> str | None:
    """Nobody here publishes replies."""
    return "replies were dropped: this node publishes none"


async def _unshaped(transform: Transform, event: Event) -> Event:
    """Nobody here reshapes."""
    raise CannotReshape("transform: this node reshapes no events")


class Dispatcher:
    """Delivers jobs until they are settled.

    `share` tells for a channel which part of its shards this node owns, 0 to 1; a subscription's rate
    is shared by it. `disable` declares that a subscription is delivered to no more.
    """

    def __init__(
        self,
        log: EventLog,
        dead_letters: Channel,
        sinks: Mapping[str, Sink],
        recorder: AttemptRecorder,
        clock: Clock,
        random: Callable[[], float],
        counters: Counters,
        *,
        share: Callable[[str], float] = _whole,
        disable: Disabler = _undeclared,
        reshape: Shaper = _unshaped,
        reply: Replier = _unpublished,
        tracing: Tracing | None = None,
    ) -> None:
        self._log = log
        self._sinks = sinks
        self._clock = clock
        self._random = random
        self._counters = counters
        self._share = share
        self._disable = disable
        self._reshape = reshape
        self._reply = reply
        self._tracing = tracing
        self._settling = Settling(log, dead_letters, recorder, clock, counters)
        self._outlets: dict[str, Outlet] = {}
        self._waiting: list[_Due] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._tasks = Supervisor()
        self._draining = False
        self._running = 0
        self._ended = 0
        self._crowd: deque[Outlet] = deque()
        self._diverted: dict[str, Diverted] = {}
        self._steady = SteadyTime(clock)

    @property
    def dead_sinks(self) -> int:
        """How many subscriptions' breakers are open."""
        return sum(outlet.is_dead for outlet in self._outlets.values())

    @property
    def dead_subscriptions(self) -> frozenset[str]:
        """The subscriptions whose breakers are open."""
        return frozenset(id_ for id_, outlet in self._outlets.items() if outlet.is_dead)

    def divert(self, protocol: str, to: Diverted) -> None:
        """Hand what is open for subscriptions of this protocol to somebody else; before `run`."""
        self._diverted[protocol] = to

    def now_ms(self) -> int:
        """The time (Unix, ms) by which events are due: it does not jump when the clock is set."""
        return self._steady.now_ms()

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self._tasks:
            for protocol, diverted in self._diverted.items():
                self._tasks.start_soon(diverted.run(), name=f"deliver by {protocol}")
            await self._wake_retries()

    def put(self, subscription: Subscription) -> None:
        """The subscription was made or changed; events that are open follow the change."""
        outlet = self._outlets.get(subscription.id)
        if outlet is not None:
            outlet.change(subscription, self._clock.monotonic_s())
            self._go(outlet)
        for diverted in self._diverted.values():
            diverted.put(subscription)

    def remove(self, subscription_id: str) -> None:
        """The subscription ended: what is open for it is dropped."""
        outlet = self._outlets.pop(subscription_id, None)
        if outlet is not None:
            outlet.clear()
        self._counters.attempts.drop(subscription_id)
        for diverted in self._diverted.values():
            diverted.remove(subscription_id)

    def resume(self, subscription: Subscription, lane: OpenLane) -> None:
        """A lane comes from its record; to be called before its events are offered."""
        if subscription.protocol not in self._diverted:
            self._outlet(subscription).resume(lane, self._clock.monotonic_s())

    def offer(self, subscription: Subscription, job: Job) -> None:
        """Deliver the job's event, soon; the events of a lane are offered in its order."""
        if self._diverted:
            diverted = self._diverted.get(subscription.protocol)
            if diverted is not None:
                diverted.offer(subscription, job)
                return
        outlet = self._outlets.get(subscription.id)
        if outlet is None:
            outlet = self._outlet(subscription)
        if outlet.ordered or outlet.batching is not None:
            now_s = self._clock.monotonic_s()
            outlet.put(job, now_s)
            if not outlet.is_ripe(now_s):
                self._wake_later(outlet)
                return
        else:
            outlet.line.ready.append(job)
        if (
            outlet.workers < outlet.allowed
            and not outlet.is_crowded
            and outlet.line.ready
            and not self._draining
        ):
            self._start(outlet)

    def offer_at(self, subscription: Subscription, job: Job, due_ms: int) -> None:
        """Deliver the job's event at `due_ms` (Unix, ms, by `now_ms`)."""
        diverted = self._diverted.get(subscription.protocol)
        if diverted is not None:
            diverted.offer_at(subscription, job, due_ms)
            return
        outlet = self._outlet(subscription)
        if outlet.put(job, self._clock.monotonic_s(), waits=True):
            self._wait(outlet, (job,), due_ms)
        self._wake_later(outlet)

    async def drain(self, timeout_s: float) -> bool:
        """Start no more attempts and wait for those under way; tells whether all ended."""
        self._draining = True
        deadline_s = self._clock.monotonic_s() + timeout_s
        while any(outlet.workers for outlet in self._outlets.values()):
            if self._clock.monotonic_s() >= deadline_s:
                return False
            await self._clock.sleep(0.02)
        return True

    # ---- whose turn it is

    def _outlet(self, subscription: Subscription) -> Outlet:
        outlet = self._outlets.get(subscription.id)
        if outlet is None:
            outlet = self._outlets[subscription.id] = Outlet(
                subscription,
                share=self._share,
                random=self._random,
                now_s=self._clock.monotonic_s(),
            )
        return outlet

    def _is_current(self, outlet: Outlet) -> bool:
        """Whether the subscription has not ended meanwhile."""
        return self._outlets.get(outlet.subscription.id) is outlet

    def _start(self, outlet: Outlet) -> None:
        """One more worker, now or as soon as one is free."""
        if self._running < PLENTY:
            self._run(outlet)
            return
        if not outlet.is_crowded:
            outlet.is_crowded = True
            self._crowd.append(outlet)
            if len(self._crowd) == 1:
                self._look_at_crowd()

    def _run(self, outlet: Outlet) -> None:
        self._tasks.start_soon(self._work(outlet), name="deliver")
        outlet.workers += 1
        self._running += 1

    def _next_of_crowd(self) -> Outlet | None:
        """The outlet that a worker takes on which has nothing left to do."""
        now_s = self._clock.monotonic_s() if self._crowd else 0.0
        while self._crowd and not self._draining:
            outlet = self._crowd.popleft()
            outlet.is_crowded = False
            wanted = min(outlet.allowed - outlet.workers, outlet.backlog(now_s))
            if wanted <= 0:
                continue
            if wanted > 1 and not outlet.is_rated:
                outlet.is_crowded = True
                self._crowd.append(outlet)
            return outlet
        return None

    def _look_at_crowd(self) -> None:
        self._ended = 0
        due_ms = self.now_ms() + round(CROWD_S * 1000)
        self._push(due_ms, _CROWD, ())

    def _relieve_crowd(self) -> None:
        if self._ended < PLENTY:
            for _ in range(PLENTY):
                outlet = self._next_of_crowd()
                if outlet is None:
                    break
                self._run(outlet)
        if self._crowd:
            self._look_at_crowd()

    def _go(self, outlet: Outlet) -> None:
        """Start as many workers as may run, and come back when more may."""
        if self._draining:
            return
        room = min(outlet.allowed - outlet.workers, outlet.backlog(self._clock.monotonic_s()))
        # With a rate, each that gets a token lets the next one try.
        for _ in range(min(room, 1) if outlet.is_rated else room):
            self._start(outlet)
        self._wake_later(outlet)

    def _wake_later(self, outlet: Outlet) -> None:
        wake_s, gather_s = outlet.wake_s, outlet.gather_s
        outlet.wake_s = outlet.gather_s = None
        if wake_s is not None:
            self._wait(outlet, (), self._due_ms(wake_s))
        if gather_s is not None:
            outlet.gather_due_ms = self._due_ms(gather_s)
            self._wait(outlet, (), outlet.gather_due_ms)

    def _due_ms(self, at_s: float) -> int:
        """A monotonic time by `now_ms`: late rather than early, as an early look must be made again."""
        return self.now_ms() + int(max(0.0, at_s - self._clock.monotonic_s()) * 1000) + 2

    def _wait(self, outlet: Outlet, jobs: Sequence[Job], due_ms: int) -> None:
        self._push(due_ms, outlet.subscription.id, jobs)

    def _push(self, due_ms: int, subscription_id: str, jobs: Sequence[Job]) -> None:
        heapq.heappush(self._waiting, (due_ms, next(self._order), subscription_id, jobs))
        if self._waiting[0][0] == due_ms:
            self._wake.set()

    async def _wake_retries(self) -> None:
        while True:
            self._wake.clear()
            now_ms = self.now_ms()
            while self._waiting and self._waiting[0][0] <= now_ms:
                due_ms, _, subscription_id, jobs = heapq.heappop(self._waiting)
                outlet = self._outlets.get(subscription_id)
                if subscription_id == _CROWD:
                    self._relieve_crowd()
                elif outlet is not None:
                    self._due(outlet, due_ms, jobs)
            if self._waiting:
                await self._clock.wait(self._wake, (self._waiting[0][0] - now_ms) / 1000)
            else:
                await self._wake.wait()

    def _due(self, outlet: Outlet, due_ms: int, jobs: Sequence[Job]) -> None:
        if outlet.batching is not None and jobs:
            # Events of one request that failed are due together, also after a restart.
            found = list(jobs)
            waiting = self._waiting
            while waiting and waiting[0][0] == due_ms and waiting[0][2] == outlet.subscription.id:
                found += heapq.heappop(waiting)[3]
            size = outlet.batching.max_events
            outlet.groups.extend(found[at : at + size] for at in range(0, len(found), size))
        else:
            # The last first: of a key, those that are out stand before the others.
            for job in reversed(jobs):
                outlet.line.again(job)
        now_s = self._clock.monotonic_s()
        outlet.refresh(now_s)
        if due_ms == outlet.gather_due_ms:
            # Whole milliseconds of one clock and parts of the other's: it may be a moment early.
            outlet.look_again(now_s)
        self._go(outlet)

    async def _work(self, outlet: Outlet) -> None:
        try:
            while True:
                try:
                    if outlet.batching is None:
                        await self._serve(outlet)
                    else:
                        await self._serve_groups(outlet)
                finally:
                    outlet.workers -= 1
                other = self._next_of_crowd()
                if other is None:
                    return
                outlet = other
                outlet.workers += 1
        finally:
            self._running -= 1

    async def _serve(self, outlet: Outlet) -> None:
        while outlet.workers <= outlet.allowed and not self._draining:
            if outlet.is_rated and outlet.line.ready and not self._takes_token(outlet):
                return
            job = outlet.line.pop()
            if job is None:
                return
            self._ended += 1
            await self._deliver(outlet, job)

    async def _serve_groups(self, outlet: Outlet) -> None:
        while outlet.workers <= outlet.allowed and not self._draining:
            if outlet.batching is None:
                return self._go(outlet)
            jobs = outlet.next_group(self._clock.monotonic_s())
            if not jobs:
                return self._wake_later(outlet)
            if outlet.is_rated and not self._takes_token(outlet):
                outlet.groups.appendleft(jobs)
                return
            await self._deliver_group(outlet, jobs)
            self._ended += 1

    def _takes_token(self, outlet: Outlet) -> bool:
        now_s = self._clock.monotonic_s()
        took = outlet.takes_token(now_s)
        if not took:
            self._wake_later(outlet)
        elif outlet.workers < outlet.allowed and outlet.backlog(now_s) > 1 and not self._draining:
            self._start(outlet)
        return took

    # ---- one attempt

    async def _deliver(self, outlet: Outlet, job: Job) -> None:
        lane, place = job.lane, job.place
        subscription = outlet.subscription
        if subscription.protocol in self._diverted:
            self.offer(subscription, job)  # It was changed meanwhile.
            return
        started = lane.start(place)
        if started is None:
            self._done(outlet, job)
            return
        number = started.attempts + 1
        at_ms = self._clock.now_ms()
        began_s = self._clock.monotonic_s()
        event = job.event if job.event is not None else await self._event_of(job)
        if event is None:
            self._settling.expired(job, row_of(job, subscription, number, at_ms, 0, None))
            self._done(outlet, job)
            return
        message = message_id(event, subscription, Position(lane.shard, place.block, place.index))
        outcome = await self._sent(sent_event(event, subscription), subscription, message, number)
        latency_s = self._clock.monotonic_s() - began_s
        tally = self._counters.attempts.of(subscription.id)
        tally.took_s.observe(latency_s)
        if subscription.retry.statuses:
            outcome = ruled(outcome, subscription.retry)
        row = row_of(job, subscription, number, at_ms, round(latency_s * 1000), outcome.status)
        if isinstance(outcome, Delivered):
            if job.accepted_ms:
                tally.age_s.observe((at_ms - job.accepted_ms) / 1000 + latency_s)
            if outcome.replies or outcome.note:
                row = await self._replied(subscription, event, outcome, row)
            self._settling.delivered(job, row)
            if outlet.ordered:
                outlet.line.done(job)
            if outlet.uneasy:
                self._succeeded(outlet)
            return
        await self._troubled(outlet, [Try(job, event, started, row)], outcome)

    async def _deliver_group(self, outlet: Outlet, jobs: Sequence[Job]) -> None:
        subscription = outlet.subscription
        at_ms = self._clock.now_ms()
        began_s = self._clock.monotonic_s()
        found: list[tuple[Job, Event, Open]] = []
        for job in jobs:
            started = job.lane.start(job.place)
            if started is None:
                outlet.line.done(job)
                continue
            event = job.event if job.event is not None else await self._event_of(job)
            if event is None:
                row = row_of(job, subscription, started.attempts + 1, at_ms, 0, None)
                self._settling.expired(job, row)
                outlet.line.done(job)
                continue
            found.append((job, event, started))
        if not found:
            self._go(outlet)
            return
        ids = [
            message_id(event, subscription, Position(job.lane.shard, *job.place))
            for job, event, _ in found
        ]
        events = [sent_event(event, subscription) for _, event, _ in found]
        number = max(started.attempts for _, _, started in found) + 1
        outcome = await self._sent(events[0], subscription, batch_id(ids), number, events)
        latency_s = self._clock.monotonic_s() - began_s
        tally = self._counters.attempts.of(subscription.id)
        tally.took_s.observe(latency_s)
        outcome = ruled(outcome, subscription.retry)
        tries = [
            Try(
                job,
                event,
                started,
                row_of(
                    job,
                    subscription,
                    started.attempts + 1,
                    at_ms,
                    round(latency_s * 1000),
                    outcome.status,
                ),
            )
            for job, event, started in found
        ]
        if isinstance(outcome, Delivered):
            if outcome.replies or outcome.note:
                first = tries[0]
                row = await self._replied(subscription, first.event, outcome, first.row)
                tries[0] = first._replace(row=row)
            for one in tries:
                if one.job.accepted_ms:
                    tally.age_s.observe((at_ms - one.job.accepted_ms) / 1000 + latency_s)
                self._settling.delivered(one.job, one.row)
                outlet.line.done(one.job)
            if outlet.uneasy:
                self._succeeded(outlet)
            elif outlet.ordered:
                self._go(outlet)
            return
        await self._troubled(outlet, tries, outcome)

    async def _sent(
        self,
        event: Event,
        subscription: Subscription,
        message: str,
        number: int,
        batch: Sequence[Event] | None = None,
    ) -> Outcome:
        """One attempt, with its span where attempts are traced."""
        tracing = self._tracing
        if tracing is None:
            return await self._tried(event, subscription, message, number, batch)
        events = (event,) if batch is None else batch
        delivering = tracing.delivering(subscription, events, message, number)
        context, began_s = delivering.context, self._clock.monotonic_s()
        outcome: Outcome | None = None
        try:
            outcome = await self._tried(event, subscription, message, number, batch, context)
        finally:
            delivering.ended(outcome)
        if context.is_sampled:
            took_s = self._clock.monotonic_s() - began_s
            exemplar = Exemplar(took_s, context.trace_id, self._clock.now_ms() / 1000)
            self._counters.attempts.of(subscription.id).took_s.exemplify(exemplar)
        return outcome

    async def _tried(
        self,
        event: Event,
        subscription: Subscription,
        message: str,
        number: int,
        batch: Sequence[Event] | None,
        trace: TraceContext | None = None,
    ) -> Outcome:
        """Send the event as the subscription wants it."""
        sink = self._sinks.get(subscription.protocol)
        if sink is None:
            return Failed(f"this node has no sink for the protocol {subscription.protocol}")
        transform = subscription.options.transform
        if transform is not None:
            try:
                if batch is not None:
                    batch = [await self._reshape(transform, one) for one in batch]
                    event = batch[0]
                else:
                    event = await self._reshape(transform, event)
            except CannotReshape as error:
                return Refused(None, str(error))
            except Unavailable as error:
                return Failed(error.message)
        return await sink.send(Attempt(event, subscription, message, number, batch, trace))

    async def _replied(
        self, subscription: Subscription, event: Event, outcome: Delivered, row: AttemptRow
    ) -> AttemptRow:
        """Publish what the answer carried; the row tells what was dropped of it."""
        note = outcome.note
        if outcome.replies:
            note = await self._reply(subscription, event, outcome.replies)
        return row if note is None else structs.replace(row, reason=note)

    def _done(self, outlet: Outlet, job: Job) -> None:
        if outlet.ordered:
            outlet.line.done(job)

    def _succeeded(self, outlet: Outlet) -> None:
        was_dead = outlet.is_dead
        since_ms, now_ms = outlet.failing_since_ms, self._clock.now_ms()
        outlet.succeeded(self._clock.monotonic_s(), now_ms)
        if was_dead and since_ms is not None:
            _log.info(
                "sink works again",
                extra=wide(
                    subscription=outlet.subscription.id, failed_s=(now_ms - since_ms) / 1000
                ),
            )
        self._go(outlet)

    # ---- what was not delivered

    async def _troubled(
        self, outlet: Outlet, tries: Sequence[Try], outcome: Failed | Refused | Gone
    ) -> None:
        """Settle a request that delivered nothing, and see what it means for the subscription."""
        lanes = list({id(one.job.lane): one.job.lane for one in tries}.values())
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        fared = outlet.failed(outcome, lanes, now_s, now_ms)
        drawn = self._random()
        again: list[tuple[Try, Retry]] = []
        back: list[Try] = []
        halves = False
        for one in tries:
            settlement = self._settlement(outlet, one, outcome, fared, drawn, len(tries))
            match settlement:
                case Retry():
                    again.append((one, settlement))
                case DeadLetter(reason):
                    await self._settling.bury(outlet.subscription, one, reason)
                    self._done(outlet, one.job)
                case Wait(reason) | Split(reason) | Disable(reason):
                    self._settling.kept(one, reason)
                    back.append(one)
                    halves = isinstance(settlement, Split)
                case _:
                    raise AssertionError(f"{outcome} was taken for a success")
        if again:
            self._retry(outlet, again, outcome.reason)
        self._put_back(outlet, [one.job for one in back], halves=halves)
        self._see_to(outlet, outcome, fared, _trace_id(tries[0].event))
        self._go(outlet)

    def _settlement(
        self,
        outlet: Outlet,
        one: Try,
        outcome: Outcome,
        fared: Fared,
        drawn: float,
        events: int,
    ) -> Settlement:
        return settle(
            outcome,
            attempt=one.row.attempt,
            age_s=(one.row.at_ms - one.first_ms) / 1000,
            policy=outlet.subscription.retry,
            random=lambda: drawn,
            events=events,
            known_dead=fared.known_dead,
        )

    def _retry(self, outlet: Outlet, tries: Sequence[tuple[Try, Retry]], reason: str) -> None:
        """All of a request together, so that it can be made again as it was."""
        after_s = max(retry.after_s for _, retry in tries)
        due_ms = self.now_ms() + round(after_s * 1000)
        jobs: list[Job] = []
        for one, _ in tries:
            self._settling.failed(one, due_ms, reason)
            # Its event is read again: what waits for long must not fill memory.
            one.job.event = None
            jobs.append(one.job)
        if self._is_current(outlet):
            self._wait(outlet, jobs, due_ms)

    def note(
        self,
        job: Job,
        subscription: Subscription,
        number: int,
        *,
        at_ms: int,
        result: Result,
        reason: str | None = None,
        next_ms: int | None = None,
    ) -> None:
        """Write what became of the `number`-th try, which somebody else made; it began at `at_ms`."""
        took_ms = max(0, self._clock.now_ms() - at_ms)
        row = row_of(job, subscription, number, at_ms, took_ms, None)
        self._settling.note(row, result, reason, next_ms)

    async def bury(
        self, job: Job, subscription: Subscription, number: int, *, at_ms: int, reason: str
    ) -> None:
        """Make the event a dead letter, and settle it."""
        event = job.event if job.event is not None else await self._event_of(job)
        row = row_of(job, subscription, number, at_ms, 0, None)
        if event is None:
            self._settling.expired(job, row)
        else:
            await self._settling.bury(subscription, Try(job, event, Open(), row), reason)

    def _put_back(self, outlet: Outlet, jobs: Sequence[Job], *, halves: bool) -> None:
        if not jobs:
            return
        if outlet.batching is None:
            for job in jobs:
                outlet.line.put_back(job)
        elif not halves:
            outlet.groups.append(jobs)
        else:
            middle = (len(jobs) + 1) // 2
            outlet.groups.appendleft(jobs[:middle])
            if outlet.ordered:
                # What follows in order must not overtake: it is taken again from the line.
                for job in reversed(jobs[middle:]):
                    outlet.line.put_back(job)
            else:
                outlet.groups.append(jobs[middle:])

    def _see_to(
        self,
        outlet: Outlet,
        outcome: Failed | Refused | Gone,
        fared: Fared,
        trace_id: str | None,
    ) -> None:
        """Tell of a sink in trouble, and let a subscription go that is over.

        `trace_id` is that of the event which was tried last.
        """
        subscription = outlet.subscription
        reason = outcome.reason
        if fared.opened:
            _log.warning(
                "sink fails; only probes until it answers",
                extra=wide(
                    subscription=subscription.id,
                    sink=subscription.sink,
                    reason=reason,
                    trace_id=trace_id,
                ),
            )
        if isinstance(outcome, Gone):
            self._stop(outlet, f"answered with {outcome.status}: {reason}", "gone")
        elif fared.dead_percent == 100:
            after_s = subscription.options.disable_after_s
            self._stop(
                outlet, f"nothing but failures for {after_s:.0f} s; the last: {reason}", "dead"
            )
        elif fared.dead_percent is not None:
            since_ms = outlet.failing_since_ms
            assert since_ms is not None
            self._counters.dead_time_warnings[str(fared.dead_percent)] += 1
            _log.warning(
                "nothing delivered for long; delivery will stop",
                extra=wide(
                    subscription=subscription.id,
                    percent=fared.dead_percent,
                    failed_s=(self._clock.now_ms() - since_ms) / 1000,
                    disable_after_s=subscription.options.disable_after_s,
                    reason=reason,
                    trace_id=trace_id,
                ),
            )

    def _stop(self, outlet: Outlet, reason: str, why: str) -> None:
        if outlet.disabling or not self._is_current(outlet):
            return
        outlet.disabling = True
        outlet.refresh(self._clock.monotonic_s())
        self._counters.disabled[why] += 1
        subscription = outlet.subscription
        _log.error("delivery stops", extra=wide(subscription=subscription.id, reason=reason))
        self._tasks.start_soon(
            self._declare_disabled(outlet, reason), name=f"disable {subscription.id}"
        )

    async def _declare_disabled(self, outlet: Outlet, reason: str) -> None:
        while outlet.disabling and self._is_current(outlet):
            try:
                return await self._disable(outlet.subscription.id, reason)
            except Unavailable as error:
                _log.warning("disabling %s: %s; trying again", outlet.subscription.id, error)
                await self._clock.sleep(AGAIN_S)
            except ChappeError as error:
                _log.error("disabling %s: %s", outlet.subscription.id, error)
                return None

    async def _event_of(self, job: Job) -> Event | None:
        position = Position(job.lane.shard, job.place.block, job.place.index)
        while True:
            try:
                event = await self._log.get(job.lane.channel, position)
                if event is not None and not job.accepted_ms:
                    # Of an event that another owner took up, or that waited over a restart.
                    block = await self._log.block(job.lane.channel, job.place.block)
                    job.accepted_ms = 0 if block is None else block.at_ms
                return event
            except Unavailable:
                await self._clock.sleep(AGAIN_S)


def _trace_id(event: Event) -> str | None:
    """The trace that the event carries, for the log."""
    context = carried(event)
    return None if context is None else context.trace_id
