"""Events from MQTT brokers: a session that survives us, confirmed message by message.

A message is confirmed (PUBACK with QoS 1, PUBREC with QoS 2) once the hub has it on disk, in the order in
which messages came (mqtt-v5.0 4.6). What is not confirmed comes again when the session goes on: the broker keeps
it under the client's name for `SESSION_S`. What is published with QoS 0 is confirmed by nobody, and may be lost.

A session remembers its subscription too: with another topic filter begins another session, unless the source
names its client itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final
from zlib import crc32

from chappe.domain.errors import CallerError, Unavailable
from chappe.domain.event import Event
from chappe.domain.options import Tls
from chappe.domain.source import MqttSource, Source
from chappe.formats.broker_url import place_of
from chappe.formats.cloudevents_mqtt import MqttMessage, decode
from chappe.formats.content_type import format_of
from chappe.kit.client_tls import ClientTls
from chappe.kit.dial import Addresses, NotConnected, Peer, every_address
from chappe.kit.mqtt.connection import Hello, MqttConnection, open_connection
from chappe.kit.mqtt.packets import Level, Publish
from chappe.kit.mqtt.properties import (
    CONTENT_TYPE,
    RECEIVE_MAXIMUM,
    SESSION_EXPIRY,
    Properties,
    Unsendable,
)
from chappe.kit.mqtt.reasons import in_words
from chappe.kit.supervise import Supervisor
from chappe.ports.event_source import EventSource, Intake

SESSION_S: Final = 7 * 86_400
"""How long a broker keeps what comes while no node reads (MQTT 5; in 3.1.1 the broker decides)."""
IN_FLIGHT: Final = 256
"""Messages under way into the hub."""
LEAVING_S: Final = 3.0
"""For the hub to store what has come, when reading is to end."""


class MqttReader:
    """One source at an MQTT broker."""

    def __init__(self, source: Source, *, addresses: Addresses = every_address) -> None:
        assert isinstance(source.settings, MqttSource)
        self._source = source
        self._settings = source.settings
        self._level: Level = 4 if source.protocol == "MQTT3" else 5
        self._addresses = addresses

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        """See the port."""
        async with Supervisor() as tasks:
            inbox = _Inbox(self._decoded, intake, tasks)
            try:
                ended = await self._read(inbox, ready)
            finally:
                tasks.cancel()
        raise Unavailable(ended)

    async def _read(self, inbox: _Inbox, ready: Callable[[], None]) -> str:
        """Read until reading ends by itself; why."""
        try:
            connection = await open_connection(
                self._hello(), self._addresses, receive=inbox.receive
            )
        except NotConnected as exc:
            return str(exc)
        try:
            inbox.connected(connection)
            refused = await self._subscribe(connection)
            if refused:
                return refused
            ready()
            return await inbox.wait_ended()
        except (NotConnected, Unsendable) as exc:
            return str(exc)
        except asyncio.CancelledError:
            connection.pause_reading()
            await inbox.wait_empty(LEAVING_S)
            raise
        finally:
            # What is not confirmed by now comes again.
            connection.close()

    async def _subscribe(self, connection: MqttConnection) -> str:
        """Ask for the messages; the broker's refusal, or ""."""
        group = self._settings.sharedsubscriptiongroup
        wanted = f"$share/{group}/" if group else ""
        wanted += self._settings.topicfilter
        answer = await connection.subscribe((wanted,), qos=self._settings.qos)
        for reason in answer.reasons:
            if reason >= 0x80:
                said = in_words(reason, answer.properties)
                return f"the broker refuses the subscription to {wanted!r}: {said}"
        return ""

    def _hello(self) -> Hello:
        source, settings = self._source, self._settings
        place = place_of(source.url)
        tls = source.options.tls or Tls()
        credential = source.credential
        session = f"{settings.topicfilter}\n{settings.sharedsubscriptiongroup}"
        return Hello(
            peer=Peer(*place.servers[0]),
            level=self._level,
            client_id=settings.clientid or f"chappe-{source.id}-{crc32(session.encode()):08x}",
            user=credential.identifier if credential is not None else None,
            password=credential.secret if credential is not None else None,
            tls=ClientTls().of(tls.ca, tls.certificate, tls.key)
            if place.scheme == "mqtts"
            else None,
            clean_start=False,
            properties=Properties({SESSION_EXPIRY: SESSION_S, RECEIVE_MAXIMUM: IN_FLIGHT}),
        )

    def _decoded(self, message: Publish) -> Event:
        """The event in a message.

        Raises:
            CallerError: it is none.
        """
        if self._level == 5:
            content_type = message.properties.text(CONTENT_TYPE)
            user = message.properties.user
            # A device that speaks 3.1.1 reaches a reader of MQTT 5 as a payload alone.
            if content_type is not None or any(name == "specversion" for name, _ in user):
                return decode(MqttMessage(message.payload, content_type, user))
        return format_of(self._source.options.envelopeoptions.format).decode(message.payload)


