"""Filters over HTTP: what is refused, what is warned of, and who would get an event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from http_edge import EVENT, Hub, Reply, running


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


async def made(hub: Hub, *filters: object, **fields: object) -> Reply:
    body = {"sink": "https://a.example/", "protocol": "HTTP", "filters": filters, **fields}
    return await hub.ask("POST", "/subscriptions", {}, json.dumps(body))


async def explained(hub: Hub, query: str = "", **headers: str) -> dict[str, Any]:
    reply = await hub.ask("POST", f"/validate/subscriptions{query}", EVENT | headers, "{}")
    assert reply.status == 200, reply.body
    return {one["subscription"]: one for one in reply.json["subscriptions"]}


async def test_an_expression_that_is_none_is_refused_with_the_place(hub: Hub) -> None:
    reply = await made(hub, {"sql": "type = 'a' AND AND"})
    assert (reply.status, reply.code) == (400, "malformed")
    assert reply.json["offset"] == 15
    assert reply.json["marked"] == "type = 'a' AND AND\n               ^"
    assert reply.json["detail"].startswith("filters/0/sql: at offset 15: ")
    assert (await hub.ask("GET", "/subscriptions")).json == []


async def test_the_registry_refuses_such_an_expression_too(hub: Hub) -> None:
    body = {"sink": "https://a.example/", "protocol": "HTTP", "filters": [{"sql": "a ="}]}
    reply = await hub.declare("/endpoints/hub/subscriptions/s-1", body)
    assert reply.status == 400
    assert "at offset 3" in json.dumps(reply.json)


async def test_warnings_are_in_the_answer_to_a_write_and_nowhere_else(hub: Hub) -> None:
    reply = await made(hub, {"sql": "type = 'a' AND type = 'b'"})
    assert reply.status == 201
    assert reply.json["warnings"] == [
        "filters/0/sql: type = 'a' AND type = 'b' is never TRUE: type would have to be 'a' and 'b'"
    ]
    path = f"/subscriptions/{reply.json['id']}"
    assert "warnings" not in (await hub.ask("GET", path)).json
    again = await hub.declare(path, reply.json | {"filters": [{"sql": "NOT type LIKE 'a%'"}]})
    assert again.status == 200, again.body
    assert [one.partition(": ")[2] for one in again.json["warnings"]] == [
        "at offset 0: NOT binds tighter than LIKE, so it negates what stands before it alone; "
        "write x NOT LIKE …"
    ]
    mended = await hub.declare(path, reply.json | {"filters": [{"sql": "type NOT LIKE 'a%'"}]})
    assert "warnings" not in mended.json


async def test_an_expression_comes_back_as_it_was_sent(hub: Hub) -> None:
    filters = [{"cesql": 'hop<5  AND\ttype = "it\'s"'}]
    reply = await made(hub, *filters)
    assert (await hub.ask("GET", f"/subscriptions/{reply.json['id']}")).json["filters"] == filters


async def test_each_subscription_tells_whether_it_would_get_the_event_and_why(hub: Hub) -> None:
    everything = (await made(hub)).json["id"]
    near = (await made(hub, {"sql": "type = 'order.paid' AND hop < 5"})).json["id"]
    other = (await made(hub, {"exact": {"subject": "eu"}})).json["id"]
    found = await explained(hub, **{"ce-hop": "7", "ce-subject": "us"})
    assert found.keys() == {everything, near, other}
    assert found[everything] == {
        "subscription": everything,
        "sink": "https://a.example/",
        "matched": True,
        "decided_by": None,
        "found": None,
    }
    assert (found[near]["matched"], found[near]["decided_by"]) == (False, "sql(hop < 5)")
    assert found[near]["found"] == "7"
    assert (found[other]["matched"], found[other]["found"]) == (False, "us")
    found = await explained(hub, **{"ce-hop": "4"})
    assert (found[near]["matched"], found[near]["found"]) == (True, "4")
    found = await explained(hub)
    assert found[near]["decided_by"] == "sql(hop < 5): the event has no attribute 'hop'"
    assert (await hub.ask("GET", "/events")).json == []


async def test_some_subscriptions_can_be_asked_alone(hub: Hub) -> None:
    one, other = [(await made(hub)).json["id"] for _ in range(2)]
    await made(hub)
    assert (await explained(hub, f"?subscription={one}")).keys() == {one}
    assert (await explained(hub, f"?subscription={one},{other}")).keys() == {one, other}
    refused = await hub.ask("POST", "/validate/subscriptions?subscription=none", EVENT, "{}")
    assert (refused.status, refused.code) == (404, "not_found")


async def test_the_subscriptions_of_a_channel_are_asked(hub: Hub) -> None:
    await hub.declare("/channels/orders", {})
    here = (await made(hub, channel="orders")).json["id"]
    await made(hub)
    assert (await explained(hub, "?channel=orders")).keys() == {here}
    refused = await hub.ask("POST", "/validate/subscriptions?channel=none", EVENT, "{}")
    assert (refused.status, refused.code) == (404, "not_found")


async def test_what_is_not_one_event_is_refused(hub: Hub) -> None:
    batch = {"content-type": "application/cloudevents-batch+json"}
    one = {"specversion": "1.0", "id": "1", "source": "/a", "type": "a"}
    for headers, body, code in (
        (batch, json.dumps([one, one | {"id": "2"}]), "malformed"),
        ({"content-type": "application/cloudevents+json"}, "{}", "invalid_event"),
    ):
        reply = await hub.ask("POST", "/validate/subscriptions", headers, body)
        assert (reply.status, reply.code) == (400, code)


async def test_a_choice_is_tried_on_the_newest_events(hub: Hub) -> None:
    for number in range(5):
        headers = EVENT | {"ce-id": f"A-{number}", "ce-subject": ("eu-1", "us-1")[number % 2]}
        assert (await hub.ask("POST", "/events", headers, "{}")).status == 202
    choice = {"filters": [{"prefix": {"subject": "eu"}}]}
    reply = await hub.ask("POST", "/validate/filters?last=4", {}, json.dumps(choice))
    assert reply.status == 200, reply.body
    tried = reply.json
    assert (tried["read"], tried["matched"], tried["warnings"]) == (4, 2, [])
    assert [(one["id"], one["matched"]) for one in tried["events"]] == [
        ("A-4", True),
        ("A-3", False),
        ("A-2", True),
        ("A-1", False),
    ]
    assert (tried["events"][1]["decided_by"], tried["events"][1]["found"]) == (
        "prefix(subject)='eu'",
        "us-1",
    )
    assert (await hub.ask("GET", "/subscriptions")).json == []


@pytest.mark.parametrize(
    ("query", "choice", "status", "said"),
    [
        ("", {"filters": [{"sql": "a ="}]}, 400, "at offset 3"),
        ("", {"sink": "http://x/"}, 400, "sink"),
        ("", {"types": "a"}, 400, "types"),
        ("?last=0", {}, 400, "last"),
        ("?channel=none", {}, 404, "none"),
    ],
)
async def test_a_choice_that_is_none_is_refused(
    hub: Hub, query: str, choice: object, status: int, said: str
) -> None:
    reply = await hub.ask("POST", f"/validate/filters{query}", {}, json.dumps(choice))
    assert (reply.status, said in json.dumps(reply.json)) == (status, True), reply.body
