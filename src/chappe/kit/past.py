"""What a node did in the last hour, a number each quarter of a minute: for a look without a Prometheus.

past = Past();  past.note(counters, 1_700_000_015_000, cpu_s=4.2)  ->  past.moments[-1].accepted_a_second
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.kit.counters import Counters, Histogram

EVERY_S: Final = 15.0
MOST: Final = 240
"""So one hour; some 50 kB."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What went on until `at_ms` (Unix) since the moment before: rates a second, times in seconds.

    `cpu` is the share of one core. Times are the upper bounds of their buckets, None where nothing
    was measured.
    """

    at_ms: int
    accepted: float
    delivered: float
    failed: float
    open: int
    cpu: float
    accept_p50_s: float | None
    accept_p99_s: float | None
    delivery_p50_s: float | None
    delivery_p99_s: float | None


@dataclass(frozen=True, slots=True)
class _Totals:
    at_ms: int
    cpu_s: float
    accepted: int
    delivered: int
    attempts: int
    accept: Sequence[int]
    delivery: Sequence[int]


class Past:
    """Keeps the moments, the oldest first."""

    def __init__(self, most: int = MOST) -> None:
        self.moments: deque[Moment] = deque(maxlen=most)
        self._before: _Totals | None = None

    def note(self, counters: Counters, at_ms: int, *, cpu_s: float) -> None:
        """Look at the counters; the first look is what the next ones are compared with."""
        attempts = counters.attempts.total()
        now = _Totals(
            at_ms,
            cpu_s,
            counters.accepted,
            attempts.ended.get("delivered", 0),
            sum(attempts.ended.values()),
            tuple(counters.accept_s.counts),
            tuple(attempts.took_s.counts),
        )
        before, self._before = self._before, now
        if before is None or at_ms <= before.at_ms:
            return
        seconds = (at_ms - before.at_ms) / 1000
        delivered = now.delivered - before.delivered
        accept = _between(counters.accept_s, before.accept)
        delivery = _between(attempts.took_s, before.delivery)
        self.moments.append(
            Moment(
                at_ms,
                (now.accepted - before.accepted) / seconds,
                delivered / seconds,
                (now.attempts - before.attempts - delivered) / seconds,
                counters.open_events,
                (cpu_s - before.cpu_s) / seconds,
                accept.quantile_s(0.5),
                accept.quantile_s(0.99),
                delivery.quantile_s(0.5),
                delivery.quantile_s(0.99),
            )
        )


def _between(now: Histogram, before: Sequence[int]) -> Histogram:
    """What a histogram counted since."""
    found = Histogram(now.bounds_s)
    found.counts = [one - other for one, other in zip(now.counts, before, strict=True)]
    return found
