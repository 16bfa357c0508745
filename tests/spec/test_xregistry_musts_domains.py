"""endpoint/, message/ and schema/spec.md: their sentences that bind a registry with the hub's model."""

from __future__ import annotations

from typing import Any

import pytest

from chappe.registry.hub_model import hub_model
from tests.spec.xregistry_musts import Registry, holds, put

E1 = "/endpoints/e1"
G1 = "/messagegroups/g1"
M1 = f"{G1}/messages/m1"
S1 = "/schemagroups/g1/schemas/s1"
S1_META = f"{S1}$details"
CLOUDEVENTS = {"envelope": "CloudEvents/1.0"}


@pytest.fixture
def registry() -> Registry:
    return Registry(hub_model())


# --- "Notational Conventions" of all four documents


@pytest.mark.parametrize("path", [E1, G1, "/schemagroups/g1", S1_META])
def test_notational_conventions_unknown_extensions_are_stored(
    registry: Registry, path: str
) -> None:
    body: dict[str, Any] = {"acme_extra": {"deep": ["x", 1]}}
    if path == S1_META:
        body["format"] = "Avro/1.11.0"
    registry.put(path, body)
    assert registry.get(path)["acme_extra"] == {"deep": ["x", 1]}


# --- endpoint/spec.md


@pytest.mark.parametrize(
    "usage", [["producer"], ["consumer"], ["subscriber"], ["subscriber", "consumer"]]
)
def test_endpoint_usage_is_kept(registry: Registry, usage: list[str]) -> None:
    assert registry.put(E1, {"usage": usage}).json["usage"] == usage


@pytest.mark.parametrize("usage", [["reader"], "producer", [None], [5], ["producer", "x"]])
def test_endpoint_usage_has_these_values_only(registry: Registry, usage: object) -> None:
    assert registry.refusal(put(E1, {"usage": usage})).kind == "invalid_attribute"


@pytest.mark.parametrize("envelope", ["CloudEvents/1.0", "cloudevents/1.0", "CLOUDEVENTS/1.0"])
def test_endpoint_envelope_is_case_insensitive(registry: Registry, envelope: str) -> None:
    body = {"envelope": envelope, "envelopeoptions": {"mode": "binary"}}
    assert registry.put(E1, body).json["envelopeoptions"] == {"mode": "binary"}


@pytest.mark.parametrize("mode", ["batched", 5, ["binary"]])
def test_endpoint_cloudevents_mode_is_binary_or_structured(
    registry: Registry, mode: object
) -> None:
    body = {**CLOUDEVENTS, "envelopeoptions": {"mode": mode}}
    assert registry.refusal(put(E1, body)).kind == "invalid_attribute"


@pytest.mark.parametrize("protocol", ["HTTP", "http", "Mqtt/5.0", "kafka", "Nats", "amqp/1.0"])
def test_endpoint_protocol_is_case_insensitive_and_deployed_is_true_by_default(
    registry: Registry, protocol: str
) -> None:
    shown = registry.put(E1, {"protocol": protocol, "protocoloptions": {}}).json
    assert shown["protocoloptions"]["deployed"] is True


def test_endpoint_protocol_may_be_another(registry: Registry) -> None:
    body = {"protocol": "ACME/1", "protocoloptions": {"anything": [1]}}
    assert registry.put(E1, body).json["protocoloptions"] == {"anything": [1]}


@pytest.mark.parametrize("deployed", ["true", 1, [], "False"])
def test_endpoint_deployed_is_a_boolean(registry: Registry, deployed: object) -> None:
    body = {"protocol": "HTTP", "protocoloptions": {"deployed": deployed}}
    assert registry.refusal(put(E1, body)).kind == "invalid_attribute"


@pytest.mark.parametrize(
    "authorization",
    [{"type": "OAuth2"}, "OAuth2", ["OAuth2"], [{"type": 5}], [{"mechanism": []}], [{"resourceuri": 5}]],
)  # fmt: skip
def test_endpoint_authorization_is_an_array_of_objects(
    registry: Registry, authorization: object
) -> None:
    body = {"protocol": "HTTP", "protocoloptions": {"authorization": authorization}}
    assert registry.refusal(put(E1, body)).kind == "invalid_attribute"


def test_endpoint_authorization_may_have_more(registry: Registry) -> None:
    entry = {
        "type": "SASL",
        "mechanism": "PLAIN",
        "resourceuri": "https://a.example/r",
        "authorityuri": "https://a.example/a",
        "more": {"x": 1},
    }
    body = {"protocol": "KAFKA", "protocoloptions": {"authorization": [entry]}}
    shown = registry.put(E1, body).json
    assert shown["protocoloptions"]["authorization"] == [entry]


def test_endpoint_values_may_hold_placeholders(registry: Registry) -> None:
    options = {"topic": "orders/{tenantid}", "endpoints": [{"uri": "mqtt://{host}:1883"}]}
    shown = registry.put(E1, {"protocol": "MQTT/5.0", "protocoloptions": options}).json
    assert shown["protocoloptions"]["topic"] == "orders/{tenantid}"
    assert shown["protocoloptions"]["endpoints"] == options["endpoints"]


