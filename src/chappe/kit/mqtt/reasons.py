"""What the reason codes of MQTT 5 (2.4) and the return codes of 3.1.1 (3.2.2.3) say, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chappe.kit.mqtt.packets import Level
from chappe.kit.mqtt.properties import REASON_STRING, Properties

_WORDS: Final[Mapping[int, str]] = {
    0x00: "success",
    0x10: "no matching subscribers",
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x92: "packet identifier not found",
    0x93: "receive maximum exceeded",
    0x94: "topic alias invalid",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format invalid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA0: "maximum connect time",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}
_RETURN_CODES: Final[Mapping[int, str]] = {
    1: "unacceptable protocol version",
    2: "client identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}


def in_words(reason: int, properties: Properties) -> str:
    """`not authorized (0x87)`, with what the broker says besides."""
    words = f"{_WORDS.get(reason, 'unknown reason')} (0x{reason:02X})"
    said = properties.text(REASON_STRING)
    return f"{words}: {said[:200]}" if said else words


def connect_in_words(level: Level, reason: int, properties: Properties) -> str:
    """Why a broker did not let us in."""
    if level == 4:
        return f"{_RETURN_CODES.get(reason, 'unknown reason')} ({reason})"
    return in_words(reason, properties)
