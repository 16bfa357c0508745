"""Where spans are sent: OTLP over HTTP with Protobuf, to OTEL_EXPORTER_OTLP_ENDPOINT."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from chappe.adapters.otel.tracing import OtelTracing


def otlp_tracing(*, node: str, version: str) -> OtelTracing:
    """Tracing with the exporter that the environment describes."""
    return OtelTracing(node=node, version=version, exporter=OTLPSpanExporter())
