"""What is asked before it is done: a test event to a sink, and dry runs of a subscription."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from http_edge import Hub, Reply, running

from chappe.flows.trial import TYPE
from chappe.testing.http_sink import Reply as Answer
from chappe.testing.http_sink import SinkServer


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as hub:
        yield hub


def wanted(sink: str, **more: Any) -> dict[str, Any]:
    return {"protocol": "HTTP", "sink": sink, **more}


async def post(hub: Hub, path: str, body: object = None) -> Reply:
    sent = b"" if body is None else json.dumps(body).encode()
    return await hub.ask("POST", path, body=sent)


async def names(hub: Hub) -> list[str]:
    return [one["id"] for one in (await hub.ask("GET", "/subscriptions")).json]


async def test_a_test_event_is_sent_as_a_delivery_would_be_and_nothing_is_stored(hub: Hub) -> None:
    async with SinkServer([Answer(204)], recording=True) as sink:
        asked = wanted(
            sink.url,
            signing={"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
            protocolsettings={"headers": {"x-team": "billing"}},
            sinkcredential={
                "credentialtype": "ACCESSTOKEN", "accesstoken": "hush", "accesstokentype": "bearer",
            },
        )  # fmt: skip
        found = await post(hub, "/validate/sink", asked)
        (got,) = sink.requests
    assert (found.status, found.json["delivered"], found.json["status"]) == (200, True, 204)
    assert (found.json["signed"], "hush" in found.body.decode()) == (True, False)
    assert got.header("ce-type") == TYPE == found.json["event"]["type"]
    assert (got.header("x-team"), got.header("authorization")) == ("billing", "Bearer hush")
    assert got.header("webhook-signature")
    assert await names(hub) == []
    assert (await hub.ask("GET", "/events")).json == []


@pytest.mark.parametrize(
    ("answers", "status", "reason"),
    [
        ([Answer(404, body=b"no route /elsewhere")], 404, "404 Not Found: no route /elsewhere"),
        ([Answer(403, body=b"who?")], 403, "Forbidden: who?"),
        ([Answer(410)], 410, "gone"),
    ],
)
async def test_a_refusal_is_an_answer_with_the_reason(
    hub: Hub, answers: Sequence[Answer], status: int, reason: str
) -> None:
    async with SinkServer(answers) as sink:
        found = await post(hub, "/validate/sink", wanted(sink.url))
    assert found.status == 200
    assert (found.json["delivered"], found.json["status"]) == (False, status)
    assert found.json["reason"] == reason


async def test_one_that_there_is_can_be_tried_and_one_that_must_agree_first_is_not(
    hub: Hub,
) -> None:
    async with SinkServer([Answer(204)]) as sink:
        made = (await post(hub, "/subscriptions", wanted(sink.url))).json["id"]
        tried = await post(hub, f"/validate/sink?subscription={made}")
        first = await post(hub, "/validate/sink", wanted(sink.url, handshake="required"))
    assert tried.json["event"]["source"] == f"/subscriptions/{made}"
    assert (first.status, first.code) == (409, "conflict")
    assert (await post(hub, "/validate/sink?subscription=none")).status == 404
    both = await post(hub, f"/validate/sink?subscription={made}", wanted("http://h/"))
    assert (both.status, both.code) == (400, "malformed")


async def test_what_has_no_sink_cannot_be_tried(hub: Hub) -> None:
    found = await post(hub, "/validate/sink", {"protocol": "PULL"})
    assert (found.status, found.code) == (400, "malformed")
    nowhere = await post(hub, "/validate/sink", wanted("http://127.0.0.1:1/"))
    assert (nowhere.json["delivered"], nowhere.json["status"]) == (False, None)
    assert nowhere.json["reason"]


async def test_a_name_is_kept_and_cannot_be_taken_twice(hub: Hub) -> None:
    made = await post(hub, "/subscriptions?id=billing", wanted("http://sink.example/"))
    assert (made.status, made.json["id"]) == (201, "billing")
    again = await post(hub, "/subscriptions?id=billing", wanted("http://other.example/"))
    assert (again.status, again.code) == (409, "conflict")
    assert (await hub.ask("GET", "/subscriptions/billing")).json["sink"] == "http://sink.example/"


@pytest.mark.parametrize("id_", ["a%2Fb", "%20", "-x", "a%0Ab", "x" * 129])
async def test_a_name_that_is_no_id_is_refused(hub: Hub, id_: str) -> None:
    found = await post(hub, f"/subscriptions?id={id_}", wanted("http://sink.example/"))
    assert (found.status, await names(hub)) == (400, [])


async def test_a_dry_run_answers_what_it_would_be_and_does_nothing(hub: Hub) -> None:
    await hub.publish(ce_id="e1", body=b'{"total": 1}')
    before = hub.parts.state.value.revision
    asked = wanted("http://sink.example/", start="earliest", rate={"per_second": 1})
    found = await post(hub, "/subscriptions?id=billing&dryrun", asked)
    assert found.status == 200
    assert found.headers["chappe-dry-run"] == "true"
    assert found.json["id"] == "billing"
    assert found.json["forecast"] == {"events": 1, "bytes": 12, "exact": True, "seconds": 1.0}
    assert (hub.parts.state.value.revision, await names(hub)) == (before, [])


async def test_a_dry_run_refuses_what_would_be_refused(hub: Hub) -> None:
    await post(hub, "/subscriptions?id=billing", wanted("http://sink.example/"))
    for path, body in (
        ("/subscriptions?id=billing{}", wanted("http://sink.example/")),
        ("/subscriptions?id=other{}", wanted("http://sink.example/", channel="none")),
        ("/subscriptions?id=other{}", wanted("ftp://sink.example/")),
    ):
        dry = await post(hub, path.format("&dryrun"), body)
        wet = await post(hub, path.format(""), body)
        assert (dry.status, dry.json) == (wet.status, wet.json)
        assert dry.status in (400, 409)


async def test_a_replacement_can_be_rehearsed_with_its_epoch(hub: Hub) -> None:
    await post(hub, "/subscriptions?id=billing", wanted("http://sink.example/"))
    path = "/subscriptions/billing?dryrun"
    body = json.dumps(wanted("http://new.example/", epoch=1)).encode()
    assert (await hub.ask("PUT", path, body=body)).json["sink"] == "http://new.example/"
    stale = json.dumps(wanted("http://new.example/", epoch=7)).encode()
    assert (await hub.ask("PUT", path, body=stale)).status == 409
    assert (await hub.ask("PUT", "/subscriptions/none?dryrun", body=body)).status == 404
    shown = (await hub.ask("GET", "/subscriptions/billing")).json
    assert (shown["sink"], shown["epoch"]) == ("http://sink.example/", 1)
