"""Roles for groups, over real HTTP: what somebody may is what they were given, by every way in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from http_edge import Hub, Reply, running

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile

CREATED = "2026-11-22T10:00:00Z"
TO = {"sink": "http://127.0.0.1:9/", "protocol": "HTTP"}
ROLES = {
    "shop": ["developer@channels/orders,schemagroups/shop,messagegroups/shop"],
    "viewer": ["viewer"],
    "developer": ["developer"],
    "operator": ["operator"],
    "root": ["admin"],
    "auditor": ["viewer@channels/audit"],
    "hub": ["developer@endpoints/hub"],
}
SCHEMA = {"format": "JsonSchema/draft-07", "schema": {"type": "object"}}


class People:
    """A hub and a token for each of ROLES."""

    def __init__(self, hub: Hub, kept: dict[str, str]) -> None:
        self.hub = hub
        self._kept = kept

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> Reply:
        headers = {"authorization": f"Bearer {self._kept[who]}", "content-type": "application/json"}
        return await self.hub.ask(method, path, headers, "" if body is None else json.dumps(body))

    async def publish(self, who: str, path: str) -> Reply:
        return await self.hub.publish(path, authorization=f"Bearer {self._kept[who]}")


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    file = tmp_path / "tokens.json"
    kept = {
        name: tokens.add(file, name, [], created=CREATED, roles=roles)
        for name, roles in ROLES.items()
    }
    async with running(TokenFile(file, lambda: 0.0)) as hub:
        yield People(hub, kept)


ALLOWED = [
    ("POST", "/channels/orders/events"),
    ("GET", "/channels/orders/events"),
    ("GET", "/channels/orders/extent"),
    ("GET", "/channels/orders"),
    ("PATCH", "/channels/orders"),
    ("GET", "/subscriptions?channel=orders"),
    ("PUT", "/schemagroups/shop"),
    ("GET", "/model"),
    ("GET", "/capabilities"),
    ("GET", "/confluent/subjects/:.shop:orders/versions"),
    ("GET", "/schemaregistry/v0.2/schemagroups/shop"),
]
REFUSED = [
    ("POST", "/events"),
    ("GET", "/events"),
    ("GET", "/channels/default/events"),
    ("GET", "/channels/audit/events"),
    ("GET", "/channels/orders%2F/events"),
    ("GET", "/channels"),
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/export"),
    ("GET", "/subscriptions"),
    ("GET", "/subscriptions?channel=default"),
    ("GET", "/deadletters"),
    ("POST", "/deadletters/redrive"),
    ("GET", "/types"),
    ("PUT", "/schemagroups/other"),
    ("PUT", "/schemagroups/shop%2F..%2Fother"),
    ("PUT", "//schemagroups/shop"),
    ("DELETE", "/schemagroups"),
    ("PUT", "/endpoints/hub/subscriptions/x"),
    ("PUT", "/modelsource"),
    ("PATCH", "/capabilities"),
    ("GET", "/confluent/subjects"),
    ("GET", "/confluent/subjects/orders/versions"),
    ("POST", "/confluent/subjects/:.other:orders/versions"),
    ("PUT", "/confluent/config"),
    ("DELETE", "/confluent/contexts/.shop"),
    ("GET", "/schemaregistry/v0.2/schemagroups"),
    ("POST", "/schemaregistry/v0.2/schemagroups/other/schemas/x"),
]


@pytest.mark.parametrize(("method", "path"), ALLOWED)
async def test_a_role_for_groups_opens_what_is_about_them(
    people: People, method: str, path: str
) -> None:
    reply = await people.ask("shop", method, path, {} if method in ("PUT", "PATCH") else None)
    assert reply.status not in (401, 403), reply.body


@pytest.mark.parametrize(("method", "path"), REFUSED)
async def test_a_role_for_groups_opens_nothing_else(people: People, method: str, path: str) -> None:
    body = None if method == "GET" else {"all": True} if "redrive" in path else {}
    reply = await people.ask("shop", method, path, body)
    assert reply.status in (403, 404) if "%2F" in path else reply.status == 403, reply.body


async def test_the_refusal_tells_a_program_which_role_would_do(people: People) -> None:
    reply = await people.publish("viewer", "/channels/orders/events")

    assert (reply.status, reply.code) == (403, "forbidden")
    assert {name: reply.json[name] for name in ("right", "role", "group")} == {
        "right": "publish",
        "role": "developer",
        "group": "channels/orders",
    }


async def test_a_subscription_is_its_channels(people: People) -> None:
    made = await people.ask("shop", "POST", "/subscriptions", {**TO, "channel": "orders"})
    other = await people.ask("developer", "POST", "/subscriptions", TO)
    assert (made.status, other.status) == (201, 201)

    for path, status in ((made.json["id"], 200), (other.json["id"], 403)):
        for method, what in (("GET", ""), ("POST", "/pause"), ("POST", "/resume"), ("DELETE", "")):
            reply = await people.ask("shop", method, f"/subscriptions/{path}{what}")
            assert reply.status == status, (method, what, reply.body)


@pytest.mark.parametrize(
    "wanted",
    [
        {"channel": "default"},
        {},
        {"channel": "audit"},
        {"channel": "orders", "replies": {"channel": "default"}},
    ],
)
async def test_nobody_subscribes_to_what_they_hold_no_role_for(
    people: People, wanted: dict[str, Any]
) -> None:
    body = {**TO, **wanted}
    assert (await people.ask("shop", "POST", "/subscriptions", body)).status == 403

    made = await people.ask("shop", "POST", "/subscriptions", {**TO, "channel": "orders"})
    path = f"/subscriptions/{made.json['id']}"
    if "channel" in wanted:
        body = {"id": made.json["id"], **body}
        assert (await people.ask("shop", "PUT", path, body)).status == 403
        assert (await people.ask("shop", "PATCH", path, wanted)).status == 403


async def test_who_may_write_any_subscription_may_not_read_the_audit_by_one(people: People) -> None:
    body = {**TO, "channel": "audit"}
    for who in ("hub", "developer", "operator"):
        by_api = await people.ask(who, "POST", "/subscriptions", body)
        by_registry = await people.ask(who, "PUT", "/endpoints/hub/subscriptions/mine", body)
        assert (by_api.status, by_registry.status) == (403, 403), by_registry.body
    assert (await people.ask("hub", "POST", "/subscriptions", TO)).status == 201
    assert (await people.ask("root", "POST", "/subscriptions", body)).status == 201


async def test_an_xref_shows_nobody_what_they_may_not_read(people: People) -> None:
    secret = await people.ask("root", "PUT", "/schemagroups/secret/schemas/s$details", SCHEMA)
    assert secret.status == 201, secret.body
    stolen = {"meta": {"xref": "/schemagroups/secret/schemas/s"}}

    reply = await people.ask("shop", "PUT", "/schemagroups/shop/schemas/s$details", stolen)
    assert reply.status == 403, reply.body
    assert (await people.ask("shop", "GET", "/schemagroups/shop/schemas/s")).status == 404


async def test_an_alias_leads_into_no_context_that_is_not_ones_own(people: People) -> None:
    told = {"alias": ":.secret:orders"}
    await people.ask("root", "PUT", "/confluent/config/:.shop:orders", told)

    reply = await people.ask("shop", "GET", "/confluent/subjects/:.shop:orders/versions")
    assert reply.status == 403, reply.body


async def test_a_schema_is_read_by_its_id_in_a_context_that_is_ones_own(people: People) -> None:
    schema = {"schema": '"string"'}
    for context in (".shop", ".other"):
        path = f"/confluent/subjects/:{context}:orders/versions"
        assert (await people.ask("root", "POST", path, schema)).status == 200

    mine = await people.ask("shop", "GET", "/confluent/schemas/ids/1?subject=:.shop:")
    other = await people.ask("shop", "GET", "/confluent/schemas/ids/1?subject=:.other:")
    assert (mine.status, other.status) == (200, 403)


async def test_what_failed_is_an_operators(people: People) -> None:
    for method, path in (
        ("POST", "/deadletters/redrive"),
        ("DELETE", "/deadletters?all=true"),
    ):
        body = {"all": True, "dry_run": True} if method == "POST" else None
        refused = await people.ask("developer", method, path, body)
        assert (refused.status, refused.json["role"]) == (403, "operator")
        assert (await people.ask("operator", method, path, body)).status in (200, 202)


async def test_what_the_hub_is_is_an_administrators(people: People) -> None:
    for path in ("/modelsource", "/capabilities"):
        refused = await people.ask("operator", "PATCH", path, {})
        assert (refused.status, refused.json["role"]) == (403, "admin")


async def test_the_audit_is_read_by_administrators_and_who_was_given_it(people: People) -> None:
    for who, status in (("viewer", 403), ("operator", 403), ("auditor", 200), ("root", 200)):
        assert (await people.ask(who, "GET", "/channels/audit/events")).status == status
    assert (await people.ask("auditor", "GET", "/channels/orders/events")).status == 403


async def test_options_shows_what_this_role_may_there(people: People) -> None:
    orders = await people.ask("shop", "OPTIONS", "/channels/orders/events")
    default = await people.ask("shop", "OPTIONS", "/events")

    assert orders.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert default.headers["allow"] == "OPTIONS"


def test_a_token_of_the_right_subscribe_may_retry_as_it_always_might(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    old = {"name": "old", "sha256": tokens.hashed("chp_x"), "rights": ["subscribe"], "created": ""}
    file.write_text(json.dumps({"tokens": [old]}))
    file.chmod(0o600)

    found = TokenFile(file, lambda: 0.0).identify("chp_x")

    assert found is not None
    assert found.rights == {"subscribe", "operate"}
