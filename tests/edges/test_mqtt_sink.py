"""Deliveries to a real mosquitto, as Eclipse Paho sees them arrive."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.edges.broker_clients import BIG, BYTES, NO_DATA, TYPED, attempt, tls_before, until
from tests.edges.broker_programs import free_port
from tests.edges.mosquitto import Mosquitto
from tests.edges.paho_client import paho_client

from chappe.adapters.mqtt.sink import IDLE_S, MqttSink
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.event import Event
from chappe.domain.options import EnvelopeOptions, MqttSettings, Options, Tls
from chappe.domain.subscription import Credential, Subscription
from chappe.formats.cloudevents_mqtt import MqttMessage, decode, encode_binary
from chappe.formats.event_formats import JSON, PROTOBUF
from chappe.testing.certificates import Authority

SUCCESS, NOBODY = 0x00, 0x10
"""What mosquitto says of a message that it took; the second where nobody is subscribed."""


@asynccontextmanager
async def delivering(*, idle_s: float = IDLE_S, connections: int = 8) -> AsyncIterator[MqttSink]:
    numbers = itertools.count()
    sink = MqttSink(
        new_id=lambda: f"chappe-test-{next(numbers)}", idle_s=idle_s, connections=connections
    )
    try:
        yield sink
    finally:
        await sink.close()


def subscription(url: str, *, protocol: str = "MQTT5", **more: Any) -> Subscription:
    settings = MqttSettings(**{"topicname": "events/{type}", "qos": 1, **more.pop("settings", {})})
    return Subscription(
        id=more.pop("id", "s-1"), sink=url, protocol=protocol, settings=settings, **more
    )


async def send(sink: MqttSink, event: Event, to: Subscription) -> Outcome:
    return await sink.send(attempt(event, to))


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path) as one:
        yield one


def read(message: Any) -> Event:
    """The event in what Paho got."""
    properties = message.properties
    return decode(
        MqttMessage(
            message.payload,
            getattr(properties, "ContentType", None),
            tuple(getattr(properties, "UserProperty", ())),
        )
    )


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("event", [TYPED, NO_DATA, BYTES, BIG], ids=lambda event: event.id)
async def test_an_event_arrives_in_binary_mode(broker: Mosquitto, event: Event, qos: int) -> None:
    with paho_client(broker.port) as witness:
        await witness.subscribe("#")
        async with delivering() as sink:
            to = subscription(broker.url, settings={"qos": qos})
            assert await send(sink, event, to) == Delivered(SUCCESS)
            (message,) = await witness.got()
    assert (message.topic, message.qos) == (f"events/{event.type}", qos)
    assert message.payload == (event.data or b"")
    assert dict(message.properties.UserProperty) == dict(encode_binary(event).user_properties)
    assert getattr(message.properties, "ContentType", None) == event.datacontenttype
    assert read(message).id == event.id


@pytest.mark.parametrize("format", [JSON, PROTOBUF], ids=lambda one: one.name)
async def test_an_event_arrives_in_structured_mode(broker: Mosquitto, format: Any) -> None:
    with paho_client(broker.port) as witness:
        await witness.subscribe("#")
        async with delivering() as sink:
            options = Options(
                envelopeoptions=EnvelopeOptions(mode="structured", format=format.media_type)
            )
            to = subscription(broker.url, options=options)
            assert await send(sink, TYPED, to) == Delivered(SUCCESS)
            (message,) = await witness.got()
    assert message.properties.ContentType == format.media_type
    assert format.decode(message.payload) == format.decode(format.encode(TYPED))


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_mqtt_3_1_1_carries_the_event_in_json(broker: Mosquitto, qos: int) -> None:
    with paho_client(broker.port, level=4) as witness:
        await witness.subscribe("#")
        async with delivering() as sink:
            to = subscription(broker.url, protocol="MQTT3", settings={"qos": qos})
            assert await send(sink, TYPED, to) == Delivered(SUCCESS)
            (message,) = await witness.got()
    assert message.qos == qos
    assert JSON.decode(message.payload) == JSON.decode(JSON.encode(TYPED))


async def test_retain_expiry_and_user_properties_are_the_subscriptions(broker: Mosquitto) -> None:
    settings = {
        "retain": True,
        "expiry": 1000,
        "userproperties": {"x-team": "blue", "tenant": "not this one"},
    }
    async with delivering() as sink:
        assert await send(sink, TYPED, subscription(broker.url, settings=settings)) == Delivered(
            NOBODY
        )
        with paho_client(broker.port) as witness:
            await witness.subscribe("#")
            (message,) = await witness.got()
    assert message.retain
    assert 900 < message.properties.MessageExpiryInterval <= 1000
    pairs = message.properties.UserProperty
    assert ("x-team", "blue") in pairs
    assert [value for name, value in pairs if name == "tenant"] == ["Nörd"]


async def test_subscriptions_of_one_broker_share_a_connection_that_is_closed_when_idle(
    broker: Mosquitto,
) -> None:
    async with delivering(idle_s=0.2) as sink:
        outcomes = await asyncio.gather(
            *(
                send(sink, NO_DATA, subscription(broker.url, id=f"s-{number % 5}"))
                for number in range(300)
            )
        )
        assert set(outcomes) == {Delivered(NOBODY)}
        assert sink.open_connections == 1
        await until(lambda: sink.open_connections == 0)


async def test_more_brokers_than_connections_is_told(broker: Mosquitto) -> None:
    async with delivering(connections=1) as sink:
        first = subscription(broker.url)
        second = subscription(broker.url, id="s-2", settings={"clientid": "another"})
        outcomes = await asyncio.gather(send(sink, NO_DATA, first), send(sink, NO_DATA, second))
        assert outcomes[0] == Delivered(NOBODY)
        assert outcomes[1] == Failed("no free connection: all 1 are in use")
        assert await send(sink, NO_DATA, second) == Delivered(
            NOBODY
        )  # the first one rests: it goes


async def test_a_broker_that_is_away_is_a_failure_until_it_is_back(broker: Mosquitto) -> None:
    async with delivering() as sink:
        to = subscription(broker.url)
        assert await send(sink, NO_DATA, to) == Delivered(NOBODY)
        await broker.kill()
        failed = await send(sink, NO_DATA, to)
        assert isinstance(failed, Failed)
        assert failed.reason in (
            f"connection closed by 127.0.0.1:{broker.port}",
            f"connection refused by 127.0.0.1:{broker.port}",
        )
        await broker.start()
        assert await send(sink, NO_DATA, to) == Delivered(NOBODY)


async def test_a_broker_that_is_nowhere_is_a_failure() -> None:
    async with delivering() as sink:
        port = free_port()
        assert await send(sink, NO_DATA, subscription(f"mqtt://127.0.0.1:{port}")) == Failed(
            f"connection refused by 127.0.0.1:{port}"
        )


@pytest.mark.parametrize("protocol", ["MQTT3", "MQTT5"])
async def test_a_user_signs_in_with_a_password(tmp_path: Path, protocol: str) -> None:
    async with Mosquitto(tmp_path, passwords={"ada": "engine"}) as broker, delivering() as sink:
        good = subscription(
            broker.url, protocol=protocol, credential=Credential("PLAIN", "ada", "engine")
        )
        assert isinstance(await send(sink, NO_DATA, good), Delivered)
        bad = subscription(
            broker.url, protocol=protocol, credential=Credential("PLAIN", "ada", "wrong")
        )
        failed = await send(sink, NO_DATA, bad)
        assert isinstance(failed, Failed)
        assert "does not let the hub in: not authorized" in failed.reason
        assert "wrong" not in failed.reason


@pytest.mark.parametrize("qos", [1, 2])
async def test_a_message_that_the_broker_refuses_is_refused(tmp_path: Path, qos: int) -> None:
    (tmp_path / "acl").write_text("topic readwrite allowed/#\n")
    async with Mosquitto(tmp_path, f"acl_file {tmp_path}/acl") as broker, delivering() as sink:
        settings = {"qos": qos, "topicname": "forbidden/{type}"}
        assert await send(sink, NO_DATA, subscription(broker.url, settings=settings)) == Refused(
            0x87, "the broker refuses the message: not authorized (0x87)"
        )
        settings = {"qos": qos, "topicname": "allowed/{type}"}
        assert await send(sink, NO_DATA, subscription(broker.url, settings=settings)) in (
            Delivered(SUCCESS),
            Delivered(NOBODY),
        )


async def test_what_the_broker_said_it_does_not_take_is_not_sent(tmp_path: Path) -> None:
    conf = ("max_packet_size 2000", "max_qos 1", "retain_available false")
    async with Mosquitto(tmp_path, *conf) as broker, delivering() as sink:
        big = await send(sink, BIG, subscription(broker.url))
        assert isinstance(big, Refused)
        assert (big.status, big.reason.endswith("the broker takes 2000 at most")) == (0x95, True)
        twice = await send(sink, NO_DATA, subscription(broker.url, settings={"qos": 2}))
        assert twice == Refused(0x9B, "the broker takes QoS 1 at most")
        kept = await send(sink, NO_DATA, subscription(broker.url, settings={"retain": True}))
        assert kept == Refused(0x9A, "the broker keeps no messages (retain)")
        assert await send(sink, NO_DATA, subscription(broker.url)) == Delivered(NOBODY)


async def test_an_event_without_the_topics_attribute_is_refused(broker: Mosquitto) -> None:
    async with delivering() as sink:
        to = subscription(broker.url, settings={"topicname": "a/{subject}"})
        assert await send(sink, NO_DATA, to) == Refused(
            0x90, "topicname: the event has no attribute 'subject'"
        )


async def test_tls_checks_who_the_broker_is(broker: Mosquitto) -> None:
    authority, stranger = Authority(), Authority("somebody else")
    context = authority.server_context("localhost", "127.0.0.1")
    async with tls_before(broker.port, context) as port, delivering() as sink:
        url = f"mqtts://localhost:{port}"
        trusting = subscription(url, options=Options(tls=Tls(ca=authority.pem)))
        assert await send(sink, NO_DATA, trusting) == Delivered(NOBODY)
        doubting = subscription(url, options=Options(tls=Tls(ca=stranger.pem)))
        failed = await send(sink, NO_DATA, doubting)
        assert isinstance(failed, Failed)
        assert failed.reason.startswith("TLS: certificate verify failed")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "did not confirm within 0.5 s"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "broke the protocol"),
        (b"\x20\x03\x00\x88\x00", "does not let the hub in: server unavailable (0x88)"),
    ],
)
async def test_a_peer_that_is_no_broker_is_a_failure(said: bytes, reason: str) -> None:
    held: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        writer.write(said)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with delivering() as sink:
            to = subscription(f"mqtt://127.0.0.1:{port}", timeout_s=0.5)
            failed = await send(sink, NO_DATA, to)
            assert isinstance(failed, Failed)
            assert reason in failed.reason
    finally:
        server.close()
        for writer in held:
            writer.close()
