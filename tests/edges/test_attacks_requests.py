"""Attacks on the hub's own HTTP edge, over raw sockets: smuggling, floods, slowness, compression."""

from __future__ import annotations

import asyncio
import gzip
import json
import select
import socket
from typing import Any

import pytest
from http_edge import EVENT, Hub, read_reply, running

from chappe.http import connection
from chappe.http.connection import MAX_HEADER_BYTES
from chappe.http.parts import Limits

HEAD = "".join(f"{name}: {value}\r\n" for name, value in EVENT.items()).encode()
SMUGGLED = b"POST /events HTTP/1.1\r\nhost: hub\r\n" + HEAD + b"content-length: 2\r\n\r\n{}"
SOCKETS_HOLD_BYTES = 16 * 1024 * 1024
"""More than both ends of a connection keep in the kernel."""


def post(
    *lines: bytes, body: bytes = b"{}", version: bytes = b"1.1", end: bytes = b"\r\n"
) -> bytes:
    head = [b"POST /events HTTP/%b" % version, b"host: hub", *HEAD.split(b"\r\n")[:-1], *lines]
    return end.join([*head, b"", b""]) + body


CHUNKED = b"transfer-encoding: chunked"
CHUNKS = b"2\r\n{}\r\n0\r\n\r\n"
SHAPES = {
    "length and chunks": post(b"content-length: 2", CHUNKED, body=CHUNKS),
    "chunks and length": post(CHUNKED, b"content-length: 2", body=CHUNKS),
    "two lengths": post(b"content-length: 2", b"content-length: 3"),
    "one length twice": post(b"content-length: 2", b"content-length: 2"),
    "lengths in a list": post(b"content-length: 2, 2"),
    "length with sign": post(b"content-length: +2"),
    "length in hex": post(b"content-length: 0x2"),
    "length without digits": post(b"content-length:"),
    "length over 64 bits": post(b"content-length: 99999999999999999999"),
    "length before a colon": post(b"content-length : 2"),
    "gzip, chunked": post(b"transfer-encoding: gzip, chunked", body=CHUNKS),
    "chunked, identity": post(b"transfer-encoding: chunked, identity", body=CHUNKS),
    "identity": post(b"transfer-encoding: identity", b"content-length: 2"),
    "identity and chunked": post(b"transfer-encoding: identity", CHUNKED, body=CHUNKS),
    "chunked twice": post(CHUNKED, CHUNKED, body=CHUNKS),
    "xchunked": post(b"transfer-encoding: xchunked", body=CHUNKS),
    "chunked after a tab": post(b"transfer-encoding: \x0bchunked", body=CHUNKS),
    "chunked before a colon": post(b"transfer-encoding : chunked", body=CHUNKS),
    "chunks in HTTP/1.0": post(CHUNKED, body=CHUNKS, version=b"1.0"),
    "folded header": post(b"x: a", b" content-length: 2", b"content-length: 2"),
    "bare line feeds": post(b"content-length: 2", end=b"\n"),
    "bare line feed in a header": post(b"x: a\ncontent-length: 2"),
    "bare carriage return": post(b"x: a\rcontent-length: 2"),
    "NUL": post(b"x: a\0", b"content-length: 2"),
    "line feeds in chunks": post(CHUNKED, body=b"2\n{}\n0\n\n"),
    "line feed in an extension": post(CHUNKED, body=b"2;a\nxx\r\n{}\r\n0\r\n\r\n"),
    "chunk in 0x": post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunk with sign": post(CHUNKED, body=b"+2\r\n{}\r\n0\r\n\r\n"),
    "chunk over 64 bits": post(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\n{}"),
    "chunk longer than said": post(CHUNKED, body=b"2\r\n{}x0\r\n\r\n"),
    "two hosts": post(b"host: other", b"content-length: 2"),
    "no host": post(b"content-length: 2").replace(b"host: hub\r\n", b""),
    "host with a blank": post(b"content-length: 2").replace(b"host: hub", b"host: a b"),
    "host with a path": post(b"content-length: 2").replace(b"host: hub", b"host: a/b"),
    "header without a name": post(b": x", b"content-length: 2"),
    "header with a blank": post(b"content length: 2"),
    "target with a blank": post(b"content-length: 2").replace(b"/events ", b"/events x "),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": b"CONNECT inner:80 HTTP/1.1\r\nhost: inner:80\r\n\r\n",
    "star": b"GET * HTTP/1.1\r\nhost: hub\r\n\r\n",
}


@pytest.mark.parametrize("raw", SHAPES.values(), ids=SHAPES)
async def test_what_could_be_read_in_two_ways_is_refused_with_all_that_follows(raw: bytes) -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(raw + SMUGGLED)
        reply = await read_reply(reader)
        assert (reply.status, reply.code) == (400, "malformed")
        assert reply.headers["connection"] == "close"
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        assert hub.counters.accepted == 0


@pytest.mark.parametrize(
    "value", [b"hub", b"hub.example:4280", b"[::1]:80", b"10.0.0.1", b"", b"a_b:"]
)
async def test_a_host_as_clients_send_it_is_taken(value: bytes) -> None:
    async with running() as hub:
        reply = await hub.say(b"GET /livez HTTP/1.1\r\nhost: " + value + b"\r\n\r\n")
        assert reply.status == 200


async def test_options_may_ask_for_the_hub_as_a_whole() -> None:
    async with running() as hub:
        assert (await hub.say(b"OPTIONS * HTTP/1.1\r\nhost: hub\r\n\r\n")).status == 200


async def test_a_trailer_is_no_attribute_of_the_event() -> None:
    async with running() as hub:
        body = b"2\r\n{}\r\n0\r\nce-forged: yes\r\nce-id: B-2\r\n\r\n"
        reply = await hub.say(post(CHUNKED, body=body))
        assert reply.status == 202
        kept = (await hub.ask("GET", reply.headers["location"])).json
        assert (kept["id"], "forged" in kept) == ("A-1017", False)


# ---- floods


async def flood(hub: Hub, start: bytes, more: bytes) -> int:
    """Send without end until the connection does; how many bytes went out."""
    sent = 0
    async with hub.connection() as (_, writer):
        writer.write(start)
        try:
            async with asyncio.timeout(60):
                while True:
                    writer.write(more)
                    sent += len(more)
                    await writer.drain()
        except ConnectionError:
            return sent


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (post(CHUNKED, body=b"2\r\n{}\r\n0\r\n"), b"x: y\r\n" * 10_000),
        (post(CHUNKED, body=b"2\r\n{}\r\n0\r\nx: "), b"x" * 60_000),
        (post(CHUNKED, body=b"2;"), b"x" * 60_000),
        (post(CHUNKED, body=b"0" * 10), b"0" * 60_000),
        (b"GET /livez HTTP/1.1\r\n", b"x: y\r\n" * 10_000),
        (b"GET /", b"x" * 60_000),
    ],
    ids=["trailers", "a trailer", "an extension", "a chunk's size", "headers", "a target"],
)
async def test_what_never_ends_is_ended(start: bytes, more: bytes) -> None:
    async with running() as hub:
        assert await flood(hub, start, more) < SOCKETS_HOLD_BYTES
        assert (await hub.ask("GET", "/livez")).status == 200
        assert hub.counters.accepted == 0


