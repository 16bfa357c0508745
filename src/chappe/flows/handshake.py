"""The webhook handshake: sinks that must agree first are asked until they do (webhook spec 4).

One node asks, the one that holds a lease. A sink agrees in its answer, or later at the callback;
what it agreed to is kept in the registry, and only then its events are delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from chappe.domain.errors import ChappeError, Fenced, NotFound, WrongKey
from chappe.domain.grant import Agreed, asked_rate, rate_of
from chappe.domain.subscription import Subscription
from chappe.kit.derived import Derived
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.handshake import Handshake, NotGranted
from chappe.ports.secrets import Secrets
from chappe.ports.shard_lease import ShardLease

ASKER: Final = "subscriptions.handshake"
"""The name of the lease."""

LEASE_TTL_S: Final = 5.0
LOOK_S: Final = 0.5
FIRST_PAUSE_S: Final = 10.0
LONGEST_PAUSE_S: Final = 3_600.0
AT_ONCE: Final = 16

_log = logging.getLogger("chappe.handshake")


class Handshakes:
    """Asks sinks, takes what they agree to, and knows what they said."""

    def __init__(
        self,
        *,
        handshake: Handshake,
        lease: ShardLease,
        subscriptions: Callable[[], Mapping[str, Subscription]],
        grant: Callable[[str, str, Agreed], Awaitable[None]],
        secrets: Secrets,
        url: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`grant` keeps what the sink of a subscription agreed to; `url` is where the hub is reached."""
        self._handshake = handshake
        self._lease = lease
        self._subscriptions = subscriptions
        self._grant = grant
        self._secrets = secrets
        self._url = url
        self._clock = clock
        self._waiting = Derived(_that_wait)
        self._due: dict[tuple[str, str], tuple[float, float]] = {}
        self._asking: set[str] = set()
        self.said: dict[str, str] = {}
        """Why a subscription's sink has not agreed, as far as this node has asked; by id."""

    async def run(self) -> None:
        """Ask for ever, while this node holds the lease."""
        while True:
            try:
                await self._lease.acquire(ASKER, ttl_s=LEASE_TTL_S)
                async with Supervisor() as tasks:
                    while True:
                        self._look(tasks)
                        await self._clock.sleep(LOOK_S)
                        await self._lease.renew(ASKER)
            except* Fenced:
                _log.info("another node asks the sinks")
            except* ChappeError as group:
                _log.warning("asking sinks: %s; trying again", group.exceptions[0])
            await self._clock.sleep(LOOK_S)

    async def agree(self, id: str, key: str, rate: str | None) -> Subscription:
        """A sink agrees at the callback.

        Raises:
            NotFound: the key is that of no subscription's present sink.
            Malformed: the rate is none.
        """
        subscription = self._subscriptions().get(id)
        try:
            sink = self._secrets.open(key, context=_context(id))
        except (WrongKey, ChappeError):
            sink = ""
        if subscription is None or subscription.sink != sink:
            raise NotFound(f"subscriptions/{id}/grant: the key fits no subscription's sink")
        asked = _asked(subscription)
        await self._grant(id, sink, Agreed(rate_of(rate, asked=asked)))
        return subscription

    def _look(self, tasks: Supervisor) -> None:
        now_s = self._clock.monotonic_s()
        waiting = self._waiting.of(self._subscriptions())
        for place in self._due.keys() - waiting.keys():
            del self._due[place]
            self.said.pop(place[0], None)
        for place, one in waiting.items():
            due_s, _ = self._due.get(place, (0.0, 0.0))
            if due_s <= now_s and one.id not in self._asking and len(self._asking) < AT_ONCE:
                self._asking.add(one.id)
                tasks.start_soon(self._ask(one, place), name=f"handshake {one.id}")

    async def _ask(self, subscription: Subscription, place: tuple[str, str]) -> None:
        id, sink = place
        key = self._secrets.seal(sink, context=_context(id))
        callback = f"{self._url().rstrip('/')}/subscriptions/{id}/grant?key={_quoted(key)}"
        try:
            answer = await self._handshake.ask(subscription, callback)
            await self._grant(id, sink, answer)
        except (NotGranted, ChappeError) as error:
            said = str(error)
            if self.said.get(id) != said:
                _log.info("the sink of %s has not agreed: %s", id, said)
            self.said[id] = said
            pause_s = min(max(2 * self._due.get(place, (0, 0))[1], FIRST_PAUSE_S), LONGEST_PAUSE_S)
            self._due[place] = (self._clock.monotonic_s() + pause_s, pause_s)
        else:
            self.said.pop(id, None)
        finally:
            self._asking.discard(id)


def _that_wait(
    subscriptions: Mapping[str, Subscription],
) -> Mapping[tuple[str, str], Subscription]:
    """Those whose sinks have not agreed: few, as a rule, of many."""
    return {(one.id, one.sink): one for one in subscriptions.values() if not one.is_granted}


def _asked(subscription: Subscription) -> int | None:
    rate = subscription.options.rate
    return asked_rate(None if rate is None else rate.per_second)


def _context(id: str) -> str:
    return f"subscriptions/{id}/grant"


def _quoted(key: str) -> str:
    return key.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace(":", "%3A")
