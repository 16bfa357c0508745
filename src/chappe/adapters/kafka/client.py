"""The settings of a Kafka client (librdkafka's names), and what its errors mean."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException

from chappe.domain.options import SaslMechanism, Tls
from chappe.domain.subscription import Credential
from chappe.formats.broker_url import place_of
from chappe.kit.dial import Addresses, NotConnected, Peer

NEVER_S: Final = 4_102_444_800.0
"""The year 2100, in Unix seconds: a token whose end nobody has told is the broker's to refuse."""
MOST_BYTES: Final = 16_777_216
"""Of a message; the broker has its own limit, and its word counts."""

ANSWER_WITHIN_S: Final = 5.0
"""For a cluster to say which brokers it has."""
log = logging.getLogger("chappe.kafka")

REFUSED: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        KafkaError.POLICY_VIOLATION,
    }
)
"""What a broker says about one message that it will not take, whenever it comes."""


class Brokers(NamedTuple):
    """Whose Kafka, and who we are there."""

    servers: tuple[tuple[str, int], ...]
    user: str | None
    secret: str | None
    expires: str | None
    mechanism: SaslMechanism
    tls: Tls | None
    clientid: str | None

    @classmethod
    def of(
        cls,
        url: str,
        credential: Credential | None,
        tls: Tls | None,
        *,
        mechanism: SaslMechanism,
        clientid: str | None,
    ) -> Brokers:
        """What a sink or a source says of them."""
        servers = place_of(url).servers
        if credential is None:
            return cls(servers, None, None, None, mechanism, tls, clientid)
        user = credential.identifier if credential.credentialtype == "PLAIN" else None
        return cls(servers, user, credential.secret, credential.expires, mechanism, tls, clientid)


async def vetted(brokers: Brokers, addresses: Addresses) -> Brokers:
    """The same, with those servers alone that may be connected to.

    The client resolves their names by itself, later and again: what they lead to then is not looked at.

    Raises:
        NotConnected: none may.
    """
    problems: list[str] = []
    servers: list[tuple[str, int]] = []
    for host, port in brokers.servers:
        try:
            await addresses(host, port)
        except NotConnected as problem:
            problems.append(str(problem))
        else:
            servers.append((host, port))
    if not servers:
        raise NotConnected("; ".join(problems))
    return brokers._replace(servers=tuple(servers))


def advertised(client: Any, timeout_s: float = ANSWER_WITHIN_S) -> Sequence[tuple[str, int]]:
    """The brokers that the cluster names: the client connects to them, too. It blocks until they are told.

    Raises:
        NotConnected: nobody answers; the client's `error_cb` has been told of its troubles.
    """
    client.poll(0)  # such as the callback that gives the token
    try:
        found = client.list_topics(timeout=timeout_s).brokers.values()
    except KafkaException as error:
        client.poll(0)
        raise NotConnected(said(error.args[0])) from error
    return [(one.host, one.port) for one in found]


async def check_advertised(named: Sequence[tuple[str, int]], addresses: Addresses) -> None:
    """See that a cluster leads nowhere that nobody may be led to, before anything is asked of its brokers.

    Raises:
        NotConnected: one of its brokers may not be connected to.
    """
    for host, port in named:
        try:
            await addresses(host, port)
        except NotConnected as problem:
            raise NotConnected(
                f"the cluster names a broker {Peer(host, port)}: {problem}"
            ) from None


def configuration(brokers: Brokers) -> dict[str, Any]:
    """Librdkafka's settings that producers and consumers share."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(str(Peer(*one)) for one in brokers.servers),
        "client.id": brokers.clientid or "chappe",
        "security.protocol": _protocol(brokers),
        "message.max.bytes": MOST_BYTES,
        "reconnect.backoff.max.ms": 2_000,
        "topic.metadata.propagation.max.ms": 3_000,
        "logger": log,
        "log.connection.close": False,
    }
    if brokers.user is not None:
        config |= {
            "sasl.mechanisms": brokers.mechanism,
            "sasl.username": brokers.user,
            "sasl.password": brokers.secret,
        }
    elif brokers.secret is not None:
        token, until = brokers.secret, _until(brokers.expires)
        config |= {"sasl.mechanisms": "OAUTHBEARER", "oauth_cb": lambda _: (token, until)}
    tls = brokers.tls or Tls()
    for name, pem in (
        ("ssl.ca.pem", tls.ca),
        ("ssl.certificate.pem", tls.certificate),
        ("ssl.key.pem", tls.key),
    ):
        if pem is not None:
            config[name] = pem
    return config


def said(error: KafkaError) -> str:
    """An error in words: its text, and its name in Kafka's table."""
    return f"{error.str()} ({error.name()})"


def _protocol(brokers: Brokers) -> str:
    if brokers.secret is None:
        return "plaintext" if brokers.tls is None else "ssl"
    return "sasl_plaintext" if brokers.tls is None else "sasl_ssl"


def _until(expires: str | None) -> float:
    """When a token ends, in Unix seconds."""
    if expires is None:
        return NEVER_S
    return datetime.fromisoformat(expires).timestamp()
