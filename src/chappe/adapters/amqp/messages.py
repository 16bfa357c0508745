"""Encoded AMQP messages, as anybody may send them, to events. Needs chappe[amqp]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from proton import Message, ProtonException, symbol, timestamp

from chappe.domain.errors import Malformed, UnsupportedFormat
from chappe.domain.event import Event
from chappe.formats.cloudevents_amqp import AmqpMessage, AmqpTimestamp, decode
from chappe.formats.event_formats import Format

_MOST_DETAIL: Final = 200
"""Characters of a value that are told of a message which is no event."""


@dataclass(frozen=True, slots=True)
class Received:
    """What of a message matters here, in Proton's types."""

    body: object
    content_type: str | None
    properties: Mapping[str, object]
    id: str


def decoded(encoded: bytes) -> Received:
    """The message in these bytes.

    Raises:
        Malformed: they are none, or nested too deeply to be read.
    """
    message = Message()
    try:
        message.decode(encoded)
        said = str(message.content_type)
        sent = cast("object", message.properties)
        return Received(
            _copied(cast("object", message.body)),
            # Proton says "None" where there is none, which is no media type.
            None if said in ("None", "") else said,
            {str(name): _copied(value) for name, value in sent.items()}
            if isinstance(sent, dict)
            else {},
            "" if message.id is None else str(message.id),
        )
    except (ProtonException, ValueError, TypeError, OverflowError, RecursionError) as exc:
        # Proton's own errors, and what Python says of keys that are lists, of text that is no UTF-8.
        raise Malformed(f"the message is no AMQP message: {exc}") from exc


def event_of(message: Received, format: Format) -> Event:
    """The event in a message; `format` is that of one that does not say what it is.

    Raises:
        CallerError: it is none.
    """
    body = _body(message.body)
    properties = {name: _value(value) for name, value in message.properties.items()}
    if message.content_type is None and not any(
        name.startswith("cloudEvents") for name in properties
    ):
        return format.decode(body)
    return decode(AmqpMessage(body, message.content_type, properties))


def details_of(message: Received) -> Mapping[str, str]:
    """What is told of a message that is no event."""
    details: dict[str, str] = {}
    if message.content_type is not None:
        details["contenttype"] = message.content_type
    if message.id:
        details["messageid"] = message.id[:_MOST_DETAIL]
    for name, value in message.properties.items():
        details[f"property {name}"] = str(value)[:_MOST_DETAIL]
    return details


def _copied(value: object) -> object:
    """Binary data as bytes of our own: Proton's is a view of memory that goes when its message goes."""
    return bytes(value) if isinstance(value, memoryview | bytearray) else value


def _body(body: object) -> bytes:
    """The payload: data, or a value that is binary or text, as JMS sends it.

    Raises:
        UnsupportedFormat: it is a value of another type.
    """
    match body:
        case None:
            return b""
        case bytes():
            return body
        case str():
            return body.encode("utf-8", "surrogatepass")
        case _:
            raise UnsupportedFormat(
                f"the message's body is a value of type {type(body).__name__}; data is needed"
            )


def _value(value: object) -> object:
    """Proton's value of an application property, as `formats/cloudevents_amqp` knows it."""
    match value:
        case bool() | None:
            return value
        case timestamp():
            return AmqpTimestamp(int(value))
        case symbol():
            return str(value)
        case _:
            return value
