"""The header lines of one event in binary mode; what many events share is encoded once.

    ce-id: 7 | ce-specversion: 1.0 | ce-source: /s | ce-type: t | content-type: application/json |

where each | is a line's end. The lines are those of `cloudevents_http.encode_binary`, in another order
and at a third of the time: an event is encoded for every try to deliver it.
"""

from __future__ import annotations

from chappe.domain.event import Event, canonical
from chappe.formats.cloudevents_headers import encode_value
from chappe.formats.cloudevents_http import encode_binary

SHARED = 4_096
"""So many lines are kept, of at most `SHARED_BYTES` each; a flood of others costs time, no memory."""

SHARED_BYTES = 1_024

_Lines = tuple[bytes, int]
_shared: dict[tuple[str, str, str, str | None], _Lines] = {}


def binary_lines(event: Event, media_type: str) -> tuple[bytes, int]:
    """The lines of the event, whose payload is of `media_type`; and how many they are."""
    key = (event.source, event.type, media_type, event.dataschema)
    known = _shared.get(key)
    lines, count = _make_shared(*key) if known is None else known
    lines = b"ce-id: %b\r\n%b" % (encode_value(event.id), lines)
    if event.time is not None or event.subject is not None or event.extensions:
        own = _own_lines(event)
        return lines + b"".join(own), count + 1 + len(own)
    return lines, count + 1


def joined(fields: list[tuple[bytes, bytes]]) -> tuple[bytes, int]:
    """The lines of these headers; and how many they are."""
    return b"".join([b"%b: %b\r\n" % field for field in fields]), len(fields)


def _make_shared(source: str, type_: str, media_type: str, dataschema: str | None) -> _Lines:
    """The lines of what does not tell one event from the next."""
    event = Event(
        id="-", source=source, type=type_, datacontenttype=media_type, dataschema=dataschema
    )
    fields, _ = encode_binary(event)
    made = joined([field for field in fields if field[0] != b"ce-id"])
    if len(made[0]) <= SHARED_BYTES:
        if len(_shared) >= SHARED:
            _shared.clear()
        _shared[source, type_, media_type, dataschema] = made
    return made


def _own_lines(event: Event) -> list[bytes]:
    """The lines of all that differs from event to event, but for the id."""
    lines: list[bytes] = []
    if event.time is not None:
        lines.append(b"ce-time: %b\r\n" % encode_value(event.time))
    if event.subject is not None:
        lines.append(b"ce-subject: %b\r\n" % encode_value(event.subject))
    for name, value in event.extensions.items():
        text = value if isinstance(value, str) else canonical(value)
        lines.append(b"ce-%b: %b\r\n" % (name.encode("ascii"), encode_value(text)))
    return lines
