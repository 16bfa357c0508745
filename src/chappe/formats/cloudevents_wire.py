"""The wire encoding of Protocol Buffers, as far as CloudEvents need it: varints and fields.

protobuf.dev/programming-guides/encoding. Written by hand because for messages as small as events it
takes half the time of building and reading message objects (see bench/formats.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from chappe.domain.errors import Malformed

VARINT, FIXED64, LEN, START, END, FIXED32 = range(6)

MAX_DEPTH = 100
"""How deep groups may nest; protobuf's own parsers stop there too."""

ONE_BYTE = tuple(bytes((number,)) for number in range(128))
"""The varints of one byte; most lengths in an event are below 128."""


def varint(number: int) -> bytes:
    """The unsigned number in base 128, least significant first: 300 -> AC 02."""
    if number < 128:
        return ONE_BYTE[number]
    if number < 16_384:
        return bytes((number & 127 | 128, number >> 7))
    if 0x1000_0000 <= number < 0x8_0000_0000:
        # Five bytes: the seconds of all dates from 1978 to 3058, and most nanoseconds.
        return bytes(
            (
                number & 127 | 128,
                number >> 7 & 127 | 128,
                number >> 14 & 127 | 128,
                number >> 21 & 127 | 128,
                number >> 28,
            )
        )
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def signed(number: int) -> bytes:
    """The number as int32 or int64: a negative one takes ten bytes."""
    return varint(number & 0xFFFF_FFFF_FFFF_FFFF)


def length_delimited(tag: bytes, *parts: bytes) -> bytes:
    """One field of wire type LEN: `tag`, the length of the parts together, the parts."""
    return b"".join((tag, varint(sum(map(len, parts))), *parts))


def read_varint(wire: bytes, position: int) -> tuple[int, int]:
    """The unsigned 64-bit number at `position`, and the position after it.

    Raises:
        Malformed: the bytes end inside it, or it has more than ten.
    """
    if position + 1 < len(wire):  # lengths, nearly all: of an event, of a payload
        first, second = wire[position], wire[position + 1]
        if first < 128:
            return first, position + 1
        if second < 128:
            return first & 127 | second << 7, position + 2
    number = shift = 0
    for byte in wire[position : position + 10]:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number & 0xFFFF_FFFF_FFFF_FFFF, position + shift // 7
    raise _broken(position, "a number does not end within ten bytes")


def fields(wire: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each field's tag (number << 3 | wire type) with its number (VARINT) or its bytes (LEN).

    Fields of other wire types, of which no event has one, are skipped as unknown.

    Raises:
        Malformed: these are no fields of a message.
    """
    position, end = 0, len(wire)
    while position < end:
        tag, position = read_varint(wire, position)
        wire_type = _wire_type(tag, position)
        if wire_type == LEN:
            length, position = read_varint(wire, position)
            if length > end - position:
                raise _broken(position, "a field is longer than what is left")
            yield tag, 0, wire[position : position + length]
            position += length
        elif wire_type == VARINT:
            number, position = read_varint(wire, position)
            yield tag, number, b""
        else:
            position = _skipped(wire, tag, position)


def _skipped(wire: bytes, tag: int, position: int) -> int:
    """The position after the unknown field whose tag ends at `position`; groups without recursion."""
    open_groups: list[int] = []
    while True:
        wire_type = _wire_type(tag, position)
        if wire_type == VARINT:
            _, position = read_varint(wire, position)
        elif wire_type == LEN:
            length, position = read_varint(wire, position)
            position += length
        elif wire_type == START:
            open_groups.append(tag >> 3)
            if len(open_groups) > MAX_DEPTH:
                raise _broken(position, "groups are nested too deeply")
        elif wire_type == END:
            if not open_groups or open_groups.pop() != tag >> 3:
                raise _broken(position, "a group ends that did not begin")
        else:
            position += 8 if wire_type == FIXED64 else 4
        if position > len(wire):
            raise _broken(len(wire), "the bytes end inside a field")
        if not open_groups:
            return position
        tag, position = read_varint(wire, position)


def _wire_type(tag: int, position: int) -> int:
    if not 8 <= tag <= 0xFFFF_FFFF or tag & 7 > FIXED32:
        raise _broken(position, f"{tag} is no tag of a field")
    return tag & 7


def _broken(position: int, reason: str) -> Malformed:
    return Malformed(f"body: is no protobuf message: {reason} (byte {position})")
