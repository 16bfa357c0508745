"""One request and its response, as plain values; the server's own forms stay in app.py."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import msgspec

from chappe.domain.access import Principal
from chappe.kit.any_json import encode_json

Header: TypeAlias = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")


@dataclass(slots=True)
class Request:
    """What was asked, checked so far as every route needs it.

    `path` and `raw_query` are as they were sent; `params` are the path's parts by name and `query` the parameters,
    both percent-decoded. Header names are lower-case. `draining` tells whether the hub wants to end, `gone` whether
    nobody is there any more to be answered. `peer` is the address at the other end of the connection.
    """

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Sequence[Header]
    body: bytes
    principal: Principal
    draining: Callable[[], bool]
    raw_query: bytes = b""
    gone: Callable[[], bool] = lambda: False
    peer: str = ""

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header of that name."""
        return find_header(self.headers, name)


DRY_RUN: Final[Header] = (b"chappe-dry-run", b"true")
"""Of an answer to a write that was only looked at."""


class Response(NamedTuple):
    """What is answered; Content-Length is added when it is sent."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


class Stream(NamedTuple):
    """An answer that is sent piece by piece, for as long as its chunks come.

    `lost` is called when the client is gone, so that who waits for the next chunk waits no more, and
    in any case in the end.
    """

    status: int
    headers: tuple[Header, ...]
    chunks: AsyncGenerator[bytes, None]
    lost: Callable[[], None]


def find_header(headers: Iterable[Header], name: bytes) -> bytes | None:
    """The value of the first header of that (lower-case) name."""
    for key, value in headers:
        if key == name:
            return value
    return None


def json_response(value: object, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    """`value` as JSON."""
    return Response(status, encode_json(value), (JSON, *headers))


def raw_json(encoded: bytes) -> msgspec.Raw:
    """A part of a response that is JSON already."""
    return msgspec.Raw(encoded)
