"""A subscription in JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chappe.domain.errors import Malformed
from chappe.domain.filters import All, Prefix
from chappe.domain.retry import RetryPolicy
from chappe.domain.subscription import Credential, HttpSettings, Subscription
from chappe.formats.sink_settings import CredentialDraft
from chappe.formats.subscription_json import (
    SubscriptionDraft,
    parse_subscription,
    render_subscription_bytes,
)

LEAST = {"sink": "https://billing.example/events", "protocol": "HTTP"}
SECRET = "hunter2-tok"


def parse(**fields: object) -> SubscriptionDraft:
    return parse_subscription(json.dumps({**LEAST, **fields}).encode())


def test_sink_and_protocol_are_enough() -> None:
    assert parse() == SubscriptionDraft(sink="https://billing.example/events")


def test_every_field_arrives() -> None:
    draft = parse(
        id="s-5k2v9q",
        source="/shop",
        types=["order.paid", "order.sent"],
        config={"interval": 5},
        filters=[{"prefix": {"subject": "eu-"}}],
        protocolsettings={"headers": {"x-team": "billing"}, "method": "PUT"},
        sinkcredential={
            "credentialtype": "ACCESSTOKEN",
            "accesstoken": SECRET,
            "accesstokentype": "Bearer",
            "accesstokenexpiresutc": "2030-01-01T00:00:00Z",
        },
        channel="orders",
        start="earliest",
        concurrency=8,
        timeout_s=2.5,
        retry={"max_attempts": 3, "base_s": 0.1, "max_backoff_s": 2, "max_age_s": 60},
        epoch=4,
        createdat="2026-11-22T10:02:11Z",
        modifiedat="2026-11-22T10:02:11Z",
    )
    assert draft == SubscriptionDraft(
        sink="https://billing.example/events",
        id="s-5k2v9q",
        channel="orders",
        start="earliest",
        source="/shop",
        types=frozenset({"order.paid", "order.sent"}),
        filter=All((Prefix("subject", "eu-"),)),
        filters_json=b'[{"prefix":{"subject":"eu-"}}]',
        settings=HttpSettings({"x-team": "billing"}, "PUT"),
        credential=CredentialDraft("ACCESSTOKEN", None, SECRET, "2030-01-01T00:00:00Z"),
        config={"interval": 5},
        concurrency=8,
        timeout_s=2.5,
        retry=RetryPolicy(max_attempts=3, base_s=0.1, max_backoff_s=2.0, max_age_s=60.0),
        epoch=4,
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sink": None}, "sink: null (null) was sent, a string is needed"),
        ({"sink": ""}, "sink: the string is empty"),
        ({"sink": "/events"}, "sink: '/events' must be an absolute http or https URI"),
        ({"sink": "ftp://h/x"}, "sink: 'ftp://h/x' must be an absolute http or https URI"),
        ({"sink": "https:///x"}, "sink: 'https:///x' names no host"),
        ({"sink": "http://:80/x"}, "sink: 'http://:80/x' names no host"),
        ({"sink": "http://h:99999/"}, "sink: 'http://h:99999/' is no URI: Port out of range"),
        ({"sink": "http://h:0/"}, "sink: 'http://h:0/': the port 0 cannot be reached"),
        ({"sink": "http://h/a b"}, "sink: 'http://h/a b' is no URI"),
        ({"sink": "http://h/\r\nx: y"}, "sink: 'http://h/\\r\\nx: y' is no URI"),
        ({"sink": "http://h/%zz"}, "sink: 'http://h/%zz' is no URI"),
        ({"sink": "http://[::1/"}, "sink: 'http://[::1/' is no URI"),
        ({"sink": "http://h/" + "x" * 5000}, "sink: 'http://h/"),
        ({"protocol": "KAFKA"}, "protocol: 'KAFKA' is not served by this hub; served: HTTP"),
        ({"protocol": "http"}, "protocol: 'http' is unknown; served: HTTP; the name is case-sens"),
        ({"protocol": 1}, "protocol: a number (1) was sent, a string is needed"),
        ({"types": "a"}, "types: a string was sent, an array of strings is needed"),
        ({"types": ["a", ""]}, "types/1: a non-empty string is needed, an empty one was sent"),
        ({"types": [1]}, "types/0: a non-empty string is needed, a number was sent"),
        ({"source": ""}, "source: the string is empty"),
        ({"source": "a b"}, "source: 'a b' is no URI-reference"),
        ({"config": []}, "config: an array was sent, an object is needed"),
        ({"config": {"": 1}}, "config: a name is empty"),
        ({"filters": [{"regex": {}}]}, "filters/0: unknown dialect 'regex'"),
        (
            {"start": "now"},
            "start: 'now' is none of 'latest', 'earliest', a time (RFC 3339) and a position",
        ),
        ({"concurrency": 0}, "concurrency: 0 is no whole number from 1 to 1024"),
        ({"concurrency": 1025}, "concurrency: 1025 is no whole number from 1 to 1024"),
        ({"concurrency": 1.5}, "concurrency: 1.5 is no whole number"),
        ({"concurrency": True}, "concurrency: true is no whole number"),
        ({"timeout_s": 0.05}, "timeout_s: 0.05 is no number from 0.1 to 300"),
        ({"timeout_s": "3"}, "timeout_s: '3' is no number from 0.1 to 300"),
        ({"retry": 3}, "retry: a number was sent, an object is needed"),
        ({"retry": {"max_attempts": 0}}, "retry/max_attempts: 0 is no whole number from 1 to 1000"),
        ({"retry": {"base": 1}}, "retry/base: unknown field; did you mean 'base_s'?"),
        ({"epoch": 0}, "epoch: 0 is no whole number from 1"),
        ({"sinks": 1}, "sinks: unknown field; did you mean 'sink'?"),
        ({"sinkCredential": {}}, "sinkCredential: unknown field; did you mean 'sinkcredential'?"),
        ({"zzz": 1}, "zzz: unknown field; known: batching, breaker"),
    ],
)
def test_a_refusal_names_path_value_and_rule(fields: dict[str, object], message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(**fields)
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize("missing", ["sink", "protocol"])
def test_what_is_required_must_be_there(missing: str) -> None:
    body = {name: value for name, value in LEAST.items() if name != missing}
    with pytest.raises(Malformed, match=f"{missing}: is missing and is required"):
        parse_subscription(json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"a":NaN}'])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="body: "):
        parse_subscription(body)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "protocolsettings: an array was sent"),
        ({"topicname": "x"}, "protocolsettings/topicname: unknown field"),
        ({"method": "PO ST"}, "protocolsettings/method: 'PO ST' is no method"),
        ({"method": "CONNECT"}, "protocolsettings/method: 'CONNECT' is no method"),
        ({"headers": {"a b": "x"}}, "protocolsettings/headers: 'a b' is no header name"),
        ({"headers": {"x": 1}}, "protocolsettings/headers/x: a number was sent"),
        ({"headers": {"x": "a\r\nb: c"}}, "protocolsettings/headers/x: a header's value is"),
        ({"headers": {"x": " a"}}, "protocolsettings/headers/x: a header's value is"),
        ({"headers": {"x": "é"}}, "protocolsettings/headers/x: a header's value is"),
        ({"headers": {"x": "1", "X": "2"}}, "protocolsettings/headers/X: stands there twice"),
        ({"headers": {"x": "1" * 9000}}, "protocolsettings/headers: 1 headers of 9005 bytes"),
    ],
)
def test_settings_that_cannot_be_sent_are_refused(settings: object, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(protocolsettings=settings)
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Content-Type", "Transfer-Encoding", "connection", "ce-id",
     "CE-anything", "webhook-id", "Webhook-Request-Origin", "upgrade", "te", "expect"],
)  # fmt: skip
def test_headers_that_the_hub_sets_are_reserved(name: str) -> None:
    with pytest.raises(Malformed, match=f"headers/{name}: the hub sets this header itself"):
        parse(protocolsettings={"headers": {name: "x"}})


@pytest.mark.parametrize(
    ("credential", "message"),
    [
        ("x", "sinkcredential: a string was sent"),
        ({}, "sinkcredential/credentialtype: is missing"),
        ({"credentialtype": "OAUTH"}, "sinkcredential/credentialtype: 'OAUTH' is unknown"),
        (
            {"credentialtype": "REFRESHTOKEN", "refreshtoken": SECRET},
            "sinkcredential/refreshtokenendpoint: is missing and is required",
        ),
        ({"credentialtype": "PLAIN", "secret": SECRET}, "sinkcredential/identifier: is missing"),
        (
            {"credentialtype": "PLAIN", "identifier": "a:b", "secret": SECRET},
            "sinkcredential/identifier: no colon",
        ),
        (
            {"credentialtype": "PLAIN", "identifier": "a", "secret": [SECRET]},
            "sinkcredential/secret: an array was sent, a string is needed",
        ),
        (
            {"credentialtype": "PLAIN", "identifier": "a", "secret": SECRET + "\n"},
            "sinkcredential/secret: at most 16384 characters, and no control characters",
        ),
        (
            {"credentialtype": "ACCESSTOKEN", "accesstoken": SECRET + " x"},
            "sinkcredential/accesstoken: a character is not allowed in a bearer token",
        ),
        (
            {"credentialtype": "ACCESSTOKEN", "accesstoken": SECRET, "accesstokentype": "mac"},
            "sinkcredential/accesstokentype: 'mac' is not served",
        ),
        (
            {"credentialtype": "ACCESSTOKEN", "accesstoken": SECRET, "secret": SECRET},
            "sinkcredential/secret: unknown field",
        ),
        (
            {
                "credentialtype": "ACCESSTOKEN",
                "accesstoken": SECRET,
                "accesstokenexpiresutc": "tomorrow",
            },
            "sinkcredential/accesstokenexpiresutc: 'tomorrow' is no RFC 3339 timestamp",
        ),
    ],
)
def test_a_refused_credential_shows_no_secret(credential: object, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(sinkcredential=credential)
    assert refused.value.message.startswith(message)
    assert SECRET not in f"{refused.value!r} {refused.value.details}"


def test_a_password_in_the_sink_is_refused_and_not_shown() -> None:
    with pytest.raises(Malformed, match="use sinkcredential") as refused:
        parse(sink=f"https://user:{SECRET}@billing.example/")
    assert SECRET not in refused.value.message


def test_a_draft_shows_no_secret() -> None:
    draft = parse(sinkcredential={"credentialtype": "PLAIN", "identifier": "me", "secret": SECRET})
    assert draft.credential is not None
    assert draft.credential.secret == SECRET
    assert SECRET not in repr(draft)


def test_a_header_that_a_credential_sets_is_refused_beside_one() -> None:
    with pytest.raises(Malformed, match="sinkcredential sets this header"):
        parse(
            protocolsettings={"headers": {"Authorization": "x"}},
            sinkcredential={"credentialtype": "ACCESSTOKEN", "accesstoken": SECRET},
        )


FULL = Subscription(
    id="s-5k2v9q",
    sink="https://billing.example/events",
    source="/shop",
    types=frozenset({"order.paid"}),
    filter=All((Prefix("subject", "eu-"),)),
    filters_json=b'[{"prefix":{"subject":"eu-"}}]',
    settings=HttpSettings({"x-team": "billing"}),
    credential=Credential("ACCESSTOKEN", None, SECRET),
    starts_after=7,
    created_at="2026-11-22T10:02:11.000Z",
    modified_at="2026-11-22T10:02:11.000Z",
)


def test_a_subscription_is_shown_as_documented_and_without_secrets() -> None:
    assert json.loads(render_subscription_bytes(FULL)) == {
        "id": "s-5k2v9q",
        "source": "/shop",
        "types": ["order.paid"],
        "filters": [{"prefix": {"subject": "eu-"}}],
        "sink": "https://billing.example/events",
        "protocol": "HTTP",
        "protocolsettings": {"headers": {"x-team": "billing"}, "method": "POST"},
        "sinkcredential": {"credentialtype": "ACCESSTOKEN", "accesstokentype": "bearer"},
        "channel": "default",
        "start": "latest",
        "concurrency": 32,
        "timeout_s": 30,
        "retry": {"max_attempts": 12, "base_s": 1, "max_backoff_s": 600, "max_age_s": 86400},
        "epoch": 1,
        "createdat": "2026-11-22T10:02:11.000Z",
        "modifiedat": "2026-11-22T10:02:11.000Z",
    }


def test_what_is_shown_can_be_sent_back() -> None:
    draft = parse_subscription(render_subscription_bytes(FULL))
    assert draft.credential == CredentialDraft("ACCESSTOKEN", None, None)
    assert (draft.filter, draft.types, draft.settings) == (FULL.filter, FULL.types, FULL.settings)


def test_what_is_not_set_is_not_shown() -> None:
    bare = replace(FULL, source=None, types=frozenset(), filters_json=b"[]", credential=None)
    shown = json.loads(render_subscription_bytes(bare))
    assert shown.keys().isdisjoint({"source", "types", "filters", "sinkcredential", "config"})
