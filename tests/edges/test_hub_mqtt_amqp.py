"""A whole hub with real brokers: an event goes out over MQTT and AMQP, and comes in from a source."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("proton", reason="python-qpid-proton is not installed: pip compiles it")

from tests.chaos.hub import HubProcess
from tests.edges.broker_clients import TYPED, until
from tests.edges.mosquitto import Mosquitto
from tests.edges.paho_client import paho_client
from tests.edges.test_hub import ask_until, publish, subscribe

from chappe.formats.cloudevents_mqtt import encode_binary
from chappe.testing.amqp_peer import AmqpPeer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


async def test_an_event_goes_out_over_mqtt_and_amqp(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    async with Mosquitto(tmp_path / "broker") as broker, HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        with AmqpPeer() as peer, paho_client(broker.port) as witness:
            await witness.subscribe("#")
            await subscribe(
                client,
                broker.url,
                protocol="MQTT5",
                protocolsettings={"topicname": "out/{type}"},
            )
            await subscribe(client, f"{peer.url}/orders", protocol="AMQP")
            await publish(client, "e-1")
            (message,) = await witness.got()
            await until(lambda: len(peer.received) == 1)
    assert message.topic == "out/order.paid"
    assert dict(message.properties.UserProperty)["id"] == "e-1"
    assert peer.received[0].properties["cloudEvents_id"] == "e-1"


async def test_a_source_at_mqtt_brings_events_and_sets_aside_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    async with Mosquitto(tmp_path / "broker") as broker, HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        document = {
            "id": "plant",
            "protocol": "MQTT5",
            "url": broker.url,
            "protocolsettings": {"topicfilter": "plant/#"},
        }
        made = await client.ask_json("POST", "/sources", document)
        assert made.status == 201, made.body
        await ask_until(
            client,
            "/sources/plant",
            lambda answer: answer.json()["status"]["state"] == "running",
            within_s=60,
        )
        with paho_client(broker.port) as witness:
            sent = encode_binary(TYPED)
            await asyncio.to_thread(
                witness.publish,
                "plant/a",
                sent.payload,
                content_type="application/json",
                user=sent.user_properties,
            )
            await asyncio.to_thread(witness.publish, "plant/a", b"21.5", content_type="text/plain")
        await ask_until(
            client,
            "/sources/plant",
            lambda answer: (
                (answer.json()["status"]["taken"], answer.json()["status"]["setaside"]) == (1, 1)
            ),
            within_s=60,
        )
        events = await ask_until(
            client, "/events?type=com.example.order.created", lambda answer: answer.json() != []
        )
        assert TYPED.id in events.body.decode()
