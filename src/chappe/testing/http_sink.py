"""A small, fast HTTP sink on a loopback port: the receiver in tests, benchmarks and the demo.

    async with SinkServer([Reply(503, delay_s=0.1), Reply(204)]) as sink:
        ...deliver to sink.url...
        await sink.until(lambda: sink.count == 2)
        assert sink.requests[0].header("webhook-id") == "..."

With `recording=False` and no script it only counts and answers 204, from pre-encoded bytes.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias, cast

import httptools


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it stood on the wire; header names and values are untouched."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of the only header of that name (any case); None when there is none."""
        values = self.all_headers(name)
        assert len(values) <= 1, f"header {name!r} came {len(values)} times: {values}"
        return values[0] if values else None

    def all_headers(self, name: str) -> list[str]:
        """The values of every header of that name, in order."""
        wanted = name.lower().encode("ascii")
        return [value.decode() for key, value in self.headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer, after `delay_s` seconds; `raw` replaces the whole answer, byte for byte.

    `raw=b""` answers nothing at all. `hang_up` closes the connection afterwards.
    """

    status: int = 204
    headers: Sequence[tuple[str, str]] = ()
    delay_s: float = 0.0
    body: bytes = b""
    raw: bytes | None = None
    hang_up: bool = False


_TURNS: Final = 5
"""Of the loop, from an accepted connection to its transport, and from its end to its being closed."""

Script: TypeAlias = Sequence[Reply] | Callable[[Received], Reply]
"""One reply for each request in turn (then 204 for ever), or a function that makes them."""

NO_CONTENT = Reply()


@dataclass(slots=True)
class _Wait:
    condition: Callable[[], bool]
    done: asyncio.Future[None]


@dataclass(slots=True)
class SinkServer:
    """Serves a script and remembers what came: `count`, `requests`, `accepted` connections."""

    script: Script = ()
    recording: bool = True
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    count: int = 0
    accepted: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: set[_Counting] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _waits: list[_Wait] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; `port` 0 becomes the port that was free."""
        fast = not self.recording and not self.script
        make = _Counting if fast else _Scripted
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: make(self), self.host, self.port, ssl=self.tls, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            for _ in range(_TURNS):  # one that was accepted just now is made in the next turns
                self.drop_connections()
                await asyncio.sleep(0)
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:40123`, or https with `tls`; an IPv6 host stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}"

    def drop_connections(self) -> None:
        """Close every connection at once, as a server does that restarts."""
        for connection in list(self.connections):
            connection.transport.abort()

    async def until(self, condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
        """Wait until the condition holds; it is looked at after each request, connect and close.

        Raises:
            TimeoutError: it did not hold within `within_s` seconds.
        """
        if not condition():
            wait = _Wait(condition, asyncio.get_running_loop().create_future())
            self._waits.append(wait)
            await asyncio.wait_for(wait.done, within_s)

    def answer_to(self, request: Received) -> Reply:
        """The script's next line."""
        if self.recording:
            self.requests.append(request)
        if callable(self.script):
            return self.script(request)
        return self.script[self.count] if self.count < len(self.script) else NO_CONTENT

    def happened(self) -> None:
        """Look at the conditions of those who wait."""
        for wait in [wait for wait in self._waits if wait.done.done() or wait.condition()]:
            self._waits.remove(wait)
            if not wait.done.done():
                wait.done.set_result(None)


class _Counting(asyncio.BufferedProtocol):
    """A connection that reads requests and answers 204, and does nothing else."""

    transport: asyncio.Transport

    def __init__(self, sink: SinkServer) -> None:
        self.sink = sink
        self.parser = httptools.HttpRequestParser(self)
        self.buffer = memoryview(bytearray(16 * 1024))  # far cheaper over TLS than the loop's own

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.sink.accepted += 1
        self.sink.connections.add(self)
        self.sink.happened()

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        self.sink.connections.discard(self)
        self.sink.happened()

    def get_buffer(self, sizehint: int) -> memoryview:  # type: ignore[explicit-override]
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:  # type: ignore[explicit-override]
        self.parser.feed_data(self.buffer[:nbytes])

    def on_message_complete(self) -> None:
        self.sink.count += 1
        self.transport.write(_NO_CONTENT)


class _Scripted(_Counting):
    """A connection that keeps each request and answers by the script."""

    def __init__(self, sink: SinkServer) -> None:
        super().__init__(sink)
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:  # type: ignore[explicit-override]
        request = Received(
            method=self.parser.get_method().decode("ascii"),
            target=self.target.decode("ascii"),
            headers=tuple(self.headers),
            body=b"".join(self.body),
        )
        self.target, self.headers, self.body = b"", [], []
        reply = self.sink.answer_to(request)
        self.sink.count += 1
        if reply.delay_s:
            asyncio.get_running_loop().call_later(reply.delay_s, self._write, reply)
        else:
            self._write(reply)
        self.sink.happened()

    def _write(self, reply: Reply) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(_encoded(reply))
        if reply.hang_up:
            self.transport.close()


def _encoded(reply: Reply) -> bytes:
    if reply.raw is not None:
        return reply.raw
    phrase = HTTPStatus(reply.status).phrase if reply.status in _KNOWN else ""
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    names = {name.lower() for name, _ in reply.headers}
    bodiless = reply.status < 200 or reply.status in (204, 304)
    if not bodiless and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"content-length: {len(reply.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body


_KNOWN = frozenset(status.value for status in HTTPStatus)
_NO_CONTENT = _encoded(NO_CONTENT)
