"""server/brokers: what is not installed is not served nor loaded, and every client asks the guard where it may go."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from chappe.adapters.egress.guard import GuardedEgress
from chappe.domain.delivery import Failed
from chappe.domain.egress import EgressPolicy
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.domain.options import (
    AmqpSettings,
    KafkaSettings,
    MqttSettings,
    NatsSettings,
)
from chappe.domain.source import (
    AmqpSource,
    KafkaSource,
    MqttSource,
    NatsSource,
    Source,
)
from chappe.domain.subscription import Subscription
from chappe.ports.sink import Attempt
from chappe.server import brokers
from chappe.testing.memory_intake import MemoryIntake

EXTRAS = {"confluent_kafka": {"KAFKA"}, "proton": {"AMQP"}}
SINKS: dict[str, tuple[str, Any]] = {
    "KAFKA": ("kafka://{host}:9/orders", KafkaSettings()),
    "NATS": ("nats://{host}:9", NatsSettings(subject="orders")),
    "MQTT3": ("mqtt://{host}:9", MqttSettings(topicname="orders")),
    "MQTT5": ("mqtts://{host}:9", MqttSettings(topicname="orders")),
    "AMQP": ("amqp://{host}:9/orders", AmqpSettings()),
}
SOURCES: dict[str, tuple[str, Any]] = {
    "KAFKA": ("kafka://{host}:9", KafkaSource(topics=("orders",))),
    "NATS": ("nats://{host}:9", NatsSource(subject="orders")),
    "MQTT3": ("mqtt://{host}:9", MqttSource(topicfilter="orders")),
    "MQTT5": ("mqtts://{host}:9", MqttSource(topicfilter="orders")),
    "AMQP": ("amqp://{host}:9", AmqpSource(address="orders")),
}
HOSTS = {
    "169.254.169.254": "169.254.169.254 is a cloud's metadata service",
    "inside.example": "host inside.example: 10.1.2.3 is a private address",
}


async def resolve(host: str) -> list[str]:
    return ["10.1.2.3"]


def guard() -> GuardedEgress:
    return GuardedEgress(EgressPolicy("strict"), resolve=resolve)


def needs(protocol: str) -> None:
    for module, protocols in EXTRAS.items():
        if protocol in protocols and find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("protocol", SINKS)
async def test_no_sink_goes_where_the_guard_does_not_let_it(protocol: str, host: str) -> None:
    needs(protocol)
    url, settings = SINKS[protocol]
    sinks = brokers.broker_sinks(lambda: "c", guard())
    subscription = Subscription(
        id="s", sink=url.format(host=host), protocol=protocol, settings=settings
    )
    outcome = await sinks[protocol].send(
        Attempt(Event(id="e", source="/s", type="t"), subscription, "m", 1)
    )
    for sink in sinks.values():
        await sink.close()
    assert isinstance(outcome, Failed)
    assert HOSTS[host] in outcome.reason
    assert "egress = strict" in outcome.reason


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("protocol", SOURCES)
async def test_no_source_is_read_where_the_guard_does_not_let_it(protocol: str, host: str) -> None:
    needs(protocol)
    url, settings = SOURCES[protocol]
    source = Source("s", url.format(host=host), protocol, settings)
    reader = brokers.broker_readers(guard())[protocol](source)
    with pytest.raises(Unavailable) as caught:
        await reader.run(MemoryIntake(), lambda: None)
    assert HOSTS[host] in caught.value.message


async def test_what_is_not_installed_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "find_spec", lambda name: None)
    sinks = brokers.broker_sinks(lambda: "c", guard())
    assert set(sinks) == set(brokers.broker_readers(guard())) == {"NATS", "MQTT3", "MQTT5"}


async def test_a_client_that_does_not_load_is_a_reason_and_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(brokers, "find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "chappe.adapters.amqp.sink", None)
    url, settings = SINKS["AMQP"]
    subscription = Subscription(
        id="s", sink=url.format(host="h.example"), protocol="AMQP", settings=settings
    )
    attempt = Attempt(Event(id="e", source="/s", type="t"), subscription, "m", 1)
    outcome = await brokers.broker_sinks(lambda: "c", guard())["AMQP"].send(attempt)

    assert isinstance(outcome, Failed)
    assert "cannot be loaded: import of chappe.adapters.amqp.sink" in outcome.reason


async def test_what_is_installed_is_served() -> None:
    there = {"NATS", "MQTT3", "MQTT5"}
    for module, protocols in EXTRAS.items():
        there |= protocols if find_spec(module) is not None else set()
    sinks = brokers.broker_sinks(lambda: "c", guard())
    assert set(sinks) == set(brokers.broker_readers(guard())) == there


def test_the_hub_does_not_load_clients_with_its_modules() -> None:
    code = (
        "import sys, chappe.server.assemble, chappe.cli.source;"
        "sys.exit('confluent_kafka' in sys.modules or 'proton' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)