class _Inbox:
    """The messages of one connection on their way into the hub, and the order of their confirmations."""

    def __init__(
        self, decoded: Callable[[Publish], Event], intake: Intake, tasks: Supervisor
    ) -> None:
        self._decoded = decoded
        self._intake = intake
        self._tasks = tasks
        self._open: deque[Publish] = deque()
        self._stored: set[int] = set()
        self._connection: MqttConnection | None = None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._empty = asyncio.Event()
        self._empty.set()
        self._leaving = False

    def connected(self, connection: MqttConnection) -> None:
        """Where to confirm to; a session that goes on may have sent before this."""
        self._connection = connection
        self._tasks.start_soon(self._watch(connection), name="mqtt connection")
        self._confirm()

    def receive(self, message: Publish) -> None:
        """A message came."""
        self._open.append(message)
        self._empty.clear()
        self._tasks.start_soon(self._take(message), name=f"mqtt message of {message.topic[:80]}")
        if len(self._open) >= IN_FLIGHT and self._connection is not None:
            # A broker keeps to Receive Maximum; 3.1.1 has none, and nothing bounds QoS 0.
            self._connection.pause_reading()

    async def wait_ended(self) -> str:
        """Wait until the connection is lost, or the intake takes no more; which."""
        return await asyncio.shield(self._ended)

    async def wait_empty(self, within_s: float) -> None:
        """Wait until everything that came is stored and confirmed, or nothing more will be."""
        self._leaving = True
        waiting = asyncio.ensure_future(self._empty.wait())
        try:
            await asyncio.wait(
                (waiting, self._ended), timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()

    async def _watch(self, connection: MqttConnection) -> None:
        self._end(await connection.wait_lost())

    async def _take(self, message: Publish) -> None:
        event, refusal = self._judged(message)
        try:
            if event is not None:
                await self._intake.take(event)
            else:
                await self._intake.set_aside(refusal, message.payload, _details(message))
        except Unavailable as exc:
            self._end(exc.message)
            return
        self._stored.add(id(message))
        self._confirm()

    def _judged(self, message: Publish) -> tuple[Event | None, str]:
        """The event in a message, or why there is none."""
        if message.lost_bytes:
            size = len(message.payload) + message.lost_bytes
            return None, f"a payload of {size} bytes is too large to be read"
        try:
            return self._decoded(message), ""
        except CallerError as exc:
            return None, exc.message

    def _confirm(self) -> None:
        """4.6: what is confirmed goes out in the order in which the messages came."""
        connection = self._connection
        if connection is None:
            return
        while self._open and id(self._open[0]) in self._stored:
            message = self._open.popleft()
            self._stored.discard(id(message))
            connection.confirm(message)
        if not self._open:
            self._empty.set()
        if len(self._open) < IN_FLIGHT and not self._leaving:
            connection.resume_reading()

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)


def _details(message: Publish) -> Mapping[str, str]:
    details = {
        "topic": message.topic,
        "qos": str(message.qos),
        "retain": str(message.retain).lower(),
        **{f"userproperty {name}": text for name, text in message.properties.user},
    }
    content_type = message.properties.text(CONTENT_TYPE)
    return details if content_type is None else {**details, "contenttype": content_type}


_: type[EventSource] = MqttReader
