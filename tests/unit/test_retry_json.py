"""`retry`, `batching` and `envelopeoptions` in JSON: what is read, shown again, and refused."""

from __future__ import annotations

import json

import pytest

from chappe.domain.errors import Malformed
from chappe.domain.subscription import Defaults
from chappe.formats.retry_json import parse_retry, rendered_retry
from chappe.formats.subscription_json import parse_subscription


@pytest.mark.parametrize(
    "document",
    [
        {"max_attempts": 12, "base_s": 1, "max_backoff_s": 600, "max_age_s": 86400},
        {
            "max_attempts": 5,
            "base_s": 1,
            "max_backoff_s": 600,
            "max_age_s": 86400,
            "max_retry_after_s": 60,
            "schedule_s": [0, 1.5, 604800],
            "statuses": {"404": "refuse", "5xx": "retry", "200": "disable"},
        },
    ],
)
def test_a_policy_is_shown_as_it_was_read(document: dict[str, object]) -> None:
    assert rendered_retry(parse_retry(document)) == document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"schedule_s": []}, "retry/schedule_s: 0 waits; 1 to 100 are possible"),
        ({"schedule_s": [1] * 101}, "retry/schedule_s: 101 waits"),
        ({"schedule_s": 5}, "retry/schedule_s: a number was sent, an array of seconds"),
        ({"schedule_s": [1, -1]}, "retry/schedule_s/1: -1 is no number from 0 to 604800"),
        ({"schedule_s": [True]}, "retry/schedule_s/0: "),
        ({"schedule_s": ["1"]}, "retry/schedule_s/0: "),
        ({"statuses": {"4x": "retry"}}, "retry/statuses: '4x' is no status"),
        ({"statuses": {"600": "retry"}}, "retry/statuses: '600' is no status"),
        ({"statuses": {"404": "drop"}}, "retry/statuses/404: 'drop' is none of deliver, retry"),
        ({"statuses": {"404": None}}, "retry/statuses/404: "),
    ],
)
def test_what_breaks_a_rule_is_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_retry(document)
    assert caught.value.message.startswith(message)


def subscription(**more: object) -> bytes:
    return json.dumps({"sink": "http://127.0.0.1:9/", "protocol": "HTTP", **more}).encode()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"batching": {}, "envelopeoptions": {"mode": "binary"}},
            "envelopeoptions/mode: 'binary' carries one event",
        ),
        (
            {"batching": {}, "envelopeoptions": {"format": "application/cloudevents+avro"}},
            "envelopeoptions/format: 'application/cloudevents+avro' has no batches",
        ),
        (
            {"envelopeoptions": {"mode": "structured", "format": "text/plain"}},
            "envelopeoptions/format: 'text/plain' is no event format",
        ),
        (
            {"protocol": "KAFKA", "sink": "kafka://127.0.0.1:9/t", "batching": {}},
            "batching: KAFKA carries one event a message",
        ),
        ({"batching": {"max_events": 1001}}, "batching/max_events: 1001"),
    ],
)
def test_an_envelope_that_cannot_be_is_refused(more: dict[str, object], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_subscription(subscription(**more), Defaults(served=frozenset({"HTTP", "KAFKA"})))
    assert caught.value.message.startswith(message)


def test_batches_go_in_every_format_that_has_them() -> None:
    for name in ("json", "protobuf", "xml"):
        options = {"format": f"application/cloudevents+{name}"}
        draft = parse_subscription(subscription(batching={}, envelopeoptions=options))
        assert draft.options.batching is not None
