r"""Message indexes, which Kafka's serializers put before a Protobuf payload: which message it is.

    [1, 0]: the first nested message of the second message -> b"\x04\x02\x00"
    [0]:    the first message                             -> b"\x00"

Each number is a zigzag varint, the first how many follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chappe.domain.errors import Malformed

MAX_INDEXES: Final = 100


def split_indexes(data: bytes) -> tuple[Sequence[int], bytes]:
    """The message indexes at the start, and the payload behind them.

    Raises:
        Malformed: there are none.
    """
    count, at = _zigzag(data, 0)
    if not 0 <= count <= MAX_INDEXES:
        raise Malformed(f"data: {count} message indexes; 0 to {MAX_INDEXES} are possible")
    if not count:
        return (0,), data[at:]
    indexes: list[int] = []
    for _ in range(count):
        index, at = _zigzag(data, at)
        if index < 0:
            raise Malformed(f"data: message index {index} is negative")
        indexes.append(index)
    return tuple(indexes), data[at:]


def join_indexes(indexes: Sequence[int], data: bytes) -> bytes:
    """A payload with its message indexes before it."""
    if list(indexes) == [0]:
        return b"\x00" + data
    return b"".join(_varint(each << 1) for each in (len(indexes), *indexes)) + data


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            raise Malformed("data: ends within its message indexes")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return (value >> 1) ^ -(value & 1), at
    raise Malformed("data: a message index is longer than 5 bytes")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
