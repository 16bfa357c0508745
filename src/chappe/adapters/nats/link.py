"""One process's link to NATS: finding a server, staying connected, asking and being told.

Core NATS alone; JetStream is the business of `connection`, frames and bytes that of `wire`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import secrets
from collections.abc import Callable
from typing import Final, Self, TypeVar

from chappe.adapters.nats.messages import NatsAddress, status_of
from chappe.adapters.nats.wire import Handler, Wire, dial, parse_url
from chappe.domain.errors import ChappeError, InvalidSetting, Unavailable

ANSWER_WITHIN_S: Final = 10.0
RECONNECT_FIRST_S: Final = 0.05  # an embedded server is back in some 50 ms
RECONNECT_MOST_S: Final = 0.5  # a refused connection costs nothing, a hub without engine does
REMIND_EVERY_S: Final = 30.0
OLDEST_SERVER: Final = (2, 12)  # the first with atomic batches
_SUBJECT: Final = re.compile(r"[^\s\x00-\x1f\x7f]+").fullmatch
_VERSION: Final = re.compile(r"(\d+)\.(\d+)").match
_log = logging.getLogger("chappe.nats")


class _Exchange:
    """A request and its replies; `is_last` sees each header block and ends the exchange."""

    __slots__ = ("done", "is_last", "replies")

    def __init__(
        self, done: asyncio.Future[list[tuple[bytes, bytes]]], is_last: Callable[[bytes], bool]
    ) -> None:
        self.done = done
        self.is_last = is_last
        self.replies: list[tuple[bytes, bytes]] = []


class Link:
    """A connection that heals itself; open it with `open`."""

    def __init__(self, address: NatsAddress, *, name: str) -> None:
        self._address = address
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._closed = False
        self._why = "not connected yet"
        self._hooks: list[Callable[[bool], None]] = []
        self._back: asyncio.Future[None] = self._loop.create_future()
        self._healer: asyncio.Task[None] | None = None
        self._handlers: dict[bytes, Handler] = {}
        self._subscriptions: dict[bytes, bytes] = {}  # sid -> "SUB …", sent again at each connect
        self._last_sid = 0
        self._exchanges: dict[bytes, _Exchange] = {}
        self._asked = 0
        self._inbox = f"_INBOX.{secrets.token_hex(8)}."
        self._inbox_size = len(self._inbox)
        self.subscribe(f"{self._inbox}*", self._on_answer)
        self.max_payload = 1_048_576
        """Bytes of headers and payload that the server takes in one message."""
        self.server_version = ""
        self.clustered = False
        """Whether the server is one of several: what it holds for us may go while the link stays."""

    @classmethod
    async def open(cls, address: NatsAddress, *, name: str) -> Self:
        """Connect to the first server that answers.

        Raises:
            Unavailable: none did; the text says why, server by server.
            InvalidSetting: a URL or the credentials are wrong.
        """
        if not address.urls:
            raise InvalidSetting("NATS URLs: none given, at least one is needed")
        for url in address.urls:
            parse_url(url)
        link = cls(address, name=name)
        await link._connect()
        return link

    @property
    def connected(self) -> bool:
        """True while a server answers."""
        return self._wire is not None

    @property
    def closed(self) -> bool:
        """True for ever after close()."""
        return self._closed

    def on_change(self, hook: Callable[[bool], None]) -> Callable[[], None]:
        """Call `hook(connected)` at each loss and return of the server; the result unhooks."""
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    async def wait_connected(self) -> None:
        """Return as soon as there is a server.

        Raises:
            Unavailable: the connection was closed.
        """
        while self._wire is None:
            if self._closed:
                raise self._gone()
            await asyncio.shield(self._back)

    async def close(self) -> None:
        """Hang up; whoever still waits gets Unavailable. A second close does nothing."""
        if self._closed:
            return
        self._closed = True
        wire, self._wire = self._wire, None
        if self._healer is not None:
            self._healer.cancel()
            await asyncio.gather(self._healer, return_exceptions=True)
        self._why = "the hub closed it"
        if not self._back.done():
            self._back.set_result(None)
        self._tell(connected=False)
        if wire is not None:
            await wire.close()

    def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> bytes:
        """Receive ordinary messages, also after a reconnect; the result is for unsubscribe().

        The handler takes (subject, reply, header block, payload) and must not raise.
        """
        self._last_sid += 1
        sid = b"%d" % self._last_sid
        group = f"{queue} ".encode()
        line = b"SUB %b %b%b\r\n" % (checked(subject), group if queue else b"", sid)
        self._handlers[sid] = handler
        self._subscriptions[sid] = line
        if self._wire is not None:
            self._wire.send(line)
        return sid

    def unsubscribe(self, sid: bytes) -> None:
        """Receive no more; what has arrived already was handled."""
        self._handlers.pop(sid, None)
        if self._subscriptions.pop(sid, None) and self._wire is not None:
            self._wire.send(b"UNSUB %b\r\n" % sid)

    def flush(self) -> None:
        """Write what was handed over in this turn of the loop now, not at its end."""
        if self._wire is not None:
            self._wire.flush()

    def send(self, subject: str, payload: bytes, *, reply: str = "") -> None:
        """Publish without an answer, at most once; without a server it is dropped."""
        if self._wire is not None:
            to = f"{reply} ".encode() if reply else b""
            self._wire.send(
                b"PUB %b %b%d\r\n%b\r\n" % (checked(subject), to, len(payload), payload)
            )

    async def request(
        self,
        subject: str,
        payload: bytes,
        *,
        timeout_s: float = ANSWER_WITHIN_S,
        is_last: Callable[[bytes], bool] = lambda block: True,
    ) -> list[tuple[bytes, bytes]]:
        """Send and collect the replies (header block, payload) until `is_last` says so.

        Raises:
            Unavailable: nobody listens, no answer in time, or the connection ended.
        """
        wire = self._wire
        if wire is None:
            raise self._gone()
        self._asked += 1
        key = b"%d" % self._asked
        exchange = _Exchange(self._loop.create_future(), is_last)
        self._exchanges[key] = exchange
        head = b"PUB %b %b%b %d\r\n" % (
            checked(subject),
            self._inbox.encode(),
            key,
            len(payload),
        )
        wire.send(head, payload, b"\r\n")
        try:
            async with asyncio.timeout(timeout_s):
                replies = await exchange.done
        except TimeoutError:
            raise self._silent(subject, timeout_s) from None
        finally:
            self._exchanges.pop(key, None)
        if status_of(replies[0][0]) == 503:
            raise Unavailable(f"NATS: nobody answers {subject!r}: no JetStream, or no such stream")
        return replies

    async def _connect(self) -> None:
        problems = []
        for url in self._address.urls:
            try:
                wire = await dial(
                    url,
                    self._address,
                    name=self._name,
                    handlers=self._handlers,
                    lost=self._on_lost,
                )
            except Unavailable as problem:
                problems.append(problem.message)
                continue
            version = str(wire.server.get("version", "0"))
            if _version(version) < OLDEST_SERVER:
                await wire.close()
                problems.append(f"NATS at {url} is {version}; 2.12 or newer is needed")
                continue
            if not wire.alive:
                continue
            wire.send(*self._subscriptions.values())
            self.server_version = version
            self.clustered = bool(wire.server.get("cluster"))
            self.max_payload = int(str(wire.server.get("max_payload", self.max_payload)))
            self._wire = wire
            self._back.set_result(None)
            self._tell(connected=True)
            return
        raise Unavailable("; ".join(problems) or self._why)

    def _on_lost(self, wire: Wire, reason: str) -> None:
        if wire is not self._wire:
            return  # a wire that was never in use, or that close() has taken away
        self._wire = None
        self._why = reason
        self._back = self._loop.create_future()
        _log.warning("lost the connection to NATS: %s; reconnecting", reason)
        self._tell(connected=False)
        self._healer = self._loop.create_task(self._heal(), name="nats-reconnect")

    async def _heal(self) -> None:
        limit_s = RECONNECT_FIRST_S
        since, told = self._loop.time(), 0.0
        while True:
            # Jitter: the hubs of a cluster must not all knock at the same moment.
            await asyncio.sleep(random.uniform(limit_s / 2, limit_s))  # noqa: S311
            limit_s = min(limit_s * 2, RECONNECT_MOST_S)
            try:
                await self._connect()
            except ChappeError as problem:
                self._why = problem.message
                gone_s = self._loop.time() - since
                if gone_s - told >= REMIND_EVERY_S:
                    told = gone_s
                    _log.warning("no NATS for %.0f s: %s", gone_s, problem.message)
            except Exception:  # noqa: BLE001 - a hub that stops reconnecting is dead
                _log.exception("reconnecting to NATS failed in an unknown way; going on")
            else:
                _log.info("connected to NATS again after %.2f s", self._loop.time() - since)
                return

    def _tell(self, *, connected: bool) -> None:
        if not connected:
            for exchange in self._exchanges.values():
                failed(exchange.done, self._gone())
        for hook in list(self._hooks):
            hook(connected)

    def _gone(self, effect: str = "") -> Unavailable:
        return Unavailable(f"no connection to NATS: {self._why}{effect and '; '}{effect}")

    def _silent(self, subject: str, after_s: float) -> Unavailable:
        said = self._wire.last_error if self._wire is not None else ""
        hint = f" (its last complaint: {said})" if said else ""
        return Unavailable(f"NATS gave no answer on {subject!r} within {after_s:g} s{hint}")

    def _on_answer(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        exchange = self._exchanges.get(subject[self._inbox_size :])
        if exchange is not None and not exchange.done.done():
            exchange.replies.append((block, payload))
            if exchange.is_last(block):
                exchange.done.set_result(exchange.replies)


_Result = TypeVar("_Result")


def failed(future: asyncio.Future[_Result], error: Exception) -> asyncio.Future[_Result]:
    """Fail a future; marked as seen, for a caller that was cancelled will never look at it."""
    if not future.done():
        future.set_exception(error)
        future.exception()
    return future


def checked(subject: str) -> bytes:
    """A blank or a line break in a subject would forge a protocol frame."""
    if not subject or not _SUBJECT(subject):
        raise ValueError(f"subject {subject!r}: no blanks, no control characters, not empty")
    return subject.encode()


def _version(text: str) -> tuple[int, ...]:
    """`"2.15.1-beta.2" -> (2, 15)`."""
    numbers = _VERSION(text)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0,)
