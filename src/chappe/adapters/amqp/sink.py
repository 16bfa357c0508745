"""Delivery by AMQP 1.0: one event, one message (amqp-protocol-binding.md). Needs chappe[amqp].

Settled when the receiver has said what became of the message:

    accepted                          Delivered
    rejected                          Refused; Failed where the reason is one that passes
    released, modified                Failed: somebody took it into the hand and gave it back
    modified, undeliverable here      Refused
    a message over the link's size    Refused

Every fault of connection and link is Failed. With `sendersettlementmode` "settled" nobody says anything, and
a message is delivered when it is written to the socket. `message-id` is the same for each attempt of an event
to a subscription, so that a broker can drop what it has seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from proton import Message, timestamp

from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.options import AmqpSettings, Tls
from chappe.domain.subscription import Subscription
from chappe.formats.broker_url import place_of
from chappe.formats.cloudevents_amqp import (
    AmqpMessage,
    AmqpTimestamp,
    encode_binary,
    encode_structured,
)
from chappe.formats.content_type import format_of
from chappe.formats.event_formats import Format
from chappe.kit.amqp.connection import AmqpConnection, Hello, open_connection
from chappe.kit.amqp.links import Settled, Target, TooLarge
from chappe.kit.client_tls import ClientTls
from chappe.kit.dial import Addresses, NotConnected, Peer, every_address
from chappe.kit.prepared import Prepared
from chappe.kit.shared import Shared
from chappe.ports.sink import Attempt, Sink

CONNECTIONS: Final = 256
"""To all containers; one carries every subscription with the same container and credential."""
IDLE_S: Final = 60.0
ACCEPTED, REJECTED, NOT_DELIVERED = 0x24, 0x25, 0x27
"""What stands as status of an attempt: the outcomes' descriptors (amqp-messaging-v1.0 3.4)."""
_RELEASED: Final = 0x26
_PASSING: Final = frozenset(
    {"amqp:resource-limit-exceeded", "amqp:resource-locked", "amqp:internal-error"}
)
"""Reasons for which a broker rejects what it may take later: its queue is full."""


class _Container(NamedTuple):
    """What makes one connection differ from another."""

    peer: Peer
    secure: bool
    user: str | None
    password: str | None
    tls: Tls | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A subscription, made ready: where to, and how an event becomes a message."""

    container: _Container
    target: Target
    format: Format | None

    def message(self, attempt: Attempt) -> bytes:
        """The encoded message of an attempt."""
        event = attempt.event
        encoded = (
            encode_binary(event) if self.format is None else encode_structured(event, self.format)
        )
        return _encoded(encoded, attempt.webhook_id)


class AmqpSink:
    """Sends to AMQP containers, over one connection for each container and credential.

    `new_id` names a connection. `addresses` decides what may be connected to.
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
        self._shared: Shared[_Container, AmqpConnection] = Shared(
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
            message = plan.message(attempt)
            async with asyncio.timeout(timeout_s), self._shared.hold(plan.container) as connection:
                settled = await connection.send(plan.target, message)
        except NotConnected as exc:
            return Failed(str(exc))
        except TimeoutError:
            return Failed(f"the receiver did not settle the message within {timeout_s:g} s")
        except TooLarge as exc:
            return Refused(REJECTED, str(exc))
        return _outcome(settled)

    async def close(self) -> None:
        """Close every connection; attempts under way end as Failed."""
        self._shared.close()

    async def _open(self, container: _Container) -> AmqpConnection:
        tls = container.tls or Tls()
        hello = Hello(
            peer=container.peer,
            container=self._new_id(),
            user=container.user,
            password=container.password,
            tls=self._tls.of(tls.ca, tls.certificate, tls.key) if container.secure else None,
        )
        return await open_connection(hello, self._addresses)


def _plan_of(subscription: Subscription) -> _Plan:
    settings = subscription.settings
    assert isinstance(settings, AmqpSettings)
    place = place_of(subscription.sink)
    secure = place.scheme == "amqps"
    credential = subscription.credential
    envelope = subscription.options.envelopeoptions
    return _Plan(
        _Container(
            Peer(*place.servers[0]),
            secure,
            credential.identifier if credential is not None else None,
            credential.secret if credential is not None else None,
            subscription.options.tls if secure else None,
        ),
        Target(
            # 3.2.2.3: the setting counts "if not expressed in the sink URI's path portion".
            place.path or settings.address or "",
            settings.linkname,
            settings.sendersettlementmode,
            tuple(sorted(settings.linkproperties.items())),
        ),
        format_of(envelope.format) if envelope.mode == "structured" else None,
    )


def _encoded(encoded: AmqpMessage, message_id: str) -> bytes:
    message = Message(
        inferred=True,
        durable=True,
        id=message_id,
        body=encoded.body,
        properties={
            name: timestamp(value.ms) if isinstance(value, AmqpTimestamp) else value
            for name, value in encoded.properties.items()
        }
        or None,
    )
    if encoded.content_type is not None:
        message.content_type = encoded.content_type
    encoded_message: bytes = message.encode()
    return encoded_message


def _outcome(settled: Settled) -> Outcome:
    said = ": ".join(part for part in (settled.condition, settled.description) if part)
    match settled.state:
        case "accepted":
            return Delivered(ACCEPTED)
        case "rejected":
            reason = f"the receiver rejects the message{f': {said}' if said else ''}"
            if settled.condition in _PASSING:
                return Failed(reason, REJECTED)
            return Refused(REJECTED, reason)
        case "modified" if settled.undeliverable:
            return Refused(NOT_DELIVERED, "the receiver cannot deliver the message (modified)")
        case "modified":
            return Failed("the receiver gave the message back (modified)", NOT_DELIVERED)
        case "released":
            return Failed("the receiver gave the message back (released)", _RELEASED)
        case "unknown":
            return Failed("the receiver settled the message without an outcome")


_: type[Sink] = AmqpSink
