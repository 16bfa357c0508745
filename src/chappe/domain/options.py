"""What a subscription may ask for beyond the Subscriptions API: extensions of ours, each in one place.

A field's type, range and description stand here once; the reader (`formats/options_json`), the
registry's model and the OpenAPI are made from them. A field with `SECRET` is written and never shown.

(Structs and no dataclasses: their annotations are what is read.)
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta, inspect
from typing_extensions import override

SECRET: Final = {"secret": True}
"""`Meta(extra=SECRET)`: sealed at rest, in no answer, log or event."""

JSON_FORMAT: Final = "application/cloudevents+json"

Ordering: TypeAlias = Literal["none", "key", "subscription"]
Mode: TypeAlias = Literal["binary", "structured", "batched"]


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings; equal when every setting is."""


class EnvelopeOptions(Option, frozen=True, kw_only=True):
    """How an event is laid into a message of the protocol (xRegistry endpoint `envelopeoptions`)."""

    mode: Annotated[
        Mode | None,
        Meta(
            description="binary, structured or batched; absent: batched where `batching` is set,"
            " else binary"
        ),
    ] = None
    format: Annotated[
        str,
        Meta(min_length=1, description="Media type of the event format, where the mode has one"),
    ] = JSON_FORMAT


class Batching(Option, frozen=True, kw_only=True):
    """Several events in one request: it leaves when it is full or has waited long enough.

    No more than 1,000, so that a full request fits among the events that a lane may have open.
    """

    max_events: Annotated[int, Meta(ge=1, le=1_000, description="Events in one request")] = 100
    max_bytes: Annotated[
        int, Meta(ge=1_024, le=16_777_216, description="Bytes in one request, about")
    ] = 1_048_576
    max_wait_s: Annotated[
        float, Meta(ge=0, le=300, description="Seconds that the first event waits for others")
    ] = 1.0


class Rate(Option, frozen=True, kw_only=True):
    """A token bucket before the sink: `per_second` on average, `burst` at once."""

    per_second: Annotated[float, Meta(ge=0.001, le=100_000, description="Requests a second")]
    burst: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="Requests at once; absent: those of one second"),
    ] = None


class Breaker(Option, frozen=True, kw_only=True):
    """Stops asking a sink that fails, and probes it before it goes on.

    `failures` in a row open it; after `open_s` one attempt goes through (half-open): if it succeeds,
    the breaker closes and the sink is asked more and more (slow start); if not, the pause doubles.
    More failures than one event has attempts: one bad event does not open it alone.
    """

    failures: Annotated[
        int, Meta(ge=1, le=10_000, description="Failures in a row that open the breaker")
    ] = 20
    open_s: Annotated[
        float, Meta(ge=0.1, le=3_600, description="Seconds until the first probe; they double")
    ] = 5.0
    max_open_s: Annotated[
        float, Meta(ge=0.1, le=86_400, description="The longest pause between probes")
    ] = 300.0


class Transform(Option, frozen=True, kw_only=True):
    """Reshapes the event that this subscription gets; first `data`, then `set`, then `remove`."""

    set: Annotated[
        dict[str, str | int | bool],
        Meta(description="Attributes and their values; {name} stands for an attribute's value"),
    ] = {}  # msgspec copies it
    remove: Annotated[tuple[str, ...], Meta(description="Optional attributes to leave out")] = ()
    data: Annotated[
        Annotated[str, Meta(min_length=1, max_length=16_384)] | None,
        Meta(description="JSONata over the event: the new data"),
    ] = None


class Replies(Option, frozen=True, kw_only=True):
    """Events in the sink's answers are published."""

    channel: Annotated[
        str | None, Meta(description="Where they go; absent: the subscription's own channel")
    ] = None
    max_hops: Annotated[
        int, Meta(ge=1, le=100, description="Replies to replies at most; further ones are dropped")
    ] = 8


