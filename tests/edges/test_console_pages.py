"""The console's pages over a hub: all links answer, nothing is inline, nothing a name holds is obeyed."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import pytest
from tests.edges.console_pages import internal, read_page
from tests.edges.http_edge import Hub, running

from chappe.adapters.auth.tokens import TokenFile, add
from chappe.adapters.memory.node_roll import MemoryNodeRoll, Present
from chappe.console.figures import parse
from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.flows.call_roll import CallRoll
from chappe.http.figures import Figures
from chappe.ports.event_log import Extent
from chappe.testing.node_roll_suite import ONE

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
    "{{1234567*7654321}}{% raw %}",
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
    for part in ("", "/flow?hops=2", "/live", "/versions", "/subscribe", "/docs"):
        reply = await hub.ask("GET", f"/console/types/{quote(marked, safe='')}{part}")
        assert reply.status == 200
        read = read_page(reply.body)
        assert not read.faults
        assert type_ in "".join(read.text)
        assert str(1234567 * 7654321).encode() not in reply.body


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


PROSE = """# Paid

A *customer* **paid**. <script>alert(1)</script> <b onclick="x">b</b>
[web](https://example.com/a) [js](javascript:alert(1)) [data](data:text/html,x) [local](/console/) ![pixel](https://evil.example/p.png)

| a | b |
|:--|--:|
| 1 | 2 |

```html
<i>
```
"""


async def test_a_description_is_drawn_and_can_do_no_harm(hub: Hub) -> None:
    made = await hub.ask(
        "PATCH",
        "/messagegroups/shop/messages/order.paid",
        {"content-type": "application/json"},
        json.dumps({"description": PROSE, "documentation": "javascript:alert(2)"}),
    )
    assert made.status == 200, made.body
    reply = await hub.ask("GET", "/console/types/order.paid/docs")
    read, text = read_page(reply.body), reply.body.decode()
    assert not read.faults
    assert "<em>customer</em> <strong>paid</strong>" in text
    assert "<h3>Paid</h3>" in text
    assert "<td>2</td>" in text
    assert '<a href="https://example.com/a" rel="noreferrer nofollow">web</a>' in text
    assert "<script>alert" not in text
    assert "<b " not in text
    assert "<img" not in text.partition("<main")[2]
    assert not any(link.startswith(("data:", "javascript:")) for link in read.links)


@pytest.mark.parametrize(
    "path", ["", "types/order.paid", "types/order.paid/flow", "schemas/shop/order", "map", "health"]
)
async def test_a_page_is_there_as_markdown(hub: Hub, path: str) -> None:
    asked = await hub.ask("GET", f"/console/{path}?format=md")
    assert asked.headers["content-type"] == "text/markdown; charset=utf-8"
    text = asked.body.decode()
    assert text.startswith(("# ", "[Find]", "[Schemas]"))
    assert "```sh\nchappe " in text
    assert "](<http://hub/" in text
    negotiated = await hub.ask("GET", f"/console/{path}", {"accept": "text/markdown"})
    assert negotiated.headers["content-type"] == asked.headers["content-type"]


async def test_the_map_is_narrowed_by_words_and_told_in_other_forms(hub: Hub) -> None:
    near = json.loads((await hub.ask("GET", "/console/map?q=order.lost&format=json")).body)
    assert [one["type"] for one in near["flows"]] == ["order.lost"]
    further = json.loads(
        (await hub.ask("GET", "/console/map?q=order.lost&hops=2&format=json")).body
    )
    assert {"order.lost", "order.paid"} == {one["type"] for one in further["flows"]}
    for form, begins in (("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg ")):
        drawn = (await hub.ask("GET", f"/console/map/as/{form}?q=order.lost")).body.decode()
        assert drawn.startswith(begins)
        assert "order.lost" in drawn
        assert "order.paid" not in drawn, form
    assert (await hub.ask("GET", "/console/map/as/png")).status == 404


async def test_the_versions_of_a_type_s_schema_have_verdicts(hub: Hub) -> None:
    reply = await hub.ask("GET", "/console/types/order.paid/versions?format=json")
    lines = {one["id"]: one for one in json.loads(reply.body)["lines"]}
    assert (lines["2"]["compatible"], lines["2"]["used"]) == (False, True)
    assert (lines["1"]["compatible"], lines["1"]["why"]) == (None, "the first")


async def test_a_type_shows_an_event_that_its_schema_makes(hub: Hub) -> None:
    made = json.loads((await hub.ask("GET", "/console/types/order.paid?format=json")).body)["made"]
    event = json.loads(made["text"])
    assert made["valid"]
    assert event["type"] == "order.paid"
    assert {"id", "total"} <= event["data"].keys()


async def test_a_change_of_a_schema_says_what_was_and_what_is(hub: Hub) -> None:
    view = json.loads((await hub.ask("GET", "/console/schemas/shop/order?format=json")).body)
    changes = {one["path"]: one for one in view["comparison"]["breaking"]}
    total = changes["/properties/total"]
    assert (total["before"], total["after"]) == ('{"type": "number"}', '{"type": "string"}')
    (seen,) = view["comparison"]["evidence"]
    assert (seen["type"], seen["events"], seen["invalid"]) == ("order.paid", 2, 2)
    members = {one["name"]: (one["old"], one["new"]) for one in view["comparison"]["members"]}
    assert members["total"] == ("number", "string required")
    assert members["self"][0] is None


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


PAGES = (
    "", "?q=order", "types/order.paid", "types/order.paid/subscribe", "schemas", "schemas/shop/order",
    "events/%3Ci%3E%220", "live", "subscribe", "subscriptions", "deliveries", "map", "health",
)  # fmt: skip


async def test_the_id_of_an_event_leads_to_it_once_it_is_sent(hub: Hub) -> None:
    found = await hub.ask("GET", "/console/?q=%20%3Ci%3E%220%20")
    assert (found.status, found.headers["location"]) == (303, "events/%3Ci%3E%220")
    typed = await hub.ask("GET", "/console/?q=%3Ci%3E%220&part=results")
    assert typed.status == 200
    assert "An event is called so" in "".join(read_page(typed.body).text)
    program = await hub.ask("GET", "/console/?q=%3Ci%3E%220&format=json")
    assert json.loads(program.body)["event"] == '<i>"0'
    word = await hub.ask("GET", "/console/?q=order")
    assert word.status == 200


async def test_an_id_that_several_events_have_leads_to_a_choice(hub: Hub) -> None:
    for source in ("/a", "/b"):
        headers = {"ce-specversion": "1.0", "ce-id": "twice", "ce-source": source, "ce-type": "t"}
        assert (await hub.ask("POST", "/events", headers)).status == 202
    reply = await hub.ask("GET", "/console/events/twice")
    assert reply.status == 409
    links = internal("/console/events/twice", read_page(reply.body).links)
    events = {one for one in links if re.match(r"/console/events/\d", one)}
    assert len(events) == 2
    for one in events:
        assert (await hub.ask("GET", one)).status == 200


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("types/order.payd", "types/order.paid"),
        ("types/ORDER.PAID/subscribe", "types/order.paid"),
        ("schemas/shop/ordr", "schemas/shop/order"),
    ],
)
async def test_a_name_that_there_is_not_leads_to_those_that_are_alike(
    hub: Hub, path: str, near: str
) -> None:
    reply = await hub.ask("GET", f"/console/{path}")
    assert reply.status == 404
    read = read_page(reply.body)
    assert not read.faults
    assert f"/console/{near}" in internal(f"/console/{path}", read.links)


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def traced(hub: Hub) -> None:
    """Three events of one trace, each of which caused the next, and one of none."""
    for number, name in enumerate(("first", "<b>second", "third")):
        cause = {"causationid": ("elsewhere", "first", "<b>second")[number]}
        event = {"specversion": "1.0", "id": name, "source": "/x", "type": "order.paid", **cause}
        for body in ({**event, "traceparent": TRACEPARENT}, {**event, "id": f"{name}-alone"}):
            reply = await hub.ask(
                "POST",
                "/events",
                {"content-type": "application/cloudevents+json"},
                json.dumps(body),
            )
            assert reply.status == 202, reply.body


async def test_a_traceparent_leads_to_all_events_of_the_trace(hub: Hub) -> None:
    await traced(hub)
    for words in (TRACEPARENT, TRACE, f" {TRACE} "):
        found = await hub.ask("GET", f"/console/?q={quote(words)}")
        assert (found.status, found.headers["location"]) == (303, f"traces/{TRACE}")
    typed = await hub.ask("GET", f"/console/?q={TRACE}&part=results")
    assert typed.status == 200

    page = read_page((await hub.ask("GET", f"/console/traces/{TRACE}")).body)
    assert page.faults == []
    view = json.loads((await hub.ask("GET", f"/console/traces/{TRACEPARENT}?format=json")).body)
    assert [one["event"]["id"] for one in view["steps"]] == ["first", "<b>second", "third"]
    assert [one["became"] for one in view["steps"]] == [[["pending", 1]]] * 3
    links = internal(f"/console/traces/{TRACE}", page.links)
    assert f"/console/events/{view['steps'][0]['position']}" in links


async def test_an_event_leads_to_its_trace_and_to_what_caused_it(hub: Hub) -> None:
    await traced(hub)
    reply = await hub.ask("GET", "/console/events/%3Cb%3Esecond")
    links = internal("/console/events/x", read_page(reply.body).links)
    view = json.loads((await hub.ask("GET", "/console/events/first?format=json")).body)
    assert f"/console/traces/{TRACE}" in links
    assert f"/console/events/{view['trace']['position']}" in links
    assert (view["cause"], view["cause_position"]) == ("elsewhere", None)
    assert "not here" in "".join(
        read_page((await hub.ask("GET", "/console/events/first")).body).text
    )


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("traces/nonsense", 404, "32 hexadecimal digits"),
        (f"traces/{TRACE}?last=0", 400, "from 1 to 10,000"),
        (f"traces/{TRACE}?last=1e3", 400, "from 1 to 10,000"),
        (f"traces/{TRACE}?channel=none", 404, "none"),
        (f"traces/{TRACE}", 200, "No event of this trace is among the newest"),
    ],
)
async def test_what_is_no_trace_or_has_no_events_is_told(
    hub: Hub, path: str, status: int, said: str
) -> None:
    reply = await hub.ask("GET", f"/console/{path}")
    assert reply.status == status
    assert said in "".join(read_page(reply.body).text)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_with_all_it_loads_is_small(hub: Hub, path: str) -> None:
    zipped = {"accept-encoding": "gzip"}
    page = await hub.ask("GET", f"/console/{path}", zipped)
    assert page.status == 200
    assert page.headers["server-timing"].startswith("page;dur=")
    loaded = internal(f"/console/{path}", read_page(gzip.decompress(page.body)).loaded)
    total = len(page.body)
    for path in loaded:
        reply = await hub.ask("GET", path, zipped)
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        total += len(reply.body)
    assert total < 60_000


@pytest.mark.parametrize("path", [one for one in PAGES if one != "health"])  # figures always move
async def test_a_page_is_sent_again_only_once_something_on_it_is_different(
    hub: Hub, path: str
) -> None:
    for _ in range(20):  # "3 s ago" is different in a second
        first = await hub.ask("GET", f"/console/{path}")
        again = await hub.ask("GET", f"/console/{path}", {"if-none-match": first.headers["etag"]})
        if again.status == 304:
            assert again.body == b""
            return
        assert again.body != first.body
    raise AssertionError("the page is always another")


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


def test_a_figure_whose_line_was_passed_over_is_not_taken_for_none() -> None:
    found = parse("chappe_shards 4\nchappe_streams_open 7\n", named=("chappe_shards",))

    assert found.get("chappe_shards") == 4
    assert found.find("chappe_shards_owned") is None
    with pytest.raises(LookupError, match="chappe_streams_open"):
        found.get("chappe_streams_open")


async def test_health_is_shown_when_the_engine_does_not_answer() -> None:
    async def gone(channel: Channel) -> Extent:
        raise Unavailable("NATS gave no answer")

    async with running(extent=gone) as hub:
        reply = await hub.ask("GET", "/console/health")
        assert reply.status == 200
        assert "cannot be told now: NATS gave no answer" in "".join(read_page(reply.body).text)


HERE = NodeReport(
    node="n-test", version="0.1.0", started_ms=0, shards=("default.0",), registry_revision=12
)


def nodes(*others: NodeReport) -> CallRoll:
    """What the node that is asked hears from others; the second of two shards is of one that is gone."""
    present = Present([(MemoryNodeRoll(), lambda one=one: one) for one in others])  # type: ignore[misc]

    async def holder(shard: str) -> str:
        return "<b>gone"

    channels = {"default": Channel("default", 2)}
    return CallRoll(MemoryNodeRoll(present), lambda: HERE, lambda: channels, holder)


def cells(body: bytes) -> dict[str, str]:
    """The rows of the table of nodes, by what they begin with."""
    table = body.decode().partition('aria-label="Nodes"')[2].partition("</table>")[0]
    found = [
        " ".join("".join(read_page(f"<table><tr>{row}".encode()).text).split())
        for row in re.findall(r"<tr>(<th scope=\"row\">.*?)</tr>", table, re.S)
    ]
    return {row.split()[0]: row for row in found}


async def test_health_lists_the_nodes_with_what_sets_them_apart_in_words() -> None:
    late = replace(
        ONE, node="late", registry_revision=9, shards=(), failing=("disk",), draining=False
    )
    other = replace(ONE, node="other", version="0.9.0", host=HOSTILE[0], shards=(), failing=())
    async with running(nodes=nodes(late, other)) as hub:
        reply = await hub.ask("GET", "/console/health")
        page = read_page(reply.body)
        data = json.loads((await hub.ask("GET", "/console/health?format=json")).body)
    rows = cells(reply.body)
    assert page.faults == []
    assert list(rows) == ["<b>gone", "late", "n-test", "other"]
    assert "✗no answer" in rows["<b>gone"]
    assert "default 1" in rows["<b>gone"]
    assert "this one ✓ready default 0" in rows["n-test"]
    assert "✗not ready: disk" in rows["late"]
    assert "9 ⚠3 behind" in rows["late"]
    assert "41.0 %" in rows["late"]
    assert "80 MB" in rows["late"]
    assert "↻draining" in rows["other"]
    assert "0.9.0 ⚠another version" in rows["other"]
    assert HOSTILE[0] in rows["other"]
    assert "behind" not in rows["n-test"] + rows["other"]
    assert [one["name"] for one in data["nodes"]] == list(rows)


async def test_a_hub_of_one_node_shows_that_one() -> None:
    async with running() as hub:
        reply = await hub.ask("GET", "/console/health")
    assert list(cells(reply.body)) == ["n-test"]


async def test_the_figures_that_are_asked_for_again_and_again_ask_no_other_node() -> None:
    async def never() -> NoReturn:
        raise AssertionError

    async with running(nodes=never) as hub:
        assert (await hub.ask("GET", "/console/health?part=figures")).status == 200


async def test_health_shows_the_figures_of_the_node() -> None:
    async def figures() -> Figures:
        return Figures(
            shards_owned=3, shards=7, registry_revision=41, streams=5, disk_free_bytes=12_000_000
        )

    async with running(figures=figures) as hub:
        facts = (await hub.ask("GET", "/console/health")).body.partition(b'<dl class="facts">')[2]
    text = " ".join(re.sub(r"<[^>]+>", " ", facts.partition(b"</dl>")[0].decode()).split())
    assert "Shards 3 of 7 are delivered by this node; the others by other nodes" in text
    assert "Registry 41 revisions" in text
    assert "Streams 5 that are read now" in text
    assert "Disk 12 MB free" in text
