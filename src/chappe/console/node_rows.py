"""The hub's nodes as a table: those that answer, and those that should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chappe.client.node_views import Node, Roll, shards_said


@dataclass(frozen=True, slots=True)
class Row:
    """One node; `behind` is how many revisions of the registry, `strange` whether its version is another one's.

    `told` is None of a node that owns shards and does not answer.
    """

    name: str
    shards: str
    told: Node | None
    behind: int = 0
    strange: bool = False


def rows(found: Roll) -> Sequence[Row]:
    """By their names."""
    version = found.asked.version
    answered = [
        Row(one.node, shards_said(one.shards), one, found.behind(one), one.version != version)
        for one in found.nodes
    ]
    silent = [Row(name, shards_said(shards), None) for name, shards in found.silent.items()]
    return sorted((*answered, *silent), key=lambda one: one.name)
