"""The reference calls, for nodes that share a process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chappe.domain.errors import Unavailable
from chappe.ports.shard_calls import Answer, ShardCalls


@dataclass(slots=True)
class Served:
    """Who answers for which shard, the newest last; shared by the nodes."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)


class MemoryShardCalls:
    """One node's calls among those that share `served`."""

    def __init__(self, served: Served | None = None) -> None:
        self._served = served or Served()

    @contextmanager
    def serving(self, shard: str, answer: Answer) -> Iterator[None]:
        """Answer what is asked of the shard while the context lasts."""
        answers = self._served.answers.setdefault(shard, [])
        answers.append(answer)
        try:
            yield
        finally:
            answers.remove(answer)

    async def ask(self, shard: str, question: bytes, *, timeout_s: float) -> bytes:
        """The answer of the node that serves the shard."""
        answers = self._served.answers.get(shard)
        if not answers:
            raise Unavailable(f"shard {shard}: no node owns it now")
        try:
            async with asyncio.timeout(timeout_s):
                return await answers[-1](question)
        except TimeoutError:
            raise Unavailable(f"shard {shard}: no answer within {timeout_s:g} s") from None


_: type[ShardCalls] = MemoryShardCalls
