"""The two receivers of the demo: one takes everything at once, one is as services are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from chappe.testing.http_sink import Received, Reply

TAKEN = Reply(204)
BROKEN = Reply(503)
BUSY = Reply(429, headers=[("Retry-After", "1")])

EVERY = 3
BUSY_AT = 5


@dataclass(slots=True)
class Sink:
    """Counts what came: `tries` by event id, and the ids that it `took`."""

    name: str
    manner: str
    shaky: bool = False
    tries: Counter[str] = field(default_factory=Counter)
    took: set[str] = field(default_factory=set)
    asked_to_wait: str | None = None

    @property
    def retried(self) -> int:
        """How many events it did not take at the first try."""
        return sum(1 for count in self.tries.values() if count > 1)

    @property
    def hardest(self) -> str:
        """The event that took it longest to take."""
        return self.asked_to_wait or max(self.tries, key=lambda id_: self.tries[id_])

    def answer(self, request: Received) -> Reply:
        """What to say to this request."""
        id_ = request.header("ce-id") or "?"
        self.tries[id_] += 1
        reply = self._first(id_) if self.shaky and self.tries[id_] == 1 else TAKEN
        if reply is TAKEN:
            self.took.add(id_)
        return reply

    def _first(self, id_: str) -> Reply:
        seen = len(self.tries)
        if seen == BUSY_AT:
            self.asked_to_wait = id_
            return BUSY
        return BROKEN if seen % EVERY == 0 else TAKEN
