"""What the hub counts, as plain numbers: an increment costs nothing; exporting is others' work."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from chappe.kit.series import Series

# From the cost of one group commit on a fast disk to the longest that a caller waits.
LATENCY_BOUNDS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip


# Fewer, as each subscription has them: a sink's quick answer, up to one that waited for retries.
DELIVERY_BOUNDS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
AGE_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3600.0)

SERIES_LIMIT = 200
"""Subscriptions, types and the like that are counted one by one where no setting says how many."""


class Exemplar(NamedTuple):
    """One duration of a bucket, with its trace: (seconds, 32 hex digits, Unix seconds)."""

    seconds: float
    trace_id: str
    at_s: float


class Histogram:
    """Durations in buckets with fixed upper bounds (seconds), the last one open."""

    __slots__ = ("bounds_s", "counts", "exemplars", "sum_s")

    def __init__(self, bounds_s: Sequence[float] = LATENCY_BOUNDS_S) -> None:
        self.bounds_s = tuple(bounds_s)
        self.counts = [0] * (len(self.bounds_s) + 1)
        self.sum_s = 0.0
        self.exemplars: dict[int, Exemplar] = {}
        """The last traced duration of a bucket, by its number."""

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds_s, seconds)] += 1
        self.sum_s += seconds

    def exemplify(self, exemplar: Exemplar) -> None:
        """Remember a duration that was counted as an example of its bucket."""
        self.exemplars[bisect_left(self.bounds_s, exemplar.seconds)] = exemplar

    def add(self, other: Histogram) -> None:
        """Count what another one of the same bounds has counted."""
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.sum_s += other.sum_s

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


class Accepted:
    """What one channel has taken in."""

    __slots__ = ("duplicates", "event_bytes", "events")

    def __init__(self) -> None:
        self.events = 0
        """Events acknowledged, duplicates among them."""
        self.duplicates = 0
        """Events acknowledged with the position of an earlier one."""
        self.event_bytes = 0
        """Bytes of request bodies whose events were acknowledged."""

    def add(self, other: Accepted) -> None:
        """Count what another has counted."""
        self.events += other.events
        self.duplicates += other.duplicates
        self.event_bytes += other.event_bytes


class Attempts:
    """What one subscription's deliveries came to."""

    __slots__ = ("age_s", "ended", "took_s")

    def __init__(self) -> None:
        self.ended: defaultdict[str, int] = defaultdict(int)
        """Attempts, by result (domain/attempt.Result)."""
        self.took_s = Histogram(DELIVERY_BOUNDS_S)
        """From the attempt's start to the sink's answer."""
        self.age_s = Histogram(AGE_BOUNDS_S)
        """From the event's commit to the sink's answer that it has it."""

    def add(self, other: Attempts) -> None:
        """Count what another has counted."""
        for result, count in tuple(other.ended.items()):
            self.ended[result] += count
        self.took_s.add(other.took_s)
        self.age_s.add(other.age_s)


class Count:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, other: Count) -> None:
        """Count what another has counted."""
        self.value += other.value


class Counters:
    """One per node. Flows add to the fields; gauges are set.

    At most `series` values of a label (channels, types, subscriptions, sources) are counted one by
    one; those that come later share a tally (`Series`).
    """

    __slots__ = (
        "accept_s",
        "attempts",
        "channels",
        "dead_sinks",
        "dead_time_warnings",
        "disabled",
        "lanes_own",
        "lost_blocks",
        "open_events",
        "registry_writes",
        "rejected",
        "requests",
        "sources",
        "stored",
        "violations",
    )

    def __init__(self, series: int = SERIES_LIMIT) -> None:
        self.channels: Series[str, Accepted] = Series(Accepted, series)
        """By channel."""
        self.rejected: defaultdict[str, int] = defaultdict(int)
        """Publishing requests refused, by error code."""
        self.accept_s = Histogram()
        """From the whole request read to the event on disk."""
        self.stored: Series[tuple[str, str], Count] = Series(Count, series)
        """Events that this node wrote to the log, by channel and type."""
        self.violations: Series[tuple[str, str], Count] = Series(Count, series)
        """Events that broke the rules of their type, by type and what became of them (Accept)."""
        self.attempts: Series[str, Attempts] = Series(Attempts, series)
        """By subscription."""
        self.sources: Series[tuple[str, str], Count] = Series(Count, series)
        """Messages read at brokers, by source and by what became of them (taken, set-aside)."""
        self.registry_writes: defaultdict[str, int] = defaultdict(int)
        """Writes to the registry by this node: written, conflict (another node was faster)."""
        self.requests: defaultdict[tuple[str, int], int] = defaultdict(int)
        """Requests that published nothing, by method and status."""
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

    @property
    def accepted(self) -> int:
        """Events acknowledged by all channels, duplicates among them."""
        return self.channels.total().events

    @property
    def duplicates(self) -> int:
        """Those of them that stood before."""
        return self.channels.total().duplicates

    @property
    def delivery_s(self) -> Histogram:
        """The sinks' times to answer, of all subscriptions."""
        return self.attempts.total().took_s

    def wrote(self, result: str) -> None:
        """A write to the registry ended."""
        self.registry_writes[result] += 1

    def violated(self, type: str, result: str) -> None:
        """An event broke the rules of its type: warn, quarantine or refuse."""
        self.violations.of((type, result)).value += 1

    def validity(self, channel: str, type: str) -> tuple[int, int] | None:
        """Events of a type that came to this node, and how many of them broke its rules; None: not counted.

        What was refused or held back is not stored in the channel, and came all the same.
        """
        stored = self.stored.find((channel, type))
        found = {one: self.violations.find((type, one)) for one in ("warn", "quarantine", "refuse")}
        broken = {one: 0 if count is None else count.value for one, count in found.items()}
        if stored is None and not any(broken.values()):
            return None
        # Events are counted as stored a moment after they were judged.
        taken = max(0 if stored is None else stored.value, broken["warn"])
        return taken + broken["quarantine"] + broken["refuse"], sum(broken.values())

    def read(self, source: str, taken: int, set_aside: int) -> None:
        """So many messages of a source were read."""
        self.sources.of((source, "taken")).value += taken
        self.sources.of((source, "set-aside")).value += set_aside
