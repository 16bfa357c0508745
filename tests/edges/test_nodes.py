"""The nodes of a real hub: two processes on one engine, of which one is killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.engine import an_engine
from tests.chaos.http import Client
from tests.chaos.hub import HubProcess

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


async def asked(client: Client) -> Any:
    answer = await client.ask("GET", "/nodes")
    assert answer.status == 200
    return answer.json()


async def asked_until(client: Client, holds: Callable[[Any], bool]) -> Any:
    """The first answer of which it holds; other processes have no asyncio.Event."""
    async with asyncio.timeout(120):
        while True:
            found = await asked(client)
            if holds(found):
                return found


async def listed(hub: HubProcess, *options: str) -> tuple[str, str]:
    """What `chappe node ls` prints, and its notes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chappe", "node", "ls", "--url", hub.url, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, notes = await process.communicate()
    assert process.returncode == 0, notes
    return out.decode(), notes.decode()


async def test_each_node_tells_of_both_and_misses_the_one_that_is_killed(tmp_path: Path) -> None:
    async with (
        an_engine(tmp_path) as url,
        HubProcess(tmp_path / "data-1", "--nats", url) as one,
        HubProcess(tmp_path / "data-2", "--nats", url) as two,
    ):
        names = {
            each.pid: (await each.client().ask("GET", "/readyz")).json()["node"]
            for each in (one, two)
        }
        first, second = one.client(), two.client()
        # The first to come took all the shards, so that nobody would miss the second.
        both = await asked_until(second, lambda told: told["complete"] and len(told["nodes"]) == 2)
        assert {node["pid"]: node["node"] for node in both["nodes"]} == names
        assert [node["node"] for node in both["nodes"] if node["answers"]] == [names[two.pid]]
        assert {node["url"] for node in both["nodes"]} == {one.url, two.url}
        owned = {shard: node["node"] for node in both["nodes"] for shard in node["shards"]}
        assert {f"default.{number}" for number in range(4)} <= owned.keys()
        assert all(node["memory_bytes"] for node in both["nodes"])
        again = await asked_until(first, lambda told: len(told["nodes"]) == 2)
        assert [node["node"] for node in again["nodes"] if node["answers"]] == [names[one.pid]]
        out, notes = await listed(one, "-o", "name")
        assert (out.split(), notes) == (sorted(names.values()), "")

        killed, left = (
            (one, second) if "default.0" in _owned(both, names[one.pid]) else (two, first)
        )
        gone = names[killed.pid]
        await killed.crash()
        missed = await asked(left)
        assert [node["answers"] for node in missed["nodes"]] == [True]
        if not missed["complete"]:  # a busy machine may be asked after the leases ran out
            assert {each["node"] for each in missed["missing"]} <= {gone, ""}
        alone = await asked_until(left, lambda told: told["complete"])
        assert [node["node"] for node in alone["nodes"]] == [
            name for name in names.values() if name != gone
        ]
        assert {*owned} == {*alone["nodes"][0]["shards"]}


def _owned(told: Any, node: str) -> list[str]:
    (found,) = [one["shards"] for one in told["nodes"] if one["node"] == node]
    return list(found)
