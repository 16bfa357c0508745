"""What a subscription or source at MQTT or AMQP may not ask for is told when it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chappe.domain.errors import Malformed
from chappe.domain.subscription import Defaults
from chappe.formats.source_json import parse_source
from chappe.formats.subscription_json import SubscriptionDraft, parse_subscription

SERVED = Defaults(served=frozenset({"MQTT3", "MQTT5", "AMQP"}))
MQTT = {"sink": "mqtt://b", "protocol": "MQTT5", "protocolsettings": {"topicname": "t"}}
AMQP = {"sink": "amqp://b/orders", "protocol": "AMQP"}
SOURCE = {"url": "mqtt://b", "protocol": "MQTT5", "protocolsettings": {"topicfilter": "t/#"}}
TOKEN = {"credentialtype": "ACCESSTOKEN", "accesstoken": "abc"}


def subscription(document: dict[str, Any]) -> SubscriptionDraft:
    return parse_subscription(json.dumps(document).encode(), SERVED)


@pytest.mark.parametrize(
    "document",
    [
        MQTT,
        {**MQTT, "sinkcredential": TOKEN},
        {
            **MQTT,
            "envelopeoptions": {"mode": "structured", "format": "application/cloudevents+xml"},
        },
        {**MQTT, "protocol": "MQTT3"},
        {**MQTT, "protocol": "MQTT3", "envelopeoptions": {"mode": "structured"}},
        AMQP,
        {**AMQP, "sink": "amqp://b", "protocolsettings": {"address": "orders"}},
        {**AMQP, "protocolsettings": {"linkProperties": {"a": 1, "b": "c", "d": True}}},
    ],
)
def test_what_can_be_served_is_taken(document: dict[str, Any]) -> None:
    assert subscription(document).protocol == document["protocol"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({**MQTT, "protocolsettings": {"topicname": "a/#"}}, "protocolsettings/topicname"),
        ({**MQTT, "protocolsettings": {"topicname": "{x"}}, "protocolsettings/topicname"),
        (
            {**MQTT, "protocolsettings": {"topicname": "t", "expiry": 2**32}},
            "protocolsettings/expiry",
        ),
        (
            {**MQTT, "protocolsettings": {"topicname": "t", "userproperties": {"id": "x"}}},
            "protocolsettings/userproperties/id",
        ),
        (
            {**MQTT, "protocolsettings": {"topicname": "t", "userproperties": {"a": "\0"}}},
            "protocolsettings/userproperties/a",
        ),
        ({**MQTT, "envelopeoptions": {"mode": "batched"}}, "envelopeoptions/mode"),
        ({**MQTT, "batching": {}}, "batching"),
        ({**MQTT, "envelopeoptions": {"format": "text/plain"}}, "envelopeoptions/format"),
        (
            {**MQTT, "protocol": "MQTT3", "envelopeoptions": {"mode": "binary"}},
            "envelopeoptions",
        ),
        (
            {**MQTT, "protocol": "MQTT3", "sinkcredential": TOKEN},
            "sinkcredential/credentialtype",
        ),
        ({**AMQP, "sinkcredential": TOKEN}, "sinkcredential/credentialtype"),
        ({**AMQP, "sink": "amqp://b"}, "protocolsettings/address"),
        (
            {**AMQP, "protocolsettings": {"linkproperties": {"a": [1]}}},
            "protocolsettings/linkproperties/a",
        ),
        (
            {**AMQP, "protocolsettings": {"linkproperties": {"a": 2**63}}},
            "protocolsettings/linkproperties/a",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_by_its_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(Malformed) as caught:
        subscription(document)
    assert caught.value.message.startswith(f"{path}: ")


@pytest.mark.parametrize("filter_", ["#", "a/+/b", "+", "/", "a/#"])
def test_a_filter_of_whole_levels_is_taken(filter_: str) -> None:
    draft = parse_source(
        json.dumps({**SOURCE, "protocolsettings": {"topicfilter": filter_}}).encode()
    )
    assert draft.protocol == "MQTT5"


@pytest.mark.parametrize("filter_", ["a#", "#/a", "a+/b", "a/b+", "$share/g/t", "a\0"])
def test_a_filter_that_no_broker_takes_is_refused(filter_: str) -> None:
    with pytest.raises(Malformed, match=r"^protocolsettings/topicfilter: "):
        parse_source(json.dumps({**SOURCE, "protocolsettings": {"topicfilter": filter_}}).encode())


def test_a_source_takes_a_token_where_the_protocol_does() -> None:
    assert parse_source(json.dumps({**SOURCE, "credential": TOKEN}).encode()).credential
    with pytest.raises(Malformed, match=r"^credential/credentialtype: MQTT3"):
        parse_source(json.dumps({**SOURCE, "protocol": "MQTT3", "credential": TOKEN}).encode())
