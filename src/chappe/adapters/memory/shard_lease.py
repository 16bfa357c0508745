"""The reference lease, for nodes that share a process."""

from __future__ import annotations

from dataclasses import dataclass, field

from chappe.domain.errors import Fenced
from chappe.ports.clock import Clock
from chappe.ports.shard_lease import ShardLease


@dataclass(slots=True)
class Held:
    """Who holds what, until when (monotonic seconds); shared by the nodes."""

    until_s: dict[str, tuple[str, float, float]] = field(default_factory=dict)


class MemoryShardLease:
    """One node's view of the leases in `held`."""

    def __init__(self, held: Held, clock: Clock, *, node: str) -> None:
        self._held = held
        self._clock = clock
        self._node = node

    async def acquire(self, shard: str, *, ttl_s: float) -> None:
        """Wait until this node holds the lease."""
        while True:
            holder = self._held.until_s.get(shard)
            now_s = self._clock.monotonic_s()
            if holder is None or holder[0] == self._node or holder[1] <= now_s:
                self._held.until_s[shard] = (self._node, now_s + ttl_s, ttl_s)
                return
            await self._clock.sleep(min(holder[1] - now_s, ttl_s / 4))

    async def renew(self, shard: str) -> None:
        """Hold on for another time to live."""
        holder = self._held.until_s.get(shard)
        if holder is None or holder[0] != self._node:
            raise Fenced(f"lease of {shard}: {holder[0] if holder else 'nobody'} holds it")
        ttl_s = holder[2]
        self._held.until_s[shard] = (self._node, self._clock.monotonic_s() + ttl_s, ttl_s)

    async def holder(self, shard: str) -> str | None:
        """The node that took the lease last and has not let go."""
        holder = self._held.until_s.get(shard)
        return None if holder is None else holder[0]

    async def release(self, shard: str) -> None:
        """Let go."""
        holder = self._held.until_s.get(shard)
        if holder is not None and holder[0] == self._node:
            del self._held.until_s[shard]


_: type[ShardLease] = MemoryShardLease
