"""Events from NATS: from a stream, or as they pass by.

With `jetstream`, a durable consumer that several hubs may share: the server keeps what is not
acknowledged, and we acknowledge what is on disk here. At least once.

Without, an ordinary subscription in a queue group: nothing acknowledges anything, so what comes while
nobody listens, or while this process dies, is lost. At most once; NATS itself promises no more.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from chappe.adapters.nats.broker import Broker
from chappe.adapters.nats.messages import ApiError, status_of
from chappe.adapters.nats.servers import Opener, servers_of
from chappe.domain.errors import CallerError, Unavailable
from chappe.domain.event import Event
from chappe.domain.source import NatsSource, Source
from chappe.formats.cloudevents_nats import decode
from chappe.formats.content_type import format_of
from chappe.kit.dial import Addresses, NotConnected, every_address
from chappe.ports.event_source import EventSource, Intake

BATCH: Final = 256
"""Messages that are taken in together."""
WAIT_S: Final = 5.0
"""How long the server holds an empty fetch; it says so by a heartbeat twice meanwhile."""
ACK_WAIT_S: Final = 30.0
"""After which the server gives a message again that was not acknowledged."""
HELD: Final = 4 * BATCH
"""Messages that wait here; beyond, the connection is not read."""
_NOT_FOUND: Final = frozenset({10014, 10059})  # no such consumer, no such stream


class Message(NamedTuple):
    """A message as it came; `reply` is where it is acknowledged, of a stream."""

    subject: bytes
    reply: bytes
    block: bytes
    payload: bytes


class NatsReader:
    """One source at NATS servers."""

    def __init__(self, source: Source, *, addresses: Addresses = every_address) -> None:
        assert isinstance(source.settings, NatsSource)
        self._source = source
        self._settings = source.settings
        self._format = format_of(source.options.envelopeoptions.format)
        self._open = Opener(addresses)

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        """Receive until cancelled; see the port."""
        source = self._source
        try:
            broker = await self._open(servers_of(source.url, source.credential, source.options.tls))
        except NotConnected as error:
            raise Unavailable(f"NATS: {error}") from error
        try:
            if self._settings.jetstream:
                await self._consume(broker, intake, ready)
            else:
                await self._listen(broker, intake, ready)
        except NotConnected as error:
            raise Unavailable(f"NATS: {error}") from error
        finally:
            broker.close()

    async def _listen(self, broker: Broker, intake: Intake, ready: Callable[[], None]) -> None:
        inbox = _Inbox(broker)
        queue = self._settings.queue or f"chappe.{self._source.id}"
        broker.subscribe(self._settings.subject, inbox.put, queue=queue)
        await broker.flush()
        ready()
        while True:
            await self._take(intake, await inbox.some())

    async def _consume(self, broker: Broker, intake: Intake, ready: Callable[[], None]) -> None:
        stream, consumer = await self._consumer(broker)
        inbox = _Inbox(broker)
        reply = f"_INBOX.{self._source.id}.{id(inbox):x}"
        broker.subscribe(reply, inbox.put)
        await broker.flush()
        ready()
        body = json.dumps(
            {"batch": BATCH, "expires": int(WAIT_S * 1e9), "idle_heartbeat": int(WAIT_S * 4e8)}
        ).encode()
        while True:
            broker.request(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", reply, body)
            await self._fetched(broker, inbox, intake)

    async def _fetched(self, broker: Broker, inbox: _Inbox, intake: Intake) -> None:
        """Take what one fetch brings, until the server says that it is over."""
        left = BATCH
        while left > 0:
            try:
                async with asyncio.timeout(2 * WAIT_S):
                    found = await inbox.some()
            except TimeoutError:
                raise Unavailable("NATS: the server fell silent") from None
            messages: list[Message] = []
            for message in found:
                status = status_of(message.block) if message.block else 0
                if not status:
                    messages.append(message)
                elif status in (404, 408):
                    left = 0
                elif status != 100:
                    said = message.block[9:].partition(b"\r\n")[0].decode("utf-8", "replace")
                    raise Unavailable(f"NATS: the stream's consumer says {said}")
            left -= len(messages)
            if messages:
                try:
                    await self._take(intake, messages)
                except BaseException:
                    for message in messages:
                        broker.tell(message.reply, b"-NAK")
                    raise
                for message in messages:
                    broker.tell(message.reply, b"+ACK")

    async def _take(self, intake: Intake, messages: Sequence[Message]) -> None:
        """Hand messages in, in their order; those before and behind one that failed may be in."""
        results = await asyncio.gather(
            *(self._one(intake, message) for message in messages), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _one(self, intake: Intake, message: Message) -> None:
        try:
            event: Event = decode(message.block, message.payload, self._format)
        except CallerError as error:
            details = {
                "subject": message.subject.decode("utf-8", "replace"),
                "headers": message.block.decode("utf-8", "replace")[:2_048],
            }
            if message.reply.startswith(b"$JS.ACK."):
                details["ack"] = message.reply.decode("utf-8", "replace")
            await intake.set_aside(error.message, message.payload, details)
        else:
            await intake.take(event)

    async def _consumer(self, broker: Broker) -> tuple[str, str]:
        """The stream and the consumer, which is made where there is none."""
        settings = self._settings
        name = settings.durable or f"chappe-{self._source.id}"
        try:
            stream = settings.stream or await self._stream(broker)
            try:
                await broker.api(f"CONSUMER.INFO.{stream}.{name}")
            except ApiError as error:
                if error.err_code != 10014:
                    raise
                config: dict[str, Any] = {
                    "durable_name": name,
                    "filter_subject": settings.subject,
                    "ack_policy": "explicit",
                    "ack_wait": int(ACK_WAIT_S * 1e9),
                    "deliver_policy": "all" if settings.start == "earliest" else "new",
                    "max_ack_pending": 4 * BATCH,
                }
                await broker.api(
                    f"CONSUMER.DURABLE.CREATE.{stream}.{name}",
                    {"stream_name": stream, "config": config},
                )
        except ApiError as error:
            raise Unavailable(f"NATS: {error.description}") from error
        return stream, name

    async def _stream(self, broker: Broker) -> str:
        subject = self._settings.subject
        found = (await broker.api("STREAM.NAMES", {"subject": subject})).get("streams") or []
        if len(found) != 1:
            said = "no stream holds" if not found else f"{', '.join(found)} all hold"
            raise Unavailable(f"NATS: {said} the subject {subject!r}; name one with `stream`")
        return str(found[0])


class _Inbox:
    """Messages that came and wait to be taken; while too many do, the connection is not read."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._messages: deque[Message] = deque()
        self._came = asyncio.Event()
        self._ended = asyncio.ensure_future(broker.wait_ended())
        self._ended.add_done_callback(lambda _: self._came.set())

    def put(self, subject: bytes, reply: bytes, block: bytes, payload: bytes) -> None:
        """A message came."""
        self._messages.append(Message(subject, reply, block, payload))
        self._came.set()
        if len(self._messages) >= HELD:
            self._broker.hold(held=True)

    async def some(self) -> Sequence[Message]:
        """Wait for messages; at most a batch.

        Raises:
            NotConnected: the connection ended, and all that came before was given out.
        """
        while not self._messages:
            if self._ended.done():
                raise NotConnected(self._ended.result())
            self._came.clear()
            await self._came.wait()
        found = [self._messages.popleft() for _ in range(min(BATCH, len(self._messages)))]
        if len(self._messages) < HELD // 2:
            self._broker.hold(held=False)
        return found


_: type[EventSource] = NatsReader
