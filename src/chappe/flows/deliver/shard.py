"""One shard in the hands of its owner: block by block, match, hand to the lanes, keep the cursors.

    follow the shard ─► drop repeats ─► match ─► lane takes the event ─► dispatcher tries the sink
                                         └─ lane full? it falls back to a cursor of its own (`_read_on`)
    every 100 ms while something moves: attempts on disk ─► lanes' records ─► the checkpoint

The checkpoint says: all up to here is settled for every lane that has no record of its own. A lane
gets a record when it has failed events, reads on its own cursor, or would hold the checkpoint.

A lane whose subscription is held (paused, disabled) takes nothing more: at the first event that it
would have taken it falls back to a cursor of its own, and reads on from there when it may go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from chappe.domain.block_times import BlockTimes
from chappe.domain.channel import OWN, Block, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.holding import held
from chappe.domain.lane import END_OF_BLOCK, MAX_OPEN, START, Lane, LaneRecord, Place, before
from chappe.domain.matching import SubscriptionIndex
from chappe.domain.position import Position
from chappe.domain.seen import SeenEvents
from chappe.domain.subscription import PULL, Subscription
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.lane_run import LaneRun
from chappe.flows.deliver.line import Job
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.formats.cursor_records import (
    Checkpoint,
    decode_checkpoint,
    decode_lane,
    encode_checkpoint,
    encode_lane,
)
from chappe.kit.counters import Counters
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.cursors import Cursors, ShardCursors
from chappe.ports.event_log import EventLog
from chappe.ports.tracing import Tracing

CHECKPOINT_S = 0.1
CHECKPOINT_SHARE = 5
"""A checkpoint that takes long is followed by a pause of this many times its length, so that writing
cursors never takes more than a sixth of the engine's time."""

HELD_S = 0.5
"""A lane that has an event open for longer gets a record: a slow sink must not hold the checkpoint, and
have what the others settled delivered again after a crash."""

READ_BACK_BLOCKS = 4_000
"""How far a new owner reads back, at most, to know what was seen before it came."""

OWN_SEEN = 10_000
LOST_S = 10.0
"""How often a lane that reads on its own looks whether retention has overtaken it."""
AGAIN_S = 0.2
REMIND_S = 5.0

_log = logging.getLogger("chappe.deliver")


