"""The API of sources over HTTP: what it takes, refuses, shows and never shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.edges.http_edge import Hub, running

from chappe.testing.certificates import Authority

SECRET = "tok-77aa-never-shown"
KAFKA = {
    "protocol": "KAFKA",
    "url": "kafka://k1:9092,k2:9093",
    "protocolsettings": {"topics": ["orders", "payments"]},
}


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


async def send(hub: Hub, method: str, target: str, document: dict[str, Any]) -> Any:
    return await hub.ask(method, target, {}, json.dumps(document))


async def test_a_source_is_made_shown_listed_and_taken_away(hub: Hub) -> None:
    made = await send(hub, "POST", "/sources", {**KAFKA, "id": "shop", "channel": "orders"})
    assert made.status == 201
    assert made.headers["location"] == "/sources/shop"
    assert made.json == (await hub.ask("GET", "/sources/shop")).json
    assert made.json["protocolsettings"] == {"topics": ["orders", "payments"]}
    assert (made.json["channel"], made.json["paused"], made.json["epoch"]) == ("orders", False, 1)
    assert made.json["status"] == {"state": "waiting", "taken": 0, "setaside": 0}
    assert [one["id"] for one in (await hub.ask("GET", "/sources")).json] == ["shop"]
    assert (await hub.ask("DELETE", "/sources/shop")).status == 200
    assert (await hub.ask("GET", "/sources/shop")).code == "not_found"
    assert (await hub.ask("DELETE", "/sources/shop")).code == "not_found"


async def test_a_source_without_an_id_gets_one(hub: Hub) -> None:
    made = await send(hub, "POST", "/sources", KAFKA)
    assert made.headers["location"] == f"/sources/{made.json['id']}"


async def test_a_second_source_of_an_id_is_refused(hub: Hub) -> None:
    await send(hub, "POST", "/sources", {**KAFKA, "id": "shop"})
    assert (await send(hub, "POST", "/sources", {**KAFKA, "id": "shop"})).code == "conflict"


async def test_put_makes_and_replaces_under_the_epoch_that_was_read(hub: Hub) -> None:
    assert (await send(hub, "PUT", "/sources/shop", KAFKA)).status == 201
    replaced = await send(hub, "PUT", "/sources/shop", {**KAFKA, "paused": True, "epoch": 1})
    assert (replaced.status, replaced.json["paused"], replaced.json["epoch"]) == (200, True, 2)
    stale = await send(hub, "PUT", "/sources/shop", {**KAFKA, "epoch": 1})
    assert stale.code == "conflict"
    assert (await send(hub, "PUT", "/sources/other", {**KAFKA, "epoch": 1})).code == "conflict"


async def test_reading_is_paused_and_goes_on_without_another_version(hub: Hub) -> None:
    await send(hub, "PUT", "/sources/shop", KAFKA)
    paused = await hub.ask("POST", "/sources/shop/pause")
    assert (paused.status, paused.json["paused"], paused.json["epoch"]) == (200, True, 2)
    again = await hub.ask("POST", "/sources/shop/pause")
    assert (again.json["paused"], again.json["epoch"]) == (True, 2)
    resumed = await hub.ask("POST", "/sources/shop/resume")
    assert (resumed.json["paused"], resumed.json["epoch"]) == (False, 3)
    versions = await hub.ask("GET", "/endpoints/hub/sources/shop/versions")
    assert list(versions.json) == ["1"]
    assert (await hub.ask("POST", "/sources/none/pause")).code == "not_found"


async def test_what_is_shown_can_be_sent_back(hub: Hub) -> None:
    shown = (await send(hub, "PUT", "/sources/shop", KAFKA)).json
    assert (await send(hub, "PUT", "/sources/shop", shown)).status == 200


async def test_secrets_stay_and_are_never_shown(hub: Hub) -> None:
    plain = {"credentialtype": "PLAIN", "identifier": "hub", "secret": SECRET}
    authority = Authority()
    certificate, key = authority.issue("hub.example")
    tls = {"ca": authority.pem, "certificate": certificate, "key": key}
    made = await send(hub, "PUT", "/sources/shop", {**KAFKA, "credential": plain, "tls": tls})
    assert made.json["credential"] == {"credentialtype": "PLAIN", "identifier": "hub"}
    kept = await send(hub, "PUT", "/sources/shop", {**made.json, "paused": True})
    assert kept.status == 200
    source = hub.parts.state.value.sources["shop"]
    assert source.credential is not None
    assert source.credential.secret == SECRET
    assert source.options.tls is not None
    assert source.options.tls.key == key
    for path in ("/sources", "/sources/shop", "/endpoints/hub/sources/shop", "/export"):
        shown = (await hub.ask("GET", path)).body.decode()
        assert SECRET not in shown
        assert "PRIVATE KEY" not in shown


async def test_certificates_that_do_not_fit_are_refused(hub: Hub) -> None:
    authority = Authority()
    certificate, _ = authority.issue("hub.example")
    _, other = authority.issue("other.example")
    tls = {"certificate": certificate, "key": other}
    reply = await send(hub, "PUT", "/sources/shop", {**KAFKA, "tls": tls})
    assert reply.code == "malformed"
    assert "tls/key: does not fit the certificate of" in reply.json["detail"]


async def test_a_secret_goes_to_no_other_broker_by_a_write_that_does_not_know_it(hub: Hub) -> None:
    token = {"credentialtype": "ACCESSTOKEN", "accesstoken": SECRET}
    made = await send(hub, "PUT", "/sources/shop", {**KAFKA, "credential": token})
    moved = await send(hub, "PUT", "/sources/shop", {**made.json, "url": "kafka://evil:9092"})
    assert moved.code == "malformed"
    assert "credential/accesstoken: must be sent again" in moved.json["detail"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"protocol": "kafka"}, "protocol: 'kafka' is unknown"),
        ({"protocol": "HTTP"}, "protocol: 'HTTP' is unknown"),
        ({"url": None}, "url: null (null) was sent, a string is needed"),
        ({"url": "nats://n1"}, "must be an absolute kafka URI"),
        ({"url": "kafka://u:secret@k1"}, "user and password have no place in it; use credential"),
        ({"protocolsettings": {}}, "protocolsettings/topics: is missing and is required"),
        (
            {"protocolsettings": {"topics": ["^.*"]}},
            "protocolsettings/topics/0: '^.*' does not fit",
        ),
        ({"protocolsettings": {"topics": ["a"], "subject": "b"}}, "subject: unknown field"),
        ({"channel": "none"}, "channel: 'none' does not exist"),
        ({"channel": "deadletters"}, "channel: 'deadletters' does not exist, or is the hub's own"),
        ({"id": "Shop_1"}, "id: 'Shop_1' is no name of a source"),
        ({"credential": {"credentialtype": "PLAIN"}}, "credential/identifier: is missing"),
        (
            {
                "credential": {
                    "credentialtype": "REFRESHTOKEN",
                    "refreshtokenendpoint": "https://id.example/token",
                    "refreshtoken": SECRET,
                    "accesstoken": SECRET,
                }
            },
            "credential/credentialtype: 'REFRESHTOKEN' is served with sinks of HTTP",
        ),
        ({"tls": {"ca": "PEM"}}, "tls/ca: is not PEM"),
        (
            {"credential": {"credentialtype": "PLAIN", "identifier": "hub"}},
            "credential/secret: is missing and is required",
        ),
        ({"sink": "http://a"}, "sink: unknown field"),
    ],
)
async def test_what_breaks_a_rule_is_named(hub: Hub, change: dict[str, Any], said: str) -> None:
    reply = await send(hub, "POST", "/sources", {**KAFKA, **change})
    assert (reply.status, reply.code) == (400, "malformed")
    assert said in reply.json["detail"]
    assert hub.parts.state.value.sources == {}


async def test_a_source_is_an_entity_of_the_registry(hub: Hub) -> None:
    written = await hub.declare("/endpoints/hub/sources/shop", KAFKA)
    assert written.status == 201
    assert (await hub.ask("GET", "/sources/shop")).json["url"] == KAFKA["url"]
    assert (await hub.declare("/endpoints/hub/sources/Shop", KAFKA)).status == 400
    elsewhere = await hub.declare("/endpoints/other/sources/shop", KAFKA)
    assert elsewhere.kind == "bad_request"
