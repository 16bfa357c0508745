"""HTTP/1.1 for the client: one origin, kept-alive connections, whole answers in memory.

    GET /events?limit=1  ->  Answer(200, {"content-type": "application/json"}, b"[…]")

Streams of asyncio and the parser of httptools, nothing else: the command line pays for every import.
Redirects are not followed, proxies and cookies are unknown here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

from chappe.client.http1_stream import Streaming
from chappe.client.transport import Answer
from chappe.domain.errors import Malformed, Unavailable

_READ_BYTES = 65_536
_MAX_IDLE = 32
# A hub closes idle connections when it likes; asking again there is safe only where twice is once.
_REPEATABLE = frozenset({"GET", "PUT", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the hub is: `http://127.0.0.1:4280`, or below a path: `https://example.org/chappe`."""

    tls: bool
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Origin:
        """Read the URL of a hub.

        Raises:
            Malformed: no http or https URL, or one with a user, a query or a fragment.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise Malformed(f"url: {url!r} is no URL ({exc})") from exc
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Malformed(f"url: {url!r} is not http://host[:port] or https://host[:port]")
        if parts.username is not None or parts.query or parts.fragment:
            raise Malformed(f"url: {parts.hostname!r} with a user, a query or a fragment; leave it")
        tls = parts.scheme == "https"
        if not all("!" <= character <= "~" for character in url):
            raise Malformed(f"url: {url!r} holds characters that a URL has to encode")
        return cls(tls, parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """What stands in `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:  # type: ignore[explicit-override]
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"


class Http1:
    """Asks one origin; as many questions at a time as there are callers."""

    def __init__(self, origin: Origin, *, tls: ssl.SSLContext | None = None) -> None:
        self.origin = origin
        self._tls = (tls or ssl.create_default_context()) if origin.tls else None
        self._idle: list[_Connection] = []

    @property
    def url(self) -> str:
        """Where the hub is."""
        return str(self.origin)

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        timeout_s: float,
        repeatable: bool = False,
    ) -> Answer:
        """Send one request and read the whole answer.

        `target` is the path with its query, below the origin's own path. `repeatable` allows a POST
        to be sent a second time when a kept connection turns out to be closed.

        Raises:
            Unavailable: no connection, no whole answer, or none within `timeout_s`.
        """
        request = self._request(method, target, headers, body)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(request, repeatable or method in _REPEATABLE)
        except TimeoutError as exc:
            raise Unavailable(f"{self.origin}: no answer within {timeout_s:g} s") from exc
        except (OSError, httptools.HttpParserError) as exc:
            raise _unavailable(self.origin, exc) from exc

    @contextlib.asynccontextmanager
    async def stream(
        self, target: str, *, headers: Mapping[str, str], timeout_s: float, silence_s: float
    ) -> AsyncIterator[Streaming]:
        """GET what is read as it comes; `timeout_s` is for the answer's head.

        Raises:
            Unavailable: no connection, no answer in time, or it was lost or silent on the way.
        """
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(
                    self.origin.host, self.origin.port, ssl=self._tls
                )
        except TimeoutError as exc:
            raise Unavailable(f"{self.origin}: no answer within {timeout_s:g} s") from exc
        except OSError as exc:
            raise _unavailable(self.origin, exc) from exc
        try:
            streaming = Streaming(reader, silence_s)
            async with asyncio.timeout(timeout_s):
                writer.write(self._request("GET", target, headers, b""))
                await streaming.begin()
            yield streaming
        except TimeoutError as exc:
            raise Unavailable(f"{self.origin}: no answer for too long") from exc
        except (OSError, httptools.HttpParserError) as exc:
            raise _unavailable(self.origin, exc) from exc
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            await self._idle.pop().close()

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {self.origin.path}{target} HTTP/1.1", f"host: {self.origin.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method not in ("GET", "DELETE", "OPTIONS"):
            lines.append(f"content-length: {len(body)}")
        for line in lines:
            if not line.isprintable():
                raise Malformed(f"{line.split(':')[0]!r} holds a control character")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body

    async def _ask(self, request: bytes, repeatable: bool) -> Answer:
        while self._idle:
            kept = self._idle.pop()
            if kept.is_lost:
                kept.abort()
                continue
            try:
                return await self._exchange(kept, request)
            except OSError:
                if kept.answering or not repeatable:
                    raise
                break
        return await self._exchange(await self._connect(), request)

    async def _exchange(self, connection: _Connection, request: bytes) -> Answer:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.abort()
            raise
        if connection.reusable and len(self._idle) < _MAX_IDLE:
            self._idle.append(connection)
        else:
            await connection.close()
        return answer

    async def _connect(self) -> _Connection:
        reader, writer = await asyncio.open_connection(
            self.origin.host, self.origin.port, ssl=self._tls
        )
        return _Connection(reader, writer)


class _Connection:
    """One connection, one exchange at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.reusable = False
        self.answering = False

    @property
    def is_lost(self) -> bool:
        """Whether the hub has closed it, as far as is known here."""
        broken = self._reader.at_eof() or self._reader.exception() is not None
        return broken or self._writer.transport.is_closing()

    async def exchange(self, request: bytes) -> Answer:
        self.reusable = self.answering = False
        self._writer.write(request)
        await self._writer.drain()
        collected = _Collected()
        collected.parser = parser = httptools.HttpResponseParser(collected)
        while not collected.complete:
            chunk = await self._reader.read(_READ_BYTES)
            if not chunk:
                if collected.until_close:
                    break
                raise ConnectionResetError("the connection was closed before the whole answer")
            self.answering = True
            parser.feed_data(chunk)
        self.reusable = collected.keep_alive
        return Answer(parser.get_status_code(), collected.headers, b"".join(collected.chunks))

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            self.abort()


@dataclass(slots=True)
class _Collected:
    """What the parser calls back with."""

    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    complete: bool = False
    in_body: bool = False
    keep_alive: bool = False
    parser: httptools.HttpResponseParser | None = None

    @property
    def until_close(self) -> bool:
        """Whether the answer has no length, so that the end of the connection is its end."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        return self.in_body and not framed

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.in_body = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
        # Here: behind the end of a message the parser knows no more, and says False.
        assert self.parser is not None
        self.keep_alive = bool(self.parser.should_keep_alive())


# X509_V_ERR_* of OpenSSL.
_EXPIRED = frozenset({9, 10})
_ANOTHER_NAME = frozenset({62, 64})


def _unavailable(origin: Origin, exc: Exception) -> Unavailable:
    if not isinstance(exc, ssl.SSLCertVerificationError):
        return Unavailable(f"{origin}: {_words(exc)}")
    kind = (
        "name"
        if exc.verify_code in _ANOTHER_NAME
        else "time"
        if exc.verify_code in _EXPIRED
        else "authority"
    )
    return Unavailable(f"{origin}: {_words(exc)}", untrusted=kind)


def _words(exc: Exception) -> str:
    match exc:
        case ConnectionRefusedError():
            return "nobody listens there (connection refused)"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({exc.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({exc.reason}); is it an http:// URL?"
        case httptools.HttpParserError():
            return f"what answers there does not speak HTTP ({exc})"
        case OSError(strerror=str() as text):
            return text
        case _:
            return str(exc) or type(exc).__name__
