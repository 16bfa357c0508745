"""The client inside the node it asks: the same answers as over HTTP, and streams that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.edges.http_edge import Hub, running

from chappe.client.hub_client import HubClient
from chappe.client.streaming import StreamQuery, follow
from chappe.client.transport import Transport
from chappe.domain.errors import Forbidden, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.server.console import InProcess

_: type[Transport] = InProcess
AN_EVENT = Event(id="A-1", source="/shop", type="order.paid")


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with running() as one:
        yield one


async def test_what_is_published_inside_is_there_for_all(hub: Hub) -> None:
    inside = HubClient(transport=InProcess(hub.app.handle))
    receipt = await inside.publish(AN_EVENT)
    async with HubClient(f"http://127.0.0.1:{hub.port}") as outside:
        assert await outside.event(receipt.position) == await inside.event("A-1")


async def test_what_the_hub_refuses_is_raised(hub: Hub) -> None:
    inside = HubClient(transport=InProcess(hub.app.handle))
    with pytest.raises(NotFound, match="none in channel"):
        await inside.event("nobody")


async def test_a_stream_goes_on_until_it_is_left(hub: Hub) -> None:
    inside = HubClient(transport=InProcess(hub.app.handle))
    async with asyncio.timeout(60):
        await inside.publish(AN_EVENT)
        events = follow(inside, StreamQuery(start="earliest"))
        one = await anext(events)
        assert b"A-1" in one.event
        await events.aclose()  # type: ignore[attr-defined]
    hub.app.drain()
    async with asyncio.timeout(60):
        await hub.app.idle()


async def test_an_error_inside_a_stream_is_the_one_that_was_raised(hub: Hub) -> None:
    transport = InProcess(hub.app.handle)

    async def failing() -> None:
        async with transport.stream(
            "/events/stream", headers={}, timeout_s=60, silence_s=60
        ) as answer:
            assert answer.status == 200
            raise Forbidden("mine")

    with pytest.raises(Forbidden, match="mine"):
        await failing()


async def test_a_refused_stream_is_an_answer(hub: Hub) -> None:
    transport = InProcess(hub.app.handle)
    async with transport.stream(
        "/events/stream?nonsense=1", headers={}, timeout_s=60, silence_s=60
    ) as answer:
        assert answer.status == 400
        assert b"nonsense" in b"".join([chunk async for chunk in answer.chunks()])


async def test_a_reader_that_is_gone_is_waited_for_no_longer(hub: Hub) -> None:
    transport = InProcess(hub.app.handle)
    async with asyncio.timeout(60):
        async with transport.stream(
            "/events/stream", headers={}, timeout_s=60, silence_s=60
        ) as answer:
            transport.lost()
            async for _chunk in answer.chunks():
                pass


async def test_an_answer_that_does_not_come_in_time_is_unavailable(hub: Hub) -> None:
    transport = InProcess(hub.app.handle)
    with pytest.raises(Unavailable, match=r"within 0\.05 s"):
        await transport.ask("GET", "/events?order=asc&wait=30", headers={}, timeout_s=0.05)
