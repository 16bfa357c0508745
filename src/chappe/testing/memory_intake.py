"""A door for sources that keeps what comes in memory, and shuts as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.ports.event_source import Intake


@dataclass(frozen=True, slots=True)
class SetAside:
    """A message that was no event."""

    reason: str
    payload: bytes
    details: Mapping[str, str]


async def _open(event: Event) -> None:
    """Takes everything."""


class MemoryIntake:
    """`taken` and `aside` in the order in which they came.

    `before` runs before an event is kept: it may wait, or raise Unavailable. After that, everything
    is refused, as the port says.
    """

    def __init__(self, before: Callable[[Event], Awaitable[None]] = _open) -> None:
        self._before = before
        self._broken: Unavailable | None = None
        self._changed = asyncio.Event()
        self.taken: list[Event] = []
        self.aside: list[SetAside] = []

    @property
    def ids(self) -> list[str]:
        """The ids of the events that were taken."""
        return [event.id for event in self.taken]

    async def take(self, event: Event) -> None:
        """Keep an event."""
        self._check_open()
        try:
            await self._before(event)
        except Unavailable as error:
            self._broken = error
            raise
        self.taken.append(event)
        self._changed.set()

    async def set_aside(self, reason: str, payload: bytes, details: Mapping[str, str]) -> None:
        """Keep a message that is no event."""
        self._check_open()
        self.aside.append(SetAside(reason, payload, details))
        self._changed.set()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 20.0) -> None:
        """Wait until the condition holds; it is looked at after each message.

        Raises:
            TimeoutError: it did not hold within `within_s` seconds.
        """
        async with asyncio.timeout(within_s):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _check_open(self) -> None:
        if self._broken is not None:
            raise Unavailable(f"an event before this one could not be stored: {self._broken}")


_: type[Intake] = MemoryIntake
