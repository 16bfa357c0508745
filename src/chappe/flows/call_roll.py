"""Asking which nodes there are: each tells of itself, and the leases tell who should have answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.domain.channel import UNDELIVERED, Channel
from chappe.domain.errors import Unavailable
from chappe.domain.node import NodeReport
from chappe.ports.node_roll import NodeRoll, Reporting

LEAST_S: Final = 0.3
"""How long everybody is waited for: nobody knows of a node that owns nothing."""
MOST_S: Final = 1.0
"""How long the owners of shards are: a busy node is slow to answer, and that is when one asks."""
LOOKED_UP: Final = 32
"""Owners of shards that nobody answered for are asked of the engine for so many of them, at most."""

_log = logging.getLogger("chappe.nodes")


@dataclass(frozen=True, slots=True)
class Missing:
    """A shard that no node answered for; `node` holds its lease, "" where nobody does or it is not known."""

    shard: str
    node: str = ""


@dataclass(frozen=True, slots=True)
class Roll:
    """The nodes that answered, and what is missing.

    `own` is the node that was asked. The roll is `complete` where each shard's owner has answered; a
    node without shards may be missing all the same. While the engine is away it is not complete,
    and nobody knows what is missing.
    """

    own: NodeReport
    others: Sequence[NodeReport] = ()
    missing: Sequence[Missing] = ()
    complete: bool = True

    @property
    def nodes(self) -> Sequence[NodeReport]:
        """All, by name."""
        return sorted((self.own, *self.others), key=lambda one: (one.node, one.host, one.pid))


class CallRoll:
    """Asks all nodes; however many ask here, other nodes are asked once at a time."""

    def __init__(
        self,
        roll: NodeRoll,
        report: Reporting,
        channels: Callable[[], Mapping[str, Channel]],
        holder: Callable[[str], Awaitable[str | None]],
        *,
        alone: bool = False,
    ) -> None:
        """`holder` tells who has a shard's lease; `alone`: the engine is this node's own, so nobody is waited for."""
        self._roll = roll
        self._report = report
        self._channels = channels
        self._holder = holder
        self._least_s, self._most_s = (0.0, 0.0) if alone else (LEAST_S, MOST_S)
        self._turn = asyncio.Lock()
        self._came = 0
        self._last: tuple[int, Roll] | None = None

    async def __call__(self) -> Roll:
        """The nodes now; where the engine is away, this one alone."""
        self._came = mine = self._came + 1
        async with self._turn:
            if self._last is not None and self._last[0] >= mine:
                return self._last[1]  # Another who waited with this one has asked since.
            waiting = self._came
            found = await self._ask()
            self._last = waiting, found
            return found

    async def _ask(self) -> Roll:
        # Before the others: what they say of the registry is then no older.
        own = self._report()
        wanted = _delivered(self._channels().values())

        def unheard(others: Sequence[NodeReport]) -> list[str]:
            heard = {shard for one in (own, *others) for shard in one.shards}
            return [shard for shard in wanted if shard not in heard]

        try:
            others = await self._roll.others(
                lambda heard: not unheard(heard), least_s=self._least_s, most_s=self._most_s
            )
            shards = unheard(others)
            missing = await self._missing(shards, {one.node for one in (own, *others)})
        except Unavailable as error:
            _log.warning("this node tells of itself alone: %s", error)
            return Roll(own, complete=False)
        return Roll(own, others, missing, complete=not missing)

    async def _missing(self, shards: Sequence[str], heard: Collection[str]) -> list[Missing]:
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(MOST_S):
                for shard in shards[:LOOKED_UP]:
                    found[shard] = await self._holder(shard) or ""
        except (Unavailable, TimeoutError) as error:
            _log.warning("who owns %s is not known: %s", ", ".join(shards[:3]), error)
        # Who answered and still has the lease has only just taken it, or is letting go.
        return [
            Missing(one, "" if found.get(one) in heard else found.get(one, "")) for one in shards
        ]


def _delivered(channels: Collection[Channel]) -> Sequence[str]:
    """Every shard that somebody has to own."""
    return [
        f"{channel.name}.{shard}"
        for channel in channels
        if channel.name not in UNDELIVERED
        for shard in range(channel.shards)
    ]
