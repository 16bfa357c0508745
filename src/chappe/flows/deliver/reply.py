"""Events in a sink's answer: published before the event that they answer is settled.

A reply may bring about another delivery to the same sink, and so another reply. Each carries how many
replies led to it (`replyhops`); beyond the subscription's `max_hops` it is dropped, and that is noted
with the attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from msgspec import structs

from chappe.domain.errors import CallerError, Overloaded, Unavailable
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.ports.clock import Clock

HOPS: Final = "replyhops"
"""The extension attribute (Integer) that counts the replies which led to an event."""

AGAIN_S: Final = 0.5
"""Pause before storing again what the engine did not take."""

Publish: TypeAlias = Callable[[str, Sequence[Event]], Awaitable[object]]
"""Stores events in a channel, all or none, as if somebody had posted them (flows/accept)."""


class Reply:
    """Publishes replies; done once they are on disk."""

    def __init__(self, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock

    async def __call__(
        self, subscription: Subscription, event: Event, replies: Sequence[Event]
    ) -> str | None:
        """Publish what the sink answered to `event`; why not, where nothing was published."""
        options = subscription.options.replies
        if options is None:
            return None
        hops = hops_of(event) + 1
        if hops > options.max_hops:
            return f"{len(replies)} replies were dropped: more than {options.max_hops} hops"
        channel = options.channel or subscription.channel
        marked = [
            structs.replace(one, extensions={**one.extensions, HOPS: hops}) for one in replies
        ]
        while True:
            try:
                await self._publish(channel, marked)
            except (Unavailable, Overloaded):
                await self._clock.sleep(AGAIN_S)
            except CallerError as error:
                return f"{len(replies)} replies were not taken: {error.message}"
            else:
                return None


def hops_of(event: Event) -> int:
    """How many replies led to the event; an attribute that is no such number counts as none."""
    value = event.extensions.get(HOPS, 0)
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return max(value, 0)
    # From a header every attribute comes as a string.
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else 0
