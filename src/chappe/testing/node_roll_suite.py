"""What all rolls must do. Subclass it with a fixture `node`, which gives one node's roll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from chappe.domain.node import NodeReport
from chappe.ports.node_roll import NodeRoll

ONE = NodeReport(
    node="one",
    version="0.1.0",
    url="https://events.example",
    host="machine-1",
    pid=4711,
    started_ms=1_763_805_731_402,
    failing=("disk", "engine"),
    draining=True,
    shards=("default.0", "orders.3"),
    open_events=3,
    accepted=70_000,
    accepted_per_s=412.25,
    attempts=90_000,
    attempts_per_s=0.5,
    cpu=0.41,
    memory_bytes=80_000_000,
    registry_revision=12,
)
YOUNG = NodeReport(node="two", version="0.1.0", started_ms=1_763_805_731_000)


async def _asked_until(asker: NodeRoll, wanted: int) -> Sequence[NodeReport]:
    """What so many others say, as soon as there are so many: a node is not heard of at once."""
    async with asyncio.timeout(60):
        while True:
            found = await asker.others(lambda heard: len(heard) >= wanted, least_s=0, most_s=0.5)
            if len(found) >= wanted:
                return found


class NodeRollSuite:
    """The promises of ports/node_roll, one test each."""

    async def test_nodes_tell_each_other_all_of_their_reports(
        self, node: Callable[[str], NodeRoll]
    ) -> None:
        one, two = node("one"), node("two")
        with one.answering(lambda: ONE), two.answering(lambda: YOUNG):
            assert await _asked_until(two, 1) == [ONE]
            assert await _asked_until(one, 1) == [YOUNG]

    async def test_a_node_that_does_not_answer_may_ask(
        self, node: Callable[[str], NodeRoll]
    ) -> None:
        with node("one").answering(lambda: ONE), node("two").answering(lambda: YOUNG):
            found = await _asked_until(node("three"), 2)
        assert sorted(each.node for each in found) == ["one", "two"]

    async def test_each_question_is_answered_anew(self, node: Callable[[str], NodeRoll]) -> None:
        numbers = count(1)
        with node("one").answering(lambda: replace(ONE, accepted=next(numbers))):
            (first,) = await _asked_until(node("two"), 1)
            (second,) = await _asked_until(node("two"), 1)
        assert second.accepted > first.accepted

    async def test_questions_at_the_same_time_have_answers_of_their_own(
        self, node: Callable[[str], NodeRoll]
    ) -> None:
        with node("one").answering(lambda: ONE):
            found = await asyncio.gather(*(_asked_until(node("two"), 1) for _ in range(20)))
        assert found == [[ONE]] * 20

    async def test_the_asker_is_not_among_the_others(self, node: Callable[[str], NodeRoll]) -> None:
        one, two = node("one"), node("two")
        with one.answering(lambda: ONE), two.answering(lambda: YOUNG):
            await _asked_until(two, 1)
            assert await one.others(bool, least_s=0.3, most_s=60) == [YOUNG]

    async def test_without_others_the_asker_waits_no_longer_than_it_said(
        self, node: Callable[[str], NodeRoll]
    ) -> None:
        one = node("one")
        with one.answering(lambda: ONE):
            async with asyncio.timeout(60):
                assert await one.others(lambda heard: False, least_s=0.01, most_s=0.1) == []

    async def test_a_node_that_ends_answers_no_more(self, node: Callable[[str], NodeRoll]) -> None:
        one, two, three = node("one"), node("two"), node("three")
        with two.answering(lambda: YOUNG):
            with one.answering(lambda: ONE):
                assert len(await _asked_until(three, 2)) == 2
            await _asked_until(one, 1)  # What it has said before, the engine has heard.
            assert await three.others(bool, least_s=0.3, most_s=60) == [YOUNG]
