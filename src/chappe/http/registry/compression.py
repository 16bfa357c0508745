"""gzip for clients that ask for it (RFC 9110 8.4.1.3, 12.5.3)."""

from __future__ import annotations

import gzip
import re
from typing import Final

from chappe.http.exchange import Response, find_header

MIN_BYTES: Final = 1024
"""What is shorter fits a packet with its headers; there is nothing to win."""

LEVEL: Final = 5
"""Within a few per cent of the best, at a third of its time."""

_TEXTUAL = re.compile(
    rb"text/|application/(?:[^;]*\+)?(?:json|xml|yaml)\b|application/protobuf", re.I
)
_WEIGHT = re.compile(r"[qQ]\s*=\s*([0-9.]{1,16})")


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether a client's `Accept-Encoding` lists gzip, or anything, with a weight above 0."""
    if accept_encoding is None:
        return False
    weights: dict[str, float] = {}
    for one in accept_encoding.decode("latin-1").split(","):
        coding, semicolon, parameter = one.partition(";")
        weight = _WEIGHT.fullmatch(parameter.strip())
        if semicolon and weight is None:
            continue
        try:
            weights[coding.strip().lower()] = 1.0 if weight is None else float(weight[1])
        except ValueError:
            continue
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def compressed(response: Response) -> Response:
    """The response gzipped, if that is worth its while; an entity tag gets a suffix."""
    status, body, headers = response
    if (
        len(body) < MIN_BYTES
        or _TEXTUAL.match(find_header(headers, b"content-type") or b"") is None
    ):
        return response
    return Response(
        status,
        gzip.compress(body, LEVEL, mtime=0),
        (
            *((name, _suffixed(value) if name == b"etag" else value) for name, value in headers),
            (b"content-encoding", b"gzip"),
        ),
    )


def _suffixed(tag: bytes) -> bytes:
    return tag[:-1] + b'.gzip"'
