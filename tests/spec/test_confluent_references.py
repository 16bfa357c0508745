"""Schemas with references: what they stand for is compared, each side with its own versions of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.spec.confluent_hub import Api, Reply, api, languages, record

__all__ = ("api", "languages")


@dataclass(frozen=True)
class Sample:
    """One language: a schema that refers to `part`, a part that may change so, and one that may not."""

    type: str
    name: str
    user: Any
    part: Any
    compatible: Any
    incompatible: Any


def proto(*lines: str) -> str:
    return "\n".join(('syntax = "proto3";', *lines)) + "\n"


def of_type(type_: str, **more: Any) -> Mapping[str, Any]:
    part = {"type": "object", "properties": {"x": {"type": type_}}, **more}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **part}


SAMPLES = [
    Sample(
        "AVRO", "Part", record("User", part="Part"),
        record("Part", x="int"), record("Part", x="long"), record("Part", x="string"),
    ),
    Sample(
        "JSON", "part.json",
        {"type": "object", "properties": {"part": {"$ref": "part.json"}}},
        of_type("integer"), of_type("number"), of_type("string"),
    ),
    Sample(
        "PROTOBUF", "part.proto",
        proto('import "part.proto";', "message User { Part part = 1; }"),
        proto("message Part { int32 x = 1; }"),
        proto("message Part { int64 x = 1; }"),
        proto("message Part { string x = 1; }"),
    ),
]  # fmt: skip
each = pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: one.type)


def to(name: str, version: int, subject: str = "part") -> dict[str, Any]:
    return {"name": name, "subject": subject, "version": version}


async def put_user(api: Api, sample: Sample, version: int) -> Reply:
    return await api.put("user", sample.user, sample.type, references=[to(sample.name, version)])


async def check(api: Api, sample: Sample, version: int, at: str = "versions/latest") -> Any:
    text = sample.user if isinstance(sample.user, str) else json.dumps(sample.user)
    body = {"schema": text, "schemaType": sample.type, "references": [to(sample.name, version)]}
    reply = await api.ask("POST", f"/compatibility/subjects/user/{at}?verbose=true", body)
    return reply.json


async def parts(api: Api, sample: Sample, *versions: Any) -> None:
    """Register versions of the part, whatever they are."""
    await api.ask("PUT", "/config/part", {"compatibility": "NONE"})
    for one in versions:
        assert (await api.put("part", one, sample.type)).status == 200


@each
@pytest.mark.parametrize("at", ["versions/latest", "versions", "versions/1"])
async def test_the_same_text_may_not_follow_with_a_part_that_broke(
    api: Api, sample: Sample, at: str
) -> None:
    await parts(api, sample, sample.part, sample.incompatible)
    assert (await put_user(api, sample, 1)).json["version"] == 1

    checked = await check(api, sample, 2, at)
    assert checked["is_compatible"] is False
    assert "oldSchemaVersion: 1" in " ".join(checked["messages"])
    assert (await put_user(api, sample, 2)).status == 409
    assert (await api.ask("GET", "/subjects/user/versions")).json == [1]


@each
async def test_the_same_text_may_follow_with_a_part_that_grew(api: Api, sample: Sample) -> None:
    await parts(api, sample, sample.part, sample.compatible)
    await put_user(api, sample, 1)

    assert (await check(api, sample, 2))["is_compatible"] is True
    assert (await put_user(api, sample, 2)).json["version"] == 2


@each
async def test_a_deleted_part_still_stands_for_itself_in_what_refers_to_it(
    api: Api, sample: Sample
) -> None:
    await parts(api, sample, sample.part, sample.incompatible)
    await put_user(api, sample, 1)
    await api.ask("DELETE", "/subjects/user/versions/1")
    await api.ask("DELETE", "/subjects/part/versions/1")

    reply = await put_user(api, sample, 1)
    assert reply.code == (422, 42201)
    assert "No schema reference found" in reply.json["message"]
    (message,) = (await check(api, sample, 1))["messages"]
    assert "No schema reference found" in message


@each
async def test_a_rule_of_the_registry_compares_what_references_stand_for(
    api: Api, sample: Sample
) -> None:
    await parts(api, sample, sample.part, sample.compatible, sample.incompatible)
    await api.ask("PUT", "/config/user", {"compatibility": "NONE"})
    await put_user(api, sample, 1)
    await api.write(
        "PATCH", "/schemagroups/default/schemas/user/meta", {"compatibility": "backward"}
    )

    assert (await put_user(api, sample, 3)).status == 409
    assert (await put_user(api, sample, 2)).json["version"] == 2


@each
async def test_a_version_between_others_can_be_deleted_whatever_the_registry_s_rule(
    api: Api, sample: Sample
) -> None:
    await parts(api, sample, sample.part, sample.compatible)
    await put_user(api, sample, 1)
    await api.write(
        "PATCH", "/schemagroups/default/schemas/user/meta", {"compatibility": "backward"}
    )
    assert (await put_user(api, sample, 2)).json["version"] == 2
    owned = {"properties": {"owner": "shop"}}
    references = [to(sample.name, 2)]
    more = await api.put("user", sample.user, sample.type, references=references, metadata=owned)
    assert more.json["version"] == 3
    await api.ask("DELETE", "/subjects/user/versions/2")

    assert (await api.ask("DELETE", "/subjects/user/versions/2?permanent=true")).json == 2


@each
async def test_a_schema_is_looked_up_with_the_versions_that_it_refers_to(
    api: Api, sample: Sample
) -> None:
    await parts(api, sample, sample.part, sample.compatible)
    await put_user(api, sample, 1)
    await put_user(api, sample, 2)

    async def found(version: int, query: str = "") -> Reply:
        text = sample.user if isinstance(sample.user, str) else json.dumps(sample.user)
        body = {"schema": text, "schemaType": sample.type, "references": [to(sample.name, version)]}
        return await api.ask("POST", f"/subjects/user{query}", body)

    for query in ("", "?normalize=true"):
        assert [(await found(one, query)).json["version"] for one in (1, 2, -1)] == [1, 2, 2]


async def test_normalize_puts_references_in_order(api: Api) -> None:
    await api.put("a", record("A", x="int"))
    await api.put("b", record("B", x="int"))
    user, both = record("User", a="A", b="B"), [to("B", 1, "b"), to("A", 1, "a")]

    async def put(references: Sequence[Any]) -> Any:
        body = {"schema": json.dumps(user), "references": references}
        reply = await api.ask("POST", "/subjects/user/versions?normalize=true", body)
        return reply.json["id"], reply.json["references"]

    first = await put(both)
    assert first[1] == both[::-1]
    assert await put(both[::-1]) == first


async def test_of_two_versions_under_one_name_the_first_one_holds(api: Api) -> None:
    # user -> leaf 2 (a string), and user -> middle -> leaf 1 (an integer), both as leaf.json.
    await parts(api, SAMPLES[1], of_type("integer"), of_type("string"))
    middle = {"type": "object", "properties": {"leaf": {"$ref": "leaf.json"}}}
    await api.put("middle", middle, "JSON", references=[to("leaf.json", 1)])
    user = {
        "type": "object",
        "properties": {"middle": {"$ref": "middle.json"}, "leaf": {"$ref": "leaf.json"}},
    }
    leaf, far = to("leaf.json", 2), to("middle.json", 1, "middle")
    await api.put("user", user, "JSON", references=[leaf, far])

    async def follows(*references: Any) -> bool:
        body = {"schema": json.dumps(user), "schemaType": "JSON", "references": references}
        reply = await api.ask("POST", "/compatibility/subjects/user/versions", body)
        return bool(reply.json["is_compatible"])

    assert await follows(leaf, far)
    assert not await follows(to("leaf.json", 1), far)
    assert not await follows(far, leaf)


async def test_a_schema_refers_to_so_many_others_and_no_more(api: Api) -> None:
    await api.put("a", {"type": "string"}, "JSON")
    await api.put("some", {"type": "object"}, "JSON", references=[to("a.json", 1, "a")])

    async def put(number: int) -> Reply:
        names = [to(f"{one}.json", 1, "some") for one in range(number)]
        return await api.put("s", {"type": "object"}, "JSON", references=names)

    assert (await put(100)).status == 200
    reply = await put(1001)
    assert reply.code == (422, 42201)
    assert "more than 1000" in reply.json["message"]


async def test_references_are_followed_so_often_and_no_more(api: Api) -> None:
    await api.put("a", {"type": "string"}, "JSON")
    leaves = [to(f"{one}.json", 1, "a") for one in range(100)]
    middle = {"name": "m.json", "subject": "m", "version": 1}
    assert (await api.put("m", {"type": "object"}, "JSON", references=leaves)).status == 200

    async def put(number: int) -> Reply:
        names = [{**middle, "name": f"m{one}.json"} for one in range(number)]
        return await api.put("s", {"type": "object"}, "JSON", references=names)

    assert (await put(99)).status == 200  # 99 and 9,900 references
    reply = await put(100)
    assert reply.code == (422, 42201)
    assert "more than 10000" in reply.json["message"]
