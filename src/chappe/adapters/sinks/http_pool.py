"""Keep-alive connections to sinks, pooled by origin, opened only to vetted addresses.

    answer = await pool.exchange(Origin(False, "127.0.0.1", 8080), request, timeout_s=30.0)

Everything happens in the caller's task and in the loop's timers: there is nothing to start, and a
cancelled caller leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import NamedTuple

from chappe.adapters.sinks.http_answers import EXCERPT_BYTES
from chappe.adapters.sinks.http_connection import (
    Answer,
    ClosedBeforeAnswer,
    Connection,
    Deadlines,
    NoAnswer,
)
from chappe.adapters.sinks.tls_contexts import BadTls, TlsContexts
from chappe.domain.options import Tls
from chappe.kit.outbox import Outbox
from chappe.ports.egress import Egress, NotReachable

CONNECTIONS_PER_ORIGIN = 256
"""A bound against running out of file descriptors; what a sink can bear is the subscription's
`concurrency`."""

IDLE_S = 30.0
"""Below the keep-alive timeout of common servers (nginx 75 s, AWS ALB 60 s, Go none), so that it is
mostly we who close."""

NEXT_ADDRESS_AFTER_S = 3.0
"""How long an address may take while there is another one to try (RFC 8305, without the race)."""


class Origin(NamedTuple):
    """Where connections go: scheme, ASCII host name or address (no brackets), port, and as whom.

    Connections are shared by equal origins alone: one that was opened with a subscription's certificate, or on
    the word of its authority, never carries what another subscription sends.
    """

    secure: bool
    host: str
    port: int
    tls: Tls | None = None

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Pool:
    """Sends requests over connections that are kept, at most `per_origin` to one origin.

    `egress` resolves and judges at each connect: a name that leads to another address later is judged
    again, and what it gave is what is connected to. `tls` replaces the system's trust store and settings for
    origins that say nothing of their own.
    """

    def __init__(
        self,
        *,
        egress: Egress,
        tls: ssl.SSLContext | None,
        per_origin: int = CONNECTIONS_PER_ORIGIN,
        idle_s: float = IDLE_S,
    ) -> None:
        self.egress = egress
        self.per_origin = per_origin
        self.idle_s = idle_s
        self.closed = False
        self.contexts = TlsContexts(tls)
        self._deadlines: Deadlines | None = None
        self._outbox: Outbox | None = None
        self._shelves: dict[Origin, _Shelf] = {}

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened, over all origins."""
        return sum(shelf.open for shelf in self._shelves.values())

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
        self,
        origin: Origin,
        request: bytes,
        *,
        timeout_s: float,
        keep_bytes: int = EXCERPT_BYTES,
    ) -> Coroutine[None, None, Answer]:
        """Send the request and wait for the final answer, in all at most `timeout_s` seconds.

        Of the answer's body `keep_bytes` are kept.

        A request whose reused connection turns out to be closed, without one byte of an answer,
        goes out once more on a fresh one. The sink may then see it twice: that is at least once.

        Raises:
            NoAnswer: with the reason in plain words.
        """
        shelf = self._shelves.get(origin)
        if shelf is None:
            shelf = self._shelves[origin] = _Shelf(self, origin)
        return shelf.exchange(request, timeout_s, keep_bytes)

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

    @property
    def deadlines(self) -> Deadlines:
        """The pool's."""
        return self._pool.deadlines

    def full(self, after_s: float) -> str:
        """Why a request got no connection."""
        return (
            f"no free connection to {self._origin.authority} within {after_s:g} s:"
            f" all {self._pool.per_origin} are in use"
        )

    async def exchange(self, request: bytes, timeout_s: float, keep_bytes: int) -> Answer:
        """See `Pool.exchange`."""
        if self._pool.closed:
            raise NoAnswer(_CLOSED)
        until_s = self._loop.time() + timeout_s
        connection = self._take()
        if connection is None and self.open >= self._pool.per_origin:
            waiting = _Waiting(self, timeout_s)
            connection = await self._wait_for_slot(waiting)
            answer = None if connection is None else waiting.ask(connection, request, keep_bytes)
        else:
            waiting = None
            if connection is None:
                self.open += 1
                answer = None
            else:
                answer = connection.ask(request, timeout_s=timeout_s, keep_bytes=keep_bytes)
        # This task owns a slot from here on.
        try:
            if answer is not None and connection is not None:
                try:
                    return await answer
                except ClosedBeforeAnswer:
                    self._connections.discard(connection)
                    connection = None
            async with asyncio.timeout(until_s - self._loop.time()):
                connection = await self._connect()
                return await connection.ask(request, timeout_s=None, keep_bytes=keep_bytes)
        except TimeoutError as exc:
            missed = f"connection to {self._origin.authority}" if connection is None else "answer"
            raise NoAnswer(f"no {missed} within {timeout_s:g} s") from exc
        finally:
            if waiting is not None:
                waiting.over()
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

    async def _wait_for_slot(self, waiting: _Waiting) -> Connection | None:
        self._waiting.append(waiting.slot)
        try:
            connection = await waiting.slot
        except NoAnswer:
            waiting.over()
            raise
        except asyncio.CancelledError:
            waiting.over()
            self._pass_on(waiting.slot)
            raise
        if waiting.is_late:  # the slot and the end of its time came in one turn of the loop
            self._pass_on(waiting.slot)
            raise NoAnswer(self.full(waiting.timeout_s))
        return connection

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
        secure, host, port, tls = self._origin
        context, addresses = await self._way(secure, host, port, tls)
        for number, address in enumerate(addresses, start=1):
            peer = Origin(secure, address, port).authority
            last = number == len(addresses)
            try:
                async with asyncio.timeout(None if last else NEXT_ADDRESS_AFTER_S):
                    _, connection = await self._loop.create_connection(
                        partial(Connection, peer, self._pool.deadlines, self._pool.outbox),
                        address,
                        port,
                        ssl=context,
                        # Certificates and SNI know no dot at the end (RFC 6066 3).
                        server_hostname=host.removesuffix(".") if secure else None,
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

    async def _way(
        self, secure: bool, host: str, port: int, tls: Tls | None
    ) -> tuple[ssl.SSLContext | None, Sequence[str]]:
        """How to connect, and the addresses in the order to try them.

        Raises:
            NoAnswer: there is none that may be connected to, or the TLS of the origin is of no use.
        """
        egress = self._pool.egress
        refused = None if secure else egress.refusal_of_plain(host)
        if refused is not None:
            raise NoAnswer(refused)
        try:
            context = self._pool.contexts.of(tls) if secure else None
            return context, await egress.vetted_addresses(host, port)
        except (NotReachable, BadTls) as exc:
            raise NoAnswer(str(exc)) from exc


class _Waiting:
    """A request for which there is no connection yet; its time runs on when it has one.

    All this waiting is one row of deadlines, as that of requests is: under load most requests wait.
    """

    __slots__ = ("_connection", "_row", "_shelf", "is_late", "slot", "timeout_s")

    def __init__(self, shelf: _Shelf, timeout_s: float) -> None:
        self.slot: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._shelf = shelf
        self.timeout_s = timeout_s
        self.is_late = False
        self._connection: Connection | None = None
        self._row = shelf.deadlines.start(self, timeout_s)

    def ask(
        self, connection: Connection, request: bytes, keep_bytes: int
    ) -> asyncio.Future[Answer]:
        """Send it, in what is left of its time."""
        self._connection = connection
        return connection.ask(request, timeout_s=None, keep_bytes=keep_bytes)

    def expire(self, after_s: float) -> None:
        """Its time is over."""
        if self._connection is not None:
            self._connection.expire(after_s)
        elif self.slot.done():
            self.is_late = True
        else:
            self.slot.set_exception(NoAnswer(self._shelf.full(after_s)))

    def over(self) -> None:
        """It waits no longer."""
        self._row.stop(self)


_CLOSED = "the client is closed"


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
