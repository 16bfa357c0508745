"""What a protocol's binding asks of a subscription or a source as a whole: found when it is made."""

from __future__ import annotations

from typing import Final

from chappe.domain.errors import Malformed, UnsupportedFormat
from chappe.domain.event import CORE_ATTRIBUTES
from chappe.domain.options import (
    JSON_FORMAT,
    AmqpSettings,
    EnvelopeOptions,
    KafkaSettings,
    MqttSettings,
    Options,
)
from chappe.domain.source import MqttSource, SourceSettings
from chappe.domain.subscription import ProtocolSettings
from chappe.domain.topic import MOST_BYTES, Topic
from chappe.formats.broker_url import place_of
from chappe.formats.content_type import format_of
from chappe.formats.sink_settings import CredentialDraft

BROKERS: Final = frozenset({"KAFKA", "NATS", "MQTT3", "MQTT5", "AMQP"})
_NO_TOKENS: Final = frozenset({"MQTT3", "AMQP"})
_SIMPLE: Final = (str, int, float, bool)


def check_fits(
    protocol: str,
    sink: str,
    settings: ProtocolSettings,
    options: Options,
    credential: CredentialDraft | None,
) -> None:
    """See that a message of the protocol can be what the subscription asks for.

    Raises:
        Malformed: it cannot; the message begins with the path of the field.
    """
    if protocol not in BROKERS:
        return
    _check_credential(protocol, credential, "sinkcredential")
    _check_envelope(protocol, options.envelopeoptions)
    match settings:
        case KafkaSettings():
            _check_kafka(settings, sink)
        case MqttSettings():
            _check_mqtt(settings)
        case AmqpSettings():
            _check_amqp(settings, sink)
        case _:
            pass


def check_reading(
    protocol: str, settings: SourceSettings, credential: CredentialDraft | None
) -> None:
    """See that a source can be read as it is asked for.

    Raises:
        Malformed: it cannot; the message begins with the path of the field.
    """
    _check_credential(protocol, credential, "credential")
    if isinstance(settings, MqttSource):
        _check_filter(settings.topicfilter)


def _check_credential(protocol: str, credential: CredentialDraft | None, path: str) -> None:
    kind = None if credential is None else credential.credentialtype
    if kind == "REFRESHTOKEN":
        raise Malformed(
            f"{path}/credentialtype: 'REFRESHTOKEN' is served with sinks of HTTP alone, not with"
            f" {protocol}"
        )
    if kind == "ACCESSTOKEN" and protocol in _NO_TOKENS:
        raise Malformed(
            f"{path}/credentialtype: {protocol} has no place for a token alone; send it as the secret"
            " of PLAIN, with the identifier that the broker wants"
        )


def _check_envelope(protocol: str, envelope: EnvelopeOptions) -> None:
    try:
        format_of(envelope.format)
    except UnsupportedFormat as error:
        raise Malformed(f"envelopeoptions/format: {error.message}") from None
    is_json = envelope.format.lower() == JSON_FORMAT
    if protocol == "NATS" and envelope.mode == "structured" and not is_json:
        raise Malformed(
            f"envelopeoptions/format: {envelope.format!r}: NATS carries structured events"
            f" in {JSON_FORMAT} alone (nats-protocol-binding.md 3)"
        )
    if protocol == "MQTT3" and (envelope.mode == "binary" or not is_json):
        # mqtt-protocol-binding.md 3: "the content mode is always structured", in JSON.
        raise Malformed(
            "envelopeoptions: MQTT 3.1.1 carries events in mode 'structured' and format"
            f" {JSON_FORMAT!r} alone"
        )


def _check_kafka(settings: KafkaSettings, sink: str) -> None:
    path = place_of(sink).path
    if "/" in path.strip("/") or path.endswith("/"):
        raise Malformed(f"sink: the path {path!r} is no topic")
    if path and settings.topicname and path != settings.topicname:
        raise Malformed(
            f"protocolsettings/topicname: {settings.topicname!r}; the sink's path says {path!r}"
        )
    if not path and not settings.topicname:
        raise Malformed(
            "protocolsettings/topicname: is missing, and the sink's path names no topic either"
        )


def _check_mqtt(settings: MqttSettings) -> None:
    try:
        Topic.parse(settings.topicname)
    except Malformed as exc:
        raise Malformed(f"protocolsettings/topicname: {exc.message}") from None
    if settings.expiry is not None and settings.expiry >= 2**32:
        raise Malformed("protocolsettings/expiry: at most 4294967295 seconds are possible")
    for name, text in settings.userproperties.items():
        path = f"protocolsettings/userproperties/{name}"
        if name in CORE_ATTRIBUTES:
            raise Malformed(f"{path}: the event's own attribute has this name")
        _check_text(name, path)
        _check_text(text, path)
    if settings.clientid is not None:
        _check_text(settings.clientid, "protocolsettings/clientid")


def _check_amqp(settings: AmqpSettings, sink: str) -> None:
    if not settings.address and not place_of(sink).path:
        raise Malformed(
            "protocolsettings/address: is missing; the node's name stands there, or in the sink's path"
        )
    for name, value in settings.linkproperties.items():
        path = f"protocolsettings/linkproperties/{name}"
        if not isinstance(value, _SIMPLE):
            raise Malformed(f"{path}: a string, a number or a boolean is needed")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise Malformed(f"{path}: {value} does not fit into 64 bits")


def _check_filter(topicfilter: str) -> None:
    path = "protocolsettings/topicfilter"
    levels = topicfilter.split("/")
    for number, level in enumerate(levels, start=1):
        # mqtt-v5.0 4.7.1
        if ("#" in level and (level != "#" or number < len(levels))) or (
            "+" in level and level != "+"
        ):
            raise Malformed(
                f"{path}: {topicfilter!r}: '+' and '#' stand for whole levels, '#' at the end"
            )
    if topicfilter.startswith("$share/"):
        raise Malformed(f"{path}: a group is named in sharedsubscriptiongroup")
    _check_text(topicfilter, path)


def _check_text(text: str, path: str) -> None:
    """mqtt-v5.0 1.5.4: what a string of the protocol may hold."""
    if "\0" in text or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Malformed(f"{path}: at most {MOST_BYTES} bytes, and no U+0000")
