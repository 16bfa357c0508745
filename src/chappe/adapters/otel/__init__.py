"""Traces by OpenTelemetry: the extra `otel`."""
