"""Media types of the Schema Registry API: which one a client wants, and whether a body has one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from chappe.formats.confluent.errors import Refused
from chappe.http.exchange import Header, find_header

V1: Final = b"application/vnd.schemaregistry.v1+json"
UNVERSIONED: Final = b"application/vnd.schemaregistry+json"
JSON: Final = b"application/json"

_OFFERED: Final = ((V1, 1.0), (UNVERSIONED, 0.9), (JSON, 0.5))
_TAKEN: Final = frozenset({V1, UNVERSIONED, JSON, b"application/octet-stream"})


def wanted(headers: Sequence[Header]) -> bytes:
    """The media type to answer in.

    Raises:
        Refused: the client takes none that there is.
    """
    accept = find_header(headers, b"accept")
    if accept is None or accept == b"*/*" or accept == V1:
        return V1
    found = _chosen(accept)
    if found is None:
        raise Refused(406, 406, "HTTP 406 Not Acceptable")
    return found


def check_sent(headers: Sequence[Header], body: bytes) -> None:
    """See that a body is one that the API takes.

    Raises:
        Refused: it is of another media type.
    """
    sent = find_header(headers, b"content-type")
    if not body or sent is None:
        return
    if sent.partition(b";")[0].strip().lower() not in _TAKEN:
        raise Refused(415, 415, "HTTP 415 Unsupported Media Type")


@lru_cache(maxsize=256)
def _chosen(accept: bytes) -> bytes | None:
    """The offered type that the client likes best; of equals, what the API likes best."""
    ranges = [_range(part) for part in accept.split(b",") if part.strip()]
    best: tuple[float, float, bytes] | None = None
    for name, weight in _OFFERED:
        fitting = [one for one in ranges if _fits(one[0], name)]
        if not fitting:
            continue
        # The most specific range decides (RFC 9110 12.5.1).
        _, quality = max(fitting, key=lambda one: (b"/*" not in one[0], one[0] != b"*/*"))
        if quality > 0 and (best is None or (quality, weight) > best[:2]):
            best = quality, weight, name
    return None if best is None else best[2]


def _range(part: bytes) -> tuple[bytes, float]:
    name, *parameters = part.split(b";")
    name = name.strip().lower()
    if name == b"*" or name.startswith(b"*/"):
        # RFC 9110 knows neither "*" nor "*/json". Old clients send them, and mean anything.
        name = b"*/*"
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.strip().partition(b"=")
        if key.lower() == b"q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return name, quality


def _fits(wanted: bytes, offered: bytes) -> bool:
    return wanted in (offered, b"*/*") or (
        wanted.endswith(b"/*") and offered.startswith(wanted[:-1])
    )
