"""Schema Registry 0.2 at the edge: rights, limits, conditions, what stands in headers."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from http_edge import Hub, Reply, running
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.hub import HubProcess

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.http.parts import Limits, RegistryParts
from chappe.http.registry.asked import Edge
from chappe.registry.hub_model import hub_model

PREFIX = "/schemaregistry/v0.2"
GROUP = f"{PREFIX}/schemagroups/shop"
SCHEMA = f"{GROUP}/schemas/order"
ANY = {"schema-format": "any", "content-type": "text/plain"}


async def post(hub: Hub, document: bytes | str = b"a", **headers: str) -> Reply:
    await hub.ask("PUT", GROUP, {}, "{}")
    return await hub.ask("POST", SCHEMA, ANY | headers, document)


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", f"{PREFIX}/schemagroups", "read"),
        ("HEAD", GROUP, "read"),
        ("GET", f"{PREFIX}/schema?uri=urn:x", "read"),
        ("GET", f"{GROUP}/schemas", "read"),
        ("GET", SCHEMA, "read"),
        ("GET", f"{SCHEMA}/versions", "read"),
        ("GET", f"{SCHEMA}/versions/1", "read"),
        ("PUT", GROUP, "subscribe"),
        ("DELETE", GROUP, "subscribe"),
        ("DELETE", f"{GROUP}/schemas", "subscribe"),
        ("POST", SCHEMA, "subscribe"),
        ("DELETE", SCHEMA, "subscribe"),
        ("DELETE", f"{SCHEMA}/versions/1", "subscribe"),
    ],
)
async def test_rights(tmp_path: Path, method: str, path: str, right: str) -> None:
    file = tmp_path / "tokens.json"
    sent = {
        one: tokens.add(file, one, [one], created="2026-11-22T10:00:00Z")
        for one in ("publish", "read", "subscribe", "admin")
    }
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        assert (await hub.ask(method, path)).status == 401
        for one, token in sent.items():
            reply = await hub.ask(method, path, {"authorization": f"Bearer {token}"})
            assert (reply.status == 403) is (one not in (right, "admin")), (one, reply)


async def test_options_tell_what_the_caller_may_do(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    reader = tokens.add(file, "r", ["read"], created="2026-11-22T10:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        reply = await hub.ask("OPTIONS", SCHEMA, {"authorization": f"Bearer {reader}"})
        assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    async with running() as hub:
        reply = await hub.ask("OPTIONS", SCHEMA)
        assert reply.headers["allow"] == "GET, HEAD, POST, DELETE, OPTIONS"
        refused = await hub.ask("PATCH", SCHEMA)
        assert (refused.status, refused.code) == (405, "method_not_allowed")
        assert refused.headers["allow"] == "GET, HEAD, POST, DELETE, OPTIONS"


async def test_a_document_may_be_as_long_as_the_registry_allows() -> None:
    parts = RegistryParts(Edge(body_bytes=4_000))
    async with running(registry=parts, limits=Limits(batch_bytes=2_000)) as hub:
        assert (await post(hub, b"x" * 4_000)).status == 200
        refused = await post(hub, b"x" * 4_001)
        assert (refused.status, refused.code) == (413, "too_large")
        assert (await hub.ask("DELETE", SCHEMA, {}, b"x" * 2_001)).code == "too_large"


async def test_a_client_that_has_a_version_gets_304() -> None:
    async with running() as hub:
        await post(hub)
        shown = await hub.ask("GET", SCHEMA)
        tag = shown.headers["etag"]
        for condition in (tag, f'"x", W/{tag}', "*"):
            again = await hub.ask("GET", SCHEMA, {"if-none-match": condition})
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
        await post(hub, b"b")
        assert (await hub.ask("GET", SCHEMA, {"if-none-match": tag})).body == b"b"
        await hub.ask(
            "PATCH",
            "/schemagroups/shop/schemas/order/versions/2$details",
            {},
            '{"description":"x"}',
        )
        assert (await hub.ask("GET", SCHEMA)).headers["schema-description"] == "x"


async def test_a_document_is_gzipped_for_who_asks() -> None:
    async with running() as hub:
        await post(hub, b"x" * 5_000)
        shown = await hub.ask("GET", SCHEMA, {"accept-encoding": "gzip"})
        assert shown.headers["content-encoding"] == "gzip"
        assert gzip.decompress(shown.body) == b"x" * 5_000
        tag = shown.headers["etag"]
        assert (await hub.ask("GET", SCHEMA, {"if-none-match": tag})).status == 304


async def test_a_document_does_nothing_in_a_browser() -> None:
    async with running() as hub:
        await post(hub, "<script>", **{"content-type": "text/html"})
        headers = (await hub.ask("GET", SCHEMA)).headers
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["x-content-type-options"] == "nosniff"


async def test_what_the_registry_holds_cannot_break_out_of_a_header() -> None:
    async with running() as hub:
        await post(hub)
        bad = "a\r\nset-cookie: x=1 é"
        body = {"description": bad, "authority": bad, "versionuri": bad}
        path = "/schemagroups/shop/schemas/order/versions/1$details"
        assert (await hub.ask("PATCH", path, {}, json.dumps(body))).status == 200
        headers = (await hub.ask("GET", SCHEMA)).headers
        assert "set-cookie" not in headers
        for name in ("schema-description", "schema-authority", "schema-id"):
            assert headers[name] == "a%0D%0Aset-cookie:%20x=1%20%C3%A9"
        odd = {"authority": {"a": 1}, "versionuri": [1], "description": None}
        assert (await hub.ask("PATCH", path, {}, json.dumps(odd))).status == 200
        headers = (await hub.ask("GET", SCHEMA)).headers
        assert headers["schema-id"] == "/schemagroups/shop/schemas/order/versions/1"
        assert "schema-authority" not in headers
        assert (await hub.ask("GET", f"{PREFIX}/schema?uri=urn:x")).code == "not_found"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"content-type": "text/plän"}, "Content-Type: "),
        ({"schema-description": "%zz"}, "description: must have two hexadecimal digits"),
        ({"schema-description": "é"}, "description: must be percent-encoded"),
        ({"schema-description": '"open'}, "description: must close its double quote"),
        ({"schema-description": "x" * 5_000}, "description: "),
        ({"schema-format": "x" * 5_000}, "format: "),
        ({"content-type": "x/" + "y" * 5_000}, "Content-Type: "),
    ],
)
async def test_a_header_that_is_wrong_is_named(headers: dict[str, str], detail: str) -> None:
    async with running() as hub:
        refused = await post(hub, **headers)
        assert (refused.status, refused.code) == (400, "malformed")
        assert refused.json["detail"].startswith(detail)
        assert (await hub.ask("GET", f"{GROUP}/schemas")).json == []


async def test_parameters_that_are_unknown_are_refused() -> None:
    async with running() as hub:
        refused = await hub.ask("GET", f"{PREFIX}/schemagroups?limit=5")
        assert (refused.status, refused.code) == (400, "malformed")


async def test_a_read_waits_for_the_revision_that_a_write_told() -> None:
    async with running() as hub:
        revision = (await post(hub)).headers["chappe-revision"]
        reply = await hub.ask("GET", SCHEMA, {"chappe-min-revision": revision})
        assert (reply.status, reply.headers["chappe-revision"]) == (200, revision)
        refused = await hub.ask("GET", SCHEMA, {"chappe-min-revision": "x"})
        assert refused.code == "malformed"


async def test_urls_are_those_that_the_hub_is_reached_by() -> None:
    parts = RegistryParts(Edge(), public_url="https://hub.example/x")
    async with running(registry=replace(parts)) as hub:
        made = await post(hub)
        base = f"https://hub.example/x{PREFIX}"
        assert made.headers["location"] == f"{base}/schemagroups/shop/schemas/order/versions/1"
        assert made.headers["schema-id-location"].startswith(f"{base}/schema?uri=https%3A%2F%2F")


async def test_a_registry_without_schemas_in_its_model_has_no_groups() -> None:
    async with running() as hub:
        source = hub_model()
        del source["groups"]["schemagroups"]
        changed = await hub.declare("/modelsource", source)
        assert changed.status == 200, changed
        reply = await hub.ask("GET", f"{PREFIX}/schemagroups")
        assert (reply.status, reply.json) == (200, [])
        refused = await hub.ask("PUT", GROUP, {}, "{}")
        assert (refused.status, refused.code) == (404, "not_found")
        assert "(--model hub has)" in refused.json["detail"]


@pytest.mark.engine
@pytest.mark.timeout(60)
async def test_a_hub_that_is_killed_has_what_it_took_and_tells_of_it_in_the_channel(
    tmp_path: Path,
) -> None:
    document = bytes(range(256))
    async with HubProcess(tmp_path / "data") as hub:
        client = hub.client()
        assert (await client.ask("PUT", GROUP, {}, b"{}")).status == 201
        said = {**ANY, "schema-authority": "urn:shop", "schema-id": "1"}
        made = await client.ask("POST", SCHEMA, said, document)
        assert (made.status, made.headers["schema-version"]) == (200, "1")
        await hub.crash()
        await hub.start()
        client = hub.client()
        for path in (SCHEMA, f"{PREFIX}/schema?uri=urn:shop:1"):
            shown = await client.ask("GET", path)
            assert (shown.status, shown.body) == (200, document)
            assert shown.headers["content-type"] == "text/plain"
        again = await client.ask("POST", SCHEMA, said, document)
        assert again.headers["schema-version"] == "1"
        events: list[Any] = []
        while not events:
            listing = "/channels/registry/events?type=io.xregistry.version.created&order=asc&wait=5"
            found = [one["event"] for one in (await client.ask("GET", listing)).json()]
            events = [one for one in found if one["subject"].startswith("/schemagroups/shop/")]
        (event,) = events
        assert event["subject"] == "/schemagroups/shop/schemas/order/versions/1"
        assert event["xregcorrelationid"] == made.headers["xregistry-xregcorrelationid"]


PART = st.sampled_from(
    [
        "schema",
        "schemagroups",
        "shop",
        "schemas",
        "order",
        "versions",
        "1",
        "2",
        "%2F",
        "a~2fb",
        "%C3",
    ]
) | st.text('aA~%20_.:@+&;$"<>\\^`{|}', max_size=6)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["content-type", "schema-format", "schema-description", "schema-authority", "schema-id",
         "if-none-match", "accept-encoding", "chappe-min-revision", "accept"]
    ),
    st.sampled_from(["avro", "any", "urn:x", "1", "*", "%", '"', "text/plain;format=avro", "gzip", "0"])
    | st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f\x85\xa0"), max_size=9),
    max_size=4,
)  # fmt: skip
REQUEST = st.tuples(
    st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"]),
    st.lists(PART, max_size=6).map("/".join)
    | st.sampled_from(["schemagroups/shop", "schemagroups/shop/schemas/order"]),
    st.sampled_from(["", "?uri=urn:x:1", "?uri=%", "?format=any&id=1", "?format=json-schema", "?x"])
    | st.text("?uridformat=&%:/0a", max_size=12).map(lambda one: f"?{one}"),
    HEADERS,
    st.binary(max_size=20) | st.sampled_from([b"{}", b'"int"', b'{"format":"avro"}', b"[]"]),
)


@settings(max_examples=60)
@given(requests=st.lists(REQUEST, max_size=15))
def test_whatever_is_asked_is_answered(requests: list[Any]) -> None:
    """Never 500: what is wrong is told, and nothing of it stays in the way of the next request."""

    async def ask_all() -> None:
        async with running() as hub:
            for method, path, query, headers, body in requests:
                reply = await hub.ask(method, f"{PREFIX}/{path}{query}", headers, body)
                assert reply.status < 500, (method, path, query, headers, body, reply)
            assert (await hub.ask("GET", f"{PREFIX}/schemagroups")).status == 200

    asyncio.run(ask_all())