async def test_chunks_of_one_byte_are_taken() -> None:
    body = b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"
    async with running() as hub, hub.connection() as (reader, writer):
        raw = post(CHUNKED, body=body)
        for start in range(0, len(raw), 10_000):
            writer.write(raw[start : start + 10_000])
            await writer.drain()
        assert (await read_reply(reader)).status == 202


async def test_a_body_over_the_limit_is_refused_however_it_is_framed() -> None:
    async with running(limits=Limits(1000, 1000)) as hub:
        body = b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"
        for raw in (post(CHUNKED, body=body), post(b"content-length: 1001", body=b"x" * 1001)):
            reply = await hub.say(raw)
            assert (reply.status, reply.code, reply.json["limit_bytes"]) == (413, "too_large", 1000)


async def test_the_rest_of_a_refused_body_is_not_read_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BODY_SILENCE_S", 0.2)
    async with running(limits=Limits(10, 10)) as hub:
        start = post(b"content-length: 9999999999999", body=b"")
        await flood(hub, start, b"x" * 1000)  # it ends


# ---- slowness


async def drip(hub: Hub, start: bytes) -> tuple[list[int], Any]:
    """Send a byte now and then until the hub answers; the statuses of others meanwhile, and the answer."""
    others: list[int] = []
    async with hub.connection() as (reader, writer):
        writer.write(start)
        answer = asyncio.ensure_future(read_reply(reader))
        while not answer.done():
            writer.write(b"x")
            others.append((await hub.ask("GET", "/livez")).status)
        return others, await answer


