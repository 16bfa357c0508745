"""The registry at the hub's root over real HTTP: revisions, dry runs, rights, and what writes bring about.

What the registry answers is the engine's (tests/spec); here it is what the hub makes of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from http_edge import FOUNDED, Hub, Reply, running

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.domain.channel import Channel
from chappe.formats.transaction_json import decode_announcements
from chappe.http import registry_route
from chappe.http.parts import RegistryParts
from chappe.http.registry.asked import Edge

SUBSCRIPTIONS = "/endpoints/hub/subscriptions"
LEAST = {"sink": "https://billing.example/events", "protocol": "HTTP"}
SECRET = "hunter2-never-shown"
PLAIN = {"credentialtype": "PLAIN", "identifier": "me", "secret": SECRET}


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


def revision_of(reply: Reply) -> int:
    return int(reply.headers["chappe-revision"])


async def patch(hub: Hub, path: str, document: Any) -> Reply:
    return await hub.ask("PATCH", path, {}, json.dumps(document))


# Revisions


async def test_every_answer_names_the_revision_that_it_shows(hub: Hub) -> None:
    assert revision_of(await hub.ask("GET", "/")) == FOUNDED
    made = await hub.declare("/channels/invoices", {"shards": 2})
    assert (made.status, revision_of(made)) == (201, FOUNDED + 1)
    assert revision_of(await hub.ask("GET", "/channels/invoices")) == FOUNDED + 1
    assert revision_of(await hub.ask("GET", "/channels/none")) == FOUNDED + 1


async def test_a_write_is_seen_by_the_next_read_of_the_same_node(hub: Hub) -> None:
    for number in range(5):
        await hub.declare("/channels/invoices", {"name": str(number)})
        assert (await hub.ask("GET", "/channels/invoices")).json["name"] == str(number)


async def test_a_refused_write_leaves_the_revision(hub: Hub) -> None:
    refused = await hub.declare("/channels/orders", {"shards": 9})
    assert (refused.status, refused.kind, revision_of(refused)) == (
        400,
        "invalid_attribute",
        FOUNDED,
    )
    assert "xregistry-xregcorrelationid" not in refused.headers
    assert await hub.registry_log.read(FOUNDED) == []


async def test_a_read_waits_for_the_revision_that_it_asks_for(hub: Hub) -> None:
    async with asyncio.TaskGroup() as tasks:
        wanted = {"chappe-min-revision": str(FOUNDED + 1)}
        waiting = tasks.create_task(hub.ask("GET", "/channels/invoices", wanted))
        # An answer means that the one before was read: the edge takes connections in their order.
        await hub.ask("GET", "/livez")
        await hub.declare("/channels/invoices", {})
    assert (waiting.result().status, revision_of(waiting.result())) == (200, FOUNDED + 1)


async def test_a_revision_that_is_there_is_not_waited_for(hub: Hub) -> None:
    reply = await hub.ask("GET", "/", {"chappe-min-revision": str(FOUNDED)})
    assert (reply.status, revision_of(reply)) == (200, FOUNDED)


async def test_a_revision_that_does_not_come_is_told(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_route, "WAIT_S", 0.05)
    reply = await hub.ask("GET", "/", {"chappe-min-revision": "99"})
    assert (reply.status, reply.code) == (503, "unavailable")
    assert f"revision 99 was asked for; this node has seen {FOUNDED}" in reply.json["detail"]
    assert int(reply.headers["retry-after"]) >= 1


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 19, "²"])
async def test_what_is_no_revision_is_refused(hub: Hub, value: str) -> None:
    reply = await hub.ask("GET", "/", {"chappe-min-revision": value})
    assert (reply.status, reply.code) == (400, "malformed")
    assert "chappe-min-revision" in reply.json["detail"]


# Correlation


async def test_a_write_names_the_correlation_of_its_events(hub: Hub) -> None:
    first = await hub.declare("/channels/invoices", {})
    second = await hub.declare("/channels/bills", {})
    named = [reply.headers["xregistry-xregcorrelationid"] for reply in (first, second)]
    commits = await hub.registry_log.read(FOUNDED)
    assert [decode_announcements(one.transaction).correlation for one in commits] == named
    assert len(set(named)) == 2


async def test_what_changes_nothing_has_no_correlation(hub: Hub) -> None:
    read = await hub.ask("GET", "/channels")
    nothing = await hub.ask("POST", "/", {}, "{}")
    assert (read.status, nothing.status) == (200, 200)
    assert "xregistry-xregcorrelationid" not in {**read.headers, **nothing.headers}
    assert revision_of(nothing) == FOUNDED


# Dry runs


@pytest.mark.parametrize(
    "query", ["dryrun", "dryrun=true", "dryrun=1", "%64ryrun=TRUE", "a&dryrun"]
)
async def test_a_dry_run_answers_as_the_write_would_and_does_nothing(hub: Hub, query: str) -> None:
    reply = await hub.declare(f"/channels/invoices?{query}", {"shards": 2})
    assert (reply.status, reply.json["shards"]) == (201, 2)
    assert (reply.headers["chappe-dry-run"], revision_of(reply)) == ("true", FOUNDED)
    assert "xregistry-xregcorrelationid" not in reply.headers
    assert (await hub.ask("GET", "/channels/invoices")).status == 404
    assert await hub.registry_log.read(FOUNDED) == []


async def test_a_dry_run_tells_what_is_wrong(hub: Hub) -> None:
    reply = await hub.declare("/channels/orders?dryrun", {"shards": 9})
    assert (reply.status, reply.kind) == (400, "invalid_attribute")
    assert reply.headers["chappe-dry-run"] == "true"


@pytest.mark.parametrize("query", ["dryrun=false", "dryruns", "name=dryrun"])
async def test_any_other_query_is_no_dry_run(hub: Hub, query: str) -> None:
    reply = await hub.declare(f"/channels/invoices?{query}", {})
    assert (reply.status, revision_of(reply)) == (201, FOUNDED + 1)
    assert "chappe-dry-run" not in reply.headers


async def test_a_dry_run_of_deleting_deletes_nothing(hub: Hub) -> None:
    await hub.declare(f"{SUBSCRIPTIONS}/billing", LEAST)
    reply = await hub.ask("DELETE", f"{SUBSCRIPTIONS}/billing?dryrun")
    assert (reply.status, reply.headers["chappe-dry-run"]) == (204, "true")
    assert "billing" in hub.parts.state.value.subscriptions


# Where the registry is


async def test_urls_are_of_the_host_that_was_asked(hub: Hub) -> None:
    reply = await hub.say(b"GET /channels/orders HTTP/1.1\r\nhost: hub.example:81\r\n\r\n")
    assert reply.json["self"] == "http://hub.example:81/channels/orders"


async def test_urls_are_of_the_public_url_where_one_is_set() -> None:
    async with running(registry=RegistryParts(public_url="https://events.example")) as hub:
        reply = await hub.ask("GET", "/channels/orders")
        assert reply.json["self"] == "https://events.example/channels/orders"
        made = await hub.declare("/channels/invoices", {})
        assert made.headers["location"] == "https://events.example/channels/invoices"


async def test_a_body_over_the_registrys_limit_is_refused() -> None:
    async with running(registry=RegistryParts(Edge(body_bytes=100))) as hub:
        reply = await hub.declare("/channels/invoices", {"description": "x" * 200})
        assert (reply.status, reply.code) == (413, "too_large")
        assert (await hub.ask("GET", "/channels/invoices")).status == 404


async def test_a_draining_hub_takes_no_writes(hub: Hub) -> None:
    hub.app.drain()
    reply = await hub.declare("/channels/invoices", {})
    assert (reply.status, reply.code) == (503, "unavailable")
    assert await hub.registry_log.read(FOUNDED) == []


# What a write brings about


async def test_a_channel_that_is_put_takes_events_at_once(hub: Hub) -> None:
    assert (await hub.publish("/channels/invoices/events")).status == 404
    made = await hub.declare("/channels/invoices", {"shards": 2})
    assert (made.status, made.json["shards"]) == (201, 2)
    # In a whole hub its workers open the channel.
    await hub.log.open_channel(Channel("invoices", 2))
    accepted = await hub.publish("/channels/invoices/events")
    assert accepted.status == 202
    assert accepted.headers["location"].startswith("/channels/invoices/events/")


async def test_a_subscription_that_the_registry_takes_is_one_of_the_facade(hub: Hub) -> None:
    made = await hub.declare(f"{SUBSCRIPTIONS}/billing", {**LEAST, "channel": "orders"})
    assert (made.status, made.json["subscriptionid"]) == (201, "billing")
    found = await hub.ask("GET", "/subscriptions/billing")
    assert (found.json["id"], found.json["channel"]) == ("billing", "orders")
    await patch(hub, f"{SUBSCRIPTIONS}/billing", {"types": ["order.paid"]})
    found = await hub.ask("GET", "/subscriptions/billing")
    assert (found.json["types"], found.json["epoch"]) == (["order.paid"], 2)
    deleted = await hub.ask("DELETE", f"{SUBSCRIPTIONS}/billing")
    assert (deleted.status, deleted.body) == (204, b"")
    assert (await hub.ask("GET", "/subscriptions/billing")).status == 404


async def test_a_subscription_of_the_facade_is_one_of_the_registrys(hub: Hub) -> None:
    made = await hub.ask("POST", "/subscriptions", {}, json.dumps(LEAST))
    path = f"{SUBSCRIPTIONS}/{made.json['id']}"
    assert (await hub.ask("GET", path)).json["sink"] == LEAST["sink"]
    changed = {**LEAST, "types": ["a"]}
    await hub.ask("PUT", made.headers["location"], {}, json.dumps(changed))
    versions = (await hub.ask("GET", f"{path}/versions")).json
    assert {id_: one.get("types") for id_, one in versions.items()} == {"1": None, "2": ["a"]}
    assert (await hub.ask("GET", path)).json["versionid"] == "2"
    await hub.ask("DELETE", made.headers["location"])
    assert (await hub.ask("GET", path)).status == 404


async def test_an_earlier_version_can_be_made_the_one_that_counts(hub: Hub) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    await hub.declare(path, {**LEAST, "types": ["old"]})
    await hub.ask("PUT", "/subscriptions/billing", {}, json.dumps({**LEAST, "types": ["new"]}))
    await patch(hub, f"{path}/meta", {"defaultversionid": "1", "defaultversionsticky": True})
    assert (await hub.ask("GET", "/subscriptions/billing")).json["types"] == ["old"]


async def test_what_is_wrong_with_a_subscription_is_told_in_the_way_of_the_path(hub: Hub) -> None:
    wrong = {**LEAST, "channel": "nowhere"}
    facade = await hub.ask("POST", "/subscriptions", {}, json.dumps(wrong))
    assert (facade.status, facade.code) == (400, "malformed")
    assert facade.json["detail"].startswith("channel: 'nowhere' does not exist")
    registry = await hub.declare(f"{SUBSCRIPTIONS}/billing", wrong)
    assert (registry.status, registry.kind) == (400, "invalid_attribute")
    assert registry.json["args"]["name"] == "channel"


async def test_a_put_of_the_facade_cannot_name_another_id(hub: Hub) -> None:
    await hub.declare(f"{SUBSCRIPTIONS}/billing", LEAST)
    other = {**LEAST, "id": "other"}
    reply = await hub.ask("PUT", "/subscriptions/billing", {}, json.dumps(other))
    assert (reply.status, reply.code) == (400, "malformed")
    assert "id: 'other' is not that of the path" in reply.json["detail"]


async def test_no_answer_of_the_registry_shows_a_secret(hub: Hub) -> None:
    path = f"{SUBSCRIPTIONS}/billing"
    body = {**LEAST, "sinkcredential": PLAIN}
    answers = [
        await hub.declare(path, body),
        await hub.ask("POST", f"{path}/versions", {}, json.dumps({"second": body})),
        await patch(hub, path, {"sinkcredential": PLAIN}),
        await hub.declare(f"{path}?dryrun", body),
        await hub.declare(f"{SUBSCRIPTIONS}/broken", {**body, "sink": "mqtt://h"}),
    ]
    assert [reply.status for reply in answers] == [201, 200, 200, 200, 400]
    answers += [
        await hub.ask("GET", target)
        for target in (path, f"{path}?inline=*", f"{path}/versions", "/?inline=*", "/export")
    ]
    found = hub.parts.state.value.subscriptions["billing"].credential
    assert found is not None
    assert found.secret == SECRET
    assert [reply.body for reply in answers if SECRET.encode() in reply.body] == []
    assert [reply.body for reply in answers if b".secret" in reply.body] == []
    assert [reply.headers for reply in answers if SECRET in str(reply.headers)] == []


# Rights


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


async def test_only_a_proven_administrator_may_write_what_is_read_only(file: Path) -> None:
    token = tokens.add(file, "boss", ["admin"], created="2026-11-22T10:00:00Z")
    clerk = tokens.add(file, "clerk", ["subscribe"], created="2026-11-22T10:00:00Z")
    boss = {"authorization": f"Bearer {token}"}
    path = "/schemagroups/shop/schemas/order"
    body = json.dumps({"readonly": True})
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        made = await hub.ask("PUT", f"{path}$details", boss, '{"format": "Any/1"}')
        assert made.status == 201
        refused = await hub.ask("PATCH", f"{path}/meta", {"authorization": f"Bearer {clerk}"}, body)
        locked = await hub.ask("PATCH", f"{path}/meta", boss, body)
        assert (refused.json["readonly"], locked.json["readonly"]) == (False, True)


async def test_the_log_of_the_registry_tells_who_wrote(file: Path) -> None:
    token = tokens.add(file, "shop-web", ["subscribe"], created="2026-11-22T10:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        sent = {"authorization": f"Bearer {token}"}
        await hub.ask("PUT", "/channels/invoices", sent, "{}")
        (commit,) = await hub.registry_log.read(FOUNDED)
        assert decode_announcements(commit.transaction).by == "shop-web"


async def test_without_a_right_nothing_is_told_of_what_there_is(file: Path) -> None:
    token = tokens.add(file, "shop-web", ["publish"], created="2026-11-22T10:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        sent = {"authorization": f"Bearer {token}"}
        for path in ("/channels/orders", "/channels/none"):
            reply = await hub.ask("GET", path, sent)
            assert (reply.status, reply.code, reply.json["right"]) == (403, "forbidden", "read")


# Pages of other origins


PREFLIGHT = {"access-control-request-method": "DELETE", "access-control-request-headers": "x-a"}


async def test_a_preflight_needs_no_token_and_tells_nothing_of_what_there_is(
    file: Path,
) -> None:
    tokens.add(file, "ops", ["admin"], created="2026-11-22T10:00:00Z")
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        replies = [
            await hub.ask("OPTIONS", path, PREFLIGHT)
            for path in ("/channels", "/nonsense", "/model")
        ]
        assert {reply.status for reply in replies} == {204}
        assert len({reply.headers["access-control-allow-methods"] for reply in replies}) == 1
        assert "DELETE" in replies[0].headers["access-control-allow-methods"]
        assert replies[0].headers["access-control-allow-headers"] == "x-a"
        assert (await hub.ask("OPTIONS", "/channels")).status == 401


async def test_a_foreign_page_may_read_an_open_hub_but_not_write_to_it(hub: Hub) -> None:
    preflight = await hub.ask("OPTIONS", "/channels", PREFLIGHT)
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert (await hub.ask("GET", "/channels")).headers["access-control-allow-origin"] == "*"
    written = await hub.declare("/channels/invoices", {})
    assert written.status == 201
    assert "access-control-allow-origin" not in written.headers


async def test_how_much_a_channel_holds_can_be_asked(hub: Hub) -> None:
    await hub.publish()
    extent = (await hub.ask("GET", "/channels/default/extent")).json
    assert (extent["channel"], extent["shards"]) == ("default", 4)
    assert extent["last_block"] == extent["first_block"] == 1
    assert extent["size_bytes"] > 0
    assert (await hub.ask("GET", "/channels/none/extent")).status == 404


async def test_a_channel_holds_what_it_refuses_in_its_quarantine(hub: Hub) -> None:
    await hub.declare("/channels/held", {"shards": 1})
    await hub.declare("/channels/strict", {"undeclared": "refuse", "quarantine": "held"})
    reply = await hub.publish("/channels/strict/events")
    assert (reply.status, reply.json["quarantine"]) == (202, "held")
    assert reply.headers["location"] == f"/channels/held/events/{reply.json['position']}"
    (block,) = await hub.log.read(Channel("held", 1), None, 0, limit_blocks=10)
    assert "no message declares the type" in str(block.events[0].extensions["quarantinereason"])
    assert await hub.log.read(Channel("strict", 1), None, 0, limit_blocks=10) == []


@pytest.mark.parametrize("name", ["nowhere", "strict", "attempts"])
async def test_a_quarantine_is_another_channel_that_takes_events(hub: Hub, name: str) -> None:
    refused = await hub.declare("/channels/strict", {"quarantine": name})
    assert (refused.status, refused.json["args"]["name"]) == (400, "quarantine")
