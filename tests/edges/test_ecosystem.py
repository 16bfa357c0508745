"""What other tools read and write at a hub: AsyncAPI, Backstage, llms.txt, Markdown, the page of the API."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.edges.http_edge import Hub, running
from typing_extensions import override

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile

CREATED = "2026-11-22T10:00:00Z"
ASYNCAPI = "application/vnd.aai.asyncapi+json"
MARKDOWN = {"accept": "text/markdown"}
CHECKOUT = {
    "asyncapi": "3.0.0",
    "info": {"title": "Checkout Service", "version": "1.2.0"},
    "servers": {"n": {"host": "nats.example:4222", "protocol": "nats"}},
    "channels": {
        "paid": {
            "address": "orders.paid",
            "messages": {
                "paid": {
                    "name": "order.paid",
                    "contentType": "application/cloudevents+json",
                    "payload": {"$ref": "#/components/schemas/Order"},
                }
            },
        },
        "placed": {"address": "orders.placed"},
    },
    "operations": {
        "tell": {"action": "send", "channel": {"$ref": "#/channels/paid"}},
        "hear": {"action": "receive", "channel": {"$ref": "#/channels/placed"}},
    },
    "components": {
        "schemas": {"Order": {"type": "object", "properties": {"total": {"type": "number"}}}}
    },
}
PAID = "/messagegroups/checkout-service/messages/order.paid"
ORDER = "/schemagroups/checkout-service/schemas/Order"


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


async def taken(hub: Hub, document: Any = CHECKOUT, query: str = "") -> Any:
    reply = await hub.ask("POST", f"/asyncapi{query}", {}, json.dumps(document))
    assert reply.status == 200, reply
    return reply.json


# AsyncAPI


async def test_a_document_becomes_endpoints_messages_and_schemas_in_one_write(hub: Hub) -> None:
    before = int((await hub.ask("GET", "/")).headers["chappe-revision"])

    reply = await hub.ask("POST", "/asyncapi", {}, json.dumps(CHECKOUT))

    assert int(reply.headers["chappe-revision"]) == before + 1
    assert {PAID, ORDER, "/endpoints/checkout-service.paid"} <= set(reply.json["made"])
    endpoint = (await hub.ask("GET", "/endpoints/checkout-service.paid?inline=messages")).json
    assert endpoint["usage"] == ["consumer"]
    assert endpoint["labels"] == {"application": "checkout-service", "version": "1.2.0"}
    assert endpoint["protocoloptions"]["subjectfilter"] == "orders.paid"
    assert endpoint["messages"]["order.paid"]["envelope"] == "CloudEvents/1.0"
    assert (await hub.ask("GET", ORDER)).json == CHECKOUT["components"]["schemas"]["Order"]  # type: ignore[index]


async def test_a_dry_run_tells_the_same_and_does_nothing(hub: Hub) -> None:
    told = await hub.ask("POST", "/asyncapi?dryrun", {}, json.dumps(CHECKOUT))

    assert told.headers["chappe-dry-run"] == "true"
    assert (await hub.ask("GET", PAID)).status == 404
    assert told.json == await taken(hub)


async def test_the_same_document_again_changes_nothing(hub: Hub) -> None:
    await taken(hub)
    revision = (await hub.ask("GET", "/")).headers["chappe-revision"]

    assert await taken(hub) == {"made": [], "changed": [], "left": []}
    assert (await hub.ask("GET", "/")).headers["chappe-revision"] == revision


async def test_yaml_is_taken_and_shown(hub: Hub) -> None:
    reply = await hub.ask("POST", "/asyncapi", {}, yaml.safe_dump(CHECKOUT))
    shown = await hub.ask(
        "GET", "/asyncapi?application=checkout-service", {"accept": "application/yaml"}
    )

    assert reply.status == 200
    assert shown.headers["content-type"].startswith("application/vnd.aai.asyncapi+yaml")
    assert set(yaml.safe_load(shown.body)["channels"]) == {
        "checkout-service.paid", "checkout-service.placed",
    }  # fmt: skip


async def test_what_was_exported_is_imported_as_the_same(hub: Hub) -> None:
    await taken(hub)
    first = (await hub.ask("GET", "/asyncapi")).json

    async with running() as other:
        assert (await other.ask("POST", "/asyncapi", {}, json.dumps(first))).status == 200
        assert (await other.ask("GET", "/asyncapi")).json == first


@pytest.mark.parametrize("accept", [ASYNCAPI, "application/vnd.aai.asyncapi+yaml"])
async def test_an_endpoint_is_shown_as_asyncapi_where_that_is_asked_for(
    hub: Hub, accept: str
) -> None:
    await taken(hub)

    shown = await hub.ask("GET", "/endpoints/checkout-service.paid", {"accept": accept})
    alone = await hub.ask("GET", "/asyncapi?endpoint=checkout-service.paid", {"accept": accept})

    assert shown.headers["content-type"].startswith(accept)
    assert shown.headers["vary"] == "accept, accept-encoding"
    assert shown.body == alone.body
    assert (await hub.ask("GET", "/endpoints/checkout-service.paid")).json["endpointid"]


async def test_the_hubs_own_endpoints_tell_how_to_publish(hub: Hub) -> None:
    document = (await hub.ask("GET", "/asyncapi?application=chappe")).json

    assert all(
        one["x-chappe"]["xid"].startswith("/endpoints/") for one in document["channels"].values()
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?endpoint=none", 404),
        ("?application=none", 404),
        ("?endpoint=a&application=b", 400),
        ("?what=1", 400),
    ],
)
async def test_what_is_not_there_is_not_shown(hub: Hub, query: str, status: int) -> None:
    assert (await hub.ask("GET", f"/asyncapi{query}")).status == status


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"info": {}}, "asyncapi: is missing"),
        ({"asyncapi": "1.2.0"}, "2.0 to 2.6, 3.0, 3.1"),
        ([], "an object"),
        (
            {"asyncapi": "3.0.0", "channels": {"a": {"$ref": "https://elsewhere.example/a.yaml"}}},
            "leads out of the document; nothing is fetched",
        ),
        (
            {
                "asyncapi": "2.6.0",
                "channels": {"a": {"publish": {"message": {"$ref": "./m.yaml"}}}},
            },
            "leads out of the document",
        ),
    ],
)
async def test_a_document_that_cannot_be_taken_is_refused_by_name(
    hub: Hub, document: Any, words: str
) -> None:
    reply = await hub.ask("POST", "/asyncapi", {}, json.dumps(document))

    assert (reply.status, reply.code) == (400, "malformed")
    assert words in reply.json["detail"]


async def test_nothing_of_a_document_with_a_wrong_schema_is_done(hub: Hub) -> None:
    broken = json.loads(json.dumps(CHECKOUT))
    broken["components"]["schemas"]["Order"] = {"type": "no such type"}

    reply = await hub.ask("POST", "/asyncapi", {}, json.dumps(broken))

    assert reply.status == 400
    assert ORDER in reply.json["detail"]
    assert (await hub.ask("GET", "/endpoints/checkout-service.placed")).status == 404


@pytest.mark.parametrize("body", [b"\xff", b"{", b"--- {}\n--- {}\n", b"a: &a [*a]", b"a: *b", b""])
async def test_what_is_no_document_is_malformed(hub: Hub, body: bytes) -> None:
    assert (await hub.ask("POST", "/asyncapi", {}, body)).code == "malformed"


async def test_a_document_over_the_limit_is_too_large(hub: Hub) -> None:
    reply = await hub.ask("POST", "/asyncapi", {}, b"{" + b" " * (8 * 1024 * 1024))

    assert (reply.status, reply.code) == (413, "too_large")


# Markdown, llms.txt, Backstage


async def test_llms_txt_leads_to_pages_in_markdown(hub: Hub) -> None:
    await taken(hub)
    text = (await hub.ask("GET", "/llms.txt")).body.decode()

    assert text.startswith("# ")
    links = dict(re.findall(r"^- \[([^]]+)\]\(http://hub([^)]+)\)", text, re.M))
    assert links["order.paid"] == "/types/order.paid"
    for at in (links["order.paid"], links["checkout-service/schemas/Order"], PAID):
        page = await hub.ask("GET", at, MARKDOWN)
        assert (page.status, page.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
        assert '"total"' in page.body.decode()


async def test_json_stays_what_is_shown_unless_markdown_weighs_more(hub: Hub) -> None:
    await taken(hub)

    for accept in ("*/*", "application/json", "text/markdown;q=0.5, application/json"):
        assert (await hub.ask("GET", PAID, {"accept": accept})).json["messageid"] == "order.paid"
    assert (await hub.ask("GET", "/types/none", MARKDOWN)).code == "not_found"
    assert (await hub.ask("GET", "/types/order.paid")).status == 404  # no service offers it


async def test_markup_in_names_and_schemas_stays_text(hub: Hub) -> None:
    hostile = "](http://evil) <script> ```\n# x"
    message = {
        "envelope": "CloudEvents/1.0",
        "description": hostile,
        "dataschemaformat": "JSONSchema/draft-07",
        "dataschema": {"description": "```\n# owned\n```"},
    }
    await hub.declare("/messagegroups/g/messages/m", message)

    page = (await hub.ask("GET", "/types/m", MARKDOWN)).body.decode()

    assert "\n# x" not in page
    assert re.search(r"(?<!\\)\]\(http://evil", page) is None
    assert "<script>" not in page
    assert page.count("````") == 2


async def test_the_catalogue_is_entities_of_backstage(hub: Hub) -> None:
    await taken(hub)
    reply = await hub.ask("GET", "/catalog-info.yaml")

    entities = list(yaml.safe_load_all(reply.body))
    by_kind = {(one["kind"], one["metadata"]["name"]): one for one in entities}
    api = by_kind["API", "checkout-service"]
    assert api["spec"]["type"] == "asyncapi"
    assert yaml.safe_load(api["spec"]["definition"])["asyncapi"] == "3.0.0"
    assert by_kind["Component", "checkout-service"]["spec"]["providesApis"] == ["checkout-service"]
    assert ("Resource", "orders") in by_kind
    assert (await hub.ask("GET", "/catalog-info.yaml?page=2")).status == 404
    assert (await hub.ask("GET", "/catalog-info.yaml?page=0")).status == 400


# The page of the API


class Page(HTMLParser):
    """What a page would load or run, and the targets of its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


