"""schemaregistry/spec.md 0.2 and its OpenAPI: groups, schemas, versions; the section stands in the name."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edges.http_edge import running
from tests.spec.schema_registry_api import (
    AVRO,
    BASE,
    DATE,
    ORDER,
    PREFIX,
    Api,
    api,
    record,
)

__all__ = ("api",)

GROUP = "/schemagroups/shop"
PROTO = 'syntax = "proto3"; message Order { int32 total = 1; }'
XSD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>'

# 2.1.1 Schema group attributes


async def test_2_1_1_a_group_has_its_attributes_and_times_of_the_server(api: Api) -> None:
    made = await api.group("g", format="Avro/1.12", description="All that we sell €")
    shown = (await api.ask("GET", "/schemagroups/g")).json

    assert made.status == 201
    assert made.json == shown
    assert made.headers["location"] == f"{BASE}/schemagroups/g"
    times = [shown.pop(name) for name in ("createdtimeutc", "updatedtimeutc")]
    assert all(re.fullmatch(DATE, one) for one in times)
    assert shown == {"id": "g", "format": "Avro/1.12", "description": "All that we sell €"}


@pytest.mark.parametrize(
    "id",
    ["mygroup", "my-group", "org.example.myapp.module", "events@example.com", "a+b", "!$&'()*+,;=",
     "-.~_", "Capital", "a%20b", "%E2%82%AC", "a%2Fb", "a%3Ab", "0"],
)  # fmt: skip
async def test_2_1_1_an_id_is_any_segment_without_a_colon(api: Api, id: str) -> None:
    assert (await api.group(id)).status == 201
    assert (await api.version(record("a"), f"/schemagroups/{id}/schemas/{id}")) == 1

    shown = (await api.ask("GET", f"/schemagroups/{id}")).json["id"]
    assert shown in (await api.ask("GET", "/schemagroups")).json
    assert (await api.ask("GET", f"/schemagroups/{shown}/schemas")).json == [shown]
    read = await api.ask("GET", f"/schemagroups/{shown}/schemas/{shown}")
    assert read.headers["schema-id"] == f"/schemagroups/{shown}/schemas/{shown}/versions/1"
    for name in ("location", "schema-id-location"):
        url = read.headers[name].removeprefix("http://hub")
        assert (await api.hub.ask("GET", url)).body == record("a").encode()
    assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-F]{2})+", shown)


@pytest.mark.parametrize("id", ["a:b", ":", "a%00b", "a%7F", "x" * 129])
async def test_2_1_1_what_is_no_id_makes_no_group_and_no_schema(api: Api, id: str) -> None:
    made = await api.group(id)
    assert (made.status, made.code) == (400, "malformed")
    assert repr(id)[:30] in made.json["detail"]
    assert (await api.post(record("a"), f"{GROUP}/schemas/{id}")).code == "malformed"
    assert (await api.ask("GET", "/schemagroups")).json == ["shop"]


async def test_2_1_1_ids_that_differ_by_case_are_two(api: Api) -> None:
    assert (await api.group("Shop", description="another")).status == 201
    assert sorted((await api.ask("GET", "/schemagroups")).json) == ["Shop", "shop"]
    assert (await api.ask("GET", "/schemagroups/Shop")).json["description"] == "another"
    assert "description" not in (await api.ask("GET", "/schemagroups/shop")).json
    await api.version(record("a"), f"{GROUP}/schemas/s")
    await api.version(record("b"), f"{GROUP}/schemas/S")
    assert (await api.ask("GET", f"{GROUP}/schemas/S")).body == record("b").encode()


async def test_2_1_1_an_id_is_not_the_one_that_the_registry_spells_so(api: Api) -> None:
    assert (await api.group("a%20b", description="one")).status == 201
    assert (await api.ask("GET", "/schemagroups/a~20b")).status == 404
    assert (await api.group("a~20b", description="another")).status == 201
    assert (await api.ask("GET", "/schemagroups")).json == ["a%20b", "a~20b", "shop"]
    assert (await api.ask("GET", "/schemagroups/a%20b")).json["description"] == "one"


async def test_2_1_1_an_id_in_the_body_is_the_one_of_the_path(api: Api) -> None:
    assert (await api.group("g", id="g")).status == 201
    assert (await api.group("a%20b", id="a%20b")).status == 201
    refused = await api.group("h", id="g")
    assert (refused.code, refused.json["detail"]) == (
        "malformed", "id: 'g' was sent, the path says 'h'",
    )  # fmt: skip


async def test_2_1_1_times_are_the_servers_whatever_is_sent(api: Api) -> None:
    old = "2001-01-01T00:00:00Z"
    shown = (await api.group("g", createdtimeutc=old, updatedtimeutc=old)).json
    assert shown["createdtimeutc"] > "2020"
    assert shown["updatedtimeutc"] > "2020"


async def test_2_1_1_a_format_that_is_empty_is_refused(api: Api) -> None:
    assert (await api.group("g", format="")).json["detail"] == "format: the string is empty"


@pytest.mark.parametrize("wanted", ["json-schema", None])
async def test_2_1_1_the_format_stays_while_the_group_has_a_schema(
    api: Api, wanted: str | None
) -> None:
    await api.group("g", format="avro")
    await api.version(record("a"), "/schemagroups/g/schemas/s", content_type="application/json")

    refused = await api.group("g", format=wanted, description="x")
    assert (refused.status, refused.code) == (409, "conflict")
    assert "'Avro/1.12'" in refused.json["detail"]
    assert (await api.ask("GET", "/schemagroups/g")).json["format"] == "Avro/1.12"
    assert (await api.group("g", format="avro", description="x")).status == 200

    await api.ask("DELETE", "/schemagroups/g/schemas")
    assert (await api.group("g", format=wanted)).status == 200


async def test_2_1_1_a_group_with_schemas_gets_no_format(api: Api) -> None:
    await api.version(record("a"))
    refused = await api.group("shop", format="avro")
    assert refused.code == "conflict"
    assert "its format stays none" in refused.json["detail"]


# 2.2.2-2.2.4 Schemas


async def test_2_2_the_latest_version_is_the_default_one_whatever_the_registry_says(
    api: Api,
) -> None:
    for field in ("a", "b", "c"):
        await api.version(record(field))
    pinned = {"defaultversionid": "1", "defaultversionsticky": True}
    assert (await api.hub.declare(f"{ORDER}/meta", pinned)).status == 200
    assert (await api.ask("GET", ORDER)).headers["schema-version"] == "3"


async def test_2_2_3_a_group_without_a_format_has_schemas_of_several(api: Api) -> None:
    said = {
        "avro": (record("a"), "Avro/1.12"),
        "json-schema": ('{"type": "object"}', "JsonSchema/draft-07"),
        "JsonSchema/draft/2020-12": ("{}", "JsonSchema/draft/2020-12"),
        "protobuf": (PROTO, "Protobuf/3"),
        "xsd11": (XSD, "XSD/1.1"),
        "thrift": ("struct A {}", "thrift"),
    }
    for sent, (document, format) in said.items():
        path = f"{GROUP}/schemas/{quote(sent, safe='')}"
        assert (await api.post(document, path, schema_format=sent)).status == 200, sent
        assert (await api.ask("GET", path)).headers["schema-format"] == format


@pytest.mark.parametrize(
    ("syntax", "format"),
    [
        ('syntax = "proto3";', "Protobuf/3"),
        ('syntax = "proto2";', "Protobuf/2"),
        ("", "Protobuf/2"),
        ('edition = "2023";', "Protobuf/2023"),
    ],
)
async def test_2_2_3_protobuf_is_of_the_syntax_that_the_document_says(
    api: Api, syntax: str, format: str
) -> None:
    made = await api.post(f"{syntax} message A {{}}", schema_format="protobuf")
    assert made.headers["schema-format"] == format


async def test_2_2_3_schemas_of_a_group_with_a_format_have_that(api: Api) -> None:
    await api.group("g", format="avro")
    path = "/schemagroups/g/schemas/s"
    made = await api.post(record("a"), path, content_type="application/json")
    assert made.status == 200
    assert "schema-format" not in made.headers  # 2.2.4: null if set at the group level
    assert "schema-format" not in (await api.ask("GET", path)).headers
    other = await api.post(PROTO, path, content_type="text/plain;format=protobuf")
    assert other.code == "malformed"


async def test_2_2_4_a_format_beside_that_of_the_group_is_refused(api: Api) -> None:
    await api.group("g", format="avro")
    refused = await api.post(record("a"), "/schemagroups/g/schemas/s", schema_format="avro")
    assert refused.code == "malformed"
    assert "'avro' was sent, but all schemas of the group are in" in refused.json["detail"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
async def test_2_2_4_a_schema_without_any_format_is_refused(
    api: Api, headers: dict[str, str]
) -> None:
    refused = await api.ask("POST", ORDER, record("a"), headers)
    assert (refused.status, refused.code) == (400, "malformed")
    assert refused.json["detail"].startswith("format: is missing")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (ORDER, {"schema-format": "avro"}),
        (f"{ORDER}?format=AVRO", {}),
        (f"{ORDER}?format=avro", {"schema-format": "avro"}),
        (ORDER, {"content-type": "application/json;format=avro"}),
        (ORDER, {"content-type": 'application/json; charset="utf-8"; Format="avro"'}),
    ],
)
async def test_3_3_3_a_format_is_said_in_a_header_in_the_query_or_in_the_type(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    made = await api.ask("POST", path, record("a"), headers)
    assert (made.status, made.headers["schema-format"]) == (200, "Avro/1.12")


async def test_3_3_3_one_attribute_that_is_said_in_two_ways_is_refused(api: Api) -> None:
    refused = await api.ask("POST", f"{ORDER}?format=avro", record("a"), {"schema-format": "xsd"})
    assert refused.json["detail"] == "format: was sent as 'xsd' and as 'avro'; send it once"


async def test_2_2_4_versions_of_a_schema_are_in_one_format(api: Api) -> None:
    await api.version(record("a"))
    refused = await api.post("{}", schema_format="json-schema")
    assert (refused.status, refused.code) == (409, "conflict")
    assert await api.version(record("b"), content_type="application/json") == 2
    assert (await api.ask("GET", ORDER)).headers["schema-format"] == "Avro/1.12"


@pytest.mark.parametrize("name", ["format", "description", "authority", "id"])
async def test_2_2_4_no_attribute_is_empty(api: Api, name: str) -> None:
    refused = await api.ask("POST", f"{ORDER}?{name}=", record("a"), AVRO | {"schema-format": "x"})
    assert refused.code == "malformed"
    assert refused.json["detail"].startswith(f"{name}: ")


# 2.2.5 Schema versions


async def test_2_2_5_versions_are_counted_by_the_server(api: Api) -> None:
    assert [await api.version(record(one)) for one in "abc"] == [1, 2, 3]
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1, 2, 3]
    assert (await api.ask("DELETE", f"{ORDER}/versions/3")).status == 204
    assert await api.version(record("d")) == 4  # a number is not given again
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1, 2, 4]


@pytest.mark.parametrize(
    ("format", "document"),
    [
        ("avro", "{"),
        ("avro", '{"type": "nothing"}'),
        ("json-schema", "["),
        ("json-schema", '{"type": 5}'),
        ("protobuf", "massage A {}"),
        ("xsd11", "<a/>"),
    ],
)
async def test_2_2_5_a_document_that_is_none_of_its_format_is_refused(
    api: Api, format: str, document: str
) -> None:
    refused = await api.post(document, schema_format=format)
    assert (refused.status, refused.code) == (400, "malformed")
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == []


async def test_2_2_5_a_document_of_another_format_is_any_bytes(api: Api) -> None:
    document = bytes(range(256))
    assert (await api.post(document, schema_format="mine")).status == 200
    assert (await api.ask("GET", ORDER)).body == document


async def test_2_2_5_a_description_is_of_its_version(api: Api) -> None:
    await api.ask("POST", f"{ORDER}?description=The%20first+%E2%82%AC", record("a"), AVRO)
    await api.ask("POST", ORDER, record("b"), AVRO | {"schema-description": "100%25 new"})
    await api.version(record("c"))
    shown = [
        (await api.ask("GET", f"{ORDER}/versions/{number}")).headers.get("schema-description")
        for number in (1, 2, 3)
    ]
    assert shown == ["The%20first%20%E2%82%AC", "100%25%20new", None]


async def test_2_2_a_version_that_breaks_the_compatibility_rule_is_a_conflict(api: Api) -> None:
    await api.version(record("a"))
    await api.hub.declare(f"{ORDER}/meta", {"compatibility": "backward"})
    refused = await api.post(record("b", default=False))
    assert (refused.status, refused.code) == (409, "conflict")
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in refused.json["detail"]
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1]
    assert await api.version(record("a", "b")) == 2


# 3.2, 3.3 Operations


async def test_3_2_1_groups_are_listed_by_their_ids(api: Api) -> None:
    for id in ("b", "a"):
        await api.group(id)
    assert (await api.ask("GET", "/schemagroups")).json == ["a", "b", "shop"]


async def test_3_2_3_a_put_of_a_group_that_is_there_updates_it(api: Api) -> None:
    await api.group("g", description="old", groupProperties={"a": "b"})
    reply = await api.group("g", description="new")
    assert reply.status == 200
    assert reply.json["description"] == "new"
    assert reply.json["groupProperties"] == {"a": "b"}
    made, changed = (reply.json[name] for name in ("createdtimeutc", "updatedtimeutc"))
    assert datetime.fromisoformat(changed) > datetime.fromisoformat(made)
    shown = (await api.group("g", description="", groupProperties={})).json
    assert not {"description", "groupProperties"} & shown.keys()
    assert "groupProperties" not in (await api.ask("GET", "/schemagroups/g")).json


async def test_3_2_3_a_put_that_changes_nothing_writes_nothing(api: Api) -> None:
    first = await api.group("g", description="x")
    again = await api.group("g", description="x")
    assert (again.status, again.json) == (200, first.json)
    assert again.headers["chappe-revision"] == first.headers["chappe-revision"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "body: not JSON"),
        ("{", "body: not JSON"),
        ("[]", "body: an array was sent, an object is needed"),
        ('{"colour": "red"}', "colour: unknown field; known: "),
        ('{"description": 5}', "description: a number (5) was sent, a string is needed"),
        ('{"groupProperties": {"a": 5}}', "groupProperties/a: 5 is no string"),
        ('{"groupProperties": {"": "5"}}', "groupProperties: a name is empty"),
        ('{"groupProperties": {"A b": "5"}}', "/schemagroups/g: the attribute 'labels"),
        ('{"groupProperties": []}', "groupProperties: an array was sent"),
        ('{"id": 5}', "id: a number (5) was sent"),
        ("[" * 100_000, "body: nested too deeply"),
    ],
)
async def test_3_2_3_a_group_that_is_none_is_refused(api: Api, body: str, detail: str) -> None:
    refused = await api.ask("PUT", "/schemagroups/g", body)
    assert (refused.status, refused.code) == (400, "malformed")
    assert refused.json["detail"].startswith(detail)
    assert (await api.ask("GET", "/schemagroups/g")).status == 404


async def test_3_2_4_a_group_goes_with_its_schemas(api: Api) -> None:
    await api.version(record("a"))
    assert (await api.ask("DELETE", GROUP)).status == 204
    assert (await api.ask("DELETE", GROUP)).code == "not_found"
    assert (await api.ask("GET", ORDER)).code == "not_found"
    await api.group()
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == []


async def test_3_3_2_all_schemas_of_a_group_go_and_the_group_stays(api: Api) -> None:
    for name in ("a", "b"):
        await api.version(record(name), f"{GROUP}/schemas/{name}")
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == ["a", "b"]
    assert (await api.ask("DELETE", f"{GROUP}/schemas")).status == 204
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == []
    assert (await api.ask("DELETE", f"{GROUP}/schemas")).status == 204
    assert (await api.ask("GET", GROUP)).status == 200


async def test_3_3_3_a_document_becomes_a_version(api: Api) -> None:
    made = await api.post(record("a"))
    path = f"{ORDER}/versions/1"
    assert (made.status, made.headers["content-type"]) == (200, "application/json")
    assert made.json == {"id": path}
    assert made.headers["schema-id"] == path
    assert made.headers["location"] == BASE + path
    assert made.headers["schema-version"] == "1"
    assert made.headers["schema-id-location"] == f"{BASE}/schema?uri={quote(BASE + path, safe='')}"
    assert re.fullmatch(DATE, made.headers["schema-createdtimeutc"])
    for url in (made.headers["location"], made.headers["schema-id-location"]):
        read = await api.hub.ask("GET", url.removeprefix("http://hub"))
        assert (read.status, read.body) == (200, record("a").encode())


async def test_3_3_3_identical_content_is_the_version_that_there_is(api: Api) -> None:
    first = await api.post(record("a"))
    await api.version(record("b"))
    again = await api.post(record("a"))
    assert again.headers["schema-version"] == "1"
    assert again.json == first.json
    assert "xregistry-xregcorrelationid" not in again.headers  # nothing happened
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1, 2]
    assert await api.version(record("a") + " ") == 3


async def test_3_3_3_the_same_bytes_of_another_type_are_another_version(api: Api) -> None:
    """The Content-Type MUST be preserved: one version cannot have two."""
    types = ["application/json", "text/plain", "application/json;format=avro"]
    for number, type in enumerate(types, 1):
        sent = {"content_type": type, "schema_format": "avro"}
        assert await api.version(record("a"), **sent) == number
        assert await api.version(record("a"), **sent) == number
    for number, type in enumerate(types, 1):
        shown = await api.ask("GET", f"{ORDER}/versions/{number}")
        assert shown.headers["content-type"] == type


async def test_3_3_3_a_group_that_is_not_there_has_no_schemas(api: Api) -> None:
    refused = await api.post(record("a"), "/schemagroups/none/schemas/s")
    assert (refused.status, refused.code) == (404, "not_found")
    assert refused.json["detail"] == "group 'none': there is none"


async def test_3_3_3_a_document_is_needed(api: Api) -> None:
    assert (await api.post("")).json["detail"] == "body: is empty; it is the schema document"


async def test_3_3_4_the_latest_version_is_read_and_asked_for_with_head(api: Api) -> None:
    await api.version(record("a"))
    await api.version(record("b"), content_type="application/vnd.apache.avro+json")
    for path in (ORDER, f"{ORDER}/versions/2", f"/schema?uri={ORDER}/versions/2"):
        shown = await api.ask("GET", path)
        assert (shown.status, shown.body) == (200, record("b").encode())
        assert shown.headers["content-type"] == "application/vnd.apache.avro+json"
        assert shown.headers["location"] == f"{BASE}{ORDER}/versions/2"
        assert shown.headers["schema-id"] == f"{ORDER}/versions/2"
        assert shown.headers["schema-version"] == "2"
        assert shown.headers["schema-format"] == "Avro/1.12"
        head = await api.ask("HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert {**head.headers, "date": ""} == {**shown.headers, "date": ""}


async def test_3_3_5_a_schema_goes_with_all_its_versions(api: Api) -> None:
    for one in "ab":
        await api.version(record(one))
    assert (await api.ask("DELETE", ORDER)).status == 204
    assert (await api.ask("DELETE", ORDER)).code == "not_found"
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == []
    assert await api.version(record("a")) == 1


# 3.4 Versions


async def test_3_4_2_a_version_is_read_by_its_number(api: Api) -> None:
    for one in "ab":
        await api.version(record(one))
    assert (await api.ask("GET", f"{ORDER}/versions/1")).body == record("a").encode()
    assert (await api.ask("GET", f"{ORDER}/versions/3")).code == "not_found"


@pytest.mark.parametrize(
    "number", ["0", "01", "-1", "v1", "1.0", "latest", "%31%30%30%30%30%30%30%30%30%30"]
)
async def test_3_4_2_a_version_that_is_no_number_is_refused(api: Api, number: str) -> None:
    await api.version(record("a"))
    for method in ("GET", "DELETE"):
        refused = await api.ask(method, f"{ORDER}/versions/{number}")
        assert refused.code == "malformed"
        assert refused.json["detail"].startswith("version: '")


async def test_a_version_is_deleted_and_the_last_one_takes_the_schema_with_it(api: Api) -> None:
    for one in "abc":
        await api.version(record(one))
    assert (await api.ask("DELETE", f"{ORDER}/versions/2")).status == 204
    assert (await api.ask("DELETE", f"{ORDER}/versions/2")).code == "not_found"
    assert (await api.ask("GET", f"{ORDER}/versions")).json == [1, 3]
    for number in (3, 1):
        assert (await api.ask("DELETE", f"{ORDER}/versions/{number}")).status == 204
    assert (await api.ask("GET", f"{ORDER}/versions")).code == "not_found"
    assert (await api.ask("GET", f"{GROUP}/schemas")).json == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/schemagroups/none"),
        ("DELETE", "/schemagroups/none"),
        ("GET", "/schemagroups/none/schemas"),
        ("DELETE", "/schemagroups/none/schemas"),
        ("GET", f"{GROUP}/schemas/none"),
        ("DELETE", f"{GROUP}/schemas/none"),
        ("GET", f"{GROUP}/schemas/none/versions"),
        ("GET", f"{GROUP}/schemas/none/versions/1"),
        ("DELETE", f"{GROUP}/schemas/none/versions/1"),
        ("GET", "/schema?uri=urn:none"),
        ("GET", f"/schema?uri={PREFIX}/schemagroups/shop"),
        ("GET", "/schemagroups//schemas"),
        ("GET", "/schemagroups/"),
        ("GET", "/nothing"),
        ("GET", ""),
    ],
)
async def test_what_is_not_there_is_404(api: Api, method: str, path: str) -> None:
    reply = await api.ask(method, path)
    assert (reply.status, reply.code) == (404, "not_found")


# The Content-Type and the bytes MUST be preserved (3.3.3), whatever they are

TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$&^_.+-", min_size=1, max_size=12)
PARAMETER = st.tuples(TOKEN, TOKEN | st.text(" !#$%&'()*,/:;<=>?@[]^`{|}~aZ", max_size=8)).map(
    lambda one: f'; {one[0]}="{one[1]}"'
)
MEDIA_TYPE = st.builds(
    lambda type, subtype, parameters: f"{type}/{subtype}{''.join(parameters)}",
    TOKEN, TOKEN, st.lists(PARAMETER, max_size=2),
)  # fmt: skip


@settings(max_examples=40)
@given(
    sent=st.lists(
        st.tuples(st.binary(min_size=1, max_size=3_000), st.none() | MEDIA_TYPE),
        min_size=1,
        max_size=8,
    ),
    gzip=st.booleans(),
)
def test_3_3_3_what_was_posted_is_read_byte_for_byte_with_its_type(
    sent: list[tuple[bytes, str | None]], gzip: bool
) -> None:
    async def post_and_read() -> None:
        async with running() as hub:
            api = Api(hub)
            await api.group()
            by_number: dict[int, tuple[bytes, str | None]] = {}
            for document, type in sent:
                said = {"schema_format": "any", **({} if type is None else {"content_type": type})}
                number = await api.version(document, **said)
                assert by_number.setdefault(number, (document, type)) == (document, type)
            assert len(by_number) == len(set(sent))
            assert (await api.ask("GET", f"{ORDER}/versions")).json == sorted(by_number)
            for number, (document, type) in by_number.items():
                accept = {"accept-encoding": "gzip"} if gzip else None
                shown = await api.ask("GET", f"{ORDER}/versions/{number}", b"", accept)
                body = shown.body
                if shown.headers.get("content-encoding") == "gzip":
                    body = unpacked(body)
                assert (body, shown.headers.get("content-type")) == (document, type)
            assert (await api.ask("GET", ORDER)).body == by_number[max(by_number)][0]

    asyncio.run(post_and_read())


def unpacked(body: bytes) -> bytes:
    import gzip

    return gzip.decompress(body)


async def test_bodies_are_those_of_the_openapi(api: Api) -> None:
    """`json` of every answer is what schemaregistry.yaml's schemas say: arrays of strings and of integers."""
    await api.version(record("a"))
    for path, kind in (
        ("/schemagroups", str),
        (f"{GROUP}/schemas", str),
        (f"{ORDER}/versions", int),
    ):
        reply = await api.ask("GET", path)
        assert reply.headers["content-type"] == "application/json"
        assert [type(one) for one in json.loads(reply.body)] == [kind]
