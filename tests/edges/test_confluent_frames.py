"""Payloads of Confluent's own serializers, sent as events: the hub knows the schema by the frame."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
import pytest_asyncio
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.text_format import Parse
from http_edge import Hub, Reply, running
from tests.chaos.hub import HubProcess

from chappe.domain.channel import DEFAULT
from chappe.domain.position import Position
from chappe.flows.frames import Frames

Language = Literal["avro", "json", "protobuf"]
Form = Literal["id", "guid", "header"]

SUBJECT = "/schemagroups/default/schemas/orders-value"
MESSAGE = "/messagegroups/shop/messages/paid"

AVRO = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "id", "type": "string"}, {"name": "cents", "type": "long"}],
}
JSON = {
    "title": "Order",
    "type": "object",
    "properties": {"id": {"type": "string"}, "cents": {"type": "integer"}},
    "required": ["id"],
}
PROTOBUF = """
    name: "shop/order.proto" package: "shop" syntax: "proto3"
    message_type { name: "Nothing" }
    message_type {
      name: "Order"
      field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "line" number: 2 type: TYPE_MESSAGE type_name: ".shop.Order.Line" label: LABEL_REPEATED }
      nested_type {
        name: "Line"
        field { name: "cents" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
      }
    }
"""


@dataclass(frozen=True)
class Record:
    """What a producer hands over to Kafka: a value, and the schema's header where it has one."""

    value: bytes
    header: bytes | None = None

    @property
    def attributes(self) -> Mapping[str, str]:
        if self.header is None:
            return {}
        return {"ce_valueschemaid": base64.b64encode(self.header).decode()}

    def changed(self, change: Callable[[bytes], bytes]) -> Record:
        return Record(change(self.value), self.header)


@dataclass
class Producer:
    """A Kafka program as far as its value's serializer."""

    client: SchemaRegistryClient

    async def order(self, language: Language, form: Form = "id", topic: str = "orders") -> Record:
        match language:
            case "avro":
                schema = Schema(json.dumps(AVRO), "AVRO")
                return await self.avro(schema, {"id": "A-1", "cents": 990}, form, topic)
            case "json":
                schema = Schema(json.dumps(JSON), "JSON")
                return await self.json(schema, {"id": "A-1", "cents": 990}, form, topic)
            case "protobuf":
                order = messages(PROTOBUF)("shop.Order")
                value = order(id="A-1", line=[{"cents": 990}])
                return await self.protobuf(value, form, topic)

    async def avro(
        self, schema: Schema, value: Any, form: Form = "id", topic: str = "orders"
    ) -> Record:
        return await self._made(
            lambda conf: AvroSerializer(self.client, schema, conf=conf), value, form, topic
        )

    async def json(
        self, schema: Schema, value: Any, form: Form = "id", topic: str = "orders"
    ) -> Record:
        return await self._made(
            lambda conf: JSONSerializer(schema, self.client, conf=conf), value, form, topic
        )

    async def protobuf(self, value: Any, form: Form = "id", topic: str = "orders") -> Record:
        return await self._made(
            lambda conf: ProtobufSerializer(type(value), self.client, conf=conf), value, form, topic
        )

    async def register(self, subject: str, text: str | Mapping[str, Any], type_: str) -> int:
        schema = Schema(text if isinstance(text, str) else json.dumps(text), type_)
        return int(await asyncio.to_thread(self.client.register_schema, subject, schema))

    async def _made(
        self, serializer: Callable[[dict[str, Any]], Any], value: Any, form: Form, topic: str
    ) -> Record:
        headers: dict[str, bytes] = {}
        context = SerializationContext(topic, MessageField.VALUE, headers)
        conf = {} if form == "id" else {"schema.id.serializer": _SERIALIZERS[form]}
        # The client waits for its answers, so it does that beside the hub.
        made = await asyncio.to_thread(lambda: serializer(conf)(value, context))
        return Record(made, headers.get("__value_schema_id"))


def _guid_before(payload: bytes, context: object, schema_id: Any) -> bytes:
    return bytes(schema_id.guid_to_bytes()) + payload


_IDS = count(1)
_SERIALIZERS = {"guid": _guid_before, "header": header_schema_id_serializer}


def messages(*files: str) -> Callable[[str], Any]:
    """The classes of messages by their full names."""
    pool = DescriptorPool()
    for one in files:
        pool.Add(Parse(one, FileDescriptorProto()))
    return lambda name: GetMessageClass(pool.FindMessageTypeByName(name))


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


