"""`?dryrun` of subscriptions and sources: the answer of the write, and nothing written or told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from http_edge import Hub, running

SUBSCRIPTION = {"protocol": "HTTP", "sink": "http://sink.example/"}
SOURCE = {
    "protocol": "KAFKA", "url": "kafka://k1:9092", "protocolsettings": {"topics": ["orders"]},
}  # fmt: skip


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        for path, one in (("/subscriptions?id=billing", SUBSCRIPTION), ("/sources", SOURCE)):
            made = await hub.ask(
                "POST", path, body=json.dumps({**one, "id": "shop"} if one is SOURCE else one)
            )
            assert made.status == 201
        yield hub


WRITES: list[tuple[str, str, Any]] = [
    ("PATCH", "/subscriptions/{billing}", {"sink": "http://new.example/"}),
    ("DELETE", "/subscriptions/{billing}", None),
    ("POST", "/subscriptions/{billing}/pause", {}),
    ("POST", "/subscriptions/{billing}/resume", {}),
    ("POST", "/subscriptions/{billing}/signing", {"kind": "ed25519"}),
    ("POST", "/sources", {**SOURCE, "id": "{shop}"}),
    ("PUT", "/sources/{shop}", {**SOURCE, "channel": "orders"}),
    ("DELETE", "/sources/{shop}", None),
    ("POST", "/sources/{shop}/pause", {}),
    ("POST", "/sources/{shop}/resume", {}),
]  # fmt: skip


def filled(text: str, **ids: str) -> str:
    for name, id_ in ids.items():
        text = text.replace(f"{{{name}}}", id_)
    return text


async def ask(hub: Hub, method: str, path: str, body: Any, **ids: str) -> Any:
    sent = "" if body is None else filled(json.dumps(body), **ids)
    return await hub.ask(method, filled(path, **ids), body=sent)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_it_answers_what_would_be_and_writes_nothing(
    hub: Hub, method: str, path: str, body: Any
) -> None:
    ids = {"billing": "billing", "shop": "new" if path == "/sources" else "shop"}
    before = hub.parts.state.value.revision
    dry = await ask(hub, method, f"{path}?dryrun", body, **ids)
    assert (dry.status, dry.headers["chappe-dry-run"]) == (200, "true"), dry.body
    assert hub.parts.state.value.revision == before
    assert "key" not in dry.json

    wet = await ask(hub, method, path, body, **ids)
    assert wet.status in (200, 201)
    told = {"modifiedat", "createdat", "key", "public", "overlap_until"}
    differing = {
        name for name in {**dry.json, **wet.json} if dry.json.get(name) != wet.json.get(name)
    }
    assert differing <= told


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_it_refuses_what_the_write_would_be_refused(
    hub: Hub, method: str, path: str, body: Any
) -> None:
    # Of what is made: an id that is taken; of all else: one that nobody has.
    ids = {"billing": "nobody", "shop": "shop" if path == "/sources" else "nobody"}
    if method == "PUT":
        body = {**body, "channel": "none"}
    dry = await ask(hub, method, f"{path}?dryrun", body, **ids)
    wet = await ask(hub, method, path, body, **ids)
    assert wet.status in (400, 404, 409)
    assert (dry.status, dry.json) == (wet.status, wet.json)


async def test_a_parameter_that_is_no_dry_run_is_refused_where_nothing_heeds_it(hub: Hub) -> None:
    assert (await hub.ask("POST", "/events?dryrun", body="{}")).status == 400
