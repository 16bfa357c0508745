"""Which brokers a node has clients for: those of NATS and MQTT always, others where they are installed.

Every connection goes where the egress guard lets it, as HTTP's do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec

from chappe.adapters.mqtt.sink import MqttSink
from chappe.adapters.mqtt.source import MqttReader
from chappe.adapters.nats.sink import NatsSink
from chappe.adapters.nats.source import NatsReader
from chappe.kit.dial import Addresses, NotConnected
from chappe.ports.egress import Egress, NotReachable
from chappe.ports.event_source import OpenSource
from chappe.ports.sink import Sink


def broker_sinks(new_id: Callable[[], str], egress: Egress) -> Mapping[str, Sink]:
    """The sinks, by protocol; `new_id` names connections of MQTT and AMQP."""
    addresses = guarded(egress)
    mqtt = MqttSink(new_id=new_id, addresses=addresses)
    sinks: dict[str, Sink] = {
        "NATS": NatsSink(addresses=addresses),
        "MQTT3": mqtt,
        "MQTT5": mqtt,
    }
    if find_spec("confluent_kafka") is not None:
        from chappe.adapters.kafka.sink import KafkaSink

        sinks["KAFKA"] = KafkaSink(addresses=addresses)
    if find_spec("proton") is not None:
        from chappe.adapters.amqp.sink import AmqpSink

        sinks["AMQP"] = AmqpSink(new_id=new_id, addresses=addresses)
    return sinks


def broker_readers(egress: Egress) -> Mapping[str, OpenSource]:
    """What reads sources, by protocol."""
    addresses = guarded(egress)
    mqtt = partial(MqttReader, addresses=addresses)
    readers: dict[str, OpenSource] = {
        "NATS": partial(NatsReader, addresses=addresses),
        "MQTT3": mqtt,
        "MQTT5": mqtt,
    }
    if find_spec("confluent_kafka") is not None:
        from chappe.adapters.kafka.source import KafkaReader

        readers["KAFKA"] = partial(KafkaReader, addresses=addresses)
    if find_spec("proton") is not None:
        from chappe.adapters.amqp.source import AmqpReader

        readers["AMQP"] = partial(AmqpReader, addresses=addresses)
    return readers


def guarded(egress: Egress) -> Addresses:
    """The guard as the clients of brokers ask it."""

    async def addresses(host: str, port: int) -> Sequence[str]:
        try:
            return await egress.vetted_addresses(host, port)
        except NotReachable as error:
            raise NotConnected(str(error)) from error

    return addresses