async def test_headers_byte_by_byte_are_ended_in_time_while_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.3)
    async with running() as hub:
        others, reply = await drip(hub, b"GET /livez HTTP/1.1\r\nx: ")
        assert (reply.status, reply.code) == (408, "too_slow")
        assert len(others) > 1
        assert set(others) == {200}


async def test_a_body_byte_by_byte_is_ended_in_time_while_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BODY_SILENCE_S", 0.3)
    monkeypatch.setattr(connection, "LEAST_BYTES_PER_S", 100_000)
    async with running() as hub:
        others, reply = await drip(hub, post(b"content-length: 100000", body=b""))
        assert (reply.status, reply.code) == (408, "too_slow")
        assert len(others) > 1
        assert set(others) == {200}
        assert hub.counters.accepted == 0


async def test_a_body_that_comes_fast_enough_may_take_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BODY_SILENCE_S", 0.5)
    monkeypatch.setattr(connection, "LEAST_BYTES_PER_S", 1)
    async with running() as hub, hub.connection() as (reader, writer):
        loop = asyncio.get_running_loop()
        writer.write(post(b"content-length: 100000", body=b""))
        began_s, sent = loop.time(), 0
        while loop.time() < began_s + 1.0:
            writer.write(b"x" * 10)
            sent += 10
            await hub.ask("GET", "/livez")
        writer.write(b"x" * (100_000 - sent))
        assert (await read_reply(reader)).status == 202


async def test_a_client_that_does_not_read_its_answers_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "READER_SILENCE_S", 0.2)
    async with running() as hub:
        with socket.create_connection(("127.0.0.1", hub.port)) as client:
            client.setblocking(False)  # noqa: FBT003
            left = memoryview(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 20_000)
            poll = select.poll()
            poll.register(client, select.POLLRDHUP | select.POLLHUP)
            async with asyncio.timeout(60):
                while not poll.poll(0):
                    try:
                        left = left[client.send(left) :] if left else left
                    except BlockingIOError:
                        pass
                    assert (await hub.ask("GET", "/livez")).status == 200


async def test_a_client_that_reads_slowly_but_steadily_gets_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "READER_SILENCE_S", 0.2)
    async with running() as hub, hub.connection() as (reader, writer):
        number = 400
        writer.write(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * number)
        for _ in range(number):
            await hub.ask("GET", "/livez")
            assert (await read_reply(reader)).status == 200


# ---- compression


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/events"),
        ("POST", "/channels/orders/events"),
        ("POST", "/subscriptions"),
        ("PUT", "/channels/more"),
        ("POST", "/validate"),
        ("POST", "/confluent/subjects/s/versions"),
        ("POST", "/schemaregistry/v0.2/schemagroups/g/schemas/s"),
    ],
)
@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity", "deflate", "zstd"])
async def test_a_compressed_body_is_refused_unread(method: str, target: str, coding: str) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = EVENT | {"content-encoding": coding}
    async with running() as hub:
        reply = await hub.ask(method, target, headers, bomb)
        assert (reply.status, reply.headers.get("content-type") is None) == (415, False)
        assert "Content-Encoding: " in json.dumps(reply.json)
        assert "without compression" in json.dumps(reply.json)
        assert hub.counters.accepted == 0


async def test_a_refusal_of_compression_says_what_is_taken() -> None:
    async with running() as hub:
        reply = await hub.publish(content_encoding="gzip")
        assert (reply.code, reply.headers["accept-encoding"]) == ("unsupported_format", "identity")
        assert (await hub.publish(content_encoding="identity")).status == 202


