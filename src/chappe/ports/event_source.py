"""Where events come from that nobody posts: brokers that are read, with their acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chappe.domain.event import Event


class Intake(Protocol):
    """The hub's door for a source. An event that came through it is on disk."""

    async def take(self, event: Event) -> None:
        """Done once the event is on disk, or was refused for good and set aside.

        Events that are taken concurrently may be committed together; those of one key stand in the
        log in the order of the calls.

        Raises:
            Unavailable, Overloaded: not now; keep it and try again.
        """
        ...

    async def set_aside(self, reason: str, payload: bytes, details: Mapping[str, str]) -> None:
        """A message that is no CloudEvent, or a broken one: done once that is recorded on disk.

        `details` say where it came from (topic, partition, offset, headers).

        Raises:
            Unavailable, Overloaded: not now; keep it and try again.
        """
        ...


class EventSource(Protocol):
    """One subscription at somebody else's broker."""

    async def run(self, intake: Intake) -> None:
        """Receive until cancelled. A message is acknowledged to the broker only after `take` or
        `set_aside` returned for it; what is not acknowledged comes again: at least once.

        Raises:
            Unavailable: the broker cannot be reached or refuses us; the caller waits and runs it
                again. What was not acknowledged comes again then.
        """
        ...
