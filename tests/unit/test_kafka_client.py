"""adapters/kafka/client: what a subscription or a source says, in librdkafka's settings."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Producer

from chappe.adapters.kafka.client import Brokers, configuration
from chappe.domain.options import SaslMechanism, Tls
from chappe.domain.subscription import Credential

PLAIN = Credential("PLAIN", "hub", "secret")
TOKEN = Credential("ACCESSTOKEN", None, "t0ken", "2030-01-01T00:00:00Z")


def configured(
    credential: Credential | None, tls: Tls | None, mechanism: SaslMechanism = "PLAIN"
) -> dict[str, Any]:
    return configuration(
        Brokers.of(
            "kafka://k1,[::1]:9093/orders", credential, tls, mechanism=mechanism, clientid="me"
        )
    )


@pytest.mark.parametrize(
    ("credential", "tls", "protocol"),
    [
        (None, None, "plaintext"),
        (None, Tls(), "ssl"),
        (PLAIN, None, "sasl_plaintext"),
        (TOKEN, Tls(), "sasl_ssl"),
    ],
)
def test_what_secures_the_connection(
    credential: Credential | None, tls: Tls | None, protocol: str
) -> None:
    config = configured(credential, tls)
    assert config["security.protocol"] == protocol
    assert config["bootstrap.servers"] == "k1:9092,[::1]:9093"
    assert config["client.id"] == "me"
    Producer(config)  # librdkafka knows every setting


def test_user_and_password_are_sent_as_the_mechanism_says() -> None:
    config = configured(PLAIN, None, "SCRAM-SHA-512")
    assert (config["sasl.mechanisms"], config["sasl.username"], config["sasl.password"]) == (
        "SCRAM-SHA-512", "hub", "secret",
    )  # fmt: skip


def test_a_token_is_given_with_its_end() -> None:
    config = configured(TOKEN, None)
    assert config["sasl.mechanisms"] == "OAUTHBEARER"
    assert config["oauth_cb"]("") == ("t0ken", 1893456000.0)


def test_certificates_are_given_as_they_are() -> None:
    config = configured(None, Tls(ca="CA", certificate="C", key="K"))
    assert (config["ssl.ca.pem"], config["ssl.certificate.pem"], config["ssl.key.pem"]) == (
        "CA", "C", "K",
    )  # fmt: skip
