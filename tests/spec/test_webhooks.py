"""Webhooks as events, over `tests/vectors/webhooks.json`, GitHub's own examples, and what is made up."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import CallerError, Malformed, Unauthenticated
from chappe.domain.event import Event
from chappe.domain.webhook_source import Verification, WebhookSource
from chappe.formats import cloudevents_json
from chappe.formats.webhooks.notation import read_mapping
from chappe.formats.webhooks.providers import PROVIDERS, convert
from chappe.formats.webhooks.verification import verify
from chappe.formats.webhooks.webhook import read_webhook, time_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "webhooks.json").read_bytes())
RECEIVED = "2026-11-22T10:00:00Z"


def event_of(
    provider: str,
    body: bytes,
    headers: dict[str, str] | None = None,
    own: dict[str, object] | None = None,
    query: dict[str, str] | None = None,
) -> Event:
    sent = {"content-type": "application/json", **(headers or {})}
    raw = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
    webhook = read_webhook("hook", raw, query or {}, body, received=RECEIVED, fresh_id="fresh")
    return convert(provider, read_mapping(own or {}, "attributes"), webhook)


def of_github(name: str, payload: object, **headers: str) -> Event:
    named = {"X-GitHub-Event": name, "X-GitHub-Delivery": "d-1"}
    return event_of("github", json.dumps(payload).encode(), {**named, **headers})


@pytest.mark.parametrize(
    "vector", VECTORS["vectors"], ids=[one["section"] for one in VECTORS["vectors"]]
)
def test_a_webhook_becomes_the_event_that_its_document_says(vector: dict[str, Any]) -> None:
    body = json.dumps(vector["body"]).encode()
    headers = dict(vector.get("headers", {}))
    if vector["provider"] == "github":
        headers |= {"X-GitHub-Event": vector["event"], "X-GitHub-Delivery": "d-1"}
    event = event_of(vector["provider"], body, headers)
    attributes = dict(event.attributes())
    assert attributes == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        **({"id": "d-1"} if vector["provider"] == "github" else {}),
        **vector["expected"],
    }
    assert event.data == body


@pytest.mark.parametrize(
    "vector", VECTORS["signatures"], ids=[one["section"] for one in VECTORS["signatures"]]
)
def test_signatures_are_seen_to_be_right(vector: dict[str, Any]) -> None:
    def check() -> None:
        verify(
            WebhookSource(provider=vector["provider"]),
            Verification(secrets=(vector["secret"],)),
            vector["headers"],
            vector["body"].encode(),
            now_s=0,
        )

    if vector["accepted"]:
        check()
    else:
        with pytest.raises(Unauthenticated):
            check()


def test_a_form_of_github_holds_the_json_that_is_the_data() -> None:
    payload = '{"action": "created", "label": {"name": "b\\u00fcg & more"}}'
    event = event_of(
        "github",
        urlencode({"payload": payload}).encode(),
        {
            "content-type": "application/x-www-form-urlencoded",
            "X-GitHub-Event": "label",
            "X-GitHub-Delivery": "d-1",
        },
    )
    assert (event.data, event.datacontenttype) == (payload.encode(), "application/json")
    assert (event.type, event.subject) == ("com.github.label.created", "büg & more")


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({}, b"{}", "X-GitHub-Event: the header field is missing"),
        ({"X-GitHub-Event": "push"}, b"{}", "X-GitHub-Delivery: the header field is missing"),
        ({"X-GitHub-Event": "push", "X-GitHub-Delivery": "1"}, b"[]", "body: GitHub's payloads"),
        ({"X-GitHub-Event": "push", "X-GitHub-Delivery": "1"}, b"{", "is not JSON"),
    ],
)
def test_what_is_no_webhook_of_github_is_refused(
    headers: dict[str, str], body: bytes, said: str
) -> None:
    with pytest.raises(Malformed, match=re.escape(said)):
        event_of("github", body, headers)


def test_a_sources_own_templates_come_before_its_providers() -> None:
    event = event_of(
        "github",
        b'{"repository": {"full_name": "a/b", "url": "https://api.github.com/repos/a/b"}}',
        {"X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1"},
        {"partitionkey": "{body./repository/full_name}", "type": "push", "team": "{query.team}"},
    )
    assert event.extensions == {"partitionkey": "a/b"}
    assert (event.type, event.id) == ("push", "d-1")


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{body./a/0/b~1c}", "7"),
        ("{body./none|header.x-kind}", "KIND"),
        ("{body./none|'other'}", "other"),
        ("{{{header.X-Kind}}}", "{KIND}"),
        ("{query.q}-{source}", "1-hook"),
        ("{body./flag}", "true"),
        ("{body./price}", "1.10"),
        ("{body./big}", "12345678901234567890"),
        ("{uuid}", "fresh"),
        ("{body./a/00}", None),
        ("{body./a/9}", None),
        ("{body./a}", None),
        ("{body./null}", None),
        ("x{body./none}", None),
    ],
)
def test_a_template_takes_what_stands_there(template: str, filled: str | None) -> None:
    body = (
        b'{"a": [{"b/c": 7}], "flag": true, "price": 1.10, "null": null,'
        b' "big": 12345678901234567890}'
    )
    own: dict[str, object] = {"type": "t", "subject": template}
    event = event_of("generic", body, {"x-kind": "KIND"}, own, {"q": "1"})
    assert event.subject == filled
    assert event.source == "/sources/hook"


@pytest.mark.parametrize(
    ("name", "template", "said"),
    [
        ("type", "{", "has a '{' alone at 0"),
        ("type", "a}", "has a '}' alone at 1"),
        ("type", "{body.a}", "'body.a' is no place"),
        ("type", "{body./~2}", "is no place"),
        ("type", "{header.}", "is no place"),
        ("type", "{}", "is no place"),
        ("type", "x" * 1_025, "1025 characters; at most 1024"),
        ("data", "{sha256}", "attributes/data: is not for a mapping to set"),
        ("Type", "a", "attributes/Type: "),
        ("type", 7, "a template is needed"),
    ],
)
def test_what_is_no_template_is_refused_where_it_is_declared(
    name: str, template: object, said: str
) -> None:
    with pytest.raises(Malformed, match=re.escape(said)):
        read_mapping({name: template}, "attributes")


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-05-15T15:20:18Z", "2026-05-15T15:20:18Z"),
        ("2026-05-17 18:08:09 UTC", "2026-05-17T18:08:09Z"),
        ("2026-05-17 18:08:09 +0200", "2026-05-17T18:08:09+02:00"),
        (1557933591, "2019-05-15T15:19:51.000Z"),
        ("1557933591", "2019-05-15T15:19:51.000Z"),
        (1557933591123, "2019-05-15T15:19:51.123Z"),
        ("2026-13-17 18:08:09 UTC", None),
        ("yesterday", None),
        (True, None),
        (10**30, None),
        (Decimal("1e999999999"), None),
        (Decimal("1557933591.5"), "2019-05-15T15:19:51.500Z"),
        (-1, None),
        (None, None),
        ({}, None),
    ],
)
def test_times_are_told_in_rfc_3339(value: object, time: str | None) -> None:
    assert time_of(value) == time


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["action", "repository", "url", "object_kind", "object_attributes", "type", "id",
             "event", "sender", "updated_at", "release", "created", "iid", "web_url", "project"]
        )
        | st.text(max_size=5),
        inner,
        max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@given(st.sampled_from(PROVIDERS), ANY_JSON, st.text(max_size=20))
def test_whatever_comes_is_a_valid_event_or_refused(provider: str, body: Any, name: str) -> None:
    headers = {
        "X-GitHub-Event": name, "X-GitHub-Delivery": "d-1", "x-amz-sns-message-id": name,
        "x-shopify-topic": name, "webhook-id": name,
    }  # fmt: skip
    try:
        event = event_of(
            provider,
            json.dumps(body).encode(),
            {key: value.encode("ascii", "ignore").decode() for key, value in headers.items()},
            {"type": "{body./type}"} if provider == "generic" else None,
        )
    except CallerError:
        return
    assert cloudevents_json.decode(cloudevents_json.encode(event)).id == event.id


@given(st.text(max_size=60))
def test_a_template_is_read_or_refused_with_its_path(text: str) -> None:
    said = "attributes/subject: "
    try:
        read_mapping({"subject": text}, "attributes")
    except Malformed as error:
        said = error.message
    assert said.startswith("attributes/subject: ")


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(
    ["x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-slack-request-timestamp",
     "webhook-id", "webhook-timestamp", "webhook-signature", "authorization", "x-gitlab-token",
     "x-shopify-hmac-sha256"]), st.text(max_size=80)),
    st.sampled_from(["github", "gitlab", "stripe", "slack", "shopify", "standard", "basic", "bearer"]))  # fmt: skip
def test_nobody_guesses_a_proof(body: bytes, headers: dict[str, str], scheme: Any) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if scheme == "standard" else "s" * 32
    how = Verification(scheme=scheme, secrets=(secret,), user="me")
    with pytest.raises(Unauthenticated) as refused:
        verify(WebhookSource(provider="generic"), how, headers, body, now_s=1_769_000_000)
    assert secret not in str(refused.value)