def test_endpoint_messages_are_of_the_type_of_messagegroups(registry: Registry) -> None:
    registry.put(M1, CLOUDEVENTS)
    registry.put(f"{E1}/messages/m1/meta", {"xref": M1})
    assert registry.get(f"{E1}/messages/m1")["envelope"] == "CloudEvents/1.0"


# --- message/spec.md


@pytest.mark.parametrize(
    "base",
    [
        "/messagegroups/other/messages/nobody",
        "/messagegroups/g1/messages/m1/versions/1",
        "https://catalog.example.com/messagegroups/shared/messages/base-event",
        "https://unreachable.invalid/not/a/message",
    ],
)
def test_message_basemessage_may_dangle_and_is_not_followed(registry: Registry, base: str) -> None:
    assert registry.put(M1, {"basemessage": base}).json["basemessage"] == base


@pytest.mark.parametrize(
    "base",
    ["/messagegroups/g1", "/schemagroups/g/schemas/s", "/nothings/x", "/messagegroups/g1/messages/m1/meta"],
)  # fmt: skip
def test_message_basemessage_that_is_relative_names_a_message(
    registry: Registry, base: str
) -> None:
    assert registry.refusal(put(M1, {"basemessage": base})).status == 400


def test_message_every_message_is_in_a_group(registry: Registry) -> None:
    registry.put(M1)
    assert registry.get(G1)["messagescount"] == 1
    assert registry.refusal(put("/messages/m1")).status == 404


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("id", {"required": True, "type": "string"}),
        ("type", {"required": True, "type": "string"}),
        ("source", {"required": True, "type": "uritemplate"}),
        ("time", {"required": False, "type": "timestamp"}),
        ("anything", {"required": False, "type": "string"}),
    ],
)
def test_message_cloudevents_defaults_of_properties(
    registry: Registry, attribute: str, expected: dict[str, Any]
) -> None:
    shown = registry.put(M1, {**CLOUDEVENTS, "envelopemetadata": {attribute: {}}}).json
    holds(shown["envelopemetadata"][attribute], expected)


@pytest.mark.parametrize(
    "metadata",
    [
        {"id": {"required": False}},
        {"type": {"required": False}},
        {"source": {"required": False}},
        {"specversion": {"value": "0.3"}},
        {"specversion": {"type": "integer"}},
        {"time": {"type": "string"}},
    ],
    ids=str,
)
def test_message_cloudevents_what_is_implied_cannot_be_contradicted(
    registry: Registry, metadata: object
) -> None:
    body = {**CLOUDEVENTS, "envelopemetadata": metadata}
    assert registry.refusal(put(M1, body)).kind == "invalid_attribute"


@pytest.mark.parametrize("name", ["dataschemaformat", "datacontenttype", "protocol", "envelope"])
def test_message_texts_are_texts(registry: Registry, name: str) -> None:
    assert registry.refusal(put(M1, {name: 5})).kind == "invalid_attribute"


@pytest.mark.parametrize("xid", ["/nothings/x", "no xid", 5])
def test_message_dataschemaxid_is_an_xid_of_this_registry(registry: Registry, xid: object) -> None:
    assert registry.refusal(put(M1, {"dataschemaxid": xid})).status == 400


def test_message_amqp_properties_may_have_dashes_in_their_names(registry: Registry) -> None:
    options = {"properties": {"message-id": {"type": "uuid"}}}
    shown = registry.put(M1, {"protocol": "AMQP/1.0", "protocoloptions": options}).json
    assert shown["protocoloptions"]["properties"]["message-id"]["type"] == "uuid"


# --- schema/spec.md


def test_schema_every_schema_is_in_a_group(registry: Registry) -> None:
    registry.put(S1_META, {"format": "Avro/1.11.0"})
    assert registry.get("/schemagroups/g1")["schemascount"] == 1


def test_schema_format_is_required_and_the_same_in_all_versions(registry: Registry) -> None:
    assert registry.refusal(put(S1, b"{}")).kind == "required_attribute_missing"
    registry.put(S1_META, {"format": "Avro/1.11.0"})
    other = put(f"{S1}/versions/2$details", {"format": "Protobuf/3"})
    assert registry.refusal(other).kind == "mismatched_version_attribute"


def test_schema_formats_may_be_others(registry: Registry) -> None:
    shown = registry.put(S1_META, {"format": "Acme/7", "schema": "whatever"}).json
    holds(shown, {"format": "Acme/7", "formatvalidated": False})


def test_schema_versions_keep_to_the_compatibility() -> None:
    registry = Registry(hub_model())
    numbers = {"format": "numbers", "contenttype": "text/plain", "schema": "1 2"}
    registry.put(S1_META, {**numbers, "meta": {"compatibility": "backward"}})
    fewer = put(f"{S1}/versions/2$details", {**numbers, "schema": "1"})
    assert registry.refusal(fewer).kind == "compatibility_violation"


def test_schema_of_a_group_with_a_format_has_that_format(registry: Registry) -> None:
    registry.put("/schemagroups/g1", {"format": "Avro/1.11.0"})
    answer = registry.refusal(put(S1_META, {"format": "Protobuf/3"}))
    assert answer.kind == "constraint_failure"
