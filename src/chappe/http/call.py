"""One request as a server hands it over: its parts, its body, and the way to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias

from chappe.domain.errors import TooLarge
from chappe.http.exchange import Header, Response, Stream, find_header
from chappe.http.framing import coded, content_coding
from chappe.http.raw import Raw
from chappe.kit.supervise import Supervisor

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection before it had sent the whole request."""


class Asked(Protocol):
    """What a request asks for; `path` is as it was sent, header names are lower-case."""

    @property
    def path(self) -> bytes: ...
    @property
    def query(self) -> bytes: ...
    @property
    def headers(self) -> list[Header]: ...


class Call(Asked, Protocol):
    """One request, and the way to answer it."""

    @property
    def method(self) -> str: ...

    @property
    def peer(self) -> str:
        """The address of who is at the other end of the connection; "" where it is not known."""
        ...

    @property
    def gone(self) -> bool:
        """Whether it is known that nobody is there any more to be answered."""
        ...

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body.

        Raises:
            TooLarge: it is, or says that it is, longer than the limit; nothing more was read.
            UnsupportedFormat: it is compressed.
            ClientGone: there is nobody left to answer.
        """
        ...

    async def answer(self, response: Response) -> None:
        """Send the response; a HEAD request gets its headers alone."""
        ...

    async def stream(self, stream: Stream) -> None:
        """Send chunks as they come, at the pace at which the client reads; then close them."""
        ...

    def upgrade(self) -> Raw | None:
        """Leave HTTP: from here on the connection is the caller's. None: it cannot."""
        ...


class WholeCall(Asked, Protocol):
    """A request that has arrived whole."""

    @property
    def whole_body(self) -> bytes: ...


class AsgiCall:
    """The request of any ASGI server."""

    __slots__ = ("_read", "_receive", "_send", "gone", "headers", "method", "path", "peer", "query")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: list[Header] = scope["headers"]
        client = scope.get("client")
        self.peer: str = client[0] if client else ""
        self._receive = receive
        self._send = send
        self._read = False
        self.gone = False

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body."""
        coding = content_coding(self.headers)
        if coding:
            raise coded(coding)
        check_length(self.headers, limit_bytes)
        message = await self._receive()
        self._read = True
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            if len(body) > limit_bytes:
                raise too_large(limit_bytes)
            return body
        chunks, size = [body], len(body)
        while message.get("more_body", False):
            if size > limit_bytes:
                raise too_large(limit_bytes)
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
        if size > limit_bytes:
            raise too_large(limit_bytes)
        return b"".join(chunks)

    async def answer(self, response: Response) -> None:
        """Send the response; a HEAD request gets its headers alone."""
        status, body, headers = response
        if status != 204:
            headers = (*headers, (b"content-length", b"%d" % len(body)))
        if not self._read and find_header(self.headers, b"expect") is not None:
            # RFC 9110 10.1.1: the body that will not be sent would be taken for the next request.
            headers = (*headers, (b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send(
            {"type": "http.response.body", "body": b"" if self.method == "HEAD" else body}
        )

    async def stream(self, stream: Stream) -> None:
        """Send chunks as they come."""
        status, headers, chunks, _ = stream
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        async with Supervisor() as tasks, aclosing(chunks):
            tasks.start_soon(self._watch(stream), name="watch client")
            async for chunk in chunks:
                if self.gone:
                    break
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            tasks.cancel()
        stream.lost()
        await self._send({"type": "http.response.body", "body": b""})

    def upgrade(self) -> Raw | None:
        """ASGI has scopes of their own for that, which the app does not take."""
        return None

    async def _watch(self, stream: Stream) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        stream.lost()


def check_length(headers: list[Header], limit_bytes: int) -> None:
    """Look at what the client says it will send, before any of it is read.

    Raises:
        TooLarge: it would be over the limit; a client that expects 100-continue need not send it.
    """
    length = find_header(headers, b"content-length")
    if length is not None and int(length) > limit_bytes:
        raise too_large(limit_bytes)


def too_large(limit_bytes: int) -> TooLarge:
    """The error of a body over the limit."""
    return TooLarge(
        f"body: longer than {limit_bytes} bytes; send smaller events or a smaller batch",
        limit_bytes=limit_bytes,
    )
