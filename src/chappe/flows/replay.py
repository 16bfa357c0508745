"""Delivering stored events again: a companion subscription with a beginning, an end, and a rate.

How much that will be is told before: what matches is counted in the log, as far as that is quick.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chappe.domain.channel import Channel
from chappe.domain.errors import Conflict, Malformed, NotFound
from chappe.domain.lane import END_OF_BLOCK, Place
from chappe.domain.matching import wants
from chappe.domain.position import Position, is_position
from chappe.domain.span import Span
from chappe.domain.subscription import Subscription
from chappe.formats.companions import AnotherSink, replay_document
from chappe.formats.replay_json import KeptReplay, Makes, span_of
from chappe.formats.times import unix_ms
from chappe.kit.counters import Counters
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog

COUNT_S: Final = 2.0
"""How long a forecast counts; what it did not get to is estimated from what it saw."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be delivered again: from `start` on, before the time or up to the position `until`.

    `start` is as a subscription's; `until` None: all that is stored now. `rate`: events a second.
    """

    start: str
    until: str | None = None
    rate: float | None = None
    sink: AnotherSink | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many events match (`exact`: counted, not estimated), and how long they will take.

    `bytes` are those of their payloads. `seconds` is None where nothing says how long the sink takes.
    """

    events: int
    exact: bool
    seconds: float | None
    bytes: int = 0


class Replaying:
    """Makes replays."""

    def __init__(
        self,
        log: EventLog,
        begins: Callable[[str, str], Awaitable[int]],
        channels: Callable[[], Mapping[str, Channel]],
        subscriptions: Callable[[], Mapping[str, Subscription]],
        make: Makes,
        clock: Clock,
        counters: Counters,
    ) -> None:
        """`begins` gives the block of a channel after which a start begins; `make` makes a companion."""
        self._log = log
        self._begins = begins
        self._channels = channels
        self._subscriptions = subscriptions
        self._make = make
        self._clock = clock
        self._counters = counters

    async def forecast(self, id: str, wanted: Wanted) -> Forecast:
        """What a replay would do.

        Raises:
            NotFound: there is no such subscription.
            Malformed: a place breaks its rule.
        """
        origin, end = await self._asked(id, wanted)
        return await self._forecast(origin, wanted, end)

    async def forecast_of(self, subscription: Subscription) -> Forecast:
        """What a subscription that is to be made has to deliver of what is stored now."""
        rate = subscription.rate
        wanted = Wanted(subscription.start, rate=None if rate is None else rate.per_second)
        return await self._forecast(
            subscription, wanted, await self._end(subscription.channel, None)
        )

    async def __call__(self, id: str, wanted: Wanted, *, by: str) -> tuple[Subscription, Forecast]:
        """Begin one; raises as `forecast` does, and Malformed for a rate or sink that breaks a rule."""
        origin, end = await self._asked(id, wanted)
        forecast = await self._forecast(origin, wanted, end)
        kept = KeptReplay(
            kind="replay",
            of=origin.id,
            for_=origin.id if wanted.sink is None else "",
            end=end,
            events=forecast.events,
        )
        document = replay_document(origin, start=wanted.start, rate=wanted.rate, sink=wanted.sink)
        made = await self._make("replay", document, kept, by)
        return made, forecast

    async def _asked(self, id: str, wanted: Wanted) -> tuple[Subscription, Place]:
        origin = self._subscriptions().get(id)
        if origin is None:
            raise NotFound(f"subscription {id!r}: there is none")
        if origin.replay is not None:
            raise Conflict(
                f"subscription {id!r} is a {origin.replay.kind} itself; replay {origin.replay.of!r}"
            )
        if wanted.start == "latest":
            raise Malformed(
                "from: 'latest' has nothing to deliver again; take a time or a position"
            )
        return origin, await self._end(origin.channel, wanted.until)

    async def _end(self, name: str, until: str | None) -> Place:
        """The last place that belongs to it: nothing that is stored later does."""
        channel = self._channels()[name]
        last = Place((await self._log.extent(channel)).last_block, END_OF_BLOCK)
        if until is None:
            return last
        until_ms = unix_ms(until)
        if until_ms is not None:
            return min(last, Place(await self._log.block_at(channel, until_ms), END_OF_BLOCK))
        if not is_position(until):
            raise Malformed(f"until: {until[:80]!r} is no time (RFC 3339) and no position")
        position = Position.parse(until)
        return min(last, Place(position.block, position.index))

    async def _forecast(self, origin: Subscription, wanted: Wanted, end: Place) -> Forecast:
        first = await self._begins(origin.channel, wanted.start)
        begun = span_of(wanted.start, None)
        span = Span(
            None if begun is None else begun.first, None if begun is None else begun.from_ms, end
        )
        events, size, reached = await self._count(origin, span, first, end)
        exact = reached >= end.block
        if not exact:
            events = round(events * (end.block - first) / max(1, reached - first))
            size = round(size * (end.block - first) / max(1, reached - first))
        return Forecast(events, exact, self._seconds(events, origin, wanted.rate), size)

    async def _count(
        self, origin: Subscription, span: Span, first: int, end: Place
    ) -> tuple[int, int, int]:
        """How many events match, their payloads' bytes, and the block up to which was counted."""
        channel = self._channels()[origin.channel]
        wanted = wants(origin)
        deadline_s = self._clock.monotonic_s() + COUNT_S
        events, size, after = 0, 0, first
        while after < end.block and self._clock.monotonic_s() < deadline_s:
            blocks = await self._log.read(channel, None, after)
            if not blocks:
                return events, size, end.block
            for block in blocks:
                for number, event in enumerate(block.events):
                    place = Place(block.seq, number)
                    if span.holds(block.shard, place, block.at_ms) and wanted(event):
                        events += 1
                        size += len(event.data or b"")
            after = blocks[-1].seq
            await self._clock.sleep(0)
        return events, size, after

    def _seconds(self, events: int, origin: Subscription, rate: float | None) -> float | None:
        took = self._counters.delivery_s
        paces: list[float] = []
        if rate is not None:
            paces.append(events / rate)
        if took.total:
            paces.append(events * took.sum_s / took.total / origin.concurrency)
        return round(max(paces), 1) if paces else None
