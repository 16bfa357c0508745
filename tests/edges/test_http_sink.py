"""Deliveries over real sockets: the HTTP sink against a scripted server on loopback."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from chappe import __version__
from chappe.adapters.egress.guard import GuardedEgress
from chappe.adapters.sinks.http import HttpSink
from chappe.adapters.sinks.http_pool import IDLE_S
from chappe.domain.delivery import Delivered, Failed, Outcome, Refused
from chappe.domain.egress import ANYWHERE, EgressPolicy
from chappe.domain.event import Event
from chappe.domain.options import EnvelopeOptions, Options
from chappe.domain.subscription import Credential, HttpSettings, Subscription
from chappe.ports.sink import Attempt
from chappe.testing.certificates import Authority
from chappe.testing.http_sink import Received, Reply, SinkServer

NOW_S = 1_790_000_000.25  # Mon, 21 Sep 2026 14:13:20 GMT
AN_EVENT = Event(
    id="e-1",
    source="https://example.com/orders",
    type="com.example.order.created",
    datacontenttype="application/json",
    extensions={"tenant": "Nörd", "retries": 3},
    data=b'{"total": 12}',
    text=True,
)
NEVER = Reply(raw=b"")


@asynccontextmanager
async def delivering(
    *,
    policy: EgressPolicy = ANYWHERE,
    tls: ssl.SSLContext | None = None,
    connections_per_origin: int = 8,
    idle_s: float = IDLE_S,
) -> AsyncIterator[HttpSink]:
    client = HttpSink(
        now=lambda: NOW_S,
        egress=GuardedEgress(policy),
        tls=tls,
        connections_per_origin=connections_per_origin,
        idle_s=idle_s,
    )
    try:
        yield client
    finally:
        await client.close()


def attempt(
    sink: SinkServer | str,
    *,
    event: Event = AN_EVENT,
    path: str = "/hook",
    timeout_s: float = 5.0,
    headers: Mapping[str, str] | None = None,
    credential: Credential | None = None,
    webhook_id: str = "w-1",
) -> Attempt:
    subscription = Subscription(
        id="s-1",
        sink=sink if isinstance(sink, str) else sink.url + path,
        settings=HttpSettings(headers or {}),
        credential=credential,
        timeout_s=timeout_s,
    )
    return Attempt(event, subscription, webhook_id=webhook_id, number=1)


async def sent_at_once(client: HttpSink, *attempts: Attempt) -> list[Outcome]:
    return await asyncio.gather(*(client.send(one) for one in attempts))


# What stands on the wire.


async def test_2_1_an_event_is_posted_in_binary_mode() -> None:
    async with SinkServer() as sink, delivering() as client:
        assert await client.send(attempt(sink, path="/hook?x=1")) == Delivered(204)
    [request] = sink.requests
    assert (request.method, request.target) == ("POST", "/hook?x=1")
    assert dict(request.headers) == {
        b"host": f"127.0.0.1:{sink.port}".encode(),
        b"user-agent": f"chappe/{__version__}".encode(),
        b"webhook-id": b"w-1",
        b"webhook-timestamp": b"1790000000",
        b"content-length": b"13",
        b"content-type": b"application/json",
        b"ce-specversion": b"1.0",
        b"ce-id": b"e-1",
        b"ce-source": b"https://example.com/orders",
        b"ce-type": b"com.example.order.created",
        b"ce-tenant": b"N%C3%B6rd",
        b"ce-retries": b"3",
    }
    assert request.body == b'{"total": 12}'


@pytest.mark.parametrize("data", [None, b""])
async def test_2_1_an_event_without_payload_is_sent_structured(data: bytes | None) -> None:
    event = msgspec.structs.replace(AN_EVENT, data=data, datacontenttype=None, text=False)
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink, event=event))
    [request] = sink.requests
    assert (request.header("content-type") or "").startswith("application/cloudevents+json")
    assert msgspec.json.decode(request.body)["id"] == "e-1"


async def test_2_1_json_without_a_content_type_is_called_json() -> None:
    event = msgspec.structs.replace(AN_EVENT, datacontenttype=None)
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink, event=event))
    [request] = sink.requests
    assert (request.header("content-type"), request.body) == ("application/json", event.data)


async def test_2_1_bytes_without_a_content_type_are_sent_structured() -> None:
    event = msgspec.structs.replace(AN_EVENT, datacontenttype=None, data=b"\x00\xff", text=False)
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink, event=event))
    [request] = sink.requests
    document = msgspec.json.decode(request.body)
    assert (document["data_base64"], "datacontenttype" in document) == ("AP8=", False)


async def test_a_second_attempt_carries_the_same_webhook_id() -> None:
    async with SinkServer([Reply(500)]) as sink, delivering() as client:
        await client.send(attempt(sink))
        await client.send(attempt(sink))
    assert [request.header("webhook-id") for request in sink.requests] == ["w-1", "w-1"]


async def test_3_1_credential_and_headers_of_the_subscription_are_sent() -> None:
    async with SinkServer() as sink, delivering() as client:
        await client.send(
            attempt(
                sink,
                headers={"X-Tenant": "north", "ce-id": "forged", "Content-Length": "1"},
                credential=Credential("ACCESSTOKEN", None, "t0k.en"),
            )
        )
    [request] = sink.requests
    assert request.header("authorization") == "Bearer t0k.en"
    assert request.header("x-tenant") == "north"
    assert request.header("ce-id") == "e-1"
    assert request.header("content-length") == "13"


async def test_a_changed_subscription_is_sent_as_it_is_now() -> None:
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink, credential=Credential("ACCESSTOKEN", None, "old")))
        await client.send(attempt(sink, credential=Credential("ACCESSTOKEN", None, "fresh")))
    tokens = [request.header("authorization") for request in sink.requests]
    assert tokens == ["Bearer old", "Bearer fresh"]


@pytest.mark.parametrize(
    "forged",
    [
        {"headers": {"x-key": "v\r\nx-forged: 1"}},
        {"webhook_id": "w\r\nx-forged: 1"},
        {"credential": Credential("ACCESSTOKEN", None, "t\r\nx-forged: 1")},
        {"event": msgspec.structs.replace(AN_EVENT, datacontenttype="a/b\nx-forged: 1")},
    ],
    ids=["header", "webhook-id", "credential", "content type"],
)
async def test_a_line_break_sends_nothing(forged: dict[str, object]) -> None:
    async with SinkServer() as sink, delivering() as client:
        outcome = await client.send(attempt(sink, **forged))  # type: ignore[arg-type]
    assert isinstance(outcome, Failed)
    assert (outcome.status, sink.accepted) == (None, 0)


# Connections.


async def test_a_connection_is_used_again() -> None:
    async with SinkServer() as sink, delivering() as client:
        for _ in range(5):
            await client.send(attempt(sink))
    assert (sink.count, sink.accepted) == (5, 1)


async def test_attempts_at_once_have_connections_of_their_own() -> None:
    def answer_when_all_are_here(request: Received) -> Reply:
        return Reply(204, delay_s=0.05)

    async with SinkServer(answer_when_all_are_here) as sink, delivering() as client:
        outcomes = await sent_at_once(client, *[attempt(sink)] * 6)
    assert outcomes == [Delivered(204)] * 6
    assert sink.accepted == 6


async def test_an_origin_has_no_more_connections_than_the_limit() -> None:
    async with (
        SinkServer(lambda _: Reply(204, delay_s=0.01)) as sink,
        delivering(connections_per_origin=2) as client,
    ):
        outcomes = await sent_at_once(client, *[attempt(sink)] * 10)
        assert outcomes == [Delivered(204)] * 10
        assert (sink.accepted, client.open_connections) == (2, 2)


async def test_waiting_for_a_connection_counts_as_waiting_for_the_sink() -> None:
    async with SinkServer(lambda _: NEVER) as sink, delivering(connections_per_origin=1) as client:
        slow, starved = await sent_at_once(
            client, attempt(sink, timeout_s=0.4), attempt(sink, timeout_s=0.1)
        )
    assert slow == Failed("no answer within 0.4 s")
    assert isinstance(starved, Failed)
    assert "no free connection to 127.0.0.1" in starved.reason


async def test_the_time_of_one_that_waited_for_a_connection_runs_on() -> None:
    async with (
        SinkServer([Reply(204, delay_s=1.5), NEVER]) as sink,
        delivering(connections_per_origin=1) as client,
    ):
        began_s = asyncio.get_running_loop().time()
        first, waited = await sent_at_once(client, *[attempt(sink, timeout_s=3)] * 2)
        took_s = asyncio.get_running_loop().time() - began_s
        assert (first, waited) == (Delivered(204), Failed("no answer within 3 s"))
        assert took_s < 4.5
        assert await client.send(attempt(sink)) == Delivered(204)


async def test_a_place_is_free_again_after_each_kind_of_end() -> None:
    ends = [NEVER, Reply(raw=b"garbage"), Reply(raw=b"", hang_up=True), Reply(500, hang_up=True)]
    async with SinkServer(ends) as sink, delivering(connections_per_origin=1) as client:
        outcomes = [await client.send(attempt(sink, timeout_s=0.1)) for _ in range(5)]
        assert outcomes[-1] == Delivered(204)
        assert [type(outcome) for outcome in outcomes[:-1]] == [Failed] * 4
        assert client.open_connections == 1


async def test_a_slow_sink_does_not_hold_another() -> None:
    async with (
        SinkServer(lambda _: NEVER) as slow,
        SinkServer() as quick,
        delivering(connections_per_origin=4) as client,
        asyncio.TaskGroup() as group,
    ):
        stuck = [group.create_task(client.send(attempt(slow, timeout_s=2.0))) for _ in range(8)]
        await slow.until(lambda: slow.count == 4)
        assert await client.send(attempt(quick)) == Delivered(204)
        assert not any(task.done() for task in stuck)
        await client.close()


async def test_an_idle_connection_is_closed_after_a_while() -> None:
    async with SinkServer() as sink, delivering(idle_s=0.05) as client:
        await client.send(attempt(sink))
        await sink.until(lambda: not sink.connections)
        assert client.open_connections == 0
        assert await client.send(attempt(sink)) == Delivered(204)


async def test_a_connection_that_the_sink_closed_between_requests_goes_unnoticed() -> None:
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink))
        sink.drop_connections()
        assert await client.send(attempt(sink)) == Delivered(204)
    assert (sink.count, sink.accepted) == (2, 2)


async def test_a_reused_connection_closed_without_answer_is_replaced_once() -> None:
    script = [Reply(204), Reply(raw=b"", hang_up=True), Reply(204)]
    async with SinkServer(script) as sink, delivering() as client:
        await client.send(attempt(sink))
        assert await client.send(attempt(sink, webhook_id="w-2")) == Delivered(204)
    ids = [request.header("webhook-id") for request in sink.requests]
    assert (ids, sink.accepted) == (["w-1", "w-2", "w-2"], 2)


async def test_a_fresh_connection_closed_without_answer_is_a_failure() -> None:
    async with SinkServer([Reply(raw=b"", hang_up=True)]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
    expected = f"127.0.0.1:{sink.port} closed the connection and gave no answer"
    assert (outcome, sink.count) == (Failed(expected), 1)


async def test_a_connection_closed_in_an_answer_is_not_tried_again() -> None:
    broken = Reply(raw=b"HTTP/1.1 204 No Co", hang_up=True)
    async with SinkServer([Reply(204), broken]) as sink, delivering() as client:
        await client.send(attempt(sink))
        outcome = await client.send(attempt(sink))
    assert isinstance(outcome, Failed)
    assert "in the middle of its answer" in outcome.reason
    assert sink.count == 2


async def test_connection_close_is_honoured() -> None:
    script = [Reply(204, [("Connection", "close")])]
    async with SinkServer(script) as sink, delivering() as client:
        await client.send(attempt(sink))
        await client.send(attempt(sink))
    assert sink.accepted == 2


async def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    doubled = b"HTTP/1.1 204 No Content\r\n\r\n" + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    async with SinkServer([Reply(raw=doubled)]) as sink, delivering() as client:
        assert await client.send(attempt(sink)) == Delivered(204)
        assert await client.send(attempt(sink)) == Delivered(204)
    assert sink.accepted == 2


async def test_bytes_that_come_between_requests_end_the_connection() -> None:
    async with SinkServer() as sink, delivering() as client:
        await client.send(attempt(sink))
        for connection in sink.connections:
            connection.transport.write(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
        await sink.until(lambda: not sink.connections)
        assert await client.send(attempt(sink)) == Delivered(204)
    assert sink.accepted == 2


async def test_a_cancelled_attempt_closes_its_connection() -> None:
    async with SinkServer(lambda _: NEVER) as sink, delivering() as client:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.send(attempt(sink)))
            await sink.until(lambda: sink.count == 1)
            task.cancel()
        await sink.until(lambda: not sink.connections)
        assert client.open_connections == 0


async def test_attempts_cancelled_while_they_wait_for_a_connection_take_none() -> None:
    async with (
        SinkServer(lambda _: Reply(204, delay_s=0.05)) as sink,
        delivering(connections_per_origin=1) as client,
    ):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.send(attempt(sink))) for _ in range(4)]
            await sink.until(lambda: sink.count == 1)
            tasks[1].cancel()
            tasks[2].cancel()
        assert [task.cancelled() for task in tasks] == [False, True, True, False]
        assert (sink.count, client.open_connections) == (2, 1)


async def test_a_connection_handed_to_an_attempt_that_is_cancelled_goes_to_the_next() -> None:
    async with (
        SinkServer([Reply(204, delay_s=0.05)]) as sink,
        delivering(connections_per_origin=1) as client,
    ):
        async with asyncio.TaskGroup() as group:

            async def hold_then_cancel_the_next() -> None:
                await client.send(attempt(sink))
                waiting.cancel()  # it has the connection by now, and has not run yet

            group.create_task(hold_then_cancel_the_next())
            await sink.until(lambda: sink.count == 1)
            waiting = group.create_task(client.send(attempt(sink)))
        assert waiting.cancelled()
        assert await client.send(attempt(sink, timeout_s=1.0)) == Delivered(204)
        assert (sink.accepted, client.open_connections) == (1, 1)


async def test_no_place_is_lost_however_attempts_end() -> None:
    dice = random.Random(7)
    ends = [Reply(204), Reply(204), Reply(500, hang_up=True), Reply(raw=b"?"), NEVER]

    async with (
        SinkServer(lambda _: dice.choice(ends), recording=False) as sink,
        delivering(connections_per_origin=4) as client,
    ):
        async with asyncio.TaskGroup() as group:
            for number in range(400):
                task = group.create_task(client.send(attempt(sink, timeout_s=0.05)))
                if number % 5 == 0:
                    asyncio.get_running_loop().call_later(dice.random() * 0.1, task.cancel)
        sink.script = lambda _: Reply(204, delay_s=0.01)
        outcomes = await sent_at_once(client, *[attempt(sink)] * 8)
        assert outcomes == [Delivered(204)] * 8
        assert client.open_connections == 4


async def test_closing_ends_what_is_under_way() -> None:
    async with SinkServer(lambda _: NEVER) as sink, delivering(connections_per_origin=1) as client:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.send(attempt(sink))) for _ in range(2)]
            await sink.until(lambda: sink.count == 1)
            await client.close()
        assert all(isinstance(task.result(), Failed) for task in tasks)
        await sink.until(lambda: not sink.connections)
        assert await client.send(attempt(sink)) == Failed("the client is closed")


# Answers.


async def test_2_2_too_many_requests_tells_when_to_come_again() -> None:
    script = [
        Reply(429, [("Retry-After", "17")], body=b"slow down"),
        Reply(503, [("Retry-After", "Mon, 21 Sep 2026 14:14:20 GMT")]),
    ]
    async with SinkServer(script) as sink, delivering() as client:
        first, second = await client.send(attempt(sink)), await client.send(attempt(sink))
    assert first == Failed("429 Too Many Requests: slow down", 429, 17.0)
    assert second == Failed("503 Service Unavailable", 503, 59.75)


async def test_2_2_a_redirect_is_not_followed() -> None:
    async with SinkServer() as elsewhere, delivering() as client:
        moved = Reply(307, [("Location", elsewhere.url)])
        async with SinkServer([moved]) as sink:
            outcome = await client.send(attempt(sink))
    assert isinstance(outcome, Refused)
    assert (outcome.status, elsewhere.accepted) == (307, 0)


async def test_a_refusal_carries_the_beginning_of_the_body() -> None:
    body = b"\x1b[31mno such\r\norder " + b"x" * 2000
    async with SinkServer([Reply(422, body=body)]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("Unprocessable Entity: [31mno such order xxx")
    assert len(outcome.reason) < 540


async def test_a_chunked_answer_is_read_to_its_end_and_its_trailer_is_no_header() -> None:
    chunked = (
        b"HTTP/1.1 429 Slow\r\ntransfer-encoding: chunked\r\n\r\n"
        b"4\r\nslow\r\n5\r\n down\r\n0\r\nretry-after: 9\r\n\r\n"
    )
    async with SinkServer([Reply(raw=chunked)]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
        await client.send(attempt(sink))
    assert outcome == Failed("429 Too Many Requests: slow down", 429)
    assert sink.accepted == 1


async def test_a_body_may_end_with_the_connection() -> None:
    until_eof = Reply(raw=b"HTTP/1.1 400 Bad\r\n\r\nno good", hang_up=True)
    async with SinkServer([until_eof]) as sink, delivering() as client:
        assert await client.send(attempt(sink)) == Refused(400, "Bad Request: no good")


async def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nretry-after: 1\r\n\r\n"
    script = [Reply(raw=interim + b"HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n")]
    async with SinkServer(script) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
        await client.send(attempt(sink))
    assert (outcome, sink.accepted) == (Failed("429 Too Many Requests", 429), 1)


async def test_a_huge_body_is_not_read_to_its_end() -> None:
    endless = b"HTTP/1.1 500 Oops\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 3_000_000
    async with SinkServer([Reply(raw=endless)]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
        await sink.until(lambda: not sink.connections)
    assert isinstance(outcome, Failed)
    assert (outcome.status, len(outcome.reason)) == (500, 27 + 500)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\xa5\x01",
        b"HTTP/1.1 2x4 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x00",
        b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 100_000,
    ],
    ids=["ssh", "tls", "status", "header", "smuggle", "chunk", "upgrade", "long header"],
)
async def test_an_answer_that_is_not_http_is_a_failure(garbage: bytes) -> None:
    async with SinkServer([Reply(raw=garbage)]) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
        await sink.until(lambda: not sink.connections)
    assert isinstance(outcome, Failed)
    assert f"127.0.0.1:{sink.port}" in outcome.reason


# Timeouts and the network.


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"]
)
@pytest.mark.parametrize("before", [0, 1], ids=["fresh connection", "reused connection"])
async def test_an_answer_that_does_not_come_or_end_in_time_is_a_failure(
    beginning: bytes, before: int
) -> None:
    script = [*[Reply(204)] * before, Reply(raw=beginning)]
    async with SinkServer(script) as sink, delivering() as client:
        for _ in range(before):
            await client.send(attempt(sink))
        outcome = await client.send(attempt(sink, timeout_s=0.1))
        await sink.until(lambda: not sink.connections)
    assert outcome == Failed("no answer within 0.1 s")


async def test_each_attempt_has_its_own_timeout() -> None:
    async with SinkServer([*[Reply(204, delay_s=0.05)] * 3]) as sink, delivering() as client:
        await sent_at_once(client, *[attempt(sink)] * 3)
        sink.script = lambda _: NEVER
        outcomes = await sent_at_once(
            client, *(attempt(sink, timeout_s=timeout_s) for timeout_s in (0.2, 0.1, 0.2))
        )
    assert outcomes == [Failed(f"no answer within {after_s} s") for after_s in (0.2, 0.1, 0.2)]


async def test_a_refused_connection_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with delivering() as client:
        outcome = await client.send(attempt(f"http://127.0.0.1:{port}/"))
        assert client.open_connections == 0
    assert outcome == Failed(f"connection refused by 127.0.0.1:{port}")


async def test_an_unknown_host_is_a_failure() -> None:
    async with delivering() as client:
        outcome = await client.send(attempt("http://no-such-host.invalid/"))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("host name no-such-host.invalid ")


async def test_a_sink_that_is_no_url_is_a_failure() -> None:
    async with delivering() as client:
        outcome = await client.send(attempt("mailto:a@b.example"))
    assert outcome == Failed("sink: 'mailto:a@b.example' must begin with http:// or https://")


async def test_a_name_with_several_addresses_is_reached_at_the_one_that_answers() -> None:
    async with SinkServer(host="127.0.0.1") as sink, delivering() as client:
        assert await client.send(attempt(f"http://localhost:{sink.port}/")) == Delivered(204)
    assert sink.requests[0].header("host") == f"localhost:{sink.port}"


async def test_an_ipv6_address_is_a_sink() -> None:
    sink = SinkServer(host="::1")
    try:
        await sink.start()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with delivering() as client:
        assert await client.send(attempt(sink)) == Delivered(204)
    await sink.stop()
    assert sink.requests[0].header("host") == f"[::1]:{sink.port}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "127.1"]
)
async def test_an_address_that_is_not_allowed_is_not_connected_to(host: str) -> None:
    async with SinkServer() as sink, delivering(policy=EgressPolicy("network")) as client:
        outcome = await client.send(attempt(f"http://{host}:{sink.port}/"))
        assert client.open_connections == 0
    assert isinstance(outcome, Failed)
    assert "is a loopback address, which the hub must not connect to" in outcome.reason
    assert sink.accepted == 0


# TLS.


async def test_2_1_a_delivery_over_tls() -> None:
    authority = Authority()
    server = authority.server_context("127.0.0.1", "localhost")
    async with (
        SinkServer(tls=server) as sink,
        delivering(tls=authority.client_context()) as client,
    ):
        for _ in range(3):
            assert await client.send(attempt(sink)) == Delivered(204)
    assert sink.accepted == 1


async def test_a_certificate_for_another_host_is_not_accepted() -> None:
    authority = Authority()
    async with (
        SinkServer(tls=authority.server_context("other.example")) as sink,
        delivering(tls=authority.client_context()) as client,
    ):
        outcome = await client.send(attempt(f"https://localhost:{sink.port}/"))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("TLS: certificate verify failed: Hostname mismatch")
    assert sink.count == 0


async def test_a_certificate_of_an_unknown_authority_is_not_accepted() -> None:
    server = Authority().server_context("127.0.0.1")
    async with SinkServer(tls=server) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("TLS: certificate verify failed: ")


async def test_https_to_a_plain_server_is_a_failure() -> None:
    async with (
        SinkServer(lambda _: NEVER) as sink,
        delivering(tls=Authority().client_context()) as client,
    ):
        outcome = await client.send(attempt(f"https://127.0.0.1:{sink.port}/", timeout_s=2.0))
    assert isinstance(outcome, Failed)


async def test_a_tls_handshake_that_never_ends_counts_against_the_timeout() -> None:
    closed = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()
        closed.set()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, delivering(tls=Authority().client_context()) as client:
        outcome = await client.send(attempt(f"https://127.0.0.1:{port}/", timeout_s=0.1))
        assert client.open_connections == 0
        async with asyncio.timeout(60):
            await closed.wait()
    assert outcome == Failed(f"no connection to 127.0.0.1:{port} within 0.1 s")


# A sink that does not understand the mode (webhook spec 2.2, 415).


def understands(content_type: str) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        return Reply(204 if request.header("content-type") == content_type else 415)

    return answer


async def test_2_2_a_415_is_followed_by_the_other_mode_which_is_remembered() -> None:
    structured = "application/cloudevents+json"
    async with SinkServer(understands(structured)) as sink, delivering() as client:
        assert await client.send(attempt(sink)) == Delivered(204)
        assert await client.send(attempt(sink)) == Delivered(204)
    sent = [one.header("content-type") for one in sink.requests]
    assert sent == ["application/json", structured, structured]


async def test_2_2_structured_mode_falls_back_to_binary() -> None:
    one = attempt("")
    options = Options(envelopeoptions=EnvelopeOptions(mode="structured"))
    async with SinkServer(understands("application/json")) as sink, delivering() as client:
        subscription = replace(one.subscription, sink=f"{sink.url}/", options=options)
        outcome = await client.send(Attempt(one.event, subscription, "w-1", 1))
    assert outcome == Delivered(204)
    assert [one.header("ce-id") for one in sink.requests] == [None, "e-1"]


async def test_2_2_a_sink_that_understands_neither_refuses() -> None:
    async with SinkServer(lambda _: Reply(415)) as sink, delivering() as client:
        outcome = await client.send(attempt(sink))
        again = await client.send(attempt(sink))
    assert isinstance(outcome, Refused)
    assert outcome.status == again.status == 415
    assert len(sink.requests) == 4
