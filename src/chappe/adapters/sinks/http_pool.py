"""Keep-alive connections to sinks, pooled by origin, opened only to vetted addresses.

    answer = await pool.exchange(Origin(False, "127.0.0.1", 8080), request, timeout_s=30.0)

Everything happens in the caller's task and in the loop's timers: there is nothing to start, and a
cancelled caller leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

from chappe.adapters.sinks.http_connection import (
    Answer,
    ClosedBeforeAnswer,
    Connection,
    Deadlines,
    NoAnswer,
)
from chappe.kit.outbox import Outbox

CONNECTIONS_PER_ORIGIN = 256
"""A bound against running out of file descriptors; what a sink can bear is the subscription's
`concurrency`."""

IDLE_S = 30.0
"""Below the keep-alive timeout of common servers (nginx 75 s, AWS ALB 60 s, Go none), so that it is
mostly we who close."""

NEXT_ADDRESS_AFTER_S = 3.0
"""How long an address may take while there is another one to try (RFC 8305, without the race)."""


class Origin(NamedTuple):
    """Where connections go: scheme, ASCII host name or address (no brackets), port."""

    secure: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Pool:
    """Sends requests over connections that are kept, at most `per_origin` to one origin.

    `vet` decides for each resolved IP address whether it may be connected to, at each connect: a
    name that resolves to another address later is judged again.
    """

    def __init__(
        self,
        *,
        vet: Callable[[str], bool],
        tls: ssl.SSLContext | None,
        per_origin: int = CONNECTIONS_PER_ORIGIN,
        idle_s: float = IDLE_S,
    ) -> None:
        self.vet = vet
        self.per_origin = per_origin
        self.idle_s = idle_s
        self.closed = False
        self._tls = tls
        self._deadlines: Deadlines | None = None
        self._outbox: Outbox | None = None
        self._shelves: dict[Origin, _Shelf] = {}

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened, over all origins."""
        return sum(shelf.open for shelf in self._shelves.values())

    @property
    def tls(self) -> ssl.SSLContext:
        """The context of all https connections; made at the first one (it reads many files)."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    @property
    def deadlines(self) -> Deadlines:
        """Of the running loop."""
        if self._deadlines is None:
            self._deadlines = Deadlines()
        return self._deadlines

    @property
    def outbox(self) -> Outbox:
        """Of the running loop."""
        if self._outbox is None:
            self._outbox = Outbox(asyncio.get_running_loop())
        return self._outbox

    def exchange(
        self, origin: Origin, request: bytes, *, timeout_s: float
    ) -> Coroutine[None, None, Answer]:
        """Send the request and wait for the final answer, in all at most `timeout_s` seconds.

        A request whose reused connection turns out to be closed, without one byte of an answer,
        goes out once more on a fresh one. The sink may then see it twice: that is at least once.

        Raises:
            NoAnswer: with the reason in plain words.
        """
        shelf = self._shelves.get(origin)
        if shelf is None:
            shelf = self._shelves[origin] = _Shelf(self, origin)
        return shelf.exchange(request, timeout_s)

    def close(self) -> None:
        """Close every connection; exchanges under way fail."""
        self.closed = True
        for shelf in list(self._shelves.values()):
            shelf.close()
        if self._deadlines is not None:
            self._deadlines.close()

    def forget(self, origin: Origin) -> None:
        """Drop an origin that has no connection left."""
        self._shelves.pop(origin, None)


class _Shelf:
    """The connections to one origin. A slot is the right to have one connection."""

    def __init__(self, pool: Pool, origin: Origin) -> None:
        self.open = 0
        self._pool = pool
        self._origin = origin
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._idle: dict[Connection, float] = {}
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def exchange(self, request: bytes, timeout_s: float) -> Answer:
        """See `Pool.exchange`."""
        if self._pool.closed:
            raise NoAnswer(_CLOSED)
        until_s = self._loop.time() + timeout_s
        connection = self._take()
        at_once = connection is not None
        if connection is None:
            if self.open < self._pool.per_origin:
                self.open += 1
            else:
                connection = await self._wait_for_slot(timeout_s)
        # This task owns a slot from here on.
        try:
            if at_once and connection is not None:
                try:
                    return await connection.ask(request, timeout_s=timeout_s)
                except ClosedBeforeAnswer:
                    self._connections.discard(connection)
                    connection = None
            async with asyncio.timeout(until_s - self._loop.time()):
                if connection is not None:
                    try:
                        return await connection.ask(request, timeout_s=None)
                    except ClosedBeforeAnswer:
                        self._connections.discard(connection)
                        connection = None
                connection = await self._connect()
                return await connection.ask(request, timeout_s=None)
        except TimeoutError as exc:
            missed = f"connection to {self._origin.authority}" if connection is None else "answer"
            raise NoAnswer(f"no {missed} within {timeout_s:g} s") from exc
        finally:
            if connection is None:
                self._free_slot()
            else:
                self._give_back(connection)

    def close(self) -> None:
        """Close all; those who wait for a slot fail."""
        for connection in list(self._connections):
            connection.abort()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(NoAnswer(_CLOSED))
        self._waiting.clear()
        self._close_idle()

    def _take(self) -> Connection | None:
        """The connection used last, with its slot: so the others may grow old and be closed."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.reusable:
                return connection
            self._connections.discard(connection)
            self.open -= 1
        return None

    def _give_back(self, connection: Connection) -> None:
        """The exchange is over: the connection goes to the next who waits, or rests."""
        if not connection.reusable or self._pool.closed:
            connection.abort()
            self._connections.discard(connection)
            self._free_slot()
        elif not self._hand_over(connection):
            self._idle[connection] = self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(self._pool.idle_s, self._close_idle)

    def _free_slot(self) -> None:
        if not self._hand_over(None):
            self.open -= 1
            if self.open == 0:
                self._pool.forget(self._origin)

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return True
        return False

    async def _wait_for_slot(self, timeout_s: float) -> Connection | None:
        waiting: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s):
                return await waiting
        except TimeoutError as exc:
            self._pass_on(waiting)
            raise NoAnswer(
                f"no free connection to {self._origin.authority} within {timeout_s:g} s:"
                f" all {self._pool.per_origin} are in use"
            ) from exc
        except asyncio.CancelledError:
            self._pass_on(waiting)
            raise

    def _pass_on(self, waiting: asyncio.Future[Connection | None]) -> None:
        """What was handed over in the very moment when its taker gave up goes to the next."""
        if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
            connection = waiting.result()
            if connection is None:
                self._free_slot()
            else:
                self._give_back(connection)

    def _close_idle(self) -> None:
        """Close what has rested for `idle_s`, or was closed by the sink; look again for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rested_since_s = self._loop.time() - self._pool.idle_s
        for connection, since_s in list(self._idle.items()):
            if since_s > rested_since_s and connection.reusable:
                self._timer = self._loop.call_later(since_s - rested_since_s, self._close_idle)
                return
            del self._idle[connection]
            connection.abort()
            self._connections.discard(connection)
            self._free_slot()

    async def _connect(self) -> Connection:
        """A connection to the first address that takes one.

        Raises:
            NoAnswer: none does, in the words of the last one's error.
        """
        secure, host, port = self._origin
        addresses = await self._allowed_addresses()
        for number, address in enumerate(addresses, start=1):
            peer = Origin(secure, address, port).authority
            last = number == len(addresses)
            try:
                async with asyncio.timeout(None if last else NEXT_ADDRESS_AFTER_S):
                    _, connection = await self._loop.create_connection(
                        partial(Connection, peer, self._pool.deadlines, self._pool.outbox),
                        address,
                        port,
                        ssl=self._pool.tls if secure else None,
                        server_hostname=host if secure else None,
                    )
            except OSError as exc:
                if last or isinstance(exc, ssl.SSLError):
                    raise NoAnswer(_in_words(exc, peer)) from exc
                continue
            self._connections.add(connection)
            if self._pool.closed:
                connection.abort()
                raise NoAnswer(_CLOSED)
            return connection
        raise AssertionError("there is at least one address")

    async def _allowed_addresses(self) -> list[str]:
        """The addresses of the host in the order to try them: families in turn (RFC 8305 4)."""
        host = self._origin.host
        try:
            found = [str(ipaddress.ip_address(host))]
        except ValueError:
            found = await self._resolve()
        allowed = [address for address in found if self._pool.vet(_plain(address))]
        if not allowed:
            raise NoAnswer(f"address {found[0]} of host {host} is not allowed")
        return allowed

    async def _resolve(self) -> list[str]:
        host = self._origin.host
        try:
            infos = await self._loop.getaddrinfo(
                host, self._origin.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
        except socket.gaierror as exc:
            if exc.errno == socket.EAI_AGAIN:
                raise NoAnswer(f"host name {host} could not be resolved: try again later") from exc
            raise NoAnswer(f"host name {host} not found") from exc
        except (OSError, UnicodeError) as exc:
            raise NoAnswer(f"host name {host} could not be resolved: {exc}") from exc
        first = [str(info[4][0]) for info in infos if info[0] == infos[0][0]]
        other = [str(info[4][0]) for info in infos if info[0] != infos[0][0]]
        in_turn = [address for pair in zip_longest(first, other) for address in pair if address]
        return list(dict.fromkeys(in_turn))


_CLOSED = "the client is closed"


def _plain(address: str) -> str:
    """::ffff:169.254.169.254 -> 169.254.169.254: judged as the address that is really reached."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def _in_words(error: OSError, peer: str) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: certificate verify failed: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
        case ConnectionRefusedError():
            return f"connection refused by {peer}"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return f"connection closed by {peer} while it was opened"
        case TimeoutError():
            return f"no connection to {peer}: it does not answer"
        case _:
            return f"no connection to {peer}: {error.strerror or error}"
