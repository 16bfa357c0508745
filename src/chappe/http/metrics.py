"""GET /metrics: counters and figures in Prometheus' text form, or in OpenMetrics', as `Accept` says.

Read when somebody asks and not before, by a thread beside the loop: what grows meanwhile is copied first. What each one means stands in docs/observability.md, which a
test holds to this module.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from chappe.http.exchange import Response
from chappe.http.figures import STATES, Figures
from chappe.kit.counters import Attempts, Counters, Histogram

OTHER = "other"
"""The label of all that has no series of its own."""

Rows = Iterable[tuple[Sequence[str], float]]


class Metrics:
    """A registry of one node's own: two hubs in one process do not mix."""

    def __init__(self, counters: Counters) -> None:
        self._collector = _CountersCollector(counters)
        self._registry = CollectorRegistry()
        self._registry.register(self._collector)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def response(self, figures: Figures, accept: str = "") -> Response:
        """What GET /metrics answers; an unknown `accept` gets the text form."""
        self._collector.figures = figures
        encode, content_type = choose_encoder(accept)
        headers = ((b"content-type", content_type.encode("ascii")), (b"vary", b"accept"))
        return Response(200, encode(self._registry), headers)


class _CountersCollector(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.figures = Figures()

    def collect(self) -> Iterator[Metric]:  # type: ignore[explicit-override]
        yield from _intake(self._counters)
        yield from _delivery(self._counters)
        yield from _subscriptions(self._counters, self.figures)
        yield from _node(self._counters, self.figures)
        yield from _engine(self.figures)


def _intake(counters: Counters) -> Iterator[Metric]:
    channels = [((name,), tally) for name, tally in counters.channels.items()]
    if counters.channels.other is not None:
        channels.append(((OTHER,), counters.channels.other))
    channel = ("channel",)
    yield _counter(
        "chappe_events_accepted",
        "Events acknowledged",
        channel,
        ((labels, tally.events) for labels, tally in channels),
    )
    yield _counter(
        "chappe_duplicates",
        "Events acknowledged that stood before",
        channel,
        ((labels, tally.duplicates) for labels, tally in channels),
    )
    yield _counter(
        "chappe_event_bytes",
        "Bytes of accepted request bodies",
        channel,
        ((labels, tally.event_bytes) for labels, tally in channels),
    )
    stored, violations = counters.stored, counters.violations
    yield _counter(
        "chappe_events_stored",
        "Events that this node wrote to the log",
        ("channel", "type"),
        [
            *((key, count.value) for key, count in stored.items()),
            *([((OTHER, OTHER), stored.other.value)] if stored.other is not None else []),
        ],
    )
    yield _counter(
        "chappe_events_rejected",
        "Publishing requests refused",
        ("code",),
        (((code,), count) for code, count in sorted(counters.rejected.items())),
    )
    yield _counter(
        "chappe_schema_violations",
        "Events that broke the rules of their type",
        ("type", "result"),
        [
            *((key, count.value) for key, count in violations.items()),
            *([((OTHER, OTHER), violations.other.value)] if violations.other is not None else []),
        ],
    )
    yield _histograms(
        "chappe_accept_seconds", "From request to disk", (), [((), counters.accept_s)]
    )


def _delivery(counters: Counters) -> Iterator[Metric]:
    every = counters.attempts.total()
    yield _counter(
        "chappe_deliveries",
        "Delivery attempts by result",
        ("result",),
        (((result,), count) for result, count in sorted(every.ended.items())),
    )
    yield _histograms(
        "chappe_delivery_seconds", "A sink's time to answer", (), [((), every.took_s)]
    )
    one = ("subscription",)
    tallies: list[tuple[tuple[str], Attempts]] = [
        ((name,), tally) for name, tally in counters.attempts.items()
    ]
    if counters.attempts.other is not None:
        tallies.append(((OTHER,), counters.attempts.other))
    yield _counter(
        "chappe_delivery_attempts",
        "Delivery attempts by subscription and outcome",
        ("subscription", "outcome"),
        (
            ((*name, outcome), count)
            for name, tally in tallies
            # Zeros too: a rate needs a sample before the first failure.
            for outcome, count in ({"delivered": 0, "retry": 0} | tally.ended).items()
        ),
    )
    yield _counter(
        "chappe_dead_letters",
        "Events given up",
        one,
        ((name, tally.ended.get("dead-letter", 0)) for name, tally in tallies),
    )
    yield _histograms(
        "chappe_delivery_duration_seconds",
        "A sink's time to answer, by subscription",
        one,
        [(name, tally.took_s) for name, tally in tallies if tally.took_s.total],
    )
    yield _histograms(
        "chappe_end_to_end_latency_seconds",
        "From the event's commit to the sink's answer that it has it",
        one,
        [(name, tally.age_s) for name, tally in tallies if tally.age_s.total],
    )
    yield _counter(
        "chappe_subscriptions_disabled",
        "Subscriptions that were disabled, by reason",
        ("reason",),
        (((reason,), count) for reason, count in tuple(counters.disabled.items())),
    )
    yield _counter(
        "chappe_dead_time_warnings",
        "Subscriptions that came near to being disabled",
        ("percent",),
        (((percent,), count) for percent, count in tuple(counters.dead_time_warnings.items())),
    )
    yield _counter(
        "chappe_lost_blocks",
        "Blocks that retention removed before a lane had read them",
        (),
        [((), counters.lost_blocks)],
    )


def _subscriptions(counters: Counters, figures: Figures) -> Iterator[Metric]:
    found, one = figures.subscriptions, ("subscription",)
    for name, text, read in (
        ("chappe_dead_sinks", "Subscriptions whose breaker is open", counters.dead_sinks),
        ("chappe_lanes_own", "Lanes that read at their own pace", counters.lanes_own),
        ("chappe_open_events", "Events begun and not settled", counters.open_events),
    ):
        yield _gauge(name, text, (), [((), read)])
    yield _gauge(
        "chappe_subscriptions",
        "Subscriptions by state",
        ("state",),
        (((state,), count) for state, count in figures.states),
    )
    yield _gauge(
        "chappe_subscription_state",
        "1 for the state that the subscription is in",
        ("subscription", "state"),
        (
            ((each.name, state), float(each.state == state))
            for each in found
            if each.state is not None
            for state in STATES
        ),
    )
    yield _gauge(
        "chappe_subscription_pending_events",
        "Events taken up and not settled",
        one,
        (((each.name,), each.pending) for each in found),
    )
    yield _gauge(
        "chappe_subscription_lag_blocks",
        "Blocks behind the newest that lanes of their own have not read",
        one,
        (((each.name,), each.lag_blocks) for each in found),
    )
    yield _gauge(
        "chappe_subscription_oldest_unacknowledged_seconds",
        "Age of the oldest event that is not settled",
        one,
        (((each.name,), each.oldest_s) for each in found),
    )
    yield _gauge(
        "chappe_pull_locked_events",
        "Events that consumers of pulled subscriptions hold",
        one,
        (((each.name,), each.locked) for each in found if each.locked or each.name == OTHER),
    )


def _node(counters: Counters, figures: Figures) -> Iterator[Metric]:
    build = InfoMetricFamily("chappe_build", "The hub's version, and the node's name")
    build.add_metric(
        (),
        {
            "version": figures.version,
            "node": figures.node,
            "python": platform.python_version(),
            "engine": figures.engine_version,
        },
    )
    yield build
    for name, text, value in (
        ("chappe_streams_open", "Streams of events that are open", figures.streams),
        ("chappe_streams_limit", "How many may be", figures.max_streams),
        ("chappe_shards_owned", "Shards that this node delivers from", figures.shards_owned),
        ("chappe_shards", "Shards that some node should deliver from", figures.shards),
        ("chappe_registry_revision", "The registry's revision here", figures.registry_revision),
        (
            "chappe_handshakes_failing",
            "Sinks that were asked by this node and have not agreed",
            figures.handshakes_failing,
        ),
    ):
        yield _gauge(name, text, (), [((), value)])
    yield _gauge(
        "chappe_stream_readers",
        "Streams that follow a channel",
        ("channel",),
        (((channel.name,), channel.readers) for channel in figures.channels if channel.readers),
    )
    yield _gauge(
        "chappe_source_state",
        "1 for the state that the source is in at this node",
        ("source", "state"),
        (((source, state), 1) for source, state in figures.sources),
    )
    sources = counters.sources
    yield _counter(
        "chappe_source_messages",
        "Messages read at brokers, by what became of them",
        ("source", "result"),
        [
            *((key, count.value) for key, count in sources.items()),
            *([((OTHER, OTHER), sources.other.value)] if sources.other is not None else []),
        ],
    )
    yield _counter(
        "chappe_registry_writes",
        "Writes to the registry by this node",
        ("result",),
        (((result,), count) for result, count in tuple(counters.registry_writes.items())),
    )
    yield _counter(
        "chappe_http_requests",
        "Requests that published nothing",
        ("method", "status"),
        (
            ((method, str(status)), count)
            for (method, status), count in sorted(counters.requests.items())
        ),
    )


def _engine(figures: Figures) -> Iterator[Metric]:
    yield _gauge(
        "chappe_engine_connected",
        "1 while the engine answers",
        (),
        [((), float(figures.connected))],
    )
    yield _gauge(
        "chappe_engine_embedded",
        "1 where the engine is the hub's own",
        (),
        [((), float(figures.embedded))],
    )
    if figures.disk_free_bytes is not None:
        yield _gauge(
            "chappe_disk_free_bytes",
            "Free space where the private engine stores",
            (),
            [((), figures.disk_free_bytes)],
        )
    yield _gauge(
        "chappe_disk_full",
        "1 while no events are taken in for want of space",
        (),
        [((), float(figures.disk_full))],
    )
    channel = ("channel",)
    yield _gauge(
        "chappe_channel_size_bytes",
        "What the engine stores of a channel",
        channel,
        (((one.name,), one.size_bytes) for one in figures.channels),
    )
    yield _gauge(
        "chappe_channel_size_limit_bytes",
        "How much it may store; 0: no limit",
        channel,
        (((one.name,), one.max_bytes) for one in figures.channels),
    )
    yield _gauge(
        "chappe_channel_blocks",
        "Blocks of a channel that are kept",
        channel,
        (((one.name,), one.blocks) for one in figures.channels),
    )


def _counter(name: str, text: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _gauge(name: str, text: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _histograms(
    name: str, text: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], Histogram]]
) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, histogram in rows:
        family.add_metric(values, _buckets(histogram), histogram.sum_s)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    total = 0
    bounds = (*histogram.bounds_s, "+Inf")
    for number, (bound_s, count) in enumerate(zip(bounds, histogram.counts, strict=True)):
        total += count
        shown = histogram.exemplars.get(number)
        if shown is None:
            buckets.append((str(bound_s), total))
        else:
            exemplar = Exemplar({"trace_id": shown.trace_id}, shown.seconds, shown.at_s)
            buckets.append((str(bound_s), total, exemplar))
    return buckets
