"""What is no HTTP, comes too slowly or is too much, on raw sockets; and requests by the thousand."""

from __future__ import annotations

import asyncio

import pytest
from http_edge import read_reply, running
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.errors import InvalidSetting
from chappe.http import connection
from chappe.http.connection import MAX_HEADER_BYTES
from chappe.http.listener import bind


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /events HTTP/9.9\r\n\r\n",
        b"GET /events HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        b"GET /events HTTP/1.1\r\nhost: a\r\n folded: x\r\n\r\n",
        b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["garbage", "version", "colon", "folded", "lengths", "negative", "smuggling", "tls"],
)
async def test_what_is_no_http_gets_a_problem_and_the_connection_is_closed(raw: bytes) -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(raw)
        reply = await read_reply(reader)
        assert (reply.status, reply.code) == (400, "malformed")
        assert reply.headers["connection"] == "close"
        assert await reader.read() == b""


@pytest.mark.parametrize("pieces", [1, 8, 200])
async def test_headers_over_the_limit_are_refused_however_they_arrive(pieces: int) -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        raw = (
            b"GET /livez HTTP/1.1\r\nhost: x\r\nx-long: "
            + b"x" * (MAX_HEADER_BYTES + 100)
            + b"\r\n\r\n"
        )
        step = len(raw) // pieces + 1
        try:
            for start in range(0, len(raw), step):
                writer.write(raw[start : start + step])
                await writer.drain()
        except ConnectionError:
            pass
        reply = await read_reply(reader)
        assert (reply.status, reply.code) == (431, "headers_too_large")


async def test_headers_within_the_limit_pass_with_a_large_body_in_the_same_packet() -> None:
    async with running() as hub:
        assert (await hub.publish(body=b"x" * 100_000, x_long="x" * 60_000)).status == 202


async def test_headers_that_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.05)
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\nx: ")
        reply = await read_reply(reader)
        assert (reply.status, reply.code) == (408, "too_slow")


async def test_a_connection_on_which_nothing_comes_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.05)
    async with running() as hub, hub.connection() as (reader, _):
        async with asyncio.timeout(60):
            assert await reader.read() == b""


async def test_a_body_that_stalls_is_given_up_and_nothing_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "BODY_SILENCE_S", 0.05)
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf")
        reply = await read_reply(reader)
        assert (reply.status, reply.code) == (408, "too_slow")
        hub.app.drain()
        await hub.app.idle()
        assert hub.counters.accepted == 0


async def test_http_1_0_is_answered_and_closed() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
        assert (await read_reply(reader)).status == 200
        assert await reader.read() == b""


async def test_an_address_in_use_is_a_wrong_setting_that_names_it() -> None:
    async with running() as hub, hub.connection():
        with pytest.raises(InvalidSetting, match=str(hub.port)):
            bind("127.0.0.1", hub.port)


NAMES = ["ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "ce-x", "content-type"]
NAMES += ["accept", "authorization", "webhook-request-origin", "expect", "ce-", "ce-ä"]
VALUES = st.sampled_from(
    ["1.0", "1", "/s", "t", "application/json", "application/cloudevents+json", "%", "%FF", '"']
    + ["application/cloudevents-batch+json", "application/cloudevents-batch+protobuf", "", "a;=,"]
) | st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
SEGMENTS = st.sampled_from(
    "events trace channels default orders attempts subscriptions messages messagegroups".split()
    + "endpoints hub versions meta m$details modelsource export capabilities .xregistry r".split()
    + ["livez", "metrics", "1-1-0", "0-9999999999999999999-0", "", "%2F", "%FF"]
    + ["%00", "..", "A%23B", "%ED%A0%80"]
)
PARAMETERS = st.sampled_from(
    ["limit=1", "limit=-1", "order=asc", "order=", "wait=0", "from=0001-01-01T00:00:00+23:59"]
    + ["inline=*", "filter=%FF", "sort=x", "dryrun", "ignore=x", "doc", "collections", "epoch=x"]
    + ["until=9999-12-31T23:59:59-23:59", "position=1-1-1", "type=%00", "&", "=", "a=b", "%FF=%FF"]
)
BODIES = st.sampled_from(
    [b"", b"{}", b"[]", b"[{}]", b"null", b"[1]", b"\xff", b"[" * 5000, b'{"id": "\\ud800"}']
    + [b'{"specversion":"1.0","id":"\\udfff","source":"/s","type":"t"}', b'{"sink": "http://x"}']
    + [b'{"sink":"http://x","protocol":"HTTP"}', b'{"dataschema":{"$ref":"x"}}', b"1e999"]
    + [b'{"hub":{}}', b'{"shards":0}', b'{"epoch":1}', b'{"messages":{"m":{"validation":"warn"}}}']
    + [b'{"dataschemaformat":"JSONSchema/draft-07","dataschema":{"type":1}}', b"\x0a\x02\x08"]
) | st.binary(max_size=50)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_no_request_makes_the_hub_fail(data: st.DataObject) -> None:
    async def ask() -> list[int]:
        async with running() as hub:
            statuses: list[int] = []
            await hub.publish()
            for _ in range(25):
                method = data.draw(METHODS)
                path = "/" + "/".join(data.draw(st.lists(SEGMENTS, min_size=1, max_size=5)))
                query = "&".join(data.draw(st.lists(PARAMETERS, max_size=3)))
                headers = data.draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
                target = f"{path}?{query}" if query else path
                reply = await hub.ask(method, target, headers, data.draw(BODIES))
                statuses.append(reply.status)
            return statuses

    statuses = asyncio.run(ask())
    assert not [status for status in statuses if status >= 500]
