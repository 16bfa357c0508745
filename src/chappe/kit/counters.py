"""What the hub counts, as plain numbers: an increment costs nothing; exporting is others' work."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

# From the cost of one group commit on a fast disk to the longest that a caller waits.
LATENCY_BOUNDS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip


class Histogram:
    """Durations in buckets with fixed upper bounds (seconds), the last one open."""

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float] = LATENCY_BOUNDS_S) -> None:
        self.bounds_s = tuple(bounds_s)
        self.counts = [0] * (len(self.bounds_s) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds_s, seconds)] += 1
        self.sum_s += seconds

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def quantile_s(self, share: float) -> float | None:
        """The upper bound of the bucket that holds the quantile; None without any durations.

        What lies beyond the last bound is given as the last bound.
        """
        rank, seen = share * self.total, 0
        if not self.total:
            return None
        for bound_s, count in zip(self.bounds_s, self.counts, strict=False):
            seen += count
            if seen >= rank:
                return bound_s
        return self.bounds_s[-1]


class Counters:
    """One per node. Flows add to the fields; gauges are set."""

    __slots__ = (
        "accept_s",
        "accepted",
        "dead_sinks",
        "dead_time_warnings",
        "deliveries",
        "delivery_s",
        "disabled",
        "duplicates",
        "event_bytes",
        "lanes_own",
        "lost_blocks",
        "open_events",
        "rejected",
    )

    def __init__(self) -> None:
        self.accepted = 0
        """Events acknowledged, duplicates among them."""
        self.duplicates = 0
        """Events acknowledged with the position of an earlier one."""
        self.event_bytes = 0
        """Bytes of request bodies whose events were acknowledged."""
        self.rejected: defaultdict[str, int] = defaultdict(int)
        """Publishing requests refused, by error code."""
        self.accept_s = Histogram()
        """From the whole request read to the event on disk."""
        self.deliveries: defaultdict[str, int] = defaultdict(int)
        """Attempts, by result (domain/attempt.Result)."""
        self.delivery_s = Histogram()
        """From the attempt's start to the sink's answer."""
        self.dead_sinks = 0
        """Gauge: subscriptions whose sink only fails, and is asked by probes alone."""
        self.dead_time_warnings: defaultdict[str, int] = defaultdict(int)
        """Subscriptions that came that near to being disabled, by percent of their time."""
        self.disabled: defaultdict[str, int] = defaultdict(int)
        """Subscriptions that were disabled: gone (410) or dead (nothing but failures)."""
        self.lost_blocks = 0
        """Blocks that retention removed before a lane had read them."""
        self.lanes_own = 0
        """Gauge: lanes that read at their own pace."""
        self.open_events = 0
        """Gauge: events begun and not settled."""