class Signing(Option, frozen=True, kw_only=True):
    """Standard Webhooks signatures of each request; every key signs, so that one can be changed.

    Keys: `whsec_` and Base64 for HMAC-SHA256, `whsk_` and Base64 for ed25519.
    """

    secrets: Annotated[
        tuple[str, ...],
        Meta(max_length=10, extra=SECRET, description="The keys, the newest first"),
    ] = ()
    overlap_until: Annotated[
        str | None,
        Meta(
            description="Until when all but the first key sign as well (RFC 3339); absent: until they"
            " are left out"
        ),
    ] = None

    @override
    def __repr__(self) -> str:
        return f"Signing({len(self.secrets)} secrets, overlap_until={self.overlap_until!r})"


class Tls(Option, frozen=True):
    """What a connection to the sink trusts, and who it says it is (PEM; RFC 8446 4.4.2).

    A value, and so the key under which connections are kept: what differs in it shares nothing.
    """

    ca: Annotated[
        Annotated[str, Meta(max_length=65_536)] | None,
        Meta(description="Authorities instead of the system's"),
    ] = None
    certificate: Annotated[
        Annotated[str, Meta(max_length=65_536)] | None,
        Meta(description="The client's certificate chain"),
    ] = None
    key: Annotated[
        Annotated[str, Meta(max_length=65_536)] | None,
        Meta(extra=SECRET, description="The certificate's private key"),
    ] = None

    @override
    def __repr__(self) -> str:
        return f"Tls(ca={self.ca!r}, certificate={self.certificate!r})"


