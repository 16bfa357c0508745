"""A block: the events of one commit, as a CloudEventBatch message (protobuf-format.md 5).

The log keeps one block a message. Events are encoded when they arrive; making the block only puts
tag and length before each, so its cost hardly depends on their size.

    0a <length> <CloudEvent>  0a <length> <CloudEvent>  …
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.formats.batches import decode_each
from chappe.formats.cloudevents_protobuf import decode, decode_part, encode
from chappe.formats.cloudevents_wire import fields, read_varint, varint

_EVENTS = 0x0A


def encode_block(encoded_events: Sequence[bytes]) -> bytes:
    """The block of these events, each as `cloudevents_protobuf.encode` gives it; none is b""."""
    # All in C: a loop would take five times as long, and a block has up to a thousand events.
    heads = map(_head, map(len, encoded_events))
    return b"".join(chain.from_iterable(zip(heads, encoded_events, strict=True)))


@lru_cache(maxsize=4_096)
def _head(length: int) -> bytes:
    """What stands before an event of that length."""
    return b"\x0a" + varint(length)


def size_in_block(encoded: bytes) -> int:
    """How many bytes the encoded event takes in a block."""
    return len(_head(len(encoded))) + len(encoded)


def split_block(block: bytes) -> list[bytes]:
    """The encoded events of the block, in order, without looking into them.

    Raises:
        Malformed: the bytes are no CloudEventBatch message.
    """
    spans = _spans(block)
    if spans is None:
        return [part for tag, _, part in fields(block) if tag == _EVENTS]
    return [block[start:end] for start, end in spans]


def decode_block(block: bytes) -> list[Event]:
    """The events of the block, in order.

    Raises:
        InvalidEvent: an event breaks a rule of the specification.
        Malformed: the bytes are no CloudEventBatch message.
    """
    spans = _spans(block)
    if spans is None:
        return [decode(encoded) for encoded in split_block(block)]
    return [decode_part(block, start, end) for start, end in spans]


def _spans(block: bytes) -> list[tuple[int, int]] | None:
    """Where each event begins and ends; None if there are other fields, which it does not skip.

    Raises:
        Malformed: the bytes end inside an event.
    """
    spans: list[tuple[int, int]] = []
    position, end = 0, len(block)
    while position < end:
        if block[position] != _EVENTS:
            return None
        length, position = read_varint(block, position + 1)
        spans.append((position, position + length))
        position += length
    if position != end:
        raise Malformed(f"body: is no protobuf message: it ends inside an event (byte {end})")
    return spans


def decode_batch(body: bytes) -> list[Event]:
    """The events of a batch that a caller sent, all or nothing.

    Raises:
        InvalidBatch: some are no valid events; with the error of each.
        Malformed: the bytes are no CloudEventBatch message.
    """
    return decode_each(split_block(body), decode)


def encode_batch(events: Sequence[Event]) -> bytes:
    """The events as a CloudEventBatch message."""
    return encode_block([encode(event) for event in events])
