"""Which nodes there are: whoever asks is told by those that run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeAlias

from chappe.domain.node import NodeReport

MOST_NODES: Final = 500
"""Answers to one question that are heard: far more than a hub has, so that none takes much memory."""

Reporting: TypeAlias = Callable[[], NodeReport]
Enough: TypeAlias = Callable[[Sequence[NodeReport]], bool]


class NodeRoll(Protocol):
    """The nodes of a hub, each of which speaks for itself.

    Nothing is kept about nodes, and nothing is sent while nobody asks.
    """

    def answering(self, report: Reporting) -> AbstractContextManager[None]:
        """Answer what other nodes ask while the context lasts; `report` is called for each question."""
        ...

    async def others(
        self, enough: Enough, *, least_s: float, most_s: float
    ) -> Sequence[NodeReport]:
        """What the other nodes say of themselves, in any order; the asker is not among them.

        Whoever answers within `least_s` is heard; then those that come until `enough` holds of all
        that were heard, and nobody after `most_s`. An answer that cannot be read, of another version
        perhaps, is passed over with a line in the log, and so are those after `MOST_NODES`.

        Not promised: that a node which runs is heard. One that is cut off, or does not come to
        answer in time, is as silent as one that is dead.

        Raises:
            Unavailable: the engine is away, so that nobody can be heard.
        """
        ...
