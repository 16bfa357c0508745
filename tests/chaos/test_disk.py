"""The disk is full: what is refused is refused clearly, what was acknowledged stays, and it goes on."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from chappe.testing.http_sink import Received, Reply, SinkServer
from tests.chaos.check import stored_ids
from tests.chaos.disk import SmallDisk, small_disk
from tests.chaos.http import Answer, Client, NoAnswer
from tests.chaos.hub import HubProcess, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.engine, pytest.mark.timeout(180)]

MIB = 1024 * 1024
PAYLOAD = b"x" * 20_000


class World:
    """One hub on one small disk, one subscription, and everything that was acknowledged."""

    def __init__(self, hub: HubProcess, disk: SmallDisk) -> None:
        self.hub, self.disk = hub, disk
        self.client: Client = hub.client()
        self.acknowledged: list[str] = []
        self.refused: Counter[tuple[int, str]] = Counter()
        self.delivered: set[str] = set()
        self._number = 0

    def sink(self, request: Received) -> Reply:
        id_ = request.header("ce-id")
        assert id_ is not None
        self.delivered.add(id_)
        return Reply(204)

    async def publish(self) -> bool:
        """One event; whether it was acknowledged."""
        self._number += 1
        id_ = f"d-{self._number}"
        headers = {
            "ce-specversion": "1.0",
            "ce-id": id_,
            "ce-source": "/disk",
            "ce-type": "t",
            "Content-Type": "application/octet-stream",
        }
        try:
            answer: Answer = await self.client.ask("POST", "/events", headers, PAYLOAD)
        except NoAnswer:
            self.refused[0, "no answer"] += 1
            return False
        if answer.status == 202:
            self.acknowledged.append(id_)
            return True
        self.refused[answer.status, answer.json()["code"]] += 1
        return False

    async def until_published(self, *, wanted: bool) -> None:
        async with asyncio.timeout(60):
            while await self.publish() is not wanted:  # noqa: ASYNC110
                await asyncio.sleep(0 if not wanted else 0.1)

    async def settled(self) -> None:
        """Everything acknowledged is stored, and was delivered."""
        wanted = set(self.acknowledged)
        await wait_until(lambda: wanted <= self.delivered, "all acknowledged events come")
        assert wanted <= set(await stored_ids(self.client))


@pytest.mark.parametrize(
    "least_free_mib", [16, 1], ids=["the hub refuses first", "the disk is full"]
)
async def test_a_full_disk_loses_nothing_acknowledged_and_ingest_goes_on_with_room(
    tmp_path: Path, least_free_mib: int
) -> None:
    with small_disk(tmp_path / "disk", mib=160) as disk:
        if disk is None:
            pytest.skip("NO FULL DISK: this user may not mount a file system")
        options = ("--min-free-bytes", str(least_free_mib * MIB))
        async with HubProcess(disk.path / "data", *options) as hub:
            world = World(hub, disk)
            async with SinkServer(world.sink, recording=False) as server:
                made = await world.client.ask_json(
                    "POST", "/subscriptions", {"sink": server.url, "protocol": "HTTP"}
                )
                assert made.status == 201, made.body
                for turn in range(2):
                    await world.until_published(wanted=True)
                    # With 1 MiB the guard looks too seldom: the engine itself meets the end.
                    disk.fill(leave_bytes=8 * MIB if least_free_mib > 1 else 256 * 1024)
                    await world.until_published(wanted=False)
                    assert all(status == 503 for status, _ in world.refused), world.refused
                    disk.relieve()
                    await world.until_published(wanted=True)
                    sys.stdout.write(f"turn {turn}: {dict(world.refused)}\n")
                for _ in range(20):
                    await world.until_published(wanted=True)
                await world.settled()
                await hub.crash()
                await hub.start()
                world.client = hub.client()
                await world.settled()
    assert world.refused
    assert len(world.acknowledged) > 20
