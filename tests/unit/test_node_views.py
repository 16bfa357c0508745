"""What the nodes of a hub say, in words: which shards, and what is amiss."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.client.node_views import Missing, Node, Roll, finding, shards_said


def node(name: str, *, answers: bool = False, **more: object) -> Node:
    told = {"version": "0.1.0", "started": "2026-03-02T07:14:00Z", "registry_revision": 12}
    return Node(node=name, answers=answers, **{**told, **more})  # type: ignore[arg-type]


HERE = node("n-1", answers=True)


@pytest.mark.parametrize(
    ("shards", "said"),
    [
        ([], ""),
        (["default.0"], "default 0"),
        (["default.10", "default.9", "default.1", "orders-eu.0"], "default 1,9-10; orders-eu 0"),
    ],
)
def test_shards_are_said_by_channel_with_what_hangs_together(
    shards: Sequence[str], said: str
) -> None:
    assert shards_said(shards) == said


@given(st.sets(st.integers(0, 255)))
def test_nothing_of_the_shards_is_lost_in_saying_them(numbers: set[int]) -> None:
    said = shards_said(f"c.{one}" for one in numbers).removeprefix("c ")
    parts = [part.split("-") for part in said.split(",") if part]
    assert {n for part in parts for n in range(int(part[0]), int(part[-1]) + 1)} == numbers


@pytest.mark.parametrize(
    ("found", "verdict", "said"),
    [
        (Roll(nodes=[HERE]), "ok", "1 node answers: n-1"),
        (Roll(nodes=[HERE, node("n-2")]), "ok", "2 nodes answer: n-1, n-2"),
        (
            Roll(
                nodes=[HERE],
                complete=False,
                missing=[Missing(shard=f"default.{n}", node="n-2") for n in (0, 1, 3)],
            ),
            "warn",
            "1 node answers; n-2 does not answer (default 0-1,3)",
        ),
        (
            Roll(nodes=[HERE], complete=False, missing=[Missing(shard="default.2")]),
            "warn",
            "1 node answers; nobody delivers default 2",
        ),
        (
            Roll(nodes=[HERE], complete=False),
            "warn",
            "1 node answers; others cannot be asked while the engine is away",
        ),
        (
            Roll(nodes=[HERE, node("n-2", status="not ready", failing=["disk", "engine"])]),
            "warn",
            "2 nodes answer; n-2 is not ready: disk, engine",
        ),
        (
            Roll(nodes=[HERE, node("n-2", version="0.2.0", registry_revision=9)]),
            "warn",
            "2 nodes answer; n-2 is of version 0.2.0, not 0.1.0;"
            " n-2 is 3 revisions of the registry behind",
        ),
        (Roll(nodes=[HERE, node("n-2", registry_revision=14)]), "ok", "2 nodes answer: n-1, n-2"),
    ],
)
def test_the_finding_names_what_is_amiss(found: Roll, verdict: str, said: str) -> None:
    told = finding(found)
    assert (told.verdict, told.detail) == (verdict, said)
    assert bool(told.fix) is (verdict != "ok")


def test_many_nodes_are_counted_and_not_all_named() -> None:
    told = finding(Roll(nodes=[HERE, *(node(f"n-{n}") for n in range(20))]))
    assert told.detail.startswith("21 nodes answer: n-1, n-0")
    assert told.detail.endswith(", …")
