"""Delivery by MQTT 3.1.1 and MQTT 5: one event, one PUBLISH (mqtt-protocol-binding.md).

Settled when the broker has confirmed: PUBACK (QoS 1), PUBCOMP (QoS 2), written to the socket (QoS 0,
which nobody confirms). A broker's word about one message is its reason code:

    0x00, 0x10 (nobody subscribed)                        Delivered
    0x87 not authorized, 0x90 topic name invalid,
    0x95 packet too large, 0x99 payload format invalid,
    0x9A retain, 0x9B QoS not supported                   Refused
    any other                                             Failed, and so is every fault of the network

MQTT 3.1.1 has no such codes: a broker that will not take a message closes the connection, or says
that it took it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import CallerError
from chappe.domain.event import Event
from chappe.domain.options import MqttSettings, Tls
from chappe.domain.subscription import Subscription
from chappe.domain.topic import Topic
from chappe.formats.broker_url import place_of
from chappe.formats.cloudevents_mqtt import MqttMessage, encode_binary, encode_structured
from chappe.formats.content_type import format_of
from chappe.formats.event_formats import Format
from chappe.kit.client_tls import ClientTls
from chappe.kit.dial import Addresses, NotConnected, Peer, every_address
from chappe.kit.mqtt.connection import Hello, MqttConnection, Refusal, open_connection
from chappe.kit.mqtt.packets import Acknowledged, Level, Publish
from chappe.kit.mqtt.properties import CONTENT_TYPE, MESSAGE_EXPIRY, Properties, Unsendable
from chappe.kit.mqtt.reasons import in_words
from chappe.kit.prepared import Prepared
from chappe.kit.shared import Shared
from chappe.ports.sink import Attempt, Sink

CONNECTIONS: Final = 256
"""To all brokers; one carries every subscription with the same broker and credential."""
IDLE_S: Final = 60.0
_TOPIC_INVALID, _TOO_LARGE = 0x90, 0x95
_REFUSED: Final = frozenset({0x87, _TOPIC_INVALID, _TOO_LARGE, 0x99, 0x9A, 0x9B})


class _Broker(NamedTuple):
    """What makes one connection differ from another."""

    level: Level
    peer: Peer
    secure: bool
    client_id: str | None
    user: str | None
    password: str | None
    tls: Tls | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A subscription, made ready: where to, and how an event becomes a message."""

    broker: _Broker
    topic: Topic
    format: Format | None
    settings: MqttSettings

    def message(self, event: Event) -> Publish:
        """The PUBLISH of an event.

        Raises:
            Malformed: the event lacks an attribute that the topic is made of.
        """
        settings = self.settings
        topic = self.topic.of(event)
        encoded = (
            encode_binary(event) if self.format is None else encode_structured(event, self.format)
        )
        properties = self._properties(event, encoded) if self.broker.level == 5 else Properties()
        return Publish(topic, encoded.payload, settings.qos, settings.retain, properties)

    def _properties(self, event: Event, encoded: MqttMessage) -> Properties:
        values: dict[int, int | str | bytes] = {}
        if encoded.content_type is not None:
            values[CONTENT_TYPE] = encoded.content_type
        if self.settings.expiry is not None:
            values[MESSAGE_EXPIRY] = self.settings.expiry
        # A property of the subscription must not pass for an attribute that the event has.
        more = tuple(
            (name, text)
            for name, text in self.settings.userproperties.items()
            if event.get(name) is None
        )
        return Properties(values, encoded.user_properties + more)


class MqttSink:
    """Publishes to brokers, over one connection for each broker and credential.

    `new_id` gives a name for a connection whose subscription has no `clientid`. `addresses` decides
    what may be connected to.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        addresses: Addresses = every_address,
        connections: int = CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._new_id = new_id
        self._addresses = addresses
        self._tls = ClientTls()
        self._shared: Shared[_Broker, MqttConnection] = Shared(
            self._open, most=connections, idle_s=idle_s
        )
        self._plans = Prepared(_plan_of)

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._shared.open_connections

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; see the port."""
        timeout_s = attempt.subscription.timeout_s
        try:
            plan = self._plans.of(attempt.subscription.id, attempt.subscription)
            message = plan.message(attempt.event)
            async with asyncio.timeout(timeout_s), self._shared.hold(plan.broker) as connection:
                answer = await connection.publish(message)
        except NotConnected as exc:
            return Failed(str(exc))
        except TimeoutError:
            return Failed(f"the broker did not confirm within {timeout_s:g} s")
        except Refusal as exc:
            return Refused(exc.reason, str(exc))
        except Unsendable as exc:
            return Refused(_TOO_LARGE, str(exc))
        except CallerError as exc:
            return Refused(_TOPIC_INVALID, exc.message)
        return _outcome(answer)

    async def close(self) -> None:
        """Close every connection; attempts under way end as Failed."""
        self._shared.close()

    async def _open(self, broker: _Broker) -> MqttConnection:
        tls = broker.tls or Tls()
        hello = Hello(
            peer=broker.peer,
            level=broker.level,
            client_id=broker.client_id or self._new_id(),
            user=broker.user,
            password=broker.password,
            tls=self._tls.of(tls.ca, tls.certificate, tls.key) if broker.secure else None,
        )
        return await open_connection(hello, self._addresses)


def _plan_of(subscription: Subscription) -> _Plan:
    settings = subscription.settings
    assert isinstance(settings, MqttSettings)
    level: Level = 4 if subscription.protocol == "MQTT3" else 5
    place = place_of(subscription.sink)
    secure = place.scheme == "mqtts"
    envelope = subscription.options.envelopeoptions
    credential = subscription.credential
    return _Plan(
        _Broker(
            level,
            Peer(*place.servers[0]),
            secure,
            settings.clientid,
            # MQTT 5 takes a password without a user name (3.1.2.9): a token is one.
            credential.identifier if credential is not None else None,
            credential.secret if credential is not None else None,
            subscription.options.tls if secure else None,
        ),
        Topic.parse(settings.topicname),
        format_of(envelope.format) if level == 4 or envelope.mode == "structured" else None,
        settings,
    )


def _outcome(answer: Acknowledged) -> Outcome:
    if answer.reason < 0x80:
        return Delivered(answer.reason)
    said = f"the broker refuses the message: {in_words(answer.reason, answer.properties)}"
    if answer.reason in _REFUSED:
        return Refused(answer.reason, said)
    return Failed(said, answer.reason)


_: type[Sink] = MqttSink
