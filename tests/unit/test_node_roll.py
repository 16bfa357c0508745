"""Which nodes there are: what a node says of itself, and what is told of those that say nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from chappe.adapters.memory.node_roll import MemoryNodeRoll, Present
from chappe.domain.channel import ATTEMPTS, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.flows.call_roll import LOOKED_UP, CallRoll, Missing
from chappe.formats.node_json import decode_node, encode_node, render_node
from chappe.http.health import Check, Readiness
from chappe.kit.counters import Counters
from chappe.kit.past import Past
from chappe.ports.node_roll import Enough
from chappe.server.node_report import ReportNode
from chappe.testing.node_roll_suite import ONE

CHANNELS = {"default": Channel("default", 4), ATTEMPTS: Channel(ATTEMPTS, 1)}
ALL = tuple(f"default.{shard}" for shard in range(4))


def report(node: str, *shards: str) -> NodeReport:
    return NodeReport(node=node, version="0.1.0", started_ms=0, shards=shards)


@dataclass
class House:
    """The leases, and the nodes that answer one of them."""

    held: dict[str, str] = field(default_factory=dict)
    present: Present = field(default_factory=Present)
    looked_up: list[str] = field(default_factory=list)

    async def holder(self, shard: str) -> str | None:
        self.looked_up.append(shard)
        return self.held.get(shard)

    def asked(self, own: NodeReport, *others: NodeReport) -> CallRoll:
        self.present.answering += [
            (MemoryNodeRoll(self.present), lambda one=one: one)  # type: ignore[misc]
            for one in others
        ]
        return CallRoll(MemoryNodeRoll(self.present), lambda: own, lambda: CHANNELS, self.holder)


async def test_the_roll_names_all_nodes_in_the_order_of_their_names() -> None:
    own = report("b", *ALL[:2])
    found = await House().asked(own, report("c"), report("a", *ALL[2:]))()
    assert [one.node for one in found.nodes] == ["a", "b", "c"]
    assert (found.own, found.complete, found.missing) == (own, True, [])


async def test_a_shard_whose_owner_is_silent_is_told_with_the_owner() -> None:
    house = House(held={ALL[2]: "dead", ALL[3]: "here"})
    found = await house.asked(report("here", *ALL[:2]))()
    # Who has answered and still has the lease of a shard that it does not own is letting it go.
    assert (found.complete, found.missing) == (False, [Missing(ALL[2], "dead"), Missing(ALL[3])])


async def test_when_all_have_answered_the_engine_is_not_asked_who_owns_what() -> None:
    house = House()
    await house.asked(report("here", *ALL))()
    assert house.looked_up == []


async def test_no_more_owners_are_looked_up_than_a_person_can_read() -> None:
    house = House()
    many = {"default": Channel("default", 200)}
    found = await CallRoll(
        MemoryNodeRoll(house.present), lambda: report("here"), lambda: many, house.holder
    )()
    assert (len(house.looked_up), len(found.missing)) == (LOOKED_UP, 200)


class Gone(MemoryNodeRoll):
    """A roll without an engine."""

    @override
    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        raise Unavailable("no connection")


async def test_without_the_engine_the_node_tells_of_itself_alone() -> None:
    own = report("here", *ALL[:2])
    found = await CallRoll(Gone(), lambda: own, lambda: CHANNELS, House().holder)()
    assert (found.nodes, found.complete, found.missing) == ([own], False, ())


async def test_owners_that_the_engine_does_not_tell_are_missing_without_a_name() -> None:
    async def silent(shard: str) -> str:
        raise Unavailable("no answer")

    roll = CallRoll(MemoryNodeRoll(), lambda: report("here", *ALL[1:]), lambda: CHANNELS, silent)
    assert (await roll()).missing == [Missing(ALL[0])]


class Counting(MemoryNodeRoll):
    """Waits to be let go on, and counts who asks."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.go_on = asyncio.Event()

    @override
    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        self.asked += 1
        await self.go_on.wait()
        return []


