"""One HTTP/1.1 connection: bytes to requests (httptools), responses to bytes (RFC 9112).

A request that arrives in one piece, as nearly all do, is handed over whole: no task, no timer and
no event is made for it. Requests of a connection are answered one after another by one task.
"""

from __future__ import annotations

import asyncio
import http
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from email.utils import formatdate
from typing import Final

import httptools
from typing_extensions import override

from chappe.http.call import ClientGone, check_length, too_large
from chappe.http.exchange import Header, Response, Stream, find_header
from chappe.http.framing import broken_rule, coded, content_coding
from chappe.http.problems import problem_response
from chappe.http.raw import HELD_BYTES, Raw
from chappe.kit.outbox import Outbox

MAX_HEADER_BYTES: Final = 64 * 1024
HEADERS_WITHIN_S: Final = 10.0
BODY_SILENCE_S: Final = 30.0
LEAST_BYTES_PER_S: Final = 500
"""A body may come as slowly as this, after its first BODY_SILENCE_S (Apache's default, too)."""
READER_SILENCE_S: Final = 30.0
"""A client that takes less than LEAST_BYTES_PER_S of its answer for so long is not waited for."""
ANSWERS_A_TURN: Final = 8
TURN_S: Final = 0.005
"""What one connection may do of requests that came together before others have their turn."""
FRAMING_PER_BYTE: Final = 16
"""Chunk sizes, extensions and trailers may be so much longer than what they frame (and MAX_HEADER_BYTES)."""
APART_BYTES: Final = 256 * 1024
"""A body longer than this is not joined to its headers: it would be there twice while it is sent."""
KEEP_ALIVE_S: Final = 75.0
"""Longer than the idle time of most clients' pools: the client closes first, and no request is
lost to a connection that closes while it is on its way."""

STALLED_S: Final = 60.0
"""A client of a stream that reads nothing for so long has gone, or might as well have."""

_STATUS_LINES: Final = {
    one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode("ascii") for one in http.HTTPStatus
}
_UNUSUAL: Final = frozenset(
    {b"connection", b"proxy-connection", b"expect", b"transfer-encoding", b"content-encoding"}
)
_WORDY: Final = problem_response(
    400, "malformed", "body: its chunks and trailers are far longer than what they hold", {}
)
_MALFORMED: Final = problem_response(400, "malformed", "the request is no HTTP/1.1", {})
_LONG_HEADERS: Final = problem_response(
    431, "headers_too_large", f"headers: longer than {MAX_HEADER_BYTES} bytes", {}
)
_TOO_SLOW: Final = problem_response(408, "too_slow", "the request took too long to arrive", {})

_log = logging.getLogger("chappe.http")


class _Nowhere(list[Header]):
    """Takes headers and keeps none."""

    @override
    def append(self, header: Header, /) -> None:
        pass


_NOWHERE: Final = _Nowhere()


