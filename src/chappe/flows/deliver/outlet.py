"""One subscription on this node: what waits for its sink, and whether the sink is asked.

Decides by what the sink did so far; `dispatch` asks it and does what it says. Nothing here waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chappe.domain.breaker import Breaker
from chappe.domain.dead_time import DeadTime
from chappe.domain.delivery import OVERLOAD_STATUSES, Failed, Gone, Refused, pause_s
from chappe.domain.holding import held
from chappe.domain.options import Batching
from chappe.domain.ordering import key_of
from chappe.domain.pace import TokenBucket, Window
from chappe.domain.subscription import Subscription
from chappe.flows.deliver.line import Fifo, Job, Keyed, Line, OpenLane, in_order
from chappe.formats.times import unix_ms

_THE_SINK = ("sink", "protocol", "settings", "credential")
"""What a sink in trouble may be mended by; what is known of it is of the old one then."""

ENVELOPE_BYTES = 400
"""What an event's attributes take in a request of several, about."""


@dataclass(frozen=True, slots=True)
class Fared:
    """What a failure means beyond the event: see `domain/breaker` and `domain/dead_time`."""

    known_dead: bool
    opened: bool
    dead_percent: int | None


class Outlet:
    """The open events of one subscription on this node.

    `allowed` is how many attempts may be under way now, `workers` how many are. `wake_s` is when
    `refresh` would allow more, None where only an attempt's end does; `gather_s` when what is gathered for
    one request must go. While `uneasy`, every success is
    worth telling (`succeeded`). `is_crowded` while it waits for a worker.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        share: Callable[[str], float],
        random: Callable[[], float],
        now_s: float,
    ) -> None:
        self.subscription = subscription
        self.groups: deque[Sequence[Job]] = deque()
        self.workers = 0
        self.allowed = 0
        self.wake_s: float | None = None
        self.gather_s: float | None = None
        self.gather_due_ms = 0
        self.uneasy = True
        self.disabling = False
        self.is_crowded = False
        self.lanes: set[OpenLane] = set()
        self._share = share
        self._random = random
        self._window = Window(subscription.concurrency)
        self._breaker = Breaker(subscription.options.breaker)
        self._dead = DeadTime()
        self._dead_ms: int | None = None
        self._paused_until_s = 0.0
        self._gathered_until_s: float | None = None
        self._gathered_bytes = 0
        self._apply(subscription, now_s)
        self.line: Line = Keyed() if self.ordered else Fifo()
        self.refresh(now_s)

    def _apply(self, subscription: Subscription, now_s: float) -> None:
        self.subscription = subscription
        options = subscription.options
        self.ordered = options.ordering != "none"
        self.batching = subscription.batching
        self._window.limit = subscription.concurrency
        self._window.size = min(self._window.size, subscription.concurrency)
        self._breaker.settings = options.breaker
        rate = subscription.rate
        self._bucket = (
            None
            if rate is None
            else TokenBucket.full(rate.per_second, rate.burst or rate.per_second, now_s)
        )

    @property
    def is_rated(self) -> bool:
        """Whether each request needs a token."""
        return self._bucket is not None

    @property
    def is_dead(self) -> bool:
        """Whether the breaker is open."""
        return self._breaker.is_open

    @property
    def failing_since_ms(self) -> int | None:
        """Since when nothing was delivered though it was tried."""
        return self._dead.since_ms

    def backlog(self, now_s: float) -> int:
        """How many requests could be made, at least."""
        if self.batching is None:
            return len(self.line.ready)
        return len(self.groups) + (
            -(-self.line.count // self.batching.max_events) if self.is_ripe(now_s) else 0
        )

    def is_ripe(self, now_s: float) -> bool:
        """Whether what waits for others to go with need not wait any more."""
        batching, until_s = self.batching, self._gathered_until_s
        return (
            batching is None
            or until_s is None
            or now_s >= until_s
            or self.line.count >= batching.max_events
            or self._gathered_bytes >= batching.max_bytes
        )

    def look_again(self, now_s: float) -> None:
        """Someone came to take what waits for others to go with; if too early, let them come again."""
        if not self.is_ripe(now_s):
            self.gather_s = self._gathered_until_s

    def change(self, subscription: Subscription, now_s: float) -> None:
        """The subscription is another from now on; what is queued follows it."""
        before = self.subscription
        self.disabling = False
        if before == subscription:
            self.subscription = subscription
            return
        was_disabled = before.options.disabled is not None
        self._apply(subscription, now_s)
        is_other = any(getattr(before, name) != getattr(subscription, name) for name in _THE_SINK)
        if is_other or (was_disabled and subscription.options.disabled is None):
            self._begin_again()
        changed = ("ordering", "orderingkey", "batching", "envelopeoptions")
        if any(
            getattr(before.options, name) != getattr(subscription.options, name) for name in changed
        ):
            self._line_up()
        self.uneasy = True
        self.refresh(now_s)

    def resume(self, lane: OpenLane, now_s: float) -> None:
        """A lane came with what its last owner knew of the sink."""
        if lane.failing_ms is not None:
            self.lanes.add(lane)
            self.uneasy = True
        # Who changed the subscription since then has perhaps mended it: its time begins anew.
        changed_ms = unix_ms(self.subscription.modified_at) or 0
        if lane.failing_ms is not None and lane.failing_ms < changed_ms:
            lane.trouble(None, None)
        if lane.failing_ms is not None:
            self._dead.resume(lane.failing_ms)
        if lane.dead_ms is not None:
            self._dead_ms = min(lane.dead_ms, self._dead_ms or lane.dead_ms)
            self._breaker.resume_open(now_s)
            self._window.restart()
            self.refresh(now_s)

    def put(self, job: Job, now_s: float, *, waits: bool = False) -> bool:
        """Queue a job; with `waits` it has a time of its own. Whether it waits for that."""
        if self.ordered:
            if job.event is not None:
                job.key = key_of(job.event, self.subscription.options)
                if job.key is not None:
                    job.lane.mark(job.place, job.key)
            else:
                job.key = job.lane.key_of(job.place)
        if self.batching is not None:
            self._gathered_bytes += _size(job)
            if self._gathered_until_s is None:
                self._gather(now_s, self.batching)
        return self.line.put(job, waits=waits)

    def refresh(self, now_s: float) -> None:
        """Say anew what is allowed at this moment."""
        self.wake_s = None
        if self.disabling or held(self.subscription) is not None:
            self.allowed = 0
        elif now_s < self._paused_until_s:
            self.allowed, self.wake_s = 0, self._paused_until_s
        elif not self._breaker.is_open:
            self.allowed = self._window.size
        elif self._breaker.allows_probe(now_s):
            self.allowed = 1
        else:
            self.allowed, self.wake_s = 0, self._breaker.until_s

    def takes_token(self, now_s: float) -> bool:
        """Whether a request may be made by the rate; else nothing is allowed until `wake_s`."""
        if self._bucket is None:
            return True
        # A node sends its share: as many of the channel's shards as it owns.
        rate = self.subscription.rate
        assert rate is not None
        share = self._share(self.subscription.channel)
        per_second = max(rate.per_second * share, 1e-6)
        if per_second != self._bucket.per_second:
            self._bucket.change(per_second, (rate.burst or rate.per_second) * share, now_s)
        wait_s = self._bucket.take(now_s)
        if wait_s:
            self.allowed, self.wake_s = 0, now_s + wait_s
        return not wait_s

    def next_group(self, now_s: float) -> Sequence[Job]:
        """The jobs of the next request; none where they still wait for others."""
        batching = self.batching
        assert batching is not None
        if self.groups:
            return self.groups.popleft()
        if not self.line.count or not self.is_ripe(now_s):
            return ()
        taken = self.line.pop_while(_Room(batching.max_events, batching.max_bytes))
        self._gathered_bytes = max(0, self._gathered_bytes - sum(map(_size, taken)))
        self._gathered_until_s = None
        if self.line.count:
            self._gather(now_s, batching)
        return taken

    def succeeded(self, now_s: float, now_ms: int) -> None:
        """The sink took something."""
        if self._breaker.succeeded():
            self._revived(now_ms)
        self._window.grew()
        if self._dead.since_ms is not None:
            self._dead.succeeded()
            for lane in self.lanes:
                lane.trouble(None, None)
            self.lanes.clear()
        self.uneasy = self._window.size < self._window.limit
        self.refresh(now_s)

    def failed(
        self, outcome: Failed | Refused | Gone, lanes: Sequence[OpenLane], now_s: float, now_ms: int
    ) -> Fared:
        """An attempt of events of these lanes delivered nothing; times are monotonic and Unix."""
        self.uneasy = True
        known_dead = self._breaker.is_open
        opened = False
        if isinstance(outcome, Failed):
            opened = self._breaker.failed(now_s, self._random())
            if opened:
                self._dead_ms = now_ms if self._dead_ms is None else self._dead_ms
                self._window.restart()
            elif outcome.status in OVERLOAD_STATUSES:
                self._window.halve()
            rest_s = pause_s(outcome, self.subscription.retry)
            self._paused_until_s = max(self._paused_until_s, now_s + rest_s)
        elif self._breaker.succeeded():
            # It refuses, so it is there.
            self._revived(now_ms)
        for lane in lanes:
            if lane.failing_ms is not None:
                self._dead.resume(lane.failing_ms)
        percent = self._dead.failed(now_ms, self.subscription.options.disable_after_s)
        self.lanes.update(lanes)
        for lane in self.lanes:
            lane.trouble(self._dead.since_ms, self._dead_ms)
        self.refresh(now_s)
        return Fared(known_dead, opened and not known_dead, percent)

    def clear(self) -> None:
        """The subscription ended."""
        self.line.clear()
        self.groups.clear()

    def _gather(self, now_s: float, batching: Batching) -> None:
        self._gathered_until_s = now_s + batching.max_wait_s
        if batching.max_wait_s:
            self.gather_s = self._gathered_until_s

    def _revived(self, now_ms: int) -> None:
        """Events are no older for the time in which nobody asked the sink, and it is asked gently."""
        if self._dead_ms is not None:
            for lane in self.lanes:
                lane.forgive(max(0, now_ms - self._dead_ms))
        self._dead_ms = None
        self._window.restart()

    def _begin_again(self) -> None:
        self._breaker = Breaker(self.subscription.options.breaker)
        self._dead = DeadTime()
        self._dead_ms = None
        self._paused_until_s = 0.0
        self._window.restart()
        for lane in self.lanes:
            lane.trouble(None, None)
        self.lanes.clear()

    def _line_up(self) -> None:
        """Put what is queued into a line of the subscription's present kind."""
        queued = [*self.line.queued(), *(job for group in self.groups for job in group)]
        self.groups.clear()
        self.line = Keyed() if self.ordered else Fifo()
        self._gathered_bytes = 0
        self._gathered_until_s = None
        for job in in_order(queued):
            job.key = None
            self.put(job, 0.0)


class _Room:
    """How much one request still takes; the first job always fits."""

    __slots__ = ("_bytes", "_events", "_taken")

    def __init__(self, events: int, bytes_: int) -> None:
        self._events = events
        self._bytes = bytes_
        self._taken = False

    def __call__(self, job: Job) -> bool:
        size = _size(job)
        if self._taken and (not self._events or size > self._bytes):
            return False
        self._taken = True
        self._events -= 1
        self._bytes -= size
        return True


def _size(job: Job) -> int:
    data = None if job.event is None else job.event.data
    return ENVELOPE_BYTES + (len(data) if data is not None else 0)