async def test_many_who_ask_at_once_make_one_question_and_those_who_waited_another() -> None:
    counting, own = Counting(), report("here", *ALL)
    roll = CallRoll(counting, lambda: own, lambda: CHANNELS, House().holder)
    first = asyncio.ensure_future(roll())
    await asyncio.sleep(0)
    later = [asyncio.ensure_future(roll()) for _ in range(50)]
    await asyncio.sleep(0)
    assert counting.asked == 1
    counting.go_on.set()
    found = await asyncio.gather(first, *later)
    assert counting.asked == 2
    assert all(one is found[1] for one in found[1:])
    await roll()
    assert counting.asked == 3


async def test_who_no_longer_wants_to_know_leaves_the_others_their_answer() -> None:
    counting = Counting()
    roll = CallRoll(counting, lambda: report("here", *ALL), lambda: CHANNELS, House().holder)
    first, second = asyncio.ensure_future(roll()), asyncio.ensure_future(roll())
    await asyncio.sleep(0)
    first.cancel()
    counting.go_on.set()
    assert (await second).complete


COUNT = st.integers(0, 2**53)
RATE = st.none() | st.integers(0, 10**9).map(lambda number: number / 1000)
NAME = st.text(min_size=1, max_size=40)


@given(
    st.builds(
        NodeReport,
        node=NAME,
        version=NAME,
        url=st.text(max_size=40),
        host=st.text(max_size=40),
        pid=COUNT,
        started_ms=st.integers(0, 4_000_000_000_000),
        failing=st.lists(NAME, max_size=4).map(tuple),
        draining=st.booleans(),
        shards=st.lists(NAME, max_size=20).map(tuple),
        open_events=COUNT,
        accepted=COUNT,
        accepted_per_s=RATE,
        attempts=COUNT,
        attempts_per_s=RATE,
        cpu=RATE,
        memory_bytes=st.none() | COUNT,
        registry_revision=COUNT,
    )
)
def test_what_one_node_tells_another_understands(told: NodeReport) -> None:
    assert decode_node(encode_node(told)) == told
    assert json.loads(encode_node(told)) == json.loads(json.dumps(render_node(told)))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"draining": True}, "draining"),
        ({"failing": ("disk",)}, "not ready"),
        ({"draining": True, "failing": ("disk",)}, "draining"),
        ({}, "ready"),
    ],
)
def test_a_node_is_in_the_state_that_readyz_tells(change: dict[str, object], status: str) -> None:
    quiet = replace(ONE, draining=False, failing=())
    assert replace(quiet, **change).status == status  # type: ignore[arg-type]


def test_a_report_is_made_of_what_is_measured_already() -> None:
    counters, past = Counters(), Past()
    checks = [Check("engine", ok=False), Check("disk", ok=True)]
    ready = Readiness("0.1.0", "n-1", shards={"default.0": {}}, checks=checks)
    tell = ReportNode(
        lambda: ready, lambda: False, lambda: 7, counters, past, "http://hub", 1_763_805_731_402
    )
    past.note(counters, 1_000, cpu_s=0.0)
    young = tell()
    assert (young.accepted_per_s, young.attempts_per_s, young.cpu) == (None, None, None)
    counters.channels.of("default").events = 30
    tally = counters.attempts.of("s")
    tally.ended["delivered"], tally.ended["retry"] = 20, 10
    counters.open_events = 3
    past.note(counters, 11_000, cpu_s=5.0)
    told = tell()
    assert (told.accepted, told.accepted_per_s) == (30, 3.0)
    assert (told.attempts, told.attempts_per_s) == (30, 3.0)
    assert (told.open_events, told.cpu, told.registry_revision) == (3, 0.5, 7)
    assert (told.node, told.failing, told.shards) == ("n-1", ("engine",), ("default.0",))
    assert told.memory_bytes is None or told.memory_bytes > 1_000_000
