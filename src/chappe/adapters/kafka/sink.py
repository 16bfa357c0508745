"""Delivery by Kafka: one event, one message (kafka-protocol-binding.md).

Settled when the broker has confirmed (`acks`; all by default, from an idempotent producer):

    confirmed                                             Delivered
    too large, not authorized, no valid topic or record   Refused
    no such topic, no broker, no confirmation in time     Failed
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple

from chappe.adapters.kafka.client import REFUSED, Brokers, check_advertised, vetted
from chappe.adapters.kafka.producer import KafkaProducer, Unsent, connected
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import CallerError
from chappe.domain.options import KafkaSettings
from chappe.domain.subscription import Subscription
from chappe.formats.broker_url import place_of
from chappe.formats.cloudevents_kafka import encode_binary, encode_structured, key_of
from chappe.formats.content_type import format_of
from chappe.formats.event_formats import Format
from chappe.kit.dial import Addresses, NotConnected, every_address
from chappe.kit.prepared import Prepared
from chappe.kit.shared import Shared
from chappe.ports.sink import Attempt, Sink

CLIENTS: Final = 64
"""To all clusters; each has some threads and buffers of its own."""
IDLE_S: Final = 60.0
THREADS: Final = 8
"""They wait for clusters that are asked for their brokers; apart, so that silent ones hold nothing else up."""
_DELIVERED: Final = Delivered(0)


class _Client(NamedTuple):
    """What makes one producer differ from another."""

    brokers: Brokers
    acks: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class _Plan:
    """A subscription, made ready."""

    client: _Client
    topic: str
    format: Format | None
    key: str | None


class KafkaSink:
    """Produces to Kafka, with one client for each cluster and credential.

    `addresses` decides what may be connected to.
    """

    def __init__(
        self,
        *,
        addresses: Addresses = every_address,
        clients: int = CLIENTS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._addresses = addresses
        self._threads = ThreadPoolExecutor(THREADS, "kafka clusters")
        self._shared: Shared[_Client, KafkaProducer] = Shared(
            self._open, most=clients, idle_s=idle_s
        )
        self._plans: Prepared[Subscription, _Plan] = Prepared(_plan_of)

    @property
    def open_connections(self) -> int:
        """How many clients there are."""
        return self._shared.open_connections

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; see the port."""
        event = attempt.event
        try:
            plan = self._plans.of(attempt.subscription.id, attempt.subscription)
            message = (
                encode_binary(event)
                if plan.format is None
                else encode_structured(event, plan.format)
            )
            key = None if plan.key is None else key_of(event, plan.key)
            # The client itself gives a message up when its time is over.
            async with self._shared.hold(plan.client) as producer:
                await producer.send(plan.topic, message, key)
        except NotConnected as exc:
            return Failed(str(exc))
        except Unsent as exc:
            status = exc.code if exc.code > 0 else None
            if exc.code in REFUSED:
                return Refused(exc.code, str(exc))
            return Failed(str(exc), status)
        except CallerError as exc:
            return Refused(400, exc.message)
        return _DELIVERED

    async def close(self) -> None:
        """Close every client; attempts under way end as Failed."""
        self._shared.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _open(self, client: _Client) -> KafkaProducer:
        producer = None
        try:
            async with asyncio.timeout(client.timeout_s):
                brokers = await vetted(client.brokers, self._addresses)
                producer = connected(brokers, acks=client.acks, timeout_s=client.timeout_s)
                await check_advertised(await producer.advertised(self._threads), self._addresses)
        except TimeoutError:
            _close(producer)
            raise NotConnected("the brokers are not found in time") from None
        except BaseException:
            _close(producer)
            raise
        return producer


def _close(producer: KafkaProducer | None) -> None:
    if producer is not None:
        producer.close()


def _plan_of(subscription: Subscription) -> _Plan:
    settings = subscription.settings
    assert isinstance(settings, KafkaSettings)
    envelope = subscription.options.envelopeoptions
    brokers = Brokers.of(
        subscription.sink,
        subscription.credential,
        subscription.options.tls,
        mechanism=settings.saslmechanism,
        clientid=settings.clientid,
    )
    return _Plan(
        _Client(brokers, settings.acks, subscription.timeout_s),
        place_of(subscription.sink).path or settings.topicname or "",
        format_of(envelope.format) if envelope.mode == "structured" else None,
        settings.partitionkeyextractor,
    )


_: type[Sink] = KafkaSink
