"""HTTP/1.1 on the wire: requests in pieces, in rows, cut off, and clients that do not read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import pytest
from http_edge import EVENT, read_reply, running
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.domain.trace_context import TraceContext
from chappe.formats.receipt import Receipt
from chappe.http import listener
from chappe.http.parts import Limits

HEADERS = "".join(f"{name}: {value}\r\n" for name, value in EVENT.items())
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
LENGTH = f"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n{HEADERS}\r\n[1,2]".encode()
CHUNKED = (
    f"POST /events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{HEADERS}\r\n"
    "3\r\n[1,\r\n2;x=y\r\n2]\r\n0\r\ntrailer: x\r\n\r\n"
).encode()
ABSOLUTE = b"GET http://hub:80/nowhere?a=b HTTP/1.1\r\nhost: x\r\n\r\n"
ROW = {LIVEZ: 200, LENGTH: 202, CHUNKED: 202, ABSOLUTE: 404}


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_requests_are_read_the_same_however_they_are_cut(data: st.DataObject) -> None:
    row = data.draw(st.lists(st.sampled_from(list(ROW)), min_size=1, max_size=6))
    raw = b"".join(row)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))

    async def ask() -> list[int]:
        async with running() as hub, hub.connection() as (reader, writer):
            for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
                writer.write(raw[start:end])
                await writer.drain()
                await asyncio.sleep(0)
            return [(await read_reply(reader)).status for _ in row]

    assert asyncio.run(ask()) == [ROW[one] for one in row]


async def test_a_request_byte_by_byte_is_answered() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        for byte in CHUNKED:
            writer.write(bytes([byte]))
            await writer.drain()
        reply = await read_reply(reader)
        assert reply.status == 202


async def test_what_was_right_is_answered_before_what_is_wrong_is_refused() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(LENGTH + LIVEZ + b"NONSENSE\r\n\r\n")
        statuses = [(await read_reply(reader)).status for _ in range(3)]
        assert statuses == [202, 200, 400]
        assert await reader.read() == b""


async def test_a_chunk_that_is_none_is_refused_and_nothing_is_stored() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(CHUNKED[: CHUNKED.index(b"2;x")])
        await writer.drain()
        writer.write(b"zz\r\n")
        assert (await read_reply(reader)).code == "malformed"
        assert hub.counters.accepted == 0


async def test_the_rest_of_a_body_that_was_refused_is_passed_over() -> None:
    async with running(limits=Limits(10, 10)) as hub, hub.connection() as (reader, writer):
        writer.write(b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n")
        assert (await read_reply(reader)).status == 413
        for _ in range(3):
            writer.write(b"x" * 100_000)
            await writer.drain()
        writer.write(LIVEZ)
        assert (await read_reply(reader)).status == 200


async def test_a_client_that_closes_its_half_still_gets_its_answers() -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(LENGTH + LIVEZ)
        writer.write_eof()
        assert [(await read_reply(reader)).status for _ in range(2)] == [202, 200]
        assert await reader.read() == b""


@pytest.mark.parametrize("header", ["connection: close", "connection: upgrade\r\nupgrade: h2c"])
async def test_the_connection_closes_after_the_answer_where_it_must(header: str) -> None:
    async with running() as hub, hub.connection() as (reader, writer):
        writer.write(f"GET /livez HTTP/1.1\r\nhost: x\r\n{header}\r\n\r\n".encode())
        reply = await read_reply(reader)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await reader.read() == b""


async def test_a_client_that_reads_late_gets_every_answer() -> None:
    async with running() as hub:
        for number in range(100):
            await hub.publish(ce_id=str(number), body=b"x" * 10_000)
        ask = b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n"
        async with hub.connection() as (reader, writer):
            writer.write(ask * 200)
            replies = [await read_reply(reader) for _ in range(200)]
        assert {(reply.status, len(reply.json)) for reply in replies} == {(200, 100)}


async def test_stopping_answers_what_was_begun_and_closes_what_is_idle() -> None:
    async with running() as hub:
        async with hub.connection() as (idle, _), hub.connection() as (reader, writer):
            writer.write(LENGTH[:-1])
            await writer.drain()
            assert (await hub.publish(ce_id="other")).status == 202
            hub.stop()
            assert await idle.read() == b""
            writer.write(LENGTH[-1:])
            reply = await read_reply(reader)
            assert (reply.status, reply.headers["connection"]) == (202, "close")


async def test_what_takes_too_long_is_cut_off_when_the_hub_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "FINISH_WITHIN_S", 0.05)
    started = asyncio.Event()

    class Stuck:
        async def __call__(
            self, channel: str, event: Event, hop: TraceContext | None = None
        ) -> Receipt:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def all(
            self, channel: str, events: Sequence[Event], hop: TraceContext | None = None
        ) -> Sequence[Receipt]:
            raise AssertionError

    async with running(accept=Stuck()) as hub, hub.connection() as (reader, writer):
        writer.write(LENGTH)
        await started.wait()
        hub.stop()
        assert await reader.read() == b""


async def asgi(
    app: Any, method: str, target: str, headers: Mapping[str, str], chunks: list[bytes]
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request as an ASGI server would make it."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    left = list(chunks)
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": body != b"]"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return 0, {}, b""
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_the_app_runs_under_any_asgi_server() -> None:
    async with running() as hub:
        status, headers, body = await asgi(hub.app, "POST", "/events", EVENT, [b"[", b"]"])
        assert (status, headers[b"content-length"]) == (202, b"%d" % len(body))
        status, headers, body = await asgi(hub.app, "HEAD", "/channels", {}, [b"]"])
        assert (status, body) == (200, b"")
        assert int(headers[b"content-length"]) > 0
        assert (await asgi(hub.app, "POST", "/events", EVENT, [b"["]))[0] == 0


async def test_asgi_bodies_over_the_limit_are_refused() -> None:
    async with running(limits=Limits(3, 3)) as hub:
        whole = await asgi(hub.app, "POST", "/events", EVENT, [b"1234]"])
        assert whole[0] == 413
        pieces = await asgi(hub.app, "POST", "/events", EVENT, [b"12", b"34", b"]"])
        assert pieces[0] == 413
        expecting = {**EVENT, "expect": "100-continue", "content-length": "9"}
        told = await asgi(hub.app, "POST", "/events", expecting, [])
        assert (told[0], told[1][b"connection"]) == (413, b"close")


async def test_other_asgi_scopes_are_refused() -> None:
    async with running() as hub:
        app: Any = hub.app
        with pytest.raises(RuntimeError, match="websocket"):
            await app({"type": "websocket"}, None, None)
