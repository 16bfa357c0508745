"""flows/materialise: when a snapshot is saved, and what waiting for one costs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from typing_extensions import override

from chappe.adapters.memory.registry_log import MemoryRegistryLog
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.flows.materialise import SMALL_BYTES, SNAPSHOT_LATEST, Materialise
from chappe.formats.transaction_json import encode_transaction
from chappe.kit.latest import Latest
from chappe.ports.registry_log import Commit, Snapshot
from chappe.registry.entity import Group
from chappe.registry.request import Change
from chappe.registry.state import State, empty
from chappe.registry.transaction import Transaction
from chappe.testing.hub_registry import BEGAN, hub_tree


class CountingLog(MemoryRegistryLog):
    """Remembers which snapshots were saved, and how often somebody began to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.follows = 0
        self.saved: list[int] = []

    @override
    async def save_snapshot(self, snapshot: Snapshot) -> None:
        await super().save_snapshot(snapshot)
        self.saved.append(snapshot.revision)

    @override
    async def follow(self, after_revision: int) -> AsyncIterator[Commit]:
        self.follows += 1
        async for commit in super().follow(after_revision):
            yield commit


class Node:
    def __init__(self, announced: int | None = None) -> None:
        self.log = CountingLog()
        self.state = Latest[State](empty())
        self.announced = announced
        self.materialise = Materialise(
            self.log,
            self.state,
            SystemClock(),
            SystemSecrets(b"k" * 32),
            snapshot_every=5,
            announced=self._announced,
        )

    async def _announced(self, revision: int) -> bool:
        return self.announced is None or revision <= self.announced

    async def commit(self, times: int, *, gid: str = "g", text: str = "") -> None:
        """Commit, one after another, each once the one before was applied."""
        for _ in range(times):
            revision = self.state.value.revision
            group = Group(gid, {"epoch": 1, "createdat": BEGAN, "modifiedat": BEGAN, "name": text})
            transaction = Transaction([Change(("schemagroups", gid), None, group)], BEGAN)
            await self.log.commit(encode_transaction(transaction), expected_revision=revision)
            async with asyncio.timeout(60):
                await self.state.wait_until(_beyond(revision))


def _beyond(revision: int) -> Callable[[State], bool]:
    return lambda state: state.revision > revision


@contextlib.asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    await node.materialise.load()
    await node.materialise.found(hub_tree(), by="test")
    task = asyncio.ensure_future(node.materialise.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_node_that_does_not_announce_follows_the_log_once_and_saves_nothing() -> None:
    node = Node(announced=0)
    async with running(node):
        await node.commit(30)
    assert (node.log.follows, node.log.saved) == (1, [])


async def test_a_snapshot_is_saved_though_the_announcing_is_always_a_little_behind() -> None:
    node = Node()
    async with running(node):
        for _ in range(12):
            node.announced = node.state.value.revision - 1
            await node.commit(1)
    assert node.log.saved


async def saved(node: Node, revisions: list[int]) -> None:
    async with asyncio.timeout(60):
        while node.log.saved != revisions:  # noqa: ASYNC110 - the log has no event for it
            await asyncio.sleep(0.001)


LARGE = "x" * (SMALL_BYTES + 1)


async def test_a_large_registry_is_not_saved_again_for_a_few_small_writes() -> None:
    node = Node()
    async with running(node):
        await node.commit(4, gid="large", text=LARGE)
        await saved(node, [5])
        await node.commit(5 * SNAPSHOT_LATEST - 1)
        assert node.log.saved == [5]
        await node.commit(1)
        await saved(node, [5, 5 + 5 * SNAPSHOT_LATEST])


async def test_a_large_registry_is_saved_again_once_the_log_has_grown_by_a_part_of_it() -> None:
    node = Node()
    async with running(node):
        await node.commit(4, gid="large", text=LARGE)
        await saved(node, [5])
        await node.commit(5, text="x" * (SMALL_BYTES // 10))
        await saved(node, [5, 10])
