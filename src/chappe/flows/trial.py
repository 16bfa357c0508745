"""Does a sink answer? One event of a type of its own, sent once, as a subscription's deliveries are.

Nothing is stored: not the event, not the attempt; a subscription that is only asked for can be tried
before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chappe.domain.delivery import Outcome
from chappe.domain.errors import Conflict, Malformed
from chappe.domain.event import Event
from chappe.domain.subscription import PULL, Subscription
from chappe.formats.times import rfc3339
from chappe.ports.clock import Clock
from chappe.ports.sink import Attempt, Sink

TYPE: Final = "io.chappe.subscription.test"
"""By which a receiver tells a test event from its own."""


@dataclass(frozen=True, slots=True)
class Tried:
    """The event that was sent, and what it came to after `latency_ms`."""

    event: Event
    outcome: Outcome
    latency_ms: int


class Trial:
    """Tries sinks."""

    def __init__(self, sinks: Mapping[str, Sink], clock: Clock, new_id: Callable[[], str]) -> None:
        """`new_id` names events."""
        self._sinks = sinks
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, subscription: Subscription) -> Tried:
        """Send a test event, signed and with the credential as every event of the subscription.

        Raises:
            Malformed: consumers take its events themselves.
            Conflict: the sink has to agree first, and has not.
        """
        sink = self._sinks.get(subscription.protocol)
        if subscription.protocol == PULL or sink is None:
            raise Malformed(f"protocol: {subscription.protocol!r} has no sink that could be tried")
        if not subscription.is_granted:
            # webhook spec 4: nothing is delivered before the target agrees.
            raise Conflict(
                f"sink: {subscription.sink!r} has to agree first (handshake), and has not"
            )
        event = self._event(subscription)
        batch = None if subscription.options.batching is None else (event,)
        begun_s = self._clock.monotonic_s()
        outcome = await sink.send(Attempt(event, subscription, f"msg_{event.id}", 1, batch))
        return Tried(event, outcome, round((self._clock.monotonic_s() - begun_s) * 1000))

    def _event(self, subscription: Subscription) -> Event:
        return Event(
            id=self._new_id(),
            source=f"/subscriptions/{subscription.id}",
            type=TYPE,
            time=rfc3339(self._clock.now_ms()),
            datacontenttype="application/json",
            data=b'{"test":true}',
            text=True,
        )
