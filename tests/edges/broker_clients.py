"""What the tests of MQTT and AMQP share: events, readers under way, TLS before a broker."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.ports.event_source import EventSource, Intake
from chappe.ports.sink import Attempt

TYPED = Event(
    id="e-€-😀",
    source="https://example.com/orders?a=b#c",
    type="com.example.order.created",
    subject="Größe 100%",
    time="2024-02-29T23:59:59.250Z",
    datacontenttype="application/json",
    dataschema="https://example.com/schema",
    extensions={"tenant": "Nörd", "retries": -2147483648, "paid": True, "raw": b"\x00\xff"},
    data='{"total": 12, "€": "😀"}'.encode(),
    text=True,
)
NO_DATA = Event(id="bare", source="/s", type="t")
BYTES = Event(id="bytes", source="/s", type="t", data=bytes(range(256)))
BIG = Event(
    id="big",
    source="/s",
    type="t",
    datacontenttype="application/octet-stream",
    data=bytes(range(256)) * 6_000,
)


def attempt(event: Event, subscription: Subscription) -> Attempt:
    return Attempt(event, subscription, f"wh-{event.id}", 1)


@asynccontextmanager
async def reading(source: EventSource, intake: Intake) -> AsyncIterator[asyncio.Task[None]]:
    """The source runs; leaving ends it."""
    ready = asyncio.Event()
    task = asyncio.create_task(source.run(intake, ready.set))
    started = asyncio.create_task(ready.wait())
    try:
        async with asyncio.timeout(60):
            await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set():
            await task
        yield task
    finally:
        started.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError, Unavailable):
            await task


async def until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Wait for what another process or thread brings about."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.01)


@asynccontextmanager
async def tls_before(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS and passes what is in it on to `port`."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, behind_writer))
                tasks.create_task(_pass_on(behind_reader, writer))
        finally:
            for one in (writer, behind_writer):
                one.close()
                with suppress(OSError):
                    await one.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        # Whoever tests closes its side first: then these end by themselves.
        async with asyncio.timeout(60):
            await asyncio.gather(*serving, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
