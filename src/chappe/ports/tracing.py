"""Distributed tracing. Where nobody traces there is no port at all (None), which costs one comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chappe.domain.delivery import Outcome
from chappe.domain.event import Event
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.domain.trace_context import TraceContext


class Delivering(Protocol):
    """An attempt under way. `context` goes to the sink, also where the trace is not recorded."""

    @property
    def context(self) -> TraceContext: ...

    def ended(self, outcome: Outcome | None) -> None:
        """To be called once; None: it was given up with the node, and nobody knows."""
        ...


class Tracing(Protocol):
    """Makes spans. Nothing here waits, raises, or holds what it cannot send."""

    def now_ns(self) -> int:
        """The time of spans (Unix, ns)."""
        ...

    def accepted(
        self,
        channel: str,
        event: Event,
        *,
        began_ns: int,
        hop: TraceContext | None = None,
        position: Position | None = None,
        duplicate: bool = False,
        error: Exception | None = None,
    ) -> None:
        """An event was taken in, or refused with `error`. `hop` is the context of the request."""
        ...

    def accepted_all(
        self,
        channel: str,
        events: Sequence[Event],
        *,
        began_ns: int,
        hop: TraceContext | None = None,
        stored: Sequence[tuple[str, Position, bool]] = (),
        error: Exception | None = None,
    ) -> None:
        """The same of a batch; `stored` tells of each event its channel and place, and whether it is a repeat."""
        ...

    def records(self, channel: str, event: Event) -> bool:
        """Whether the event's trace is recorded."""
        ...

    def matched(
        self, channel: str, event: Event, subscriptions: Sequence[str], *, began_ns: int
    ) -> None:
        """The event, which `records`, was offered to these subscriptions."""
        ...

    def delivering(
        self, subscription: Subscription, events: Sequence[Event], message_id: str, number: int
    ) -> Delivering:
        """An attempt begins, the `number`-th (from 1); the events are as they stand in the log."""
        ...

    async def close(self) -> None:
        """Send what is left, for some seconds at most."""
        ...
