"""Schema Registry 0.2 over one store: what is written through one API is there in the others."""

from __future__ import annotations

import base64
import json

import pytest

from chappe.formats.transaction_json import decode_transaction
from chappe.registry.capabilities import DEFAULT
from chappe.registry.entity import Tree
from chappe.registry.flags import Flags
from chappe.registry.paths import parse_path
from chappe.registry.request import Rules, Write, Written
from chappe.registry.transaction import Transaction
from chappe.registry.write import write
from tests.spec.schema_registry_api import AVRO, ORDER, Api, api, record

__all__ = ("api",)

SUBJECTS = "/confluent/subjects"
SUBJECT = f"{SUBJECTS}/:.shop:order"
A_CHANGE = "io.xregistry."


async def confluent(api: Api, document: str, subject: str = SUBJECT, type: str = "AVRO") -> int:
    """Register a schema in Confluent's way; its version."""
    body = json.dumps({"schema": document, "schemaType": type})
    reply = await api.hub.ask(
        "POST", f"{subject}/versions", {"content-type": "application/json"}, body
    )
    assert reply.status == 200, reply
    return int(reply.json["version"])


async def test_a_schema_is_there_in_the_registry_and_in_confluents_api(api: Api) -> None:
    await api.ask("POST", f"{ORDER}?description=first&authority=urn:x", record("a"), AVRO)
    details = (await api.hub.ask("GET", f"{ORDER}/versions/1$details")).json
    assert details["format"] == "Avro/1.12"
    assert (details["description"], details["authority"]) == ("first", "urn:x")
    assert (await api.hub.ask("GET", ORDER)).body == record("a").encode()
    assert (await api.hub.ask("GET", f"{SUBJECTS}?subjectPrefix=:*:")).json == [":.shop:order"]
    shown = (await api.hub.ask("GET", f"{SUBJECT}/versions/1")).json
    assert json.loads(shown["schema"]) == json.loads(record("a"))


async def test_a_group_is_one_of_the_registry(api: Api) -> None:
    await api.group("g", format="avro", description="x", groupProperties={"team": "a"})
    shown = (await api.hub.ask("GET", "/schemagroups/g")).json
    assert (shown["format"], shown["description"]) == ("Avro/1.12", "x")
    assert shown["labels"] == {"team": "a"}
    await api.hub.ask("PATCH", "/schemagroups/g", {}, '{"name": "Shop", "labels": {"b": "c"}}')
    assert (await api.group("g", format="avro", description="y")).status == 200
    after = (await api.hub.ask("GET", "/schemagroups/g")).json
    assert (after["name"], after["labels"], after["description"]) == ("Shop", {"b": "c"}, "y")


@pytest.mark.parametrize(
    ("format", "type", "documents"),
    [
        ("avro", "AVRO", [record("a"), record("b"), record("c")]),
        ("json-schema", "JSON", ['{"minimum":1}', '{"minimum":0}', "{}"]),
        ("protobuf", "PROTOBUF", [f'syntax = "proto3"; message A {{ int32 {one} = 1; }}' for one in "abc"]),
    ],
)  # fmt: skip
async def test_versions_of_one_schema_may_come_through_both_apis(
    api: Api, format: str, type: str, documents: list[str]
) -> None:
    assert await api.version(documents[0], schema_format=format) == 1
    assert await confluent(api, documents[1], type=type) == 2
    assert await api.version(documents[2], schema_format=format) == 3
    for number, document in enumerate(documents, 1):
        assert (await api.ask("GET", f"{ORDER}/versions/{number}")).body == document.encode()
    assert (await api.hub.ask("GET", f"{SUBJECT}/versions")).json == [1, 2, 3]
    formats = {
        (await api.hub.ask("GET", f"{ORDER}/versions/{one}$details")).json["format"]
        for one in (1, 2, 3)
    }
    assert len(formats) == 1
    assert "Mixed/1.0" not in formats


async def test_names_are_those_of_confluents_subjects(api: Api) -> None:
    await confluent(api, record("a"), f"{SUBJECTS}/:.shop:a%2Fb")
    assert (await api.ask("GET", "/schemagroups/shop/schemas")).json == ["a%2Fb"]
    await api.group("default")
    await api.version(record("a"), "/schemagroups/default/schemas/s%20t")
    subjects = (await api.hub.ask("GET", f"{SUBJECTS}?subjectPrefix=:*:")).json
    assert subjects == [":.shop:a/b", "s t"]


async def test_what_confluents_api_deleted_is_not_shown(api: Api) -> None:
    await confluent(api, record("a"))
    await confluent(api, record("b"))
    await api.hub.ask("DELETE", f"{SUBJECT}/versions/2")
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1]
    assert (await api.ask("GET", ORDER)).headers["schema-version"] == "1"
    assert await api.version(record("b")) == 3
    await api.hub.ask("DELETE", f"{SUBJECT}/versions/2?permanent=true")
    await api.hub.ask("DELETE", SUBJECT)
    assert (await api.ask("GET", f"{ORDER}/versions")).code == "not_found"