# ---- header injection


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\0", "\u0085", "\u2028"])
@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "tenant", "datacontenttype"])
async def test_an_attribute_breaks_no_line(name: str, break_: str) -> None:
    """Such a character is refused, or it never stands as itself in a header."""
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {}}
    document = event | {name: f"a{break_}x-forged: 1"}
    async with running() as hub:
        reply = await hub.ask(
            "POST",
            "/events",
            {"content-type": "application/cloudevents+json"},
            json.dumps(document),
        )
        assert reply.status == (202 if break_ == "\u2028" and name not in _ASCII else 400)
        assert "x-forged" not in reply.headers


_ASCII = {"source", "datacontenttype"}


@pytest.mark.parametrize("coded", ["%0D%0Ax-forged:%201", "%0A", "%00", "%7F", "%C2%85"])
async def test_a_coded_line_break_in_an_attribute_is_one(coded: str) -> None:
    async with running() as hub:
        reply = await hub.publish(ce_subject=f"a{coded}")
        assert (reply.status, reply.code) == (400, "invalid_event")


@pytest.mark.parametrize(
    "target",
    [
        "/events/%0d%0ax-forged:1",
        "/events?type=%0d%0ax-forged:1&limit=1",
        "/channels/%0d%0ax-forged:1/events",
        "/endpoints/%0d%0ax-forged:1",
        "/%0d%0ax-forged:1",
        "/confluent/subjects/%0d%0ax-forged:1/versions",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_a_target_writes_no_header_of_the_answer(method: str, target: str) -> None:
    async with running() as hub:
        reply = await hub.ask(method, target, {"webhook-request-origin": "a.example"}, b"{}")
        assert "x-forged" not in reply.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"sink": "http://h.example/\r\nx-forged: 1"},
        {"sink": "http://h.example\r\n/"},
        {"sink": "http://h.example/\u2028"},
        {"sink": "http://u:p@h.example/"},
        {"sink": "http://h.example:80:80/"},
        {"sink": "http://h.example:99999/"},
        {"sink": "gopher://h.example/"},
        {"sink": "file:///etc/passwd"},
        {"sink": "http:///x"},
        {"protocolsettings": {"headers": {"x-a\r\nx-forged": "1"}}},
        {"protocolsettings": {"headers": {"x-a": "1\r\nx-forged: 1"}}},
        {"protocolsettings": {"headers": {"x-a": "1\0"}}},
        {"protocolsettings": {"headers": {"Transfer-Encoding": "chunked"}}},
        {"protocolsettings": {"headers": {"content-length": "0"}}},
        {"protocolsettings": {"headers": {"host": "inner"}}},
        {"protocolsettings": {"headers": {"x-a:": "1"}}},
        {"protocolsettings": {"method": "POST / HTTP/1.1\r\nx-forged: 1"}},
        {"protocolsettings": {"method": "CONNECT"}},
        {
            "sinkcredential": {
                "credentialtype": "ACCESSTOKEN",
                "accesstoken": "SECRET\r\nx-forged: 1",
                "accesstokentype": "bearer",
            }
        },
        {
            "sinkcredential": {
                "credentialtype": "PLAIN",
                "identifier": "a\r\nx-forged: 1",
                "secret": "SECRET\n",
            }
        },
    ],
)
async def test_a_subscription_breaks_no_line_of_its_requests(changes: dict[str, object]) -> None:
    document = {"sink": "http://h.example/", "protocol": "HTTP"} | changes
    async with running() as hub:
        reply = await hub.ask("POST", "/subscriptions", {}, json.dumps(document))
        assert (reply.status, reply.code) == (400, "malformed")
        assert b"SECRET" not in reply.body
        registered = "/endpoints/hub/subscriptions/s-1"
        assert (await hub.ask("PUT", registered, {}, json.dumps(document))).status == 400


def test_the_limit_of_headers_is_the_documented_one() -> None:
    assert MAX_HEADER_BYTES == 65_536
