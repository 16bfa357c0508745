"""A block: the events of one commit, as a CloudEventBatch message (protobuf-format.md 5).

The log keeps one block a message. Events are encoded when they arrive; making the block only puts
tag and length before each, so its cost hardly depends on their size.

    0a <length> <CloudEvent>  0a <length> <CloudEvent>  …
"""

from __future__ import annotations

from collections.abc import Sequence

from chappe.domain.errors import CallerError, InvalidBatch, Malformed
from chappe.domain.event import Event
from chappe.formats.cloudevents_protobuf import decode
from chappe.formats.cloudevents_wire import fields, read_varint, varint

_EVENTS = 0x0A


def encode_block(encoded_events: Sequence[bytes]) -> bytes:
    """The block of these events, each as `cloudevents_protobuf.encode` gives it; none is b""."""
    parts: list[bytes] = []
    for encoded in encoded_events:
        parts += (b"\x0a", varint(len(encoded)), encoded)
    return b"".join(parts)


def size_in_block(encoded: bytes) -> int:
    """How many bytes the encoded event takes in a block."""
    return 1 + len(varint(len(encoded))) + len(encoded)


def split_block(block: bytes) -> list[bytes]:
    """The encoded events of the block, in order, without looking into them.

    Raises:
        Malformed: the bytes are no CloudEventBatch message.
    """
    events: list[bytes] = []
    position, end = 0, len(block)
    while position < end:
        if block[position] != _EVENTS:
            return [part for tag, _, part in fields(block) if tag == _EVENTS]
        length, position = read_varint(block, position + 1)
        events.append(block[position : position + length])
        position += length
    if position != end:
        raise Malformed(f"body: is no protobuf message: it ends inside an event (byte {end})")
    return events


def decode_block(block: bytes) -> list[Event]:
    """The events of the block, in order.

    Raises:
        InvalidEvent: an event breaks a rule of the specification.
        Malformed: the bytes are no CloudEventBatch message.
    """
    return [decode(encoded) for encoded in split_block(block)]


def decode_batch(body: bytes) -> list[Event]:
    """The events of a batch that a caller sent, all or nothing.

    Raises:
        InvalidBatch: some are no valid events; with the error of each.
        Malformed: the bytes are no CloudEventBatch message.
    """
    encoded_events = split_block(body)
    events: list[Event] = []
    errors: dict[int, CallerError] = {}
    for index, encoded in enumerate(encoded_events):
        try:
            events.append(decode(encoded))
        except CallerError as exc:
            errors[index] = exc
    if errors:
        raise InvalidBatch(errors, len(encoded_events))
    return events
