"""One connection to an MQTT broker: publishing with its confirmation, receiving with ours.

    connection = await open_connection(Hello(peer=Peer("localhost", 1883), level=5), addresses)
    answer = await connection.publish(Publish("t", b"x", qos=1))     -> Acknowledged(PUBACK, ...)

Why not a library's client: it must connect to the addresses that we vetted, tell a refused QoS 2
message from a taken one (PUBREC's reason code), keep the broker's Receive Maximum and packet size,
and confirm what it received only when we say so.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from chappe.kit.dial import Addresses, NotConnected, Peer, dial
from chappe.kit.mqtt import packets
from chappe.kit.mqtt.packets import (
    Acknowledged,
    Framer,
    Incoming,
    Level,
    Pong,
    Publish,
    Subscribed,
)
from chappe.kit.mqtt.properties import (
    MAXIMUM_PACKET_SIZE,
    MAXIMUM_QOS,
    NONE,
    RECEIVE_MAXIMUM,
    RETAIN_AVAILABLE,
    SERVER_KEEP_ALIVE,
    BrokenPacket,
    Properties,
    Unsendable,
)
from chappe.kit.mqtt.reasons import connect_in_words, in_words

KEEP_ALIVE_S: Final = 60
LIMIT_BYTES: Final = 16 * 1024 * 1024
"""What is kept of one packet that comes in."""
UNTIL_ANSWER_S: Final = 30.0
"""For a broker to answer CONNECT or SUBSCRIBE."""
_Answer = TypeVar("_Answer")
_CONFIRMED: Final = Acknowledged(packets.PUBACK, 0, 0)


class Refusal(Exception):
    """The broker has said that it cannot take such a message; `reason` is MQTT 5's code for it."""

    def __init__(self, reason: int, words: str) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Hello:
    """How to reach a broker and who we are there."""

    peer: Peer
    level: Level
    client_id: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    clean_start: bool = True
    keep_alive_s: int = KEEP_ALIVE_S
    properties: Properties = NONE
    limit_bytes: int = LIMIT_BYTES


@dataclass(slots=True)
class _Outgoing:
    """A message that the broker has not confirmed; `answer` may have been given up by its caller."""

    qos: int
    answer: asyncio.Future[Acknowledged]


def _ignored(message: Publish) -> None:
    """Who only publishes gets nothing."""


async def open_connection(
    hello: Hello, addresses: Addresses, *, receive: Callable[[Publish], None] = _ignored
) -> MqttConnection:
    """Connect and sign in; `receive` is called with each message that comes.

    Raises:
        NotConnected: no connection, or the broker does not let us in; the text says why.
    """
    connection = await dial(
        lambda: MqttConnection(hello, receive), hello.peer, addresses, tls=hello.tls
    )
    try:
        await connection.sign_in()
    except BaseException:
        connection.close()
        raise
    return connection


