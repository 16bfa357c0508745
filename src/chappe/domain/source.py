"""A source: somebody else's broker, what is read there, and the channel that takes it.

What a user may say of one stands here once, as `domain/options` does it for subscriptions: the
reader, the registry's model and the OpenAPI are made from these descriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from chappe.domain.options import JSON_FORMAT, Option, SaslMechanism, Tls
from chappe.domain.subscription import Credential
from chappe.domain.webhook_source import WEBHOOK, Verification, WebhookSource

Start: TypeAlias = Literal["earliest", "latest"]

_START: Final = Meta(
    description="Where reading begins the first time: with all that the broker keeps, or with what"
    " comes then"
)
_CLIENTID: Final = Meta(description="Name of the client")


class SourceEnvelope(Option, frozen=True, kw_only=True):
    """What a message is taken for that does not say it itself."""

    format: Annotated[
        str,
        Meta(min_length=1, description="Media type of the event format where a message names none"),
    ] = JSON_FORMAT


class SourceOptions(Option, frozen=True, kw_only=True):
    """Every field of a source that is made of settings alone."""

    channel: Annotated[str, Meta(min_length=1, description="The channel that takes the events")] = (
        "default"
    )
    envelopeoptions: Annotated[
        SourceEnvelope, Meta(description="How events are laid into messages")
    ] = SourceEnvelope()
    paused: Annotated[
        bool, Meta(description="Whether reading rests; the broker keeps what comes")
    ] = False
    tls: Annotated[Tls | None, Meta(description="Certificates for the broker")] = None
    verification: Annotated[
        Verification | None, Meta(description="How a webhook shows whom it comes from (WEBHOOK)")
    ] = None


NO_SOURCE_OPTIONS: Final = SourceOptions()


class KafkaSource(Option, frozen=True, kw_only=True):
    """`protocolsettings` of a source at Kafka: kafka://host:9092,host2:9092."""

    topics: Annotated[
        tuple[Annotated[str, Meta(pattern=r"[A-Za-z0-9._-]{1,249}")], ...],
        Meta(min_length=1, max_length=100, description="The topics"),
    ]
    consumergroup: Annotated[
        Annotated[str, Meta(min_length=1, max_length=249)] | None,
        Meta(description="The consumer group; absent: chappe. and the source's id"),
    ] = None
    start: Annotated[Start, _START] = "earliest"
    saslmechanism: Annotated[
        SaslMechanism, Meta(description="How user and password are sent; a token is OAUTHBEARER")
    ] = "PLAIN"
    clientid: Annotated[Annotated[str, Meta(min_length=1)] | None, _CLIENTID] = None


class NatsSource(Option, frozen=True, kw_only=True):
    """`protocolsettings` of a source at NATS: nats://host:4222 (tls:// with TLS)."""

    subject: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1_024, pattern=r"[^\s\x00-\x1f\x7f]+")],
        Meta(description="The subject; * and > stand for tokens"),
    ]
    queue: Annotated[
        Annotated[str, Meta(min_length=1, pattern=r"[^\s\x00-\x1f\x7f]+")] | None,
        Meta(description="The queue group; absent: chappe. and the source's id"),
    ] = None
    jetstream: Annotated[
        bool,
        Meta(
            description="Read from a stream, which keeps what is not confirmed; false: what comes"
            " while nobody reads is lost"
        ),
    ] = False
    stream: Annotated[
        Annotated[str, Meta(min_length=1, pattern=r"[^\s.*>/\\\x00-\x1f\x7f]+")] | None,
        Meta(description="The stream; absent: the one that holds the subject"),
    ] = None
    durable: Annotated[
        Annotated[str, Meta(min_length=1, pattern=r"[^\s.*>/\\\x00-\x1f\x7f]+")] | None,
        Meta(description="Name of the stream's consumer; absent: chappe- and the source's id"),
    ] = None
    start: Annotated[Start, _START] = "earliest"


class MqttSource(Option, frozen=True, kw_only=True):
    """`protocolsettings` of a source at MQTT3 or MQTT5: mqtt://host:1883 (mqtts:// with TLS)."""

    topicfilter: Annotated[
        str,
        Meta(min_length=1, max_length=65_535, description="The topics; + and # stand for levels"),
    ]
    qos: Annotated[Literal[0, 1, 2], Meta(description="Quality of service, at most")] = 1
    clientid: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Name of the client and its session; absent: chappe- and the source's id"),
    ] = None
    sharedsubscriptiongroup: Annotated[
        Annotated[str, Meta(min_length=1, pattern=r"[^/+#]+")] | None,
        Meta(description="The group that shares the topics with other readers; absent: none"),
    ] = None


class AmqpSource(Option, frozen=True, kw_only=True):
    """`protocolsettings` of a source at AMQP 1.0: amqp://host:5672 (amqps:// with TLS)."""

    address: Annotated[
        str, Meta(min_length=1, description="The node: a queue, or what the container knows")
    ]
    linkname: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Name of the link; absent: chappe- and the source's id"),
    ] = None
    credit: Annotated[
        int, Meta(ge=1, le=10_000, description="Messages that may be under way to the hub")
    ] = 100


SourceSettings: TypeAlias = KafkaSource | NatsSource | MqttSource | AmqpSource | WebhookSource

SETTINGS_OF: Final[Mapping[str, type[SourceSettings]]] = {
    "KAFKA": KafkaSource,
    "NATS": NatsSource,
    "MQTT3": MqttSource,
    "MQTT5": MqttSource,
    "AMQP": AmqpSource,
    WEBHOOK: WebhookSource,
}
"""The settings of each protocol that sources can have."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is read where (`url`, `protocol`, `settings`), and where it goes (`options.channel`).

    `epoch` grows by one with each change.
    """

    id: str
    url: str
    protocol: str
    settings: SourceSettings
    credential: Credential | None = None
    options: SourceOptions = NO_SOURCE_OPTIONS
    epoch: int = 1
    created_at: str = field(default="")
    modified_at: str = field(default="")


State: TypeAlias = Literal["waiting", "running", "failing", "paused", "unserved"]
"""waiting: no node has run it yet; failing: the last try ended in `error`, another follows; unserved:
the node has no client for the protocol."""


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How reading goes, as the node says that does it; the counts go over restarts and takeovers.

    `since` is when it came into this state, `at` when the node last said so (RFC 3339).
    """

    state: State = "waiting"
    node: str = ""
    since: str = ""
    at: str = ""
    taken: int = 0
    setaside: int = 0
    error: str = ""
    errorat: str = ""
