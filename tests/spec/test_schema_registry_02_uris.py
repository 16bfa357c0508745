"""schemaregistry/spec.md 0.2: authorities, ids of versions, and schema version URIs (2.2.1, 2.2.2, 2.2.5, 3.4.3)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.formats.schemaregistry02.known_uris import uris_to_try
from chappe.formats.schemaregistry02.uris import Named, joined, parse_local
from tests.spec.schema_registry_api import AVRO, BASE, ORDER, Api, api, record

__all__ = ("api",)

OTHER = "/schemagroups/shop/schemas/other"


async def by_uri(api: Api, uri: str) -> bytes | None:
    """The document that a URI leads to."""
    reply = await api.ask("GET", f"/schema?uri={quote(uri, safe='')}")
    assert reply.status == 200 or reply.code == "not_found"
    return reply.body if reply.status == 200 else None


async def imported(
    api: Api, document: str, *, authority: str = "", id: str = "", path: str = ORDER
) -> int:
    """Register a schema under the names that it has elsewhere."""
    said = {"schema-authority": authority, "schema-id": id}
    headers = AVRO | {name: text for name, text in said.items() if text}
    reply = await api.ask("POST", path, document, headers)
    assert reply.status == 200, reply
    return int(reply.headers["schema-version"])


@pytest.mark.parametrize(
    ("authority", "id", "uri"),
    [
        ("https://example.com/registry", "342", "https://example.com/registry/342"),
        ("http://schemas.example.com/", "/mygroup/schemas/myschema/versions/2",
         "http://schemas.example.com/mygroup/schemas/myschema/versions/2"),
        ("http://schemas.example.org/", "http://schemas.example.org/41751",
         "http://schemas.example.org/41751"),
        ("urn:example:schemas", "a1b2c3d4", "urn:example:schemas:a1b2c3d4"),
    ],
)  # fmt: skip
async def test_2_2_2_a_uri_is_made_of_the_authority_and_the_id(
    api: Api, authority: str, id: str, uri: str
) -> None:
    assert joined(authority, id) == uri
    await imported(api, record("a"), authority=authority, id=id)
    assert await by_uri(api, uri) == record("a").encode()
    shown = await api.ask("GET", ORDER)
    assert (shown.headers["schema-authority"], shown.headers["schema-id"]) == (authority, id)
    assert shown.headers["schema-id-location"] == f"{BASE}/schema?uri={quote(uri, safe='')}"


@pytest.mark.parametrize("authority", ["", BASE])
async def test_2_2_4_the_base_of_the_api_is_the_authority_where_there_is_none(
    api: Api, authority: str
) -> None:
    await imported(api, record("a"), authority=authority, id="342")
    assert await by_uri(api, f"{BASE}/342") == record("a").encode()
    for other in ("", BASE):
        taken = AVRO | {"schema-id": "342"} | ({"schema-authority": other} if other else {})
        refused = await api.ask("POST", OTHER, record("b"), taken)
        assert (refused.status, refused.code) == (409, "conflict"), other


async def test_2_2_5_the_path_is_the_id_where_there_is_none(api: Api) -> None:
    await api.version(record("a"))
    path = f"{ORDER}/versions/1"
    for uri in (path, BASE + path, f"http://hub{path}"):
        assert await by_uri(api, uri) == record("a").encode()
    assert await by_uri(api, f"http://elsewhere{path}") is None
    assert await by_uri(api, f"{BASE}{ORDER}/versions/2") is None


async def test_2_2_1_an_authority_holds_for_the_versions_that_follow(api: Api) -> None:
    await imported(api, record("a"), authority="urn:shop")
    await api.version(record("b"))
    for number, field in ((1, "a"), (2, "b")):
        path = f"{ORDER}/versions/{number}"
        assert (await api.ask("GET", path)).headers["schema-authority"] == "urn:shop"
        assert await by_uri(api, f"urn:shop:{path}") == record(field).encode()
        assert await by_uri(api, BASE + path) == record(field).encode()


async def test_2_2_1_the_authority_is_the_one_of_the_newest_version(api: Api) -> None:
    await imported(api, record("a"), authority="urn:a")
    await imported(api, record("b"), authority="urn:b")
    await api.version(record("c"))
    assert (await api.ask("GET", ORDER)).headers["schema-authority"] == "urn:b"
    assert (await api.ask("GET", f"{ORDER}/versions/1")).headers["schema-authority"] == "urn:a"


@pytest.mark.parametrize(
    "authority", ["shop", "/shop", "http://a b/", "urn:", "http://ex.com/#a", "http://[::1", "ü:x", "x" * 5000]
)  # fmt: skip
async def test_2_2_4_an_authority_that_is_no_uri_is_refused(api: Api, authority: str) -> None:
    refused = await api.ask("POST", f"{ORDER}?authority={quote(authority)}", record("a"), AVRO)
    assert (refused.status, refused.code) == (400, "malformed")
    assert refused.json["detail"].startswith("authority: ")


@pytest.mark.parametrize("id", ["a b", "%zz", "a#b#c", "1a:b", "http://[", "é", "<a>", "x" * 5000])
async def test_2_2_5_an_id_that_is_no_uri_reference_is_refused(api: Api, id: str) -> None:
    refused = await api.ask("POST", f"{ORDER}?id={quote(id)}", record("a"), AVRO)
    assert (refused.status, refused.code) == (400, "malformed")
    assert refused.json["detail"].startswith("id: ")


@pytest.mark.parametrize(
    "id",
    [
        f"{OTHER}/versions/1",
        f"{OTHER}/versions/1".removeprefix("/"),
        f"{BASE}{OTHER}/versions/7",
        f"http://hub{ORDER}/versions/1",
    ],
)
async def test_2_2_5_the_path_of_a_version_is_no_id_of_another(api: Api, id: str) -> None:
    refused = await api.ask("POST", ORDER, record("a"), AVRO | {"schema-id": id})
    assert (refused.status, refused.code) == (400, "malformed")


async def test_2_2_5_an_id_is_unique_in_the_registry(api: Api) -> None:
    await imported(api, record("a"), id="urn:x:1")
    refused = await api.ask("POST", OTHER, record("a"), AVRO | {"schema-id": "urn:x:1"})
    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.json["detail"].endswith(f"is the schema version URI of {ORDER}/versions/1")
    # Another authority's 1 is another version.
    await imported(api, record("a"), authority="urn:y", id="1", path=OTHER)
    await api.ask("DELETE", ORDER)
    await imported(api, record("a"), id="urn:x:1", path=OTHER)
    assert (await api.ask("GET", f"{OTHER}/versions")).json == [1, 2]


async def test_3_3_3_what_is_imported_twice_is_one_version(api: Api) -> None:
    """Identical content under its own name is there already; under a new name it is not."""
    assert await imported(api, record("a"), authority="urn:x", id="1") == 1
    assert await imported(api, record("a"), authority="urn:x", id="1") == 1
    assert await api.version(record("a")) == 1
    assert await imported(api, record("a"), id="2") == 2
    assert await imported(api, record("a"), authority="urn:z", id="1") == 3
    shown = (await api.ask("GET", f"{ORDER}/versions/2")).headers["schema-id"]
    assert shown == "2"
    assert await api.version(record("a")) == 3  # the newest of those that it is


async def test_a_schema_id_that_was_read_can_be_sent_again(api: Api) -> None:
    await api.version(record("a"))
    shown = (await api.ask("GET", ORDER)).headers["schema-id"]
    assert await imported(api, record("a"), id=shown) == 1


async def test_3_4_3_the_index_follows_what_happens(api: Api) -> None:
    await imported(api, record("a"), id="urn:x:1")
    assert await by_uri(api, "urn:x:1") == record("a").encode()
    await imported(api, record("b"), id="urn:x:2")
    await api.ask("DELETE", f"{ORDER}/versions/1")
    assert await by_uri(api, "urn:x:1") is None
    assert await by_uri(api, "urn:x:2") == record("b").encode()
    # The registry's own API shows and sets the same.
    details = f"{ORDER}/versions/2$details"
    assert (await api.hub.ask("GET", details)).json["versionuri"] == "urn:x:2"
    patched = await api.hub.ask("PATCH", details, {}, '{"versionuri": "urn:x:3"}')
    assert patched.status == 200
    assert await by_uri(api, "urn:x:2") is None
    assert await by_uri(api, "urn:x:3") == record("b").encode()
    await api.ask("DELETE", "/schemagroups/shop")
    assert await by_uri(api, "urn:x:3") is None


@pytest.mark.parametrize("query", ["", "?uri="])
async def test_3_4_3_the_uri_is_required(api: Api, query: str) -> None:
    refused = await api.ask("GET", f"/schema{query}")
    assert (refused.status, refused.code) == (400, "malformed")
    assert refused.json["detail"].startswith("parameter uri: is missing")


NAME = st.text(min_size=1, max_size=8).filter(lambda one: one.isprintable())


@given(
    group=NAME, schema=NAME, number=st.integers(1, 999_999_999), base=st.sampled_from(["", BASE])
)
def test_2_2_2_the_path_of_a_version_is_read_as_it_is_written(
    group: str, schema: str, number: int, base: str
) -> None:
    named = Named(group, schema, number)
    assert parse_local(base + named.path, BASE) == named


@given(
    authority=st.sampled_from(["", BASE, "urn:a", "http://x.example/a/"]),
    id=st.sampled_from(["1", "/1", "a/b", "urn:b:1", "http://y.example/1?a"]),
)
def test_2_2_2_the_uri_that_is_told_is_found(authority: str, id: str) -> None:
    told, stands_as = joined(authority or BASE, id), joined(authority, id)
    assert stands_as in uris_to_try(told, BASE)
