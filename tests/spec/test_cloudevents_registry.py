"""Scenarios with every attribute of the hub's model (endpoint, message and schema/spec.md, 1.0-rc4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chappe.registry.errors import RegistryError
from chappe.registry.hub_model import hub_model
from tests.spec.cloudevents_registry.travel import (
    exported,
    imported,
    lost,
    normal,
    read,
    sent_and_fetched,
)

SCENARIOS = sorted((Path(__file__).parent / "cloudevents_registry").glob("*.xreg.json"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.partition(".xreg")[0])
def test_a_scenario_comes_back_as_it_went_in(path: Path) -> None:
    document = read(path)

    after = exported(imported(document))

    said, found = normal(document), normal(after)
    assert list(lost(said, found)) == []
    assert list(lost(found, said)) == [], "nothing is invented: each default is in the scenario"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.partition(".xreg")[0])
def test_an_export_can_be_imported_and_is_exported_the_same(path: Path) -> None:
    first = exported(imported(read(path)))

    second = exported(imported(first))

    assert normal(second) == normal(first)


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.partition(".xreg")[0])
def test_a_scenario_comes_back_over_http(path: Path, method: str) -> None:
    after = sent_and_fetched(method, path.read_bytes())

    assert list(lost(normal(read(path)), normal(after))) == []


def test_the_scenarios_use_every_attribute_of_the_model() -> None:
    used: set[str] = set()
    for path in SCENARIOS:
        used |= _used(read(path))

    unused = sorted(path for path in _defined(hub_model()) if path not in used)

    assert unused == []


def test_a_protocol_is_recognised_in_any_case() -> None:
    endpoint = {"usage": ["producer"], "protocol": "kafka", "protocoloptions": {}}

    after = exported(imported({"endpoints": {"e": endpoint}}))

    options = after["endpoints"]["e"]["protocoloptions"]
    assert options["acks"] == 1
    assert options["deployed"] is True


DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "HTTP": {
        "deployed": True, "method": "POST", "apikeyin": "header", "plainscheme": "basic",
    },
    "AMQP/1.0": {"deployed": True, "durable": False, "distribution-mode": "move"},
    "MQTT/3.1.1": {"deployed": True, "qos": 0, "retain": False, "cleansession": True},
    "MQTT/5.0": {"deployed": True, "qos": 0, "retain": False},
    "KAFKA": {
        "deployed": True, "acks": 1,
        "keyserializer": "org.apache.kafka.common.serialization.StringSerializer",
        "valueserializer": "org.apache.kafka.common.serialization.StringSerializer",
    },
    "NATS": {"deployed": True},
}  # fmt: skip


@pytest.mark.parametrize("protocol", DEFAULTS)
def test_protocol_options_get_the_defaults_of_their_protocol(protocol: str) -> None:
    endpoint = {"usage": ["producer"], "protocol": protocol, "protocoloptions": {}}

    after = exported(imported({"endpoints": {"e": endpoint}}))

    assert after["endpoints"]["e"]["protocoloptions"] == DEFAULTS[protocol]


@pytest.mark.parametrize(
    ("protocol", "options"),
    [
        ("HTTP", {"headers": [{"value": "no name"}]}),
        ("AMQP/1.0", {"distribution-mode": "take"}),
        ("AMQP/1.0", {"timeout": -1}),
        ("AMQP/1.0", {"expiry-policy": "sometimes"}),
        ("MQTT/3.1.1", {"qos": 3}),
        ("MQTT/5.0", {"retainhandling": 3}),
        ("MQTT/5.0", {"willmessage": "/schemagroups/g/schemas/s"}),
        ("KAFKA", {"acks": "all"}),
        ("KAFKA", {"autooffsetreset": "newest"}),
        ("NATS", {"subject": ["a"]}),
    ],
)
def test_options_of_the_wrong_kind_are_refused(protocol: str, options: dict[str, Any]) -> None:
    endpoint = {"usage": ["producer"], "protocol": protocol, "protocoloptions": options}

    with pytest.raises(RegistryError) as raised:
        imported({"endpoints": {"e": endpoint}})

    assert raised.value.kind in ("invalid_attribute", "required_attribute_missing")
    assert raised.value.subject == "/endpoints/e"


@pytest.mark.parametrize("usage", [["publisher"], [""], ["producer", "reader"]])
def test_a_usage_is_subscriber_consumer_or_producer(usage: list[str]) -> None:
    with pytest.raises(RegistryError) as raised:
        imported({"endpoints": {"e": {"usage": usage}}})

    assert raised.value.kind == "invalid_attribute"


def test_endpoints_refer_to_groups_of_messages() -> None:
    """endpoint/spec.md "messagegroups": a relative reference is the xid of a group."""
    with pytest.raises(RegistryError) as raised:
        imported({"endpoints": {"e": {"messagegroups": ["/schemagroups/g"]}}})

    assert raised.value.kind == "invalid_attribute"


@pytest.mark.parametrize(
    "message",
    [
        {"envelope": "CloudEvents/1.0", "envelopemetadata": {"id": {"required": False}}},
        {"envelope": "CloudEvents/1.0", "envelopemetadata": {"specversion": {"value": "0.3"}}},
        {"envelope": "CloudEvents/1.0", "envelopemetadata": {"time": {"type": "string"}}},
        {"envelope": "CloudEvents/1.0", "envelopeoptions": {"mode": "batched"}},
        {"basemessage": "/schemagroups/g/schemas/s"},
        {"validation": "sometimes"},
        {"dataframing": "none"},
    ],
)
def test_a_message_that_breaks_the_model_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(RegistryError) as raised:
        imported({"messagegroups": {"g": {"messages": {"m": message}}}})

    assert raised.value.kind == "invalid_attribute"


@pytest.mark.parametrize(
    "message",
    [
        {"envelopemetadata": {"id": {}}},
        {"protocoloptions": {}},
        {"protocol": "NATS", "protocoloptions": {"topic": "t"}},
        {"frequency": "often"},
    ],
)
def test_a_message_has_no_attributes_but_those_of_its_envelope_and_protocol(
    message: dict[str, Any],
) -> None:
    with pytest.raises(RegistryError) as raised:
        imported({"messagegroups": {"g": {"messages": {"m": message}}}})

    assert raised.value.kind == "unknown_attribute"


def test_cloudevents_attributes_get_their_types_and_needs() -> None:
    names = ("id", "type", "source", "subject", "time", "dataschema", "datacontenttype", "myext")
    metadata: dict[str, Any] = {name: {} for name in names}
    message = {"envelope": "CloudEvents/1.0", "envelopemetadata": metadata}

    after = exported(imported({"messagegroups": {"g": {"messages": {"m": message}}}}))

    found = normal(after)["/messagegroups/g/messages/m/versions/1"]["envelopemetadata"]
    assert found == {
        "id": {"type": "string", "required": True},
        "type": {"type": "string", "required": True},
        "source": {"type": "uritemplate", "required": True},
        "subject": {"type": "uritemplate", "required": False},
        "time": {"type": "timestamp", "required": False},
        "dataschema": {"type": "uritemplate", "required": False},
        "datacontenttype": {"type": "string", "required": False},
        "myext": {"type": "string", "required": False},
    }


def test_a_schema_needs_a_format() -> None:
    with pytest.raises(RegistryError) as raised:
        imported({"schemagroups": {"g": {"schemas": {"s": {"schema": {}}}}}})

    assert raised.value.kind == "required_attribute_missing"


def test_versions_of_a_schema_have_one_format() -> None:
    versions = {"1": {"format": "Avro/1.11.0"}, "2": {"format": "Protobuf/3"}}

    with pytest.raises(RegistryError) as raised:
        imported({"schemagroups": {"g": {"schemas": {"s": {"versions": versions}}}}})

    assert raised.value.kind == "mismatched_version_attribute"


def test_schemas_have_the_format_of_their_group_where_it_has_one() -> None:
    group = {"format": "Avro/1.11.0", "schemas": {"s": {"format": "Protobuf/3"}}}

    with pytest.raises(RegistryError) as raised:
        imported({"schemagroups": {"g": group}})

    assert raised.value.kind == "constraint_failure"


def test_a_subscription_needs_a_sink_and_a_protocol() -> None:
    with pytest.raises(RegistryError) as raised:
        imported({"endpoints": {"e": {"subscriptions": {"s": {}}}}})

    assert raised.value.kind == "required_attribute_missing"
    assert raised.value.args_shown["list"] == "protocol,sink"


def test_revisions_of_a_subscription_stay_on_its_channel() -> None:
    base = {"sink": "https://a.example/", "protocol": "HTTP"}
    versions = {"1": {**base, "channel": "orders"}, "2": {**base, "channel": "stock"}}

    with pytest.raises(RegistryError) as raised:
        imported({"endpoints": {"e": {"subscriptions": {"s": {"versions": versions}}}}})

    assert raised.value.kind == "mismatched_version_attribute"


def _used(document: Mapping[str, Any]) -> set[str]:
    """Paths of the attributes that a scenario uses, as `_defined` writes them."""
    used: set[str] = set()
    groups = hub_model()["groups"]
    for plural, entities in document.items():
        for entity in entities.values():
            type = groups[plural]
            used |= set(_uses(plural, entity, type["attributes"]))
            resources = dict(type.get("resources", {}))
            if plural == "endpoints":
                resources["messages"] = groups["messagegroups"]["resources"]["messages"]
            for name, resource in resources.items():
                home = "messagegroups" if name == "messages" else plural
                for one in entity.get(name, {}).values():
                    for version in one.get("versions", {"": one}).values():
                        at = f"{home}/{name}"
                        used |= set(_uses(at, version, resource.get("attributes", {})))
    return used


def _uses(path: str, value: Any, definitions: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value, Mapping):
        return
    active = dict(definitions)
    at = dict.fromkeys(active, path)
    for name, definition in definitions.items():
        for choice, block in definition.get("ifvalues", {}).items():
            if str(value.get(name)).lower() == choice.lower():
                # Names of one protocol in different cases are one.
                where = f"{path}/{name}={_canonical(choice)}"
                active |= block["siblingattributes"]
                at |= dict.fromkeys(block["siblingattributes"], where)
    for name, one in value.items():
        known = name if name in active else "*"
        if known not in active:
            continue
        here = f"{at[known]}/{known}"
        yield here
        definition = active[known]
        yield from _uses(here, one, definition.get("attributes", {}))
        items = one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ()
        for item in items:
            yield from _uses(f"{here}/[]", item, definition.get("item", {}).get("attributes", {}))


def _defined(model: Mapping[str, Any]) -> Iterator[str]:
    for plural, type in model["groups"].items():
        yield from _paths(plural, type["attributes"])
        for name, resource in type.get("resources", {}).items():
            yield from _paths(f"{plural}/{name}", resource["attributes"])


def _paths(path: str, definitions: Mapping[str, Any]) -> Iterator[str]:
    for name, definition in definitions.items():
        here = f"{path}/{name}"
        yield here
        yield from _paths(here, definition.get("attributes", {}))
        yield from _paths(f"{here}/[]", definition.get("item", {}).get("attributes", {}))
        for choice, block in definition.get("ifvalues", {}).items():
            if choice == _canonical(choice):
                yield from _paths(f"{here}={choice}", block["siblingattributes"])


def _canonical(protocol: str) -> str:
    """Other names of a protocol have the same attributes."""
    if protocol.startswith("HTTP/"):
        return "HTTP"
    return {"AMQP": "AMQP/1.0", "MQTT": "MQTT/5.0"}.get(protocol, protocol)
