"""Asking the owner of a shard, whichever node that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

Answer: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Answers one question; an Unavailable that it raises is raised where the question was asked."""


class ShardCalls(Protocol):
    """Questions to the node that owns a shard, and its answers."""

    def serving(self, shard: str, answer: Answer) -> AbstractContextManager[None]:
        """Answer what is asked of `shard` (such as "default.2") while the context lasts.

        Questions are answered at the same time, in any order. Not promised: that only one node serves
        a shard. While a lease moves two may, and a question goes to either: an answer must be right
        then, too.
        """
        ...

    async def ask(self, shard: str, question: bytes, *, timeout_s: float) -> bytes:
        """The answer of the node that serves the shard, this one or another.

        Raises:
            Unavailable: nobody serves it, the answer says so, or none came in time. What was asked for
                may or may not have been done.
        """
        ...
