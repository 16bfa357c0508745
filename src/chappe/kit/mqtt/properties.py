"""The properties of MQTT 5 packets, both ways (mqtt-v5.0 2.2.2).

bytes: 03 00 04 t e x t 26 00 01 k 00 01 v
value: Properties({CONTENT_TYPE: "text"}, (("k", "v"),))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["byte", "two", "four", "varint", "string", "binary"]
PropertyValue: TypeAlias = int | str | bytes

MESSAGE_EXPIRY: Final = 0x02
CONTENT_TYPE: Final = 0x03
SESSION_EXPIRY: Final = 0x11
SERVER_KEEP_ALIVE: Final = 0x13
REASON_STRING: Final = 0x1F
RECEIVE_MAXIMUM: Final = 0x21
MAXIMUM_QOS: Final = 0x24
RETAIN_AVAILABLE: Final = 0x25
MAXIMUM_PACKET_SIZE: Final = 0x27
SHARED_AVAILABLE: Final = 0x2A
_USER: Final = 0x26

_KINDS: Final[Mapping[int, Kind]] = {
    0x01: "byte",
    MESSAGE_EXPIRY: "four",
    CONTENT_TYPE: "string",
    0x08: "string",
    0x09: "binary",
    0x0B: "varint",
    SESSION_EXPIRY: "four",
    0x12: "string",
    SERVER_KEEP_ALIVE: "two",
    0x15: "string",
    0x16: "binary",
    0x17: "byte",
    0x18: "four",
    0x19: "byte",
    0x1A: "string",
    0x1C: "string",
    REASON_STRING: "string",
    RECEIVE_MAXIMUM: "two",
    0x22: "two",
    0x23: "two",
    MAXIMUM_QOS: "byte",
    RETAIN_AVAILABLE: "byte",
    MAXIMUM_PACKET_SIZE: "four",
    0x28: "byte",
    0x29: "byte",
    SHARED_AVAILABLE: "byte",
}
_WIDTHS: Final[Mapping[Kind, int]] = {"byte": 1, "two": 2, "four": 4}
_SUBSCRIPTION_IDENTIFIER: Final = 0x0B
LONGEST: Final = 65_535
"""Bytes of a string or of binary data."""


class BrokenPacket(Exception):
    """The bytes are no packet of the protocol; the text says where they break it."""


class Unsendable(Exception):
    """A value does not fit into a packet; the text names it."""


@dataclass(frozen=True, slots=True)
class Properties:
    """`values` by identifier, each at most once; `user` in order, names may repeat."""

    values: Mapping[int, PropertyValue] = field(default_factory=dict)
    user: tuple[tuple[str, str], ...] = ()

    def number(self, identifier: int, default: int) -> int:
        """The value of a property that is a number."""
        value = self.values.get(identifier, default)
        assert isinstance(value, int)
        return value

    def text(self, identifier: int) -> str | None:
        """The value of a property that is a string; None where it is not there."""
        value = self.values.get(identifier)
        assert value is None or isinstance(value, str)
        return value


NONE: Final = Properties()


# --- writing


def encoded(properties: Properties) -> bytes:
    """The properties with their length in front.

    Raises:
        Unsendable: a string is longer than the protocol can say.
    """
    if not properties.values and not properties.user:
        return b"\x00"
    parts: list[bytes] = []
    for identifier, value in properties.values.items():
        parts += (bytes((identifier,)), _value(_KINDS[identifier], value))
    for name, text in properties.user:
        parts += (b"\x26", string(name), string(text))
    body = b"".join(parts)
    return varint(len(body)) + body


def varint(number: int) -> bytes:
    """A Variable Byte Integer (1.5.5): 321 -> C1 02."""
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def string(text: str) -> bytes:
    """UTF-8 with its length in two bytes (1.5.4).

    Raises:
        Unsendable: it is too long, or holds U+0000 or a surrogate.
    """
    try:
        return binary(text.encode())
    except UnicodeEncodeError:
        raise Unsendable(f"{text[:40]!a} holds a lone surrogate") from None


def binary(data: bytes) -> bytes:
    """Bytes with their length in two bytes (1.5.6).

    Raises:
        Unsendable: they are too many.
    """
    if len(data) > LONGEST:
        raise Unsendable(f"a value of {len(data)} bytes; MQTT carries at most {LONGEST}")
    return len(data).to_bytes(2, "big") + data


def _value(kind: Kind, value: PropertyValue) -> bytes:
    match value:
        case str():
            return string(value)
        case bytes():
            return binary(value)
        case int():
            return varint(value) if kind == "varint" else value.to_bytes(_WIDTHS[kind], "big")


# --- reading


class Reader:
    """Reads the fields of one packet's body in order; every read that goes past the end raises."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            BrokenPacket: there are fewer.
        """
        end = self.at + count
        if end > len(self._data):
            raise BrokenPacket(f"the packet ends inside a field (byte {len(self._data)})")
        taken, self.at = self._data[self.at : end], end
        return taken

    def number(self, width: int) -> int:
        """An unsigned number of `width` bytes, big-endian."""
        return int.from_bytes(self.take(width), "big")

    def varint(self) -> int:
        """A Variable Byte Integer of at most four bytes."""
        number = 0
        for shift in (0, 7, 14, 21):
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise BrokenPacket(f"a length does not end within four bytes (byte {self.at})")

    def binary(self) -> bytes:
        """Bytes with their length."""
        return self.take(self.number(2))

    def string(self) -> str:
        """A UTF-8 string with its length."""
        try:
            return self.binary().decode()
        except UnicodeDecodeError:
            raise BrokenPacket(f"a string is not UTF-8 (byte {self.at})") from None

    def rest(self) -> bytes:
        """All that is left."""
        taken, self.at = self._data[self.at :], len(self._data)
        return taken

    def properties(self) -> Properties:
        """Properties with their length in front."""
        length = self.varint()
        if length == 0:
            return NONE
        end = self.at + length
        if length > self.left:
            raise BrokenPacket(f"the properties are longer than the packet (byte {self.at})")
        values: dict[int, PropertyValue] = {}
        user: list[tuple[str, str]] = []
        while self.at < end:
            identifier = self.take(1)[0]
            if identifier == _USER:
                user.append((self.string(), self.string()))
                continue
            kind = _KINDS.get(identifier)
            if kind is None:
                raise BrokenPacket(f"property 0x{identifier:02X} is unknown (byte {self.at})")
            if identifier in values and identifier != _SUBSCRIPTION_IDENTIFIER:
                raise BrokenPacket(f"property 0x{identifier:02X} stands there twice")
            values[identifier] = self._value(kind)
        if self.at != end:
            raise BrokenPacket(f"a property is longer than the properties (byte {self.at})")
        return Properties(values, tuple(user))

    def _value(self, kind: Kind) -> PropertyValue:
        match kind:
            case "string":
                return self.string()
            case "binary":
                return self.binary()
            case "varint":
                return self.varint()
            case "byte" | "two" | "four":
                return self.number(_WIDTHS[kind])
