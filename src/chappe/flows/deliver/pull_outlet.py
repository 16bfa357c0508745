"""The owner's half of pulling: the open events of pulled subscriptions, their locks, and their ends.

One `_Queue` for each subscription and shard of this node. What must outlive the node (how often an
event was given, and until when it waits) stands in the lane's record, as it does for pushed events:
a lock is a delivery that has not succeeded yet, and is due again when it ends. Events themselves are
read from the log when they are given; only their places are held.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias, cast

import msgspec

from chappe.domain.channel import Channel
from chappe.domain.errors import Malformed, Unavailable
from chappe.domain.event import Event
from chappe.domain.holding import held
from chappe.domain.lane import Place
from chappe.domain.options import PullSettings
from chappe.domain.ordering import key_of
from chappe.domain.position import Position
from chappe.domain.pull import Verdict, given_up
from chappe.domain.subscription import PULL, Subscription
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.line import Job, OpenLane
from chappe.formats.pull_calls import (
    Given,
    Question,
    Ready,
    Settle,
    Take,
    decode_question,
    encode_call,
)
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog
from chappe.ports.shard_calls import ShardCalls

EVENT_BYTES: Final = 512
"""What an event takes beside its payload, about."""

LONGEST_WAIT_S: Final = 30.0
"""How long a question may wait for an event: longer than any that is asked."""

MOST_DUE: Final = 10_000
"""Times to wake at, before those that have no meaning any more are thrown away."""

_Key: TypeAlias = tuple[str, str, int]
"""Subscription, channel, shard."""


class Owned(Protocol):
    """A shard of this node (shard.ShardDelivery)."""

    @property
    def channel(self) -> Channel: ...
    @property
    def shard(self) -> int: ...
    @property
    def over(self) -> bool: ...
    def looked_at(self, subscription_id: str) -> Place | None: ...


class _Queue:
    """What is open for one subscription in one shard; each place is in one of the three sets."""

    __slots__ = ("_sorted", "ending", "keys", "lane", "ready", "subscription", "taking", "waiting")

    def __init__(self, subscription: Subscription, lane: OpenLane) -> None:
        self.subscription = subscription
        self.lane = lane
        self.ready: dict[Place, None] = {}
        self.waiting: dict[Place, tuple[int, int]] = {}
        """Locked, or released for later: until when, and since when (0: unlocked); Unix ms."""
        self.ending: set[Place] = set()
        self.keys: dict[Place, int | None] = {}
        self.taking = asyncio.Lock()
        self._sorted = True

    def add(self, place: Place) -> None:
        """The event may be given."""
        self._sorted = self._sorted and (not self.ready or place > next(reversed(self.ready)))
        self.ready[place] = None

    def in_order(self) -> Sequence[Place]:
        """What may be given, the oldest first."""
        if not self._sorted:
            self.ready = dict.fromkeys(sorted(self.ready))
            self._sorted = True
        return tuple(self.ready)

    def drop(self, place: Place) -> None:
        """The event is settled, or gives up its place here."""
        self.ready.pop(place, None)
        self.waiting.pop(place, None)
        self.ending.discard(place)
        self.keys.pop(place, None)

    @property
    def is_ordered(self) -> bool:
        return self.subscription.options.ordering != "none"

    def held_keys(self) -> set[int]:
        """The keys that give no further event now."""
        busy = itertools.chain(self.waiting, self.ending)
        return {key for place in busy if (key := self.keys.get(place)) is not None}

    @property
    def gives(self) -> bool:
        """Whether `take` would find an event, as far as the keys are known."""
        if held(self.subscription) or not self.ready:
            return False
        if not self.is_ordered:
            return True
        busy = self.held_keys()
        return any(self.keys.get(place, None) not in busy for place in self.ready)


class PullOutlets:
    """Gives events of this node's shards to consumers, and takes their word for what became of them."""

    def __init__(self, log: EventLog, clock: Clock, dispatcher: Dispatcher) -> None:
        self._log = log
        self._clock = clock
        self._dispatcher = dispatcher
        self._queues: dict[_Key, _Queue] = {}
        self._asking: defaultdict[_Key, set[asyncio.Event]] = defaultdict(set)
        self._due: list[tuple[int, _Key, Place]] = []
        self._most_due = MOST_DUE
        self._wake = asyncio.Event()

    # What the dispatcher hands over

    def offer(self, subscription: Subscription, job: Job) -> None:
        """The event may be given to a consumer."""
        queue = self._queue(subscription, job.lane)
        if job.event is not None and queue.is_ordered:
            queue.keys[job.place] = key_of(job.event, subscription.options)
        queue.add(job.place)
        self._tell(_key(subscription, job.lane))

    def offer_at(self, subscription: Subscription, job: Job, due_ms: int) -> None:
        """The same, at `due_ms`: the last owner had given it to a consumer, who may hold it still."""
        queue = self._queue(subscription, job.lane)
        self._wait(queue, job.place, due_ms, since_ms=self._clock.now_ms())

    def put(self, subscription: Subscription) -> None:
        """The subscription was changed: what is open follows."""
        for key, queue in tuple(self._queues.items()):
            if key[0] != subscription.id:
                continue
            queue.subscription = subscription
            if subscription.protocol != PULL:
                del self._queues[key]
                for place in queue.in_order():
                    self._dispatcher.offer(subscription, Job(queue.lane, place, None))
                for place, (due_ms, _) in queue.waiting.items():
                    self._dispatcher.offer_at(subscription, Job(queue.lane, place, None), due_ms)
            self._tell(key)

    def remove(self, subscription_id: str) -> None:
        """The subscription ended."""
        for key in [key for key in self._queues if key[0] == subscription_id]:
            del self._queues[key]
            self._tell(key)

    def locked(self) -> Mapping[str, int]:
        """How many events consumers hold, by subscription."""
        held_: defaultdict[str, int] = defaultdict(int)
        for (id_, _, _), queue in self._queues.items():
            held_[id_] += sum(since_ms > 0 for _, since_ms in queue.waiting.values())
        return held_

    async def run(self) -> None:
        """End locks when their time has come, for ever."""
        while True:
            self._wake.clear()
            now_ms = self._clock.now_ms()
            while self._due and self._due[0][0] <= now_ms:
                due_ms, key, place = heapq.heappop(self._due)
                await self._came_due(key, place, due_ms)
            if self._due:
                await self._clock.wait(self._wake, (self._due[0][0] - now_ms) / 1000)
            else:
                await self._wake.wait()

    # What the nodes ask

    @contextmanager
    def owning(self, owned: Owned, calls: ShardCalls) -> Iterator[None]:
        """Answer for a shard while it is this node's."""

        async def answer(question: bytes) -> bytes:
            return await self._answer(owned, question)

        with calls.serving(f"{owned.channel.name}.{owned.shard}", answer):
            try:
                yield
            finally:
                of_shard = (owned.channel.name, owned.shard)
                for key in [key for key in self._queues if key[1:] == of_shard]:
                    del self._queues[key]
                for key in [key for key in self._asking if key[1:] == of_shard]:
                    self._tell(key)

    async def _answer(self, owned: Owned, question: bytes) -> bytes:
        try:
            asked: Question = decode_question(question)
        except msgspec.MsgspecError as error:
            raise Malformed(f"question to the owner of a shard: {error}") from error
        looked_at = owned.looked_at(asked.subscription)
        if looked_at is None:
            raise Unavailable(f"shard {owned.channel.name}.{owned.shard}: its owner has just come")
        key = (asked.subscription, owned.channel.name, owned.shard)
        match asked:
            case Take():
                return encode_call(await self._take(key, asked))
            case Ready():
                return encode_call(await self._ready(owned, key, min(asked.wait_s, LONGEST_WAIT_S)))
            case Settle():
                if any(Place(block, index) > looked_at for block, index, _ in asked.locks):
                    raise Unavailable(f"shard {key[1]}.{key[2]}: its owner has not come so far yet")
                return encode_call(await self._settle(key, asked))

    async def _ready(self, owned: Owned, key: _Key, wait_s: float) -> bool:
        """Whether there is an event to take; waits for one."""
        until_s = self._clock.monotonic_s() + wait_s
        came = asyncio.Event()
        self._asking[key].add(came)
        try:
            while not owned.over:
                queue = self._queues.get(key)
                if queue is not None and queue.gives:
                    return True
                left_s = until_s - self._clock.monotonic_s()
                if left_s <= 0:
                    return False
                came.clear()
                await self._clock.wait(came, left_s)
            raise Unavailable(f"shard {key[1]}.{key[2]}: another node owns it now")
        finally:
            self._asking[key].discard(came)
            if not self._asking[key]:
                del self._asking[key]

    async def _take(self, key: _Key, asked: Take) -> list[Given]:
        queue = self._queues.get(key)
        given: list[Given] = []
        if queue is None:
            return given
        size = 0
        async with queue.taking:  # One after another: what is looked at is not given twice.
            if queue.is_ordered:
                await self._learn_keys(queue)
            busy = queue.held_keys()
            for place in queue.in_order():
                if len(given) >= asked.events or held(queue.subscription):
                    break
                own_key = queue.keys.get(place)
                if own_key is not None and own_key in busy:
                    continue
                try:
                    event = await self._event(queue, place)
                except Unavailable:
                    if given:
                        break
                    raise
                if self._queues.get(key) is not queue:
                    break
                if place not in queue.ready:
                    continue  # It was settled, or changed hands, while the log was read.
                if event is None:
                    self._expire(queue, place)
                    continue
                size += EVENT_BYTES + len(event.data or b"")
                if given and size > asked.bytes:
                    break
                one = self._lock(queue, place)
                if one is not None:
                    given.append(one)
                    if own_key is not None:
                        busy.add(own_key)
        return given

    async def _settle(self, key: _Key, asked: Settle) -> list[Verdict]:
        queue = self._queues.get(key)
        if queue is None:
            return ["settled" for _ in asked.locks]
        verdicts: list[Verdict] = []
        for block, index, number in asked.locks:
            verdicts.append(await self._settle_one(queue, Place(block, index), number, asked))
        self._tell(key)
        return verdicts

    async def _settle_one(self, queue: _Queue, place: Place, number: int, asked: Settle) -> Verdict:
        open_ = queue.lane.find(place)
        if open_ is None or place in queue.ending:
            return "settled"
        if open_.attempts > number:
            return "lock_lost"
        until_ms, since_ms = queue.waiting.get(place, (0, 0))
        locked = since_ms > 0 and until_ms > self._clock.now_ms()
        # A late acknowledgement still counts while nobody else has the event: the work is done, and a
        # new owner may know of neither the lock nor its end.
        if not locked and asked.verb != "acknowledge":
            return "lock_expired"
        job = Job(queue.lane, place, None)
        match asked.verb:
            case "acknowledge":
                queue.drop(place)
                self._dispatcher.note(
                    job,
                    queue.subscription,
                    number,
                    at_ms=since_ms or self._clock.now_ms(),
                    result="delivered",
                )
                queue.lane.settle(place)
            case "renew":
                self._wait(queue, place, self._lock_until(queue), since_ms=since_ms)
                queue.lane.hold(place, due_ms=queue.waiting[place][0])
            case "release":
                await self._give_back(queue, place, "released", asked.delay_s)
            case "reject":
                await self._bury(queue, place, f"rejected: {asked.reason or 'no reason given'}")
        return "ok"

    # The life of one event

    def _lock(self, queue: _Queue, place: Place) -> Given | None:
        started = queue.lane.start(place)
        if started is None:
            queue.drop(place)
            return None
        now_ms, until_ms = self._clock.now_ms(), self._lock_until(queue)
        first_ms = now_ms if started.first_ms is None else started.first_ms
        queue.lane.fail(place, due_ms=until_ms, first_ms=first_ms)
        self._wait(queue, place, until_ms, since_ms=now_ms)
        return Given(place.block, place.index, started.attempts, until_ms)

    def _wait(self, queue: _Queue, place: Place, due_ms: int, *, since_ms: int) -> None:
        queue.ready.pop(place, None)
        queue.waiting[place] = (due_ms, since_ms)
        heapq.heappush(self._due, (due_ms, _key(queue.subscription, queue.lane), place))
        if len(self._due) > self._most_due:
            self._forget_settled()
        if self._due[0][0] == due_ms:
            self._wake.set()

    def _forget_settled(self) -> None:
        """Times of what was settled long before them must not pile up: locks may last an hour."""
        self._due = [
            (due_ms, key, place)
            for key, queue in self._queues.items()
            for place, (due_ms, _) in queue.waiting.items()
        ]
        heapq.heapify(self._due)
        self._most_due = max(MOST_DUE, 2 * len(self._due))

    async def _came_due(self, key: _Key, place: Place, due_ms: int) -> None:
        queue = self._queues.get(key)
        if queue is None or queue.waiting.get(place, (0, 0))[0] != due_ms:
            return  # It was settled, or waits for another time now.
        if queue.waiting[place][1]:
            await self._give_back(queue, place, "the lock ended", 0.0)
        else:
            self._ready_again(queue, place)

    async def _give_back(self, queue: _Queue, place: Place, why: str, delay_s: float) -> None:
        """A lock ended without an acknowledgement."""
        open_ = queue.lane.find(place)
        if open_ is None:
            queue.drop(place)
            return
        now_ms = self._clock.now_ms()
        age_s = (now_ms - (open_.first_ms or now_ms)) / 1000
        reason = given_up(open_.attempts, age_s, queue.subscription.retry)
        if reason is not None:
            await self._bury(queue, place, f"{reason}; the last: {why}")
            return
        due_ms = now_ms + round(delay_s * 1000)
        self._dispatcher.note(
            Job(queue.lane, place, None),
            queue.subscription,
            open_.attempts,
            at_ms=queue.waiting[place][1],
            result="retry",
            reason=why,
            next_ms=due_ms,
        )
        if delay_s > 0:
            self._wait(queue, place, due_ms, since_ms=0)
            queue.lane.hold(place, due_ms=due_ms)
        else:
            self._ready_again(queue, place)

    def _ready_again(self, queue: _Queue, place: Place) -> None:
        queue.waiting.pop(place, None)
        if queue.lane.start(place) is None:
            queue.drop(place)
            return
        queue.add(place)
        self._tell(_key(queue.subscription, queue.lane))

    async def _bury(self, queue: _Queue, place: Place, reason: str) -> None:
        open_ = queue.lane.find(place)
        _, since_ms = queue.waiting.pop(place, (0, 0))
        queue.ready.pop(place, None)
        queue.ending.add(place)
        try:
            await self._dispatcher.bury(
                Job(queue.lane, place, None),
                queue.subscription,
                0 if open_ is None else open_.attempts,
                at_ms=since_ms or self._clock.now_ms(),
                reason=reason,
            )
            queue.drop(place)
        finally:
            if place in queue.ending:  # Cut off: it is as it was, with its lock at an end.
                queue.ending.discard(place)
                self._ready_again(queue, place)

    def _expire(self, queue: _Queue, place: Place) -> None:
        open_ = queue.lane.find(place)
        queue.drop(place)
        self._dispatcher.note(
            Job(queue.lane, place, None),
            queue.subscription,
            (0 if open_ is None else open_.attempts) + 1,
            at_ms=self._clock.now_ms(),
            result="expired",
            reason="the event is no longer in the log",
        )
        queue.lane.settle(place)

    async def _learn_keys(self, queue: _Queue) -> None:
        """What is under way must hold its key, also where the last owner gave it."""
        for place in (*queue.waiting, *queue.ready):
            if place not in queue.keys:
                event = await self._event(queue, place)
                queue.keys[place] = (
                    None if event is None else key_of(event, queue.subscription.options)
                )

    async def _event(self, queue: _Queue, place: Place) -> Event | None:
        position = Position(queue.lane.shard, place.block, place.index)
        return await self._log.get(queue.lane.channel, position)

    def _lock_until(self, queue: _Queue) -> int:
        settings = cast(PullSettings, queue.subscription.settings)
        return self._clock.now_ms() + round(settings.lock_s * 1000)

    def _queue(self, subscription: Subscription, lane: OpenLane) -> _Queue:
        key = _key(subscription, lane)
        queue = self._queues.get(key)
        if queue is None or queue.lane is not lane:
            queue = self._queues[key] = _Queue(subscription, lane)
        return queue

    def _tell(self, key: _Key) -> None:
        for came in self._asking.get(key, ()):
            came.set()


def _key(subscription: Subscription, lane: OpenLane) -> _Key:
    return subscription.id, lane.channel.name, lane.shard
