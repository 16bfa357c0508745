"""Ending subscriptions by themselves: those whose time is over, and companions that are through.

One node does it, the one that holds a lease. Ending is a write to the registry like any other, so an
event of change tells, and doing it twice does no harm.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from chappe.domain.channel import Channel
from chappe.domain.errors import ChappeError, Fenced, NotFound
from chappe.domain.lane import LaneRecord
from chappe.domain.subscription import Subscription
from chappe.formats.times import unix_ms
from chappe.kit.derived import Derived
from chappe.ports.clock import Clock
from chappe.ports.shard_lease import ShardLease

KEEPER: Final = "subscriptions.keeper"
"""The name of the lease."""

LEASE_TTL_S: Final = 5.0
LOOK_S: Final = 1.0
"""How long after its time a subscription ends, at most, while the engine answers."""

_log = logging.getLogger("chappe.keep")


class Keep:
    """Looks once a second, while this node holds the lease."""

    def __init__(
        self,
        lease: ShardLease,
        subscriptions: Callable[[], Mapping[str, Subscription]],
        channels: Callable[[], Mapping[str, Channel]],
        record_of: Callable[[Channel, int, str], Awaitable[LaneRecord | None]],
        end: Callable[[str], Awaitable[object]],
        clock: Clock,
    ) -> None:
        """`record_of` gives the state of a lane, wherever it is owned; `end` ends a subscription."""
        self._lease = lease
        self._subscriptions = subscriptions
        self._channels = channels
        self._record_of = record_of
        self._end = end
        self._clock = clock
        self._ending = Derived(_that_may_end)

    async def run(self) -> None:
        """Do it for ever."""
        told = ""
        while True:
            try:
                await self._lease.acquire(KEEPER, ttl_s=LEASE_TTL_S)
                while True:
                    await self._look()
                    told = ""
                    await self._clock.sleep(LOOK_S)
                    await self._lease.renew(KEEPER)
            except Fenced:
                _log.info("another node ends subscriptions")
            except ChappeError as error:
                if error.message != told:
                    _log.warning("ending subscriptions: %s; trying again", error.message)
                told = error.message
            await self._clock.sleep(LOOK_S)

    async def _look(self) -> None:
        for subscription in self._ending.of(self._subscriptions()):
            why = await self._why_over(subscription)
            if why is None:
                continue
            try:
                await self._end(subscription.id)
            except NotFound:
                continue  # somebody was faster
            _log.info("subscription %s ended: %s", subscription.id, why)

    async def _why_over(self, subscription: Subscription) -> str | None:
        expires = subscription.options.expires
        if expires is not None and (unix_ms(expires) or 0) <= self._clock.now_ms():
            return f"it expired at {expires}"
        replay = subscription.replay
        if replay is None:
            return None
        if replay.of not in self._subscriptions():
            return f"the subscription {replay.of}, for which it delivered, has ended"
        if await self._is_through(subscription):
            return "all is settled that it had to deliver"
        return None

    async def _is_through(self, subscription: Subscription) -> bool:
        """Whether each shard of its channel is read up to the end, and nothing is open."""
        span = subscription.span
        if span is None or span.end is None:
            return False
        channel = self._channels()[subscription.channel]
        for shard in range(channel.shards):
            record = await self._record_of(channel, shard, subscription.id)
            if record is None or record.open or record.cursor < span.end:
                return False
        return True


def _that_may_end(subscriptions: Mapping[str, Subscription]) -> Sequence[Subscription]:
    """Those that have an end of their own: few, as a rule, of many."""
    return [
        one
        for one in subscriptions.values()
        if one.options.expires is not None or one.replay is not None
    ]
