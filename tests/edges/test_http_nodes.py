"""GET /nodes: who is told of, by whom, and when."""

from __future__ import annotations

from collections.abc import Sequence

from tests.edges.http_edge import Hub, running
from typing_extensions import override

from chappe.adapters.memory.node_roll import MemoryNodeRoll
from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.flows.call_roll import CallRoll
from chappe.ports.node_roll import Enough, NodeRoll
from chappe.testing.node_roll_suite import ONE, YOUNG


def joined(hub: Hub, *reports: NodeReport) -> None:
    """Other nodes are there from now on."""
    for report in reports:
        hub.present.answering.append((MemoryNodeRoll(hub.present), lambda told=report: told))  # type: ignore[misc]


async def test_a_node_by_itself_is_all_there_is() -> None:
    async with running() as hub:
        reply = await hub.ask("GET", "/nodes")
    assert reply.status == 200
    (node,) = reply.json["nodes"]
    assert (node["node"], node["answers"], node["status"]) == ("n-test", True, "ready")
    assert (reply.json["complete"], reply.json["missing"]) == (True, [])


async def test_each_node_is_told_whole_and_the_one_that_was_asked_is_marked() -> None:
    async with running() as hub:
        joined(hub, YOUNG, ONE)
        nodes = (await hub.ask("GET", "/nodes")).json["nodes"]
    assert [(one["node"], one["answers"]) for one in nodes] == [
        ("n-test", True),
        ("one", False),
        ("two", False),
    ]
    assert nodes[1] == {
        "node": "one",
        "answers": False,
        "version": "0.1.0",
        "url": "https://events.example",
        "host": "machine-1",
        "pid": 4711,
        "started": "2025-11-22T10:02:11.402Z",
        "status": "draining",
        "failing": ["disk", "engine"],
        "shards": ["default.0", "orders.3"],
        "open": 3,
        "accepted": 70_000,
        "accepted_per_s": 412.25,
        "attempts": 90_000,
        "attempts_per_s": 0.5,
        "cpu": 0.41,
        "memory_bytes": 80_000_000,
        "registry_revision": 12,
    }
    assert (nodes[2]["accepted_per_s"], nodes[2]["memory_bytes"]) == (None, None)


def call(roll: NodeRoll, *, holder: str) -> CallRoll:
    """A node that owns nothing itself."""

    async def held(shard: str) -> str:
        return holder

    own = NodeReport(node="n-test", version="0.1.0", started_ms=0)
    return CallRoll(roll, lambda: own, lambda: {"default": Channel("default", 2)}, held)


async def test_a_silent_owner_is_missed_by_name() -> None:
    async with running(nodes=call(MemoryNodeRoll(), holder="n-gone")) as hub:
        told = (await hub.ask("GET", "/nodes")).json
    assert [one["node"] for one in told["nodes"]] == ["n-test"]
    assert (told["complete"], told["missing"]) == (
        False,
        [{"shard": "default.0", "node": "n-gone"}, {"shard": "default.1", "node": "n-gone"}],
    )


class Away(MemoryNodeRoll):
    """A roll whose engine does not answer."""

    @override
    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        raise Unavailable("no connection to NATS")


async def test_without_the_engine_the_node_that_was_asked_tells_of_itself() -> None:
    async with running(nodes=call(Away(), holder="")) as hub:
        reply = await hub.ask("GET", "/nodes")
    assert (reply.status, reply.json["complete"], reply.json["missing"]) == (200, False, [])
    assert [one["node"] for one in reply.json["nodes"]] == ["n-test"]


async def test_a_node_that_drains_still_says_which_nodes_there_are() -> None:
    async with running() as hub:
        hub.app.drain()
        assert (await hub.ask("GET", "/events")).status == 503
        assert (await hub.ask("GET", "/nodes")).status == 200
