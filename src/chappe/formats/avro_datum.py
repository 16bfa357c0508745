"""Avro's binary encoding of single values (Avro 1.9 specification, "Binary Encoding"), both ways.

long    zigzag, then base 128, least significant first: -1 -> 01, 64 -> 80 01
bytes   a long and that many bytes; a string is the same in UTF-8
map     blocks: a long count, pairs of key and value; a count of 0 ends it. A negative count has
        the block's size in bytes behind it
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from chappe.domain.errors import Malformed
from chappe.domain.event import AttributeValue
from chappe.formats.cloudevents_wire import varint

END_OF_BLOCKS: Final = b"\x00"

_DOUBLE: Final = struct.Struct("<d")


def long(number: int) -> bytes:
    """The 64-bit number."""
    return varint((number << 1) ^ (number >> 63))


def bytes_(raw: bytes) -> bytes:
    """The bytes, after their length."""
    return long(len(raw)) + raw


def string(text: str) -> bytes:
    """The text in UTF-8, after its length in bytes."""
    return bytes_(text.encode("utf-8"))


def double(number: float) -> bytes:
    """The number in eight bytes."""
    return _DOUBLE.pack(number)


def attribute(value: AttributeValue, branches: Mapping[type, bytes]) -> bytes:
    """The value of an attribute in a union, whose branch for each type `branches` tells."""
    branch = branches[type(value)]
    match value:
        case bool():
            return branch + (b"\x01" if value else b"\x00")
        case str():
            return branch + string(value)
        case int():
            return branch + long(value)
        case bytes():
            return branch + bytes_(value)


def read_long(wire: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and the position after it.

    Raises:
        Malformed: the bytes end inside it, or it has more than 64 bits.
    """
    number = shift = 0
    for byte in wire[at : at + 10]:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if number >> 64:
                break
            return (number >> 1) ^ -(number & 1), at + shift // 7
    raise broken(at, "it has no number of 64 bits here")


def read_bytes(wire: bytes, at: int) -> tuple[bytes, int]:
    """The bytes at `at`, and the position after them.

    Raises:
        Malformed: their length is no length, or more than is left.
    """
    length, at = read_long(wire, at)
    if not 0 <= length <= len(wire) - at:
        raise broken(at, f"{length} bytes are announced, {len(wire) - at} are left")
    return wire[at : at + length], at + length


def read_string(wire: bytes, at: int) -> tuple[str, int]:
    """The text at `at`, and the position after it.

    Raises:
        Malformed: it is none.
    """
    raw, end = read_bytes(wire, at)
    try:
        return raw.decode("utf-8"), end
    except UnicodeDecodeError:
        raise broken(at, "a string is no UTF-8") from None


def read_boolean(wire: bytes, at: int) -> tuple[bool, int]:
    """The Boolean at `at`, and the position after it.

    Raises:
        Malformed: it is none.
    """
    raw = wire[at : at + 1]
    if raw not in (b"\x00", b"\x01"):
        raise broken(at, "a Boolean is neither 0 nor 1")
    return raw == b"\x01", at + 1


def read_double(wire: bytes, at: int) -> tuple[float, int]:
    """The number at `at`, and the position after it.

    Raises:
        Malformed: the bytes end inside it.
    """
    if len(wire) - at < 8:
        raise broken(at, "it ends inside a double")
    number: float = _DOUBLE.unpack_from(wire, at)[0]
    return number, at + 8


class Blocks:
    """The items of the map or array at `at`: gives the position of each, is told where it ends.

        blocks = Blocks(wire, at)
        for at in blocks:
            key, blocks.at = read_string(wire, at)
        at = blocks.at

    Every item must take at least one byte, so that a hostile count ends with the bytes.
    """

    __slots__ = ("_left", "_wire", "at")

    def __init__(self, wire: bytes, at: int) -> None:
        self._wire = wire
        self._left = 0
        self.at = at

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self._left == 0:
            self._left, self.at = read_long(self._wire, self.at)
            if self._left < 0:
                self._left = -self._left
                _, self.at = read_long(self._wire, self.at)
            if self._left == 0:
                raise StopIteration
        self._left -= 1
        return self.at


def broken(at: int, reason: str) -> Malformed:
    """The error for bytes that are no datum of the schema."""
    return Malformed(f"body: is no Avro event: {reason} (byte {at})")
