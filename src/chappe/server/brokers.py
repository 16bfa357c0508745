"""Which brokers a node has clients for: those of NATS and MQTT always, others where they are installed.

Every connection goes where the egress guard lets it, as HTTP's do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec

from chappe.adapters.mqtt.sink import MqttSink
from chappe.adapters.mqtt.source import MqttReader
from chappe.adapters.nats.sink import NatsSink
from chappe.adapters.nats.source import NatsReader
from chappe.domain.delivery import Failed, Outcome
from chappe.domain.source import Source
from chappe.kit.dial import Addresses, NotConnected
from chappe.ports.egress import Egress, NotReachable
from chappe.ports.event_source import EventSource, OpenSource
from chappe.ports.sink import Attempt, Sink


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

        def kafka() -> Callable[[], Sink]:
            from chappe.adapters.kafka.sink import KafkaSink

            return partial(KafkaSink, addresses=addresses)

        sinks["KAFKA"] = _LoadedLater(kafka)
    if find_spec("proton") is not None:

        def amqp() -> Callable[[], Sink]:
            from chappe.adapters.amqp.sink import AmqpSink

            return partial(AmqpSink, new_id=new_id, addresses=addresses)

        sinks["AMQP"] = _LoadedLater(amqp)
    return sinks


class _LoadedLater:
    """A sink whose client is large, and loaded with the first event for it: few hubs have one."""

    def __init__(self, load: Callable[[], Callable[[], Sink]]) -> None:
        """`load` imports; what it gives makes the sink."""
        self._load = load
        self._sink: Sink | None = None

    async def send(self, attempt: Attempt) -> Outcome:
        """As the port says."""
        sink = self._sink
        if sink is None:
            try:
                make = await asyncio.to_thread(self._load)  # some 50 ms
            except ImportError as error:  # it is installed, and does not work on this machine
                return Failed(f"the client cannot be loaded: {error}")
            sink = self._sink = self._sink or make()
        return await sink.send(attempt)

    async def close(self) -> None:
        """As the port says."""
        if self._sink is not None:
            await self._sink.close()


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

        def kafka(source: Source) -> EventSource:
            from chappe.adapters.kafka.source import KafkaReader

            return KafkaReader(source, addresses=addresses)

        readers["KAFKA"] = kafka
    if find_spec("proton") is not None:

        def amqp(source: Source) -> EventSource:
            from chappe.adapters.amqp.source import AmqpReader

            return AmqpReader(source, addresses=addresses)

        readers["AMQP"] = amqp
    return readers


def guarded(egress: Egress) -> Addresses:
    """The guard as the clients of brokers ask it."""

    async def addresses(host: str, port: int) -> Sequence[str]:
        try:
            return await egress.vetted_addresses(host, port)
        except NotReachable as error:
            raise NotConnected(str(error)) from error

    return addresses
