"""CloudEvents over MQTT: PUBLISH messages <-> events (mqtt-protocol-binding.md).

    MQTT 5, binary       Content Type: the data's    User Properties: the attributes, names unchanged
    MQTT 5, structured   Content Type: the format's  payload: the event
    MQTT 3.1.1           nothing but a payload: the event in JSON

Decisions where the specification leaves a choice:

- A user property whose name no attribute can have is somebody else's and is passed over.
- A user property `datacontenttype` (the example in 3.1.4 has one) counts where no Content Type is.
"""

from __future__ import annotations

from dataclasses import dataclass

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent, UnsupportedFormat
from chappe.domain.event import CORE_ATTRIBUTES, Event, canonical
from chappe.formats.content_type import content_type_of, structured_format
from chappe.formats.event_draft import Draft
from chappe.formats.event_formats import JSON, Format


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """What of a PUBLISH packet is the event's. MQTT 3.1.1 has the payload alone."""

    payload: bytes
    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


def encode_binary(event: Event) -> MqttMessage:
    """The event in binary mode (3.1); no data is an empty payload.

    What MQTT cannot carry comes back changed: types of extensions (all become strings), and an empty
    payload (becomes none).
    """
    return MqttMessage(
        event.data or b"",
        content_type_of(event),
        tuple(
            (name, value if isinstance(value, str) else canonical(value))
            for name, value in event.attributes()
            if name != "datacontenttype"
        ),
    )


def encode_structured(event: Event, format: Format = JSON) -> MqttMessage:
    """The event in structured mode (3.2). MQTT 3.1.1 leaves the content type away: it is implied."""
    return MqttMessage(format.encode(event), format.media_type)


def decode(message: MqttMessage) -> Event:
    """The event in a message of MQTT 5.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        UnsupportedFormat: it is no event, or in a format that is not known.
    """
    format = structured_format(message.content_type)
    if format is not None:
        return format.decode(message.payload)
    return _decode_binary(message)


def decode_v3(payload: bytes) -> Event:
    """The event in a message of MQTT 3.1.1: always structured, always JSON (3.2.1).

    Raises:
        InvalidEvent: it is no JSON, or breaks a rule of the specification.
    """
    return JSON.decode(payload)


def _decode_binary(message: MqttMessage) -> Event:
    draft = Draft()
    said = message.content_type
    found = False
    for name, text in message.user_properties:
        if not _NAMES[name]:
            continue
        if name == "datacontenttype":
            said = said or text
            continue
        draft.put(name, text)
        found = found or name in CORE_ATTRIBUTES
    if not found:
        raise UnsupportedFormat(
            "the message is no event: it has no user properties with CloudEvents attributes, and"
            " its Content Type is no event format"
        )
    if said is not None:
        draft.put("datacontenttype", said)
    return draft.event(message.payload or None, text=False)


def _is_name(name: str) -> bool:
    try:
        attributes.check_name(name)
    except InvalidEvent:
        return False
    return True


_NAMES: Memo[str, bool] = Memo(_is_name)
