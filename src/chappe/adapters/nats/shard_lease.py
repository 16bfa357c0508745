"""Leases on JetStream: one message a shard, taken and renewed by compare-and-set on its sequence.

No clocks are compared: whoever wants a lease watches its sequence, and takes it when it has not moved
for a whole time to live by the watcher's own clock. The stream is kept in memory, so renewing costs
no sync; a single engine that restarts has forgotten it, so whoever misses it makes it again. The first
to come then holds the lease, and the fence of the cursors keeps that harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from chappe.adapters.nats.connection import Connection, WrongSequence
from chappe.adapters.nats.jetstream import ensure_stream
from chappe.domain.errors import Fenced, Unavailable
from chappe.ports.clock import Clock
from chappe.ports.shard_lease import ShardLease

STREAM = "LEASES"

T = TypeVar("T")


class _Held(msgspec.Struct, frozen=True):
    node: str
    ttl_s: float
    released: bool = False


class NatsShardLease:
    """One node's leases."""

    def __init__(self, connection: Connection, clock: Clock, *, node: str, replicas: int) -> None:
        self._connection = connection
        self._clock = clock
        self._node = node
        self._replicas = replicas
        self._mine: dict[str, tuple[int, float]] = {}

    async def open(self) -> None:
        """Make the stream, or take the one that exists."""
        await ensure_stream(
            self._connection,
            STREAM,
            {
                "subjects": ["LEASE.>"],
                "storage": "memory",
                "max_msgs_per_subject": 1,
                "num_replicas": self._replicas,
                "allow_direct": True,
            },
        )

    async def acquire(self, shard: str, *, ttl_s: float) -> None:
        """Wait until this node holds the lease."""
        watched, since_s = -1, 0.0
        while True:
            seq, held = await self._in_stream(lambda: self._read(shard))
            if held is None or held.released or held.node == self._node:
                if await self._take(shard, seq, ttl_s):
                    return
                continue
            now_s = self._clock.monotonic_s()
            if seq != watched:
                watched, since_s = seq, now_s
            elif now_s - since_s >= held.ttl_s and await self._take(shard, seq, ttl_s):
                return
            await self._clock.sleep(held.ttl_s / 8)

    async def renew(self, shard: str) -> None:
        """Hold on for another time to live."""
        seq, ttl_s = self._mine.get(shard, (0, 0.0))
        if not seq:
            raise Fenced(f"lease of {shard}: {self._node} does not hold it")
        if await self._in_stream(lambda: self._take(shard, seq, ttl_s)):
            return
        seq, held = await self._read(shard)
        if held is not None and held.node != self._node:
            raise Fenced(f"lease of {shard}: {held.node} holds it")
        if not await self._take(shard, seq, ttl_s):
            raise Fenced(f"lease of {shard}: another node took it")

    async def holder(self, shard: str) -> str | None:
        """The node that took the lease last and has not let go."""
        _, held = await self._read(shard)
        return None if held is None or held.released else held.node

    async def release(self, shard: str) -> None:
        """Let go."""
        seq, ttl_s = self._mine.pop(shard, (0, 0.0))
        if seq:
            await self._take(shard, seq, ttl_s, released=True)
            self._mine.pop(shard, None)

    async def _in_stream(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the engine answers; once more with the stream made again, if it is gone."""
        try:
            return await ask()
        except Unavailable:
            await self.open()
            return await ask()

    async def _read(self, shard: str) -> tuple[int, _Held | None]:
        message = await self._connection.get_last(STREAM, f"LEASE.{shard}")
        if message is None:
            return 0, None
        return message.stream_seq, msgspec.json.decode(message.payload, type=_Held)

    async def _take(self, shard: str, seq: int, ttl_s: float, *, released: bool = False) -> bool:
        held = _Held(self._node, ttl_s, released)
        try:
            # What is asked of a stream that has lost its leader is never answered: ask again in time.
            async with asyncio.timeout(ttl_s):
                ack = await self._connection.publish(
                    f"LEASE.{shard}",
                    msgspec.json.encode(held),
                    {"Nats-Expected-Last-Subject-Sequence": str(seq)},
                )
        except WrongSequence:
            return False
        except TimeoutError:
            raise Unavailable(f"lease of {shard}: no answer within {ttl_s:g} s") from None
        self._mine[shard] = (ack.seq, ttl_s)
        return True


_: type[ShardLease] = NatsShardLease
