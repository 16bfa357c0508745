"""Permission of a sink to be delivered to (CloudEvents webhook spec 4, abuse protection)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chappe.domain.errors import Malformed

ANY_RATE: Final = "*"
_MOST_RATE: Final = 10**9


@dataclass(frozen=True, slots=True)
class Grant:
    """The sink agreed at `at` (RFC 3339), to `per_minute` requests (None: to any rate).

    It holds for that `sink` alone: another address must agree itself.
    """

    sink: str
    at: str
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a sink answered: it agrees to that rate a minute; None: to any."""

    per_minute: int | None


def agreed(
    *, allowed_origin: str | None, allowed_rate: str | None, origin: str, asked: int | None
) -> Agreed:
    """What the headers of an answer grant (webhook spec 4.2); its status means nothing.

    `origin` and the rate `asked` for a minute are those of the request.

    Raises:
        Malformed: they grant nothing; the message says why.
    """
    if allowed_origin is None:
        raise Malformed("WebHook-Allowed-Origin: is missing, so nothing is granted")
    # Compared whole: a name that begins or ends with ours is somebody else's.
    if allowed_origin != "*" and allowed_origin.lower() != origin.lower():
        raise Malformed(f"WebHook-Allowed-Origin: {allowed_origin[:200]!r} is not {origin!r}")
    return Agreed(rate_of(allowed_rate, asked=asked))


def rate_of(text: str | None, *, asked: int | None) -> int | None:
    """WebHook-Allowed-Rate, a minute (webhook spec 4.2.2); where it is missing, what was asked for.

    Raises:
        Malformed: it is neither "*" nor a whole number from 1.
    """
    if text is None:
        return asked
    if text == ANY_RATE:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= _MOST_RATE:
        raise Malformed(
            f"WebHook-Allowed-Rate: {text[:40]!r} is neither '*' nor a whole number from 1"
        )
    return int(text)


def asked_rate(per_second: float | None) -> int | None:
    """The rate a minute to ask for; None where the subscription sets none."""
    return None if per_second is None else max(1, int(per_second * 60))
