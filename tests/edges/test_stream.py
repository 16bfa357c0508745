"""Server-sent events over the memory adapters: filters, exact resumption, slow clients, the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.edges.http_edge import MAX_STREAMS, ORDERS, Hub, running

from chappe.domain.event import Event
from chappe.flows.stream import TAIL_BYTES


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


class Source:
    """An EventSource: parses the chunked stream as HTML 9.2.6 says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._lines = b""
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.last_id = ""
        self.retry_ms: int | None = None
        self.ended = False

    async def head(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.status = int(head[0].split(" ")[1])
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        self.headers = {name.lower(): value for name, value in pairs}

    async def _line(self) -> bytes | None:
        while b"\n" not in self._lines:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
            if not size:
                self.ended = True
                return None
            self._lines += chunk[:-2]
        line, _, self._lines = self._lines.partition(b"\n")
        return line

    async def next(self, within_s: float = 60.0) -> dict[str, Any] | None:
        """The next event's data; None at the end of the stream."""
        data: list[bytes] = []
        async with asyncio.timeout(within_s):
            while (line := await self._line()) is not None:
                name, _, value = line.partition(b": ")
                match name:
                    case b"data":
                        data.append(value)
                    case b"id":
                        self.last_id = value.decode()
                    case b"retry":
                        self.retry_ms = int(value)
                    case b"" if data:
                        found: dict[str, Any] = json.loads(b"\n".join(data))
                        return found
        return None

    async def some(self, count: int) -> list[str]:
        """The ids of the next events."""
        found = []
        for _ in range(count):
            one = await self.next()
            assert one is not None
            found.append(str(one["id"]))
        return found


@contextlib.asynccontextmanager
async def source(hub: Hub, target: str = "/events/stream", **headers: str) -> AsyncIterator[Source]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    lines = [f"GET {target} HTTP/1.1", "host: hub", "accept: text/event-stream"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    one = Source(reader, writer)
    try:
        async with asyncio.timeout(60):
            await one.head()
        yield one
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def closed(hub: Hub, count: int = 0) -> None:
    """Wait until so many readers are left."""
    async with asyncio.timeout(60):
        while hub.parts.streams.open_readers > count:  # noqa: ASYNC110 - the other end of a socket
            await asyncio.sleep(0.01)


async def test_events_come_as_they_are_accepted(hub: Hub) -> None:
    async with source(hub) as one:
        assert (one.status, one.headers["content-type"]) == (200, "text/event-stream")
        assert one.headers["cache-control"] == "no-store"
        said = await hub.publish(ce_id="A-1", body='{"a":\n 1}')
        event = await one.next()
        assert event is not None
        assert (event["id"], event["data"]) == ("A-1", {"a": 1})
        assert one.last_id == said.json["position"]
        assert one.retry_ms == 2000


@pytest.mark.parametrize(
    "asked",
    [
        "type=order.paid",
        "source=/web",
        "subject=eu-1",
        "type=order.paid&subject=eu-1",
        "filter=%7B%22prefix%22:%7B%22subject%22:%22eu-%22%7D%7D",
        "filter=%5B%7B%22exact%22:%7B%22type%22:%22order.paid%22%7D%7D%5D",
    ],
)
async def test_only_what_is_asked_for_comes(hub: Hub, asked: str) -> None:
    async with source(hub, f"/events/stream?{asked}") as one:
        await hub.publish(ce_id="no", ce_type="x", ce_source="/s", ce_subject="us-1")
        await hub.publish(ce_id="yes", ce_type="order.paid", ce_source="/web", ce_subject="eu-1")
        assert await one.some(1) == ["yes"]


async def test_from_a_position_a_time_or_the_beginning(hub: Hub) -> None:
    first = (await hub.publish(ce_id="A-1")).json["position"]
    await hub.publish(ce_id="A-2")
    for start, expected in (
        ("earliest", ["A-1", "A-2"]),
        (first, ["A-2"]),
        ("2020-01-01T00:00:00Z", ["A-1", "A-2"]),
    ):
        async with source(hub, f"/events/stream?from={start}") as one:
            assert await one.some(len(expected)) == expected
    async with source(hub, "/events/stream?from=2200-01-01T00:00:00Z") as one:
        await hub.publish(ce_id="A-3")
        assert await one.some(1) == ["A-3"]


async def test_who_comes_back_with_the_last_id_misses_nothing_and_gets_nothing_twice(
    hub: Hub,
) -> None:
    wanted = [f"A-{number}" for number in range(200)]
    found: list[str] = []
    last_id = "0-0-0"

    async def publish() -> None:
        for at in range(0, 200, 5):  # batches over all shards
            events = [
                {"specversion": "1.0", "id": id_, "source": "/s", "type": "t"}
                for id_ in wanted[at : at + 5]
            ]
            body = json.dumps(events)
            headers = {"content-type": "application/cloudevents-batch+json"}
            assert (await hub.ask("POST", "/events", headers, body)).status == 202

    publishing = asyncio.ensure_future(publish())
    while len(found) < 200:
        async with source(hub, last_event_id=last_id) as one:
            found += await one.some(min(7, 200 - len(found)))
            last_id = one.last_id
    await publishing
    assert sorted(found) == sorted(wanted)


async def test_many_readers_share_one_reader_of_the_log(hub: Hub) -> None:
    followed: list[str] = []
    follow = hub.log.follow

    def counted(channel: Any, shard: Any, after: int) -> Any:
        followed.append(channel.name)
        return follow(channel, shard, after)

    hub.log.follow = counted  # type: ignore[method-assign]
    async with contextlib.AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(source(hub)) for _ in range(20)]
        await hub.publish(ce_id="A-1")
        assert [await one.some(1) for one in readers] == [["A-1"]] * 20
    assert followed == ["default"]
    await closed(hub)


async def test_a_slow_reader_gets_everything_at_its_own_pace(hub: Hub) -> None:
    payload = b"x" * 20_000
    count = 3 * TAIL_BYTES // len(payload)
    async with source(hub) as slow:
        await hub.publish(ce_id="first")
        assert await slow.some(1) == ["first"]
        for number in range(count):
            await hub.log.append(
                hub.parts.state.value.channels["default"],
                Event(id=f"A-{number}", source="/s", type="t", data=payload),
            )
        assert await slow.some(count) == [f"A-{number}" for number in range(count)]


async def test_five_hundred_readers_that_do_not_read_take_bounded_memory(hub: Hub) -> None:
    channel = hub.parts.state.value.channels["default"]
    async with contextlib.AsyncExitStack() as stack:
        # Their sockets are full after some 2.5 MB each; ours are read by nobody.
        for _ in range(500):
            one = await stack.enter_async_context(source(hub))
            one.writer.transport.pause_reading()  # type: ignore[attr-defined]
        tracemalloc.start()
        try:
            for number in range(400):
                event = Event(id=f"A-{number}", source="/s", type="t", data=b"x" * 100_000)
                await hub.log.append(channel, event)
                await asyncio.sleep(0)
            held_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # 40 MB are in the memory log itself; 500 copies of them would be 20 GB.
    assert held_bytes < 250 * 1024 * 1024
    await closed(hub)


async def test_too_many_streams_are_refused(hub: Hub) -> None:
    hub.parts.streams._limit = 1
    async with source(hub):
        reply = await hub.ask("GET", "/events/stream")
        assert (reply.status, reply.code) == (503, "overloaded")
        assert reply.headers["retry-after"] == "1"
    await closed(hub)
    async with source(hub) as one:
        assert one.status == 200
    assert MAX_STREAMS > 1


async def test_a_node_that_ends_ends_its_streams_with_a_hint(hub: Hub) -> None:
    async with source(hub) as one:
        hub.app.drain()
        assert await one.next() is None
        assert (one.ended, one.retry_ms) == (True, 1000)
        async with asyncio.timeout(60):
            await hub.app.idle()


async def test_a_reader_that_hangs_up_frees_its_place_at_once(hub: Hub) -> None:
    async with source(hub), source(hub, "/channels/orders/events/stream"):
        assert hub.parts.streams.open_readers == 2
    await closed(hub)


async def test_the_head_of_a_stream_opens_none(hub: Hub) -> None:
    reply = await hub.ask("HEAD", "/events/stream")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    assert hub.parts.streams.open_readers == 0


async def test_http_1_0_gets_it_unchunked(hub: Hub) -> None:
    async with hub.connection() as (reader, writer):
        writer.write(b"GET /events/stream?from=earliest HTTP/1.0\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head
        assert await reader.readline() == b"retry: 2000\n"


@pytest.mark.parametrize(
    ("target", "status", "begin"),
    [
        ("/events/stream?from=soon", 400, "from"),
        ("/events/stream?filter=%7B%22odd%22:%7B%7D%7D", 400, "filters/0"),
        ("/events/stream?filter=%7B", 400, "filter"),
        ("/events/stream?limit=3", 400, "parameter 'limit'"),
        ("/channels/none/events/stream", 404, "channel 'none'"),
    ],
)
async def test_a_wrong_request_is_refused(hub: Hub, target: str, status: int, begin: str) -> None:
    reply = await hub.ask("GET", target)
    assert reply.status == status
    assert reply.json["detail"].startswith(begin)
    assert hub.parts.streams.open_readers == 0


async def test_a_channel_of_its_own_is_followed(hub: Hub) -> None:
    async with source(hub, "/channels/orders/events/stream") as one:
        await hub.publish(ce_id="elsewhere")
        await hub.publish("/channels/orders/events", ce_id="here")
        assert await one.some(1) == ["here"]
    assert ORDERS.name == "orders"
