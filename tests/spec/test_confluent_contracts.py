"""Data contracts: metadata, rules, tags; and schemas by guid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.spec.confluent_hub import STRING, Api, api, languages, record

__all__ = ("api", "languages")

RULE = {"name": "checkLen", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "x"}
PERSON = record("shop.Person", email="string")
PROTO = """syntax = "proto3";
package shop;
message Person {
  string email = 1;
  Home home = 2;
  message Home { string city = 1; }
}
"""


async def test_a_contract_is_kept_and_shown(api: Api) -> None:
    metadata = {"tags": {"a.b": ["PII"]}, "properties": {"owner": "shop"}, "sensitive": ["owner"]}
    reply = await api.put("s", STRING, metadata=metadata, ruleSet={"domainRules": [RULE]})
    assert reply.json["metadata"] == metadata
    shown = {**RULE, "disabled": False}
    assert reply.json["ruleSet"] == {"domainRules": [shown]}
    by_id = await api.ask("GET", "/schemas/ids/1")
    assert (by_id.json["metadata"], by_id.json["ruleSet"]) == (
        metadata,
        {"domainRules": [shown]},
    )


async def test_another_contract_is_another_schema(api: Api) -> None:
    await api.put("s", STRING, metadata={"properties": {"owner": "a"}})
    reply = await api.put("s", STRING, metadata={"properties": {"owner": "b"}})
    assert (reply.json["id"], reply.json["version"]) == (2, 2)


async def test_a_schema_without_a_contract_takes_over_that_before_it(api: Api) -> None:
    await api.put("s", record("A"), metadata={"properties": {"owner": "a"}})
    reply = await api.put("s", record("A", a=("int", 0)))
    assert reply.json["metadata"] == {"properties": {"owner": "a"}}


async def test_the_latest_version_with_properties_is_found(api: Api) -> None:
    await api.put("s", record("A"), metadata={"properties": {"major": "1"}})
    await api.put("s", record("A", a=("int", 0)), metadata={"properties": {"major": "2"}})
    path = "/subjects/s/metadata?key=major&value="
    assert (await api.ask("GET", f"{path}1")).json["version"] == 1
    assert (await api.ask("GET", f"{path}3")).code == (404, 40403)
    assert (await api.ask("GET", "/subjects/x/metadata?key=a&value=b")).code == (404, 40401)


async def test_the_version_is_written_where_it_is_asked_for(api: Api) -> None:
    asks = {"properties": {"confluent:version": "0"}}
    reply = await api.put("s", STRING, metadata=asks)
    assert reply.json["metadata"]["properties"] == {"confluent:version": "1"}
    assert (await api.put("s", STRING)).json["version"] == 1


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({"domainRules": [{"type": "CEL"}]}, "Missing rule name"),
        ({"domainRules": [{"name": "", "type": "CEL"}]}, "Empty rule name"),
        ({"domainRules": [{"name": "1a", "type": "CEL"}]}, "Illegal initial character"),
        ({"domainRules": [{"name": "a b", "type": "CEL"}]}, "Illegal character"),
        ({"domainRules": [{"name": "a" * 257, "type": "CEL"}]}, "Rule name too long"),
        ({"domainRules": [{"name": "a"}]}, "Missing rule type"),
        ({"domainRules": [RULE, RULE]}, "duplicate name 'checkLen'"),
        ({"domainRules": [{**RULE, "mode": "UPGRADE"}]}, "Domain rules can only be"),
        ({"migrationRules": [RULE]}, "Migration rules can only be"),
        ({"encodingRules": [{**RULE, "mode": "UPDOWN"}]}, "Encoding rules can only be"),
        ({"domainRules": [{**RULE, "onFailure": "a,b"}]}, "Multiple actions"),
    ],
)
async def test_a_rule_that_is_none_is_refused(api: Api, rules: Any, what: str) -> None:
    reply = await api.put("s", STRING, ruleSet=rules)
    assert reply.code == (422, 42210)
    assert what in reply.json["message"]


async def test_schemas_are_found_by_a_type_of_rule(api: Api) -> None:
    await api.put("a", STRING)
    await api.put("b", STRING, ruleSet={"domainRules": [RULE]})
    found = (await api.ask("GET", "/schemas?ruleType=CEL")).json
    assert [one["subject"] for one in found] == ["b"]


async def test_a_guid_is_the_same_in_all_contexts(api: Api) -> None:
    guid = (await api.put("s", STRING)).json["guid"]
    await api.put(":.shop:t", '"int"')
    assert (await api.put(":.shop:s", STRING)).json["guid"] == guid
    found = await api.ask("GET", f"/schemas/guids/{guid}")
    assert (found.json["schema"], found.json["guid"]) == (STRING, guid)
    ids = await api.ask("GET", f"/schemas/guids/{guid}/ids")
    assert ids.json == [{"context": ".", "id": 1}, {"context": ".shop", "id": 2}]
    assert (await api.ask("GET", "/schemas/guids/none")).code == (404, 40403)


@pytest.mark.parametrize(
    ("type_", "schema", "path", "kind"),
    [
        ("AVRO", PERSON, "shop.Person.email", "sr_field"),
        ("AVRO", PERSON, "shop.Person", "sr_record"),
        ("PROTOBUF", PROTO, "Person", "sr_record"),
        ("PROTOBUF", PROTO, "Person.email", "sr_field"),
        ("PROTOBUF", PROTO, "Person.Home.city", "sr_field"),
        (
            "JSON",
            {"type": "object", "properties": {"email": {"type": "string"}}},
            "object.email",
            "sr_field",
        ),
    ],
)
async def test_tags_are_put_into_a_version_of_their_own(
    api: Api, type_: str, schema: Any, path: str, kind: str
) -> None:
    await api.put("s", schema, type_)
    entity = {"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": ["PII"]}
    reply = await api.ask(
        "POST", "/subjects/s/versions/1/tags", {"newVersion": 2, "tagsToAdd": [entity]}
    )
    assert reply.json["version"] == 2
    assert reply.json["metadata"]["properties"] == {"confluent:version": "2"}
    tagged = await api.ask("GET", "/subjects/s/versions/2?findTags=PII")
    assert tagged.json["schemaTags"] == [entity]
    removed = {"newVersion": 3, "tagsToRemove": [entity]}
    await api.ask("POST", "/subjects/s/versions/2/tags", removed)
    assert (await api.ask("GET", "/subjects/s/versions/3?findTags=*")).json["schemaTags"] == []


def entity_of(path: str, *tags: str, kind: str = "sr_field") -> dict[str, Any]:
    return {"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": list(tags)}


@pytest.mark.parametrize(
    ("type_", "schema", "path"),
    [
        ("AVRO", PERSON, "shop.X"),
        ("AVRO", PERSON, "shop.Person"),  # a record, but no field
        ("PROTOBUF", PROTO, "shop.Person.email"),
        ("PROTOBUF", PROTO, "..Person.email"),
        ("PROTOBUF", PROTO, "Person.Home"),
    ],
)
async def test_a_tag_of_nothing_is_refused(api: Api, type_: str, schema: Any, path: str) -> None:
    await api.put("s", schema, type_)
    sent = {"tagsToAdd": [entity_of(path, "PII")]}
    reply = await api.ask("POST", "/subjects/s/versions/1/tags", sent)
    assert reply.code == (422, 42201)
    assert f"No matching path '{path}' found" in reply.json["message"]


async def test_tags_stand_in_the_text_of_a_protobuf_schema(api: Api) -> None:
    await api.put("s", PROTO, "PROTOBUF")
    sent = {"tagsToAdd": [entity_of(".Person.email", "PII", "MAIL")]}
    reply = await api.ask("POST", "/subjects/s/versions/1/tags", {"newVersion": 2, **sent})
    text = (await api.ask("GET", "/subjects/s/versions/2/schema")).body.decode()
    assert 'import "confluent/meta.proto";' in text
    assert (
        'email = 1 [(.confluent.field_meta) = {\n    tags: "PII",\n    tags: "MAIL"\n  }];' in text
    )
    assert reply.json["schema"] == text
    body = {"schema": text, "schemaType": "PROTOBUF"}
    assert (await api.ask("POST", "/subjects/s", body)).json["version"] == 2


async def test_a_protobuf_schema_with_references_can_be_tagged(api: Api) -> None:
    await api.put("home", 'syntax = "proto3"; message Home { string city = 1; }', "PROTOBUF")
    references = [{"name": "home.proto", "subject": "home", "version": 1}]
    text = 'syntax = "proto3"; import "home.proto"; message Person { Home home = 1; }'
    await api.put("s", text, "PROTOBUF", references=references)
    sent = {"newVersion": 2, "tagsToAdd": [entity_of("Person.home", "PII")]}
    reply = await api.ask("POST", "/subjects/s/versions/1/tags", sent)
    assert (reply.json["version"], reply.json["references"]) == (2, references)
    found = await api.ask("GET", f"/schemas/ids/{reply.json['id']}?findTags=PII")
    assert found.json["schemaTags"] == [entity_of("Person.home", "PII")]


async def test_tags_of_a_protobuf_schema_go_on_where_that_is_asked_for(api: Api) -> None:
    await api.put("s", PROTO, "PROTOBUF", schemaTagsToAdd=[entity_of("Person.email", "PII")])
    more = PROTO.replace("Home home = 2;", "Home home = 2; string name = 3;")
    reply = await api.put("s", more, "PROTOBUF", propagateSchemaTags=True)
    assert reply.json["version"] == 2
    found = await api.ask("GET", "/subjects/s/versions/2?findTags=*")
    assert found.json["schemaTags"] == [entity_of("Person.email", "PII")]
    plain = await api.put("s", more + "// without", "PROTOBUF")
    shown = await api.ask("GET", f"/subjects/s/versions/{plain.json['version']}?findTags=*")
    assert (plain.json["version"], shown.json["schemaTags"]) == (3, [])


async def test_no_tag_is_put_into_what_is_no_schema(api: Api) -> None:
    for type_, text in (("PROTOBUF", "message {"), ("AVRO", "{")):
        reply = await api.put("s", text, type_, schemaTagsToAdd=[entity_of("A.b", "PII")])
        assert reply.code == (422, 42201)


async def test_rules_are_merged_into_a_version_of_their_own(api: Api) -> None:
    await api.put("s", PERSON, ruleSet={"domainRules": [RULE]})
    other = {**RULE, "name": "other"}
    body = {"rulesToMerge": {"domainRules": [other]}, "rulesToRemove": ["checkLen"]}
    reply = await api.ask("POST", "/subjects/s/versions/latest/tags", {"newVersion": 2, **body})
    assert [one["name"] for one in reply.json["ruleSet"]["domainRules"]] == ["other"]


async def test_tags_may_be_changed_while_registering(api: Api) -> None:
    entity = {
        "schemaEntity": {"entityPath": "shop.Person.email", "entityType": "sr_field"},
        "tags": ["PII"],
    }
    await api.put("s", PERSON, schemaTagsToAdd=[entity])
    found = await api.ask("GET", "/schemas/ids/1?findTags=PII")
    assert found.json["schemaTags"] == [entity]
    assert "confluent:tags" in json.loads(found.json["schema"])["fields"][0]
