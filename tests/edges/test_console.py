"""The console over HTTP: pages, their headers, what is kept of them, and who may see them."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import pytest
from tests.edges.http_edge import Hub, running

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


async def test_a_browser_at_the_root_is_led_to_the_console(hub: Hub) -> None:
    reply = await hub.ask("GET", "/", BROWSER)
    assert (reply.status, reply.headers["location"]) == (302, "console/")
    assert reply.headers["vary"] == "accept"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/json, text/html"])
async def test_a_program_at_the_root_gets_the_registry(hub: Hub, accept: str) -> None:
    reply = await hub.ask("GET", "/", {"accept": accept})
    assert (reply.status, json.loads(reply.body)["registryid"]) == (200, "test")


async def test_the_path_without_a_slash_leads_to_the_one_with(hub: Hub) -> None:
    reply = await hub.ask("GET", "/console")
    assert (reply.status, reply.headers["location"]) == (308, "console/")


@pytest.mark.parametrize("path", ["", "nowhere", "static/none.js"])
async def test_every_answer_forbids_what_no_page_needs(hub: Hub, path: str) -> None:
    reply = await hub.ask("GET", f"/console/{path}")
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "same-origin"


async def test_a_page_that_did_not_change_is_not_sent_again(hub: Hub) -> None:
    first = await hub.ask("GET", "/console/")
    again = await hub.ask("GET", "/console/", {"if-none-match": first.headers["etag"]})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])


async def test_a_page_is_compressed_for_who_takes_that(hub: Hub) -> None:
    plain = await hub.ask("GET", "/console/")
    zipped = await hub.ask("GET", "/console/", {"accept-encoding": "br, gzip"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["etag"] != plain.headers["etag"]
    refused = await hub.ask("GET", "/console/", {"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


async def test_head_has_the_headers_of_get(hub: Hub) -> None:
    get = await hub.ask("GET", "/console/")
    head = await hub.ask("HEAD", "/console/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


async def test_a_method_that_a_page_does_not_have_is_refused(hub: Hub) -> None:
    reply = await hub.ask("POST", "/console/", {"sec-fetch-site": "same-origin"})
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