async def test_the_page_needs_nothing_but_the_hub(hub: Hub) -> None:
    reply = await hub.ask("GET", "/openapi")
    page = Page(reply.body.decode())

    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in policy
    assert not page.tags & {"script", "style", "img", "iframe", "form", "object"}
    names = {name for name, _ in page.attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    loaded = {value for name, value in page.attributes if name in ("src", "href")}
    assert all(value and not value.startswith(("http", "//", "javascript")) for value in loaded)
    sheet = await hub.ask("GET", "/openapi/style.css")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert b"url(" not in sheet.body
    assert b"@import" not in sheet.body


async def test_the_page_tells_every_operation_and_its_links_lead_somewhere(hub: Hub) -> None:
    api = (await hub.ask("GET", "/openapi.json")).json
    page = Page((await hub.ask("GET", "/openapi")).body.decode())

    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    operations = [
        one["operationId"]
        for item in api["paths"].values()
        for one in item.values()
        if isinstance(one, dict)
    ]
    assert set(operations) <= set(ids)
    targets = {
        value[1:] for name, value in page.attributes if name == "href" and value and value[0] == "#"
    }
    assert targets <= set(ids)


async def test_reading_needs_the_right_to_read(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    sent = {
        right: {"authorization": f"Bearer {tokens.add(file, right, [right], created=CREATED)}"}
        for right in ("publish", "read")
    }
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        for path in ("/asyncapi", "/catalog-info.yaml", "/llms.txt", "/openapi"):
            assert (await hub.ask("GET", path)).status == 401
            assert (await hub.ask("GET", path, sent["read"])).status == 200
            assert (await hub.ask("GET", path, sent["publish"])).status == 403
        body = json.dumps(CHECKOUT)
        assert (await hub.ask("POST", "/asyncapi", sent["read"], body)).status == 403
        for path in ("/schemagroups/a/schemas/b", "/endpoints/hub"):
            twin = {**sent["publish"], "accept": f"text/markdown, {ASYNCAPI}"}
            assert (await hub.ask("GET", path, twin)).status == 403