class Disabled(Option, frozen=True, kw_only=True):
    """Why the hub stopped delivering, and when; a write without it lets delivery go on."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_024, description="Why")]
    at: Annotated[
        str | None, Meta(description="When (RFC 3339); the hub's time where it is absent")
    ] = None


class DeadLetters(Option, frozen=True, kw_only=True):
    """Where events go that could not be delivered, beside the channel `deadletters`."""

    sink: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4_096)] | None,
        Meta(description="An HTTP sink that gets each"),
    ] = None


class Options(Option, frozen=True, kw_only=True):
    """Every extension field of a subscription that is made of settings alone."""

    envelopeoptions: Annotated[
        EnvelopeOptions, Meta(description="How events are laid into messages")
    ] = EnvelopeOptions()
    ordering: Annotated[
        Ordering,
        Meta(
            description="none; key: one event of a key under way at a time, in order;"
            " subscription: one event under way at a time, in order"
        ),
    ] = "none"
    orderingkey: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            max_length=8,
            description="Attributes, the first that is set is the key; an event without has none",
        ),
    ] = ("partitionkey", "subject")
    batching: Annotated[
        Batching | None, Meta(description="Several events in one request; absent: one")
    ] = None
    rate: Annotated[Rate | None, Meta(description="Requests a second at most; absent: any")] = None
    breaker: Annotated[Breaker, Meta(description="When a failing sink is left alone")] = Breaker()
    disable_after_s: Annotated[
        float,
        Meta(
            ge=0,
            le=31_536_000,
            description="Seconds of nothing but failures after which delivery stops; 0: never",
        ),
    ] = 432_000.0
    disabled: Annotated[
        Disabled | None,
        Meta(
            description="Set by the hub when it stops delivering (410, `disable_after_s`); absent: it"
            " delivers"
        ),
    ] = None
    paused: Annotated[bool, Meta(description="Whether delivery rests; nothing is lost")] = False
    expires: Annotated[
        str | None, Meta(description="When the subscription ends by itself (RFC 3339)")
    ] = None
    transform: Annotated[Transform | None, Meta(description="Reshapes each event")] = None
    replies: Annotated[
        Replies | None, Meta(description="Events in the sink's answers are published; absent: not")
    ] = None
    signing: Annotated[Signing | None, Meta(description="Standard Webhooks signatures")] = None
    handshake: Annotated[
        Literal["off", "required"],
        Meta(description="Whether the sink must grant delivery first (webhook spec 4)"),
    ] = "off"
    deadletter: Annotated[
        DeadLetters | None, Meta(description="What becomes of events that cannot be delivered")
    ] = None
    tls: Annotated[Tls | None, Meta(description="Certificates for the sink")] = None


NO_OPTIONS: Final = Options()

StatusAction: TypeAlias = Literal["deliver", "retry", "refuse", "disable"]
"""What an answer's status means: the event arrived, comes again, is refused for good, or the
subscription ends (as 410 does)."""


SaslMechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaSettings(Option, frozen=True, kw_only=True):
    """`protocolsettings` of KAFKA (subscriptions/spec.md 3.2.2.4). The sink names the brokers:
    kafka://host:9092,host2:9092[/topic].
    """

    topicname: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="The topic, where the sink's path names none"),
    ] = None
    partitionkeyextractor: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="The attribute whose value is the message's key"),
    ] = None
    clientid: Annotated[
        Annotated[str, Meta(min_length=1)] | None, Meta(description="Name of the client")
    ] = None
    saslmechanism: Annotated[
        SaslMechanism, Meta(description="How user and password are sent; a token is OAUTHBEARER")
    ] = "PLAIN"
    acks: Annotated[
        Literal["all", "1", "0"], Meta(description="Which brokers must confirm a message")
    ] = "all"


class NatsSettings(Option, frozen=True, kw_only=True):
    """`protocolsettings` of NATS (subscriptions/spec.md 3.2.2.5). The sink names the servers:
    nats://host:4222 (tls:// with TLS).
    """

    subject: Annotated[
        str, Meta(min_length=1, description="The subject; {name} stands for an attribute's value")
    ]
    jetstream: Annotated[bool, Meta(description="Whether a stream must confirm each message")] = (
        False
    )


class MqttSettings(Option, frozen=True, kw_only=True):
    """`protocolsettings` of MQTT3 and MQTT5 (subscriptions/spec.md 3.2.2.2). The sink names the
    broker: mqtt://host:1883 (mqtts:// with TLS).
    """

    topicname: Annotated[
        str, Meta(min_length=1, description="The topic; {name} stands for an attribute's value")
    ]
    qos: Annotated[Literal[0, 1, 2], Meta(description="Quality of service")] = 1
    retain: Annotated[bool, Meta(description="Whether the broker keeps the last message")] = False
    expiry: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Seconds that the broker keeps a message (MQTT5)"),
    ] = None
    userproperties: Annotated[dict[str, str], Meta(description="More user properties (MQTT5)")] = {}
    clientid: Annotated[
        Annotated[str, Meta(min_length=1)] | None, Meta(description="Name of the client")
    ] = None


class AmqpSettings(Option, frozen=True, kw_only=True):
    """`protocolsettings` of AMQP (subscriptions/spec.md 3.2.2.3). The sink names the container:
    amqp://host:5672[/address] (amqps:// with TLS).
    """

    address: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="The node, where the sink's path names none"),
    ] = None
    linkname: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Name of the link; absent: a random one"),
    ] = None
    sendersettlementmode: Annotated[
        Literal["settled", "unsettled"],
        Meta(description="Whether the receiver confirms a message; settled: nobody does"),
    ] = "unsettled"
    linkproperties: Annotated[dict[str, Any], Meta(description="Properties of the link")] = {}


class PullSettings(Option, frozen=True, kw_only=True):
    """`protocolsettings` of PULL: consumers take the events themselves, and the hub is the sink."""

    lock_s: Annotated[
        float, Meta(ge=1, le=3_600, description="Seconds that a received event stays locked")
    ] = 60.0


def is_secret(type_: inspect.Type) -> bool:
    """Whether a field of this type is written and never shown."""
    return isinstance(type_, inspect.Metadata) and bool((type_.extra or {}).get("secret"))


def bare(type_: inspect.Type) -> tuple[inspect.Type, str, bool]:
    """A field's type without what is said of it: the type, its description, whether it may be null."""
    description, nullable = "", False
    while True:
        match type_:
            case inspect.Metadata(type=inner, extra_json_schema=said):
                description = (said or {}).get("description", description)
                type_ = inner
            case inspect.UnionType(types=types) if any(
                isinstance(one, inspect.NoneType) for one in types
            ):
                nullable = True
                rest = tuple(one for one in types if not isinstance(one, inspect.NoneType))
                type_ = rest[0] if len(rest) == 1 else inspect.UnionType(rest)
            case _:
                return type_, description, nullable


@cache
def described(kind: type[Option]) -> inspect.StructType:
    """The description of the settings of one kind, field by field."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return info