async def test_a_document_that_replaced_a_deleted_one_in_the_registry_is_shown(api: Api) -> None:
    await confluent(api, record("a"))
    await api.hub.ask("DELETE", SUBJECT)
    assert (await api.ask("GET", ORDER)).code == "not_found"
    headers = {"xregistry-format": "Avro/1.12", "content-type": "application/json"}
    await api.hub.ask("PUT", f"{ORDER}/versions/1", headers, record("b"))
    assert (await api.ask("GET", ORDER)).body == record("b").encode()


async def test_numbers_go_on_behind_gaps(api: Api) -> None:
    for field in "abc":
        await confluent(api, record(field))
    for query in ("", "?permanent=true"):
        await api.hub.ask("DELETE", f"{SUBJECT}/versions/2{query}")
    assert await api.version(record("d")) == 4
    for query in ("", "?permanent=true"):
        await api.hub.ask("DELETE", f"{SUBJECT}/versions/4{query}")
    assert await api.version(record("e")) == 5


async def test_a_number_is_not_given_again_whoever_counted_before(api: Api) -> None:
    for field in "ab":
        await confluent(api, record(field))
    assert await api.version(record("c")) == 3
    await api.ask("DELETE", f"{ORDER}/versions/3")
    assert await api.version(record("d")) == 4


async def test_versions_that_have_no_number_or_no_document_are_not_shown(api: Api) -> None:
    body = {"format": "Avro/1.12", "schemabase64": base64.b64encode(b'"int"').decode()}
    await api.hub.declare(f"{ORDER}/versions/v1$details", body)
    elsewhere = {"format": "mine", "schemaurl": "https://shop.example/a"}
    await api.hub.declare("/schemagroups/shop/schemas/elsewhere$details", elsewhere)
    assert (await api.ask("GET", "/schemagroups/shop/schemas")).json == []
    assert (await api.ask("GET", ORDER)).code == "not_found"
    assert (await api.ask("DELETE", ORDER)).code == "not_found"
    assert await api.version(record("a")) == 1
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1]
    assert (await api.ask("DELETE", f"{ORDER}/versions/1")).status == 204
    assert (await api.hub.ask("GET", f"{ORDER}/versions/v1")).body == b'"int"'


async def test_a_mirror_shows_what_it_mirrors_and_is_not_written_to(api: Api) -> None:
    await api.version(record("a"))
    mirror = "/schemagroups/shop/schemas/mirror"
    await api.hub.declare(f"{mirror}/meta", {"xref": ORDER})
    assert (await api.ask("GET", mirror)).body == record("a").encode()
    assert (await api.ask("GET", f"{mirror}/versions")).json == [1]
    for refused in (
        await api.post(record("b"), mirror),
        await api.ask("DELETE", f"{mirror}/versions/1"),
    ):
        assert (refused.status, refused.code) == (409, "conflict")
        assert f"mirrors {ORDER}" in refused.json["detail"]
    assert (await api.ask("DELETE", mirror)).status == 204
    assert (await api.ask("GET", ORDER)).status == 200


async def test_a_read_only_schema_is_not_written_to(api: Api) -> None:
    await api.version(record("a"))

    def fix(tree: Tree, now: str, rules: Rules) -> tuple[Written, None]:
        target = parse_path(f"{ORDER}/meta".encode(), tree.model)
        body = {"readonly": True}
        return write(tree, Write("PATCH", target, body, Flags(), now, admin=True), rules), None

    await api.hub.parts.register.write(fix, by="admin")
    for refused in (await api.post(record("b")), await api.ask("DELETE", ORDER)):
        assert (refused.status, refused.code) == (409, "conflict")


async def test_a_registry_that_clients_cannot_write_to_is_not_written_to(api: Api) -> None:
    available = {**DEFAULT["available"], "entities": {"mutable": False}}
    changed = await api.hub.ask("PATCH", "/capabilities", {}, json.dumps({"available": available}))
    assert changed.status == 200, changed
    refused = await api.group("g")
    assert (refused.status, refused.code) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_every_write_gives_the_registrys_events_of_change(api: Api) -> None:
    async def last(before: Tree) -> Transaction:
        commit = (await api.hub.registry_log.read(0))[-1]
        return decode_transaction(commit.transaction, before)

    before = api.hub.parts.state.value.tree
    made = await api.post(record("a"))
    transaction = await last(before)
    assert transaction.correlation == made.headers["xregistry-xregcorrelationid"]
    announced = [(one.type, one.subject) for one in transaction.announcements]
    assert (f"{A_CHANGE}version.created", f"{ORDER}/versions/1") in announced
    assert (f"{A_CHANGE}resource.created", ORDER) in announced
    before = api.hub.parts.state.value.tree
    await api.ask("DELETE", ORDER)
    deleted = (await last(before)).announcements
    assert (f"{A_CHANGE}resource.deleted", ORDER) in [(one.type, one.subject) for one in deleted]
