"""Who owns a shard: a lease with a time to live."""

from __future__ import annotations

from typing import Protocol


class ShardLease(Protocol):
    """At most one node believes for long that it owns a shard; the cursors' fence does the rest.

    A lease alone can't keep two owners apart (a node may sleep through its end). What makes a second
    owner harmless is `Cursors`: the first write of the next owner voids those of the last.
    """

    async def acquire(self, shard: str, *, ttl_s: float) -> None:
        """Wait until this node holds the lease of `shard` (such as "default.2").

        A holder that stopped renewing loses it after its `ttl_s`; a released one is free at once. A
        node that comes back under its own name takes its own lease at once.
        """
        ...

    async def renew(self, shard: str) -> None:
        """Hold on for another time to live.

        Raises:
            Fenced: another node took it.
            Unavailable: the engine did not answer; try again before the time is up.
        """
        ...

    async def holder(self, shard: str) -> str | None:
        """The node that took the lease last and has not let go; None: nobody has it.

        Not promised: that the node still runs. One that died is told until another takes the lease.

        Raises:
            Unavailable: the engine did not answer.
        """
        ...

    async def release(self, shard: str) -> None:
        """Let go, so that another node need not wait. Never raises Fenced."""
        ...
