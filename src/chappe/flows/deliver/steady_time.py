"""Unix time that goes on where the machine's clock is set: what is due in a second stays due in a second."""

from __future__ import annotations

from typing import Final

from chappe.ports.clock import Clock

JUMP_MS: Final = 1_000
"""The clock was set when it is off the monotonic one by more than so much; less is drift."""


class SteadyTime:
    """The wall clock's time as of the start, carried on by the monotonic clock after any jump."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base_ms = self._since_monotonic_ms()
        self._set_by_ms = 0

    def now_ms(self) -> int:
        """Unix, ms; the wall clock's own as long as nobody sets that."""
        jump_ms = self._since_monotonic_ms() - self._base_ms - self._set_by_ms
        if abs(jump_ms) > JUMP_MS:
            self._set_by_ms += jump_ms
        return self._clock.now_ms() - self._set_by_ms

    def _since_monotonic_ms(self) -> int:
        return self._clock.now_ms() - round(self._clock.monotonic_s() * 1000)
