"""Where events come from that nobody posts: brokers that are read, with their acknowledgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from chappe.domain.event import Event
from chappe.domain.source import Source


class Intake(Protocol):
    """The hub's door for one run of a source. An event that came through it is on disk.

    After it raised, it raises always: what is behind an event that could not be stored must not
    overtake it. So let the error end the run; the caller runs the source again.
    """

    async def take(self, event: Event) -> None:
        """Done once the event is on disk, or was refused for good and set aside.

        Events that are taken concurrently may be committed together; those of one key stand in the
        log in the order of the calls (of tasks: in which they were started).

        Raises:
            Unavailable, Overloaded: not now; the message must come again.
        """
        ...

    async def set_aside(self, reason: str, payload: bytes, details: Mapping[str, str]) -> None:
        """A message that is no CloudEvent, or a broken one: done once that is recorded on disk.

        `details` say where it came from (topic, partition, offset, headers).

        Raises:
            Unavailable, Overloaded: not now; the message must come again.
        """
        ...


class EventSource(Protocol):
    """One source at somebody else's broker."""

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        """Receive until cancelled. A message is acknowledged to the broker only after `take` or
        `set_aside` returned for it; what is not acknowledged comes again: at least once.

        `ready` is called once the broker has let us in and reading has begun. Cancelling leaves the
        broker in an orderly way, within a few seconds.

        Raises:
            Unavailable: the broker cannot be reached or refuses us, or the intake raised it; the
                caller waits and runs it again. What was not acknowledged comes again then.
        """
        ...


OpenSource: TypeAlias = Callable[[Source], EventSource]
"""Makes the reader of a source; connects to nothing yet."""
