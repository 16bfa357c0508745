"""A subscription: which events, and where to (cloudevents subscriptions/spec.md 3.2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from chappe.domain.filters import ALWAYS, Filter
from chappe.domain.grant import Grant
from chappe.domain.options import (
    NO_OPTIONS,
    AmqpSettings,
    Batching,
    Disabled,
    KafkaSettings,
    MqttSettings,
    NatsSettings,
    Options,
    PullSettings,
    Rate,
)
from chappe.domain.replay import Replay
from chappe.domain.retry import RetryPolicy
from chappe.domain.span import Span

BATCHED = Batching()
BATCHING = frozenset({"HTTP"})
"""The protocols that can carry several events in one message."""
DEFAULT_CONCURRENCY = 32
DEFAULT_TIMEOUT_S = 30.0

PULL: Final = "PULL"
"""The protocol in which consumers take the events themselves."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a subscription gets that does not say; the operator's settings."""

    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    served: frozenset[str] | None = frozenset({"HTTP"})
    """The protocols that this hub can deliver with; None: all that are known."""
    read: frozenset[str] | None = None
    """The protocols that it can read sources with; None: all that are known."""


DEFAULTS = Defaults()


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`protocolsettings` of the protocol HTTP."""

    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


ProtocolSettings: TypeAlias = (
    HttpSettings | KafkaSettings | NatsSettings | MqttSettings | AmqpSettings | PullSettings
)
"""Each protocol has its own: HTTP, KAFKA, NATS, MQTT3 and MQTT5, AMQP, PULL."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A `sinkcredential`; `secret` is write-only and is kept encrypted (see ports/secrets).

    PLAIN: `identifier` and the secret (HTTP basic). ACCESSTOKEN: the secret is a bearer token, which `expires`
    (RFC 3339, as it was sent). REFRESHTOKEN: the same, and `refresh_token` gets another one at `endpoint`.
    """

    credentialtype: str
    identifier: str | None
    secret: str = field(repr=False)
    expires: str | None = None
    endpoint: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events (`source`, `types`, `filters`: all must hold) go where (`sink`).

    `starts_after` is the last block of the channel that was there when the subscription began:
    events of later blocks are offered to it. `epoch` grows by one with each change.
    `made_at_revision` is the revision of the registry that it was made upon, plus one; it survives
    changes.
    `concurrency`, `timeout_s`, `retry` and all `options` are extension fields of ours.
    `start` is "latest", "earliest", a time (RFC 3339) or a position. `span` is the part of the channel
    that it is about; None: all after `starts_after`. `replay` says what it delivers again.
    """

    id: str
    sink: str
    protocol: str = "HTTP"
    channel: str = "default"
    source: str | None = None
    types: frozenset[str] = frozenset()
    filter: Filter = ALWAYS
    filters_json: bytes = b"[]"
    settings: ProtocolSettings = field(default_factory=HttpSettings)
    credential: Credential | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    options: Options = NO_OPTIONS
    start: str = "latest"
    starts_after: int = 0
    span: Span | None = None
    replay: Replay | None = None
    epoch: int = 1
    made_at_revision: int = 0
    grant: Grant | None = None
    created_at: str = ""
    modified_at: str = ""

    @property
    def is_granted(self) -> bool:
        """Whether its sink may be delivered to: nobody must be asked, or it has agreed."""
        if self.options.handshake == "off":
            return True
        return self.grant is not None and self.grant.sink == self.sink

    @property
    def rate(self) -> Rate | None:
        """How many requests a second it bears: what it says, and what its sink agreed to."""
        own = self.options.rate
        if self.options.handshake == "off" or self.grant is None or self.grant.per_minute is None:
            return own
        granted = self.grant.per_minute / 60
        if own is not None and own.per_second <= granted:
            return own
        return Rate(per_second=granted, burst=1)

    @property
    def disabled(self) -> Disabled | None:
        """Why the hub stopped delivering; None where it did not."""
        return self.options.disabled

    @property
    def batching(self) -> Batching | None:
        """How events are put together into one request; None: each has its own."""
        options = self.options
        if options.batching is None and options.envelopeoptions.mode == "batched":
            return BATCHED
        return options.batching

    @property
    def identity(self) -> str:
        """The subscription that its deliveries are made for: its own id, or that of the one replayed."""
        return self.id if self.replay is None else self.replay.for_id
