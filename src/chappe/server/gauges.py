"""Measuring a node for /metrics: what is pending, how old it is, and in which state all are.

Each node tells of the shards that it owns, so that sums over nodes are right. States are the registry's,
the same at every node, but for the breaker, which each node has of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from chappe.domain.channel import OWN, UNDELIVERED, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.holding import held
from chappe.domain.lane import END_OF_BLOCK, Lane, Place
from chappe.domain.subscription import Subscription
from chappe.flows.deliver.shard import ShardDelivery
from chappe.http.figures import (
    STATES,
    ChannelFigures,
    Figures,
    SubscriptionFigures,
    SubscriptionState,
)
from chappe.kit.counters import Counters
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog, Extent
from chappe.registry.state import State

ENGINE_WITHIN_S = 2.0
"""A scrape does not wait longer for the engine: the rest is worth telling without it."""
LOOKED_UP = 16
"""Blocks whose time is read from the log for one scrape, at most; they are remembered."""


@dataclass(slots=True)
class _Sum:
    pending: int = 0
    lag_blocks: int = 0
    oldest_ms: int | None = None
    locked: int = 0

    def older(self, at_ms: int | None) -> None:
        if at_ms is not None and (self.oldest_ms is None or at_ms < self.oldest_ms):
            self.oldest_ms = at_ms


@dataclass(slots=True)
class Gauges:
    """Measures; `base` is what the assembly knows of the node, without what is measured here."""

    log: EventLog
    clock: Clock
    counters: Counters
    state: Callable[[], State]
    owned: Callable[[], Mapping[str, ShardDelivery]]
    dead: Callable[[], Collection[str]]
    locked: Callable[[], Mapping[str, int]]
    readers: Callable[[], Mapping[str, int]]
    base: Callable[[], Figures]
    _times: dict[tuple[str, int], int] = field(default_factory=dict)

    async def __call__(self) -> Figures:
        """The node now."""
        base, state = self.base(), self.state()
        for name in state.channels.keys() - OWN:
            self.counters.channels.of(name)  # So that a rate has a zero to begin at.
        extents = await self._extents(state.channels.values())
        sums = await self._sums(state, extents)
        states = self._states(state.subscriptions)
        return Figures(
            version=base.version,
            node=base.node,
            engine_version=base.engine_version,
            embedded=base.embedded,
            connected=base.connected,
            disk_free_bytes=base.disk_free_bytes,
            disk_full=base.disk_full,
            shards_owned=len(self.owned()),
            shards=sum(
                channel.shards
                for channel in state.channels.values()
                if channel.name not in UNDELIVERED
            ),
            streams=base.streams,
            max_streams=base.max_streams,
            registry_revision=state.revision,
            handshakes_failing=base.handshakes_failing,
            draining=base.draining,
            subscriptions=self._shown(states, sums),
            states=[(one, Counter(states.values())[one]) for one in STATES],
            channels=self._channels(extents),
            sources=base.sources,
        )

    async def _extents(self, channels: Collection[Channel]) -> Mapping[str, Extent]:
        found: dict[str, Extent] = {}
        try:
            async with asyncio.timeout(ENGINE_WITHIN_S):
                for channel in channels:
                    found[channel.name] = await self.log.extent(channel)
        except (Unavailable, TimeoutError):
            return {}
        return found

    def _channels(self, extents: Mapping[str, Extent]) -> Sequence[ChannelFigures]:
        readers = self.readers()
        return [
            ChannelFigures(
                name,
                extent.size_bytes,
                extent.last_block - extent.first_block + 1,
                extent.max_bytes,
                readers.get(name, 0),
            )
            for name, extent in extents.items()
        ]

    def _states(self, subscriptions: Mapping[str, Subscription]) -> Mapping[str, SubscriptionState]:
        dead = self.dead()
        return {
            id_: held(one) or ("breaker open" if id_ in dead else "active")
            for id_, one in subscriptions.items()
        }

    async def _sums(self, state: State, extents: Mapping[str, Extent]) -> Mapping[str, _Sum]:
        sums: defaultdict[str, _Sum] = defaultdict(_Sum)
        asked: set[tuple[str, int]] = set()
        for owned in self.owned().values():
            extent = extents.get(owned.channel.name)
            last = owned.reader.block if extent is None else extent.last_block
            for id_, lane in owned.lanes().items():
                subscription = state.subscriptions.get(id_)
                if subscription is None:
                    continue
                sum_, end = sums[id_], _end(subscription, last)
                sum_.pending += len(lane.open)
                behind = lane.own and lane.cursor < end
                if behind:
                    sum_.lag_blocks += max(1, end.block - lane.cursor.block)
                for block in _oldest(lane, behind=behind):
                    at_ms = owned.times.at_ms(block)
                    if at_ms is None:
                        asked.add((owned.channel.name, block))
                        at_ms = await self._looked_up(owned.channel, block, len(asked))
                    sum_.older(at_ms)
        for id_, count in self.locked().items():
            sums[id_].locked = count
        for place in self._times.keys() - asked:
            del self._times[place]
        return sums

    async def _looked_up(self, channel: Channel, block: int, number: int) -> int | None:
        """When a block was committed that this node has not followed; from the log."""
        known = self._times.get((channel.name, block))
        if known is not None or number > LOOKED_UP:
            return known
        try:
            async with asyncio.timeout(ENGINE_WITHIN_S):
                found = await self.log.block(channel, block)
        except (Unavailable, TimeoutError):
            return None
        if found is None:
            return None
        self._times[channel.name, block] = found.at_ms
        return found.at_ms

    def _shown(
        self, states: Mapping[str, SubscriptionState], sums: Mapping[str, _Sum]
    ) -> Sequence[SubscriptionFigures]:
        attempts, now_ms = self.counters.attempts, self.clock.now_ms()
        for id_ in attempts.keys() - states.keys():
            attempts.drop(id_)
        shown: list[SubscriptionFigures] = []
        rest: list[_Sum] = []
        for id_, state in states.items():
            sum_ = sums.get(id_, _Sum())
            if attempts.of(id_) is attempts.other:
                rest.append(sum_)
            else:
                shown.append(_figures(id_, state, sum_, now_ms))
        if rest:
            oldest = [one.oldest_ms for one in rest if one.oldest_ms is not None]
            together = _Sum(
                sum(one.pending for one in rest),
                sum(one.lag_blocks for one in rest),
                min(oldest, default=None),
                sum(one.locked for one in rest),
            )
            shown.append(_figures("other", None, together, now_ms))
        return shown


def _figures(
    name: str, state: SubscriptionState | None, sum_: _Sum, now_ms: int
) -> SubscriptionFigures:
    oldest_s = 0.0 if sum_.oldest_ms is None else max(0, now_ms - sum_.oldest_ms) / 1000
    return SubscriptionFigures(name, state, sum_.pending, sum_.lag_blocks, oldest_s, sum_.locked)


def _end(subscription: Subscription, last: int) -> Place:
    """The last place that may be for the subscription."""
    span = subscription.span
    newest = Place(last, END_OF_BLOCK)
    return newest if span is None or span.end is None else min(span.end, newest)


def _oldest(lane: Lane, *, behind: bool) -> Sequence[int]:
    """The blocks of which one holds the lane's oldest event: of what is open, and of what is unread."""
    found = [] if lane.oldest is None else [lane.oldest.block]
    if behind:
        found.append(lane.cursor.block + (lane.cursor.index == END_OF_BLOCK))
    return found
