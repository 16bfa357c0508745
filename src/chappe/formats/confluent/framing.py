"""What Confluent's serializers put before a payload, or beside it: the schema it was written with.

    00 | id, 4 bytes, big-endian | payload
    01 | guid, 16 bytes          | payload

Before a Protobuf payload stand its message indexes (protobuf_schema.framing). Where a Kafka record has
the header `__value_schema_id`, the frame with the indexes is there, and the payload is bare; an
event has these bytes as Base64, or the guid as text, in the extension attribute ATTRIBUTE.

Only who says so sends frames: a message by `dataframing`, an event by a media type of MEDIA_TYPES. Other
bytes may begin with the same ones, so nobody guesses.
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from chappe.domain.errors import Malformed
from chappe.domain.event import AttributeValue
from chappe.formats.confluent.texts import AVRO, JSON, PROTOBUF
from chappe.formats.protobuf_schema.framing import split_indexes
from chappe.formats.schema_language import Schema, Violation

ATTRIBUTE: Final = "valueschemaid"
"""Kafka's `__value_schema_id` in letters that an event's attribute may have."""

MEDIA_TYPES: Final = {
    "application/vnd.confluent.avro": AVRO,
    "application/vnd.confluent.json": JSON,
    "application/vnd.confluent.protobuf": PROTOBUF,
}
"""The media types of framed payloads, and the types of their schemas."""

CheckBehind: TypeAlias = Callable[[bytes], Sequence[Violation]]
"""What is wrong with the bytes behind a frame's head; never raises."""

Key: TypeAlias = int | str
"""The id of a schema in a context, or its guid, such as "0b5b8a9e-…"."""

_ID: Final = 0
_GUID: Final = 1
_LENGTHS: Final = {_ID: 5, _GUID: 17}
_SHOWN: Final = 80


class Frame(NamedTuple):
    """A payload and what its frame says.

    `head` are the bytes that name the schema; `data` is what stands behind them: a Protobuf payload
    with its message indexes, wherever they came from.
    """

    head: bytes
    data: bytes


@lru_cache(maxsize=1_000)
def framed_type(content_type: str | None) -> str | None:
    """The type of the schemas of a framed media type, such as "AVRO"; None for all other types."""
    if content_type is None:
        return None
    return MEDIA_TYPES.get(content_type.partition(";")[0].strip().lower())


def frame_of(data: bytes | None, beside: AttributeValue | None) -> Frame:
    """The frame of a payload, which is before it or, in the attribute ATTRIBUTE, beside it.

    Raises:
        Malformed: it has none, or it is cut.
    """
    if beside is None:
        if data is None:
            raise Malformed("the event has no data, and so no frame")
        return split(data)
    head, indexes = split(_header(beside))
    # No body is the payload of an empty message.
    return Frame(head, indexes + (data or b""))


def split(data: bytes) -> Frame:
    """The frame at the start of the data.

    Raises:
        Malformed: there is none, or it is cut.
    """
    length = _LENGTHS.get(data[0]) if data else 0
    if length is None:
        raise Malformed(
            f"the data begins with 0x{data[0]:02x}; a frame begins with 0x00 (an id) or 0x01 (a guid)"
        )
    if not length or len(data) < length:
        raise Malformed(
            f"the frame is cut: {len(data)} bytes; it has 5 with an id and 17 with a guid"
        )
    return Frame(data[:length], data[length:])


def key_of(head: bytes) -> Key:
    """The id or the guid that a frame's head holds."""
    if head[0] == _ID:
        return int(struct.unpack(">I", head[1:])[0])
    return str(UUID(bytes=head[1:]))


def check_behind(schema: Schema, type: str) -> CheckBehind:
    """The check of what stands behind a frame's head, by a schema of the type."""
    if type == AVRO:
        return _unchecked if _is_bytes(schema) else lambda data: schema.check(data, "avro/binary")
    if type == JSON:
        return lambda data: schema.check(data, "application/json")
    assert isinstance(schema, _HasMessages)
    return _messages_check(schema)


def frame_violation(message: str, value: str = "") -> Violation:
    """What is wrong with a frame, or with the schema that it names."""
    return Violation("", "frame", value, message)


def _messages_check(schema: _HasMessages) -> CheckBehind:
    def check(data: bytes) -> Sequence[Violation]:
        if data[:1] == b"\x00":  # the first message, which most schemas are for
            return schema.check_message(data[1:], (0,))
        try:
            indexes, payload = split_indexes(data)
        except Malformed as error:
            return (frame_violation(error.message, data[:8].hex()),)
        return schema.check_message(payload, indexes)

    return check


def _is_bytes(schema: Schema) -> bool:
    """Whether it is Avro's "bytes", which the serializers write as they are, without their length."""
    from chappe.formats.avro.language import AvroSchema

    return isinstance(schema, AvroSchema) and schema.parsed.type.kind == "bytes"


def _unchecked(data: bytes) -> Sequence[Violation]:
    return ()


@runtime_checkable
class _HasMessages(Protocol):
    """formats.protobuf_schema.schema.ProtobufSchema."""

    def check_message(
        self, data: bytes | None, indexes: Sequence[int], content_type: str | None = ...
    ) -> Sequence[Violation]: ...


def _header(value: AttributeValue) -> bytes:
    """The bytes of Kafka's header."""
    if isinstance(value, bytes):
        return value
    text = str(value)
    try:
        if len(text) == 36 and "-" in text:  # which is no letter of Base64
            return bytes((_GUID,)) + UUID(text).bytes
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
        raise Malformed(
            f"{ATTRIBUTE}: {shown!r} is neither a guid nor a frame's bytes in Base64"
        ) from None
