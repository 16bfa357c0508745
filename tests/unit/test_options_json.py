"""Options of a subscription in JSON, read by their description."""

from __future__ import annotations

import msgspec
import pytest

from chappe.domain.errors import Malformed
from chappe.domain.options import MqttSettings, NatsSettings, Options, Rate, Signing, Tls, Transform
from chappe.formats.options_json import read_option, rendered_option, secrets_of, with_secrets

KEY = "-----BEGIN PRIVATE KEY-----"
EVERYTHING = {
    "envelopeoptions": {"mode": "structured", "format": "application/cloudevents+xml"},
    "ordering": "key",
    "orderingkey": ["tenant", "subject"],
    "batching": {"max_events": 10, "max_wait_s": 0.5},
    "rate": {"per_second": 12.5, "burst": 3},
    "breaker": {"failures": 5},
    "disable_after_s": 3600,
    "paused": True,
    "expires": "2030-01-01T00:00:00Z",
    "transform": {"set": {"source": "/eu{source}", "n": 3, "b": True}, "remove": ["secret"]},
    "replies": {"max_hops": 2},
    "signing": {"secrets": ["whsec_bmV3", "whsec_b2xk"]},
    "handshake": "required",
    "deadletter": {"sink": "https://letters.example/"},
    "tls": {"certificate": "-----BEGIN CERTIFICATE-----", "key": KEY},
}


def test_what_is_read_is_shown_again_but_for_secrets() -> None:
    options = read_option(Options, EVERYTHING, "")
    shown = rendered_option(options)
    assert shown.pop("signing") == {}
    assert shown.pop("tls") == {"certificate": "-----BEGIN CERTIFICATE-----"}
    assert shown == {k: v for k, v in EVERYTHING.items() if k not in ("signing", "tls")}


def test_secrets_are_parted_and_put_back() -> None:
    options = read_option(Options, EVERYTHING, "")
    secrets = secrets_of(options)
    assert secrets == {"signing/secrets": ("whsec_bmV3", "whsec_b2xk"), "tls/key": KEY}
    without = read_option(Options, rendered_option(options) | {"signing": None}, "")
    again = with_secrets(without, msgspec.json.decode(msgspec.json.encode(secrets)))
    assert again.tls == Tls(certificate="-----BEGIN CERTIFICATE-----", key=KEY)
    assert again.signing is None  # the group that they belonged to has gone


def test_secrets_that_were_sent_win_over_kept_ones() -> None:
    sent = Options(signing=Signing(secrets=("whsec_bmV3",)))
    assert with_secrets(sent, {"signing/secrets": ["whsec_b2xk"]}) == sent


def test_no_repr_holds_a_secret() -> None:
    shown = repr(read_option(Options, EVERYTHING, ""))
    assert "whsec" not in shown
    assert "PRIVATE" not in shown


def test_what_is_absent_or_null_has_its_default() -> None:
    assert read_option(Options, {"rate": None, "expires": None}, "") == Options()
    assert rendered_option(Options()) == {}
    assert read_option(Options, {"transform": {}}, "").transform == Transform()
    assert read_option(Rate, {"per_second": 5}, "rate") == Rate(per_second=5.0)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"rate": {}}, "rate/per_second: is missing and is required"),
        ({"rate": {"per_second": 0}}, "rate/per_second: 0 is no number from 0.001 to 100000"),
        ({"rate": 3}, "rate: a number was sent, an object is needed"),
        ({"batching": {"max_events": 1.5}}, "batching/max_events: 1.5 is no whole number from 1"),
        ({"ordering": "fifo"}, "ordering: 'fifo' is none of "),
        ({"ordering": True}, "ordering: true is none of "),
        ({"orderingkey": []}, "orderingkey: 0 items; 1 to 8 are possible"),
        ({"orderingkey": ["a", 3]}, "orderingkey/1: a number was sent, a string is needed"),
        ({"orderingkey": "a"}, "orderingkey: 'a' was sent, an array is needed"),
        ({"paused": "yes"}, "paused: 'yes' was sent, true or false is needed"),
        ({"paused": None}, "paused: null was sent, true or false is needed"),
        ({"transform": {"data": ""}}, "transform/data: the string is empty"),
        ({"transform": {"set": {"a": 1.5}}}, "transform/set/a: a number was sent, a string"),
        ({"tls": {"kay": "x"}}, "tls/kay: unknown field; did you mean 'key'?"),
        ({"tls": {"ca": "x" * 70_000}}, "tls/ca: 70000 characters; at most 65536 are possible"),
    ],
)
def test_a_refusal_names_path_value_and_rule(sent: dict[str, object], message: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_option(Options, sent, "")
    assert refused.value.message.startswith(message)


def test_a_refusal_never_shows_a_secret() -> None:
    with pytest.raises(Malformed) as refused:
        read_option(Options, {"signing": {"secrets": "whsec_bmV3"}}, "")
    assert refused.value.message == "signing/secrets: a string was sent, an array is needed"


def test_settings_of_a_protocol_are_read_the_same_way() -> None:
    assert read_option(NatsSettings, {"subject": "orders.{type}"}, "s").subject == "orders.{type}"
    with pytest.raises(Malformed, match="s/subject: is missing"):
        read_option(NatsSettings, {}, "s")
    with pytest.raises(Malformed, match="s/qos: 3 is none of 0, 1, 2"):
        read_option(MqttSettings, {"topicname": "t", "qos": 3}, "s")
