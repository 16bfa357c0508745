"""The counters in Prometheus' text form, read when somebody asks and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from chappe.http.exchange import Response
from chappe.kit.counters import Counters, Histogram


class Metrics:
    """A registry of one node's own: two hubs in one process do not mix."""

    def __init__(self, counters: Counters) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_CountersCollector(counters))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def response(self) -> Response:
        """What GET /metrics answers."""
        content_type = CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")
        return Response(200, generate_latest(self._registry), ((b"content-type", content_type),))


class _CountersCollector(Collector):
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:  # type: ignore[explicit-override]
        counters = self._counters
        yield CounterMetricFamily(
            "chappe_events_accepted", "Events acknowledged", value=counters.accepted
        )
        yield CounterMetricFamily(
            "chappe_duplicates", "Events acknowledged that stood before", value=counters.duplicates
        )
        yield CounterMetricFamily(
            "chappe_event_bytes", "Bytes of accepted request bodies", value=counters.event_bytes
        )
        yield _labelled(
            "chappe_events_rejected", "Publishing requests refused", "code", counters.rejected
        )
        yield _histogram("chappe_accept_seconds", "From request to disk", counters.accept_s)
        yield _labelled(
            "chappe_deliveries", "Delivery attempts by result", "result", counters.deliveries
        )
        yield _histogram("chappe_delivery_seconds", "A sink's time to answer", counters.delivery_s)
        yield _labelled(
            "chappe_subscriptions_disabled",
            "Subscriptions that were disabled, by reason",
            "reason",
            counters.disabled,
        )
        yield _labelled(
            "chappe_dead_time_warnings",
            "Subscriptions that came near to being disabled",
            "percent",
            counters.dead_time_warnings,
        )
        yield GaugeMetricFamily(
            "chappe_dead_sinks", "Subscriptions whose breaker is open", value=counters.dead_sinks
        )
        yield CounterMetricFamily(
            "chappe_lost_blocks",
            "Blocks that retention removed before a lane had read them",
            value=counters.lost_blocks,
        )
        yield GaugeMetricFamily(
            "chappe_lanes_own", "Lanes that read at their own pace", value=counters.lanes_own
        )
        yield GaugeMetricFamily(
            "chappe_open_events", "Events begun and not settled", value=counters.open_events
        )


def _labelled(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound_s, count in zip((*histogram.bounds_s, "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((str(bound_s), total))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.sum_s)
