"""/subjects and /schemas: registering, finding, listing."""

from __future__ import annotations

import base64
import json

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")

PROTO = 'syntax = "proto3";\n\nmessage Order {\n  string id = 1;\n}\n'


async def test_a_first_schema_is_version_1_with_id_1(api: Api) -> None:
    reply = await api.put("orders-value", record("Order", id="string"))
    text = '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}'
    assert reply.status == 200
    assert {name: reply.json[name] for name in ("id", "version", "schemaType", "schema")} == {
        "id": 1,
        "version": 1,
        "schemaType": "AVRO",
        "schema": text,
    }


async def test_the_same_schema_again_changes_nothing(api: Api) -> None:
    first = await api.put("orders-value", record("Order", id="string"))
    revision = api.register.state.value.revision
    spelt = json.dumps(record("Order", id="string"), indent=4)
    again = await api.put("orders-value", spelt)
    assert (again.json["id"], again.json["version"]) == (first.json["id"], 1)
    assert api.register.state.value.revision == revision


async def test_the_same_schema_under_another_subject_has_the_same_id(api: Api) -> None:
    await api.put("a", STRING)
    await api.put("b", '"int"')
    assert (await api.put("c", STRING)).json["id"] == 1
    subjects = await api.ask("GET", "/schemas/ids/1/subjects")
    versions = await api.ask("GET", "/schemas/ids/1/versions")
    assert subjects.json == ["a", "c"]
    assert versions.json == [{"subject": "a", "version": 1}, {"subject": "c", "version": 1}]


async def test_the_same_text_in_another_language_is_another_schema(api: Api) -> None:
    text = '{"type":"record","name":"A","fields":[]}'
    assert (await api.put("a", text)).json["id"] == 1
    reply = await api.put("b", '{"type":"object","name":"A","fields":[]}', "JSON")
    assert (reply.json["id"], reply.json["schemaType"]) == (2, "JSON")


@pytest.mark.parametrize(
    ("type_", "schema"), [("AVRO", STRING), ("JSON", '{"type":"object"}'), ("PROTOBUF", PROTO)]
)
async def test_a_schema_of_each_language_is_found_by_its_id(
    api: Api, type_: str, schema: str
) -> None:
    id_ = (await api.put("s", schema, type_)).json["id"]
    reply = await api.ask("GET", f"/schemas/ids/{id_}")
    assert (reply.json["schemaType"], reply.json["schema"]) == (type_, schema)
    raw = await api.ask("GET", f"/schemas/ids/{id_}/schema")
    assert raw.body.decode() == schema


