"""/compatibility, and what registering refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.spec.confluent_hub import Api, Reply, api, languages, record

__all__ = ("api", "languages")

OLD = record("A", a="int")
WITH_DEFAULT = record("A", a="int", b=("int", 0))
WITHOUT_DEFAULT = record("A", a="int", b="int")
EMPTY = record("A")


async def check(api: Api, schema: Any, where: str = "versions/latest?verbose=true") -> Reply:
    path = f"/compatibility/subjects/s/{where}"
    return await api.ask("POST", path, {"schema": json.dumps(schema)})


@pytest.mark.parametrize(
    ("level", "schema", "fits"),
    [
        ("NONE", WITHOUT_DEFAULT, True),
        ("BACKWARD", WITH_DEFAULT, True),
        ("BACKWARD", WITHOUT_DEFAULT, False),
        ("FORWARD", WITHOUT_DEFAULT, True),
        ("FORWARD", EMPTY, False),
        ("FULL", WITH_DEFAULT, True),
        ("FULL", WITHOUT_DEFAULT, False),
        ("FULL", EMPTY, False),
    ],
)
async def test_a_level_says_what_may_follow(api: Api, level: str, schema: Any, fits: bool) -> None:
    await api.put("s", OLD)
    await api.ask("PUT", "/config/s", {"compatibility": level})
    assert (await check(api, schema)).json["is_compatible"] is fits
    assert (await api.put("s", schema)).status == (200 if fits else 409)


async def test_a_transitive_level_looks_at_all_versions(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibility": "BACKWARD"})
    await api.put("s", EMPTY)
    await api.put("s", record("A", a=("int", 0)))
    assert (await check(api, OLD, "versions")).json["is_compatible"] is True
    await api.ask("PUT", "/config/s", {"compatibility": "BACKWARD_TRANSITIVE"})
    assert (await check(api, OLD, "versions")).json["is_compatible"] is False


async def test_a_deleted_version_does_not_matter(api: Api) -> None:
    await api.put("s", OLD)
    await api.ask("DELETE", "/subjects/s/versions/1")
    assert (await api.put("s", record("A", a="string"))).status == 200


async def test_a_refusal_tells_what_where_and_against_which_version(api: Api) -> None:
    await api.put("s", OLD)
    reply = await api.put("s", WITHOUT_DEFAULT)
    assert reply.code == (409, 409)
    message = reply.json["message"]
    assert message.startswith(
        'Schema being registered is incompatible with an earlier schema for subject "s", details:'
        " [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path"
    )
    assert "{oldSchemaVersion: 1}" in message
    assert "{validateFields: 'false', compatibility: 'BACKWARD'}" in message


async def test_messages_are_given_on_demand_only(api: Api) -> None:
    await api.put("s", OLD)
    assert (await check(api, OLD)).json == {"is_compatible": True, "messages": []}
    assert (await check(api, OLD, "versions/latest")).json == {"is_compatible": True}
    assert len((await check(api, WITHOUT_DEFAULT)).json["messages"]) == 4


async def test_an_unknown_subject_takes_anything_but_has_no_versions(api: Api) -> None:
    assert (await check(api, OLD, "versions/latest")).json == {"is_compatible": True}
    assert (await check(api, OLD, "versions")).json == {"is_compatible": True}
    assert (await check(api, OLD, "versions/1")).code == (404, 40402)


async def test_what_is_no_schema_is_told_as_a_message_on_demand(api: Api) -> None:
    assert (await check(api, {"type": "x"}, "versions/latest")).code == (422, 42201)
    verbose = await check(api, {"type": "x"})
    assert verbose.json["is_compatible"] is False
    assert "Invalid schema of type AVRO" in verbose.json["messages"][0]


async def test_another_language_does_not_fit(api: Api) -> None:
    await api.put("s", OLD)
    reply = await api.put("s", '{"type":"object"}', "JSON")
    assert reply.code == (409, 409)
    assert "Incompatible because of different schema type" in reply.json["message"]


async def test_where_nothing_is_compared_another_language_follows(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibility": "NONE"})
    await api.put("s", OLD)
    assert (await api.put("s", '{"type":"object"}', "JSON")).json["version"] == 2
    types = [(await api.ask("GET", f"/subjects/s/versions/{n}")).json["schemaType"] for n in (1, 2)]
    assert types == ["AVRO", "JSON"]


@pytest.mark.parametrize(("policy", "fits"), [(None, False), ("STRICT", False), ("LENIENT", True)])
async def test_a_policy_says_how_json_schemas_are_compared(
    api: Api, policy: str | None, fits: bool
) -> None:
    await api.put("s", {"type": "object", "properties": {"a": {"type": "string"}}}, "JSON")
    changes = {"compatibility": "BACKWARD", "compatibilityPolicy": policy}
    await api.ask("PUT", "/config/s", changes)
    more = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert ((await api.put("s", more, "JSON")).status == 200) is fits


async def test_the_semantic_policy_compares_what_is_accepted(api: Api) -> None:
    await api.put("s", {"type": "object", "required": ["a"]}, "JSON")
    await api.ask("PUT", "/config/s", {"compatibilityPolicy": "SEMANTIC"})
    assert (await api.put("s", {"type": "object", "required": ["b"]}, "JSON")).code == (409, 409)
    assert (await api.put("s", {"type": "object"}, "JSON")).status == 200


async def test_schemas_are_compared_within_their_compatibility_group(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"compatibilityGroup": "major"})
    one, two = ({"properties": {"major": number}} for number in "12")
    await api.put("s", OLD, metadata=one)
    assert (await api.put("s", record("A", a="string"), metadata=two)).status == 200
    assert (await api.put("s", record("A", a="bytes"), metadata=one)).code == (409, 409)


async def test_references_are_compared_with_what_they_stand_for(api: Api) -> None:
    await api.put("b", record("B", x="int"))
    reference = {"name": "B", "subject": "b", "version": 1}
    await api.put("s", record("A", b="B"), references=[reference])
    await api.put("b", record("B", x="int", y=("int", 0)))
    later = {**reference, "version": 2}
    assert (await api.put("s", record("A", b="B"), references=[later])).json["version"] == 2


async def test_force_registers_what_does_not_fit(api: Api) -> None:
    await api.put("s", OLD)
    body = {"schema": json.dumps(record("A", a="string"))}
    assert (await api.ask("POST", "/subjects/s/versions?force=true", body)).json["version"] == 2


async def test_reserved_fields_stay_reserved(api: Api) -> None:
    await api.ask("PUT", "/config/s", {"validateFields": True})
    reserved = {"properties": {"confluent:reserved": "x"}}
    await api.put("s", OLD, metadata=reserved)
    taken = await api.put("s", record("A", a="int", x=("int", 0)), metadata=reserved)
    assert "FIELD_CONFLICTS_WITH_RESERVED_FIELD" in taken.json["message"]
    dropped = await api.put("s", WITH_DEFAULT, metadata={"properties": {"a": "b"}})
    assert "RESERVED_FIELD_REMOVED" in dropped.json["message"]
