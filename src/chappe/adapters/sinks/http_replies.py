"""The events that a 2xx answer may carry, in any mode and format of the HTTP binding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.domain.delivery import Delivered
from chappe.domain.errors import CallerError
from chappe.formats.cloudevents_http import decode

MOST_BYTES: Final = 1_048_576
"""The largest body of an answer that is read for its events."""

_MARK: Final = b"ce-specversion"
_STRUCTURED: Final = b"application/cloudevents"


def delivered_with_replies(
    status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> Delivered:
    """The outcome of an answer whose events are asked for; one that is no event says nothing."""
    lowered = [(name.lower(), value) for name, value in headers]
    if not any(
        name == _MARK or (name == b"content-type" and value.lower().startswith(_STRUCTURED))
        for name, value in lowered
    ):
        return Delivered(status)
    if len(body) > MOST_BYTES:
        return Delivered(status, note=f"the reply was dropped: more than {MOST_BYTES} bytes")
    try:
        found = decode(lowered, body)
    except CallerError as error:
        return Delivered(status, note=f"the reply was dropped: {error.message}")
    return Delivered(status, replies=tuple(found) if isinstance(found, list) else (found,))
