"""A stream that is lost goes on where it was; a hub that is not there is told."""

from __future__ import annotations

import asyncio
import json

import pytest

from chappe.client.client import Client
from chappe.client.trying import Retry
from chappe.domain.errors import Malformed, Unavailable
from chappe.testing.http_sink import Received, Reply, SinkServer

BRIEF = Retry(deadline_s=30, base_s=0.001, most_s=0.01)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


def said(position: str) -> bytes:
    event = {"specversion": "1.0", "id": position, "source": "/s", "type": "t", "data": {"a": 1}}
    return (
        b":accepted 2026-11-22T10:02:11.402Z\nid: "
        + position.encode()
        + b"\ndata: "
        + json.dumps(event).encode()
        + b"\n\n"
    )


def stream(*pieces: bytes) -> Reply:
    """These pieces, and then the connection is lost."""
    return Reply(raw=HEAD + b"retry: 2000\n\n" + b"".join(pieces), hang_up=True)


class Node:
    """Answers streams in turn, and what the newest event is; the targets and positions asked for."""

    def __init__(self, *streams: Reply, newest: str | None = "0-0-0") -> None:
        self.streams = list(streams)
        self.newest = newest
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, request: Received) -> Reply:
        if "/stream?" not in request.target:
            listed = {"position": self.newest, "acceptedat": "2026-11-22T10:02:11Z", "event": {}}
            body = json.dumps([] if self.newest is None else [listed]).encode()
            return Reply(200, headers=[("content-type", "application/json")], body=body)
        self.asked.append((request.target, request.header("last-event-id")))
        return self.streams.pop(0)


async def test_a_lost_stream_goes_on_behind_its_last_event() -> None:
    cut = said("0-2-0")[:60]
    node = Node(stream(said("0-1-0"), cut), stream(said("0-2-0"), b"id: 0-9-0\n\n"), stream(said("1-0-0")))  # fmt: skip
    async with SinkServer(node) as sink, Client(sink.url, retry=BRIEF) as hub:
        events = hub.stream("t", after="0-0-7")
        async with asyncio.timeout(60):
            found = [await anext(events) for _ in range(3)]

    assert [one.position for one in found] == ["0-1-0", "0-2-0", "1-0-0"]
    assert found[0].data() == {"a": 1}
    assert found[0].acceptedat == "2026-11-22T10:02:11.402Z"
    assert [last for _, last in node.asked] == [None, "0-1-0", "0-9-0"]
    assert all("from=0-0-7" in target for target, _ in node.asked)
    assert "filter=%5B%7B%22exact%22" in node.asked[0][0]


@pytest.mark.parametrize(("newest", "start"), [("0-4-0", "0-4-0"), (None, "earliest")])
async def test_a_stream_that_is_lost_before_it_said_where_it_is_misses_nothing(
    newest: str | None, start: str
) -> None:
    node = Node(stream(), stream(said("0-5-0")), newest=newest)
    async with SinkServer(node) as sink, Client(sink.url, retry=BRIEF) as hub:
        async with asyncio.timeout(60):
            assert (await anext(hub.stream())).position == "0-5-0"

    assert [target.partition("?")[2] for target, _ in node.asked] == [
        "from=latest",
        f"from={start}",
    ]


async def test_a_stream_goes_on_at_another_node() -> None:
    one, two = Node(stream(said("0-1-0"))), Node(stream(said("0-2-0")))
    async with SinkServer(one) as first, SinkServer(two) as second:
        async with Client([first.url, second.url], retry=BRIEF) as hub:
            events = hub.stream()
            async with asyncio.timeout(60):
                assert [(await anext(events)).position for _ in range(2)] == ["0-1-0", "0-2-0"]

    assert two.asked[0][1] == "0-1-0"


async def test_what_the_hub_refuses_ends_the_stream() -> None:
    body = b'{"code": "malformed", "detail": "filter: no"}'
    refusal = Reply(400, headers=[("content-type", "application/problem+json")], body=body)
    async with SinkServer([refusal]) as sink, Client(sink.url, retry=BRIEF) as hub:
        with pytest.raises(Malformed, match="filter: no"):
            await anext(hub.stream(sql="a = "))


async def test_a_hub_that_was_never_reached_is_told_after_the_deadline() -> None:
    async with SinkServer() as sink:
        pass
    async with Client(sink.url, retry=Retry(deadline_s=0.05, base_s=0.001)) as hub:
        with pytest.raises(Unavailable):
            await anext(hub.stream())
