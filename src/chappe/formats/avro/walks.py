"""Walks over the binary encoding of one type each.

`walk(data, at, depth)` gives the place after the value that begins at `at`, or raises Broken; where
the data ends too soon it may raise IndexError instead. A walk holds no state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from chappe.formats.avro.broken import MAX_DATA_DEPTH, Broken
from chappe.formats.avro.tree import Enum

Walk: TypeAlias = Callable[[bytes, int, int], int]

MAX_EMPTY_ITEMS: Final = 1_000
"""So many items without a byte (null, say) may a block have; ten bytes could claim 2^62."""

_MAX_LONG_BYTES: Final = 10


# --- primitives


def _null(data: bytes, at: int, depth: int) -> int:
    return at


def _boolean(data: bytes, at: int, depth: int) -> int:
    if data[at] > 1:
        raise Broken("boolean", in_hex(data, at), "a boolean is the byte 0 or 1")
    return at + 1


def _int(data: bytes, at: int, depth: int) -> int:
    if data[at] < 0x80:
        return at + 1
    value, end = _long_at(data, at)
    if not -(1 << 31) <= value < 1 << 31:
        raise Broken("int", str(value), f"{value} is out of the range of an int (32 bits)")
    return end


def _long(data: bytes, at: int, depth: int) -> int:
    if data[at] < 0x80:
        return at + 1
    return _long_at(data, at)[1]


def _bytes(data: bytes, at: int, depth: int) -> int:
    length = data[at]
    if length < 0x80:
        end = at + 1 + (length >> 1)
        if length & 1:
            raise _negative(-(length >> 1) - 1)
    else:
        length, at = _long_at(data, at)
        if length < 0:
            raise _negative(length)
        end = at + length
    if end > len(data):
        raise truncated()
    return end


def _string(data: bytes, at: int, depth: int) -> int:
    length = data[at]
    if length < 0x80:
        at += 1
        if length & 1:
            raise _negative(-(length >> 1) - 1)
        end = at + (length >> 1)
    else:
        length, at = _long_at(data, at)
        if length < 0:
            raise _negative(length)
        end = at + length
    if end > len(data):
        raise truncated()
    text = data[at:end]
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as exc:
            raise Broken("string", in_hex(text, exc.start), "a string is of UTF-8") from None
    return end


def fixed_walk(size: int) -> Walk:
    """So many bytes."""

    def fixed(data: bytes, at: int, depth: int) -> int:
        end = at + size
        if end > len(data):
            raise truncated()
        return end

    return fixed


EMPTY_WALK: Final[tuple[Walk, int | None]] = (_null, None)
PRIMITIVE_WALKS: Final[dict[str, tuple[Walk, int | None]]] = {
    "null": EMPTY_WALK,
    "boolean": (_boolean, 1),
    "int": (_int, 1),
    "long": (_long, 1),
    "float": (fixed_walk(4), 4),
    "double": (fixed_walk(8), 8),
    "bytes": (_bytes, 1),
    "string": (_string, 1),
}


# --- complex types


def enum_walk(enum: Enum) -> Walk:
    """The index of a symbol."""
    count = len(enum.symbols)

    def walk(data: bytes, at: int, depth: int) -> int:
        index = data[at]
        if index < 0x80 and not index & 1 and index >> 1 < count:
            return at + 1
        index, end = _long_at(data, at)
        if not 0 <= index < count:
            raise Broken(
                "enum", str(index), f"{enum.name.full} has {count} symbols, from index 0 on"
            )
        return end

    return walk


def record_walk(fields: Sequence[tuple[str, Walk]]) -> Walk:
    """One field after the other."""

    def record(data: bytes, at: int, depth: int) -> int:
        if depth >= MAX_DATA_DEPTH:
            raise _too_deep()
        depth += 1
        name = ""
        try:
            for name, walk in fields:  # noqa: B007 - the handlers tell where it was
                at = walk(data, at, depth)
        except Broken as broken:
            broken.within(name)
            raise
        except IndexError:
            raise truncated().within(name) from None
        return at

    return record


def union_walk(walks: Sequence[Walk]) -> Walk:
    """One of the branches, after its index."""
    count = len(walks)

    def union(data: bytes, at: int, depth: int) -> int:
        index = data[at]
        if index < 0x80 and not index & 1 and index >> 1 < count:
            index, at = index >> 1, at + 1
        else:
            index, at = _long_at(data, at)
            if not 0 <= index < count:
                raise Broken(
                    "union", str(index), f"the union has {count} branches, from index 0 on"
                )
        if depth >= MAX_DATA_DEPTH:
            raise _too_deep()
        return walks[index](data, at, depth + 1)

    return union


def blocks_walk(walk: Walk, size: int | None, *, keyed: bool) -> Walk:
    """Arrays, and maps as arrays of keys and values; `size` is the fewest bytes of an item."""

    def blocks(data: bytes, at: int, depth: int) -> int:
        if depth >= MAX_DATA_DEPTH:
            raise _too_deep()
        depth += 1
        position = 0
        while True:
            count, at = _long_at(data, at)
            if count == 0:
                return at
            end = None
            if count < 0:
                count = -count
                length, at = _long_at(data, at)
                end = at + length
                if length < 0 or end > len(data):
                    raise Broken("block", str(length), "the block has no such length")
            _check_count(count, size, (len(data) if end is None else end) - at)
            if size is not None:
                at = items(data, at, depth, position, count)
            position += count
            if end is not None and end != at:
                raise Broken(
                    "block",
                    in_hex(data, at),
                    f"the block ends {abs(end - at)} bytes from its items",
                )

    def items(data: bytes, at: int, depth: int, position: int, count: int) -> int:
        part: str | int = position
        try:
            if keyed:
                for _ in range(count):
                    part = position
                    start = at
                    at = _string(data, at, depth)
                    part = _key(data, start, at)
                    at = walk(data, at, depth)
            else:
                for part in range(position, position + count):  # noqa: B007 - as above
                    at = walk(data, at, depth)
        except Broken as broken:
            broken.within(part)
            raise
        except IndexError:
            raise truncated().within(part) from None
        return at

    return blocks


def _check_count(count: int, size: int | None, left: int) -> None:
    if size is None:
        if count > MAX_EMPTY_ITEMS:
            raise Broken(
                "block", str(count), f"a block has at most {MAX_EMPTY_ITEMS} items without a byte"
            )
    elif count * (size or 1) > left:
        raise Broken(
            "block", str(count), f"the block claims {count} items, {left} bytes are left for them"
        )


def _key(data: bytes, at: int, end: int) -> str:
    return data[_long_at(data, at)[1] : end].decode()


def _long_at(data: bytes, at: int) -> tuple[int, int]:
    """A long and the place after it; zig-zag, seven bits a byte, the lowest first."""
    byte = data[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    value, shift, start = byte & 0x7F, 7, at
    while byte >= 0x80:
        at += 1
        if at - start == _MAX_LONG_BYTES:
            raise Broken("long", in_hex(data, start), "a long has at most 10 bytes")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    if value >= 1 << 64:
        raise Broken("long", in_hex(data, start), "the number has more than 64 bits")
    return (value >> 1) ^ -(value & 1), at + 1


# --- what is wrong


def truncated() -> Broken:
    return Broken("length", "", "the data ends within the value")


def _negative(length: int) -> Broken:
    return Broken("length", str(length), "a length is not negative")


def _too_deep() -> Broken:
    return Broken("depth", "", f"values are nested more than {MAX_DATA_DEPTH} deep")


def in_hex(data: bytes, at: int) -> str:
    rest = data[at : at + 16].hex()
    return f"0x{rest}{'…' if len(data) > at + 16 else ''}"