class Exchange:
    """A request on its way in and its response on its way out (see call.Call)."""

    __slots__ = (
        "_body", "_connection", "_dropped_bytes", "_waiter", "answered", "coding", "complete", "expects",
        "headers", "keep_alive", "method", "path", "query", "refusal", "version",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, method: str, url: bytes, headers: list[Header]
    ) -> None:
        self.method = method
        self.path, _, self.query = url.partition(b"?")
        self.headers = headers
        self.keep_alive = True
        self.expects = False
        self.complete = False
        self.answered = False
        self.coding = b""
        self.refusal: Response | None = None
        self.version = "1.1"
        self._connection = connection
        self._dropped_bytes = 0
        self._body: bytes | bytearray = b""
        self._waiter: asyncio.Future[None] | None = None

    @property
    def gone(self) -> bool:
        """Whether the client has closed the connection, or its half of it."""
        return self._connection.lost or self._connection.eof

    @property
    def peer(self) -> str:
        """The address of who is at the other end."""
        return self._connection.peer

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body, as call.Call has it."""
        if self.coding:
            raise coded(self.coding)
        if not self.complete:
            check_length(self.headers, limit_bytes)
            if self.expects:
                self.expects = False
                self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.complete and len(self._body) <= limit_bytes:
            if self.refusal is not None:
                await self._connection.respond(self, self.refusal)
            if self.refusal is not None or self._connection.lost:
                raise ClientGone
            self._waiter = self._connection.loop.create_future()
            await self._waiter
        if len(self._body) > limit_bytes:
            raise too_large(limit_bytes)
        return bytes(self._body)

    @property
    def whole_body(self) -> bytes:
        """The body of a request that has arrived whole."""
        return bytes(self._body)

    @property
    def body_bytes(self) -> int:
        """How much of the body has come, with what was dropped."""
        return len(self._body) + self._dropped_bytes

    async def answer(self, response: Response) -> None:
        """Send the response; a HEAD request gets its headers alone."""
        self.answered = True
        if self.expects:
            # RFC 9110 10.1.1: the body that will not be sent would be taken for the next request.
            self.keep_alive = False
        self._dropped_bytes = len(self._body)
        self._body = b""
        await self._connection.respond(self, response)

    async def stream(self, stream: Stream) -> None:
        """Send chunks as they come, at the pace at which the client reads."""
        self.answered = True
        self._body = b""
        await self._connection.stream(self, stream)

    def upgrade(self) -> Raw | None:
        """Leave HTTP: from here on the connection is the caller's."""
        self.answered = True
        return self._connection.upgrade()

    def feed(self, chunk: bytes) -> None:
        """Some of the body came; what comes after the answer is dropped."""
        if self.answered:
            self._dropped_bytes += len(chunk)
            return
        if not self._body:
            self._body = chunk
        elif isinstance(self._body, bytearray):
            self._body += chunk
        else:
            # No list of chunks: one of single bytes would take forty times the memory.
            self._body = bytearray(self._body) + chunk

    def wake(self) -> None:
        """Something changed for the one who waits for the body."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


Begin = Callable[["Exchange", Callable[[Response], None]], bool]
"""Takes a request that has arrived whole, and gives the response to the callable, now or later; False:
it does not, and the request goes the usual way. For what is asked so often that a task's turns cost
more than the work."""


class Connection(asyncio.Protocol):
    """Reads requests, queues them for `serve`, and writes the responses in their order."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        on_open: Callable[[Connection], None],
        begin: Begin | None = None,
    ) -> None:
        """`begin` may take a whole request at once; see Begin."""
        self.loop = loop
        self._outbox = outbox
        self._begin = begin
        self._begun = False
        self.lost = False
        self.eof = False
        self._on_open = on_open
        self._parser = httptools.HttpRequestParser(self)
        # What a client sends after "Connection: close" is dropped, not an error.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._headers: list[Header] = []
        self._header_bytes = 0
        self._host = b""
        self._slow = False
        self._arriving: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._current: Exchange | None = None
        self._deaf = False
        self._last = False
        self._reading = True
        self._writable: asyncio.Future[None] | None = None
        self._body_since_s = 0.0
        self._body_bytes = 0
        self._due_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reader_timer: asyncio.TimerHandle | None = None
        self._on_lost: Callable[[], None] | None = None
        self._raw: Raw | None = None
        self._upgrading = False
        self._behind = b""

    # What `serve` and the exchanges use

    @property
    def peer(self) -> str:
        """The address of who is at the other end; "" where the transport has none."""
        name = self._transport.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) and name else ""

    async def serve(self, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        """Answer request after request until the connection ends."""
        in_a_row, began_s = 0, 0.0
        while True:
            if self._queue and in_a_row:
                # Requests that came together: without a pause nobody else would be served, and no
                # answer leave the memory, before the last of thousands.
                if in_a_row == 1:
                    began_s = self.loop.time()
                elif in_a_row > ANSWERS_A_TURN or self.loop.time() > began_s + TURN_S:
                    await asyncio.sleep(0)
                    in_a_row = 0
                if self._writable is not None:
                    await self._writable
            while not self._queue:
                in_a_row = 0
                if self.lost:
                    return
                if self._last:
                    self._close()
                    return
                self._waiter = self.loop.create_future()
                await self._waiter
            exchange = self._current = self._queue.popleft()
            if not self._queue:
                self._resume()
            try:
                if exchange.refusal is None:
                    await handle(exchange)
                else:
                    await self.respond(exchange, exchange.refusal)
            except Exception:  # noqa: BLE001  # one connection must not end the others
                _log.exception("connection failed")
                self._transport.abort()
                return
            self._current = None
            in_a_row += 1
            if not exchange.keep_alive or not exchange.answered:
                self._close()
                return

    async def respond(self, exchange: Exchange, response: Response) -> None:
        """Write one response, and wait while the client does not read."""
        self._respond(exchange, response)
        if self._writable is not None:
            await self._writable

    def _respond(self, exchange: Exchange, response: Response) -> None:
        exchange.answered = True
        if self.lost:
            return
        status, body, headers = response
        now_s = self.loop.time()
        parts = [_STATUS_LINES[status], _date(now_s)]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
            if name == b"connection":
                exchange.keep_alive = False
        if status != 204:
            parts.append(b"content-length: %d\r\n" % len(body))
        if self._last and not self._queue:
            exchange.keep_alive = False
        if not exchange.keep_alive and (b"connection", b"close") not in headers:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        large = b""
        if exchange.method != "HEAD":
            if len(body) > APART_BYTES:
                large = body
            else:
                parts.append(body)
        self._outbox.add(self._transport, b"".join(parts))
        if large:
            self._outbox.add(self._transport, large)
            self._outbox.flush()  # So that the next one waits until this one is taken.
        if self._arriving is None and not self._queue:
            self._until(now_s + KEEP_ALIVE_S)

    async def stream(self, exchange: Exchange, stream: Stream) -> None:
        """Write chunk after chunk (RFC 9112 7.1), waiting while the client does not read.

        Whoever takes nothing for STALLED_S is cut off: it holds a place that another could have.
        """
        status, headers, chunks, lost = stream
        chunked = exchange.version != "1.0"
        parts = [_STATUS_LINES[status], _date(self.loop.time())]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
        else:
            exchange.keep_alive = False
        if not exchange.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        self.write(b"".join(parts))
        self._on_lost = lost
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    if self.lost:
                        return
                    self.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                    await self.drained(STALLED_S)
        except TimeoutError:
            self.abort()
            return
        finally:
            self._on_lost = None
            lost()
        if chunked:
            self.write(b"0\r\n\r\n")
        if self._arriving is None and not self._queue:
            self._until(self.loop.time() + KEEP_ALIVE_S)

    def upgrade(self) -> Raw:
        """Hand over what came behind the request, and all that will come."""
        self._raw = Raw(self)
        self._raw.feed(self._behind)
        self._behind = b""
        if self.lost or self.eof:
            self._raw.end()
        return self._raw

    async def drained(self, within_s: float) -> None:
        """Wait while the client does not read.

        Raises:
            TimeoutError: it did not for so long.
        """
        await asyncio.sleep(0)  # The outbox writes at the end of this turn.
        if self._writable is not None:
            async with asyncio.timeout(within_s):
                await self._writable

    def hold(self, *, reading: bool) -> None:
        """Read on, or leave what comes in the socket."""
        if not self.lost:
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Write as it is."""
        if not self.lost:
            self._outbox.add(self._transport, data)

    def finish(self) -> None:
        """Close as soon as what was begun is answered."""
        self._last = True
        if self._current is None and not self._queue and self._arriving is None:
            self._close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _close(self) -> None:
        self._outbox.flush()
        self._transport.close()
        self._watch_reader()

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override,explicit-override]
        self._transport = transport
        self._within(HEADERS_WITHIN_S)
        self._on_open(self)

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        self.lost = self._deaf = True
        self._due_s = None
        for timer in (self._timer, self._reader_timer):
            if timer is not None:
                timer.cancel()
        self._queue.clear()
        self.resume_writing()
        if self._on_lost is not None:
            self._on_lost()
        if self._raw is not None:
            self._raw.end()
        for exchange in (self._current, self._arriving):
            if exchange is not None:
                exchange.wake()
        self._wake()

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        if self._raw is not None:
            self._raw.feed(data)
            return
        if self._deaf:
            if self._upgrading and len(self._behind) <= HELD_BYTES:
                self._behind += data
            return
        before = self._arriving
        if before is None:
            self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # The request itself is answered; what comes behind it is another protocol's.
            self._deaf = self._upgrading = True
            self._behind = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse(_MALFORMED)
            return
        arriving = self._arriving
        if arriving is not None:
            if arriving is not before:
                self._begin_body()
            elif not self._body_fits(arriving, len(data)):
                return
            if not self._is_queued(arriving):
                self._enqueue(arriving)
            arriving.wake()
        elif self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(_LONG_HEADERS)
        elif self._header_bytes and not self._slow:
            # From the first byte on, not from the last.
            self._slow = True
            self._within(HEADERS_WITHIN_S)

    def eof_received(self) -> bool:  # type: ignore[explicit-override]
        # A client may close its half and wait for the answer; TLS knows no halves.
        self._last = self.eof = True
        busy = self._current is not None or bool(self._queue)
        self._outbox.flush()
        if self._raw is not None:
            self._raw.end()
        if self._on_lost is not None or self._raw is not None:
            return False  # Of a stream nobody waits for the end: this client has hung up.
        return busy and self._arriving is None and not self._transport.get_extra_info("sslcontext")

    def pause_writing(self) -> None:  # type: ignore[explicit-override]
        if self._writable is None:
            self._writable = self.loop.create_future()
            self._watch_reader()

    def resume_writing(self) -> None:  # type: ignore[explicit-override]
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None
            if self._reader_timer is not None and not self._transport.is_closing():
                self._reader_timer.cancel()
                self._reader_timer = None

    # What the parser calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """All but the body is here."""
        headers, url = self._headers, self._url
        if self._header_bytes > MAX_HEADER_BYTES:
            size = sum(len(name) + len(value) + 4 for name, value in headers) + len(url)
            if size > MAX_HEADER_BYTES:
                self._refuse(_LONG_HEADERS)
                raise ValueError("the headers are too long")  # Ends the parsing.
        self._header_bytes = 0
        self._slow = False
        if url == b"*" and self._parser.get_method() == b"OPTIONS":
            url = b"/"  # RFC 9110 9.3.7: the hub as a whole
        if url[:1] != b"/" or b"#" in url or not url.isascii():
            url = _origin_form(url)
        parser = self._parser
        exchange = Exchange(self, parser.get_method().decode("ascii"), url, headers)
        if not parser.should_keep_alive() or parser.should_upgrade():
            exchange.keep_alive = False
        # Few requests have one of these, or a name twice, or another Host than the one before.
        fields = dict(headers)
        if (
            fields.get(b"host") != self._host
            or len(fields) != len(headers)
            or not _UNUSUAL.isdisjoint(fields)
        ):
            self._look_closely(exchange)
        if not exchange.keep_alive:
            exchange.version = parser.get_http_version()
        # What comes now are trailers: they must not pass for headers (RFC 9110 6.5.1).
        self._headers = _NOWHERE
        self._arriving = exchange

    def _look_closely(self, exchange: Exchange) -> None:
        headers, version = exchange.headers, self._parser.get_http_version()
        broken = broken_rule(headers, version)
        if broken is not None:
            self._refuse(problem_response(400, "malformed", broken, {}))
            raise ValueError(broken)  # Ends the parsing.
        self._host = find_header(headers, b"host") or b""
        if version == "1.0":
            exchange.keep_alive = False  # Whatever it says: `Connection: keep-alive`.
        expect = find_header(headers, b"expect")
        exchange.expects = expect is not None and expect.lower() == b"100-continue"
        exchange.coding = content_coding(headers)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._arriving is not None:
            self._arriving.feed(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        exchange, self._arriving = self._arriving, None
        if exchange is None:
            return
        exchange.complete = True
        exchange.expects = False
        self._due_s = None
        if exchange.answered:
            self._within(KEEP_ALIVE_S)
        elif self._is_queued(exchange):
            exchange.wake()
        elif not self._begins(exchange):
            self._enqueue(exchange)

    def _begins(self, exchange: Exchange) -> bool:
        """Whether the request is taken at once. Meanwhile it is the current one, as in `serve`."""
        if (
            self._begin is None
            or exchange.method != "POST"
            or self._current is not None
            or self._queue
            or self._writable is not None
            or not exchange.keep_alive
            or exchange.coding
        ):
            return False
        self._current = exchange
        self._begun = True
        if self._begin(exchange, self._ended):
            return True
        self._current = None
        self._begun = False
        return False

    def _ended(self, response: Response) -> None:
        """The response to a request that was taken at once."""
        exchange, self._current = self._current, None
        self._begun = False
        assert exchange is not None
        self._respond(exchange, response)
        if self._queue or self.lost:
            self._wake()
        elif not exchange.keep_alive:
            self._close()

    def _enqueue(self, exchange: Exchange) -> None:
        self._queue.append(exchange)
        if self._current is not None and self._reading:
            # One request at a time: the rest waits in the socket, not in memory.
            self._reading = False
            self._transport.pause_reading()
        if not self._begun:
            self._wake()

    def _refuse(self, response: Response) -> None:
        """Answer outside of the app, after what came before, and close."""
        if self._deaf:
            return
        self._deaf = True
        refused = self._arriving or Exchange(self, "GET", b"", [])
        refused.keep_alive = False
        refused.refusal = response
        if refused.answered:
            self._close()
        elif self._is_queued(refused):
            refused.wake()
        else:
            self._enqueue(refused)

    def _is_queued(self, exchange: Exchange) -> bool:
        return exchange is self._current or exchange in self._queue or exchange.answered

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume(self) -> None:
        if not self._reading and not self.lost:
            self._reading = True
            self._transport.resume_reading()
            if self._arriving is not None:
                self._begin_body()  # It was the hub that did not listen.

    # How slowly, and how wordily, a body may come

    def _begin_body(self) -> None:
        self._body_since_s = self.loop.time()
        self._body_bytes = 0
        self._until(self._body_since_s + BODY_SILENCE_S)

    def _body_fits(self, arriving: Exchange, nbytes: int) -> bool:
        """Some more has come, with its framing; whether it may go on."""
        self._body_bytes += nbytes
        if self._body_bytes > MAX_HEADER_BYTES + FRAMING_PER_BYTE * arriving.body_bytes:
            self._refuse(_WORDY)
            return False
        if not arriving.answered:  # Else nobody wants the rest, and its time is not prolonged.
            earned_s = self._body_bytes / LEAST_BYTES_PER_S
            latest_s = self._body_since_s + BODY_SILENCE_S + earned_s
            self._until(min(self.loop.time() + BODY_SILENCE_S, latest_s))
        return True

    def _watch_reader(self) -> None:
        """See that the client takes its answers: what is written stays in memory until it has."""
        if self._reader_timer is None and not self.lost:
            waiting_bytes = self._transport.get_write_buffer_size()
            if waiting_bytes:
                self._reader_timer = self.loop.call_later(
                    READER_SILENCE_S, self._check_reader, waiting_bytes
                )

    def _check_reader(self, before_bytes: int) -> None:
        self._reader_timer = None
        taken_bytes = before_bytes - self._transport.get_write_buffer_size()
        if taken_bytes < READER_SILENCE_S * LEAST_BYTES_PER_S:
            self._transport.abort()
        else:
            self._watch_reader()

    # One timer a connection: a later deadline lets it ring in vain, so most requests touch none.

    def _within(self, after_s: float) -> None:
        self._until(self.loop.time() + after_s)

    def _until(self, due_s: float) -> None:
        self._due_s = due_s
        if self._timer is not None and self._timer.when() > due_s:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._due_s is None:
            return
        if not self._reading:
            self._within(BODY_SILENCE_S)  # It is the hub that does not listen.
        elif self.loop.time() < self._due_s:
            self._timer = self.loop.call_at(self._due_s, self._tick)
        elif self._arriving is not None or self._header_bytes:
            self._refuse(_TOO_SLOW)
        else:
            self._close()


def _origin_form(url: bytes) -> bytes:
    """b"http://hub/events?a=b" -> b"/events?a=b"; raises what ends the parsing."""
    if not url.isascii():
        raise ValueError("the target is not ASCII")
    if url == b"*":
        raise ValueError("only OPTIONS may ask for *")
    parsed = httptools.parse_url(url)
    path: bytes = parsed.path or b"/"
    return path + b"?" + parsed.query if parsed.query else path


_date_line = b""
_date_until_s = 0.0


def _date(now_s: float) -> bytes:
    """The header Date (RFC 9110 6.6.1), made once a second; `now_s` is the loop's time."""
    global _date_line, _date_until_s
    if not _date_until_s - 1.0 <= now_s < _date_until_s:
        _date_line = f"date: {formatdate(usegmt=True)}\r\n".encode("ascii")
        _date_until_s = now_s + 1.0
    return _date_line
