"""Streams of real hubs: a reader goes from one node to another, and a node is killed in the middle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.hub import HubProcess

from chappe.client.hub_client import HubClient
from chappe.client.streaming import Parser, StreamQuery, follow
from chappe.domain.errors import Unavailable

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]

WANTED = [f"A-{number}" for number in range(600)]


async def publish(hub: HubClient, ids: Sequence[str]) -> None:
    events = [
        json.dumps({"specversion": "1.0", "id": id_, "source": "/s", "type": "t"}).encode()
        for id_ in ids
    ]
    for at in range(0, len(events), 10):
        await hub.publish_json_batch(events[at : at + 10])


async def read(hub: HubClient, parser: Parser, found: list[str], until: int) -> None:
    """Read from where the parser is, until there are so many, or the node is gone."""
    headers = {"last-event-id": parser.last_id} if parser.last_id else {}
    query = StreamQuery(start="earliest", type="t")
    with suppress(Unavailable):
        async with hub.stream(query.path, headers, silence_s=30) as answer:
            assert answer.status == 200
            async for chunk in answer.chunks():
                found += [json.loads(one.event)["id"] for one in parser.feed(chunk)]
                if len(found) >= until:
                    return


async def test_a_reader_goes_on_at_another_node_when_its_own_is_killed(tmp_path: Path) -> None:
    found: list[str] = []
    async with (
        an_engine(tmp_path) as url,
        HubProcess(tmp_path / "data-1", "--nats", url) as one,
        HubProcess(tmp_path / "data-2", "--nats", url) as two,
        HubClient(one.url) as first,
        HubClient(two.url) as second,
    ):
        parser = Parser()
        await publish(second, WANTED[:300])
        reading = asyncio.ensure_future(read(first, parser, found, 10_000))
        publishing = asyncio.ensure_future(publish(second, WANTED[300:]))
        async with asyncio.timeout(60):
            while len(found) < 300:  # noqa: ASYNC110 - another process has no asyncio.Event
                await asyncio.sleep(0.005)
        await one.crash()
        async with asyncio.timeout(60):
            await reading
            parser = Parser(parser.last_id)  # What was cut off is nothing.
            await publishing
            await read(second, parser, found, len(WANTED))
    assert sorted(found) == sorted(WANTED)


async def test_a_follower_waits_for_its_hub_to_come_back(tmp_path: Path) -> None:
    async with HubProcess(tmp_path / "data") as hub, HubClient(hub.url) as client:
        await publish(client, WANTED[:100])
        following = follow(client, StreamQuery(start="earliest"))
        found: list[str] = []
        async with asyncio.timeout(60):
            async for one in following:
                found.append(json.loads(one.event)["id"])
                if len(found) == 100:
                    break
            await hub.crash()
            await hub.start()
            await publish(client, WANTED[100:120])
            async for one in following:
                found.append(json.loads(one.event)["id"])
                if len(found) == 120:
                    break
    assert found == WANTED[:120]
