"""What an HTTP answer means for a delivery: status, headers and body -> Outcome; pure.

    2xx                       Delivered
    3xx                       Refused    a redirect is never followed (webhook spec 2.2)
    404                       Failed     a sink that is being deployed; the retries end it
    408, 409, 425, 429, 5xx   Failed     with the wait that Retry-After asks for
    410                       Gone       no more events (webhook spec 2.2)
    other 4xx                 Refused    with the beginning of the body
    anything else             Failed     no status of HTTP

What follows from an outcome is for `domain/delivery.settle`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from chappe.domain.delivery import Delivered, Failed, Gone, Outcome, Refused

EXCERPT_BYTES = 500
"""As much of a body as goes into a reason: a stack trace's first lines, and no more in the log."""

DELIVERED = {status: Delivered(status) for status in range(200, 300)}
"""The outcome of nearly every answer: by its status alone, whatever the time."""

_HIDDEN = "…".encode()
LEAST_SECRET_BYTES = 4
"""Fewer bytes of a secret tell nothing, and stand everywhere by chance."""

_AGAIN = frozenset({404, 408, 409, 425, 429})
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_SECONDS = re.compile(rb"[0-9]{1,10}", re.ASCII)

Headers = Iterable[tuple[bytes, bytes]]


def outcome_of(status: int, headers: Headers, body: bytes, *, now_s: float) -> Outcome:
    """The outcome of a complete answer; `now_s` is Unix time, `body` at least its beginning."""
    delivered = DELIVERED.get(status)
    if delivered is not None:
        return delivered
    if 300 <= status < 400:
        return Refused(status, _redirect(headers))
    if status == HTTPStatus.GONE:
        return Gone(status, "gone")
    if status in _AGAIN or 500 <= status < 600:
        reason = f"{status} {_explained(status, body)}".rstrip()
        return Failed(reason, status, retry_after_s(headers, now_s=now_s))
    if 400 <= status < 500:
        return Refused(status, _explained(status, body))
    return Failed(f"the answer's status {status} is none of HTTP", status)


def retry_after_s(headers: Headers, *, now_s: float) -> float | None:
    """The seconds of `Retry-After` (RFC 9110 10.2.3), a date counted from `now_s`; never negative.

    None when it is absent or neither a number of seconds nor a date; the first one counts.
    """
    value = _first(headers, b"retry-after")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        return max(0.0, date.timestamp() - now_s) if date.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def excerpt(body: bytes) -> str:
    """The beginning of a body as one line of text: at most 500 bytes, undecodable ones replaced.

    What is not printable (line breaks, escape sequences, characters that reorder text) becomes a
    space: the reason is shown in terminals and logs, and a sink must not write there.
    """
    text = body[:EXCERPT_BYTES].decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())


def without(secrets: Iterable[bytes], text: bytes) -> bytes:
    """The beginning of a body, or a header's value, with each of the secrets replaced by an ellipsis.

    A sink that echoes what it was sent, as some do with an error, must not carry the subscription's credential
    into reasons, which others read. A body that was cut off may end within a secret: that much goes, too.
    """
    is_cut = len(text) >= EXCERPT_BYTES
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
        longest = len(secret) - 1 if is_cut else 0
        for length in range(longest, LEAST_SECRET_BYTES - 1, -1):
            if text.endswith(secret[:length]):
                text = text[:-length] + _HIDDEN
                break
    return text


def _explained(status: int, body: bytes) -> str:
    phrase = _PHRASES.get(status, "")
    return ": ".join(part for part in (phrase, excerpt(body)) if part)


def _redirect(headers: Headers) -> str:
    location = _first(headers, b"location")
    where = f" to {excerpt(location)!r}" if location else ""
    return f"a redirect{where}, which is not followed"


def _first(headers: Headers, name: bytes) -> bytes | None:
    return next((value.strip() for key, value in headers if key.lower() == name), None)


def header_of(headers: Headers, name: bytes) -> str | None:
    """The first header of that name (lower case), as text; None where there is none."""
    value = _first(headers, name)
    return None if value is None else value.decode("latin-1")
