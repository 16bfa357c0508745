"""Connections with a subscription's own authority and certificate, over real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.sinks.http_connection import NoAnswer
from chappe.adapters.sinks.http_pool import Origin, Pool
from chappe.adapters.sinks.http_request import BadSubscription, head_of
from chappe.domain.egress import ANYWHERE
from chappe.domain.options import Options, Tls
from chappe.domain.subscription import Subscription
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import SinkServer

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
SERVERS = Authority("servers")
CLIENTS = Authority("clients")
CERTIFICATE, KEY = CLIENTS.issue("hub.example")
OTHER_CERTIFICATE, OTHER_KEY = CLIENTS.issue("other.example")
AS_HUB = Tls(SERVERS.pem, CERTIFICATE, KEY)
AS_OTHER = Tls(SERVERS.pem, OTHER_CERTIFICATE, OTHER_KEY)


@contextlib.asynccontextmanager
async def a_pool() -> AsyncIterator[Pool]:
    pool = Pool(egress=GuardedEgress(ANYWHERE), tls=None)
    try:
        yield pool
    finally:
        pool.close()


def a_sink(clients: Authority | None = None) -> SinkServer:
    return SinkServer(tls=SERVERS.server_context("127.0.0.1", "localhost", clients=clients))


def https(host: str, port: int, tls: Tls | None = None) -> Origin:
    return Origin(secure=True, host=host, port=port, tls=tls)


async def status(pool: Pool, sink: SinkServer, tls: Tls | None, host: str = "127.0.0.1") -> int:
    origin = https(host, sink.port, tls)
    return (await pool.exchange(origin, REQUEST, timeout_s=10.0)).status


async def no_answer(pool: Pool, sink: SinkServer, tls: Tls | None) -> str:
    with pytest.raises(NoAnswer) as caught:
        await status(pool, sink, tls)
    return str(caught.value)


async def test_an_authority_of_ones_own_is_trusted_for_its_subscription_alone() -> None:
    async with a_sink() as sink, a_pool() as pool:
        assert await status(pool, sink, Tls(SERVERS.pem), "localhost") == 204
        assert "certificate verify failed" in await no_answer(pool, sink, None)
        assert "certificate verify failed" in await no_answer(pool, sink, Tls(CLIENTS.pem))


async def test_the_hub_shows_its_certificate_to_who_asks_for_one() -> None:
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        assert await status(pool, sink, AS_HUB) == 204


def refuse_once(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands in vain, as servers do that tell why; the loop's own drop the connection instead."""
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(10.0)
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True, do_handshake_on_connect=True)


async def test_a_sink_that_asks_for_a_certificate_in_vain_says_so() -> None:
    context = SERVERS.server_context("127.0.0.1", clients=CLIENTS)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with a_pool() as pool, asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(refuse_once, listening, context))
            origin = https("127.0.0.1", listening.getsockname()[1], Tls(SERVERS.pem))
            with pytest.raises(NoAnswer, match=r"^TLS: .*certificate required"):
                await pool.exchange(origin, REQUEST, timeout_s=10.0)


async def test_a_certificate_of_a_stranger_is_not_taken() -> None:
    certificate, key = Authority("stranger").issue("hub.example")
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        assert await no_answer(pool, sink, Tls(SERVERS.pem, certificate, key))
        assert sink.count == 0


async def test_connections_are_not_shared_between_different_values() -> None:
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        for tls in (AS_HUB, AS_OTHER, AS_HUB, AS_OTHER):
            assert await status(pool, sink, tls) == 204
        assert (sink.accepted, pool.open_connections) == (2, 2)
        # The sink sees whose each is: a connection says so once, when it is opened.
        shown = {
            connection.transport.get_extra_info("peercert")["subject"][0][0][1]
            for connection in sink.connections
        }
        assert shown == {"hub.example", "other.example"}


async def test_equal_values_share_connections_and_a_context() -> None:
    same = Tls(SERVERS.pem, "".join(CERTIFICATE), KEY)
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        assert await status(pool, sink, AS_HUB) == 204
        assert await status(pool, sink, same) == 204
        assert sink.accepted == 1
        assert pool.contexts.of(same) is pool.contexts.of(AS_HUB)
        assert pool.contexts.of(AS_OTHER) is not pool.contexts.of(AS_HUB)


async def test_a_key_that_does_not_fit_sends_nothing_and_is_not_shown() -> None:
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        reason = await no_answer(pool, sink, Tls(SERVERS.pem, CERTIFICATE, OTHER_KEY))
        assert reason == "tls: the certificates or the key cannot be used: key values mismatch"
        assert (sink.accepted, pool.open_connections) == (0, 0)


async def test_many_attempts_with_certificates_at_once_are_all_answered() -> None:
    async with a_sink(CLIENTS) as sink, a_pool() as pool:
        values = [AS_HUB, AS_OTHER] * 20
        assert await asyncio.gather(*(status(pool, sink, one) for one in values)) == [204] * 40


def test_a_head_carries_its_tls_to_the_pool() -> None:
    subscription = Subscription(id="s", sink="https://hooks.example/x", options=Options(tls=AS_HUB))
    assert head_of(subscription).origin == https("hooks.example", 443, AS_HUB)
    without = Subscription(id="s", sink="https://hooks.example/x")
    assert head_of(without).origin == https("hooks.example", 443)


def test_a_certificate_is_not_shown_in_the_clear() -> None:
    with pytest.raises(
        BadSubscription, match=r"^tls: the sink 'http://h/' must begin with https://"
    ):
        head_of(Subscription(id="s", sink="http://h/", options=Options(tls=AS_HUB)))
