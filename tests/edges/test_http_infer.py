"""GET /channels/{channel}/types/{type}/schema: a schema drafted from stored events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from http_edge import Hub, Reply, running

from chappe.flows import infer
from chappe.formats.json_schema import JsonSchema


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


async def published(hub: Hub, *payloads: object, **changes: str | None) -> list[str]:
    """The positions of events with these payloads, in their order."""
    first = len((await hub.ask("GET", "/events?limit=1000")).json)
    replies = [
        await hub.publish(ce_id=f"e{first + n}", body=json.dumps(payload), **changes)
        for n, payload in enumerate(payloads)
    ]
    return [reply.json["position"] for reply in replies]


async def asked(hub: Hub, type_: str = "order.paid", query: str = "", channel: str = "") -> Reply:
    path = f"/channels/{channel or 'default'}/types/{quote(type_, safe='')}/schema{query}"
    return await hub.ask("GET", path)


async def inferred(hub: Hub, query: str = "") -> Any:
    reply = await asked(hub, query=query)
    assert reply.status == 200, reply.body
    return reply.json


async def test_a_draft_tells_what_the_events_agree_on_and_what_it_is_made_of(hub: Hub) -> None:
    oldest, _, newest = await published(
        hub, {"id": 1, "total": 2}, {"id": 2}, {"id": 3, "total": 2.5}
    )
    found = await inferred(hub)
    assert found["schema"] == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "order.paid",
        "type": "object",
        "properties": {"id": {"type": "integer"}, "total": {"type": "number"}},
        "required": ["id"],
    }
    events = found["events"]
    assert (found["type"], found["channel"]) == ("order.paid", "default")
    assert (events["read"], events["used"], events["skipped"]) == (3, 3, {})
    assert (events["newest"]["position"], events["oldest"]["position"]) == (newest, oldest)
    assert events["newest"]["acceptedat"] >= events["oldest"]["acceptedat"]
    assert events["stopped"] == "end"
    check = JsonSchema().compile(json.dumps(found["schema"]).encode(), "JSONSchema")
    assert check(b'{"id": 1, "total": 2}', None) == ()


async def test_events_without_json_are_counted_by_their_reason(hub: Hub) -> None:
    await published(hub, {"id": 1})
    await hub.publish(ce_id="x", body=b"")
    await hub.publish(ce_id="y", body="a,b", content_type="text/csv")
    await hub.publish(ce_id="z", body="{")
    events = (await inferred(hub))["events"]
    assert (events["read"], events["used"]) == (4, 1)
    assert events["skipped"] == {"no_data": 1, "not_json": 1, "not_json_type": 1}


async def test_only_the_newest_events_of_the_type_are_read(hub: Hub) -> None:
    await published(hub, {"old": 1})
    await published(hub, "other", ce_type="order.shipped")
    new = await published(hub, {"new": 1}, {"new": 2})
    found = await inferred(hub, "?last=2")
    assert list(found["schema"]["properties"]) == ["new"]
    assert (found["events"]["read"], found["events"]["stopped"]) == (2, "last")
    assert found["events"]["oldest"]["position"] == new[0]


async def test_more_events_than_a_page_are_read(hub: Hub) -> None:
    await hub.ask(
        "POST",
        "/events",
        {"content-type": "application/cloudevents-batch+json"},
        json.dumps(
            [
                {"specversion": "1.0", "id": str(n), "source": "/s", "type": "t", "data": {"n": n}}
                for n in range(250)
            ]
        ),
    )
    found = (await asked(hub, "t")).json
    assert (found["events"]["read"], found["events"]["stopped"]) == (250, "end")


async def test_it_ends_where_the_payloads_become_too_many_bytes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(hub, "a" * 50, "b" * 50, "c" * 50)
    monkeypatch.setattr(infer, "MOST_BYTES", 120)
    events = (await inferred(hub))["events"]
    assert (events["read"], events["used"], events["stopped"]) == (2, 2, "bytes")


async def test_it_ends_when_the_time_is_over(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    await published(hub, 1, 2, 3)
    monkeypatch.setattr(infer, "MOST_S", -1.0)
    events = (await inferred(hub))["events"]
    assert (events["read"], events["stopped"]) == (1, "time")


async def test_the_newest_event_is_read_however_large_it_is(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(hub, "a" * 50, "b" * 50)
    monkeypatch.setattr(infer, "MOST_BYTES", 10)
    events = (await inferred(hub))["events"]
    assert (events["read"], events["stopped"]) == (1, "bytes")


async def test_a_type_may_have_any_name(hub: Hub) -> None:
    await published(hub, 1, ce_type="a/b c?d")
    assert (await asked(hub, "a/b c?d")).json["schema"]["title"] == "a/b c?d"


async def test_without_any_json_there_is_nothing_to_draft(hub: Hub) -> None:
    for reply, why in (
        (await asked(hub), "channel default has no event of it"),
        (await asked(hub, channel="nowhere"), "'nowhere'"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
        assert why in reply.json["detail"]
    await hub.publish(body="a", content_type="text/plain")
    reply = await asked(hub)
    assert reply.status == 404
    assert "none of the 1 events read in channel default has JSON" in reply.json["detail"]
    assert "not_json_type 1" in reply.json["detail"]


@pytest.mark.parametrize("last", ["0", "10001", "x", "-1", ""])
async def test_a_number_out_of_its_range_is_refused(hub: Hub, last: str) -> None:
    reply = await asked(hub, query=f"?last={last}")
    assert (reply.status, reply.code) == (400, "malformed")
    assert "from 1 to 10000" in reply.json["detail"]
