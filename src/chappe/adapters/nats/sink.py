"""Delivery by NATS: one event, one message (nats-protocol-binding.md).

Settled when the server has it: a PONG to the PING behind it, or, with `jetstream`, the word of the
stream that it is stored. A stream knows the event by `Nats-Msg-Id`, the same for each attempt, and
drops a repeat within its window.

    a stored message, a PONG                              Delivered
    too large, no permission, the stream says no          Refused
    no stream for the subject, no answer, no connection   Failed
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from chappe.adapters.nats.broker import Broker, Denied
from chappe.adapters.nats.servers import Opener, Servers, servers_of
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.errors import CallerError
from chappe.domain.options import NatsSettings
from chappe.domain.subject import Subject
from chappe.domain.subscription import Subscription
from chappe.formats.cloudevents_nats import encode_binary, encode_structured
from chappe.kit.dial import Addresses, NotConnected, every_address
from chappe.kit.prepared import Prepared
from chappe.kit.shared import Shared
from chappe.ports.sink import Attempt, Sink

CONNECTIONS: Final = 256
"""To all servers; one carries every subscription with the same servers and credential."""
IDLE_S: Final = 60.0
_DELIVERED: Final = Delivered(0)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A subscription, made ready."""

    servers: Servers
    subject: Subject
    is_structured: bool
    jetstream: bool


class NatsSink:
    """Publishes to NATS servers, over one connection for each cluster and credential.

    `addresses` decides what may be connected to.
    """

    def __init__(
        self,
        *,
        addresses: Addresses = every_address,
        connections: int = CONNECTIONS,
        idle_s: float = IDLE_S,
    ) -> None:
        self._shared: Shared[Servers, Broker] = Shared(
            Opener(addresses), most=connections, idle_s=idle_s
        )
        self._plans: Prepared[Subscription, _Plan] = Prepared(_plan_of)

    @property
    def open_connections(self) -> int:
        """How many connections are open or being opened."""
        return self._shared.open_connections

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once; see the port."""
        timeout_s = attempt.subscription.timeout_s
        event = attempt.event
        try:
            plan = self._plans.of(attempt.subscription.id, attempt.subscription)
            subject = plan.subject.of(event)
            block, payload = (
                encode_structured(event) if plan.is_structured else encode_binary(event)
            )
            async with asyncio.timeout(timeout_s), self._shared.hold(plan.servers) as broker:
                if plan.jetstream:
                    known = b"Nats-Msg-Id: %b\r\n\r\n" % attempt.webhook_id.encode()
                    await broker.store(subject, block[:-2] + known, payload)
                else:
                    await broker.publish(subject, block, payload)
        except NotConnected as exc:
            return Failed(str(exc))
        except TimeoutError:
            return Failed(f"NATS did not confirm within {timeout_s:g} s")
        except Denied as exc:
            return Refused(exc.status, str(exc))
        except CallerError as exc:
            return Refused(400, exc.message)
        return _DELIVERED

    async def close(self) -> None:
        """Close every connection; attempts under way end as Failed."""
        self._shared.close()


def _plan_of(subscription: Subscription) -> _Plan:
    settings = subscription.settings
    assert isinstance(settings, NatsSettings)
    return _Plan(
        servers_of(subscription.sink, subscription.credential, subscription.options.tls),
        Subject.parse(settings.subject),
        subscription.options.envelopeoptions.mode == "structured",
        settings.jetstream,
    )


_: type[Sink] = NatsSink
