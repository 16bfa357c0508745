"""A circuit breaker: whether a sink is asked at all. Pure; times are seconds of one clock.

closed ── `failures` in a row ──► open ── its pause is over ──► half-open: one probe goes through
  ▲                                ▲                                │
  ├──────── any success ◄──────────┼──────── it succeeded ◄─────────┤
                                   └── it failed: twice the pause ◄─┘
"""

from __future__ import annotations

from dataclasses import dataclass

from chappe.domain.options import Breaker as Settings


@dataclass(slots=True)
class Breaker:
    """The breaker of one sink; what is under way is counted by who asks."""

    settings: Settings
    failures: int = 0
    pause_s: float = 0.0
    until_s: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the sink is known dead: open, or half-open while a probe is under way."""
        return self.until_s is not None

    def allows_probe(self, now_s: float) -> bool:
        """Whether an open breaker lets one attempt through."""
        return self.until_s is not None and now_s >= self.until_s

    def succeeded(self) -> bool:
        """The sink answered that it is well; whether that closed the breaker."""
        self.failures = 0
        if self.until_s is None:
            return False
        self.until_s = None
        self.pause_s = 0.0
        return True

    def failed(self, now_s: float, drawn: float) -> bool:
        """An attempt failed; whether the sink is asked no more until `until_s`.

        `drawn` is a random number in [0, 1): the probe comes within the second half of the pause, so
        that a thousand subscriptions of one dead sink do not probe it together. A failure of what was
        under way when the breaker opened changes nothing.
        """
        if self.until_s is not None:
            if now_s < self.until_s:
                return False
            self._open(now_s, min(self.pause_s * 2, self.settings.max_open_s), drawn)
            return True
        self.failures += 1
        if self.failures < self.settings.failures:
            return False
        self._open(now_s, min(self.settings.open_s, self.settings.max_open_s), drawn)
        return True

    def resume_open(self, now_s: float) -> None:
        """The sink was known dead when this node took over: the next attempt is a probe."""
        if self.until_s is None:
            self.until_s = now_s
            self.pause_s = min(self.settings.open_s, self.settings.max_open_s) / 2

    def _open(self, now_s: float, pause_s: float, drawn: float) -> None:
        self.pause_s = pause_s
        self.until_s = now_s + pause_s * (0.5 + drawn / 2)
