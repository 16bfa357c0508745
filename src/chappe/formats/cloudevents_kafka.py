"""CloudEvents over Kafka: messages <-> events (kafka-protocol-binding.md).

    content-type: application/cloudevents+json   structured: the value is the event
    anything else, or none                       binary: the value is the data, ce_ headers the attributes

Decisions where the specification leaves a choice:

- Names of headers are compared without their case: Kafka's are case-sensitive, other writers are not
  careful. We write `ce_` and `content-type` in lower case.
- A message with neither `ce_` headers nor `content-type` may be structured (3.3.1, "if present"): it is
  read in the format that the caller names.
- A value of no bytes is data of no bytes; no value (a tombstone) is no data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent, UnsupportedFormat
from chappe.domain.event import Event, canonical
from chappe.formats.content_type import content_type_of, structured_format
from chappe.formats.event_draft import Draft
from chappe.formats.event_formats import JSON, Format

SECTION = "kafka-protocol-binding.md 3.2.3"
PREFIX = "ce_"
CONTENT_TYPE = "content-type"


class KafkaMessage(NamedTuple):
    """What of a Kafka message is the event's; `value` None: a message without a value."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def encode_binary(event: Event) -> KafkaMessage:
    """The event in binary mode (3.2); without data it is a message without a value: a tombstone.

    What Kafka cannot carry comes back changed: types of extensions (all become strings).
    """
    headers = [
        (_HEADERS[name], (value if isinstance(value, str) else canonical(value)).encode())
        for name, value in event.attributes()
        if name != "datacontenttype"
    ]
    content_type = content_type_of(event)
    if content_type is not None:
        headers.append((CONTENT_TYPE, content_type.encode()))
    return KafkaMessage(event.data, headers)


def encode_structured(event: Event, format: Format = JSON) -> KafkaMessage:
    """The event in structured mode (3.3); it always has a value."""
    return KafkaMessage(format.encode(event), [(CONTENT_TYPE, format.media_type.encode())])


def key_of(event: Event, attribute: str) -> bytes | None:
    """The key that an attribute gives the message (3.1, "Key Mapper"); None: the event has none.

    The event itself stays as it is.
    """
    value = event.get(attribute)
    return None if value is None else value.encode()


def decode(
    headers: Iterable[tuple[str, bytes | None]], value: bytes | None, format: Format = JSON
) -> Event:
    """The event in a message; `format` is that of a structured one that does not name its own.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        UnsupportedFormat: it is no event, or in a format that is not known.
    """
    content_type: str | None = None
    attributes: list[tuple[str, bytes]] = []
    for name, raw in headers:
        lowered = _LOWERED[name]
        if lowered.startswith(PREFIX):
            attributes.append((lowered[3:], raw or b""))
        elif lowered == CONTENT_TYPE and content_type is None and raw is not None:
            content_type = _text("datacontenttype", raw)
    structured = structured_format(content_type)
    if structured is None and content_type is None and not attributes and value:
        structured = format
    if structured is not None:
        return structured.decode(value or b"")
    if not attributes:
        raise UnsupportedFormat(
            "the message is no event: it has no ce_ headers, and its content-type is no event format"
        )
    return _decode_binary(attributes, content_type, value)


def _decode_binary(
    attributes: Iterable[tuple[str, bytes]], content_type: str | None, value: bytes | None
) -> Event:
    draft = Draft()
    for name, raw in attributes:
        if name == "datacontenttype":
            # Some writers have it beside content-type, which counts (3.2.1).
            if content_type is None:
                content_type = _text(name, raw)
            continue
        draft.put(name, _text(name, raw))
    if content_type is not None:
        draft.put("datacontenttype", content_type)
    return draft.event(value, text=False)


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidEvent(
            attribute=name, value=raw.hex(), rule="MUST be UTF-8", spec=SECTION
        ) from None


_HEADERS: Memo[str, str] = Memo(lambda name: PREFIX + name)
_LOWERED: Memo[str, str] = Memo(str.lower)
