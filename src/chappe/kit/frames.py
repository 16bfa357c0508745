"""What a hub and its helper processes say to each other.

A frame, in both directions: 4 bytes with its length, then parts, each 4 bytes with its length and the
bytes; all lengths big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO


def read_frame(stream: BinaryIO) -> list[bytes] | None:
    """The parts of the next frame; None at the end."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = stream.read(length)
    if len(body) < length:
        return None
    return parts(body)


def parts(body: bytes) -> list[bytes]:
    """The parts of a frame, without its length."""
    found: list[bytes] = []
    at = 0
    while at < len(body):
        (size,) = struct.unpack_from(">I", body, at)
        found.append(body[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def framed(frame: Sequence[bytes]) -> bytes:
    """The parts as one frame."""
    body = b"".join(struct.pack(">I", len(part)) + part for part in frame)
    return struct.pack(">I", len(body)) + body


def is_whole(frame: bytes | bytearray) -> bool:
    """Whether all of a frame has arrived."""
    return len(frame) >= 4 and len(frame) >= 4 + struct.unpack_from(">I", frame)[0]
