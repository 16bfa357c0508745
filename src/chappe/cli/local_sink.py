"""A sink on this machine: takes what a hub delivers, and hands it to whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import httptools
from typing_extensions import override

from chappe.domain.errors import CallerError, ChappeError
from chappe.domain.event import Event
from chappe.formats import cloudevents_http

MAX_BODY_BYTES = 16 * 1024 * 1024


@asynccontextmanager
async def listening(
    host: str, port: int, take: Callable[[Event], int]
) -> AsyncIterator[tuple[str, int]]:
    """Answer each event with the status that `take` gives; where it listens."""
    loop = asyncio.get_running_loop()
    open_: set[_Connection] = set()
    try:
        server = await loop.create_server(lambda: _Connection(open_, take), host, port)
    except (OSError, OverflowError) as exc:
        raise CallerError(f"listen: {host}:{port}: {exc}") from exc
    try:
        where = server.sockets[0].getsockname()
        yield where[0], where[1]
    finally:
        server.close()
        for connection in tuple(open_):
            connection.abort()


class _Connection(asyncio.Protocol):
    """Reads requests one after another, and answers each at once."""

    def __init__(self, open_: set[_Connection], take: Callable[[Event], int]) -> None:
        self._open = open_
        self._take = take
        self._parser = httptools.HttpRequestParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()

    def abort(self) -> None:
        self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()  # The hub makes another connection.

    def on_message_begin(self) -> None:
        self._headers = []
        self._body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY_BYTES:
            raise ValueError("the request is too large")  # Ends the parsing.

    def on_message_complete(self) -> None:
        status, why = self._answered()
        text = why.encode()
        head = f"HTTP/1.1 {status} {'OK' if status < 300 else 'No'}\r\ncontent-length: {len(text)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + text)

    def _answered(self) -> tuple[int, str]:
        if self._parser.get_method() == b"OPTIONS":
            return 200, ""
        try:
            found = cloudevents_http.decode(self._headers, bytes(self._body))
        except ChappeError as error:
            return 400, error.message
        statuses = [self._take(event) for event in (found if isinstance(found, list) else [found])]
        return max(statuses, default=200), ""
