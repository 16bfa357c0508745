"""Where events are delivered to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from chappe.domain.delivery import Outcome
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try to deliver one event to one subscription's sink.

    `webhook_id` is the same for every attempt of the same event to the same subscription, over
    restarts and takeovers too, so that a receiver can drop what it has seen.
    """

    event: Event
    subscription: Subscription
    webhook_id: str
    number: int


class Batch(msgspec.Struct, frozen=True):
    """One try to deliver several events in one request; never empty, in the order to be kept.

    `webhook_id` is the same for every attempt of the same events together.
    """

    events: Sequence[Event]
    subscription: Subscription
    webhook_id: str


class Sink(Protocol):
    """One delivery protocol. Network faults are outcomes, never exceptions."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; wait for the receiver's answer, at most the subscription's timeout.

        Cancelling may leave the event delivered or not: there is no way to know which.
        """
        ...

    async def close(self) -> None:
        """Close idle connections; attempts under way may end as Failed."""
        ...


@runtime_checkable
class BatchSink(Protocol):
    """A sink that can also take several events in one request."""

    async def send_batch(self, batch: Batch) -> Outcome:
        """Try once; the outcome is that of every event. Otherwise as `Sink.send`."""
        ...
