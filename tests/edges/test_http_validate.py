"""POST /validate: verdicts on demand, of events and of payloads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from http_edge import EVENT, Hub, running

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
ORDERS = "/schemagroups/shop/schemas/order"


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        made = await hub.declare(
            f"{ORDERS}$details", {"format": "JsonSchema/draft-07", "schema": SCHEMA}
        )
        assert made.status == 201
        yield hub


async def declared(hub: Hub, **attributes: Any) -> None:
    message = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {
            "type": {"value": "order.paid"},
            "subject": {"value": "orders/{id}", "required": True},
        },
        "dataschemaxid": ORDERS,
        "validation": "enforce",
        **attributes,
    }
    reply = await hub.declare("/messagegroups/shop/messages/paid", message)
    assert reply.status == 201, reply.body


async def asked(hub: Hub, body: str = '{"total": 1}', **headers: str) -> Any:
    reply = await hub.ask("POST", "/validate", EVENT | headers, body)
    assert reply.status == 200, reply.body
    return reply.json


async def test_a_type_that_nobody_declared_is_valid_and_says_so(hub: Hub) -> None:
    assert await asked(hub) == {
        "valid": True,
        "type": "order.paid",
        "declaration": None,
        "mode": None,
        "errors": [],
    }


async def test_an_event_is_held_against_the_schema_that_its_message_names(hub: Hub) -> None:
    await declared(hub)
    good = await asked(hub, **{"ce-subject": "orders/7"})
    assert (good["valid"], good["mode"]) == (True, "enforce")
    bad = await asked(hub, '{"total": "x"}', **{"ce-subject": "orders/7"})
    assert (bad["valid"], bad["declaration"]) == (False, "/messagegroups/shop/messages/paid")
    assert [(one["pointer"], one["rule"]) for one in bad["errors"]] == [("/total", "type")]


async def test_the_attributes_are_checked_as_the_payload_is(hub: Hub) -> None:
    await declared(hub)
    bad = await asked(hub, **{"ce-subject": "invoices/7"})
    assert [one["rule"] for one in bad["errors"]] == ["subject"]
    refused = await hub.publish(ce_subject="invoices/7", body='{"total": 1}')
    assert (refused.status, refused.code) == (422, "schema_mismatch")
    taken = await hub.publish(ce_subject="orders/7", body='{"total": 1}')
    assert taken.status == 202


async def test_a_changed_schema_counts_from_the_next_event_on(hub: Hub) -> None:
    await declared(hub)
    loose = {"format": "JsonSchema/draft-07", "schema": {"type": "object"}}
    await hub.declare(f"{ORDERS}$details", loose)
    assert (await asked(hub, "{}", **{"ce-subject": "orders/7"}))["valid"]


async def test_a_message_without_a_schema_is_checked_by_the_dataschema_of_the_event(
    hub: Hub,
) -> None:
    await declared(hub, dataschemaxid=None)
    event = {"ce-subject": "orders/7", "ce-dataschema": f"http://hub{ORDERS}/versions/1"}
    assert not (await asked(hub, "{}", **event))["valid"]
    assert (await asked(hub, '{"total": 2}', **event))["valid"]
    unknown = await asked(
        hub, "{}", **(event | {"ce-dataschema": f"http://hub{ORDERS}/versions/9"})
    )
    assert "is not in the registry" in unknown["errors"][0]["message"]


async def test_what_is_no_cloudevent_is_not_valid_and_told_why(hub: Hub) -> None:
    verdict = await asked(hub, **{"ce-id": ""})
    assert not verdict["valid"]
    assert verdict["errors"][0]["rule"] == "id"


async def test_each_event_of_a_batch_gets_its_verdict(hub: Hub) -> None:
    await declared(hub)
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "order.paid"}
    batch = [
        event | {"subject": "orders/1", "data": {"total": 1}},
        event | {"id": "2", "subject": "orders/2", "data": {}},
    ]
    reply = await hub.ask(
        "POST",
        "/validate",
        {"content-type": "application/cloudevents-batch+json"},
        json.dumps(batch),
    )
    assert not reply.json["valid"]
    assert [one["valid"] for one in reply.json["events"]] == [True, False]


async def test_a_payload_is_held_against_a_schema_of_the_registry(hub: Hub) -> None:
    path = f"/validate?schema={ORDERS}"
    good = await hub.ask("POST", path, {"content-type": "application/json"}, '{"total": 1}')
    assert good.json == {"valid": True, "schema": ORDERS, "errors": []}
    bad = await hub.ask("POST", path, {"content-type": "application/json"}, "{}")
    assert [one["rule"] for one in bad.json["errors"]] == ["required"]
    missing = await hub.ask("POST", "/validate?schema=/schemagroups/x/schemas/y", {}, "{}")
    assert (missing.status, missing.code) == (404, "not_found")
    nonsense = await hub.ask("POST", "/validate?schema=order", {}, "{}")
    assert (nonsense.status, nonsense.code) == (400, "malformed")


async def test_nothing_of_it_is_stored(hub: Hub) -> None:
    await asked(hub)
    assert (await hub.ask("GET", "/events")).json == []


# May a schema change?


async def judged(hub: Hub, schema: Any, **query: str) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in ({"against": ORDERS} | query).items())
    reply = await hub.ask("POST", f"/validate/schema?{asked}", {}, json.dumps(schema))
    assert reply.status == 200, reply.body
    return reply.json


def by_rule(*, backward: bool, forward: bool) -> dict[str, bool]:
    """The verdicts where there is one version only."""
    both = {"backward": backward, "forward": forward, "full": backward and forward}
    return both | {f"{rule}_transitive": verdict for rule, verdict in both.items()}


async def test_a_change_is_judged_by_each_rule_and_by_the_events_that_were_sent(hub: Hub) -> None:
    await declared(hub)
    for number, total in enumerate([1, 2.5, 3]):
        body = json.dumps({"total": total})
        taken = await hub.publish(ce_id=str(number), ce_subject="orders/1", body=body)
        assert taken.status == 202
    narrower = {**SCHEMA, "properties": {"total": {"type": "integer"}}}
    verdict = await judged(hub, narrower)
    assert verdict["compatible"] == by_rule(backward=False, forward=True)
    (difference,) = verdict["differences"]["backward"]
    assert difference["path"].endswith("/properties/total")
    assert difference["message"]
    (evidence,) = verdict["evidence"]
    assert (evidence["type"], evidence["events"], evidence["invalid"]) == ("order.paid", 3, 1)
    assert evidence["examples"][0]["id"] == "1"
    assert evidence["examples"][0]["errors"][0]["pointer"] == "/total"


async def test_a_change_that_breaks_nothing_says_so(hub: Hub) -> None:
    await declared(hub)
    verdict = await judged(hub, {**SCHEMA, "title": "Order"})
    assert verdict["compatible"] == by_rule(backward=True, forward=True)
    assert verdict["evidence"] == [
        {"type": "order.paid", "events": 0, "invalid": 0, "examples": []}
    ]


async def test_a_change_is_judged_beside_the_earlier_versions_too(hub: Hub) -> None:
    whole = {**SCHEMA, "properties": {"total": {"type": "integer"}}}
    for version, schema in (("2", whole), ("3", whole | {"title": "Order"})):
        made = await hub.declare(
            f"{ORDERS}/versions/{version}$details",
            {"format": "JsonSchema/draft-07", "schema": schema},
        )
        assert made.status == 201
    ruled = await hub.ask("PATCH", f"{ORDERS}/meta", {}, '{"compatibility": "forward"}')
    assert ruled.status == 200, ruled.body
    verdict = await judged(hub, {**whole, "description": "What was bought"})
    assert (verdict["xid"], verdict["rule"]) == (f"{ORDERS}/versions/3", "forward")
    assert verdict["compatible"] == {
        "backward": True,
        "backward_transitive": False,
        "forward": True,
        "forward_transitive": True,
        "full": True,
        "full_transitive": False,
    }
    second, first = verdict["earlier"]
    assert (second["xid"], first["xid"]) == (f"{ORDERS}/versions/2", f"{ORDERS}/versions/1")
    assert second["differences"] == {"backward": [], "forward": []}
    (narrowed,) = first["differences"]["backward"]
    assert narrowed["path"].endswith("/properties/total")
    narrow = await judged(hub, SCHEMA, against=f"{ORDERS}/versions/1")
    assert (narrow["xid"], narrow["earlier"]) == (f"{ORDERS}/versions/1", [])


async def test_the_schema_in_a_message_is_judged_with_the_events_of_its_type(hub: Hub) -> None:
    inline = {"dataschema": SCHEMA, "dataschemaformat": "JsonSchema/draft-07"}
    await declared(hub, dataschemaxid=None, **inline)
    assert (await hub.publish(ce_subject="orders/1", body='{"total": 2.5}')).status == 202
    message = "/messagegroups/shop/messages/paid"
    narrower = {**SCHEMA, "properties": {"total": {"type": "integer"}}}
    verdict = await judged(hub, narrower, against=message)
    assert (verdict["xid"], verdict["rule"]) == (message, None)
    assert verdict["compatible"] == by_rule(backward=False, forward=True)
    (evidence,) = verdict["evidence"]
    assert (evidence["type"], evidence["invalid"]) == ("order.paid", 1)


async def test_a_message_stands_for_the_schema_that_it_names(hub: Hub) -> None:
    await declared(hub)
    verdict = await judged(hub, SCHEMA, against="/messagegroups/shop/messages/paid")
    assert verdict["xid"] == f"{ORDERS}/versions/1"
    assert [one["type"] for one in verdict["evidence"]] == ["order.paid"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "malformed"),
        (f"?against={ORDERS}&policy=odd", 400, "malformed"),
        (f"?against={ORDERS}&last=-1", 400, "malformed"),
        ("?against=order", 400, "malformed"),
        ("?against=/schemagroups/x/schemas/y", 404, "not_found"),
        (f"?against={ORDERS}&type=t&channel=nowhere", 404, "not_found"),
    ],
)
async def test_what_cannot_be_judged_is_told(hub: Hub, query: str, status: int, code: str) -> None:
    reply = await hub.ask("POST", f"/validate/schema{query}", {}, "{}")
    assert (reply.status, reply.code) == (status, code)


async def test_what_is_no_schema_is_told(hub: Hub) -> None:
    reply = await hub.ask("POST", f"/validate/schema?against={ORDERS}", {}, '{"type": 7}')
    assert (reply.status, reply.code) == (400, "malformed")
