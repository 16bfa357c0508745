"""Who did what: each write, and each refusal, is told once; publishing and reading are not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from http_edge import Hub, running

from chappe.adapters.auth import tokens
from chappe.adapters.auth.tokens import TokenFile
from chappe.domain.audit import Audited

CREATED = "2026-11-22T10:00:00Z"
SUBSCRIPTION = {"sink": "http://127.0.0.1:9/", "protocol": "HTTP"}


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Audited] = []
        self._ids = 0

    def record(self, one: Audited) -> None:
        self.told.append(one)

    def new_correlation(self) -> str:
        self._ids += 1
        return f"request-{self._ids}"


class World:
    def __init__(self, hub: Hub, heard: Heard, kept: dict[str, str]) -> None:
        self.hub, self.heard, self._kept = hub, heard, kept

    async def ask(self, who: str, method: str, path: str, body: Any = None, **more: str) -> Any:
        headers = {"authorization": f"Bearer {self._kept.get(who, who)}", **more}
        return await self.hub.ask(method, path, headers, "" if body is None else json.dumps(body))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    file, heard = tmp_path / "tokens.json", Heard()
    kept = {
        name: tokens.add(file, name, [], created=CREATED, roles=[name])
        for name in ("viewer", "developer", "operator", "admin")
    }
    async with running(TokenFile(file, lambda: 0.0), audit=heard) as hub:
        yield World(hub, heard, kept)


async def test_a_write_is_told_with_who_what_where_and_outcome(world: World) -> None:
    made = await world.ask(
        "developer",
        "POST",
        "/subscriptions?access_token=",
        SUBSCRIPTION,
    )
    assert made.status == 400  # a parameter that there is not
    made = await world.ask(
        "developer", "POST", "/subscriptions", SUBSCRIPTION, **{"x-forwarded-for": "10.1.2.3"}
    )
    assert made.status == 201, made.body

    failed, done = world.heard.told
    assert (failed.outcome, failed.status, failed.path) == ("failed", 400, "/subscriptions")
    assert done == Audited(
        "write",
        "done",
        "developer",
        "token",
        "POST",
        "/subscriptions",
        201,
        address="127.0.0.1",
        forwarded_for="10.1.2.3",
        correlation=done.correlation,
    )
    assert done.correlation.startswith("request-")


async def test_a_dry_run_is_no_write(world: World) -> None:
    made = await world.ask("developer", "POST", "/subscriptions?dryrun", SUBSCRIPTION)
    assert (made.status, world.heard.told) == (200, [])


WRITES = [
    ("PUT", "/schemagroups/shop", {}),
    ("PATCH", "/channels/orders", {"labels": {"a": "b"}}),
    ("POST", "/deadletters/redrive", {"all": True}),
    ("DELETE", "/deadletters?all=true", None),
    ("PATCH", "/capabilities", {}),
    ("PUT", "/confluent/config/orders", {"compatibility": "NONE"}),
    ("POST", "/confluent/subjects/orders/versions", {"schema": '"string"'}),
    ("DELETE", "/services/nothing", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_each_way_to_write_is_told_once(
    world: World, method: str, path: str, body: Any
) -> None:
    reply = await world.ask("admin", method, path, body)
    assert reply.status != 403, reply.body

    (told,) = world.heard.told
    assert (told.action, told.name, told.status) == ("write", "admin", reply.status)
    assert told.path == path.partition("?")[0]


QUIET = [
    ("GET", "/", None),
    ("GET", "/events", None),
    ("POST", "/validate/subscriptions", None),
    ("POST", "/confluent/subjects/orders", {"schema": '"string"'}),
    ("PUT", "/schemagroups/shop?dryrun", {}),
    ("OPTIONS", "/subscriptions", None),
]


@pytest.mark.parametrize(("method", "path", "body"), QUIET)
async def test_what_changes_nothing_is_not_told(
    world: World, method: str, path: str, body: Any
) -> None:
    await world.ask("admin", method, path, body)
    assert world.heard.told == []


async def test_publishing_is_not_told_but_its_refusal_is(world: World) -> None:
    sent = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
    assert (await world.ask("developer", "POST", "/events", **sent)).status == 202
    assert world.heard.told == []

    assert (await world.ask("viewer", "POST", "/events", **sent)).status == 403
    (told,) = world.heard.told
    assert (told.action, told.name, told.right, told.group) == (
        "refused",
        "viewer",
        "publish",
        "channels/default",
    )


async def test_a_refusal_is_told_and_whose_it_was(world: World) -> None:
    await world.ask("viewer", "PUT", "/schemagroups/shop", {})
    await world.ask("wrong", "PUT", "/schemagroups/shop", {})

    lacking, unknown = world.heard.told
    assert (lacking.action, lacking.name, lacking.status, lacking.code) == (
        "refused",
        "viewer",
        403,
        "forbidden",
    )
    assert (unknown.action, unknown.name, unknown.how, unknown.status) == ("refused", "", None, 401)


async def test_what_a_request_brings_about_carries_its_correlation(tmp_path: Path) -> None:
    from chappe.kit.correlation import correlated, correlation

    assert correlation() == ""
    with correlated("a"):
        assert correlation() == "a"
    assert correlation() == ""


async def test_no_token_is_told(world: World) -> None:
    await world.ask("wrong-token-value", "PUT", "/schemagroups/shop?token=wrong-token-value", {})
    assert "wrong-token-value" not in str(world.heard.told)


def test_a_change_of_the_tokens_file_is_told_by_names(tmp_path: Path) -> None:
    file, now_s, told = tmp_path / "tokens.json", [0.0], list[Any]()
    tokens.add(file, "kept", ["read"], created=CREATED)
    tokens.add(file, "old", ["read"], created=CREATED)
    known = TokenFile(file, lambda: now_s[0])
    known.tell(lambda added, removed: told.append((list(added), list(removed))))

    tokens.remove(file, "old")
    tokens.add(file, "new", ["read"], created=CREATED)
    now_s[0] = 2.0
    known.identify("x")

    assert told == [(["new"], ["old"])]
