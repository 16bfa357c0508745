"""The reference roll, for nodes that share a process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from chappe.domain.node import NodeReport
from chappe.formats.node_json import decode_node, encode_node
from chappe.ports.node_roll import MOST_NODES, Enough, NodeRoll, Reporting


@dataclass(slots=True)
class Present:
    """Who answers, shared by the nodes."""

    answering: list[tuple[MemoryNodeRoll, Reporting]] = field(default_factory=list)


class MemoryNodeRoll:
    """One node among those that share `present`; nobody needs time to answer."""

    def __init__(self, present: Present | None = None) -> None:
        self._present = present or Present()

    @contextmanager
    def answering(self, report: Reporting) -> Iterator[None]:
        """Answer what other nodes ask while the context lasts."""
        mine = (self, report)
        self._present.answering.append(mine)
        try:
            yield
        finally:
            self._present.answering.remove(mine)

    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        """What the other nodes say of themselves."""
        del enough, least_s, most_s  # Whoever can answer has answered.
        there = [report for node, report in self._present.answering if node is not self]
        return [decode_node(encode_node(report())) for report in there[:MOST_NODES]]


_: type[NodeRoll] = MemoryNodeRoll
