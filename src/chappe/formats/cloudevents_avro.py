r"""The Avro event format, both ways (avro-format.md 1.0, cloudevents.avsc).

A body is one datum of the schema and nothing else: no container file, no fingerprint before it.

    record AvroCloudEvent
      attribute   map of null | boolean | int | string | bytes
      data        bytes | null | boolean | map | array | double | string

A payload that was given as bytes is `bytes`, a text is `string`, and a JSON value is the value
(`avro_json_value`), unless its numbers are more than doubles can hold: then it is `bytes`, the text.

Decisions where the specification leaves a choice: a name that stands twice, bytes after the datum
and numbers that no JSON has (NaN, infinities) are refused; `null` is no payload, so an explicit JSON
null is written as `bytes`; a JSON value or string without datacontenttype gets the implied
application/json explicitly, as in the JSON format.
"""

from __future__ import annotations

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent
from chappe.domain.event import AttributeValue, Event
from chappe.formats import avro_datum as avro
from chappe.formats import avro_json_value
from chappe.formats.event_draft import Draft
from chappe.formats.text_payload import payload_of_text
from chappe.kit.any_json import encode_json

# The branches of both unions, by their place in the schema, as they are written.
_ATTRIBUTE = {bool: avro.long(1), int: avro.long(2), str: avro.long(3), bytes: avro.long(4)}
_STRING = _ATTRIBUTE[str]
_DATA_BYTES, _DATA_NULL = avro.long(0), avro.long(1)


# --- writing


def encode(event: Event) -> bytes:
    """The event as a datum of the schema."""
    parts = [b"", _REQUIRED, _STRINGS["id"], _STRING, avro.string(event.id)]
    parts += (_STRINGS["source"], _STRING, _STRINGS[event.source])
    parts += (_STRINGS["type"], _STRING, _STRINGS[event.type])
    count = 4 + len(event.extensions)
    for name in ("time", "subject", "datacontenttype", "dataschema"):
        text = getattr(event, name)
        if text is not None:
            parts += (_STRINGS[name], _STRING, avro.string(text))
            count += 1
    for name, value in event.extensions.items():
        parts += (_STRINGS[name], avro.attribute(value, _ATTRIBUTE))
    parts[0] = avro.long(count)
    parts += (avro.END_OF_BLOCKS, _payload(event))
    return b"".join(parts)


def _payload(event: Event) -> bytes:
    data = event.data
    if data is None:
        return _DATA_NULL
    if event.text:
        media_type = event.datacontenttype
        if media_type is None or not attributes.is_json(media_type):
            return avro_json_value.string_of(data)
        value = avro_json_value.write(data)
        if value is not None:
            return value
    return _DATA_BYTES + avro.bytes_(data)


_STRINGS: Memo[str, bytes] = Memo(avro.string)
_REQUIRED = avro.string("specversion") + _STRING + avro.string("1.0")


# --- reading


def decode(wire: bytes) -> Event:
    """The event in a datum of the schema.

    Raises:
        InvalidEvent: it breaks a rule of the specification.
        Malformed: the bytes are no datum of the schema.
    """
    draft = Draft()
    names: set[str] = set()
    blocks = avro.Blocks(wire, 0)
    for at in blocks:
        name, end = avro.read_string(wire, at)
        value, blocks.at = _read_value(name, wire, end)
        if name in names:
            raise attributes.repeated(name, value)
        names.add(name)
        if value is not None:
            draft.put(name, value)
    data, text, end = _read_payload(draft, wire, blocks.at)
    if end != len(wire):
        raise avro.broken(end, "there is more after the event")
    return draft.event(data, text=text)


def _read_value(name: str, wire: bytes, at: int) -> tuple[AttributeValue | None, int]:
    """The value of the attribute, None for null, which means unset; and the position after it."""
    branch, end = avro.read_long(wire, at)
    match branch:
        case 0:
            return None, end
        case 1:
            return avro.read_boolean(wire, end)
        case 2:
            return avro.read_long(wire, end)
        case 3:
            return avro.read_string(wire, end)
        case 4:
            return avro.read_bytes(wire, end)
        case _:
            raise avro.broken(at, f"{name} is of type {branch} of 5")


def _read_payload(draft: Draft, wire: bytes, at: int) -> tuple[bytes | None, bool, int]:
    """The payload, whether it is text, and the position after it; may complete `draft`."""
    branch, end = avro.read_long(wire, at)
    if branch == 0:
        data, end = avro.read_bytes(wire, end)
        return data, False, end
    if branch == 1:
        return None, False, end
    value, end = avro_json_value.read(wire, at)
    media_type = draft.datacontenttype
    if media_type is None or attributes.is_json(media_type):
        draft.imply("application/json")
        return encode_json(value), True, end
    if isinstance(value, str):
        return *payload_of_text(value, media_type, "avro-format.md 3"), end
    raise InvalidEvent(
        attribute="data",
        value=value,
        rule=f"MUST be bytes or a string, because datacontenttype is {media_type}",
        spec="avro-format.md 3",
    )
