"""CBOR's encoding (RFC 8949), as far as CloudEvents need it: heads, strings, and where an item ends.

    a2 62 69 64 61 31 …     a map of 2 pairs: text of 2 bytes "id", text of 1 byte "1", …

A payload in CBOR is never decoded: its bytes are checked for being one well-formed item, and kept.
"""

from __future__ import annotations

import re
from typing import Final

from chappe.domain.errors import Malformed

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
FALSE, TRUE, NULL = b"\xf4", b"\xf5", b"\xf6"
BREAK: Final = 0xFF

MAX_DEPTH: Final = 100
"""How deep arrays, maps and tags may nest in an item."""

MAX_ITEMS: Final = 250_000
"""How many items an item may hold, small numbers and simple values not counted; chunks alike."""

_INDEFINITE: Final = 31
_ONE_BYTE = re.compile(rb"[\x00-\x17\x20-\x37\xe0-\xf7]+")
_ELEMENT, _KEY, _VALUE = -1, -2, -3  # what an open item of indefinite length takes next
_NEXT: Final = {_ELEMENT: _ELEMENT, _KEY: _VALUE, _VALUE: _KEY}


def head(major: int, argument: int) -> bytes:
    """What begins an item, in its shortest form: (TEXT, 300) -> 79 01 2c."""
    first = major << 5
    if argument < 24:
        return bytes((first | argument,))
    for more, length in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << 8 * length:
            return bytes((first | more,)) + argument.to_bytes(length, "big")
    return bytes((first | 27,)) + argument.to_bytes(8, "big")


def text(value: str) -> bytes:
    """The String as a text string."""
    raw = value.encode("utf-8")
    return head(TEXT, len(raw)) + raw


def integer(value: int) -> bytes:
    """The Integer as an unsigned or a negative one."""
    return head(UNSIGNED, value) if value >= 0 else head(NEGATIVE, -1 - value)


def read_head(wire: bytes, at: int) -> tuple[int, int | None, int]:
    """Major type, argument (None: indefinite length) and the position after the head at `at`.

    Of a SIMPLE item the argument is its value or the bits of its float.

    Raises:
        Malformed: the bytes end inside it, or it is reserved.
    """
    if at >= len(wire):
        raise broken(at, "it ends inside an item")
    first = wire[at]
    major, low = first >> 5, first & 31
    if low < 24:
        return major, low, at + 1
    if low < 28:
        end = at + 1 + (1 << low - 24)
        if end > len(wire):
            raise broken(at, "it ends inside an item")
        argument = int.from_bytes(wire[at + 1 : end], "big")
        if major == SIMPLE and low == 24 and argument < 32:
            raise broken(at, "a simple value below 32 stands in two bytes")
        return major, argument, end
    if low == _INDEFINITE and major not in (UNSIGNED, NEGATIVE, TAG, SIMPLE):
        return major, None, at + 1
    raise broken(at, f"0x{first:02x} begins no item")


def read_string(wire: bytes, at: int, major: int) -> tuple[bytes, int]:
    """The bytes of the BYTES or TEXT string whose head stands at `at`, and the position after it.

    Raises:
        Malformed: there is none of that kind, or it is broken; or a text is no UTF-8.
    """
    found, length, at = read_head(wire, at)
    if found != major:
        raise broken(at, "one kind of string stands inside another")
    if length is not None:
        end = at + length
        if end > len(wire):
            raise broken(at, "a string is longer than what is left")
        raw = wire[at:end]
        if major == TEXT and not raw.isascii():
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                raise broken(at, "a text is no UTF-8") from None
        return raw, end
    chunks: list[bytes] = []
    while wire[at : at + 1] != b"\xff":
        if read_head(wire, at)[1] is None:
            raise broken(at, "a part of a string has no length")
        chunk, at = read_string(wire, at, major)
        chunks.append(chunk)
        if len(chunks) > MAX_ITEMS:
            raise broken(at, f"a string has more than {MAX_ITEMS} parts")
    return b"".join(chunks), at + 1


def item_end(wire: bytes, at: int) -> int:
    """The position after the item that begins at `at`, whatever it holds.

    Raises:
        Malformed: it is not well-formed (RFC 8949 5.3.1), nests too deeply, or a text is no UTF-8.
    """
    left: list[int] = []  # of each open item, how many it still takes, or what it takes next
    items = 0
    while True:
        if left and left[-1] < 0 and wire[at : at + 1] == b"\xff":
            if left.pop() == _VALUE:
                raise broken(at, "a map ends after a key")
            at += 1
        else:
            items += 1
            if items > MAX_ITEMS:
                raise broken(at, f"it holds more than {MAX_ITEMS} items")
            if (
                left
                and left[-1] > 1
                and (run := _ONE_BYTE.match(wire, at, min(len(wire), at + left[-1] - 1)))
            ):
                # Long arrays of small numbers: as many as one look tells, but the last.
                left[-1] -= len(run[0])
                at = run.end()
            if left:
                left[-1] = left[-1] - 1 if left[-1] > 0 else _NEXT[left[-1]]
            at = _entered(wire, at, left)
        while left and left[-1] == 0:
            left.pop()
        if not left:
            return at


def _entered(wire: bytes, at: int, left: list[int]) -> int:
    """The position after an item, or after the head of one that has items of its own."""
    major, argument, end = read_head(wire, at)
    if major in (BYTES, TEXT):
        return read_string(wire, at, major)[1]
    if major in (ARRAY, MAP, TAG):
        if len(left) >= MAX_DEPTH:
            raise broken(at, f"it is nested more than {MAX_DEPTH} deep")
        if argument is None:
            left.append(_KEY if major == MAP else _ELEMENT)
        elif major == TAG:
            left.append(1)
        else:
            left.append(argument * 2 if major == MAP else argument)
    return end


def is_item(wire: bytes) -> bool:
    """Whether the bytes are one well-formed item and no more."""
    try:
        return item_end(wire, 0) == len(wire)
    except Malformed:
        return False


def broken(at: int, reason: str) -> Malformed:
    """The error for bytes that are no CBOR."""
    return Malformed(f"body: is no CBOR: {reason} (byte {at})")
