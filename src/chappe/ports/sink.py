"""Where events are delivered to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from chappe.domain.delivery import Outcome
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.domain.trace_context import TraceContext


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try to deliver one event, or several in one request, to one subscription's sink.

    `webhook_id` is the same for every attempt of the same event to the same subscription, over
    restarts and takeovers too, so that a receiver can drop what it has seen. `batch` are all events of
    the request, in their order, where it is one of several, `event` the first of them; the id is then
    that of exactly these events together. Only sinks of BATCHING protocols get such ones. `trace` is
    the attempt's own span, where attempts are traced.
    """

    event: Event
    subscription: Subscription
    webhook_id: str
    number: int
    batch: Sequence[Event] | None = None
    trace: TraceContext | None = None

    @property
    def events(self) -> Sequence[Event]:
        """What the request carries."""
        return (self.event,) if self.batch is None else self.batch


class Sink(Protocol):
    """One delivery protocol. The outcome of an attempt is that of each of its events. Network faults are outcomes, never exceptions."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; wait for the receiver's answer, at most the subscription's timeout.

        Cancelling may leave the event delivered or not: there is no way to know which.
        """
        ...

    async def close(self) -> None:
        """Close idle connections; attempts under way may end as Failed."""
        ...