@pytest.fixture
def producer(hub: Hub) -> Iterator[Producer]:
    with SchemaRegistryClient({"url": f"http://127.0.0.1:{hub.port}/confluent"}) as client:
        yield Producer(client)


async def declare(hub: Hub, **attributes: Any) -> Reply:
    return await hub.declare(
        MESSAGE,
        {
            "envelope": "CloudEvents/1.0",
            "envelopemetadata": {"type": {"value": "order.paid"}},
            "dataframing": "confluent",
            "validation": "enforce",
            **attributes,
        },
    )


async def declared(hub: Hub, **attributes: Any) -> None:
    reply = await declare(hub, **attributes)
    assert reply.status in (200, 201), reply.body


async def send(
    hub: Hub, record: Record, content_type: str | None = "application/octet-stream"
) -> Reply:
    return await publish(hub, record.value, content_type=content_type, **record.attributes)


async def publish(hub: Hub, body: bytes, **headers: str | None) -> Reply:
    """One event, each with an id of its own."""
    return await hub.publish(body=body, **{"ce_id": f"A-{next(_IDS)}", **headers})


async def stored(hub: Hub, reply: Reply) -> bytes | None:
    assert reply.status == 202, reply.body
    position = Position.parse(reply.json["position"])
    found = await hub.log.get(hub.parts.state.value.channels[DEFAULT], position)
    assert found is not None
    return found.data


def reasons(reply: Reply) -> list[tuple[str, str]]:
    """Pointer and rule of what is wrong."""
    assert reply.status == 422, reply.body
    return [(one["pointer"], one["rule"]) for one in reply.json["errors"]]


def told(reply: Reply) -> str:
    (error,) = reply.json["errors"]
    assert (reply.status, error["rule"]) == (422, "frame"), reply.body
    return str(error["message"])


LANGUAGES = pytest.mark.parametrize("language", ["avro", "json", "protobuf"])
FORMS = pytest.mark.parametrize("form", ["id", "guid", "header"])


# What serializers made


@LANGUAGES
@FORMS
async def test_what_a_serializer_made_is_taken_and_kept_byte_for_byte(
    hub: Hub, producer: Producer, language: Language, form: Form
) -> None:
    record = await producer.order(language, form)
    assert (record.header is not None) == (form == "header")
    await declared(hub, dataschemaxid=SUBJECT)
    assert await stored(hub, await send(hub, record)) == record.value


BREAKS: Mapping[Language, tuple[Callable[[bytes], bytes], tuple[str, str]]] = {
    "avro": (lambda value: value + b"\x00", ("", "trailing")),
    "json": (lambda value: value.replace(b'"A-1"', b"17"), ("/id", "type")),
    "protobuf": (lambda value: value + b"\x50\x01", ("/10", "unknown field")),
}


@LANGUAGES
@FORMS
async def test_a_payload_that_breaks_the_schema_of_its_frame_is_refused(
    hub: Hub, producer: Producer, language: Language, form: Form
) -> None:
    record = await producer.order(language, form)
    await declared(hub)
    change, found = BREAKS[language]
    assert record.changed(change) != record
    assert reasons(await send(hub, record.changed(change))) == [found]
    assert (await send(hub, record)).status == 202


@LANGUAGES
async def test_the_media_type_says_that_there_is_a_frame(
    hub: Hub, producer: Producer, language: Language
) -> None:
    record = await producer.order(language)
    await declared(hub, dataframing=None, dataschemaxid=SUBJECT)
    framed = f"application/vnd.Confluent.{language}; v=1"
    assert await stored(hub, await send(hub, record, framed)) == record.value
    broken = record.changed(BREAKS[language][0])
    assert reasons(await send(hub, broken, framed)) == [BREAKS[language][1]]


async def test_a_media_type_of_another_language_than_the_schema_s_is_refused(
    hub: Hub, producer: Producer
) -> None:
    record = await producer.order("avro")
    await declared(hub)
    reply = await send(hub, record, "application/vnd.confluent.json")
    assert reasons(reply) == [("", "datacontenttype")]


@pytest.mark.parametrize("content_type", ["application/json", "application/avro", None])
async def test_a_message_that_expects_frames_does_not_go_by_other_media_types(
    hub: Hub, producer: Producer, content_type: str | None
) -> None:
    record = await producer.order("json")
    await declared(hub)
    assert (await send(hub, record, content_type)).status == 202


