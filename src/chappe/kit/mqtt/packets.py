"""The control packets of MQTT 3.1.1 and 5 that a client sends and gets (mqtt-v3.1.1 3, mqtt-v5.0 3).

    first byte   type << 4 | flags
    length       1-4 bytes: of all that follows
    ...

Level 4 is 3.1.1, level 5 is 5: the second has properties and reason codes in most packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chappe.kit.mqtt.properties import (
    NONE,
    BrokenPacket,
    Properties,
    Reader,
    Unsendable,
    binary,
    encoded,
    string,
    varint,
)

Level: TypeAlias = Literal[4, 5]

CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
PUBREC: Final = 5
PUBREL: Final = 6
PUBCOMP: Final = 7
SUBACK: Final = 9
PINGRESP: Final = 13
DISCONNECT: Final = 14

PINGREQ_PACKET: Final = b"\xc0\x00"
DISCONNECT_PACKET: Final = b"\xe0\x00"
LARGEST: Final = 268_435_455
"""The largest length that a packet can tell."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A PUBLISH packet, either way; `packet_id` is 0 with QoS 0.

    `lost_bytes` says how much of the payload was thrown away because the packet was over the limit.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NONE
    packet_id: int = 0
    duplicate: bool = False
    lost_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP or DISCONNECT: which, of what, and why."""

    kind: int
    packet_id: int
    reason: int
    properties: Properties = NONE
    session_present: bool = False


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A SUBACK: a reason code for each filter that was asked for."""

    packet_id: int
    reasons: tuple[int, ...]
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Pong:
    """A PINGRESP."""


Incoming: TypeAlias = Publish | Acknowledged | Subscribed | Pong


# --- writing


def connect(
    level: Level,
    *,
    client_id: str,
    keep_alive_s: int,
    clean_start: bool,
    user: str | None = None,
    password: str | None = None,
    properties: Properties = NONE,
) -> bytes:
    """A CONNECT packet (3.1).

    Raises:
        Unsendable: a string does not fit, or the protocol has no password without a user name.
    """
    if level == 4 and password is not None and user is None:
        # mqtt-v3.1.1 3.1.2.9: "If the User Name Flag is set to 0, the Password Flag MUST be … 0".
        raise Unsendable("MQTT 3.1.1 has no password without a user name")
    flags = 0x02 * clean_start | 0x80 * (user is not None) | 0x40 * (password is not None)
    parts = [
        b"\x00\x04MQTT",
        bytes((level, flags)),
        keep_alive_s.to_bytes(2, "big"),
        encoded(properties) if level == 5 else b"",
        string(client_id),
    ]
    if user is not None:
        parts.append(string(user))
    if password is not None:
        parts.append(binary(password.encode()))
    return _packet(0x10, b"".join(parts))


def publish(level: Level, message: Publish) -> bytes:
    """A PUBLISH packet (3.3).

    Raises:
        Unsendable: a string does not fit, or the packet is larger than the protocol can say.
    """
    head = string(message.topic)
    if message.qos:
        head += message.packet_id.to_bytes(2, "big")
    if level == 5:
        head += encoded(message.properties)
    first = 0x30 | message.qos << 1 | message.retain | message.duplicate << 3
    return _packet(first, head, message.payload)


