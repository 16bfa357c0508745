"""CloudEvents over NATS: messages <-> events (nats-protocol-binding.md).

    Content-Type: application/cloudevents+json   structured: the payload is the event in JSON
    ce- headers                                  binary: the payload is the data
    no headers at all                            structured: a server before 2.2 has none

The values of headers are percent-encoded as in HTTP. `datacontenttype` is a header as all attributes
are, `ce-datacontenttype`: Content-Type only tells the mode.
"""

from __future__ import annotations

from typing import Final

from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent, UnsupportedFormat
from chappe.domain.event import Event, canonical
from chappe.formats.cloudevents_headers import decode_value, encode_value
from chappe.formats.content_type import content_type_of, structured_format
from chappe.formats.event_draft import Draft
from chappe.formats.event_formats import JSON, MEDIA_TYPE, Format

SECTION: Final = "nats-protocol-binding.md 3.1.2"

_FIRST: Final = b"NATS/1.0\r\n"
_STRUCTURED: Final = b"NATS/1.0\r\nContent-Type: application/cloudevents+json\r\n\r\n"


def encode_binary(event: Event) -> tuple[bytes, bytes]:
    r"""The header block (NATS/1.0\r\n…\r\n\r\n) and the payload; no data is an empty payload.

    What NATS cannot carry comes back changed: types of extensions (all become strings), and an empty
    payload (becomes none).
    """
    lines = [_FIRST]
    for name, value in event.attributes():
        if name != "datacontenttype":
            text = value if isinstance(value, str) else canonical(value)
            lines.append(b"%b%b\r\n" % (_HEADERS[name], encode_value(text)))
    content_type = content_type_of(event)
    if content_type is not None:
        lines.append(b"ce-datacontenttype: %b\r\n" % encode_value(content_type))
    lines.append(b"\r\n")
    return b"".join(lines), event.data or b""


def encode_structured(event: Event) -> tuple[bytes, bytes]:
    """The header block and the payload: always JSON (3, "the payload MUST be the JSON event format")."""
    return _STRUCTURED, JSON.encode(event)


def decode(block: bytes, payload: bytes, format: Format = JSON) -> Event:
    """The event in a message with that header block (empty: it has no headers).

    `format` is that of a message that names none: JSON by the specification.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        UnsupportedFormat: it is no event, or in a format that is not known.
    """
    content_type: str | None = None
    attributes: list[tuple[str, bytes]] = []
    for line in block.split(b"\r\n")[1:]:
        name, colon, raw = line.partition(b":")
        if not colon:
            continue
        lowered = _LOWERED[name]
        if lowered.startswith("ce-"):
            attributes.append((lowered[3:], raw))
        elif lowered == "content-type" and content_type is None:
            content_type = raw.decode("latin-1").strip(" \t")
    if content_type is not None and content_type.lower() == MEDIA_TYPE:
        return format.decode(payload)
    structured = structured_format(content_type)
    if structured is None and content_type is None and not attributes:
        structured = format
    if structured is not None:
        return structured.decode(payload)
    if not attributes:
        raise UnsupportedFormat(
            "the message is no event: it has no ce- headers, and its Content-Type is no event format"
        )
    draft = Draft()
    for attribute, value in attributes:
        draft.put(attribute, decode_value(attribute, value))
    if content_type is not None and draft.datacontenttype is None:
        draft.put("datacontenttype", content_type)
    return draft.event(payload or None, text=False)


def _header(name: str) -> bytes:
    return b"ce-%b: " % name.encode("ascii")


def _lowered(name: bytes) -> str:
    try:
        return name.decode("ascii").lower()
    except UnicodeDecodeError:
        raise InvalidEvent(
            attribute="header", value=name.hex(), rule="MUST have a name in US-ASCII", spec=SECTION
        ) from None


_HEADERS: Memo[str, bytes] = Memo(_header)
_LOWERED: Memo[bytes, str] = Memo(_lowered)
