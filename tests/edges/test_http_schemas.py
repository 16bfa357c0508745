"""Schemas of every language over HTTP: read when they are registered, compared when they change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from http_edge import Hub, Reply, running

PATH = "/schemagroups/shop/schemas/order"


@dataclass(frozen=True)
class Language:
    """A schema, a change of it that old data survive, and one that they do not."""

    format: str
    first: str
    compatible: str
    incompatible: str
    nonsense: str
    payload: bytes
    wrong: bytes
    media_type: str


def record(*fields: object) -> str:
    return json.dumps({"type": "record", "name": "Order", "fields": list(fields)})


def message(*fields: str) -> str:
    return f'syntax = "proto3"; package shop; message Order {{ {" ".join(fields)} }}'


def elements(*inner: str) -> str:
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="order">'
        f"<xs:complexType><xs:sequence>{''.join(inner)}</xs:sequence></xs:complexType>"
        "</xs:element></xs:schema>"
    )


TOTAL = {"name": "total", "type": "double"}
NOTE = {"name": "note", "type": "string"}
LANGUAGES = [
    Language(
        "Avro/1.12",
        record(TOTAL),
        record(TOTAL, NOTE | {"default": ""}),
        record(TOTAL, NOTE),
        '{"type": "rekord"}',
        b"\x00\x00\x00\x00\x00\x00\xf0\x3f",
        b"\x00",
        "application/avro",
    ),
    Language(
        "JsonSchema/draft-07",
        '{"type": "object", "properties": {"total": {"type": "integer"}}}',
        '{"type": "object", "properties": {"total": {"type": "number"}}}',
        '{"type": "object", "properties": {"total": {"type": "string"}}}',
        '{"type": "thing"}',
        b'{"total": 1}',
        b'{"total": "x"}',
        "application/json",
    ),
    Language(
        "Protobuf/3",
        message("double total = 1;"),
        message("double total = 1;", "string note = 2;"),
        message("string total = 1;"),
        "syntax = proto3",
        b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f",
        b"\x09\x00",
        "application/protobuf",
    ),
    Language(
        "XSD/1.0",
        elements('<xs:element name="total" type="xs:decimal"/>'),
        elements(
            '<xs:element name="total" type="xs:decimal"/>',
            '<xs:element name="note" type="xs:string" minOccurs="0"/>',
        ),
        elements(
            '<xs:element name="total" type="xs:decimal"/>',
            '<xs:element name="note" type="xs:string"/>',
        ),
        "<xs:schema",
        b"<order><total>1.5</total></order>",
        b"<order><total>x</total></order>",
        "application/xml",
    ),
]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


@pytest.fixture(params=LANGUAGES, ids=lambda one: str(one.format))
def language(request: pytest.FixtureRequest) -> Language:
    found: Language = request.param
    return found


async def put(hub: Hub, language: Language, version: str, document: str) -> Reply:
    headers = {"xregistry-format": language.format, "content-type": "text/plain"}
    return await hub.ask("PUT", f"{PATH}/versions/{version}", headers, document)


async def details(hub: Hub, version: str) -> dict[str, object]:
    found: dict[str, object] = (await hub.ask("GET", f"{PATH}/versions/{version}$details")).json
    return found


async def test_a_document_of_its_format_is_kept_byte_for_byte(hub: Hub, language: Language) -> None:
    assert (await put(hub, language, "1", language.first)).status == 201
    assert (await details(hub, "1"))["formatvalidated"] is True
    kept = await hub.ask("GET", f"{PATH}/versions/1")
    assert kept.body == language.first.encode()


async def test_what_is_no_document_of_its_format_is_refused(hub: Hub, language: Language) -> None:
    refused = await put(hub, language, "1", language.nonsense)
    assert (refused.status, refused.kind) == (400, "format_violation")
    assert refused.json["detail"]
    assert (await hub.ask("GET", PATH)).status == 404


async def test_a_version_that_breaks_the_rule_of_its_schema_is_refused(
    hub: Hub, language: Language
) -> None:
    await put(hub, language, "1", language.first)
    ruled = await hub.ask("PATCH", f"{PATH}/meta", {}, '{"compatibility": "backward"}')
    assert ruled.status == 200, ruled.body
    refused = await put(hub, language, "2", language.incompatible)
    assert (refused.status, refused.kind) == (400, "compatibility_violation")
    assert refused.json["detail"]
    assert (await put(hub, language, "2", language.compatible)).status == 201
    assert (await details(hub, "2"))["compatibilityvalidated"] is True


async def test_payloads_are_judged_by_it(hub: Hub, language: Language) -> None:
    await put(hub, language, "1", language.first)
    for payload, is_valid in ((language.payload, True), (language.wrong, False)):
        verdict = await hub.ask(
            "POST", f"/validate?schema={PATH}", {"content-type": language.media_type}, payload
        )
        assert verdict.json["valid"] is is_valid, verdict.body


async def test_an_event_is_held_against_the_schema_that_its_message_names(
    hub: Hub, language: Language
) -> None:
    await put(hub, language, "1", language.first)
    declared = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": "order.paid"}},
        "dataschemaxid": PATH,
        "validation": "enforce",
    }
    await hub.declare("/messagegroups/shop/messages/paid", declared)
    taken = await hub.publish(body=language.payload, content_type=language.media_type)
    assert taken.status == 202, taken.body
    refused = await hub.publish(ce_id="2", body=language.wrong, content_type=language.media_type)
    assert (refused.status, refused.code) == (422, "schema_mismatch")
