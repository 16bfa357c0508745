"""AsyncAPI documents of a registry, and registries of AsyncAPI documents."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.asyncapi.document import MAX_DEPTH, Document, escaped, tokens
from chappe.formats.asyncapi.read import read
from chappe.formats.asyncapi.references import Bundler, put_in
from chappe.formats.asyncapi.schema_formats import format_of, schema_format
from tests.unit.asyncapi_samples import (
    ENDPOINTS,
    MESSAGEGROUPS,
    ORDER,
    PROTO,
    RECORD,
    SCHEMAGROUPS,
    adopted,
    exported,
    registry,
)

SHOP = registry()
DOCUMENT = exported(SHOP)
CHANNELS, OPERATIONS = DOCUMENT["channels"], DOCUMENT["operations"]
COMPONENTS = DOCUMENT["components"]


def sent(**more: Any) -> dict[str, Any]:
    return {"asyncapi": "3.0.0", "info": {"title": "App", "version": "1"}, **more}


# What is written


def test_an_endpoint_is_a_channel_where_the_application_does_the_other_part() -> None:
    actions = {name: one["action"] for name, one in OPERATIONS.items()}

    assert actions["intake.receive"] == "receive"
    assert actions["stock~topic.send"] == "send"
    assert actions["manager.send"] == "send"
    assert OPERATIONS["intake.receive"]["channel"] == {"$ref": "#/channels/intake"}
    assert OPERATIONS["stock~topic.send"]["channel"] == {"$ref": "#/channels/stock~0topic"}


@pytest.mark.parametrize(
    ("channel", "address", "hosts"),
    [
        ("intake", "/in/{tenant}?v=1", {"shop.example:8443"}),
        ("stock~topic", "stock", {"k1:9093", "k2:9093"}),
        ("subjects", "seen.>", {"n1:4222", "n2:4222"}),
        ("plant", "plant/{line}", {"m1:8883"}),
        ("node", "n/1", {"a1"}),
        ("manager", None, {"shop.example"}),
        ("twofold", None, {"a.example", "b.example"}),
        ("bare", None, set()),
        ("unheard", None, set()),
    ],
)
def test_where_an_endpoint_is(channel: str, address: str | None, hosts: set[str]) -> None:
    one = CHANNELS[channel]
    names = [server["$ref"].rpartition("/")[2] for server in one.get("servers", ())]

    assert one["address"] == address
    assert {DOCUMENT["servers"][name]["host"] for name in names} == hosts


def test_what_a_protocol_says_stands_in_its_bindings() -> None:
    assert OPERATIONS["intake.receive"]["bindings"]["http"]["method"] == "PUT"
    assert OPERATIONS["stock~topic.send"]["bindings"]["kafka"]["groupId"]["const"] == "g"
    assert OPERATIONS["subjects.send"]["bindings"]["nats"] == {"queue": "q"}
    assert OPERATIONS["plant.receive"]["bindings"]["mqtt"]["qos"] == 1
    assert CHANNELS["stock~topic"]["bindings"]["kafka"]["topic"] == "stock"
    assert CHANNELS["intake"]["parameters"] == {"tenant": {}}


def test_schemes_tell_what_is_needed_and_no_secret() -> None:
    assert {one["type"] for one in COMPONENTS["securitySchemes"].values()} == {
        "oauth2", "httpApiKey", "scramSha512", "X509",
    }  # fmt: skip
    assert "secret" not in str(DOCUMENT)


def test_an_events_attributes_are_headers_and_its_data_the_payload() -> None:
    paid = COMPONENTS["messages"]["shop.order.paid"]

    assert (paid["name"], paid["contentType"]) == ("order.paid", "application/cloudevents+json")
    properties = paid["headers"]["properties"]
    assert properties["type"] == {"type": "string", "const": "order.paid"}
    assert properties["part"] == {"type": "integer", "const": 7}
    assert properties["source"]["x-chappe"] == {"template": "/shops/{shop}"}
    assert paid["headers"]["required"] == ["subject", "tenant"]
    assert paid["traits"] == [{"$ref": "#/components/messageTraits/cloudevent"}]
    assert paid["tags"] == [{"name": "team=billing"}]


def test_in_binary_mode_the_headers_are_the_protocols() -> None:
    low = COMPONENTS["messages"]["shop.stock.low.kafka"]

    assert low["contentType"] == "application/avro"
    assert "ce_type" in low["headers"]["properties"]
    trait = COMPONENTS["messageTraits"]["cloudevent-kafka"]
    assert trait["headers"]["required"] == ["ce_specversion", "ce_id", "ce_source", "ce_type"]


def test_schemas_are_as_they_are_each_in_its_language() -> None:
    schemas = COMPONENTS["schemas"]

    assert schemas["shop.seen"]["schema"] == PROTO
    assert schemas["shop.seen"]["schemaFormat"] == "application/vnd.google.protobuf;version=3"
    assert schemas["shop.stock.1"]["schema"] == RECORD
    assert (
        schemas["shop.stock.1"]["schemaFormat"] == "application/vnd.apache.avro+json;version=1.12"
    )
    order = schemas["shop.order"]
    assert order["schemaFormat"] == "application/schema+json;version=draft-07"
    ship = order["schema"]["properties"]["ship"]
    assert ship == {"$ref": "#/components/schemas/shop.order/schema/definitions/a~1b"}
    assert order["schema"]["properties"]["total"]["multipleOf"] == Decimal("0.01")


def test_every_reference_leads_somewhere() -> None:
    document = Document(DOCUMENT)

    def walk(node: Any) -> int:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                document.resolved(node, "")
                return 1
            return sum(map(walk, node.values()))
        return sum(map(walk, node)) if isinstance(node, list) else 0

    assert walk(DOCUMENT) > 30


def test_one_endpoint_alone_brings_what_it_needs() -> None:
    alone = exported(SHOP, ["subjects"])

    assert set(alone["channels"]) == {"subjects"}
    assert set(alone["components"]["messages"]) == {"shop.seen"}
    assert set(alone["components"]["schemas"]) == {"shop.seen"}


# There and back


def test_what_is_exported_is_imported_as_the_same() -> None:
    tree, answer = adopted(DOCUMENT)

    assert answer.left == []
    assert exported(tree) == DOCUMENT


def test_an_import_of_ones_own_export_keeps_what_it_does_not_say() -> None:
    tree, answer = adopted(DOCUMENT, SHOP)

    assert answer.made == []
    before, after = SHOP.of("endpoints")["intake"], tree.of("endpoints")["intake"]
    assert after is before
    groups = tree.of("schemagroups")["shop"].of("schemas")
    assert [len(one.versions) for one in groups.values()] == [1, 1, 1]


IDS = st.text("abcXYZ019._~:@-", min_size=1, max_size=12).filter(lambda one: one[0] not in ".~:@-")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
HOSTS = st.sampled_from(["a.example", "b.example:1234", "10.0.0.1", "[::1]:9"])
RULES = st.fixed_dictionaries(
    {},
    optional={
        "value": st.one_of(WORDS, st.just("/a/{b}"), st.just("7")),
        "required": st.booleans(),
        "description": WORDS,
    },
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [{}, {"type": "string"}, {"$ref": "#"}, {"enum": ["a", None]}, {"const": {"$ref": "x"}}]
    ),
    lambda below: st.one_of(
        st.fixed_dictionaries({"properties": st.dictionaries(WORDS, below, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(below, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"items": below}),
    ),
    max_leaves=6,
).map(lambda one: {"type": "object", **one} if "$ref" not in one else {"items": one})
LABELS = st.dictionaries(
    st.from_regex(r"[a-z0-9][a-z0-9_.:-]{0,10}", fullmatch=True), WORDS, max_size=2
)


def addressed(scheme: str, paths: bool = False) -> st.SearchStrategy[list[dict[str, str]]]:
    path = st.sampled_from(["", "/", "/a", "/a/b?c=d"]) if paths else st.just("")
    uri = st.builds(lambda host, more: {"uri": f"{scheme}://{host}{more}"}, HOSTS, path)
    return st.lists(uri, max_size=2)


USAGES = st.sampled_from(
    [["producer"], ["consumer"], ["subscriber"], ["subscriber", "consumer"], []]
)
PROTOCOLS = st.one_of(
    st.tuples(
        st.sampled_from(["HTTP", "HTTP/1.1", "http"]),
        st.fixed_dictionaries(
            {"endpoints": addressed("https", paths=True)}, optional={"method": st.just("PUT")}
        ),
    ),
    st.tuples(
        st.just("NATS"),
        st.fixed_dictionaries(
            {"endpoints": addressed("nats")},
            optional={"subject": WORDS, "queuegroup": WORDS},
        ),
    ),
    st.tuples(
        st.sampled_from(["MQTT/5.0", "MQTT/3.1.1", "MQTT"]),
        st.fixed_dictionaries({"endpoints": addressed("mqtt")}, optional={"topic": WORDS}),
    ),
    st.tuples(
        st.sampled_from(["AMQP/1.0", "AMQP"]),
        st.fixed_dictionaries(
            {"endpoints": addressed("amqps", paths=True)}, optional={"node": WORDS}
        ),
    ),
    st.tuples(
        st.just("KAFKA"),
        st.fixed_dictionaries(
            {
                "endpoints": st.lists(
                    st.fixed_dictionaries(
                        {
                            "bootstrap.servers": st.lists(HOSTS, min_size=1, max_size=2),
                            "security.protocol": st.sampled_from(
                                ["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"]
                            ),
                        }
                    ),
                    max_size=2,
                )
            },
            optional={"topic": WORDS, "consumergroup": WORDS},
        ),
    ),
    st.tuples(st.sampled_from(["Redis", "WS"]), st.just({})),
)


@st.composite
def registries(draw: st.DrawFn) -> Mapping[str, Any]:
    schemas = draw(st.dictionaries(IDS, SCHEMAS, max_size=2))
    names = sorted({one.lower(): one for one in schemas}.values())
    messages: dict[str, Any] = {}
    for name in {one.lower(): one for one in draw(st.lists(IDS, max_size=3))}.values():
        body: dict[str, Any] = {"labels": draw(LABELS)}
        if draw(st.booleans()):
            body["envelope"] = "CloudEvents/1.0"
            metadata = st.dictionaries(st.sampled_from(["type", "source", "subject", "x"]), RULES)
            body["envelopemetadata"] = {
                key: {**rule, **({"required": True} if key in ("type", "source") else {})}
                for key, rule in draw(metadata).items()
            }
        else:
            body["envelope"] = "none"
        if names and draw(st.booleans()):
            xid = f"/schemagroups/g/schemas/{draw(st.sampled_from(names))}"
            body |= {"dataschemaxid": xid, "dataschemaformat": "JSONSchema/draft-07"}
        elif draw(st.booleans()):
            body |= {"dataschema": draw(SCHEMAS), "dataschemaformat": "JSONSchema/draft-07"}
        messages[name] = body
    endpoints: dict[str, Any] = {}
    for name in {one.lower(): one for one in draw(st.lists(IDS, max_size=3))}.values():
        protocol, options = draw(PROTOCOLS)
        mode = draw(st.sampled_from([None, "binary", "structured"]))
        endpoints[name] = {
            "usage": draw(USAGES),
            "labels": draw(LABELS),
            "protocol": protocol,
            **({"protocoloptions": options} if options else {}),
            **({"envelope": "CloudEvents/1.0", "envelopeoptions": {"mode": mode}} if mode else {}),
            **({"messagegroups": ["/messagegroups/g"]} if messages and draw(st.booleans()) else {}),
        }
    kept = {one: {"format": "JSONSchema/draft-07", "schema": schemas[one]} for one in names}
    return {
        "schemagroups": {"g": {"schemas": kept}} if kept else {},
        "messagegroups": {"g": {"messages": messages}} if messages else {},
        "endpoints": endpoints,
    }


@settings(max_examples=60, deadline=None)
@given(registries())
def test_any_registry_survives_the_way_there_and_back(groups: Mapping[str, Any]) -> None:
    first = exported(registry(**copy.deepcopy(dict(groups))))

    assert exported(adopted(first)[0]) == first


# What others write


def test_a_channel_with_both_actions_becomes_two_endpoints() -> None:
    tree, _ = adopted(
        sent(
            channels={"c": {"address": "a"}},
            operations={
                "x": {"action": "send", "channel": {"$ref": "#/channels/c"}},
                "y": {"action": "receive", "channel": {"$ref": "#/channels/c"}},
            },
            servers={"s": {"host": "k:9092", "protocol": "kafka"}},
        )
    )

    usages = {one.id: one.attributes["usage"] for one in tree.of("endpoints").values()}
    assert usages == {"app.c.in": ["producer"], "app.c.out": ["consumer"]}


def test_in_2_x_publish_is_what_the_application_receives() -> None:
    tree, answer = adopted(
        {
            "asyncapi": "2.6.0",
            "info": {"title": "Lights", "version": "1"},
            "servers": {
                "p": {
                    "url": "mqtt://{host}:1883/x",
                    "protocol": "mqtt",
                    "variables": {"host": {"default": "m.example"}},
                    "security": [{"login": []}],
                }
            },
            "channels": {
                "on/{id}": {
                    "publish": {"message": {"oneOf": [{"$ref": "#/components/messages/On"}]}},
                },
                "off": {"subscribe": {"message": {"payload": {"type": "string"}}}},
            },
            "components": {
                "messages": {"On": {"contentType": "application/json", "payload": {}}},
                "securitySchemes": {"login": {"type": "userPassword"}},
            },
        }
    )

    on, off = tree.of("endpoints")["lights.on_id_"], tree.of("endpoints")["lights.off"]
    assert (on.attributes["usage"], off.attributes["usage"]) == (["producer"], ["consumer"])
    options = on.attributes["protocoloptions"]
    assert options["endpoints"] == [{"uri": "mqtt://m.example:1883/x"}]
    assert options["topic"] == "on/{id}"
    assert options["authorization"] == [{"type": "Plain"}]
    assert off.of("messages").keys() == {"off"}
    assert answer.left == []


def test_a_payload_that_is_the_whole_event_is_taken_apart() -> None:
    event = {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "type": {"const": "light.on"},
            "source": {"type": "string"},
            "tenant": {"type": "string"},
            "data": {"$ref": "#/components/schemas/Data"},
        },
        "required": ["type", "tenant"],
    }
    message = {"contentType": "application/cloudevents+json", "payload": event}
    tree, _ = adopted(
        sent(
            channels={"c": {"messages": {"m": message}}},
            components={"schemas": {"Data": {"type": "integer"}}},
        )
    )

    (message,) = tree.of("messagegroups")["app"].of("messages").values()
    assert message.id == "light.on"
    attributes = message.default.attributes
    assert attributes["envelope"] == "CloudEvents/1.0"
    assert attributes["envelopemetadata"]["tenant"]["required"] is True
    assert attributes["dataschemaxid"] == "/schemagroups/app/schemas/Data"


def test_a_schema_that_changed_is_a_new_version_of_the_same() -> None:
    document = copy.deepcopy(DOCUMENT)
    stock = document["components"]["schemas"]["shop.stock.1"]["schema"]
    stock["fields"].append({"name": "left", "type": "int", "default": 0})

    tree, answer = adopted(document, SHOP)

    schema = tree.resource("/schemagroups/shop/schemas/stock")
    assert schema is not None
    assert set(schema.versions) == {"1", "2"}
    assert answer.left == ["schemagroups/shop/schemas/stock: is a new version, 2"]
    low = tree.resource("/messagegroups/shop/messages/stock.low")
    assert low is not None
    assert low.default is not None
    assert low.default.attributes["dataschemaxid"].endswith("/versions/2")


def test_labels_that_somebody_gave_stay() -> None:
    document = sent(channels={"c": {"title": "One"}})
    tree, _ = adopted(document)
    tree = registry(
        schemagroups={}, messagegroups={},
        endpoints={"app.c": {"labels": {"owner": "me"}}}, tree=tree,
    )  # fmt: skip
    document["channels"]["c"]["title"] = "Another"

    again, answer = adopted(document, tree)

    assert answer.changed == ["/endpoints/app.c"]
    labels = again.of("endpoints")["app.c"].attributes["labels"]
    assert labels == {"owner": "me", "application": "app", "version": "1"}


def test_what_a_hub_says_of_itself_is_no_other_hubs() -> None:
    tree, answer = adopted(sent(channels={"hub": {"tags": [{"name": "chappe=self"}]}}))

    assert not tree.of("endpoints")
    assert answer.left == ["channels/hub: is what a hub says of itself"]


# References, and hostile documents


@pytest.mark.parametrize(
    "schema",
    [
        ORDER,
        {"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {}}},
        {"properties": {"$ref": {"type": "string"}, "x": {"$ref": "#/properties/$ref"}}},
        {"const": {"$ref": "#/x"}, "enum": [{"$ref": "#"}]},
        {"$id": "http://x/y", "items": {"$id": "z", "items": {"$ref": "#"}}},
        {"$ref": "#anchor"},
        {"properties": {"a b%": {}}, "items": {"$ref": "#/properties/a%20b%25"}},
        True,
    ],
)
def test_a_schema_put_into_a_document_comes_out_as_it_was(schema: Any) -> None:
    place = "/components/schemas/a~1{b}/schema"
    document = {"components": {"schemas": {"a/{b}": {"schema": put_in(schema, place)}}}}

    assert Bundler(Document(document)).taken_out(place, "/at") == schema


def test_schemas_that_refer_to_one_another_come_out_whole() -> None:
    schemas = {
        "A": {"properties": {"b": {"$ref": "#/components/schemas/B"}, "a": {"$ref": "#/components/schemas/A"}}},
        "B": {"items": {"$ref": "#/components/schemas/C/schema/definitions/x"}},
        "C": {"schemaFormat": "f", "schema": {"definitions": {"x": {"$ref": "#/components/schemas/A"}}}},
    }  # fmt: skip
    taken = Bundler(Document({"components": {"schemas": schemas}})).taken_out(
        "/components/schemas/A", "/at"
    )

    assert taken == {
        "properties": {"b": {"$ref": "#/definitions/B"}, "a": {"$ref": "#"}},
        "definitions": {"B": {"items": {"$ref": "#/definitions/x"}}, "x": {"$ref": "#"}},
    }


def deep(levels: int) -> Any:
    made: Any = {}
    for _ in range(levels):
        made = {"a": made}
    return made


def ring(size: int) -> dict[str, Any]:
    links = {f"m{n}": {"$ref": f"#/components/messages/m{(n + 1) % size}"} for n in range(size)}
    return sent(channels={"c": {"messages": {"m": links["m0"]}}}, components={"messages": links})


MANY = sent(
    channels={str(n): {"messages": {"m": {"$ref": "#/components/messages/m"}}} for n in range(50)},
    components={
        "messages": {
            "m": {
                "traits": [{"$ref": "#/components/messageTraits/t"}] * 100,
            }
        },
        "messageTraits": {"t": {"headers": {"properties": {str(n): {} for n in range(20_000)}}}},
    },
)
BUNDLES = sent(
    channels={
        str(n): {"messages": {"m": {"payload": {"items": {"$ref": "#/components/schemas/big"}}}}}
        for n in range(40)
    },
    components={"schemas": {"big": {"enum": list(range(20_000))}}},
)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (ring(2), "is it a circle"),
        (ring(50), "is it a circle"),
        (sent(x=deep(MAX_DEPTH)), "deeper than 100 levels"),
        (sent(x=[0] * 500_001), "over 500,000 values"),
        (MANY, "over 1,000,000 times"),
        (BUNDLES, "over 500,000"),
        (sent(channels={"c": {"messages": {"m": {"$ref": 1}}}}), "a number was sent"),
        (sent(channels={"c": {"messages": {"m": {"$ref": "#/nothing"}}}}), "leads to nothing"),
        (sent(channels=[]), "/channels: an array was sent, an object is needed"),
        (sent(operations={"o": {"action": "think"}}), "neither 'send' nor 'receive'"),
        (sent(operations={"o": {"action": "send", "channel": {}}}), "none of the document's channels"),
        (
            sent(
                channels={"c": {"messages": {"m": {"payload": {"$ref": "file:///etc/passwd"}}}}},
            ),
            "leads out of the document",
        ),
        (
            sent(
                channels={"c": {"messages": {"m": {"payload": {"allOf": [{"$ref": "http://x/y"}]}}}}},
            ),
            "leads out of the document",
        ),
        (
            sent(
                servers={
                    "s": {
                        "host": "{a}" * 600,
                        "protocol": "nats",
                        "variables": {"a": {"default": "x" * 200}},
                    }
                },
                channels={"c": {}},
            ),
            "over 2048 long",
        ),
    ],
)  # fmt: skip
def test_a_hostile_document_is_refused_by_name(document: Any, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        adopted(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(
        st.sampled_from(
            "info title servers channels operations components messages schemas host protocol payload"
            " headers properties $ref schema schemaFormat x-chappe xid traits bindings security type"
            " action channel publish subscribe message oneOf url tags name".split()
        ),
        below,
        max_size=4,
    ),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["2.6.0", "3.0.0"]), st.dictionaries(
    st.sampled_from("info servers channels operations components defaultContentType".split()), JSON
))  # fmt: skip
def test_whatever_is_sent_is_taken_or_malformed(version: str, parts: dict[str, Any]) -> None:
    try:
        adopted({**parts, "asyncapi": version})
    except Malformed:
        pass
    else:
        read({**parts, "asyncapi": version})


@given(st.text())
def test_a_name_in_a_pointer_is_read_back(name: str) -> None:
    assert tokens(f"/{escaped(name)}") == [name]


@pytest.mark.parametrize(
    ("format", "named"),
    [
        ("JSONSchema/draft-07", "application/schema+json;version=draft-07"),
        ("JSONSchema/draft2020-12", "application/schema+json;version=draft-2020-12"),
        ("Avro/1.12", "application/vnd.apache.avro+json;version=1.12"),
        ("Avro", "application/vnd.apache.avro+json"),
        ("Protobuf/3", "application/vnd.google.protobuf;version=3"),
        ("XSD/1.1", "application/xml;version=1.1"),
        ("TypeSpec/1.0", "TypeSpec/1.0"),
    ],
)
def test_a_schemas_format_has_a_name_in_either_world(format: str, named: str) -> None:
    assert schema_format(format, {}) == named
    assert format_of(named) == format


@pytest.mark.parametrize(
    ("named", "format"),
    [
        (None, "JSONSchema/draft-07"),
        ("application/vnd.aai.asyncapi+yaml;version=2.6.0", "JSONSchema/draft-07"),
        ("application/schema+yaml;version=draft-04", "JSONSchema/draft-04"),
        ("application/schema+json", "JSONSchema"),
        ("application/vnd.oai.openapi;version=3.0.0", "application/vnd.oai.openapi;version=3.0.0"),
    ],
)
def test_what_others_call_a_format(named: str | None, format: str) -> None:
    assert format_of(named) == format


def test_the_samples_are_of_every_protocol() -> None:
    assert len(ENDPOINTS) == len(CHANNELS)
    assert set(SCHEMAGROUPS) == set(MESSAGEGROUPS)
