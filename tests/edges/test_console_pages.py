"""The console's pages over a hub: all links answer, nothing is inline, nothing a name holds is obeyed."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.edges.console_pages import internal, read_page
from tests.edges.http_edge import Hub, running

from chappe.adapters.auth.tokens import TokenFile, add

OLD = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "total": {"type": "number"}},
    "required": ["id"],
}
NEW = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "<b>ours</b>"},
        "total": {"type": "string"},
        "self": {"$ref": "#"},
    },
    "required": ["id", "total"],
}
HOSTILE = [
    "<script>alert(1)</script>",
    '"onx="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "\u202edecoy\u202c",
    "ملف.تم",
    "..",
    ".",
    "~x",
    "a/b?c#d%2F&e=f",
    "with  spaces",
    "{{7*7}}{% raw %}",
    "javascript:alert(1)",
    "x" * 2000,
]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        await fill(one)
        yield one


async def fill(hub: Hub) -> None:
    async def done(method: str, path: str, body: Any) -> None:
        reply = await hub.ask(method, path, {"content-type": "application/json"}, json.dumps(body))
        assert reply.status < 300, (path, reply.body)

    await done("PUT", "/schemagroups/shop", {})
    schemas = "/schemagroups/shop/schemas/order$details"
    await done("PUT", schemas, {"format": "JsonSchema/draft-07", "schema": OLD})
    await done("POST", schemas, {"format": "JsonSchema/draft-07", "versionid": "2", "schema": NEW})
    await done(
        "PUT",
        "/messagegroups/shop",
        {
            "labels": {"owner": "checkout"},
            "messages": {
                "order.paid": {
                    "description": "</p><script>alert(3)</script>",
                    "envelope": "CloudEvents/1.0",
                    "envelopemetadata": {"source": {"value": "/shop/{branch}"}},
                    "dataschemaformat": "JsonSchema/draft-07",
                    "dataschemaxid": "/schemagroups/shop/schemas/order",
                },
                "order.lost": {"envelope": "CloudEvents/1.0"},
            },
        },
    )
    await done(
        "PUT", "/endpoints/web", {"usage": ["consumer"], "messagegroups": ["/messagegroups/shop"]}
    )
    await done(
        "PUT", "/endpoints/store", {"usage": ["producer"], "messagegroups": ["/messagegroups/shop"]}
    )
    await done(
        "POST",
        "/subscriptions",
        {
            "sink": "http://127.0.0.1:9/",
            "protocol": "HTTP",
            "filters": [{"prefix": {"type": "order."}}],
        },
    )
    events = [("order.paid", "/shop/berlin"), ("order.paid", "/elsewhere")]
    events += [(type_, f"/x'onerror=alert({at})") for at, type_ in enumerate(HOSTILE)]
    batch = [
        {
            "specversion": "1.0",
            "type": type_,
            "source": source,
            "id": f'<i>"{at}',
            "data": {"</code><script>": "<b onclick=x>"},
        }
        for at, (type_, source) in enumerate(events)
    ]
    reply = await hub.ask(
        "POST", "/events", {"content-type": "application/cloudevents-batch+json"}, json.dumps(batch)
    )
    assert reply.status < 300, reply.body


async def test_every_link_of_every_page_answers_and_no_page_holds_what_it_must_not(
    hub: Hub,
) -> None:
    waiting, seen = ["/console/"], {"/console/"}
    pages = 0
    while waiting:
        path = waiting.pop()
        reply = await hub.ask("GET", path, {"accept": "text/html"})
        assert reply.status == 200, (path, reply.body[:300])
        if not path.startswith("/console") or "text/html" not in reply.headers["content-type"]:
            continue
        pages += 1
        read = read_page(reply.body)
        assert not read.faults, (path, read.faults)
        assert b"<title>" in reply.body
        found = internal(path, read.links) | internal(path, read.loaded)
        waiting += sorted(found - seen)
        seen |= found
    assert pages >= 2 * len(HOSTILE)


@pytest.mark.parametrize("type_", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_page_shows_a_hostile_name_and_does_not_obey_it(hub: Hub, type_: str) -> None:
    marked = f"~{type_}" if type_ in (".", "..") or type_.startswith("~") else type_
    for part in ("", "/subscribe"):
        reply = await hub.ask("GET", f"/console/types/{quote(marked, safe='')}{part}")
        assert reply.status == 200
        read = read_page(reply.body)
        assert not read.faults
        assert type_ in "".join(read.text)
        assert b"49" not in reply.body or "{{" not in type_


async def test_a_search_is_shown_and_not_obeyed(hub: Hub) -> None:
    reply = await hub.ask("GET", f"/console/?q={quote(HOSTILE[2])}&owner={quote(HOSTILE[1])}")
    assert reply.status == 200
    assert not read_page(reply.body).faults


async def test_find_tells_declared_beside_seen(hub: Hub) -> None:
    reply = await hub.ask("GET", "/console/?q=order")
    text = " ".join("".join(read_page(reply.body).text).split())
    assert "2 of" in text
    assert "never seen" in text
    assert "checkout" in text
    assert "web" in text
    undeclared = await hub.ask("GET", "/console/?state=undeclared")
    assert "seen, not registered" in undeclared.body.decode()


async def test_a_source_that_the_declaration_does_not_expect_is_marked(hub: Hub) -> None:
    reply = await hub.ask("GET", "/console/types/order.paid?format=json")
    senders = {one["source"]: one["known"] for one in json.loads(reply.body)["senders"]}
    assert senders == {"/shop/berlin": True, "/elsewhere": False}


async def test_a_part_of_a_page_is_the_same_as_in_the_page(hub: Hub) -> None:
    whole = await hub.ask("GET", "/console/?q=order.lost")
    part = await hub.ask("GET", "/console/?q=order.lost&part=results", {"hx-request": "true"})
    assert part.body.strip() in whole.body
    assert part.headers["hx-replace-url"] == "./?q=order.lost"
    assert not read_page(part.body).faults
    nowhere = await hub.ask("GET", "/console/?part=nowhere")
    assert (nowhere.status, nowhere.body.lstrip()[:4]) == (404, b"<div")


async def test_a_schema_shows_what_changed_and_whom_it_breaks(hub: Hub) -> None:
    reply = await hub.ask("GET", "/console/schemas/shop/order")
    text = " ".join("".join(read_page(reply.body).text).split())
    assert "Breaking (backward) for 2 consumers" in text
    assert "/properties/total: number became string" in text
    assert b"<del>" in reply.body
    assert b"<ins>" in reply.body
    first = await hub.ask("GET", "/console/schemas/shop/order?v=1")
    assert b"Breaking" not in first.body
    unknown = await hub.ask("GET", "/console/schemas/shop/order?v=9")
    assert unknown.status == 404


async def test_what_is_not_there_is_a_page_that_says_so(hub: Hub) -> None:
    for path in ("types/nobody", "schemas/shop/none", "nowhere", "types/%ff"):
        reply = await hub.ask("GET", f"/console/{path}")
        assert reply.status == (400 if "%" in path else 404)
        assert not read_page(reply.body).faults
        assert "Next:" in reply.body.decode()


async def test_a_page_with_all_it_loads_is_small(hub: Hub) -> None:
    zipped = {"accept-encoding": "gzip"}
    page = await hub.ask("GET", "/console/", zipped)
    loaded = internal("/console/", read_page(gzip.decompress(page.body)).loaded)
    total = len(page.body)
    for path in loaded:
        reply = await hub.ask("GET", path, zipped)
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        total += len(reply.body)
    assert total < 60_000


async def test_an_empty_hub_tells_how_to_fill_it() -> None:
    async with running() as hub:
        page = await hub.ask("GET", "/console/")
        assert "chappe event send" in "".join(read_page(page.body).text)
        schemas = await hub.ask("GET", "/console/schemas")
        assert "curl -X PUT" in "".join(read_page(schemas.body).text)


async def test_a_hub_with_tokens_shows_pages_to_those_alone_who_may_read(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    reader = add(file, "reader", ["read"], created="2030-01-01T00:00:00Z")
    publisher = add(file, "publisher", ["publish"], created="2030-01-01T00:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        nobody = await hub.ask("GET", "/console/")
        assert (nobody.status, nobody.headers["www-authenticate"]) == (401, "Bearer")
        other = await hub.ask("GET", "/console/", {"authorization": f"Bearer {publisher}"})
        assert other.status == 403
        mine = await hub.ask("GET", "/console/", {"authorization": f"Bearer {reader}"})
        assert mine.status == 200
        for path in internal("/console/", read_page(nobody.body).loaded):
            assert (await hub.ask("GET", path)).status == 200


async def test_a_node_that_drains_says_so_on_a_page(hub: Hub) -> None:
    page = await hub.ask("GET", "/console/")
    hub.app.drain()
    reply = await hub.ask("GET", "/console/")
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert "shutting down" in "".join(read_page(reply.body).text)
    for path in internal("/console/", read_page(page.body).loaded):
        assert (await hub.ask("GET", path)).status == 200
