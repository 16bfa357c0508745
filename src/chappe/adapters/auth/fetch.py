"""Asking the issuer: one request on a connection of its own, with bounds on size and time.

Addresses are vetted as those of deliveries are, so that what a discovery document names leads no
further than the operator lets the hub go; the issuer's own host is let through, as it is a setting.
Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httptools
from typing_extensions import override

from chappe.kit.client_tls import client_context
from chappe.kit.dial import NotConnected, Peer, dial
from chappe.ports.egress import Egress, NotReachable

TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 512 * 1024


class NotFetched(Exception):
    """There is no answer, or none that can be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer."""

    status: int
    body: bytes


class Fetch:
    """GETs and POSTs; a TLS context is made once."""

    def __init__(self, egress: Egress, tls: ssl.SSLContext | None = None) -> None:
        self._egress = egress
        self._tls = tls

    async def __call__(
        self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """Ask for the URL; with a form, send that.

        Raises:
            NotFetched: see there.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise NotFetched(f"{url[:80]!r} is no URL ({error})") from error
        secure = parts.scheme == "https"
        peer = Peer(host, port or (443 if secure else 80))
        lines = {
            "host": parts.netloc.rpartition("@")[2],
            "accept": "application/json",
            "connection": "close",
            **(headers or {}),
        }
        if form is not None:
            lines["content-type"] = "application/x-www-form-urlencoded"
            lines["content-length"] = str(len(form))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        method = "GET" if form is None else "POST"
        if not (target + head.replace("\r\n", "")).isprintable():
            raise NotFetched(f"{_shown(url)}: cannot be asked for")
        raw = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if secure and self._tls is None:
                    self._tls = client_context(None, None, None)
                reading = await dial(
                    _Reading, peer, self._addresses, tls=self._tls if secure else None
                )
                try:
                    return await reading.ask(raw + (form or b""))
                finally:
                    reading.close()
        except TimeoutError as error:
            raise NotFetched(f"{_shown(url)}: no answer within {TIMEOUT_S:g} s") from error
        except (NotConnected, httptools.HttpParserError) as error:
            raise NotFetched(f"{_shown(url)}: {error}") from error

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return await self._egress.vetted_addresses(host, port)
        except NotReachable as error:
            raise NotConnected(str(error)) from error


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass
class _Reading(asyncio.Protocol):
    """Collects one response."""

    _chunks: list[bytes] = field(default_factory=list)
    _size: int = 0

    def __post_init__(self) -> None:
        self._done: asyncio.Future[Fetched] = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)

    async def ask(self, raw: bytes) -> Fetched:
        """Send the request; the response."""
        self._transport.write(raw)
        return await self._done

    def close(self) -> None:
        """End the connection, whatever comes."""
        self._transport.abort()
        self._done.cancel()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override,explicit-override]
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_BYTES:
            self._fail(NotConnected(f"the answer is longer than {MOST_BYTES} bytes"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(NotConnected("the connection was closed before the answer was whole"))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        if not self._done.done():
            self._done.set_result(Fetched(self._parser.get_status_code(), b"".join(self._chunks)))

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)
