"""What runs in a node beside the HTTP edge: the registry's follower, the index, and the shard owners.

registry log ─► state ─► matching index, lanes        (`_follow_registry`)
event log ─► index, one follower a channel            (`Observe`)
lease ─► ShardDelivery, one task a shard              (`_own`)
"""

from __future__ import annotations

import asyncio
import logging
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import process_time

from chappe.domain.channel import ATTEMPTS, DEADLETTERS, OWN, RECORDS, UNDELIVERED, Block, Channel
from chappe.domain.errors import Fenced, Unavailable
from chappe.domain.forwarding import SUFFIX, forwarder
from chappe.domain.lane import START, LaneRecord, Place
from chappe.domain.matching import SubscriptionIndex
from chappe.domain.outcomes import Outcomes
from chappe.domain.seen import SeenEvents
from chappe.domain.subscription import Subscription
from chappe.flows.announce import ANNOUNCER, Announce
from chappe.flows.deliver.dispatch import Dispatcher
from chappe.flows.deliver.recorder import AttemptRecorder
from chappe.flows.deliver.shard import ShardDelivery
from chappe.flows.handshake import Handshakes
from chappe.flows.keep import Keep
from chappe.flows.materialise import Materialise
from chappe.flows.observe import Observe
from chappe.flows.recount import Recount
from chappe.flows.standing import ShardView
from chappe.formats.attempts import decode_attempts
from chappe.formats.cursor_records import decode_checkpoint, decode_lane
from chappe.kit.counters import Counters
from chappe.kit.hours import Hours
from chappe.kit.latest import Latest
from chappe.kit.past import EVERY_S, Past
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.cursors import Cursors
from chappe.ports.event_index import EventIndex
from chappe.ports.event_log import EventLog
from chappe.ports.shard_lease import ShardLease
from chappe.ports.tracing import Tracing
from chappe.registry.state import State

LEASE_TTL_S = 3.5
"""Another node delivers within 5 s: what is left of a lease, an eighth of it, and what it costs to begin."""
LEADERLESS_S = 15.0
"""How long an owner goes on that cannot renew. A cluster that lost a leader takes 4 to 10 s to elect one,
and meanwhile nobody else can take the lease either. An owner that alone is cut off repeats some deliveries
to sinks until then; the fence keeps it from writing."""
AGAIN_S = 0.5
LOOKED_BACK_BLOCKS = 128
NOT_SEEN = SeenEvents(window_ms=0, limit=0)

