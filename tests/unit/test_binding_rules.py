"""What a subscription to Kafka or NATS must fit, when it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chappe.domain.errors import Malformed
from chappe.domain.options import KafkaSettings, NatsSettings
from chappe.domain.subscription import Defaults
from chappe.formats.subscription_json import parse_subscription

KAFKA: dict[str, Any] = {"protocol": "KAFKA", "sink": "kafka://k1:9092,k2/orders"}
NATS: dict[str, Any] = {
    "protocol": "NATS",
    "sink": "nats://n1,n2:4223",
    "protocolsettings": {"subject": "orders.{type}"},
}


def parsed(document: dict[str, Any]) -> Any:
    return parse_subscription(json.dumps(document).encode(), Defaults(served=None))


def test_what_fits_is_taken() -> None:
    assert parsed(KAFKA).settings == KafkaSettings()
    elsewhere = {**KAFKA, "sink": "kafka://k1", "protocolsettings": {"topicName": "orders"}}
    assert parsed(elsewhere).settings == KafkaSettings(topicname="orders")
    avro = {"mode": "structured", "format": "application/cloudevents+avro"}
    assert parsed({**KAFKA, "envelopeoptions": avro}).options.envelopeoptions.mode == "structured"
    assert parsed(NATS).settings == NatsSettings(subject="orders.{type}")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({**KAFKA, "sink": "kafka://k1"}, "protocolsettings/topicname: is missing"),
        ({**KAFKA, "sink": "kafka://k1/a/b"}, "sink: the path 'a/b' is no topic"),
        ({**KAFKA, "protocolsettings": {"topicname": "b"}}, "the sink's path says 'orders'"),
        ({**KAFKA, "protocolsettings": {"acks": "2"}}, "protocolsettings/acks: '2' is none of"),
        ({**KAFKA, "batching": {}}, "batching: KAFKA carries one event a message"),
        (
            {**NATS, "envelopeoptions": {"mode": "batched"}},
            "envelopeoptions/mode: NATS carries one event a message",
        ),
        (
            {**KAFKA, "envelopeoptions": {"mode": "structured", "format": "text/plain"}},
            "envelopeoptions/format: event format 'text/plain' is not known",
        ),
        (
            {
                **NATS,
                "envelopeoptions": {
                    "mode": "structured",
                    "format": "application/cloudevents+protobuf",
                },
            },
            "NATS carries structured events in application/cloudevents+json alone",
        ),
        (
            {**NATS, "protocolsettings": {"subject": "orders.*"}},
            "protocolsettings/subject: 'orders.*': nothing is published to a wildcard",
        ),
        ({**NATS, "protocolsettings": {}}, "protocolsettings/subject: is missing"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(document: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as caught:
        parsed(document)
    assert said in caught.value.message
