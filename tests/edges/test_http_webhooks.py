"""Webhooks over HTTP: who may post, what becomes an event, what is dropped and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.edges.http_edge import Hub, running

from chappe.formats import webhook_signatures

SECRET = "It's a Secret to Everybody"
ISSUE = json.dumps(
    {
        "action": "opened",
        "issue": {"number": 17, "updated_at": "2026-05-15T15:20:18Z"},
        "repository": {"url": "https://api.github.com/repos/shop/api"},
    },
    indent=1,
).encode()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


async def declare(hub: Hub, id_: str, **fields: Any) -> Any:
    document = {"protocol": "WEBHOOK", **fields}
    return await hub.ask("PUT", f"/sources/{id_}", {}, json.dumps(document))


async def github(hub: Hub, **more: Any) -> None:
    made = await declare(
        hub,
        "gh",
        protocolsettings={"provider": "github"},
        verification={"secrets": [SECRET]},
        **more,
    )
    assert made.status == 201, made.body


def signed(body: bytes, *, secret: str = SECRET, delivery: str = "d-1") -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": "issues",
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={digest}",
    }


async def post(hub: Hub, id_: str, headers: Mapping[str, str], body: bytes, query: str = "") -> Any:
    return await hub.ask("POST", f"/sources/{id_}/webhook{query}", dict(headers), body)


async def event_at(hub: Hub, location: str) -> Any:
    headers = {"accept": "application/cloudevents+json"}
    return (await hub.ask("GET", location, headers)).json


async def test_a_signed_webhook_is_an_event_of_the_channel_byte_for_byte(hub: Hub) -> None:
    await github(hub, channel="orders")
    taken = await post(hub, "gh", signed(ISSUE), ISSUE)
    assert taken.status == 202, taken.body
    assert taken.headers["location"] == f"/channels/orders/events/{taken.json['position']}"
    shown = await hub.ask("GET", taken.headers["location"], {})
    assert ISSUE in shown.body  # as it was sent, line ends and all
    assert {name: shown.json[name] for name in ("id", "source", "type", "subject", "time")} == {
        "id": "d-1",
        "source": "https://api.github.com/repos/shop/api",
        "type": "com.github.issues.opened",
        "subject": "17",
        "time": "2026-05-15T15:20:18Z",
    }


async def test_a_redelivery_is_dropped_as_a_repeat(hub: Hub) -> None:
    await github(hub)
    first = await post(hub, "gh", signed(ISSUE), ISSUE)
    again = await post(hub, "gh", signed(ISSUE), ISSUE)
    assert (again.status, again.json["duplicate"]) == (202, True)
    assert again.json["position"] == first.json["position"]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"x-hub-signature-256": ""}, "x-hub-signature-256: the header field is missing"),
        ({"x-hub-signature-256": "sha1=00"}, "does not begin with 'sha256='"),
        ({"x-hub-signature-256": "sha256=zz"}, "the signature is no hex"),
        ({"x-hub-signature-256": "sha256=00"}, "has 1 bytes; 32 are needed"),
        (signed(ISSUE, secret="another"), "is not that of this body"),
        (signed(ISSUE + b" "), "is not that of this body"),
    ],
)
async def test_what_is_not_signed_right_is_refused_and_not_stored(
    hub: Hub, headers: dict[str, str], said: str
) -> None:
    await github(hub)
    sent = {**signed(ISSUE), **headers}
    refused = await post(hub, "gh", {name: one for name, one in sent.items() if one}, ISSUE)
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert said in refused.json["detail"]
    assert SECRET not in refused.body.decode()
    right = hmac.new(SECRET.encode(), ISSUE, hashlib.sha256).hexdigest()
    assert right not in refused.body.decode()
    assert (await hub.ask("GET", "/events", {})).json == []


async def test_the_signature_is_looked_at_before_the_body_is_read(hub: Hub) -> None:
    await github(hub)
    body = b"[" * 100_000
    assert (await post(hub, "gh", signed(ISSUE), body)).status == 401
    assert (await post(hub, "gh", signed(body), body)).code == "malformed"


async def test_a_body_longer_than_an_event_may_be_is_refused(hub: Hub) -> None:
    await github(hub)
    body = b" " * (1024 * 1024 + 1)
    assert (await post(hub, "gh", signed(body), body)).status == 413


async def test_nobody_needs_a_token_for_a_ping(hub: Hub) -> None:
    await github(hub)
    reply = await hub.ask("GET", "/sources/gh/webhook?x=1", {})
    assert (reply.status, reply.json["source"]) == (200, "gh")
    assert (await hub.ask("GET", "/sources/none/webhook", {})).code == "not_found"


async def test_a_source_of_a_broker_takes_no_webhooks(hub: Hub) -> None:
    made = await hub.ask(
        "PUT",
        "/sources/k",
        {},
        json.dumps(
            {"protocol": "KAFKA", "url": "kafka://k", "protocolsettings": {"topics": ["a"]}}
        ),
    )
    assert made.status == 201
    assert (await post(hub, "k", {}, b"{}")).code == "not_found"


async def test_a_paused_source_asks_to_come_again(hub: Hub) -> None:
    await github(hub, paused=True)
    reply = await post(hub, "gh", signed(ISSUE), ISSUE)
    assert (reply.status, "is paused" in reply.json["detail"]) == (503, True)
    assert reply.headers["retry-after"]
    assert (await post(hub, "gh", {}, ISSUE)).status == 401
    assert (await hub.ask("GET", "/sources/gh", {})).json["status"] == {"state": "paused"}


async def test_secrets_are_never_shown_and_stay_where_they_are_not_sent_again(hub: Hub) -> None:
    await github(hub)
    shown = await hub.ask("GET", "/sources/gh", {})
    assert SECRET not in shown.body.decode()
    assert shown.json["webhook"].endswith("/sources/gh/webhook")
    back = await hub.ask("PUT", "/sources/gh", {}, json.dumps({**shown.json, "channel": "orders"}))
    assert (back.status, back.json["channel"]) == (200, "orders")
    assert (
        SECRET not in (await hub.ask("GET", "/endpoints/hub/sources/gh$details", {})).body.decode()
    )
    assert SECRET not in (await hub.ask("GET", "/endpoints/hub/sources/gh", {})).body.decode()
    assert (await post(hub, "gh", signed(ISSUE), ISSUE)).status == 202


async def test_two_secrets_let_one_follow_the_other(hub: Hub) -> None:
    await declare(
        hub,
        "gh",
        protocolsettings={"provider": "github"},
        verification={"secrets": ["the-next", SECRET]},
    )
    assert (await post(hub, "gh", signed(ISSUE), ISSUE)).status == 202
    following = signed(ISSUE, secret="the-next", delivery="d-2")
    assert (await post(hub, "gh", following, ISSUE)).status == 202


async def test_gitlab_shows_its_token_and_its_retries_are_repeats(hub: Hub) -> None:
    await declare(
        hub,
        "gl",
        protocolsettings={"provider": "gitlab"},
        verification={"secrets": ["tok-9"]},
    )
    body = json.dumps(
        {
            "object_kind": "push",
            "checkout_sha": "da15",
            "repository": {"homepage": "https://gitlab.example/shop/api"},
        }
    ).encode()
    headers = {"content-type": "application/json", "idempotency-key": "k-1"}
    assert (await post(hub, "gl", headers, body)).status == 401
    assert (await post(hub, "gl", {**headers, "x-gitlab-token": "tok-8"}, body)).status == 401
    headers["x-gitlab-token"] = "tok-9"
    first = await post(hub, "gl", headers, body)
    assert (await event_at(hub, first.headers["location"]))["type"] == "com.gitlab.push"
    assert (await post(hub, "gl", headers, body)).json["duplicate"] is True


def stripe(body: bytes, at_s: int, secret: str = "whsec_stripe") -> dict[str, str]:
    digest = hmac.new(secret.encode(), b"%d.%b" % (at_s, body), hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "stripe-signature": f"t={at_s},v1={digest},v0=00"}


async def test_stripes_signature_holds_for_five_minutes(hub: Hub) -> None:
    await declare(
        hub,
        "pay",
        protocolsettings={"provider": "stripe"},
        verification={"secrets": ["whsec_stripe"]},
    )
    body = b'{"id":"evt_1","type":"charge.failed","created":1769000000,"data":{"object":{"id":"ch_1"}}}'
    now_s = int(time.time())
    taken = await post(hub, "pay", stripe(body, now_s), body)
    event = await event_at(hub, taken.headers["location"])
    assert (event["id"], event["type"], event["subject"]) == (
        "evt_1",
        "com.stripe.charge.failed",
        "ch_1",
    )
    assert event["time"] == "2026-01-21T12:53:20.000Z"
    old = await post(hub, "pay", stripe(body, now_s - 400), body)
    assert (old.status, "in the past; at most 300 s" in old.json["detail"]) == (401, True)
    assert (await post(hub, "pay", stripe(body, now_s + 400), body)).status == 401
    moved = {"stripe-signature": stripe(body, now_s - 400)["stripe-signature"].replace(
        str(now_s - 400), str(now_s)
    )}  # fmt: skip
    assert (await post(hub, "pay", moved, body)).status == 401


async def test_slacks_challenge_is_read_back_and_is_no_event(hub: Hub) -> None:
    await declare(
        hub, "sl", protocolsettings={"provider": "slack"}, verification={"secrets": ["s-1"]}
    )

    def headers(body: bytes) -> dict[str, str]:
        now_s = int(time.time())
        digest = hmac.new(b"s-1", b"v0:%d:%b" % (now_s, body), hashlib.sha256).hexdigest()
        return {
            "content-type": "application/json",
            "x-slack-request-timestamp": str(now_s),
            "x-slack-signature": f"v0={digest}",
        }

    asked = b'{"type":"url_verification","challenge":"c-77"}'
    assert (await post(hub, "sl", {}, asked)).status == 401
    reply = await post(hub, "sl", headers(asked), asked)
    assert (reply.status, reply.json) == (200, {"challenge": "c-77"})
    assert (await hub.ask("GET", "/events", {})).json == []
    body = (
        b'{"type":"event_callback","event_id":"Ev1","team_id":"T1","event_time":1769000000,'
        b'"event":{"type":"message","channel":"C1"}}'
    )
    taken = await post(hub, "sl", headers(body), body)
    event = await event_at(hub, taken.headers["location"])
    assert (event["source"], event["type"], event["subject"]) == (
        "https://slack.com/T1", "com.slack.message", "C1",
    )  # fmt: skip


async def test_standard_webhooks_are_verified_and_old_ones_are_not_taken(hub: Hub) -> None:
    key = webhook_signatures.new_secret()
    await declare(
        hub, "std", protocolsettings={"provider": "standard"}, verification={"secrets": [key]}
    )
    body = b'{"type":"invoice.paid","timestamp":"2026-05-15T15:20:18Z","data":{}}'
    sign = webhook_signatures.signer(key, "key")

    def headers(at_s: int) -> dict[str, str]:
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(b"msg_1.%d.%b" % (at_s, body)),
            "content-type": "application/json",
        }

    now_s = int(time.time())
    taken = await post(hub, "std", headers(now_s), body)
    event = await event_at(hub, taken.headers["location"])
    assert (event["id"], event["source"], event["type"]) == (
        "msg_1",
        "/sources/std",
        "invoice.paid",
    )
    assert (await post(hub, "std", headers(now_s - 301), body)).status == 401


async def test_sns_is_asked_for_a_password_and_its_confirmation_is_fetched_by_nobody(
    hub: Hub,
) -> None:
    await declare(
        hub,
        "sns",
        protocolsettings={"provider": "sns"},
        verification={"scheme": "basic", "user": "sns", "secrets": ["pa55"]},
    )
    arn = "arn:aws:sns:eu-central-1:123456789012:orders"
    # Nothing listens there: a hub that fetched it would fail, and say so.
    body = json.dumps(
        {
            "Type": "SubscriptionConfirmation",
            "SubscribeURL": "http://127.0.0.1:1/confirm",
            "Timestamp": "2026-05-15T15:20:18.000Z",
        }
    ).encode()
    headers = {
        "content-type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": "SubscriptionConfirmation",
        "x-amz-sns-message-id": "m-1",
        "x-amz-sns-topic-arn": arn,
    }
    asked = await post(hub, "sns", headers, body)
    assert (asked.status, asked.headers["www-authenticate"]) == (401, 'Basic realm="chappe"')
    wrong = {"authorization": f"Basic {base64.b64encode(b'sns:no').decode()}"}
    assert (await post(hub, "sns", {**headers, **wrong}, body)).status == 401
    headers["authorization"] = f"Basic {base64.b64encode(b'sns:pa55').decode()}"
    taken = await post(hub, "sns", headers, body)
    event = await event_at(hub, taken.headers["location"])
    assert (event["source"], event["type"]) == (arn, "com.amazonaws.sns.SubscriptionConfirmation")
    assert event["data"]["SubscribeURL"] == "http://127.0.0.1:1/confirm"
    assert event["datacontenttype"] == "application/json"


async def test_any_other_webhook_is_mapped_as_its_source_says(hub: Hub) -> None:
    made = await declare(
        hub,
        "shop",
        protocolsettings={
            "provider": "generic",
            "attributes": {
                "id": "{header.x-request-id|sha256}",
                "type": "com.example.{body./event}",
                "source": "/shops/{query.shop}",
                "subject": "{body./order}",
                "tenant": "{query.shop}",
            },
        },
        verification={
            "scheme": "hmac",
            "header": "X-Signature",
            "algorithm": "sha512",
            "encoding": "base64",
            "secrets": ["s-1"],
        },
    )
    assert made.status == 201, made.body
    body = b"event=paid&order=A-7"
    digest = base64.b64encode(hmac.new(b"s-1", body, hashlib.sha512).digest()).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-signature": digest}
    taken = await post(hub, "shop", headers, body, "?shop=nord%20west")
    event = await event_at(hub, taken.headers["location"])
    assert base64.b64decode(event["data_base64"]) == body
    assert event["datacontenttype"] == "application/x-www-form-urlencoded"
    assert (event["type"], event["subject"]) == ("com.example.paid", "A-7")
    assert (event["source"], event["tenant"]) == ("/shops/nord%20west", "nord west")
    assert event["id"] == hashlib.sha256(body).hexdigest()
    unnamed = await post(hub, "shop", headers, body)
    assert (unnamed.status, unnamed.json["attribute"]) == (400, "source")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "protocolsettings/provider: is missing and is required"),
        ({"protocolsettings": {"provider": "jira"}}, "protocolsettings/provider: 'jira' is none of"),
        ({"protocolsettings": {"provider": "github"}}, "verification: is missing and is required"),
        (
            {"protocolsettings": {"provider": "github"}, "verification": {}},
            "verification/secrets: is missing and is required",
        ),
        (
            {"protocolsettings": {"provider": "sns"}, "verification": {"secrets": ["a"]}},
            "verification/scheme: is missing and is required: 'sns' has none of its own",
        ),
        (
            {"protocolsettings": {"provider": "github"}, "url": "https://x", "verification": {}},
            "url: a source of the protocol WEBHOOK has none",
        ),
        (
            {"protocolsettings": {"provider": "generic"}, "verification": {"scheme": "none"}},
            "protocolsettings/attributes/type: is missing",
        ),
        (
            {
                "protocolsettings": {"provider": "generic", "attributes": {"type": "{body.a}"}},
                "verification": {"scheme": "none"},
            },
            "protocolsettings/attributes/type: 'body.a' is no place in a webhook",
        ),
        (
            {
                "protocolsettings": {"provider": "github"},
                "verification": {"scheme": "hmac", "secrets": ["a"]},
            },
            "verification/header: is missing and is required with 'hmac'",
        ),
        (
            {
                "protocolsettings": {"provider": "standard"},
                "verification": {"secrets": ["hush-hush"]},
            },
            "verification/secrets/0: begins with neither 'whsec_' nor 'whpk_'",
        ),
        (
            {
                "protocolsettings": {"provider": "github"},
                "verification": {
                    "scheme": "hmac", "header": "X-S", "signed": "{timestamp}.{body}",
                    "secrets": ["a"],
                },
            },
            "{timestamp} and verification/timestampheader go together",
        ),
    ],
)  # fmt: skip
async def test_a_declaration_that_is_not_whole_is_refused(
    hub: Hub, fields: dict[str, Any], said: str
) -> None:
    refused = await declare(hub, "x", **fields)
    assert (refused.status, refused.code) == (400, "malformed")
    assert said in refused.json["detail"]
    assert "hush-hush" not in refused.body.decode()


async def test_verification_is_for_webhooks_alone(hub: Hub) -> None:
    document = {
        "protocol": "KAFKA",
        "url": "kafka://k1:9092",
        "protocolsettings": {"topics": ["a"]},
        "verification": {"scheme": "none"},
    }
    refused = await hub.ask("PUT", "/sources/x", {}, json.dumps(document))
    assert "verification: is for WEBHOOK alone" in refused.json["detail"]