async def test_a_schema_by_its_id_is_the_same_for_ever(api: Api) -> None:
    await api.put("s", STRING)
    reply = await api.ask("GET", "/schemas/ids/1")
    assert reply.headers[b"cache-control"] == b"max-age=31536000, immutable"
    tag = reply.headers[b"etag"].decode()
    again = await api.ask("GET", "/schemas/ids/1", headers={"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("id_", ["2", "0", "-1"])
async def test_an_id_that_was_not_given_is_not_found(api: Api, id_: str) -> None:
    await api.put("s", STRING)
    assert (await api.ask("GET", f"/schemas/ids/{id_}")).code == (404, 40403)


async def test_what_is_no_id_is_no_path(api: Api) -> None:
    assert (await api.ask("GET", "/schemas/ids/abc")).code == (404, 404)


@pytest.mark.parametrize("version", ["1", "latest", "-1", "LATEST"])
async def test_a_version_by_its_number_or_as_the_latest(api: Api, version: str) -> None:
    await api.put("s", STRING)
    reply = await api.ask("GET", f"/subjects/s/versions/{version}")
    assert (reply.json["subject"], reply.json["version"], reply.json["id"]) == ("s", 1, 1)


@pytest.mark.parametrize("version", ["0", "-2", "abc", "2147483648", "1.5"])
async def test_what_is_no_version_is_refused(api: Api, version: str) -> None:
    await api.put("s", STRING)
    assert (await api.ask("GET", f"/subjects/s/versions/{version}")).code == (422, 42202)


async def test_a_version_or_a_subject_that_is_not_there(api: Api) -> None:
    await api.put("s", STRING)
    assert (await api.ask("GET", "/subjects/s/versions/2")).code == (404, 40402)
    assert (await api.ask("GET", "/subjects/x/versions/1")).code == (404, 40401)
    assert (await api.ask("GET", "/subjects/x/versions")).code == (404, 40401)


async def test_a_schema_is_looked_up_under_its_subject(api: Api) -> None:
    await api.put("s", STRING)
    found = await api.ask("POST", "/subjects/s", {"schema": '{"type": "string"}'})
    assert (found.json["subject"], found.json["version"], found.json["id"]) == ("s", 1, 1)
    assert (await api.ask("POST", "/subjects/s", {"schema": '"int"'})).code == (404, 40403)
    assert (await api.ask("POST", "/subjects/x", {"schema": '"int"'})).code == (404, 40401)
    assert (await api.ask("POST", "/subjects/s", {"schema": "{"})).code == (422, 42201)


@pytest.mark.parametrize(
    ("type_", "schema"),
    [
        ("AVRO", "{"),
        ("AVRO", '{"type":"nothing"}'),
        ("AVRO", ""),
        ("JSON", "{no json"),
        ("JSON", '{"type":"nothing"}'),
        ("PROTOBUF", "this is none"),
        ("THRIFT", "struct A {}"),
    ],
)
async def test_what_is_no_schema_is_refused(api: Api, type_: str, schema: str) -> None:
    reply = await api.put("s", schema, type_)
    assert reply.code == (422, 42201)
    assert (await api.ask("GET", "/subjects")).json == []


async def test_a_json_schema_with_keys_in_another_order_is_the_same(api: Api) -> None:
    await api.put("s", '{"type":"object","title":"A"}', "JSON")
    reply = await api.put("s", '{"title":"A","type":"object"}', "JSON")
    assert reply.json["version"] == 1


async def test_normalize_makes_one_text_of_several(api: Api) -> None:
    one = await api.ask(
        "POST",
        "/subjects/a/versions?normalize=true",
        {"schemaType": "JSON", "schema": '{"type":"object","title":"A"}'},
    )
    other = await api.ask(
        "POST",
        "/subjects/b/versions?normalize=True",
        {"schemaType": "JSON", "schema": '{"title":"A","type":"object"}'},
    )
    assert one.json["schema"] == other.json["schema"] == '{"title":"A","type":"object"}'
    assert one.json["id"] == other.json["id"]


async def test_subjects_are_listed_in_order_by_prefix_and_in_pages(api: Api) -> None:
    for subject in ("b-1", "a-2", "a-1"):
        await api.put(subject, STRING)
    assert (await api.ask("GET", "/subjects")).json == ["a-1", "a-2", "b-1"]
    assert (await api.ask("GET", "/subjects?subjectPrefix=a-")).json == ["a-1", "a-2"]
    assert (await api.ask("GET", "/subjects?offset=1&limit=1")).json == ["a-2"]
    assert (await api.ask("GET", "/subjects?offset=0&limit=-1")).json == ["a-1", "a-2", "b-1"]


async def test_schemas_are_listed_all_or_the_latest_alone(api: Api) -> None:
    await api.put("s", record("A", a="int"))
    await api.put("s", record("A", a="int", b=("int", 0)))
    listed = (await api.ask("GET", "/schemas")).json
    assert [(one["subject"], one["version"]) for one in listed] == [("s", 1), ("s", 2)]
    latest = (await api.ask("GET", "/schemas?latestOnly=true")).json
    assert [one["version"] for one in latest] == [2]


async def test_subjects_may_have_any_names(api: Api) -> None:
    names = ["a b/c", "größe", "Orders", "orders", "%", "x" * 300]
    for name in names:
        assert (await api.put(_quoted(name), STRING)).status == 200
    assert (await api.ask("GET", "/subjects")).json == sorted(names)
    for name in names:
        reply = await api.ask("GET", f"/subjects/{_quoted(name)}/versions/1")
        assert reply.json["subject"] == name


async def test_a_subject_with_a_control_character_is_refused(api: Api) -> None:
    assert (await api.put("a%0Ab", STRING)).code == (422, 42208)


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


async def test_a_schema_may_refer_to_others(api: Api) -> None:
    await api.put("address", record("shop.Address", street="string"))
    person = record("shop.Person", home="shop.Address")
    reference = {"name": "shop.Address", "subject": "address", "version": 1}
    reply = await api.put("person", person, references=[reference])
    assert reply.json["references"] == [reference]
    referrers = await api.ask("GET", "/subjects/address/versions/1/referencedby")
    assert referrers.json == [reply.json["id"]]
    whole = await api.ask("GET", "/schemas/ids/2?format=resolved")
    assert "street" in whole.json["schema"]


async def test_a_schema_with_its_references_written_out_is_found(api: Api) -> None:
    await api.put("address", record("shop.Address", street="string"))
    reference = {"name": "shop.Address", "subject": "address", "version": 1}
    await api.put("person", record("shop.Person", home="shop.Address"), references=[reference])
    whole = record("shop.Person", home=record("shop.Address", street="string"))
    found = await api.ask("POST", "/subjects/person", {"schema": json.dumps(whole)})
    assert found.json["version"] == 1


async def test_the_latest_version_of_a_reference_is_pinned(api: Api) -> None:
    await api.put("address", record("shop.Address", street="string"))
    reference = {"name": "shop.Address", "subject": "address", "version": -1}
    reply = await api.put(
        "person", record("shop.Person", home="shop.Address"), references=[reference]
    )
    assert reply.json["references"][0]["version"] == 1


async def test_a_reference_to_nothing_is_refused(api: Api) -> None:
    reference = {"name": "shop.Address", "subject": "address", "version": 1}
    reply = await api.put(
        "person", record("shop.Person", home="shop.Address"), references=[reference]
    )
    assert reply.code == (422, 42201)
    assert 'No schema reference found for subject "address" and version 1' in reply.json["message"]


async def test_protobuf_schemas_have_the_text_and_the_guid_that_confluents_clients_give_them(
    api: Api,
) -> None:
    # The guids are what io.confluent...rest.entities.Schema.getGuid() of 8.5 computes.
    money = 'syntax = "proto3"; package shop; message Money { int64 units = 1; }'
    order = """syntax = "proto3"; package shop; import "money.proto"; option java_package="com.shop";
      message Order { // comment
        string id = 1; Money price = 2; oneof pay { string card = 3; Kind kind = 4; }
        map<string, Money> extra = 5; repeated Line lines = 6; optional int32 n = 7;
        enum Kind { A = 0; B = 1; } message Line { string sku = 1 [deprecated = true]; } }
      enum Top { X = 0; }"""
    one = (await api.put("money", money, "PROTOBUF")).json
    assert one["schema"] == (
        'syntax = "proto3";\npackage shop;\n\nmessage Money {\n  int64 units = 1;\n}\n'
    )
    assert one["guid"] == "48cf3fca-5ab9-cd82-50db-9e08c0e19886"
    references = [{"name": "money.proto", "subject": "money", "version": 1}]
    two = (await api.put("order", order, "PROTOBUF", references=references)).json
    assert "\n  map<string, Money> extra = 5;\n" in two["schema"]
    assert two["guid"] == "7e36066e-9b03-9f75-d743-f9e58597dde1"


async def test_names_that_are_written_otherwise_make_another_schema_unless_normalized(
    api: Api,
) -> None:
    one = 'syntax = "proto3"; package p; message A { B b = 1; } message B {}'
    other = one.replace("{ B b", "{ .p.B b")
    assert (await api.put("s", one, "PROTOBUF")).json["id"] == 1
    assert (await api.put("t", other, "PROTOBUF")).json["id"] == 2
    for subject, text in (("u", one), ("v", other)):
        body = {"schema": text, "schemaType": "PROTOBUF"}
        reply = await api.ask("POST", f"/subjects/{subject}/versions?normalize=true", body)
        assert reply.json["id"] == 2


async def test_a_descriptor_may_leave_out_what_an_optional_field_needs(api: Api) -> None:
    file = FileDescriptorProto(name="x", package="p", syntax="proto3")
    inner = file.message_type.add(name="Outer").nested_type.add(name="Inner")
    outer = file.message_type[0]
    for number, (message, type_name) in enumerate(
        [(outer, "Outer.Inner"), (outer, "p.Outer"), (inner, "Inner")], 1
    ):
        message.field.add(
            name=f"f{number}",
            number=number,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type_name=type_name,
            proto3_optional=True,
        )
    outer.oneof_decl.add(name="_f1")
    sent = base64.b64encode(file.SerializeToString()).decode()
    assert (await api.put("s", sent, "PROTOBUF")).status == 200
    assert (await api.ask("GET", "/subjects/s/versions/1")).json["schema"] == (
        'syntax = "proto3";\npackage p;\n\n'
        "message Outer {\n"
        "  optional .p.Outer.Inner f1 = 1;\n"
        "  optional .p.Outer f2 = 2;\n"
        "\n"
        "  message Inner {\n"
        "    optional .p.Outer.Inner f3 = 3;\n"
        "  }\n"
        "}\n"
    )


async def test_a_descriptor_of_protobuf_is_given_on_demand(api: Api) -> None:
    await api.put("s", PROTO, "PROTOBUF")
    reply = await api.ask("GET", "/schemas/ids/1?format=serialized")
    again = await api.put("t", reply.json["schema"], "PROTOBUF")
    assert again.json["id"] == 1


async def test_the_next_id_follows_the_highest_one(api: Api) -> None:
    await api.put("a", STRING)
    await api.ask("DELETE", "/subjects/a")
    await api.ask("DELETE", "/subjects/a?permanent=true")
    assert (await api.put("a", '"int"')).json["id"] == 2
    assert (await api.ask("GET", "/schemas/ids/2?fetchMaxId=true")).json["maxId"] == 2
