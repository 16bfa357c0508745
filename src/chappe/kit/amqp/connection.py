"""One connection to an AMQP 1.0 container: sending with the receiver's outcome, receiving with ours.

    connection = await open_connection(Hello(peer=Peer("localhost", 5672), container="chappe-1"), addresses)
    outcome = await connection.send(Target("orders"), encoded_message)      -> Settled("accepted")

Proton's engine knows the protocol and no sockets: bytes go in and come out. So connections are made by
`kit/dial`, to vetted addresses, with Python's TLS.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from proton import (
    Collector,
    Connection,
    Delivery,
    Endpoint,
    Event,
    Link,
    ProtonException,
    Transport,
)

from chappe.kit.amqp.links import Receiving, Sending, Settled, Target, said
from chappe.kit.dial import Addresses, NotConnected, Peer, dial

IDLE_TIMEOUT_S: Final = 60.0
"""A peer that says nothing for so long is gone; empty frames are sent by both sides."""
UNTIL_ANSWER_S: Final = 30.0
LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Of one message that comes in."""


@dataclass(frozen=True, slots=True)
class Hello:
    """How to reach a container, and who we are there."""

    peer: Peer
    container: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


async def open_connection(hello: Hello, addresses: Addresses) -> AmqpConnection:
    """Connect, sign in and open.

    Raises:
        NotConnected: no connection, or the container does not let us in; the text says why.
    """
    connection = await dial(lambda: AmqpConnection(hello), hello.peer, addresses, tls=hello.tls)
    try:
        await connection.opened()
    except BaseException:
        connection.close()
        raise
    return connection