async def test_a_guid_may_stand_in_the_attribute_as_text(hub: Hub, producer: Producer) -> None:
    record = await producer.order("json", "header")
    assert record.header is not None
    await declared(hub)
    guid = str(UUID(bytes=record.header[1:]))
    for text, value, status in (
        (guid, record.value, 202),
        (guid, b'{"id": 1}', 422),
        (guid.replace("-", "x"), record.value, 422),
        ("AAAA====", record.value, 422),
    ):
        assert (await publish(hub, value, ce_valueschemaid=text)).status == status


async def test_an_event_in_structured_mode_has_its_frame_in_base64(
    hub: Hub, producer: Producer
) -> None:
    record = await producer.order("protobuf")
    await declared(hub)
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "order.paid"}
    good = {**event, "data_base64": base64.b64encode(record.value).decode()}
    bad = {**event, "id": "2", "data": {"id": "A-1"}}
    structured = {"content-type": "application/cloudevents-batch+json"}
    reply = await hub.ask("POST", "/events", structured, json.dumps([good]))
    assert reply.status == 202, reply.body
    reply = await hub.ask("POST", "/events", structured, json.dumps([{**good, "id": "3"}, bad]))
    assert (reply.status, [one["index"] for one in reply.json["errors"]]) == (400, [1])


@pytest.mark.parametrize("more", [{}, {"logicalType": "decimal", "precision": 4}])
async def test_plain_bytes_stand_behind_the_frame_without_a_length(
    hub: Hub, producer: Producer, more: dict[str, Any]
) -> None:
    record = await producer.avro(Schema(json.dumps({"type": "bytes", **more}), "AVRO"), b"\xff\xff")
    assert record.value[5:] == b"\xff\xff"
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202


