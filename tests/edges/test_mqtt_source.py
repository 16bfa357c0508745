"""Sources at a real mosquitto: what Eclipse Paho publishes comes in once it is stored, and never gets lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.edges.broker_clients import BIG, BYTES, NO_DATA, TYPED, attempt, reading, until
from tests.edges.broker_programs import free_port
from tests.edges.mosquitto import Mosquitto
from tests.edges.paho_client import Paho, paho_client

from chappe.adapters.mqtt import source as adapter
from chappe.adapters.mqtt.sink import MqttSink
from chappe.adapters.mqtt.source import MqttReader
from chappe.domain.delivery import Delivered
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import MqttSettings
from chappe.domain.source import MqttSource, Source
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.cloudevents_mqtt import encode_binary, encode_structured
from chappe.formats.event_formats import PROTOBUF
from chappe.testing.memory_intake import MemoryIntake


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as one:
        yield one


def source(url: str, *, protocol: str = "MQTT5", id: str = "src", **settings: Any) -> Source:
    return Source(id, url, protocol, MqttSource(**{"topicfilter": "in/#", **settings}))


def reader(url: str, **more: Any) -> MqttReader:
    return MqttReader(source(url, **more))


def publish(witness: Paho, event: Event, *, qos: int = 1) -> None:
    sent = encode_binary(event)
    more = {} if sent.content_type is None else {"content_type": sent.content_type}
    witness.publish("in/x", sent.payload, qos=qos, user=sent.user_properties, **more)


def numbered(number: int) -> Event:
    return Event(id=str(number), source="/s", type="t", data=b"x")


def untyped(event: Event) -> Event:
    """As MQTT carries it: every attribute is a string."""
    texts = {name: event.get(name) or "" for name in event.extensions}
    return replace(event, extensions=texts, text=False)


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_events_in_binary_mode_come_in_as_they_were_sent(broker: Mosquitto, qos: int) -> None:
    # Nobody promises what becomes of a great one with QoS 0.
    sent = [TYPED, NO_DATA, BYTES] if qos == 0 else [TYPED, NO_DATA, BYTES, BIG]
    intake = MemoryIntake()
    async with reading(reader(broker.url, qos=qos), intake):
        with paho_client(broker.port) as witness:
            for number, event in enumerate(sent, start=1):
                publish(witness, event, qos=qos)
                await intake.until(lambda count=number: len(intake.taken) == count)  # type: ignore[misc]
    assert intake.taken == [untyped(event) for event in sent]
    assert not intake.aside


async def test_events_in_structured_mode_come_in(broker: Mosquitto) -> None:
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        with paho_client(broker.port) as witness:
            sent = encode_structured(TYPED, PROTOBUF)
            assert sent.content_type is not None
            witness.publish("in/a", sent.payload, content_type=sent.content_type)
        await intake.until(lambda: bool(intake.taken))
    assert intake.taken == [PROTOBUF.decode(PROTOBUF.encode(TYPED))]


@pytest.mark.parametrize("protocol", ["MQTT3", "MQTT5"])
async def test_a_device_that_speaks_mqtt_3_1_1_is_understood(
    broker: Mosquitto, protocol: str
) -> None:
    intake = MemoryIntake()
    async with reading(reader(broker.url, protocol=protocol), intake):
        with paho_client(broker.port, level=4) as witness:
            witness.publish("in/a", encode_structured(TYPED).payload)
        await intake.until(lambda: bool(intake.taken))
    assert [event.id for event in intake.taken] == [TYPED.id]


async def test_what_is_no_event_is_set_aside_once(broker: Mosquitto) -> None:
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        with paho_client(broker.port) as witness:
            witness.publish("in/raw", b"21.5", content_type="text/plain", user=[("unit", "C")])
            publish(witness, NO_DATA)
        await intake.until(lambda: bool(intake.taken and intake.aside))
    (aside,) = intake.aside
    assert aside.payload == b"21.5"
    assert aside.reason.startswith("the message is no event")
    assert aside.details == {
        "topic": "in/raw",
        "qos": "1",
        "retain": "false",
        "contenttype": "text/plain",
        "userproperty unit": "C",
    }
    again = MemoryIntake()
    async with reading(reader(broker.url), again):
        with paho_client(broker.port) as witness:
            publish(witness, numbered(2))
        await again.until(lambda: bool(again.taken))
    assert not again.aside


async def test_events_of_one_reader_come_in_the_order_of_the_broker(broker: Mosquitto) -> None:
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        with paho_client(broker.port) as witness:
            sent = [witness.client.publish("in/x", _json(number), qos=1) for number in range(600)]
            for one in sent:
                await asyncio.to_thread(one.wait_for_publish, 20)
        await intake.until(lambda: len(intake.taken) >= 600)
    assert intake.ids == [str(number) for number in range(600)]


async def test_what_comes_while_nobody_reads_waits_in_the_session(broker: Mosquitto) -> None:
    async with reading(reader(broker.url), MemoryIntake()):
        pass
    with paho_client(broker.port) as witness:
        for number in range(3):
            publish(witness, numbered(number))
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        await intake.until(lambda: len(intake.taken) == 3)
    assert intake.ids == ["0", "1", "2"]


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_message_is_confirmed_only_after_it_is_stored(
    broker: Mosquitto, qos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "LEAVING_S", 0.05)
    came = asyncio.Event()

    async def never(event: Event) -> None:
        came.set()
        await asyncio.Event().wait()

    async with reading(reader(broker.url, qos=qos), MemoryIntake(never)):
        with paho_client(broker.port) as witness:
            publish(witness, TYPED, qos=qos)
        await asyncio.wait_for(came.wait(), 60)
    intake = MemoryIntake()
    async with reading(reader(broker.url, qos=qos), intake):
        await intake.until(lambda: bool(intake.taken))
    assert intake.ids == [TYPED.id]
    last = MemoryIntake()
    async with reading(reader(broker.url, qos=qos), last):
        with paho_client(broker.port) as witness:
            publish(witness, NO_DATA)
        await last.until(lambda: bool(last.taken))
    assert last.ids == [NO_DATA.id]


async def test_reading_ends_when_the_hub_cannot_store_and_the_message_comes_again(
    broker: Mosquitto,
) -> None:
    async def full(event: Event) -> None:
        raise Unavailable("the disk is full")

    async with reading(reader(broker.url), MemoryIntake(full)) as running:
        with paho_client(broker.port) as witness:
            publish(witness, TYPED)
        with pytest.raises(Unavailable, match="the disk is full"):
            await running
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        await intake.until(lambda: bool(intake.taken))


async def test_leaving_confirms_what_is_being_stored(broker: Mosquitto) -> None:
    came, may_go = asyncio.Event(), asyncio.Event()

    async def slowly(event: Event) -> None:
        came.set()
        await may_go.wait()

    slow = MemoryIntake(slowly)
    async with reading(reader(broker.url), slow) as running:
        with paho_client(broker.port) as witness:
            publish(witness, TYPED)
        await asyncio.wait_for(came.wait(), 60)
        running.cancel()
        may_go.set()
    assert slow.ids == [TYPED.id]
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        with paho_client(broker.port) as witness:
            publish(witness, NO_DATA)
        await intake.until(lambda: bool(intake.taken))
    assert intake.ids == [NO_DATA.id]


@pytest.mark.parametrize("protocol", ["MQTT3", "MQTT5"])
async def test_readers_of_a_group_share_the_messages(broker: Mosquitto, protocol: str) -> None:
    one, two = MemoryIntake(), MemoryIntake()
    shared = {"protocol": protocol, "sharedsubscriptiongroup": "hubs"}
    async with (
        reading(reader(broker.url, id="one", **shared), one),
        reading(reader(broker.url, id="two", **shared), two),
    ):
        with paho_client(broker.port) as witness:
            for number in range(40):
                witness.publish("in/x", _json(number))
        await until(lambda: len(one.taken) + len(two.taken) >= 40)
    assert sorted(map(int, one.ids + two.ids)) == list(range(40))
    assert one.taken
    assert two.taken


async def test_another_filter_begins_another_session(broker: Mosquitto) -> None:
    async with reading(reader(broker.url), MemoryIntake()):
        pass
    intake = MemoryIntake()
    async with reading(reader(broker.url, topicfilter="other/#"), intake):
        with paho_client(broker.port) as witness:
            witness.publish("in/x", _json(1))
            witness.publish("other/x", _json(2))
        await intake.until(lambda: bool(intake.taken))
    assert intake.ids == ["2"]


async def test_a_kept_message_comes_once_and_not_at_each_start(broker: Mosquitto) -> None:
    with paho_client(broker.port) as witness:
        witness.publish("in/kept", _json(1), retain=True)
        for expected in (["1"], []):
            intake = MemoryIntake()
            async with reading(reader(broker.url), intake):
                witness.publish("in/x", _json(9))
                await intake.until(lambda kept=intake: "9" in kept.ids)  # type: ignore[misc]
            assert [one for one in intake.ids if one != "9"] == expected


async def test_a_user_that_the_broker_does_not_know_is_unavailable(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, passwords={"ada": "engine"}) as broker:
        wrong = replace_credential(source(broker.url), Credential("PLAIN", "ada", "wrong"))
        with pytest.raises(Unavailable, match="does not let the hub in: not authorized"):
            await MqttReader(wrong).run(MemoryIntake(), lambda: None)
        right = replace_credential(source(broker.url), Credential("PLAIN", "ada", "engine"))
        async with reading(MqttReader(right), MemoryIntake()):
            pass


async def test_a_broker_that_is_nowhere_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="connection refused"):
        await reader(f"mqtt://127.0.0.1:{free_port()}").run(MemoryIntake(), lambda: None)


async def test_nothing_is_lost_when_the_broker_is_restarted_under_load(broker: Mosquitto) -> None:
    """From a sink over the broker into a source: each event that the sink called delivered."""
    count = 400
    intake = MemoryIntake()
    sink = MqttSink(new_id=lambda: "chappe-out")
    to = Subscription(
        id="s", sink=broker.url, protocol="MQTT5", settings=MqttSettings(topicname="in/{id}")
    )

    async def keep_reading() -> None:
        while True:
            try:
                await reader(broker.url).run(intake, lambda: None)
            except Unavailable:
                await asyncio.sleep(0.05)

    async def deliver(number: int) -> None:
        while not isinstance(  # noqa: ASYNC110 - the broker comes back
            await sink.send(attempt(numbered(number), to)), Delivered
        ):
            await asyncio.sleep(0.05)

    async def restart() -> None:
        await intake.until(lambda: len(intake.taken) > 50)
        await broker.stop()
        await broker.start()

    async with reading(reader(broker.url), MemoryIntake()):
        pass  # the session is there
    keeping = asyncio.create_task(keep_reading())
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(restart())
            for begin in range(0, count, 20):
                await asyncio.gather(*(deliver(number) for number in range(begin, begin + 20)))
        await intake.until(lambda: len(set(intake.ids)) == count)
    finally:
        keeping.cancel()
        await sink.close()


_KILLED = """
import asyncio, sys
from chappe.adapters.mqtt.source import MqttReader
from chappe.domain.source import MqttSource, Source

class Intake:
    async def take(self, event):
        print(event.id, flush=True)
        if event.id != "1":
            await asyncio.Event().wait()

    async def set_aside(self, reason, payload, details):
        raise AssertionError(reason)

source = Source("src", sys.argv[1], "MQTT5", MqttSource(topicfilter="in/#"))
asyncio.run(MqttReader(source).run(Intake(), lambda: print("ready", flush=True)))
"""


async def test_a_reader_that_is_killed_loses_nothing(broker: Mosquitto) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
        [sys.executable, "-c", _KILLED, broker.url], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        with paho_client(broker.port) as witness:
            for number in (1, 2, 3):
                publish(witness, numbered(number))
        said = [await asyncio.to_thread(process.stdout.readline) for _ in range(3)]
        assert said == ["1\n", "2\n", "3\n"]
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        if process.stdout is not None:
            process.stdout.close()
    intake = MemoryIntake()
    async with reading(reader(broker.url), intake):
        await intake.until(lambda: {"2", "3"} <= set(intake.ids))


def replace_credential(one: Source, credential: Credential) -> Source:
    return Source(one.id, one.url, one.protocol, one.settings, credential, one.options)


def _json(number: int) -> bytes:
    return encode_structured(numbered(number)).payload
