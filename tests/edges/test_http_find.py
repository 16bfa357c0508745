"""GET /find: which events there are, declared beside seen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.edges.http_edge import Hub, running


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        group = {
            "labels": {"owner": "checkout"},
            "messages": {
                "order.paid": {"description": "A customer paid", "envelope": "CloudEvents/1.0"},
                "order.lost": {"envelope": "CloudEvents/1.0", "labels": {"owner": "claims"}},
                "other-id": {
                    "envelope": "CloudEvents/1.0",
                    "envelopemetadata": {"type": {"value": "order.sent"}},
                    "dataschemaxid": "/schemagroups/shop/schemas/sent/versions/2",
                },
                "no.cloudevent": {"envelope": "Other/1.0"},
            },
        }
        assert (await one.declare("/messagegroups/shop", group)).status == 201
        groups = {"messagegroups": ["/messagegroups/shop"]}
        assert (
            await one.declare("/endpoints/web", {"usage": ["consumer"], **groups})
        ).status == 201
        assert (
            await one.declare("/endpoints/store", {"usage": ["producer"], **groups})
        ).status == 201
        for body in (
            {"sink": "http://127.0.0.1:9/a", "protocol": "HTTP", "types": ["order.paid"]},
            {"sink": "http://127.0.0.1:9/b", "protocol": "HTTP", "filters": [{"suffix": {"type": ".sent"}}]},
            {"sink": "http://127.0.0.1:9/c", "protocol": "HTTP", "channel": "orders"},
        ):  # fmt: skip
            reply = await one.ask(
                "POST", "/subscriptions", {"content-type": "application/json"}, json.dumps(body)
            )
            assert reply.status == 201
        for type_, id_ in (("order.paid", "1"), ("order.paid", "2"), ("stray", "3")):
            assert (await one.publish(ce_type=type_, ce_id=id_, ce_source="/web")).status == 202
        yield one


async def find(hub: Hub, query: str = "") -> Any:
    reply = await hub.ask("GET", f"/find{query}")
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


async def test_types_that_are_declared_stand_beside_those_seen(hub: Hub) -> None:
    found = await find(hub)
    by_type = {one["type"]: one for one in found["types"]}
    assert {type_: one["state"] for type_, one in by_type.items()} == {
        "order.lost": "unused",
        "order.paid": "active",
        "order.sent": "unused",
        "stray": "undeclared",
    }
    paid = by_type["order.paid"]
    assert paid["declared"] == ["/messagegroups/shop/messages/order.paid"]
    assert (paid["owner"], paid["group"], paid["description"]) == (
        "checkout",
        "shop",
        "A customer paid",
    )
    assert (paid["producers"], paid["consumers"]) == (["web"], ["store"])
    assert (paid["sources"], paid["events"], paid["perminute"]) == (["/web"], 2, 0.033)
    assert paid["lastseen"].endswith("Z")
    assert by_type["stray"]["declared"] == []


async def test_subscriptions_of_the_channel_that_may_take_a_type_are_told(hub: Hub) -> None:
    taken = {one["type"]: one["subscriptions"] for one in (await find(hub))["types"]}
    listed = json.loads((await hub.ask("GET", "/subscriptions")).body)
    ids = {one["sink"][-1]: one["id"] for one in listed}
    assert taken["order.paid"] == [ids["a"]]
    assert taken["order.sent"] == [ids["b"]]
    assert taken["stray"] == []
    narrowed = json.loads((await hub.ask("GET", "/subscriptions?type=order.sent")).body)
    assert {one["id"] for one in narrowed} == {ids["b"], ids["c"]}


async def test_a_change_of_the_registry_is_seen_at_once(hub: Hub) -> None:
    await find(hub)
    await hub.ask("DELETE", "/messagegroups/shop/messages/order.lost")
    assert "order.lost" not in {one["type"] for one in (await find(hub))["types"]}


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("?q=ORDER%20a", ["order.lost", "order.paid"]),
        ("?q=customer", ["order.paid"]),
        ("?q=/web", ["order.paid", "stray"]),
        ("?owner=claims", ["order.lost"]),
        ("?state=undeclared", ["stray"]),
        ("?traffic=true", ["order.paid", "stray"]),
        ("?traffic=false", ["order.lost", "order.sent"]),
        ("?invalid=true", []),
        ("?type=order.paid", ["order.paid"]),
        ("?schema=/schemagroups/shop/schemas/sent", ["order.sent"]),
        ("?schema=/schemagroups/shop/schemas/sen", []),
        ("?after=order.paid", ["order.sent", "stray"]),
    ],
)
async def test_types_are_narrowed(hub: Hub, query: str, types: list[str]) -> None:
    assert [one["type"] for one in (await find(hub, query))["types"]] == types


async def test_pages_hold_every_type_once(hub: Hub) -> None:
    first = await find(hub, "?limit=3")
    second = await find(hub, f"?limit=3&after={first['after']}")
    types = [one["type"] for page in (first, second) for one in page["types"]]
    assert types == ["order.lost", "order.paid", "order.sent", "stray"]
    assert (first["total"], first["matching"], second["after"]) == (4, 4, None)


async def test_facets_count_what_the_words_let_through(hub: Hub) -> None:
    facets = (await find(hub, "?q=order&state=unused"))["facets"]
    assert facets == {
        "owner": {"checkout": 2, "claims": 1},
        "domain": {},
        "state": {"active": 1, "unused": 2},
        "traffic": 1,
        "invalid": 0,
    }


async def test_with_words_other_things_are_found_too(hub: Hub) -> None:
    assert (await find(hub))["others"] == []
    assert [(one["kind"], one["id"]) for one in (await find(hub, "?q=store"))["others"]] == [
        ("consumer", "store")
    ]


async def test_what_the_quarantine_holds_is_counted_as_invalid() -> None:
    async with running() as hub:
        assert (await hub.declare("/channels/held", {"shards": 1})).status == 201
        changed = {"quarantine": "held", "undeclared": "refuse"}
        reply = await hub.ask("PATCH", "/channels/orders", {}, json.dumps(changed))
        assert reply.status == 200
        await hub.publish("/channels/orders/events", ce_type="stray")
        assert (await find(hub, "?channel=orders"))["types"] == []
        group = {"messages": {"stray": {"envelope": "CloudEvents/1.0"}}}
        assert (await hub.declare("/messagegroups/g", group)).status == 201
        (one,) = (await find(hub, "?channel=orders&invalid=true"))["types"]
        assert (one["type"], one["quarantined"], one["state"]) == ("stray", 1, "unused")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?state=loud", "state: 'loud'"),
        ("?traffic=1", "traffic: '1'"),
        ("?limit=0", "limit: '0'"),
        ("?limit=501", "limit: '501'"),
        ("?words=a", "'words'"),
    ],
)
async def test_a_parameter_that_cannot_be_meant_is_named(hub: Hub, query: str, named: str) -> None:
    reply = await hub.ask("GET", f"/find{query}")
    assert reply.status == 400
    assert named in json.loads(reply.body)["detail"]


async def test_a_channel_that_there_is_not_is_not_found(hub: Hub) -> None:
    assert (await hub.ask("GET", "/find?channel=nobody")).status == 404


async def test_what_needs_attention_can_come_first_page_by_page(hub: Hub) -> None:
    found, after = [], ""
    while after is not None:
        page = await find(hub, f"?order=attention&limit=1&after={after}")
        found += [one["type"] for one in page["types"]]
        after = page["after"]
    # Undeclared, active, never seen.
    assert found == ["stray", "order.paid", "order.lost", "order.sent"]
    assert (await hub.ask("GET", "/find?order=size")).status == 400


async def test_a_type_has_the_domain_of_its_label_or_its_group_s(hub: Hub) -> None:
    labels = {"domain": "sales"}
    await hub.declare("/messagegroups/sales", {"labels": labels, "messages": {
        "quote.sent": {"envelope": "CloudEvents/1.0"},
        "quote.lost": {"envelope": "CloudEvents/1.0", "labels": {"domain": "churn"}},
    }})  # fmt: skip
    found = await find(hub, "?domain=sales")
    assert [one["type"] for one in found["types"]] == ["quote.sent"]
    assert found["facets"]["domain"] == {"churn": 1, "sales": 1}
    assert found["facets"]["traffic"] == 2
