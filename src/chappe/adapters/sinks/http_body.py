"""An attempt's Content-Type and body where it is not in binary mode: structured, or batched.

envelopeoptions {"mode": "structured"}              content-type: application/cloudevents+json
batching {} or envelopeoptions {"mode": "batched"}  content-type: application/cloudevents-batch+json
"""

from __future__ import annotations

from chappe.adapters.sinks.http_fields import joined
from chappe.adapters.sinks.http_request import BadSubscription
from chappe.domain.errors import UnsupportedFormat
from chappe.formats.cloudevents_http import encode_batch, encode_structured
from chappe.formats.event_formats import BY_MEDIA_TYPE
from chappe.ports.sink import Attempt

Encoded = tuple[tuple[bytes, int], bytes]
"""Header lines with their number, and the body."""


def whole_events(attempt: Attempt) -> Encoded | None:
    """The events as whole documents; None where the subscription wants binary mode.

    Raises:
        BadSubscription: the format cannot carry an event.
    """
    batch = attempt.batch
    options = attempt.subscription.options.envelopeoptions
    if batch is None and options.mode != "structured":
        return None
    format_ = BY_MEDIA_TYPE.get(options.format.lower())
    if format_ is None:
        raise BadSubscription(f"envelopeoptions.format: {options.format!r} is not known")
    try:
        if batch is None:
            headers, body = encode_structured(attempt.event, format_)
        else:
            headers, body = encode_batch(batch, format_)
    except UnsupportedFormat as error:
        raise BadSubscription(f"event {attempt.event.id!r}: {error.message}") from error
    return joined(headers), body