def acknowledge(level: Level, kind: int, packet_id: int, reason: int = 0) -> bytes:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP packet (3.4 to 3.7); no reason is success."""
    flags = 2 if kind == PUBREL else 0
    body = packet_id.to_bytes(2, "big")
    if level == 5 and reason:
        body += bytes((reason,))
    return _packet(kind << 4 | flags, body)


def subscribe(level: Level, packet_id: int, filters: Sequence[str], *, qos: int) -> bytes:
    """A SUBSCRIBE packet (3.8); with MQTT 5 kept messages come once, not at each subscribing (3.8.3.1).

    Raises:
        Unsendable: a filter does not fit.
    """
    options = qos | 0x10 if level == 5 else qos
    parts = [packet_id.to_bytes(2, "big"), b"\x00" if level == 5 else b""]
    for one in filters:
        parts += (string(one), bytes((options,)))
    return _packet(0x82, b"".join(parts))


def _packet(first: int, *parts: bytes) -> bytes:
    length = sum(map(len, parts))
    if length > LARGEST:
        raise Unsendable(f"a packet of {length} bytes; MQTT carries at most {LARGEST}")
    return b"".join((bytes((first,)), varint(length), *parts))


# --- reading


def parse(level: Level, first: int, body: bytes, *, lost_bytes: int = 0) -> Incoming:
    """What the broker says.

    `lost_bytes` of a PUBLISH were thrown away at the end of `body`.

    Raises:
        BrokenPacket: it is no packet that a client may get.
    """
    reader = Reader(body)
    kind, flags = first >> 4, first & 15
    if kind == PUBLISH:
        return _publish(level, flags, reader, lost_bytes)
    if flags != (2 if kind == PUBREL else 0):
        raise BrokenPacket(f"a packet of type {kind} has the flags {flags:04b}")
    match kind:
        case 2:
            session_present = bool(reader.number(1) & 1)
            reason = reader.number(1)
            properties = reader.properties() if level == 5 else NONE
            return Acknowledged(CONNACK, 0, reason, properties, session_present)
        case 4 | 5 | 6 | 7:
            packet_id = reader.number(2)
            reason = reader.number(1) if level == 5 and reader.left else 0
            properties = reader.properties() if level == 5 and reader.left else NONE
            return Acknowledged(kind, packet_id, reason, properties)
        case 9:
            packet_id = reader.number(2)
            properties = reader.properties() if level == 5 else NONE
            return Subscribed(packet_id, tuple(reader.rest()), properties)
        case 13:
            return Pong()
        case 14 if level == 5:
            reason = reader.number(1) if reader.left else 0
            properties = reader.properties() if reader.left else NONE
            return Acknowledged(DISCONNECT, 0, reason, properties)
        case _:
            raise BrokenPacket(f"a packet of type {kind} is not for a client")


def _publish(level: Level, flags: int, reader: Reader, lost_bytes: int) -> Publish:
    qos = flags >> 1 & 3
    if qos == 3:
        raise BrokenPacket("a PUBLISH has QoS 3")
    topic = reader.string()
    packet_id = reader.number(2) if qos else 0
    if qos and not packet_id:
        raise BrokenPacket("a PUBLISH has the packet identifier 0")
    properties = reader.properties() if level == 5 else NONE
    return Publish(
        topic,
        reader.rest(),
        qos,
        bool(flags & 1),
        properties,
        packet_id,
        bool(flags & 8),
        lost_bytes,
    )


class Framer:
    """Cuts a stream of bytes into packets: feed it, take (first byte, body, lost bytes).

    A packet's bytes beyond `limit_bytes` are thrown away as they come: who reads decides about the
    rest, and a broker that has a message of 256 MB for us costs no memory.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._to_lose = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes, int]]:
        """The packets that are whole with these bytes.

        Raises:
            BrokenPacket: a length does not end.
        """
        if self._to_lose:
            thrown = min(self._to_lose, len(data))
            self._to_lose -= thrown
            data = data[thrown:]
            if self._to_lose:
                return []
        buffer = self._buffer
        buffer += data
        packets: list[tuple[int, bytes, int]] = []
        at = 0
        while True:
            head = _head(buffer, at)
            if head is None:
                break
            start, length = head
            kept = min(length, self._limit)
            if len(buffer) < start + kept:
                break
            end = start + length
            packets.append((buffer[at], bytes(buffer[start : start + kept]), length - kept))
            if end > len(buffer):
                self._to_lose = end - len(buffer)
                at = len(buffer)
                break
            at = end
        del buffer[:at]
        return packets


def _head(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """Where the body begins, and its length; None while the head is not there whole."""
    length = 0
    for count in range(4):
        position = at + 1 + count
        if position >= len(buffer):
            return None
        byte = buffer[position]
        length |= (byte & 127) << 7 * count
        if byte < 128:
            return position + 1, length
    raise BrokenPacket("a length does not end within four bytes")