class ShardDelivery:
    """Owns one shard from `run` until it is cancelled or fenced."""

    def __init__(
        self,
        channel: Channel,
        shard: int,
        *,
        log: EventLog,
        cursors: Cursors,
        dispatcher: Dispatcher,
        recorder: AttemptRecorder,
        clock: Clock,
        index: SubscriptionIndex,
        subscriptions: Callable[[], Mapping[str, Subscription]],
        registry_revision: Callable[[], int],
        seen: SeenEvents,
        window_ms: int,
        node: str,
        counters: Counters | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._counters = counters or Counters()
        # What the hub writes itself nobody sent.
        self._tracing = None if channel.name in OWN else tracing
        self.channel = channel
        self.shard = shard
        self._name = f"{channel.name}.{shard}"
        self._log = log
        self._cursors = cursors
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._clock = clock
        self._index = index
        self._subscriptions = subscriptions
        self._registry_revision = registry_revision
        self._seen = seen
        self._window_ms = window_ms
        self._node = node
        self._tasks = Supervisor()
        self._lanes: dict[str, LaneRun] = {}
        self._active: dict[str, LaneRun] = {}
        self._reader = START
        self._durable = START
        self._written = Checkpoint(START, -1)
        self._readers = deque([(0.0, START)])
        self._moved = asyncio.Event()
        self._hold: ShardCursors | None = None
        self._running = False
        self._writing = asyncio.Lock()
        self.over = False
        self.times = BlockTimes()
        """When the blocks were committed that this owner has followed."""

    def moved(self) -> None:
        """Something is to be written with the next checkpoint."""
        self._moved.set()

    @property
    def reader(self) -> Place:
        """Everything up to here was matched."""
        return self._reader

    def looked_at(self, subscription_id: str) -> Place | None:
        """How far events were offered to the subscription; None before the shard has resumed."""
        if not self._running:
            return None
        run = self._lanes.get(subscription_id)
        return run.lane.cursor if run is not None and run.lane.own else self._reader

    @property
    def open_events(self) -> int:
        """Events taken and not settled."""
        return sum(len(run.lane.open) for run in self._active.values())

    def record_of(self, subscription_id: str) -> LaneRecord | None:
        """The state of the subscription's lane as of now; None while it needs none of its own."""
        run = self._lanes.get(subscription_id)
        return None if run is None else run.lane.record()

    def records(self) -> Mapping[str, LaneRecord]:
        """The state of each lane that has one of its own, or something open, by subscription."""
        return {id_: run.lane.record() for id_, run in self._active.items() if not run.gone}

    def lanes(self) -> Mapping[str, Lane]:
        """The lanes at work, by subscription; to be read only."""
        return {id_: run.lane for id_, run in self._active.items() if not run.gone}

    @property
    def own_lanes(self) -> int:
        """Lanes that read on a cursor of their own."""
        return sum(run.lane.own for run in self._active.values())

    async def run(self) -> None:
        """Claim the shard's cursors, go on where they stand, for ever.

        Raises:
            Fenced: another node has claimed the shard. (In an ExceptionGroup.)
        """
        try:
            await self._resume()
            async with self._tasks:
                self._running = True
                self._tasks.start_soon(self._checkpoints(), name=f"checkpoint {self._name}")
                for run in tuple(self._active.values()):
                    self._go_on(run)
                await self._read()
        finally:
            self.over = True

    async def finish(self) -> None:
        """Write the cursors once more, as the last act of an owner that stops."""
        if self._hold is not None:
            await self._checkpoint(self._hold)

    def put(self, subscription: Subscription) -> None:
        """A subscription was made. One that began before the reader's place catches up.

        Not for one that was changed: it may have settled all since its beginning and left no record.
        A replay always has a lane of its own, whose record tells that the shard has nothing for it.
        """
        if subscription.id in self._lanes or self._hold is None:
            return
        if subscription.replay is not None or subscription.starts_after < self._reader.block:
            self._catch_up(subscription)

    def change(self, subscription: Subscription) -> None:
        """A subscription was changed: its lane rests from now on, or goes on."""
        run = self._lanes.get(subscription.id)
        if run is not None:
            self._go_on(run)

    def remove(self, subscription_id: str) -> None:
        """The subscription ended: its lane goes, with its record."""
        run = self._lanes.pop(subscription_id, None)
        if run is None:
            return
        run.gone = True
        run.lane.open.clear()
        run.room.set()
        if not run.lane.recorded:
            self._active.pop(subscription_id, None)
        self._moved.set()

    async def _resume(self) -> None:
        hold = await self._cursors.claim(self._name)
        if hold.checkpoint is not None:
            self._written = decode_checkpoint(hold.checkpoint)
            self._reader = self._durable = Place(*self._written.at)
            await self._wait_registry(self._written.registry)
        self._hold = hold
        subscriptions = self._subscriptions()
        now_ms = self._dispatcher.now_ms()
        for subscription_id, record in hold.lanes.items():
            kept = decode_lane(record, now_ms=now_ms)
            run = self._run_of(subscription_id, Lane.resumed(subscription_id, kept, self._reader))
            self._active[subscription_id] = run
            if subscription_id not in subscriptions:
                self.remove(subscription_id)
        for subscription in subscriptions.values():
            if (
                subscription.channel == self.channel.name
                and subscription.id not in self._lanes
                and subscription.made_at_revision > self._written.registry
                and (
                    subscription.replay is not None
                    or subscription.starts_after < self._reader.block
                )
            ):
                self._catch_up(subscription)
        await self._read_back()

    async def _wait_registry(self, revision: int) -> None:
        """Wait until this node knows every subscription that the last owner knew.

        The record of a lane whose subscription it does not know would be taken for that of one that
        ended, and what is open in it would be dropped.
        """
        told_s = began_s = self._clock.monotonic_s()
        while self._registry_revision() < revision:
            await self._clock.sleep(AGAIN_S)
            now_s = self._clock.monotonic_s()
            if now_s - told_s >= REMIND_S:
                told_s = now_s
                _log.warning(
                    "shard %s has waited %.0f s for the registry's revision %d; this node is at %d",
                    self._name,
                    now_s - began_s,
                    revision,
                    self._registry_revision(),
                )

    async def _read_back(self) -> None:
        """Know again what was seen within the window, so that its repeats are dropped."""
        if not self._seen.enabled or self._reader == START:
            return
        since_ms = self._clock.now_ms() - self._window_ms
        after = max(
            await self._log.block_at(self.channel, since_ms),
            self._reader.block - READ_BACK_BLOCKS,
        )
        while after < self._reader.block:
            blocks = await self._log.read(self.channel, self.shard, after)
            for block in blocks:
                if block.seq <= self._reader.block:
                    for index, event in enumerate(block.events):
                        place = Position(self.shard, block.seq, index)
                        self._seen.is_repeated(event, place, block.at_ms)
            after = blocks[-1].seq if blocks else self._reader.block

    async def _read(self) -> None:
        after = self._reader.block - (self._reader.index != END_OF_BLOCK)
        async for blocks in self._log.follow(self.channel, self.shard, max(after, 0)):
            for block in blocks:
                self._match(block)
            self._moved.set()
            # A long backlog must not keep the loop from serving requests.
            await self._clock.sleep(0)

    def _match(self, block: Block) -> None:
        seq, index, durable, tracing = block.seq, self._index, self._reader, self._tracing
        shard, seen, at_ms = self.shard, self._seen, block.at_ms
        self.times.note(seq, at_ms)
        # Of a block after the reader's own nothing was matched: most are, and need no comparing.
        all_new = seq > durable.block
        dedupes = seen.enabled and not (all_new and seen.stand_at(block.events, shard, seq))
        for number, event in enumerate(block.events):
            if not all_new and (seq, number) <= durable:
                continue
            if dedupes and seen.is_repeated(event, Position(shard, seq, number), at_ms):
                continue
            if tracing is not None and tracing.records(self.channel.name, event):
                self._match_traced(tracing, event, Place(seq, number), at_ms)
                continue
            for subscription in index.matches(event):
                if subscription.starts_after < seq and (
                    subscription.span is None
                    or subscription.span.holds(shard, Place(seq, number), at_ms)
                ):
                    self._hand_over(subscription, Place(seq, number), event, at_ms)
        self._reader = Place(seq, END_OF_BLOCK)

    def _match_traced(self, tracing: Tracing, event: Event, place: Place, at_ms: int) -> None:
        """The same for one event, with a span that tells who gets it."""
        began_ns = tracing.now_ns()
        offered: list[Subscription] = []
        for subscription in self._index.matches(event):
            if subscription.starts_after < place.block and (
                subscription.span is None or subscription.span.holds(self.shard, place, at_ms)
            ):
                self._hand_over(subscription, place, event, at_ms)
                offered.append(subscription)
        names = [one.id for one in offered]
        tracing.matched(self.channel.name, event, names, began_ns=began_ns)

    def _hand_over(
        self, subscription: Subscription, place: Place, event: Event, at_ms: int
    ) -> None:
        run = self._lanes.get(subscription.id)
        if run is None:
            run = self._run_of(subscription.id, Lane(subscription.id))
        lane = run.lane
        if lane.own or place <= lane.cursor:
            return
        self._active[subscription.id] = run
        if run.held or not lane.has_room:
            lane.fall_back(before(place))
            self._go_on(run)
            return
        lane.take(place)
        self._dispatcher.offer(subscription, Job(run, place, event, None, at_ms))

    def _catch_up(self, subscription: Subscription) -> None:
        lane = Lane(subscription.id)
        lane.fall_back(Place(subscription.starts_after, END_OF_BLOCK))
        run = self._run_of(subscription.id, lane)
        self._active[subscription.id] = run
        self._moved.set()
        self._go_on(run)

    def _run_of(self, subscription_id: str, lane: Lane) -> LaneRun:
        subscription = self._subscriptions().get(subscription_id)
        rests = subscription is not None and held(subscription) is not None
        if subscription is not None and subscription.protocol == PULL:
            # Waiting is no trouble there: what consumers hold waits for them.
            lane.most_waiting = MAX_OPEN
        run = self._lanes[subscription_id] = LaneRun(self, lane, held=rests)
        return run

    def _go_on(self, run: LaneRun) -> None:
        """Offer what is open in the lane, and read on if it has a cursor of its own; unless it is held."""
        subscription = self._subscription_of(run)
        if subscription is None or not self._running:
            return
        if held(subscription):
            run.rest()
            return
        if run.go_on():
            self._dispatcher.resume(subscription, run)
            for place, event in run.lane.open.items():
                job = Job(run, place, None)
                if event.due_ms is None:
                    self._dispatcher.offer(subscription, job)
                else:
                    self._dispatcher.offer_at(subscription, job, event.due_ms)
        if run.lane.own and not run.reading:
            run.reading = True
            self._tasks.start_soon(
                self._read_on(run), name=f"lane {self._name} {run.lane.subscription}"
            )

    async def _read_on(self, run: LaneRun) -> None:
        """Read the log at the lane's own pace, until it has come up to the shard's reader.

        A replay reads up to its end, and stays on its own: what comes later is not for it.
        """
        lane = run.lane
        end = self._end_of(run)
        seen = SeenEvents(window_ms=self._window_ms, limit=OWN_SEEN)
        try:
            while await run.wait_room():
                if lane.join(self._reader) if end is None else lane.cursor >= end:
                    return
                await self._tell_lost(run)
                after = lane.cursor.block - (lane.cursor.index != END_OF_BLOCK)
                try:
                    blocks = await self._log.read(
                        self.channel, self.shard, max(after, 0), limit_blocks=16
                    )
                    if not blocks and end is not None:
                        await self._pass_to(end, lane)
                    elif not blocks:
                        await self._skip_removed(lane)
                except Unavailable:
                    await self._clock.sleep(AGAIN_S)
                    continue
                for block in blocks:
                    if end is not None and block.seq > end.block:
                        lane.pass_over(end)
                        self._moved.set()
                        break
                    if not await self._take_from(run, block, seen):
                        break
        finally:
            run.reading = False

    async def _take_from(self, run: LaneRun, block: Block, seen: SeenEvents) -> bool:
        """Take what the lane wants of a block; False where it may not go on."""
        lane, shard, seq = run.lane, self.shard, block.seq
        cursor, dedupes = lane.cursor, seen.enabled
        subscription = self._subscription_of(run)
        if subscription is None or run.held:
            return False
        wanted, span = run.wants(subscription), subscription.span
        for number, event in enumerate(block.events):
            place = Place(seq, number)
            if place <= cursor:
                continue
            if dedupes and seen.is_repeated(event, Position(shard, seq, number), block.at_ms):
                continue
            if not wanted(event) or (
                span is not None and not span.holds(shard, place, block.at_ms)
            ):
                continue
            if not lane.has_room:
                may_go_on = await run.wait_room()
                # Nothing else gives way to others, who may change or end the subscription.
                subscription = self._subscription_of(run)
                if subscription is None or not may_go_on:
                    return False
                wanted = run.wants(subscription)
            lane.take(place)
            self._dispatcher.offer(subscription, Job(run, place, event, None, block.at_ms))
        lane.pass_over(Place(block.seq, END_OF_BLOCK))
        self._moved.set()
        return True

    async def _tell_lost(self, run: LaneRun) -> None:
        """Tell once of what retention removed before the lane had read it, and pass over it."""
        now_s = self._clock.monotonic_s()
        if now_s < run.looked_again_s:
            return
        run.looked_again_s = now_s + LOST_S
        lane, subscription = run.lane, self._subscription_of(run)
        try:
            first = (await self._log.extent(self.channel)).first_block
        except Unavailable:
            return  # the read that follows waits until the engine is back
        lost = first - 1 - lane.cursor.block
        if lost <= 0 or subscription is None or lane.cursor.block <= subscription.starts_after:
            return
        self._counters.lost_blocks += lost
        _log.warning(
            "lane %s of %s fell behind retention: the blocks %d to %d were removed unread",
            lane.subscription,
            self._name,
            lane.cursor.block + 1,
            first - 1,
        )
        lane.pass_over(Place(first - 1, END_OF_BLOCK))
        self._moved.set()

    def _end_of(self, run: LaneRun) -> Place | None:
        """Where the lane's part of the channel ends; None where it does not."""
        subscription = self._subscription_of(run)
        return None if subscription is None or subscription.span is None else subscription.span.end

    async def _pass_to(self, end: Place, lane: Lane) -> None:
        """The lane found no block: there is none up to its end, or a replica lags behind."""
        if await self._log.last_block(self.channel, self.shard) <= lane.cursor.block:
            lane.pass_over(end)
            self._moved.set()
        else:
            await self._clock.sleep(AGAIN_S)

    def _subscription_of(self, run: LaneRun) -> Subscription | None:
        """The lane's subscription as it is now; None once it has ended."""
        return None if run.gone else self._subscriptions().get(run.lane.subscription)

    async def _skip_removed(self, lane: Lane) -> None:
        """Nothing stands between the lane and the reader: removed by retention, or not seen yet.

        A replica of the engine may lag behind what the reader has seen; only what the channel says
        is gone is passed over.
        """
        reader = self._reader
        last = await self._log.block(self.channel, reader.block)
        extent = await self._log.extent(self.channel)
        if last is None and reader.block >= extent.first_block:
            await self._clock.sleep(AGAIN_S)
            return
        if lane.cursor < reader and last is None:
            _log.warning("lane %s passes over blocks that retention removed", lane.subscription)
            lane.pass_over(reader)
        elif last is not None and lane.cursor.block < reader.block:
            await self._clock.sleep(AGAIN_S)

    async def _checkpoints(self) -> None:
        hold = self._hold
        assert hold is not None
        while True:
            await self._moved.wait()
            self._moved.clear()
            began_s = self._clock.monotonic_s()
            try:
                await self._checkpoint(hold)
            except Unavailable as error:
                _log.warning("checkpoint of %s: %s", self._name, error)
                self._moved.set()
            took_s = self._clock.monotonic_s() - began_s
            await self._clock.sleep(max(CHECKPOINT_S, CHECKPOINT_SHARE * took_s))

    async def _checkpoint(self, hold: ShardCursors) -> None:
        async with self._writing:
            await self._write_cursors(hold)

    async def _write_cursors(self, hold: ShardCursors) -> None:
        registry = self._registry_revision()
        at, records, forgotten = self._snapshot()
        checkpoint = Checkpoint(at, registry, self._node)
        if not records and checkpoint == self._written:
            return
        try:
            await self._recorder.flush()
            await hold.write(encode_checkpoint(checkpoint), records)
        except Unavailable:
            self._doubt(at, records)
            raise
        self._written = checkpoint
        self._durable = at
        for subscription_id in records:
            run = self._active.get(subscription_id)
            if run is not None:
                run.lane.recorded = subscription_id not in forgotten
                if run.gone:
                    del self._active[subscription_id]

    def _doubt(self, at: Place, records: Mapping[str, bytes | None]) -> None:
        """Any part of a write that failed may be on disk: be right whether it is or not.

        A record that may be there must be forgotten one day, and is written again; a lane may do
        without one only if all that it has open comes after a checkpoint that may be there.
        """
        self._durable = max(self._durable, at)
        for subscription_id, record in records.items():
            run = self._active.get(subscription_id)
            if run is not None:
                run.lane.dirty = True
                run.lane.recorded = run.lane.recorded or record is not None

    def _snapshot(self) -> tuple[Place, dict[str, bytes | None], set[str]]:
        """How far the shard is, and the records to write with it; no await in between."""
        at = self._reader
        held = self._reader_before(HELD_S)
        records: dict[str, bytes | None] = {}
        forgotten: set[str] = set()
        now_ms = self._dispatcher.now_ms()
        for subscription_id, run in tuple(self._active.items()):
            lane = run.lane
            oldest = lane.oldest
            if run.gone:
                records[subscription_id] = None
                forgotten.add(subscription_id)
                continue
            wants_record = lane.needs_record or (oldest is not None and oldest <= held)
            if not wants_record and not lane.recorded:
                if oldest is None:
                    del self._active[subscription_id]
                else:
                    at = min(at, before(oldest))
                continue
            if not wants_record and (oldest is None or oldest > self._durable):
                # All that it has open comes after the last checkpoint: it needs no record again.
                records[subscription_id] = None
                forgotten.add(subscription_id)
                lane.dirty = False
                if oldest is not None:
                    at = min(at, before(oldest))
            elif lane.dirty or not lane.recorded:
                lane.dirty = False
                records[subscription_id] = encode_lane(lane.record(), at_ms=now_ms)
        return at, records, forgotten

    def _reader_before(self, seconds: float) -> Place:
        """Where the reader was, at least, that long ago; to be asked at every checkpoint."""
        now_s = self._clock.monotonic_s()
        self._readers.append((now_s, self._reader))
        while len(self._readers) > 1 and self._readers[1][0] <= now_s - seconds:
            self._readers.popleft()
        return self._readers[0][1]
