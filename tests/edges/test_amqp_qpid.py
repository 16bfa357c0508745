"""AMQP 1.0 both ways over a real broker, Apache Qpid Broker-J with durable queues."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("proton", reason="python-qpid-proton is not installed: pip compiles it")

from msgspec.structs import replace
from proton import Message
from proton.utils import BlockingConnection
from tests.edges.broker_clients import BIG, BYTES, NO_DATA, TYPED, attempt, reading, until
from tests.edges.qpid import PASSWORD, USER, Qpid

from chappe.adapters.amqp.sink import AmqpSink
from chappe.adapters.amqp.source import AmqpReader
from chappe.domain.delivery import Delivered, Failed, Outcome
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import AmqpSettings, EnvelopeOptions, Options
from chappe.domain.source import AmqpSource, Source
from chappe.domain.subscription import Credential, Subscription
from chappe.testing.memory_intake import MemoryIntake

pytestmark = pytest.mark.timeout(180)

CREDENTIAL = Credential("PLAIN", USER, PASSWORD)
FULL = {
    "maximumQueueDepthMessages": 3,
    "overflowPolicy": "REJECT",
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Qpid]:
    names = [f"q{number}" for number in range(12)]
    one = Qpid(
        tmp_path_factory.mktemp("qpid"), queues={**{name: {} for name in names}, "full": FULL}
    )
    asyncio.run(one.start())
    try:
        yield one
    finally:
        asyncio.run(one.kill())


_QUEUES = itertools.count()


@pytest.fixture
def queue() -> str:
    """A queue that no other test uses."""
    return f"q{next(_QUEUES)}"


@asynccontextmanager
async def delivering() -> AsyncIterator[AmqpSink]:
    sink = AmqpSink(new_id=lambda: "chappe-test")
    try:
        yield sink
    finally:
        await sink.close()


def subscription(url: str, queue: str, **more: Any) -> Subscription:
    more = {"credential": CREDENTIAL, "settings": AmqpSettings(address=queue), **more}
    return Subscription(id="s-1", sink=url, protocol="AMQP", **more)


async def send(sink: AmqpSink, event: Event, to: Subscription) -> Outcome:
    return await sink.send(attempt(event, to))


def reader(url: str, queue: str, *, credential: Credential = CREDENTIAL) -> AmqpReader:
    return AmqpReader(Source("src", url, "AMQP", AmqpSource(address=queue), credential))


@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_events_go_through_a_broker_and_come_back(
    broker: Qpid, queue: str, mode: Any
) -> None:
    sent = [TYPED, NO_DATA, BYTES, BIG]
    to = subscription(
        broker.url, queue, options=Options(envelopeoptions=EnvelopeOptions(mode=mode))
    )
    intake = MemoryIntake()
    async with delivering() as sink:
        for event in sent:
            assert await send(sink, event, to) == Delivered(0x24)
    async with reading(reader(broker.url, queue), intake):
        await intake.until(lambda: len(intake.taken) == len(sent))
        await until(lambda: broker.depth(queue) == 0)
    assert [replace(one, text=False) for one in intake.taken] == [
        replace(one, text=False)
        if mode == "binary"
        # JSON has one kind of string: bytes in an attribute come back as their Base64.
        else replace(
            one,
            text=False,
            extensions={
                name: one.get(name) if isinstance(value, bytes) else value
                for name, value in one.extensions.items()
            },
        )
        for one in sent
    ]


async def test_protons_own_client_reads_what_was_sent_and_is_read(broker: Qpid, queue: str) -> None:
    async with delivering() as sink:
        assert await send(sink, TYPED, subscription(broker.url, queue)) == Delivered(0x24)
    client = await asyncio.to_thread(
        BlockingConnection, broker.url, user=USER, password=PASSWORD, allowed_mechs="PLAIN"
    )
    try:
        receiver = await asyncio.to_thread(client.create_receiver, queue)
        message = await asyncio.to_thread(receiver.receive, 20)
        receiver.accept()
        assert message.properties["cloudEvents_id"] == TYPED.id
        assert bytes(message.body) == TYPED.data
        receiver.close()
        sender = await asyncio.to_thread(client.create_sender, queue)
        properties = {
            "cloudEvents:specversion": "1.0",
            "cloudEvents:id": "from-proton",
            "cloudEvents:source": "/s",
            "cloudEvents:type": "t",
        }
        await asyncio.to_thread(sender.send, Message(properties=properties, body="text"))
    finally:
        await asyncio.to_thread(client.close)
    intake = MemoryIntake()
    async with reading(reader(broker.url, queue), intake):
        await intake.until(lambda: bool(intake.taken))
    assert (intake.taken[0].id, intake.taken[0].data) == ("from-proton", b"text")


async def test_what_the_hub_cannot_store_stays_in_the_queue(broker: Qpid, queue: str) -> None:
    async def full(event: Event) -> None:
        raise Unavailable("the disk is full")

    async with delivering() as sink:
        for _ in range(3):
            assert await send(sink, NO_DATA, subscription(broker.url, queue)) == Delivered(0x24)
    async with reading(reader(broker.url, queue), MemoryIntake(full)) as running:
        with pytest.raises(Unavailable, match="the disk is full"):
            await running
    await until(lambda: broker.depth(queue) == 3)
    intake = MemoryIntake()
    async with reading(reader(broker.url, queue), intake):
        await intake.until(lambda: len(intake.taken) == 3)


async def test_a_full_queue_is_a_failure_that_passes(broker: Qpid) -> None:
    async with delivering() as sink:
        outcomes = [await send(sink, NO_DATA, subscription(broker.url, "full")) for _ in range(4)]
    assert outcomes[:3] == [Delivered(0x24)] * 3
    assert isinstance(outcomes[3], Failed)
    assert "amqp:resource-limit-exceeded" in outcomes[3].reason


async def test_who_is_not_known_and_what_is_not_there_is_told(broker: Qpid) -> None:
    wrong = Credential("PLAIN", USER, "wrong-secret")
    async with delivering() as sink:
        failed = await send(sink, NO_DATA, subscription(broker.url, "q0", credential=wrong))
        assert isinstance(failed, Failed)
        assert "does not let the hub in: amqp:unauthorized-access" in failed.reason
        assert "wrong-secret" not in failed.reason
        failed = await send(sink, NO_DATA, subscription(broker.url, "nowhere"))
        assert isinstance(failed, Failed)
        assert "closed the link to 'nowhere': amqp:not-found" in failed.reason
    with pytest.raises(Unavailable, match="does not let the hub in"):
        await reader(broker.url, "q0", credential=wrong).run(MemoryIntake(), lambda: None)
    with pytest.raises(Unavailable, match="amqp:not-found"):
        await reader(broker.url, "nowhere").run(MemoryIntake(), lambda: None)


_KILLED = """
import asyncio, sys
from chappe.adapters.amqp.source import AmqpReader
from chappe.domain.source import AmqpSource, Source
from chappe.domain.subscription import Credential

