"""A clock whose hands are turned by the test: hours of retries pass in milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from chappe.ports.clock import Clock

SPINS = 60
"""Turns of the loop in which everything that can go on without time passing has gone on."""


class FakeClock:
    """Stands still until `until` or `advance` moves it."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = start_ms
        self._passed_s = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """The start, and what has passed since."""
        return self._start_ms + round(self._passed_s * 1000)

    def monotonic_s(self) -> float:
        """What has passed."""
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the hands have moved that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        await self._timer(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait until the event is set or the hands have moved that far."""
        timer = self._timer(max(timeout_s, 0.0))
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((timer, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waiting.cancel()
        return event.is_set()

    async def until(self, condition: Callable[[], bool], *, limit_s: float = 86_400.0) -> None:
        """Let time pass, from timer to timer, until the condition holds.

        Raises:
            AssertionError: it did not within `limit_s`, or nothing waits for time any more.
        """
        end_s = self._passed_s + limit_s
        while not await self._holds(condition):
            while self._timers and self._timers[0][2].done():
                heapq.heappop(self._timers)
            assert self._timers, "nothing waits for time, and the condition does not hold"
            assert self._timers[0][0] <= end_s, f"the condition does not hold after {limit_s} s"
            self._jump(self._timers[0][0])

    async def advance(self, seconds: float) -> None:
        """Let exactly that much time pass."""
        end_s = self._passed_s + seconds
        await self._holds(lambda: False)
        while self._timers and self._timers[0][0] <= end_s:
            self._jump(self._timers[0][0])
            await self._holds(lambda: False)
        self._passed_s = end_s
        await self._holds(lambda: False)

    def _timer(self, seconds: float) -> asyncio.Future[None]:
        timer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._timers, (self._passed_s + seconds, next(self._order), timer))
        return timer

    def _jump(self, to_s: float) -> None:
        self._passed_s = max(self._passed_s, to_s)
        while self._timers and self._timers[0][0] <= to_s:
            timer = heapq.heappop(self._timers)[2]
            if not timer.done():
                timer.set_result(None)

    async def _holds(self, condition: Callable[[], bool]) -> bool:
        for _ in range(SPINS):
            if condition():
                return True
            await asyncio.sleep(0)
        return condition()


_: type[Clock] = FakeClock
