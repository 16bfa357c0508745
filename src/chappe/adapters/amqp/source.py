"""Events from AMQP 1.0 containers: a receiver with credit. Needs chappe[amqp].

A message is accepted once the hub has it on disk, and rejected, with the reason, once a message that is no event
has been set aside. What the hub cannot take now is released, and reading ends: the caller begins again later.
What nobody settled when the connection ended, the container delivers again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from proton import Delivery

from chappe.adapters.amqp.messages import decoded, details_of, event_of
from chappe.domain.errors import CallerError, Unavailable
from chappe.domain.event import Event
from chappe.domain.options import Tls
from chappe.domain.source import AmqpSource, Source
from chappe.formats.broker_url import place_of
from chappe.formats.content_type import format_of
from chappe.kit.amqp.connection import Hello, open_connection
from chappe.kit.amqp.links import Receiving
from chappe.kit.client_tls import ClientTls
from chappe.kit.dial import Addresses, NotConnected, Peer, every_address
from chappe.kit.supervise import Supervisor
from chappe.ports.event_source import EventSource, Intake

LEAVING_S: Final = 3.0
"""For the hub to store what has come, when reading is to end."""
NO_EVENT: Final = "amqp:decode-error"
_MOST_DETAIL: Final = 200


class AmqpReader:
    """One source at an AMQP container."""

    def __init__(self, source: Source, *, addresses: Addresses = every_address) -> None:
        assert isinstance(source.settings, AmqpSource)
        self._source = source
        self._settings = source.settings
        self._addresses = addresses

    async def run(self, intake: Intake, ready: Callable[[], None]) -> None:
        """See the port."""
        async with Supervisor() as tasks:
            try:
                ended = await self._read(_Inbox(self._source, intake, tasks), ready)
            finally:
                tasks.cancel()
        raise Unavailable(ended)

    async def _read(self, inbox: _Inbox, ready: Callable[[], None]) -> str:
        """Read until reading ends by itself; why."""
        try:
            connection = await open_connection(self._hello(), self._addresses)
        except NotConnected as exc:
            return str(exc)
        try:
            name = self._settings.linkname or f"chappe-{self._source.id}"
            receiving = connection.receive(
                self._settings.address, name, self._settings.credit, inbox.receive
            )
            inbox.attached(receiving)
            refused = await receiving.wait_attached()
            if refused:
                return refused
            ready()
            return await inbox.wait_ended()
        except NotConnected as exc:
            return str(exc)
        except asyncio.CancelledError:
            await inbox.leave(LEAVING_S)
            raise
        finally:
            # What is not settled by now comes again.
            connection.close()

    def _hello(self) -> Hello:
        source = self._source
        place = place_of(source.url)
        tls = source.options.tls or Tls()
        credential = source.credential
        return Hello(
            peer=Peer(*place.servers[0]),
            container=f"chappe-{source.id}",
            user=credential.identifier if credential is not None else None,
            password=credential.secret if credential is not None else None,
            tls=ClientTls().of(tls.ca, tls.certificate, tls.key)
            if place.scheme == "amqps"
            else None,
        )


class _Inbox:
    """The messages of one link on their way into the hub."""

    def __init__(self, source: Source, intake: Intake, tasks: Supervisor) -> None:
        self._source = source
        self._intake = intake
        self._tasks = tasks
        self._receiving: Receiving | None = None
        self._under_way = 0
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._empty = asyncio.Event()
        self._empty.set()

    def attached(self, receiving: Receiving) -> None:
        """Where to settle."""
        self._receiving = receiving
        self._tasks.start_soon(self._watch(receiving), name="amqp link")

    def receive(self, delivery: Delivery, encoded: bytes) -> None:
        """A message came."""
        self._under_way += 1
        self._empty.clear()
        self._tasks.start_soon(self._take(delivery, encoded), name="amqp message")

    async def wait_ended(self) -> str:
        """Wait until the link is gone, or the intake takes no more; which."""
        return await asyncio.shield(self._ended)

    async def leave(self, within_s: float) -> None:
        """Take nothing more, and wait until all that came is settled, or nothing more will be."""
        if self._receiving is not None:
            self._receiving.stop()
        waiting = asyncio.ensure_future(self._empty.wait())
        try:
            await asyncio.wait(
                (waiting, self._ended), timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()

    async def _watch(self, receiving: Receiving) -> None:
        self._end(await receiving.wait_ended())

    async def _take(self, delivery: Delivery, encoded: bytes) -> None:
        receiving = self._receiving
        assert receiving is not None
        event, refusal, details = self._judged(encoded)
        try:
            if event is not None:
                await self._intake.take(event)
                receiving.accept(delivery)
            else:
                await self._intake.set_aside(refusal, encoded, details)
                receiving.reject(delivery, NO_EVENT, refusal[:_MOST_DETAIL])
        except Unavailable as exc:
            receiving.release(delivery)
            self._end(exc.message)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._empty.set()

    def _judged(self, encoded: bytes) -> tuple[Event | None, str, Mapping[str, str]]:
        """The event in a message; or why there is none, and what is told about it."""
        settings = self._source.settings
        assert isinstance(settings, AmqpSource)
        details: dict[str, str] = {"address": settings.address}
        try:
            message = decoded(encoded)
            details |= details_of(message)
            format = format_of(self._source.options.envelopeoptions.format)
            return event_of(message, format), "", details
        except CallerError as exc:
            return None, exc.message, details

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)


_: type[EventSource] = AmqpReader
