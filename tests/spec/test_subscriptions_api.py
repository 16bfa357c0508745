"""CloudEvents subscriptions/spec.md 3.2.5 and 3.3, and its OpenAPI: the operations over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.http.openapi import document
from chappe.http.subscriptions import merged
from tests.edges.http_edge import Hub, Reply, running

LEAST = {"sink": "https://example.com/event-processor", "protocol": "HTTP"}
EXAMPLE = {
    "id": "sub-193-18365",
    "config": {"data": "hello", "interval": 5},
    "filters": [{"prefix": {"type": "com.example."}}],
    "protocol": "HTTP",
    "protocolsettings": {"method": "POST"},
    "sink": "http://example.com/event-processor",
}
"""subscriptions/spec.md 3.2.1, the example of a subscription resource."""


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


async def send(hub: Hub, method: str, path: str, body: object) -> Reply:
    return await hub.ask(method, path, {"content-type": "application/json"}, json.dumps(body))


async def make(hub: Hub, **fields: object) -> Any:
    made = await send(hub, "POST", "/subscriptions", {**LEAST, **fields})
    assert made.status == 201, made.body
    return made.json


async def listed(hub: Hub, query: str) -> list[str]:
    reply = await hub.ask("GET", f"/subscriptions{query}")
    assert reply.status == 200, reply.body
    return [one["id"] for one in reply.json]


async def test_3_2_5_1_create_answers_201_with_location_and_every_default(hub: Hub) -> None:
    made = await send(hub, "POST", "/subscriptions", EXAMPLE)

    assert made.status == 201
    assert made.json["id"] != EXAMPLE["id"]
    assert made.headers["location"] == f"/subscriptions/{made.json['id']}"
    assert made.json["protocolsettings"] == {"method": "POST"}
    assert made.json["timeout_s"] > 0
    again = await hub.ask("GET", made.headers["location"])
    assert again.status == 200
    assert {**again.json, "status": None} == {**made.json, "status": None}


async def test_3_2_5_1_what_is_invalid_is_400_and_makes_nothing(hub: Hub) -> None:
    refused = await send(hub, "POST", "/subscriptions", {**LEAST, "protocol": "http"})
    assert (refused.status, refused.code) == (400, "malformed")
    assert await listed(hub, "") == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_3_2_5_what_is_not_there_is_404(hub: Hub, method: str) -> None:
    body = {} if method in ("GET", "DELETE") else LEAST
    reply = await send(hub, method, "/subscriptions/none", body)
    assert (reply.status, reply.code) == (404, "not_found")


async def test_3_2_5_3_query_without_results_is_200_and_an_empty_array(hub: Hub) -> None:
    reply = await hub.ask("GET", "/subscriptions")
    assert (reply.status, reply.json) == (200, [])


async def test_3_2_5_3_query_without_constraints_gives_all(hub: Hub) -> None:
    made = [(await make(hub))["id"] for _ in range(3)]
    assert await listed(hub, "") == sorted(made)


async def test_3_2_5_3_query_takes_constraints(hub: Hub) -> None:
    any_ = (await make(hub))["id"]
    paid = (await make(hub, types=["order.paid"], source="/shop"))["id"]
    other = (await make(hub, types=["order.lost"], sink="https://other.example/"))["id"]
    orders = (await make(hub, channel="orders", paused=True))["id"]

    assert await listed(hub, "?type=order.paid") == sorted([any_, paid, orders])
    assert await listed(hub, "?source=/web") == sorted([any_, other, orders])
    assert await listed(hub, "?sink=https://other.example/") == [other]
    assert await listed(hub, "?channel=orders") == [orders]
    assert await listed(hub, "?state=paused") == [orders]
    assert await listed(hub, "?state=active") == sorted([any_, paid, other])
    wrong = await hub.ask("GET", "/subscriptions?state=asleep")
    assert wrong.status == 400
    assert "'asleep'" in wrong.json["detail"]


async def test_3_2_5_3_pages_are_linked_and_hold_everything_once(hub: Hub) -> None:
    made = sorted([(await make(hub))["id"] for _ in range(5)])
    found: list[str] = []
    path, pages = "/subscriptions?limit=2", 0
    while path:
        reply = await hub.ask("GET", path)
        found += [one["id"] for one in reply.json]
        pages += 1
        link = reply.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("<")
    assert (found, pages) == (made, 3)


async def test_3_2_5_4_update_replaces_and_keeps_the_id(hub: Hub) -> None:
    made = await make(hub, types=["a"])
    path = f"/subscriptions/{made['id']}"
    changed = await send(hub, "PUT", path, {**LEAST, "id": made["id"], "source": "/s"})
    assert changed.status == 200
    assert (changed.json["id"], changed.json["source"]) == (made["id"], "/s")
    assert "types" not in changed.json


async def test_3_2_5_4_the_id_of_an_update_must_be_that_of_the_path(hub: Hub) -> None:
    made = await make(hub)
    reply = await send(hub, "PUT", f"/subscriptions/{made['id']}", {**LEAST, "id": "another"})
    assert (reply.status, reply.code) == (400, "malformed")


async def test_3_2_5_4_what_was_read_can_be_sent_back(hub: Hub) -> None:
    made = await make(hub, types=["a"])
    path = f"/subscriptions/{made['id']}"
    shown = (await hub.ask("GET", path)).json
    assert shown["status"]["state"] == "active"
    assert (await send(hub, "PUT", path, shown)).status == 200


async def test_an_update_upon_an_old_state_is_409(hub: Hub) -> None:
    made = await make(hub)
    path = f"/subscriptions/{made['id']}"
    assert (await send(hub, "PUT", path, {**LEAST, "epoch": 1})).status == 200
    late = await send(hub, "PUT", path, {**LEAST, "epoch": 1})
    assert (late.status, late.code) == (409, "conflict")


async def test_a_patch_changes_what_it_names_and_keeps_the_rest_and_the_secret(hub: Hub) -> None:
    credential = {"credentialtype": "PLAIN", "identifier": "me", "secret": "s3cret"}
    made = await make(
        hub, types=["a"], retry={"max_attempts": 5}, source="/s", sinkcredential=credential
    )
    path = f"/subscriptions/{made['id']}"
    change = {"retry": {"base_s": 2}, "source": None, "timeout_s": 1.5}
    reply = await send(hub, "PATCH", path, change)
    assert reply.status == 200, reply.body
    assert reply.json["retry"]["max_attempts"] == 5
    assert reply.json["retry"]["base_s"] == 2
    assert (reply.json["types"], reply.json["timeout_s"]) == (["a"], 1.5)
    assert "source" not in reply.json
    kept = hub.parts.state.value.subscriptions[made["id"]].credential
    assert kept is not None
    assert kept.secret == "s3cret"


async def test_3_2_5_5_delete_answers_what_it_was(hub: Hub) -> None:
    made = await make(hub)
    gone = await hub.ask("DELETE", f"/subscriptions/{made['id']}")
    assert (gone.status, gone.json["id"]) == (200, made["id"])
    assert (await hub.ask("GET", f"/subscriptions/{made['id']}")).status == 404


async def test_3_2_5_the_operations_are_discovered_by_options(hub: Hub) -> None:
    all_ = (await hub.ask("OPTIONS", "/subscriptions")).headers["allow"]
    one = (await hub.ask("OPTIONS", "/subscriptions/s-1")).headers["allow"]
    assert set(all_.split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert set(one.split(", ")) == {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}


async def test_3_2_5_options_tell_each_principal_what_it_may_do(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    token = tokens.add(file, "reader", ["read"], created="2026-11-22T10:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        reader = {"authorization": f"Bearer {token}"}
        allow = (await hub.ask("OPTIONS", "/subscriptions", reader)).headers["allow"]
        assert set(allow.split(", ")) == {"GET", "HEAD", "OPTIONS"}


DECLARED = {"interval": "integer", "data": "String", "since": "timestamp", "raw": "blob"}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"interval": "5"}, "config/interval: '5' is a string; `subscriptionconfig`"),
        ({"interval": 1.5}, "config/interval: 1.5 is a number"),
        ({"interval": True}, "config/interval: true is a boolean"),
        ({"data": 1}, "config/data: 1 is a number"),
        ({"since": "noon"}, "config/since: 'noon'"),
        ({"other": 1}, "config/other: is not declared"),
    ],
)
async def test_3_2_1_config_must_be_as_the_endpoint_declares(
    hub: Hub, config: object, told: str
) -> None:
    reply = await hub.ask(
        "PATCH", "/endpoints/hub", {}, json.dumps({"subscriptionconfig": DECLARED})
    )
    assert reply.status == 200, reply.body
    refused = await send(hub, "POST", "/subscriptions", {**LEAST, "config": config})
    assert (refused.status, refused.code) == (400, "malformed")
    assert told in refused.json["detail"]


async def test_3_2_1_config_that_is_as_declared_is_taken(hub: Hub) -> None:
    await hub.ask("PATCH", "/endpoints/hub", {}, json.dumps({"subscriptionconfig": DECLARED}))
    config = {"interval": 5, "data": "x", "since": "2026-11-22T10:00:00Z", "raw": [1]}
    made = await make(hub, config=config)
    assert made["config"] == config


async def test_the_published_openapi_takes_the_specs_own_example(hub: Hub) -> None:
    state = hub.parts.state.value
    api = document(state.tree.model, state.tree.capabilities)
    root = {"$ref": "#/components/schemas/Subscription-sent", "components": api["components"]}
    validator = jsonschema_rs.Draft202012Validator(root)
    validator.validate(EXAMPLE)
    for wrong in ({**EXAMPLE, "protocol": "http"}, {"protocol": "HTTP"}):
        assert not validator.is_valid(wrong)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.dictionaries(st.text(max_size=2), inner, max_size=3) | st.lists(inner, max_size=2)
    ),
    max_leaves=8,
)


@given(_JSON, _JSON)
def test_a_merge_leaves_no_null_that_was_sent_and_is_idempotent(target: Any, change: Any) -> None:
    once = merged(target, change)
    assert merged(once, change) == once


@pytest.mark.parametrize(
    ("target", "change", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_is_that_of_rfc_7396(target: Any, change: Any, result: Any) -> None:
    assert merged(target, change) == result