async def test_of_a_payload_that_rules_encrypt_the_frame_alone_is_judged(
    hub: Hub, producer: Producer
) -> None:
    rule = {"name": "seal", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT_PAYLOAD"}
    document = {
        "schemaType": "JSON",
        "schema": json.dumps(JSON),
        "ruleSet": {"encodingRules": [rule]},
    }
    reply = await hub.ask(
        "POST", "/confluent/subjects/orders-value/versions", {}, json.dumps(document)
    )
    assert reply.status == 200, reply.body
    await declared(hub, dataschemaxid=SUBJECT)
    sealed = reply.json["id"].to_bytes(5, "big") + b"\x8f\x02\xff"
    assert (await publish(hub, sealed)).status == 202
    assert (await publish(hub, b"\x00\x00\x00\x09\x00" + sealed[5:])).status == 422


# Message indexes and references


async def test_the_indexes_say_which_message_it_is(hub: Hub, producer: Producer) -> None:
    of = messages(PROTOBUF)
    await declared(hub, dataschemaxid=SUBJECT)
    line = await producer.protobuf(of("shop.Order.Line")(cents=990))
    assert line.value[5:8] == b"\x04\x02\x00"
    assert (await send(hub, line)).status == 202
    # An order's bytes as those of a line: its first field is a string there.
    order = await producer.protobuf(of("shop.Order")(id="A-1"))
    wrong = Record(line.value[:8] + order.value[7:])
    assert reasons(await send(hub, wrong)) == [("/1", "unknown field")]
    for cut in (5, 6, 7):
        assert told(await send(hub, Record(line.value[:cut]))).endswith("its message indexes")
    nowhere = Record(line.value[:5] + b"\x02\x12" + line.value[8:])
    assert reasons(await send(hub, nowhere)) == [("", "message")]


@FORMS
async def test_an_empty_protobuf_message_is_a_payload(
    hub: Hub, producer: Producer, form: Form
) -> None:
    record = await producer.protobuf(messages(PROTOBUF)("shop.Nothing")(), form)
    await declared(hub)
    assert (await send(hub, record)).status == 202


async def test_an_avro_schema_with_references_is_resolved(hub: Hub, producer: Producer) -> None:
    await producer.register("order", AVRO, "AVRO")
    basket = {
        "type": "record",
        "name": "Basket",
        "namespace": "shop",
        "fields": [{"name": "orders", "type": {"type": "array", "items": "shop.Order"}}],
    }
    schema = Schema(json.dumps(basket), "AVRO", [SchemaReference("shop.Order", "order", 1)])
    record = await producer.avro(schema, {"orders": [{"id": "A-1", "cents": 1}]})
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202
    assert reasons(await send(hub, record.changed(lambda value: value[:-1]))) == [
        ("/orders", "length")
    ]


async def test_a_json_schema_with_references_is_resolved(hub: Hub, producer: Producer) -> None:
    await producer.register("order", JSON, "JSON")
    basket = {"type": "object", "properties": {"orders": {"items": {"$ref": "order.json"}}}}
    schema = Schema(json.dumps(basket), "JSON", [SchemaReference("order.json", "order", 1)])
    record = await producer.json(schema, {"orders": [{"id": "A-1"}]})
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202
    broken = record.changed(lambda value: value.replace(b'"A-1"', b"17"))
    assert reasons(await send(hub, broken)) == [("/orders/0/id", "type")]


async def test_a_protobuf_schema_with_imports_is_resolved(hub: Hub, producer: Producer) -> None:
    basket = """
        name: "shop/basket.proto" package: "shop" syntax: "proto3"
        dependency: "shop/order.proto"
        message_type {
          name: "Basket"
          field { name: "orders" number: 1 type: TYPE_MESSAGE type_name: ".shop.Order" label: LABEL_REPEATED }
        }
    """
    made = messages(PROTOBUF, basket)("shop.Basket")(orders=[{"id": "A-1"}])
    record = await producer.protobuf(made)
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202
    broken = record.changed(lambda value: value[:6] + b"\x0a\x02\x50\x01")
    assert reasons(await send(hub, broken)) == [("/orders/0/10", "unknown field")]


async def test_without_a_frame_too_a_schema_is_taken_with_its_references(
    hub: Hub, producer: Producer
) -> None:
    await producer.register("order", JSON, "JSON")
    basket = {"type": "object", "properties": {"orders": {"items": {"$ref": "order.json"}}}}
    schema = Schema(json.dumps(basket), "JSON", [SchemaReference("order.json", "order", 1)])
    await producer.json(schema, {"orders": []})
    await declared(hub, dataframing=None, dataschemaxid=SUBJECT)
    assert (await publish(hub, b'{"orders": [{"id": "A-1"}]}')).status == 202
    assert reasons(await publish(hub, b'{"orders": [{}]}')) == [("/orders/0", "required")]


# Frames that are wrong


@LANGUAGES
async def test_an_id_that_nobody_has_is_refused_by_its_number(
    hub: Hub, producer: Producer, language: Language
) -> None:
    record = await producer.order(language)
    await declared(hub, dataschemaxid=SUBJECT)
    unknown = record.changed(lambda value: b"\x00\x00\x00\x01\x00" + value[5:])
    assert told(await send(hub, unknown)) == (
        "the frame names the schema id 256, which the context '.' does not have"
    )
    guid = UUID(int=7)
    unknown = record.changed(lambda value: b"\x01" + guid.bytes + value[5:])
    assert told(await send(hub, unknown)) == (
        f"the frame names the schema guid {guid}, which is not registered"
    )


@LANGUAGES
@FORMS
async def test_the_id_of_another_schema_is_refused_and_both_are_named(
    hub: Hub, producer: Producer, language: Language, form: Form
) -> None:
    await producer.order("json" if language == "avro" else "avro")
    other = await producer.order(language, form, topic="returns")
    await declared(hub, dataschemaxid=SUBJECT)
    message = told(await send(hub, other))
    assert "which is /schemagroups/default/schemas/returns-value/versions/1" in message
    assert message.endswith(f"{MESSAGE} declares {SUBJECT}")


async def test_an_id_that_two_subjects_share_belongs_to_both(hub: Hub, producer: Producer) -> None:
    first = await producer.order("avro", topic="returns")
    second = await producer.order("avro")
    assert first.value == second.value
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, first)).status == 202


async def test_a_declared_version_takes_no_other(hub: Hub, producer: Producer) -> None:
    first = await producer.order("json")
    schema = Schema(json.dumps({**JSON, "description": "2"}), "JSON")
    second = await producer.json(schema, {"id": "A-1"})
    await declared(hub, dataschemaxid=f"{SUBJECT}/versions/2")
    assert (await send(hub, second)).status == 202
    assert told(await send(hub, first)).endswith(
        f"which is {SUBJECT}/versions/1; {MESSAGE} declares {SUBJECT}/versions/2"
    )


