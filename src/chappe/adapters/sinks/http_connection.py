"""One HTTP/1.1 connection to a sink: a request out, its answer in, one at a time.

The pool (`http_pool`) opens, shares and closes connections; what an answer means is for
`http_answers`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import NamedTuple, Protocol, cast

import httptools

from chappe.adapters.sinks.http_answers import EXCERPT_BYTES
from chappe.kit.outbox import Outbox

HEAD_LIMIT_BYTES = 32 * 1024
"""Status line and headers of an answer, interim (1xx) answers included."""

ANSWER_LIMIT_BYTES = 64 * 1024
"""As much of an answer as is read: only the body's beginning is ever used, and a connection made
afresh is cheaper than a long body drained."""

BUFFER_BYTES = 16 * 1024
"""One TLS record. With a buffer of its own a connection costs half as much over TLS: for a protocol
without one, the loops allocate 256 KiB at each read, which the allocator may fetch from the kernel
and give back each time."""


class Answer(NamedTuple):
    """A final answer; `body` may be only the beginning."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class NoAnswer(Exception):
    """The sink could not be reached, or gave no answer that is HTTP; the text says why."""


class ClosedBeforeAnswer(NoAnswer):
    """The sink closed the connection and had not sent one byte."""


class Connection(asyncio.BufferedProtocol):
    """Reads one answer for each request that was written.

    `reusable` holds between exchanges, as long as the sink keeps the connection open and has sent
    nothing that nobody asked for.
    """

    __slots__ = (
        "_answer",
        "_body",
        "_buffer",
        "_complete",
        "_deadlines",
        "_headers",
        "_keep_bytes",
        "_loop",
        "_outbox",
        "_parser",
        "_peer",
        "_received_bytes",
        "_row",
        "_status",
        "_transport",
        "_unasked",
        "reusable",
    )
    _transport: asyncio.Transport

    def __init__(self, peer: str, deadlines: Deadlines, outbox: Outbox) -> None:
        self._peer = peer
        self._deadlines = deadlines
        self._outbox = outbox
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._row: Row | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""
        self._keep_bytes = EXCERPT_BYTES
        self._status = 0
        self._received_bytes = 0
        self._complete = False
        self._unasked = False
        self.reusable = False

    def ask(
        self, request: bytes, *, timeout_s: float | None, keep_bytes: int = EXCERPT_BYTES
    ) -> asyncio.Future[Answer]:
        """Write the request; the future is its answer. `timeout_s` None: the caller looks after it.

        Of the body `keep_bytes` are kept.

        It leaves at the end of this turn of the loop, with what other connections ask in it.
        The future fails with NoAnswer. A caller that stops waiting must `abort`.
        """
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        self._keep_bytes = keep_bytes
        self.reusable = False
        if timeout_s is not None:
            self._row = self._deadlines.start(self, timeout_s)
        self._outbox.add(self._transport, request)
        return answer

    def abort(self) -> None:
        """Close at once; what is under way fails."""
        self.reusable = False
        self._transport.abort()
        self._fail(NoAnswer(f"the connection to {self._peer} was closed here"))

    def expire(self, after_s: float) -> None:
        """The answer took too long."""
        self._fail(NoAnswer(f"no answer within {after_s:g} s"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self.reusable = True

    def get_buffer(self, sizehint: int) -> memoryview:  # type: ignore[explicit-override]
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:  # type: ignore[explicit-override]
        if self._answer is None:
            # Bytes that no request asked for would be taken for the next request's answer.
            self.abort()
            return
        self._received_bytes += nbytes
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except httptools.HttpParserUpgrade:
            self._fail(NoAnswer(f"{self._peer} switched to another protocol, which was not asked"))
            return
        except httptools.HttpParserError as exc:
            if not self._complete:
                self._fail(NoAnswer(f"the answer of {self._peer} is not HTTP: {exc}"))
                return
            self._unasked = True
        if self._complete:
            self._finish(keep=not self._unasked)
        elif self._status:
            if self._received_bytes > ANSWER_LIMIT_BYTES + self._keep_bytes:
                self._finish(keep=False)
        elif self._received_bytes > HEAD_LIMIT_BYTES:
            self._fail(
                NoAnswer(f"the headers of {self._peer} are longer than {HEAD_LIMIT_BYTES} bytes")
            )

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        self.reusable = False
        if self._answer is None:
            return
        if self._status and not exc and self._ends_with_the_connection():
            self._finish(keep=False)
        elif isinstance(exc, ssl.SSLError):
            # TLS 1.3 asks for the client's certificate when the client thinks that all is agreed.
            said = (exc.reason or str(exc)).replace("_", " ").lower()
            self._fail(NoAnswer(f"TLS: {said} (from {self._peer})"))
        elif self._received_bytes:
            self._fail(NoAnswer(f"{self._peer} closed the connection in the middle of its answer"))
        else:
            self._fail(ClosedBeforeAnswer(f"{self._peer} closed the connection and gave no answer"))

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        if self._complete:
            self._unasked = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer comes after `on_headers_complete`: it must not pass for a header.
        if not self._status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if not 100 <= status < 200 and not self._complete:
            self._status = status

    def on_body(self, body: bytes) -> None:
        left = self._keep_bytes - len(self._body)
        if left > 0 and not self._complete:
            self._body += body[:left]

    def on_message_complete(self) -> None:
        if not self._status:
            self._headers = []  # an interim answer, such as 103: the final one follows
        elif not self._complete:
            self._complete = True
            # Read here: the parser forgets it when the message is over.
            self._unasked = not self._parser.should_keep_alive()

    # The end of an exchange.

    def _finish(self, *, keep: bool) -> None:
        answer = Answer(self._status, self._headers, self._body)
        waiting = self._over()
        if keep and not self._transport.is_closing():
            # A request that is not out yet would be followed by the next one.
            self.reusable = self._transport.get_write_buffer_size() == 0
        if not self.reusable:
            self._transport.abort()
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _fail(self, error: NoAnswer) -> None:
        waiting = self._over()
        self.reusable = False
        self._transport.abort()
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)

    def _over(self) -> asyncio.Future[Answer] | None:
        if self._row is not None:
            self._row.stop(self)
            self._row = None
        waiting, self._answer = self._answer, None
        self._headers = []
        self._body = b""
        self._status = self._received_bytes = 0
        self._complete = self._unasked = False
        return waiting

    def _ends_with_the_connection(self) -> bool:
        names = {name.lower() for name, _ in self._headers}
        return not names & {b"content-length", b"transfer-encoding"}


class Expiring(Protocol):
    """What may take too long."""

    def expire(self, after_s: float) -> None:
        """It did."""
        ...


class Row:
    """The deadlines of one length; the first is always the next to expire."""

    __slots__ = ("after_s", "due_s", "timer")

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.due_s: dict[Expiring, float] = {}
        self.timer: asyncio.TimerHandle | None = None

    def stop(self, one: Expiring) -> None:
        """It is in time; no harm when it had expired."""
        self.due_s.pop(one, None)


class Deadlines:
    """Timeouts of many exchanges at the price of two dict operations each.

    Deadlines of one length expire in the order in which they were set, so each length needs one
    timer of the loop, set for the oldest. (A timer for each request costs some 2 µs.)
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rows: dict[float, Row] = {}

    def start(self, one: Expiring, after_s: float) -> Row:
        """Expire it in `after_s` seconds, unless the row's `stop` is called before."""
        row = self._rows.get(after_s)
        if row is None:
            row = self._rows[after_s] = Row(after_s)
        due_s = row.due_s[one] = self._loop.time() + after_s
        if row.timer is None:
            row.timer = self._loop.call_at(due_s, self._expire, row)
        return row

    def close(self) -> None:
        """Stop the timers."""
        for row in self._rows.values():
            if row.timer is not None:
                row.timer.cancel()
        self._rows.clear()

    def _expire(self, row: Row) -> None:
        now_s = self._loop.time()
        for one, due_s in list(row.due_s.items()):
            if due_s > now_s:
                row.timer = self._loop.call_at(due_s, self._expire, row)
                return
            row.stop(one)
            one.expire(row.after_s)
        row.timer = None
        if not row.due_s:
            self._rows.pop(row.after_s, None)