class AmqpConnection(asyncio.Protocol):
    """See the module. Made by `open_connection`."""

    def __init__(self, hello: Hello) -> None:
        self._hello = hello
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport | None = None
        self._may_write = True
        self._is_turning = False
        self._timer: asyncio.TimerHandle | None = None
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._links: dict[tuple[bool, str], Sending | Receiving] = {}
        self._senders: dict[Target, Sending] = {}
        self._attached_links = 0
        self._tired = False
        self._lost = asyncio.Event()
        self.lost_reason = ""
        self._collector = Collector()
        self._engine = Connection()
        self._engine.collect(self._collector)
        self._engine.container = hello.container
        self._engine.hostname = hello.peer.host
        if hello.user is not None:
            self._engine.user = hello.user
        if hello.password is not None:
            self._engine.password = hello.password
        self._transport = Transport()
        self._transport.idle_timeout = IDLE_TIMEOUT_S
        sasl = self._transport.sasl()
        # What the operator wrote down is said, TLS or not, as with HTTP's basic authentication.
        sasl.allow_insecure_mechs = True
        sasl.allowed_mechs("ANONYMOUS" if hello.user is None else "PLAIN")
        self._session = self._engine.session()

    # --- for who uses it

    @property
    def usable(self) -> bool:
        """Whether it is open, and no message on it waited in vain for its outcome."""
        return not self._lost.is_set() and not self._tired

    async def opened(self) -> None:
        """Wait until the container has let us in.

        Raises:
            NotConnected: it does not.
        """
        try:
            async with asyncio.timeout(UNTIL_ANSWER_S):
                await asyncio.shield(self._opened)
        except TimeoutError as exc:
            peer = self._hello.peer
            raise NotConnected(f"{peer} did not open AMQP 1.0 in {UNTIL_ANSWER_S:g} s") from exc

    async def send(self, target: Target, message: bytes) -> Settled:
        """Send over the link to this target, and wait for the outcome; with `settled` there is none.

        Raises:
            NotConnected: the connection or the link was lost; the receiver may have the message.
            TooLarge: the receiver has announced that it does not take messages of this size.
        """
        if self._lost.is_set():
            raise NotConnected(self.lost_reason)
        link = self._senders.get(target)
        if link is None or link.has_ended:
            link = self._senders[target] = self._attached(target)
        return await link.send(message)

    def receive(
        self, address: str, link_name: str, credit: int, take: Callable[[Delivery, bytes], None]
    ) -> Receiving:
        """Ask for the messages of a node; `take` is called with each, and owes it an outcome.

        Raises:
            NotConnected: the connection was lost.
        """
        if self._lost.is_set():
            raise NotConnected(self.lost_reason)
        link = self._session.receiver(link_name)
        link.source.address = address
        link.max_message_size = LIMIT_BYTES
        receiving = Receiving(link, take, self)
        self._links[False, link_name] = receiving
        link.open()
        link.flow(credit)
        self.turn()
        return receiving

    async def wait_lost(self) -> str:
        """Wait until the connection is gone; why."""
        await self._lost.wait()
        return self.lost_reason

    def tire(self) -> None:
        """New work goes elsewhere: a message here waited in vain."""
        self._tired = True

    def close(self) -> None:
        """Say goodbye and close; sends under way fail."""
        if self._lost.is_set() or self._socket is None:
            return
        self._engine.close()
        self._work()
        self._lose("the connection was closed")
        self._socket.close()

    def turn(self) -> None:
        """Let the engine work, at the end of this turn of the loop."""
        if not self._is_turning:
            self._is_turning = True
            self._loop.call_soon(self._work)

    # --- asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self._socket = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._transport.bind(self._engine)
        self._engine.open()
        self._session.open()
        self._work()

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        try:
            while data:
                room = self._transport.capacity()
                if room <= 0:
                    self._work()
                    room = self._transport.capacity()
                    if room <= 0:
                        break  # it is closed: the events have said why
                self._transport.push(data[:room])
                data = data[room:]
        except ProtonException as exc:
            self._abort(f"{self._hello.peer} broke the protocol: {exc}")
            return
        self._work()

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        self._lose(f"connection closed by {self._hello.peer}" + (f": {exc}" if exc else ""))

    def pause_writing(self) -> None:  # type: ignore[explicit-override]
        self._may_write = False

    def resume_writing(self) -> None:  # type: ignore[explicit-override]
        self._may_write = True
        self._work()

    # --- the engine

    def _work(self) -> None:
        """Hand out what happened, and write what is to be said."""
        self._is_turning = False
        if self._lost.is_set():
            return
        while (event := self._collector.peek()) is not None:
            self._on(event)
            self._collector.pop()
        self._write()
        # Writing makes events too: the head that was closed.
        while (event := self._collector.peek()) is not None:
            self._on(event)
            self._collector.pop()
        self._tick()

    def _write(self) -> None:
        socket = self._socket
        while socket is not None and self._may_write and not self._lost.is_set():
            pending = self._transport.pending()
            if pending <= 0:
                return
            data = self._transport.peek(pending)
            if not data:
                return
            socket.write(data)
            self._transport.pop(len(data))

    def _attached(self, target: Target) -> Sending:
        # A name of our own is used once: a link of that name may still be on its way out.
        self._attached_links += 1
        name = target.link_name or f"{self._hello.container}-{self._attached_links}"
        if (True, name) in self._links:
            raise NotConnected(f"the link name {name!r} is in use for another address")
        link = Sending(target, self._session.sender(name), self)
        self._links[True, name] = link
        return link

    def _on(self, event: Event) -> None:
        kind = event.type
        if kind == Event.CONNECTION_REMOTE_OPEN:
            if not self._opened.done():
                self._opened.set_result(None)
        elif kind == Event.DELIVERY:
            delivery = event.delivery
            assert delivery is not None
            link = self._links.get(_key(delivery.link))
            if link is not None:
                link.on_delivery(delivery)
        elif kind in (Event.LINK_FLOW, Event.LINK_REMOTE_OPEN):
            assert event.link is not None
            link = self._links.get(_key(event.link))
            if isinstance(link, Sending):
                link.on_credit()
            elif link is not None and kind == Event.LINK_REMOTE_OPEN:
                link.on_open()
        elif kind in (Event.LINK_REMOTE_CLOSE, Event.LINK_REMOTE_DETACH):
            assert event.link is not None
            self._on_link_end(event.link)
        elif kind == Event.SESSION_REMOTE_CLOSE:
            assert event.session is not None
            self._end(f"{self._hello.peer} ended the session", event.session)
        elif kind == Event.CONNECTION_REMOTE_CLOSE:
            assert event.connection is not None
            self._end(f"{self._hello.peer} closed the connection", event.connection)
        elif kind == Event.TRANSPORT_ERROR:
            why = said(self._transport.condition)
            if self._opened.done():
                self._abort(f"connection to {self._hello.peer} broken{why}")
            else:
                self._abort(f"{self._hello.peer} does not let the hub in{why}")

    def _on_link_end(self, link: Link) -> None:
        found = self._links.pop(_key(link), None)
        address = link.target.address if link.is_sender else link.source.address
        reason = f"{self._hello.peer} closed the link to {address!r}{said(link.remote_condition)}"
        link.close()
        if found is not None:
            found.on_end(reason)
        self.turn()

    def _end(self, what: str, endpoint: Endpoint) -> None:
        self._abort(f"{what}{said(endpoint.remote_condition)}")

    def _tick(self) -> None:
        if self._lost.is_set():
            return
        deadline = self._transport.tick(self._loop.time())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline:
            self._timer = self._loop.call_at(deadline, self._work)

    def _abort(self, reason: str) -> None:
        self._lose(reason)
        if self._socket is not None:
            self._socket.abort()

    def _lose(self, reason: str) -> None:
        if self._lost.is_set():
            return
        self.lost_reason = reason
        self._lost.set()
        if self._timer is not None:
            self._timer.cancel()
        if not self._opened.done():
            self._opened.set_exception(NotConnected(reason))
            self._opened.exception()  # seen, also where nobody waits any more
        for link in list(self._links.values()):
            link.on_end(reason)
        self._links.clear()
        self._collector.release()


def _key(link: Link) -> tuple[bool, str]:
    return link.is_sender, link.name
