"""Confluent's own client against the hub: what Kafka programs do with a schema registry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from http_edge import Hub, running

ORDER = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [{"name": "id", "type": "string"}, {"name": "cents", "type": "long"}],
    }
)
ORDER_2 = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "string"},
            {"name": "cents", "type": "long"},
            {"name": "note", "type": "string", "default": ""},
        ],
    }
)
CONTEXT = SerializationContext("orders", MessageField.VALUE)


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


@pytest.fixture
def client(hub: Hub) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": f"http://127.0.0.1:{hub.port}/confluent"}) as one:
        yield one


def protobuf_order() -> Any:
    """The class of `message Order { string id = 1; }` in shop/order.proto."""
    file = FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    field = FieldDescriptorProto(
        name="id",
        number=1,
        type=FieldDescriptorProto.TYPE_STRING,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
    )
    file.message_type.append(DescriptorProto(name="Order", field=[field]))
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


async def asked(do: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """The client waits for its answers, so it does that beside the hub."""
    return await asyncio.to_thread(do, *args, **named)


async def sent(serializer: Callable[..., Any], *args: Any, value: Any) -> Any:
    """A value as a serializer sends it; making one asks the registry, too."""
    return await asked(lambda: serializer(*args)(value, CONTEXT))


async def refused(do: Callable[..., Any], *args: Any, **named: Any) -> SchemaRegistryError:
    with pytest.raises(SchemaRegistryError) as caught:
        await asked(do, *args, **named)
    return caught.value


async def test_an_avro_record_comes_back_as_it_was(client: SchemaRegistryClient) -> None:
    data = await sent(AvroSerializer, client, ORDER, value={"id": "A-1", "cents": 990})
    assert await asked(AvroDeserializer(client), data, CONTEXT) == {"id": "A-1", "cents": 990}
    assert await asked(client.get_subjects) == ["orders-value"]


async def test_a_json_object_comes_back_as_it_was(client: SchemaRegistryClient) -> None:
    schema = json.dumps(
        {"title": "Order", "type": "object", "properties": {"id": {"type": "string"}}}
    )
    data = await sent(JSONSerializer, schema, client, value={"id": "A-1"})
    reader = JSONDeserializer(None, schema_registry_client=client)
    assert await asked(reader, data, CONTEXT) == {"id": "A-1"}


async def test_an_object_that_breaks_its_schema_is_not_sent(client: SchemaRegistryClient) -> None:
    schema = json.dumps(
        {"title": "Order", "type": "object", "properties": {"id": {"type": "string"}}}
    )
    with pytest.raises(SerializationError):
        await sent(JSONSerializer, schema, client, value={"id": 1})


async def test_a_protobuf_message_comes_back_as_it_was(client: SchemaRegistryClient) -> None:
    order = protobuf_order()
    data = await sent(ProtobufSerializer, order, client, value=order(id="A-1"))
    client.clear_caches()  # type: ignore[no-untyped-call]
    reader = ProtobufDeserializer(order, {}, client)
    assert await asked(reader, data, CONTEXT) == order(id="A-1")


async def test_a_reader_of_the_latest_version_sees_its_defaults(
    client: SchemaRegistryClient,
) -> None:
    data = await sent(AvroSerializer, client, ORDER, value={"id": "A-1", "cents": 990})
    await asked(client.register_schema, "orders-value", Schema(ORDER_2, "AVRO"))
    reader = AvroDeserializer(client, ORDER_2)
    assert (await asked(reader, data, CONTEXT))["note"] == ""


async def test_a_schema_that_is_registered_keeps_its_id(client: SchemaRegistryClient) -> None:
    first = await asked(client.register_schema, "a-value", Schema(ORDER, "AVRO"))
    second = await asked(client.register_schema, "b-value", Schema(ORDER, "AVRO"))
    client.clear_caches()  # type: ignore[no-untyped-call]
    found = await asked(client.lookup_schema, "a-value", Schema(ORDER, "AVRO"))
    assert (first, second, found.schema_id, found.version) == (1, 1, 1, 1)
    assert sorted(await asked(client.get_subjects)) == ["a-value", "b-value"]


async def test_a_schema_with_references_is_found_by_its_id(client: SchemaRegistryClient) -> None:
    await asked(client.register_schema, "order", Schema(ORDER, "AVRO"))
    basket = json.dumps(
        {
            "type": "record",
            "name": "Basket",
            "namespace": "shop",
            "fields": [{"name": "orders", "type": {"type": "array", "items": "shop.Order"}}],
        }
    )
    schema = Schema(basket, "AVRO", [SchemaReference("shop.Order", "order", 1)])
    value = {"orders": [{"id": "A-1", "cents": 1}]}
    data = await sent(AvroSerializer, client, schema, value=value)
    client.clear_caches()  # type: ignore[no-untyped-call]
    assert await asked(AvroDeserializer(client), data, CONTEXT) == value
    assert (await refused(client.delete_subject, "order")).error_code == 42206


async def test_an_incompatible_schema_is_refused_and_told_why(
    client: SchemaRegistryClient,
) -> None:
    await asked(client.register_schema, "orders-value", Schema(ORDER, "AVRO"))
    other = Schema(ORDER.replace('"long"', '"string"'), "AVRO")
    error = await refused(client.register_schema, "orders-value", other)
    assert (error.http_status_code, error.error_code) == (409, 409)
    assert "TYPE_MISMATCH" in error.error_message
    assert await asked(client.test_compatibility, "orders-value", other) is False
    assert await asked(client.test_compatibility_all_versions, "orders-value", other) is False


async def test_what_is_deleted_can_be_deleted_for_good(client: SchemaRegistryClient) -> None:
    await asked(client.register_schema, "orders-value", Schema(ORDER, "AVRO"))
    await asked(client.register_schema, "orders-value", Schema(ORDER_2, "AVRO"))
    assert await asked(client.delete_version, "orders-value", 1) == 1
    assert await asked(client.get_versions, "orders-value") == [2]
    assert await asked(client.delete_subject, "orders-value") == [2]
    assert await asked(client.delete_subject, "orders-value", permanent=True) == [1, 2]
    assert (await refused(client.get_latest_version, "orders-value")).error_code == 40401


async def test_the_compatibility_level_of_a_subject(client: SchemaRegistryClient) -> None:
    assert await asked(client.get_compatibility) == "BACKWARD"
    await asked(client.set_compatibility, "orders-value", "FULL")
    assert await asked(client.get_compatibility, "orders-value") == "FULL"


async def test_the_other_calls_of_the_client_are_answered(client: SchemaRegistryClient) -> None:
    id_ = await asked(client.register_schema, "orders-value", Schema(ORDER, "AVRO"))
    guid = (await asked(client.get_version, "orders-value", 1)).guid
    by_guid = await asked(client.get_schema_by_guid, guid)
    assert json.loads(by_guid.schema_str) == json.loads(ORDER)
    assert await asked(client.get_schema_types) == ["AVRO", "JSON", "PROTOBUF"]
    assert await asked(client.get_subjects_by_schema_id, id_) == ["orders-value"]
    assert await asked(client.get_contexts) == ["."]
    assert await asked(client.get_referenced_by, "orders-value", 1) == []
    assert await asked(client.get_global_mode) == "READWRITE"


async def test_a_wrong_path_is_answered_in_the_api_s_own_form(hub: Hub) -> None:
    reply = await hub.ask("GET", "/confluent/nowhere")
    assert (reply.status, reply.json) == (
        404,
        {"error_code": 404, "message": "HTTP 404 Not Found"},
    )
