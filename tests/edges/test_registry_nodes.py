"""Two nodes declare on one real engine: each sees the other's writes, over snapshots and restarts."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.adapters.nats.registry_log import NatsRegistryLog
from chappe.adapters.system.clock import SystemClock
from chappe.adapters.system.secrets import SystemSecrets
from chappe.domain.errors import Unavailable, WrongKey
from chappe.flows.materialise import Materialise
from chappe.flows.register import Register
from chappe.formats.languages import json_alone
from chappe.kit.latest import Latest
from chappe.registry.state import State, empty
from chappe.server.embedded_nats import EmbeddedNats, Engine
from chappe.testing.hub_registry import hub_tree

pytestmark = pytest.mark.engine

DRAFT = {"sink": "https://billing.example/events", "protocol": "HTTP"}
SEALED = {**DRAFT, "sinkcredential": {"credentialtype": "ACCESSTOKEN", "accesstoken": "secret"}}


@dataclass
class Node:
    state: Latest[State]
    register: Register
    materialise: Materialise


@contextlib.asynccontextmanager
async def node(
    engine: Engine, name: str, *, snapshot_every: int = 500, key: bytes = b"k" * 32
) -> AsyncIterator[Node]:
    address = NatsAddress((engine.url,), engine.user, engine.password)
    connection = await Connection.open(address, name=name)
    log, state, clock = NatsRegistryLog(connection), Latest(empty()), SystemClock()
    secrets, numbers = SystemSecrets(key), itertools.count()

    async def extent(channel: str, start: str) -> int:
        return 0

    await log.open()
    register = Register(
        log, state, clock, secrets, lambda: f"{name}-{next(numbers)}", extent, json_alone()
    )
    materialise = Materialise(log, state, clock, secrets, snapshot_every=snapshot_every)
    await materialise.load()
    await materialise.found(hub_tree(), by=name)
    running = asyncio.ensure_future(materialise.run())
    try:
        async with asyncio.timeout(60):
            yield Node(state, register, materialise)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close()


async def declare(node: Node, count: int) -> list[str]:
    """Make subscriptions; after an answer that was lost, make another."""
    made: list[str] = []
    while len(made) < count:
        try:
            made.append((await node.register.create_subscription(DRAFT)).id)
        except Unavailable:
            await asyncio.sleep(0.01)
    return made


async def test_nodes_agree_on_what_both_declared_over_many_snapshots(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        async with (
            node(engine, "a", snapshot_every=7) as a,
            node(engine, "b", snapshot_every=5) as b,
        ):
            both = await asyncio.gather(declare(a, 60), declare(b, 60))
            made = {id_ for ids in both for id_ in ids}
            for each in (a, b):
                await each.state.wait_until(lambda state: state.subscriptions.keys() >= made)
            assert a.state.value.subscriptions == b.state.value.subscriptions
        async with node(engine, "c") as c:
            assert c.state.value.subscriptions == a.state.value.subscriptions
            assert c.state.value.revision == a.state.value.revision


async def test_a_restart_of_the_engine_loses_no_declaration(tmp_path: Path) -> None:
    nats = EmbeddedNats(tmp_path)
    async with nats as engine, node(engine, "a", snapshot_every=9) as a, node(engine, "b") as b:
        before = await declare(a, 20)
        async with asyncio.TaskGroup() as group:
            during = group.create_task(declare(b, 20))
            await nats.stop()
            await nats.start()
        made = {*before, *during.result()}
        for each in (a, b):
            await each.state.wait_until(lambda state: state.subscriptions.keys() >= made)
        assert a.state.value.subscriptions == b.state.value.subscriptions


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the node has no event for it
            await asyncio.sleep(0.01)


async def test_a_node_with_another_key_says_what_troubles_it(tmp_path: Path) -> None:
    async with (
        EmbeddedNats(tmp_path) as engine,
        node(engine, "a") as a,
        node(engine, "b", key=b"x" * 32) as b,
    ):
        await declare(a, 1)
        await b.state.wait_until(lambda state: len(state.subscriptions) == 1)
        assert b.materialise.trouble == ""
        await a.register.create_subscription(SEALED)
        await until(lambda: bool(b.materialise.trouble))
        assert "sealed with another key" in b.materialise.trouble
        assert a.materialise.trouble == ""


async def test_a_node_whose_key_opens_nothing_does_not_load(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path) as engine:
        async with node(engine, "a") as a:
            await a.register.create_subscription(SEALED)
        with pytest.raises(WrongKey, match="subscription"):
            async with node(engine, "b", key=b"x" * 32):
                pass