class MqttConnection(asyncio.Protocol):
    """See the module. Made by `open_connection`."""

    def __init__(self, hello: Hello, receive: Callable[[Publish], None]) -> None:
        self._hello = hello
        self._level: Level = hello.level
        self._receive = receive
        self._framer = Framer(hello.limit_bytes)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self._welcome: asyncio.Future[Acknowledged] = self._loop.create_future()
        self._outgoing: dict[int, _Outgoing] = {}
        self._subscribing: dict[int, asyncio.Future[Subscribed]] = {}
        self._last_id = 0
        self._slots = asyncio.Semaphore(0)
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._spoke = self._pinged = False
        self._begun = False
        self._reading = True
        self._tired = False
        self._lost = asyncio.Event()
        self.lost_reason = ""
        self.broker: Properties = NONE
        self.session_present = False

    # --- for who uses it

    @property
    def usable(self) -> bool:
        """Whether it is open, and no message on it waited in vain."""
        return not self._lost.is_set() and not self._tired

    async def publish(self, message: Publish) -> Acknowledged:
        """Send, and wait until the broker confirmed: nothing (QoS 0), PUBACK (1), PUBCOMP (2).

        A PUBREC that says no is the answer too. The message's `packet_id` is set here.

        Raises:
            NotConnected: the connection was lost; the broker may or may not have the message.
            Refusal: the broker has announced that it does not take such a message; nothing was sent.
            Unsendable: it does not fit into a packet.
        """
        self._check(message)
        if not message.qos:
            await self._write_when_possible(self._fitting(message))
            return _CONFIRMED
        await self._slots.acquire()
        if self._lost.is_set():
            self._slots.release()
            raise NotConnected(self.lost_reason)
        packet_id = self._free_id()
        outgoing = _Outgoing(message.qos, self._loop.create_future())
        try:
            packet = self._fitting(_with_id(message, packet_id))
        except BaseException:
            self._slots.release()
            raise
        self._outgoing[packet_id] = outgoing
        try:
            await self._write_when_possible(packet)
            return await outgoing.answer
        except asyncio.CancelledError:
            # The broker may still answer; until then the identifier is taken.
            self._tired = True
            raise

    async def subscribe(self, filters: Sequence[str], *, qos: int) -> Subscribed:
        """Ask for the messages of these topic filters.

        Raises:
            NotConnected: the connection was lost, or the broker does not answer.
            Unsendable: a filter does not fit.
        """
        packet_id = self._free_id()
        answer = self._subscribing[packet_id] = self._loop.create_future()
        self._write(packets.subscribe(self._level, packet_id, filters, qos=qos))
        return await self._answer_to("SUBSCRIBE", answer)

    def confirm(self, message: Publish) -> None:
        """Take over a message: PUBACK with QoS 1, PUBREC with 2; after a loss it does nothing."""
        if message.qos:
            kind = packets.PUBACK if message.qos == 1 else packets.PUBREC
            self._write(packets.acknowledge(self._level, kind, message.packet_id))

    def pause_reading(self) -> None:
        """Take nothing in until `resume_reading`."""
        if self._reading and self._transport is not None and not self._lost.is_set():
            self._reading = False
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        if not self._reading and self._transport is not None and not self._lost.is_set():
            self._reading = self._heard = True
            self._transport.resume_reading()

    async def wait_lost(self) -> str:
        """Wait until the connection is gone; why."""
        await self._lost.wait()
        return self.lost_reason

    def close(self) -> None:
        """Say goodbye and close; publishes under way fail."""
        if not self._lost.is_set() and self._transport is not None:
            if self._welcome.done():
                self._write(packets.DISCONNECT_PACKET)
                self._flush()
            self._lose("the connection was closed")
            self._transport.close()

    async def sign_in(self) -> None:
        """Send CONNECT and wait for the CONNACK (3.1, 3.2).

        Raises:
            NotConnected: the broker does not let us in, or does not answer.
        """
        hello = self._hello
        try:
            hail = packets.connect(
                hello.level,
                client_id=hello.client_id,
                keep_alive_s=hello.keep_alive_s,
                clean_start=hello.clean_start,
                user=hello.user,
                password=hello.password,
                properties=hello.properties,
            )
        except Unsendable as exc:
            raise NotConnected(f"{hello.peer}: {exc}") from exc
        self._write(hail)
        welcome = await self._answer_to("CONNECT", self._welcome)
        if welcome.reason:
            said = connect_in_words(hello.level, welcome.reason, welcome.properties)
            raise NotConnected(f"{hello.peer} does not let the hub in: {said}")
        self.broker = welcome.properties
        self.session_present = welcome.session_present
        for _ in range(self.broker.number(RECEIVE_MAXIMUM, 65_535)):
            self._slots.release()
        keep_alive_s = self.broker.number(SERVER_KEEP_ALIVE, hello.keep_alive_s)
        if keep_alive_s:
            self._tick_after(keep_alive_s / 2)

    # --- asyncio's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        self._heard = True
        if not self._welcome.done() and not self._begun:
            self._begun = True
            if data[0] != packets.CONNACK << 4:
                # Told at once: what follows might never become a packet.
                self._abort(f"{self._hello.peer} broke the protocol: it does not speak MQTT")
                return
        try:
            for first, body, lost_bytes in self._framer.feed(data):
                self._handle(packets.parse(self._level, first, body, lost_bytes=lost_bytes))
        except BrokenPacket as exc:
            self._abort(f"{self._hello.peer} broke the protocol: {exc}")

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        self._lose(f"connection closed by {self._hello.peer}" + (f": {exc}" if exc else ""))

    def pause_writing(self) -> None:  # type: ignore[explicit-override]
        self._writable.clear()

    def resume_writing(self) -> None:  # type: ignore[explicit-override]
        self._writable.set()

    # --- what comes in

    def _handle(self, packet: Incoming) -> None:
        match packet:
            case Publish():
                self._receive(packet)
            case Acknowledged(kind=packets.PUBREL):
                # What it speaks of was taken over with PUBREC, if not on this connection then before.
                self._write(packets.acknowledge(self._level, packets.PUBCOMP, packet.packet_id))
            case Subscribed():
                answer = self._subscribing.pop(packet.packet_id, None)
                if answer is not None and not answer.done():
                    answer.set_result(packet)
            case Pong():
                self._pinged = False
            case Acknowledged(kind=packets.CONNACK):
                if not self._welcome.done():
                    self._welcome.set_result(packet)
            case Acknowledged(kind=packets.DISCONNECT):
                said = in_words(packet.reason, packet.properties)
                self._abort(f"connection closed by {self._hello.peer}: {said}")
            case Acknowledged():
                self._acknowledged(packet)

    def _acknowledged(self, packet: Acknowledged) -> None:
        """The next step of a message that we sent (4.3)."""
        outgoing = self._outgoing.get(packet.packet_id)
        taken = packet.reason < 0x80
        if packet.kind == packets.PUBREC and (outgoing is None or taken):
            # 4.3.3: a PUBREC without an error is answered, also one that nobody waits for.
            reason = 0 if outgoing is not None else 0x92
            self._write(packets.acknowledge(self._level, packets.PUBREL, packet.packet_id, reason))
            return
        if outgoing is None:
            return
        done = packets.PUBACK if outgoing.qos == 1 else packets.PUBCOMP
        if packet.kind != done and not (packet.kind == packets.PUBREC and not taken):
            raise BrokenPacket(
                f"a packet of type {packet.kind} answers a message with QoS {outgoing.qos}"
            )
        del self._outgoing[packet.packet_id]
        self._slots.release()
        if not outgoing.answer.done():
            outgoing.answer.set_result(packet)

    # --- what goes out

    def _check(self, message: Publish) -> None:
        if self._lost.is_set():
            raise NotConnected(self.lost_reason)
        most = self.broker.number(MAXIMUM_QOS, 2)
        if message.qos > most:
            raise Refusal(0x9B, f"the broker takes QoS {most} at most")
        if message.retain and not self.broker.number(RETAIN_AVAILABLE, 1):
            raise Refusal(0x9A, "the broker keeps no messages (retain)")

    def _fitting(self, message: Publish) -> bytes:
        packet = packets.publish(self._level, message)
        most = self.broker.number(MAXIMUM_PACKET_SIZE, packets.LARGEST)
        if len(packet) > most:
            raise Refusal(0x95, f"a packet of {len(packet)} bytes; the broker takes {most} at most")
        return packet

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._outgoing and self._last_id not in self._subscribing:
                return self._last_id

    async def _write_when_possible(self, packet: bytes) -> None:
        if not self._writable.is_set():
            await self._writable.wait()
        if self._lost.is_set():
            raise NotConnected(self.lost_reason)
        self._write(packet)

    def _write(self, packet: bytes) -> None:
        """At the end of this turn of the loop, with what else is said in it."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packet)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None and not self._lost.is_set():
            self._spoke = True
            self._transport.write(b"".join(out))

    async def _answer_to(self, what: str, answer: asyncio.Future[_Answer]) -> _Answer:
        try:
            async with asyncio.timeout(UNTIL_ANSWER_S):
                return await answer
        except TimeoutError as exc:
            peer = self._hello.peer
            raise NotConnected(f"{peer} did not answer {what} in {UNTIL_ANSWER_S:g} s") from exc

    # --- the end, and what tells it

    def _tick_after(self, interval_s: float) -> None:
        self._timer = self._loop.call_later(interval_s, self._tick, interval_s)

    def _tick(self, interval_s: float) -> None:
        """3.1.2.10: something must be said in each interval, and a silent broker is gone."""
        if self._pinged and not self._heard and self._reading:
            self._abort(f"{self._hello.peer} does not answer any more")
            return
        if not self._heard or not self._spoke:
            self._pinged = True
            self._write(packets.PINGREQ_PACKET)
        self._heard = self._spoke = False
        self._tick_after(interval_s)

    def _abort(self, reason: str) -> None:
        self._lose(reason)
        if self._transport is not None:
            self._transport.abort()

    def _lose(self, reason: str) -> None:
        if self._lost.is_set():
            return
        self.lost_reason = reason
        self._lost.set()
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        waiting: list[asyncio.Future[Acknowledged] | asyncio.Future[Subscribed]] = [
            self._welcome,
            *(one.answer for one in self._outgoing.values()),
            *self._subscribing.values(),
        ]
        for one in waiting:
            if not one.done():
                one.set_exception(NotConnected(reason))
                one.exception()  # seen, also where nobody waits any more
        self._outgoing.clear()
        self._subscribing.clear()
        self._slots.release()  # whoever waits for one passes it on


def _with_id(message: Publish, packet_id: int) -> Publish:
    return Publish(
        message.topic, message.payload, message.qos, message.retain, message.properties, packet_id
    )
