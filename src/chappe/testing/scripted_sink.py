"""A sink that answers as the test says, and remembers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from chappe.domain.delivery import Delivered, Outcome
from chappe.ports.clock import Clock
from chappe.ports.sink import Attempt, Sink


class ScriptedSink:
    """`answer(attempt)` gives each outcome; without it everything is taken.

    `attempts` are all that came, with the time of each in `times_s` (the clock's monotonic seconds).
    """

    def __init__(
        self,
        clock: Clock,
        answer: Callable[[Attempt], Outcome] = lambda attempt: Delivered(204),
        *,
        takes_s: float = 0.0,
    ) -> None:
        self._clock = clock
        self._answer = answer
        self._takes_s = takes_s
        self.attempts: list[Attempt] = []
        self.times_s: list[float] = []
        self.delivered: defaultdict[str, list[str]] = defaultdict(list)

    async def send(self, attempt: Attempt) -> Outcome:
        """Take the script's answer."""
        self.attempts.append(attempt)
        self.times_s.append(self._clock.monotonic_s())
        await self._clock.sleep(self._takes_s)
        outcome = self._answer(attempt)
        if isinstance(outcome, Delivered):
            self.delivered[attempt.subscription.id] += [one.id for one in attempt.events]
        return outcome

    async def close(self) -> None:
        """Nothing is open."""


_: type[Sink] = ScriptedSink
