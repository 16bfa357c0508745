"""Time, given in."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Clock(Protocol):
    """All waiting in flows goes through here, so that tests can turn the hands."""

    def now_ms(self) -> int:
        """Unix time in milliseconds (UTC)."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go backwards; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait until the event is set, at most that long; tells whether it is set."""
        ...
