"""The trace context of a request: W3C's headers `traceparent` and `tracestate`."""

from __future__ import annotations

from collections.abc import Sequence

from chappe.domain.trace_context import TraceContext, parse
from chappe.http.exchange import Header, find_header


def hop_of(headers: Sequence[Header]) -> TraceContext | None:
    """What the caller says of its span; None where it says nothing that can be read."""
    parent = find_header(headers, b"traceparent")
    if parent is None:
        return None
    state = find_header(headers, b"tracestate")
    return parse(parent.decode("latin-1"), None if state is None else state.decode("latin-1"))


def trace_id_of(headers: Sequence[Header]) -> str | None:
    """The trace id for the log, whether or not anything is traced here."""
    hop = hop_of(headers)
    return None if hop is None else hop.trace_id
