"""The counters in Prometheus' text form, read when somebody asks and not before."""

from __future__ import annotations

from collections.abc import Iterator

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
        rejected = CounterMetricFamily(
            "chappe_events_rejected", "Publishing requests refused", labels=["code"]
        )
        for code, count in sorted(counters.rejected.items()):
            rejected.add_metric([code], count)
        yield rejected
        yield _histogram("chappe_accept_seconds", "From request to disk", counters.accept_s)
        deliveries = CounterMetricFamily(
            "chappe_deliveries", "Delivery attempts by result", labels=["result"]
        )
        for result, count in sorted(counters.deliveries.items()):
            deliveries.add_metric([result], count)
        yield deliveries
        yield _histogram("chappe_delivery_seconds", "A sink's time to answer", counters.delivery_s)
        yield GaugeMetricFamily(
            "chappe_lanes_own", "Lanes that read at their own pace", value=counters.lanes_own
        )
        yield GaugeMetricFamily(
            "chappe_open_events", "Events begun and not settled", value=counters.open_events
        )


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound_s, count in zip((*histogram.bounds_s, "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((str(bound_s), total))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=histogram.sum_s)
