"""One TCP or TLS connection to a NATS server: bytes in, frames out, no memory of what was asked.

Made for the hot path. What is written in one turn of the event loop leaves in one write; incoming
bytes are cut into frames without copying more than the payload. Reconnecting, acknowledgements and
JetStream are the business of `connection`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Mapping
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

from chappe.adapters.nats.credentials import sign_in
from chappe.adapters.nats.messages import NatsAddress
from chappe.domain.errors import InvalidSetting, Unavailable

Handler = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, reply subject (or empty), header block (or empty), payload."""
Lost = Callable[["Wire", str], None]
"""Takes the wire that ended, and why."""

CONNECT_TIMEOUT_S: Final = 5.0
PING_EVERY_S: Final = 15.0  # a silent server is given up after two unanswered pings
CLOSE_TIMEOUT_S: Final = 2.0
_PORT: Final = 4222
_SURVIVED: Final = "Permissions Violation"  # the one complaint after which the server stays
_log = logging.getLogger("chappe.nats")


class Wire(asyncio.Protocol):
    """The protocol on one connection; `lost` is called once, when it has ended."""

    def __init__(self, handlers: Mapping[bytes, Handler], lost: Lost) -> None:
        self.server: dict[str, object] = {}
        self.greeted = False
        self.last_error = ""
        self.on_error: Callable[[str], None] = lambda said: None
        self._handlers = handlers
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._held: list[bytes] = []  # the start of a frame whose end has not arrived
        self._held_size = 0
        self._wanted_size = 0
        self._greeted: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._pongs: list[asyncio.Future[None]] = []
        self._unanswered = 0
        self._heard = False
        self._timer: asyncio.TimerHandle | None = None

    async def greet(self, address: NatsAddress, url: SplitResult, name: str) -> None:
        """Wait for the server's INFO, turn to TLS where asked, sign in.

        Raises:
            Unavailable: the server refused, or hung up; the text says why.
        """
        await self._greeted
        tls = bool(self.server.get("tls_required") or self.server.get("tls_available"))
        if url.scheme == "tls" and not tls:
            raise Unavailable("the server answers without TLS, and tls:// asks for it")
        if url.scheme == "tls" or self.server.get("tls_required"):
            if self._transport is None:
                raise Unavailable("the server hung up")
            self._transport = await self._loop.start_tls(
                self._transport,
                self,
                address.tls or ssl.create_default_context(),
                server_hostname=url.hostname,
            )
        user = NatsAddress(
            (),
            address.user if url.username is None else url.username,
            address.password if url.username is None else url.password,
            address.creds,
            address.token,
        )
        hello = {
            "verbose": False,
            "pedantic": False,
            "lang": "python",
            "version": "1",
            "name": name,
            "protocol": 1,
            "headers": True,
            "no_responders": True,
            **sign_in(user, str(self.server.get("nonce", ""))),
        }
        self.send(b"CONNECT %b\r\n" % json.dumps(hello).encode())
        await self.ping()
        self.greeted = True
        self._timer = self._loop.call_later(PING_EVERY_S, self._watch)

    def send(self, *frames: bytes) -> None:
        """Write with everything else of this turn of the loop."""
        out = self._out
        if not out:
            self._loop.call_soon(self.flush)
        out += frames

    def flush(self) -> None:
        """Write what waits now, for one who would rather not wait for this turn of the loop to end."""
        out = self._out
        if out:
            if self._transport is not None:
                self._transport.write(b"".join(out))
            out.clear()

    def hold(self, *, held: bool) -> None:
        """Take nothing more from the server, or go on; one that waits too long hangs up."""
        if self._transport is None:
            return
        if held and self._transport.is_reading():
            self._transport.pause_reading()
        elif not held and not self._transport.is_reading():
            self._transport.resume_reading()

    async def ping(self) -> None:
        """Return when the server has taken all that was sent before.

        Raises:
            Unavailable: the connection ended first.
        """
        await self.pong()

    def pong(self) -> asyncio.Future[None]:
        """The same without waiting: a PING is sent, its answer ends the future."""
        pong: asyncio.Future[None] = self._loop.create_future()
        self._pongs.append(pong)
        self.send(b"PING\r\n")
        return pong

    @property
    def alive(self) -> bool:
        """True until the connection has ended."""
        return not self._ended.done()

    async def close(self) -> None:
        """Send what is waiting, then hang up; a server that does not take it is left."""
        self.flush()
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait([self._ended], timeout=CLOSE_TIMEOUT_S)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        """Begin."""
        # A cast: uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        """End: whoever waits is told."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        complaint = "" if self.last_error.startswith(_SURVIVED) else self.last_error
        reason = complaint or (str(exc) if exc else "the server hung up")
        for waiting in (self._greeted, *self._pongs):
            if not waiting.done():
                waiting.set_exception(Unavailable(reason))
                waiting.exception()  # nobody may be waiting any more
        self._pongs.clear()
        self._ended.set_result(None)
        self._lost(self, reason)

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Cut frames; the rest is held until enough has arrived to go on."""
        self._heard = True
        if self._held:
            self._held.append(data)
            self._held_size += len(data)
            if self._held_size < self._wanted_size:
                return
            data = b"".join(self._held)
            self._held.clear()
        try:
            at, wanted_size = self._cut(data)
        except (ValueError, IndexError, KeyError) as problem:
            self.last_error = f"it does not speak NATS: {data[:40]!r} ({problem})"
            if self._transport is not None:
                self._transport.abort()
            return
        if at < len(data):
            self._held.append(data[at:] if at else data)
            self._held_size = len(data) - at
            self._wanted_size = wanted_size

    def _cut(self, data: bytes) -> tuple[int, int]:
        """Handle every whole frame; give the offset of the rest and the bytes it needs to go on."""
        at, size, handlers = 0, len(data), self._handlers
        while at < size:
            end = data.find(b"\r\n", at)
            if end < 0:
                return at, size - at + 1
            first = data[at]
            if first == 77:  # M: "MSG subject sid [reply] size"
                words = data[at + 4 : end].split()
                start = end + 2
                stop = start + int(words[-1])
                if stop + 2 > size:
                    return at, stop + 2 - at
                handler = handlers.get(words[1])
                if handler is not None:
                    reply = words[2] if len(words) == 4 else b""
                    handler(words[0], reply, b"", data[start:stop])
                at = stop + 2
            elif first == 72:  # H: "HMSG subject sid [reply] header_size size"
                words = data[at + 5 : end].split()
                start = end + 2
                stop = start + int(words[-1])
                if stop + 2 > size:
                    return at, stop + 2 - at
                handler = handlers.get(words[1])
                if handler is not None:
                    body = start + int(words[-2])
                    reply = words[2] if len(words) == 5 else b""
                    handler(words[0], reply, data[start:body], data[body:stop])
                at = stop + 2
            else:
                self._control(data[at:end])
                at = end + 2
        return size, 0

    def _control(self, line: bytes) -> None:
        if line == b"PING":
            self.send(b"PONG\r\n")
        elif line == b"PONG":
            self._unanswered = 0
            if self._pongs:
                pong = self._pongs.pop(0)
                if not pong.done():
                    pong.set_result(None)
        elif line.startswith(b"INFO "):
            self.server = json.loads(line[5:])
            if not self._greeted.done():
                self._greeted.set_result(None)
        elif line.startswith(b"-ERR"):
            self.last_error = line[4:].decode("utf-8", "replace").strip(" '")
            _log.warning("NATS complains: %s", self.last_error)
            self.on_error(self.last_error)

    def _watch(self) -> None:
        """A peer that vanished without a FIN is found by pings that nobody answers."""
        if self._unanswered >= 2 and self._transport is not None:
            self.last_error = "the server fell silent"
            self._transport.abort()
            return
        if not self._heard:
            self._unanswered += 1
            pong: asyncio.Future[None] = self._loop.create_future()
            self._pongs.append(pong)
            self.send(b"PING\r\n")
        self._heard = False
        self._timer = self._loop.call_later(PING_EVERY_S, self._watch)


def parse_url(url: str) -> SplitResult:
    """Check one server's URL.

    Raises:
        InvalidSetting: not nats:// or tls://, or without a host.
    """
    parts = urlsplit(url)
    try:
        valid = parts.scheme in ("nats", "tls") and parts.hostname and (parts.port or _PORT)
    except ValueError:
        valid = False
    if not valid:
        raise InvalidSetting(f"NATS URL {url!r}: must be nats://host:port or tls://host:port")
    return parts


async def dial(
    url: str,
    address: NatsAddress,
    *,
    name: str,
    handlers: Mapping[bytes, Handler],
    lost: Lost,
) -> Wire:
    """Connect and sign in.

    Raises:
        Unavailable: no server there, or it refused; the text says which.
        InvalidSetting: the URL or the credentials are wrong.
    """
    parts = parse_url(url)
    host, port = parts.hostname or "", parts.port or _PORT
    loop = asyncio.get_running_loop()
    wire = Wire(handlers, lost)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.create_connection(lambda: wire, host, port)
            await wire.greet(address, parts, name)
        return wire
    except TimeoutError:
        problem = f"no answer within {CONNECT_TIMEOUT_S:g} s"
    except (OSError, Unavailable) as error:
        problem = str(error)
    finally:
        if not wire.greeted:
            await wire.close()
    raise Unavailable(f"NATS at {host}:{port} cannot be reached: {problem}")