async def test_a_schema_in_the_message_is_the_one_that_a_frame_must_name(
    hub: Hub, producer: Producer
) -> None:
    record = await producer.order("json")
    inline = {"dataschemaformat": "JsonSchema/draft-07", "dataschema": JSON}
    await declared(hub, **inline)
    assert (await send(hub, record)).status == 202
    await declared(hub, **inline | {"dataschema": {"type": "object"}})
    assert told(await send(hub, record)).endswith(f"{MESSAGE} declares another in its dataschema")


async def test_the_schema_that_the_event_names_is_the_one_that_a_frame_must_name(
    hub: Hub, producer: Producer
) -> None:
    record = await producer.order("json")
    await producer.register("other", {"type": "string"}, "JSON")
    await declared(hub)
    body = record.value
    good = await publish(hub, body, ce_dataschema=f"http://hub{SUBJECT}/versions/1")
    assert good.status == 202
    other = "/schemagroups/default/schemas/other"
    assert told(await publish(hub, body, ce_dataschema=f"http://hub{other}")).endswith(
        f"which is {SUBJECT}/versions/1; the event's dataschema declares {other}"
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x00\x00\x00\x00", "the frame is cut: 4 bytes; it has 5 with an id and 17 with a guid"),
        (b"\x01" + bytes(15), "the frame is cut: 16 bytes; it has 5 with an id and 17 with a guid"),
        (b'{"id": "A-1"}', "the data begins with 0x7b; a frame begins with 0x00"),
        (b"", "the event has no data, and so no frame"),
    ],
)
async def test_what_has_no_frame_is_refused_where_one_is_expected(
    hub: Hub, producer: Producer, data: bytes, says: str
) -> None:
    await producer.order("json")
    await declared(hub)
    assert told(await send(hub, Record(data))).startswith(says)


@LANGUAGES
async def test_in_mode_warn_all_of_this_is_stored_with_a_warning(
    hub: Hub, producer: Producer, language: Language
) -> None:
    record = await producer.order(language)
    other = await producer.order(language, topic="returns") if language == "json" else record
    await declared(hub, dataschemaxid=SUBJECT, validation="warn")
    assert "warnings" not in (await send(hub, other)).json
    for changed in (
        record.changed(lambda value: b"\x00\x00\x00\x01\x00" + value[5:]),
        record.changed(lambda value: value[:3]),
    ):
        reply = await publish(hub, changed.value)
        assert await stored(hub, reply) == changed.value
        (warning,) = reply.json["warnings"]
        assert (warning["index"], warning["rule"]) == (0, "frame")


async def test_a_deleted_version_is_still_what_was_sent_with_it(
    hub: Hub, producer: Producer
) -> None:
    record = await producer.order("avro")
    await producer.register("orders-value", {**AVRO, "doc": "2"}, "AVRO")
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202
    await asyncio.to_thread(producer.client.delete_version, "orders-value", 1)
    assert (await publish(hub, record.value)).status == 202
    await asyncio.to_thread(producer.client.delete_version, "orders-value", 1, permanent=True)
    reply = await publish(hub, record.value)
    assert told(reply).endswith("which the context '.' does not have")


