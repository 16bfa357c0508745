r"""What the hub and NATS say to each other, as values: addresses, acks, stored messages.

Also the header block of the NATS protocol, both ways:
`{"Nats-Msg-Id": "7"} <-> b"NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n"`.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from chappe.domain.errors import ChappeError, Unavailable

WRONG_LAST_SEQUENCE: Final = frozenset({10071, 10164})  # 10164 does not tell the real sequence
_NOT_NOW: Final = frozenset({10002, 10005, 10026, 10176})
"""Refusals of status 400 that pass: the account's resources are used up, no peers for a stream, too
many consumers, an atomic batch that a new leader knows only in part."""
_NEVER: Final = frozenset({10006, 10049, 10050, 10052, 10057, 10069, 10074, 10096, 10110, 10117})
"""Refusals of status 500 that say no to what was asked: a stream that cannot be made, changed or
deleted as was asked, a message that is not there."""
NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """Where NATS is and who the hub is there.

    Args:
        urls: `nats://host:port` or `tls://host:port`, tried in order.
        user: with `password`; or none.
        password: kept out of every text and log.
        creds: a credentials file (JWT and seed) as `nsc` writes it.
        token: instead of a user; kept out of every text and log.
        tls: what a TLS connection trusts, and who it says it is; the system's authorities if None.
    """

    urls: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    creds: Path | None = None
    token: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class PubAck:
    """The engine has stored the message (the last message, of an atomic batch)."""

    stream: str
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message; `pending` says how many matching ones followed it when it was read."""

    subject: str
    stream_seq: int
    timestamp_ms: int
    headers: Mapping[str, str]
    payload: bytes
    pending: int


class WrongSequence(Exception):
    """An expected sequence did not hold: somebody else wrote meanwhile. Nothing was stored."""


class ApiError(ChappeError):
    """JetStream refused a request, and would refuse it again.

    Args:
        status: like an HTTP status, such as 404.
        err_code: JetStream's own number, such as 10059 (stream not found).
        description: the server's text.
    """

    code = "engine_refused"

    def __init__(self, status: int, err_code: int, description: str) -> None:
        super().__init__(
            f"NATS refused: {description} (status {status}, error {err_code})",
            status=status,
            err_code=err_code,
        )
        self.status = status
        self.err_code = err_code
        self.description = description


def refusal(error: Mapping[str, object]) -> Exception:
    """The exception for the `error` object of a reply: {"code", "err_code", "description"}."""
    status, err_code = int(str(error.get("code", 0))), int(str(error.get("err_code", 0)))
    description = str(error.get("description", "no description"))
    if err_code in WRONG_LAST_SEQUENCE:
        return WrongSequence(description)
    if err_code in _NOT_NOW or (is_passing(status) and err_code not in _NEVER):
        return Unavailable(f"NATS cannot do it now: {description} (error {err_code})")
    return ApiError(status, err_code, description)


def is_passing(status: int) -> bool:
    """No leader, starting, out of resources, too busy: the same request may pass later."""
    return status == 429 or status >= 500


def encode_headers(headers: Mapping[str, str]) -> bytes:
    r"""The header block; a line break in a name or value is refused, it would forge a header.

    Raises:
        ValueError: a name is empty or holds a colon, or something holds CR or LF.
    """
    lines = ["NATS/1.0"]
    for name, value in headers.items():
        if not name or ":" in name or _broken(name) or _broken(value):
            raise ValueError(f"header {name!r}: {value!r}: no line breaks, no colon in a name")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "\r\n"]).encode()


def decode_headers(block: bytes) -> Mapping[str, str]:
    """Names and values of a header block; of a name that stands twice the last value counts."""
    if not block:
        return NO_HEADERS
    headers = {}
    for line in block.decode("utf-8", "replace").split("\r\n")[1:-2]:
        name, _, value = line.partition(":")
        headers[name] = value.strip(" ")
    return headers


def status_of(block: bytes) -> int:
    r"""`b"NATS/1.0 503\r\n\r\n" -> 503`; 0 when the block has no status, or there is none."""
    return int(block[9:12]) if block[8:9] == b" " else 0


def direct_message(block: bytes, payload: bytes) -> Message:
    """A reply of the direct API: what the message is stands in `Nats-…` headers beside its own."""
    headers = dict(decode_headers(block))
    headers.pop("Nats-Stream", None)
    headers.pop("Nats-Last-Sequence", None)
    headers.pop("Nats-UpTo-Sequence", None)
    at = datetime.fromisoformat(_to_microseconds(headers.pop("Nats-Time-Stamp")))
    return Message(
        headers.pop("Nats-Subject"),
        int(headers.pop("Nats-Sequence")),
        int(at.timestamp() * 1000),
        headers,
        payload,
        int(headers.pop("Nats-Num-Pending", "0")),
    )


def consumed_message(
    subject: bytes, reply: bytes, block: bytes, payload: bytes
) -> tuple[int, Message]:
    """A message of a consumer, and the consumer's own count of deliveries; both from the reply.

    `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>`; a server
    with domains puts `<domain>.<account>` before the stream and a token behind.
    """
    tokens = reply.split(b".")
    first = 5 if len(tokens) == 9 else 7
    return int(tokens[first + 1]), Message(
        subject.decode(),
        int(tokens[first]),
        int(tokens[first + 2]) // 1_000_000,
        decode_headers(block) if block else NO_HEADERS,
        payload,
        int(tokens[first + 3]),
    )


def _broken(text: str) -> bool:
    return "\r" in text or "\n" in text


def _to_microseconds(stamp: str) -> str:
    """`2026-11-22T10:00:00.123456789Z -> 2026-11-22T10:00:00.123456+00:00`, as datetime takes it."""
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    return f"{seconds}.{fraction[:6]:0<6}+00:00"
