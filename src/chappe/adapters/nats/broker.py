"""One connection to somebody else's NATS: publish with a confirmation, ask, receive.

It is thinner than the hub's own (`connection`): any server from 2.2 on will do, and it does not heal
itself; who uses it opens another one.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from chappe.adapters.nats.messages import ApiError, NatsAddress, PubAck, refusal, status_of
from chappe.adapters.nats.wire import Handler, Wire
from chappe.domain.errors import ChappeError, Unavailable
from chappe.kit.dial import Addresses, NotConnected, Peer, dial

CONNECT_WITHIN_S: Final = 10.0
ANSWER_WITHIN_S: Final = 10.0
_DENIED: Final = re.compile(r'permissions violation for publish to "([^"]*)"', re.IGNORECASE)
_MOST_DENIED: Final = 1_000
_decode_ack = msgspec.json.Decoder(PubAck).decode


class Denied(Exception):
    """The server will not take this message; the text says why. `status` is like HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Answer(NamedTuple):
    """A reply: header block (or empty) and payload."""

    block: bytes
    payload: bytes


class Broker:
    """A connection that is open until it ends; make it with `open`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handlers: dict[bytes, Handler] = {}
        self._wire: Wire | None = None
        self._why = "not connected yet"
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._last_sid = 0
        self._asked = 0
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}
        self._unconfirmed: list[asyncio.Future[None]] = []
        self._denied: dict[str, str] = {}
        self._complaint = ""
        self._inbox = f"_INBOX.{secrets.token_hex(8)}.".encode()
        self.max_payload = 1_048_576

    @classmethod
    async def open(cls, address: NatsAddress, *, name: str, addresses: Addresses) -> Broker:
        """Connect to the first of the servers that lets us in.

        Raises:
            NotConnected: none does; the text says why, server by server.
        """
        problems: list[str] = []
        for url in address.urls:
            broker = cls()
            try:
                await broker._connect(url, address, name, addresses)
            except NotConnected as problem:
                problems.append(str(problem))
            else:
                return broker
        raise NotConnected("; ".join(problems))

    @property
    def usable(self) -> bool:
        """True until the connection has ended."""
        return self._wire is not None and self._wire.alive

    def close(self) -> None:
        """Hang up after what waits was written."""
        wire, self._wire = self._wire, None
        if wire is not None:
            self._why = "the hub closed it"
            self._closing = self._loop.create_task(wire.close(), name="close nats")

    async def wait_ended(self) -> str:
        """Return when the connection has ended, with the reason."""
        await asyncio.shield(self._ended)
        return self._why

    def hold(self, *, held: bool) -> None:
        """Take nothing more from the server for now, or go on."""
        if self._wire is not None:
            self._wire.hold(held=held)

    async def publish(self, subject: str, block: bytes, payload: bytes) -> None:
        """Hand over a message; done once the server has answered a PING behind it: it has the message.

        Those of one turn of the loop share the PING.

        Raises:
            Denied: it may not be published there, or is too large.
            NotConnected: the server may or may not have it.
        """
        confirmed: asyncio.Future[None] = self._loop.create_future()
        if not self._unconfirmed:
            # Before what is sent is written, at the end of this turn.
            self._loop.call_soon(self._confirm)
        self._send(subject, b"", block, payload)
        self._unconfirmed.append(confirmed)
        await confirmed
        why = self._denied.get(subject)
        if why is not None:
            raise Denied(403, why)

    async def store(self, subject: str, block: bytes, payload: bytes) -> PubAck:
        """Hand a message to the stream of its subject; done once that has stored it.

        Raises:
            Denied: the stream refuses it, or it is too large.
            NotConnected: no stream, no answer, or no connection; it may or may not be stored.
        """
        try:
            answer = await self.ask(subject, payload, block=block)
            if answer.block and status_of(answer.block) == 503:
                raise NotConnected(f"no stream takes the subject {subject!r}")
            if b'"error"' in answer.payload:
                raise refusal(json.loads(answer.payload)["error"])
            return _decode_ack(answer.payload)
        except ApiError as error:
            raise Denied(error.status, error.description) from error
        except ChappeError as error:
            raise NotConnected(error.message) from error
        except msgspec.MsgspecError as error:
            raise NotConnected(f"what answers on {subject!r} is no stream") from error

    async def ask(
        self,
        subject: str,
        payload: bytes,
        *,
        block: bytes = b"",
        timeout_s: float = ANSWER_WITHIN_S,
    ) -> Answer:
        """Send, and wait for one reply.

        Raises:
            Denied: it is too large.
            NotConnected: no answer in time, or the connection ended.
        """
        if self._wire is None or not self._wire.alive:
            raise NotConnected(self._gone())
        self._asked += 1
        key = b"%d" % self._asked
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting[key] = future
        try:
            self._send(subject, self._inbox + key, block, payload)
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            hint = f" ({self._complaint})" if self._complaint else ""
            raise NotConnected(f"no answer on {subject!r} within {timeout_s:g} s{hint}") from None
        finally:
            self._waiting.pop(key, None)

    async def api(self, subject: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask `$JS.API.<subject>`.

        Raises:
            ApiError: the server refused.
            NotConnected, Unavailable: no answer, or not now.
        """
        answer = await self.ask(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"")
        if answer.block and status_of(answer.block) == 503:
            raise Unavailable("the server has no JetStream, or this account may not use it")
        reply: dict[str, Any] = json.loads(answer.payload or b"{}")
        error = reply.get("error")
        if isinstance(error, dict):
            raise refusal(error)
        return reply

    def tell(self, subject: bytes, payload: bytes) -> None:
        """Send without an answer; dropped when there is no connection."""
        if self._wire is not None:
            self._wire.send(b"PUB %b %d\r\n%b\r\n" % (subject, len(payload), payload))

    def request(self, subject: str, reply: str, payload: bytes) -> None:
        """Send with a subject for the replies, which somebody has subscribed to."""
        if self._wire is not None:
            head = b"PUB %b %b %d\r\n" % (subject.encode(), reply.encode(), len(payload))
            self._wire.send(head, payload, b"\r\n")

    async def flush(self) -> None:
        """Return when the server has all that was sent before.

        Raises:
            NotConnected: the connection ended first.
        """
        if self._wire is None or not self._wire.alive:
            raise NotConnected(self._gone())
        try:
            await self._wire.ping()
        except Unavailable as error:
            raise NotConnected(error.message) from error

    def subscribe(self, subject: str, handler: Handler, *, queue: str = "") -> str:
        """Receive; the handler must not raise. The result ends it, by `unsubscribe`."""
        assert self._wire is not None
        self._last_sid += 1
        sid = f"{self._last_sid}"
        group = f"{queue} " if queue else ""
        self._handlers[sid.encode()] = handler
        self._wire.send(f"SUB {subject} {group}{sid}\r\n".encode())
        return sid

    def unsubscribe(self, sid: str) -> None:
        """Receive no more."""
        self._handlers.pop(sid.encode(), None)
        if self._wire is not None:
            self._wire.send(f"UNSUB {sid}\r\n".encode())

    async def _connect(
        self, url: str, address: NatsAddress, name: str, addresses: Addresses
    ) -> None:
        parts = urlsplit(url)
        peer = Peer(parts.hostname or "", parts.port or 4222)
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                wire = await dial(
                    lambda: Wire(self._handlers, self._on_lost), peer, addresses, tls=None
                )
                wire.on_error = self._on_error
                await wire.greet(address, parts, name)
        except TimeoutError:
            raise NotConnected(f"{peer}: no answer within {CONNECT_WITHIN_S:g} s") from None
        except (OSError, ChappeError) as error:
            raise NotConnected(f"{peer}: {error}") from error
        finally:
            if wire is not None and not wire.greeted:
                await wire.close()
        self._wire = wire
        self.max_payload = int(str(wire.server.get("max_payload", self.max_payload)))
        self.subscribe(f"{self._inbox.decode()}*", self._on_answer)

    def _send(self, subject: str, reply: bytes, block: bytes, payload: bytes) -> None:
        wire = self._wire
        if wire is None or not wire.alive:
            raise NotConnected(self._gone())
        size = len(block) + len(payload)
        if size > self.max_payload:
            raise Denied(
                413, f"a message of {size} bytes; the server takes at most {self.max_payload}"
            )
        to = b"%b %b" % (subject.encode(), b"%b " % reply if reply else b"")
        if block:
            wire.send(b"HPUB %b%d %d\r\n" % (to, len(block), size), block, payload, b"\r\n")
        else:
            wire.send(b"PUB %b%d\r\n" % (to, size), payload, b"\r\n")

    def _confirm(self) -> None:
        """Put a PING behind what was published in this turn; its answer confirms it all."""
        published, self._unconfirmed = self._unconfirmed, []
        if not published:
            return
        wire = self._wire
        if wire is None or not wire.alive:
            self._confirmed(published, is_lost=True)
        else:
            wire.pong().add_done_callback(
                lambda pong: self._confirmed(published, is_lost=pong.exception() is not None)
            )

    def _confirmed(self, published: Sequence[asyncio.Future[None]], *, is_lost: bool) -> None:
        for future in published:
            if future.done():
                continue
            if is_lost:
                future.set_exception(NotConnected(self._gone()))
            else:
                future.set_result(None)

    def _on_answer(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        future = self._waiting.get(subject[len(self._inbox) :])
        if future is not None and not future.done():
            future.set_result(Answer(block, payload))

    def _on_error(self, said: str) -> None:
        self._complaint = said
        found = _DENIED.search(said)
        if found is not None:
            if len(self._denied) >= _MOST_DENIED:
                self._denied.clear()
            self._denied[found[1]] = said

    def _on_lost(self, wire: Wire, reason: str) -> None:
        if self._wire is wire:
            self._why = reason
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NotConnected(self._gone()))
                future.exception()
        if not self._ended.done():
            self._ended.set_result(None)

    def _gone(self) -> str:
        return f"the connection to NATS ended: {self._why}"