async def test_what_is_kept_of_frames_is_bounded(
    hub: Hub, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chappe.flows.frames.MOST_KNOWN", 2)
    records = [await producer.order("json", form) for form in ("id", "guid")]
    records += [await producer.order("avro", topic="returns"), Record(b"\x00" + bytes(4) + b"{}")]
    await declared(hub)
    frames = hub.parts.check.by_frame
    assert isinstance(frames, Frames)
    for _ in range(2):
        statuses = [(await send(hub, one)).status for one in records]
        assert statuses == [202, 202, 202, 422]
        assert len(frames._known) == 2


# Contexts


async def test_ids_are_those_of_the_declared_schema_s_context(hub: Hub, producer: Producer) -> None:
    await producer.order("json")
    with SchemaRegistryClient(
        {"url": f"http://127.0.0.1:{hub.port}/confluent/contexts/.shop"}
    ) as client:
        shop = Producer(client)
        record = await shop.order("avro")
    assert record.value[:5] == b"\x00\x00\x00\x00\x01"
    await declared(hub, dataschemaxid="/schemagroups/shop/schemas/orders-value")
    assert (await send(hub, record)).status == 202
    await declared(hub, dataframingcontext=".shop")
    assert (await publish(hub, record.value)).status == 202
    await declared(hub)
    assert reasons(await publish(hub, record.value)) == [("", "json")]


@pytest.mark.parametrize(
    "attributes",
    [
        {"dataframing": "other"},
        {"dataframing": None, "dataframingcontext": ".", "dataschemaxid": SUBJECT},
        {"dataframingcontext": ".", "dataschemaxid": SUBJECT},
        {"dataframingcontext": "shop"},
    ],
)
async def test_a_message_that_says_of_frames_what_cannot_be_is_refused(
    hub: Hub, attributes: dict[str, Any]
) -> None:
    reply = await declare(hub, **attributes)
    assert (reply.status, reply.kind) == (400, "invalid_attribute")
    assert "dataframing" in reply.json["subject"] + reply.json["title"]


# Where nobody expects a frame


@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream", None])
async def test_what_looks_like_a_frame_is_none_where_nobody_says_so(
    hub: Hub, producer: Producer, content_type: str | None
) -> None:
    record = await producer.order("json")
    await declared(hub, dataframing=None, dataschemaxid=SUBJECT)
    reply = await send(hub, record, content_type)
    assert reply.status == 422
    assert reply.json["errors"][0]["rule"] in ("json", "datacontenttype")
    good = await hub.publish(
        body=b'{"id": "A-1"}', ce_valueschemaid="AAAAAAE=", content_type="application/json"
    )
    assert good.status == 202


# Other ways to ask


async def test_validation_on_demand_knows_frames(hub: Hub, producer: Producer) -> None:
    record = await producer.order("avro")
    other = await producer.order("json", topic="returns")
    await declared(hub, dataschemaxid=SUBJECT)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/s",
        "ce-type": "order.paid",
    }
    good = await hub.ask("POST", "/validate", headers, record.value)
    assert (good.json["valid"], good.json["declaration"]) == (True, MESSAGE)
    bad = await hub.ask("POST", "/validate", headers, other.value)
    assert [one["rule"] for one in bad.json["errors"]] == ["frame"]
    query = f"/validate?schema={SUBJECT}"
    framed = {"content-type": "application/vnd.confluent.avro"}
    assert (await hub.ask("POST", query, framed, record.value)).json["valid"] is True
    for content_type, value, rule in (
        ("application/vnd.confluent.avro", record.value + b"\x00", "trailing"),
        ("application/vnd.confluent.json", other.value, "frame"),
        ("application/avro", record.value, "trailing"),
    ):
        bad = await hub.ask("POST", query, {"content-type": content_type}, value)
        assert [one["rule"] for one in bad.json["errors"]] == [rule]


@LANGUAGES
async def test_stored_events_in_frames_are_evidence_on_a_new_schema(
    hub: Hub, producer: Producer, language: Language
) -> None:
    record = await producer.order(language)
    await declared(hub, dataschemaxid=SUBJECT)
    assert (await send(hub, record)).status == 202
    same = (await hub.ask("GET", SUBJECT)).body
    asked = f"/validate/schema?against={SUBJECT}"
    (evidence,) = (await hub.ask("POST", asked, {}, same)).json["evidence"]
    assert (evidence["type"], evidence["events"], evidence["invalid"]) == ("order.paid", 1, 0)
    changed = same.replace(b"long", b"boolean").replace(b'"integer"', b'"null"')
    if language == "protobuf":
        changed = (
            b'syntax = "proto3"; package shop; message Nothing {} message Order { int32 id = 1; }'
        )
    assert changed != same
    (evidence,) = (await hub.ask("POST", asked, {}, changed)).json["evidence"]
    assert (evidence["events"], evidence["invalid"]) == (1, 1)


@pytest.mark.engine
@LANGUAGES
async def test_a_hub_of_its_own_takes_what_a_serializer_made(
    tmp_path: Path, language: Language
) -> None:
    async with HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        with SchemaRegistryClient({"url": f"http://127.0.0.1:{hub.port}/confluent"}) as registry:
            record = await Producer(registry).order(language)
        message = {
            "envelope": "CloudEvents/1.0",
            "dataframing": "confluent",
            "dataschemaxid": SUBJECT,
            "validation": "enforce",
        }
        answer = await client.ask_json("PUT", MESSAGE, message)
        assert answer.status == 201, answer.body
        headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "paid"}
        answer = await client.ask("POST", "/events", headers, record.value)
        assert answer.status == 202, answer.body
        found = (await client.ask("GET", "/events/1")).json()
        assert base64.b64decode(found["data_base64"]) == record.value
        headers["ce-id"] = "2"
        answer = await client.ask("POST", "/events", headers, BREAKS[language][0](record.value))
        assert (answer.status, answer.json()["code"]) == (422, "schema_mismatch")
