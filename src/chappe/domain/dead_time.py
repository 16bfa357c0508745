"""How long a subscription has seen nothing but failures, and when that is too long. Pure.

first failure ─── 50 % ─── 70 % ─── 90 % ─── `disable_after_s`: delivery stops
                  a warning each
"""

from __future__ import annotations

from dataclasses import dataclass

WARN_PERCENT = (50, 70, 90)


@dataclass(slots=True)
class DeadTime:
    """Since when (Unix ms) nothing has been delivered though it was tried; None: it works."""

    since_ms: int | None = None
    warned: int = 0

    def failed(self, now_ms: int, after_s: float) -> int | None:
        """An attempt delivered nothing: the percentage of `after_s` that is newly reached, if any.

        100 means that it is over. With `after_s` 0 it never is.
        """
        if self.since_ms is None or self.since_ms > now_ms:
            self.since_ms = now_ms
        if not after_s:
            return None
        percent = (now_ms - self.since_ms) / (after_s * 10.0)
        if percent >= 100:
            return 100
        reached = max((one for one in WARN_PERCENT if percent >= one), default=0)
        if reached <= self.warned:
            return None
        self.warned = reached
        return reached

    def resume(self, since_ms: int) -> None:
        """What an earlier owner knew: it has failed at least since then."""
        if self.since_ms is None or since_ms < self.since_ms:
            self.since_ms = since_ms

    def succeeded(self) -> None:
        """It works."""
        self.since_ms = None
        self.warned = 0
