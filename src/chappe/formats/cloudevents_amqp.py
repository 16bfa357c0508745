"""CloudEvents over AMQP 1.0: messages <-> events (amqp-protocol-binding.md).

    binary       content-type: the data's    application-properties: cloudEvents_<name>, native types
    structured   content-type: the format's  data: the event

A reader takes `cloudEvents:<name>` too, and native types or canonical strings (3.1.3).

`time` goes out as an AMQP timestamp where that says all that the sender wrote (UTC, milliseconds), and
else as its string: events are forwarded as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from chappe.domain import attributes
from chappe.domain.errors import InvalidEvent, UnsupportedFormat
from chappe.domain.event import AttributeValue, Event
from chappe.formats.content_type import content_type_of, structured_format
from chappe.formats.event_draft import Draft
from chappe.formats.event_formats import JSON, Format

SECTION: Final = "amqp-protocol-binding.md 3.1.3"
_PREFIXES: Final = ("cloudEvents_", "cloudEvents:")
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999


@dataclass(frozen=True, slots=True)
class AmqpTimestamp:
    """An AMQP timestamp: milliseconds since 1970-01-01T00:00:00Z."""

    ms: int


AmqpValue: TypeAlias = bool | int | str | bytes | AmqpTimestamp
"""boolean, long, string, binary and timestamp; `int` is every integral type when it comes in."""


@dataclass(frozen=True, slots=True)
class AmqpMessage:
    """What of a message is the event's.

    `properties` may hold what no event can have (a float, a uuid, a list).
    """

    body: bytes
    content_type: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)


def encode_binary(event: Event) -> AmqpMessage:
    """The event in binary mode (3.1); no data is an empty body."""
    properties: dict[str, object] = {
        f"cloudEvents_{name}": value
        for name, value in event.attributes()
        if name != "datacontenttype"
    }
    if event.time is not None:
        properties["cloudEvents_time"] = _time_out(event.time)
    return AmqpMessage(event.data or b"", content_type_of(event), properties)


def encode_structured(event: Event, format: Format = JSON) -> AmqpMessage:
    """The event in structured mode (3.2)."""
    return AmqpMessage(format.encode(event), format.media_type)


def decode(message: AmqpMessage) -> Event:
    """The event in a message.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        UnsupportedFormat: it is no event, or in a format that is not known.
    """
    format = structured_format(message.content_type)
    if format is not None:
        return format.decode(message.body)
    return _decode_binary(message)


def _decode_binary(message: AmqpMessage) -> Event:
    draft = Draft()
    prefix = ""
    for key, value in message.properties.items():
        if not key.startswith(_PREFIXES):
            continue
        if prefix and not key.startswith(prefix):
            raise InvalidEvent(
                attribute=key,
                value=key,
                rule=f"MUST have the same separator as the others: {prefix!r}",
                spec=f"{SECTION}.1",
            )
        prefix = key[: len(_PREFIXES[0])]
        name = key[len(prefix) :]
        if name == "datacontenttype":
            raise InvalidEvent(
                attribute=name,
                value=key,
                rule="MUST NOT be an application property: it is the property content-type",
                spec=SECTION,
            )
        if value is not None:
            draft.put(name, _value_in(name, value))
    if not prefix:
        raise UnsupportedFormat(
            "the message is no event: it has no application properties that begin with"
            " cloudEvents_, and its content-type is no event format"
        )
    if message.content_type is not None:
        draft.put("datacontenttype", message.content_type)
    return draft.event(message.body or None, text=False)


def _time_out(time: str) -> str | AmqpTimestamp:
    instant = attributes.timestamp(time)
    if instant is None:
        return time
    seconds, nanos = instant
    ms = seconds * 1000 + nanos // 1_000_000
    whole = nanos % 1_000_000 == 0 and _FIRST_MS <= ms <= _LAST_MS
    return AmqpTimestamp(ms) if whole and attributes.render(instant) == time else time


def _rendered(name: str, timestamp: AmqpTimestamp) -> str:
    if not _FIRST_MS <= timestamp.ms <= _LAST_MS:
        raise InvalidEvent(
            attribute=name,
            value=timestamp.ms,
            rule="MUST be a timestamp of the years 1 to 9999",
            spec=f"{SECTION}.2",
        )
    seconds, ms = divmod(timestamp.ms, 1000)
    return attributes.render((seconds, ms * 1_000_000))


def _value_in(name: str, value: object) -> AttributeValue:
    match value:
        case bool() | bytes():
            return value
        case int():
            return int(value)
        case str():
            return str(value)
        case AmqpTimestamp():
            return _rendered(name, value)
        case _:
            raise InvalidEvent(
                attribute=name,
                value=value,
                rule="MUST be a boolean, a long, a string, a binary or a timestamp",
                spec=f"{SECTION}.2",
            )
