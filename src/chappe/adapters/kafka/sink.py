"""Delivery by Kafka: one event, one message (kafka-protocol-binding.md).

Settled when the broker has confirmed (`acks`; all by default, from an idempotent producer):

    confirmed                                             Delivered
    too large, not authorized, no valid topic or record   Refused
    no such topic, no broker, no confirmation in time     Failed
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, NamedTuple

from chappe.adapters.kafka.client import REFUSED, Brokers, check_addresses
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
from chappe.kit.shared import Shared
from chappe.ports.sink import Attempt, Sink

CLIENTS: Final = 64
"""To all clusters; each has some threads and buffers of its own."""
IDLE_S: Final = 60.0
PREPARED: Final = 10_000
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
        self._shared: Shared[_Client, KafkaProducer] = Shared(
            self._open, most=clients, idle_s=idle_s
        )
        self._plans: dict[str, tuple[Subscription, _Plan]] = {}

    @property
    def open_connections(self) -> int:
        """How many clients there are."""
        return self._shared.open_connections

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; see the port."""
        event = attempt.event
        try:
            plan = self._plan(attempt.subscription)
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

    async def _open(self, client: _Client) -> KafkaProducer:
        try:
            async with asyncio.timeout(client.timeout_s):
                await check_addresses(client.brokers, self._addresses)
        except TimeoutError:
            raise NotConnected("the brokers' names are not found in time") from None
        return connected(client.brokers, acks=client.acks, timeout_s=client.timeout_s)

    def _plan(self, subscription: Subscription) -> _Plan:
        """Made once for each state of a subscription."""
        kept = self._plans.get(subscription.id)
        if kept is not None and (kept[0] is subscription or kept[0] == subscription):
            return kept[1]
        plan = _plan_of(subscription)
        self._plans.pop(subscription.id, None)
        if len(self._plans) >= PREPARED:
            del self._plans[next(iter(self._plans))]
        self._plans[subscription.id] = subscription, plan
        return plan


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