_log = logging.getLogger("chappe.workers")


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports that the workers need."""

    log: EventLog
    index: EventIndex
    lease: ShardLease
    cursors: Cursors


class Workers:
    """Everything of a node that runs by itself."""

    def __init__(
        self,
        engine: Engine,
        *,
        state: Latest[State],
        materialise: Materialise,
        announce: Announce,
        dispatcher: Dispatcher,
        recorder: AttemptRecorder,
        clock: Clock,
        counters: Counters,
        reached: Callable[[str], Latest[int]],
        seen: Callable[[str], SeenEvents],
        window_ms: int,
        node: str,
        keep: Callable[[Workers], Keep] | None = None,
        handshakes: Handshakes | None = None,
        owning: Callable[[ShardDelivery], AbstractContextManager[None]] = lambda _: nullcontext(),
        tracing: Tracing | None = None,
    ) -> None:
        """`keep` makes what ends subscriptions by themselves, `handshakes` ask sinks that must agree.

        `owning` lasts as long as this node owns the shard.
        """
        self._engine = engine
        self._state = state
        self._materialise = materialise
        self._announce = announce
        self._handshakes = handshakes
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._clock = clock
        self._counters = counters
        self._reached = reached
        self._seen = seen
        self._window_ms = window_ms
        self._node = node
        self.outcomes = Outcomes()
        self.hours = Hours()
        self.past = Past()
        self._recount = Recount(engine.index, self.hours, clock)
        self._counted: dict[str, int] = {}
        self._keeper = None if keep is None else keep(self)
        self._owning_shard = owning
        self._tracing = tracing
        self._indexes: dict[str, SubscriptionIndex] = {}
        self._forwarders: dict[str, Subscription] = {}
        self._owned: dict[str, ShardDelivery] = {}
        self._revision = 0
        self._tasks = Supervisor()
        self._owners = Supervisor()
        self._started: dict[str, Channel] = {}
        self._owning: dict[str, asyncio.Task[None]] = {}
        self._announcing: asyncio.Task[None] | None = None
        self._draining = False

    @property
    def owned(self) -> Mapping[str, ShardDelivery]:
        """The shards that this node owns now, by name such as "default.2"."""
        return self._owned

    def share(self, channel: str) -> float:
        """Which part of a channel's shards this node owns, 0.0 to 1.0."""
        known = self._state.value.channels.get(channel)
        if known is None:
            return 1.0
        return sum(one.channel.name == channel for one in self._owned.values()) / known.shards

    async def run(self) -> None:
        """Run until cancelled."""
        self._apply_subscriptions(State(), self._state.value)
        async with self._tasks:
            self._tasks.start_soon(self._materialise.run(), name="materialise")
            self._announcing = self._tasks.start_soon(self._announce.run(), name="announce")
            if self._handshakes is not None:
                self._tasks.start_soon(self._handshakes.run(), name="handshakes")
            self._tasks.start_soon(self._dispatcher.run(), name="dispatch")
            self._tasks.start_soon(self._recorder.run(), name="record attempts")
            self._tasks.start_soon(self._run_owners(), name="shard owners")
            self._tasks.start_soon(self._keep_past(), name="keep the past")
            if self._keeper is not None:
                self._tasks.start_soon(self._keeper.run(), name="end subscriptions")
            await self._follow_registry()

    async def view(self, channel: Channel, shard: int) -> ShardView:
        """A shard with its lanes; of another node, as its owner wrote it last.

        Raises:
            Unavailable: the engine did not answer.
        """
        name = f"{channel.name}.{shard}"
        owned = self._owned.get(name)
        if owned is not None:
            return ShardView(self._node, owned.reader, owned.records())
        kept = await self._engine.cursors.read(name)
        lanes = {id_: decode_lane(record) for id_, record in kept.lanes.items()}
        if kept.checkpoint is None:
            return ShardView("", START, lanes)
        checkpoint = decode_checkpoint(kept.checkpoint)
        return ShardView(checkpoint.node, Place(*checkpoint.at), lanes)

    async def record_of(
        self, channel: Channel, shard: int, subscription_id: str
    ) -> LaneRecord | None:
        """The state of a lane; of another node's shard, as its owner wrote it last.

        Raises:
            Unavailable: the engine did not answer.
        """
        name = f"{channel.name}.{shard}"
        owned = self._owned.get(name)
        if owned is not None:
            return owned.record_of(subscription_id)
        record = (await self._engine.cursors.read(name)).lanes.get(subscription_id)
        return None if record is None else decode_lane(record)

    async def drain(self, timeout_s: float) -> None:
        """Take no more shards, finish the attempts under way, write the cursors, let the shards go."""
        self._draining = True
        for name, owning in tuple(self._owning.items()):
            if name not in self._owned:
                owning.cancel()
        if not await self._dispatcher.drain(timeout_s):
            _log.warning("attempts still under way after %s s; they will be made again", timeout_s)
        for name, owned in tuple(self._owned.items()):
            try:
                await owned.finish()
                await self._end_owner(name)
                await self._engine.lease.release(name)
            except (Unavailable, Fenced) as error:
                _log.warning("shard %s: %s", name, error)
        if self._announcing is not None:
            self._announcing.cancel()
            await asyncio.wait((self._announcing,))
            try:
                await self._engine.lease.release(ANNOUNCER)
            except (Unavailable, Fenced) as error:
                _log.warning("%s: %s", ANNOUNCER, error)

    async def _end_owner(self, name: str) -> None:
        """End what renews the lease and writes cursors: from the release on, that is another's."""
        owning = self._owning[name]
        owning.cancel()
        await asyncio.wait((owning,))

    def measure(self) -> None:
        """Set the gauges."""
        self._counters.lanes_own = sum(owned.own_lanes for owned in self._owned.values())
        self._counters.dead_sinks = self._dispatcher.dead_sinks
        self._counters.open_events = sum(owned.open_events for owned in self._owned.values())

    async def _keep_past(self) -> None:
        while True:
            self.measure()
            self.past.note(self._counters, self._clock.now_ms(), cpu_s=process_time())
            await self._clock.sleep(EVERY_S)

    async def _run_owners(self) -> None:
        async with self._owners:
            state = self._state.value
            while True:
                for channel in state.channels.values():
                    before = self._started.get(channel.name)
                    self._started[channel.name] = channel
                    if before is None:
                        await self._start(channel)
                    elif before.kept != channel.kept:
                        await self._keep_of(channel)
                state = await self._state.wait_changed(state)

    async def _start(self, channel: Channel) -> None:
        await self._open(channel)
        self._owners.start_soon(self._observe(channel), name=f"index {channel.name}")
        if channel.name not in UNDELIVERED:
            for shard in range(channel.shards):
                name = f"{channel.name}.{shard}"
                self._owning[name] = self._owners.start_soon(
                    self._own(channel, shard, name), name=f"own {name}"
                )

    async def _open(self, channel: Channel) -> None:
        while True:
            try:
                return await self._engine.log.open_channel(channel)
            except Unavailable as error:
                _log.warning("channel %s: %s; trying again", channel.name, error)
            await self._clock.sleep(AGAIN_S)

    async def _keep_of(self, channel: Channel) -> None:
        """Let the engine know the channel's other retention; each node does, and it is the same."""
        while True:
            try:
                return await self._engine.log.keep(channel)
            except Unavailable as error:
                _log.warning("retention of %s: %s; trying again", channel.name, error)
            await self._clock.sleep(AGAIN_S)

    async def _observe(self, channel: Channel) -> None:
        observe = Observe(
            self._engine.log,
            self._engine.index,
            channel,
            self._reached(channel.name),
            self._clock,
            self.outcomes.note,
            self._count_stored,
        )
        counted = channel.name in OWN
        while True:
            try:
                if not counted:
                    await self._recount(channel.name)
                    counted = True
                if channel.name == ATTEMPTS and not self.outcomes.succeeded:
                    await self._look_back(channel)
                await observe()
            except* Unavailable as group:
                _log.warning("index of %s: %s; trying again", channel.name, group.exceptions[0])
            await self._clock.sleep(AGAIN_S)

    def _count_stored(self, channel: str, blocks: Sequence[Block]) -> None:
        """Count what this node took in: off the way of publishers, and each event at one node.

        Hours are counted of what all nodes took in, at each of them.
        """
        stored, hours = self._counters.stored, self.hours
        for block in blocks:
            # What could not be indexed comes again.
            if channel not in OWN and block.seq > self._counted.get(channel, 0):
                self._counted[channel] = block.seq
                hours.count(channel, block.at_ms, [event.type for event in block.events])
            if block.node == self._node:
                for event in block.events:
                    stored.of((channel, event.type)).value += 1

    async def _look_back(self, channel: Channel) -> None:
        """Know what deliveries came to lately, before this node started."""
        log = self._engine.log
        after = max(0, (await log.extent(channel)).last_block - LOOKED_BACK_BLOCKS)
        for block in await log.read(channel, None, after, limit_blocks=LOOKED_BACK_BLOCKS):
            for event in block.events:
                self.outcomes.note(decode_attempts(event))

    async def _own(self, channel: Channel, shard: int, name: str) -> None:
        while not self._draining:
            try:
                await self._engine.lease.acquire(name, ttl_s=LEASE_TTL_S)
                await self._deliver(channel, shard, name)
            except* Fenced as group:
                _log.warning("shard %s: %s", name, group.exceptions[0])
            except* Unavailable as group:
                _log.warning("shard %s: %s; trying again", name, group.exceptions[0])
                await self._clock.sleep(AGAIN_S)
            finally:
                self._owned.pop(name, None)

    async def _deliver(self, channel: Channel, shard: int, name: str) -> None:
        delivery = ShardDelivery(
            channel,
            shard,
            log=self._engine.log,
            cursors=self._engine.cursors,
            dispatcher=self._dispatcher,
            recorder=self._recorder,
            clock=self._clock,
            index=self._index(channel.name),
            subscriptions=lambda: ChainMap(
                self._forwarders,
                self._state.value.subscriptions,  # type: ignore[arg-type]  # nobody writes to it
            ),
            registry_revision=lambda: self._revision,
            # Letters about one event repeat nothing: each tells of another delivery.
            seen=NOT_SEEN if channel.name in RECORDS else self._seen(channel.name),
            window_ms=0 if channel.name in RECORDS else self._window_ms,
            node=self._node,
            counters=self._counters,
            tracing=self._tracing,
        )
        self._owned[name] = delivery
        with self._owning_shard(delivery):
            await self._keep(delivery, name)

    async def _keep(self, delivery: ShardDelivery, name: str) -> None:
        async with Supervisor() as tasks:
            tasks.start_soon(self._renew(name), name=f"lease {name}")
            tasks.start_soon(delivery.run(), name=f"shard {name}")

    async def _renew(self, name: str) -> None:
        renewed_s = self._clock.monotonic_s()
        while True:
            await self._clock.sleep(LEASE_TTL_S / 3)
            try:
                await self._engine.lease.renew(name)
                renewed_s = self._clock.monotonic_s()
            except Unavailable as error:
                if self._clock.monotonic_s() - renewed_s > LEADERLESS_S:
                    raise Fenced(f"lease of {name} could not be renewed: {error}") from error

    async def _follow_registry(self) -> None:
        applied = self._state.value
        while True:
            state = await self._state.wait_changed(applied)
            self._apply_subscriptions(applied, state)
            applied = state

    def _apply_subscriptions(self, before: State, after: State) -> None:
        """Tell the index, the dispatcher and the lanes what changed; no await in between."""
        if before.subscriptions is not after.subscriptions:
            for subscription_id, subscription in after.subscriptions.items():
                if before.subscriptions.get(subscription_id) is not subscription:
                    self._index(subscription.channel).put(subscription)
                    self._dispatcher.put(subscription)
                    self._forward(subscription_id, forwarder(subscription))
                    known = subscription_id in before.subscriptions
                    for owned in self._owned.values():
                        if owned.channel.name == subscription.channel:
                            (owned.change if known else owned.put)(subscription)
            for subscription_id, subscription in before.subscriptions.items():
                if subscription_id not in after.subscriptions:
                    self._index(subscription.channel).remove(subscription_id)
                    self._end(subscription_id)
                    self._forward(subscription_id, None)
        self._revision = after.revision

    def _forward(self, subscription_id: str, wanted: Subscription | None) -> None:
        """See that the subscription's dead letters go where it says, if anywhere."""
        id_ = f"{subscription_id}{SUFFIX}"
        if wanted is not None:
            self._forwarders[id_] = wanted
            self._index(wanted.channel).put(wanted)
            self._dispatcher.put(wanted)
        elif self._forwarders.pop(id_, None) is not None:
            self._index(DEADLETTERS).remove(id_)
            self._end(id_)

    def _end(self, subscription_id: str) -> None:
        self.outcomes.forget(subscription_id)
        self._dispatcher.remove(subscription_id)
        for owned in self._owned.values():
            owned.remove(subscription_id)

    def _index(self, channel: str) -> SubscriptionIndex:
        return self._indexes.setdefault(channel, SubscriptionIndex())