class Intake:
    async def take(self, event):
        print(event.id, flush=True)
        await asyncio.Event().wait()

    async def set_aside(self, reason, payload, details):
        raise AssertionError(reason)

url, queue, user, password = sys.argv[1:]
source = Source("src", url, "AMQP", AmqpSource(address=queue), Credential("PLAIN", user, password))
asyncio.run(AmqpReader(source).run(Intake(), lambda: None))
"""


async def test_a_reader_that_is_killed_loses_nothing(broker: Qpid, queue: str) -> None:
    async with delivering() as sink:
        assert await send(sink, TYPED, subscription(broker.url, queue)) == Delivered(0x24)
    process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [sys.executable, "-c", _KILLED, broker.url, queue, USER, PASSWORD],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == f"{TYPED.id}\n"
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        if process.stdout is not None:
            process.stdout.close()
    intake = MemoryIntake()
    async with reading(reader(broker.url, queue), intake):
        await intake.until(lambda: bool(intake.taken))
    assert intake.ids == [TYPED.id]


async def test_nothing_is_lost_when_the_broker_is_killed_under_load(tmp_path: Path) -> None:
    """From a sink over the broker into a source: each event that the sink called delivered."""
    count = 300
    intake = MemoryIntake()
    async with Qpid(tmp_path) as broker, delivering() as sink:
        to = subscription(broker.url, "orders")

        async def keep_reading() -> None:
            while True:
                try:
                    await reader(broker.url, "orders").run(intake, lambda: None)
                except Unavailable:
                    await asyncio.sleep(0.1)

        async def deliver(number: int) -> None:
            event = Event(id=str(number), source="/s", type="t", data=b"x")
            while not isinstance(  # noqa: ASYNC110 - the broker comes back
                await send(sink, event, to), Delivered
            ):
                await asyncio.sleep(0.1)

        async def restart() -> None:
            await intake.until(lambda: len(intake.taken) > 50)
            await broker.kill()
            await broker.start()

        keeping = asyncio.create_task(keep_reading())
        try:
            async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
                tasks.create_task(restart())
                for begin in range(0, count, 20):
                    await asyncio.gather(*(deliver(number) for number in range(begin, begin + 20)))
            await intake.until(lambda: len(set(intake.ids)) == count, within_s=60)
        finally:
            keeping.cancel()
