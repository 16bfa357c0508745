"""What every lease must do. Subclass it with a fixture `node`, which gives one node's leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chappe.domain.errors import Fenced
from chappe.ports.shard_lease import ShardLease

TTL_S = 0.4


class ShardLeaseSuite:
    """The promises of ports/shard_lease, one test each."""

    async def test_one_node_at_a_time_holds_a_lease(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        one, two = node("one"), node("two")
        await one.acquire("default.0", ttl_s=60)
        waiting = asyncio.ensure_future(two.acquire("default.0", ttl_s=60))
        done, _ = await asyncio.wait((waiting,), timeout=0.3)
        waiting.cancel()
        assert not done

    async def test_a_released_lease_is_free_at_once(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        one, two = node("one"), node("two")
        await one.acquire("default.0", ttl_s=60)
        await one.release("default.0")
        async with asyncio.timeout(5):
            await two.acquire("default.0", ttl_s=60)
        with pytest.raises(Fenced):
            await one.renew("default.0")

    async def test_a_lease_that_is_not_renewed_is_lost(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        one, two = node("one"), node("two")
        await one.acquire("default.0", ttl_s=TTL_S)
        async with asyncio.timeout(10):
            await two.acquire("default.0", ttl_s=TTL_S)
        with pytest.raises(Fenced):
            await one.renew("default.0")

    async def test_a_lease_that_is_renewed_is_kept(self, node: Callable[[str], ShardLease]) -> None:
        one, two = node("one"), node("two")
        await one.acquire("default.0", ttl_s=TTL_S)
        waiting = asyncio.ensure_future(two.acquire("default.0", ttl_s=TTL_S))
        for _ in range(15):
            await asyncio.wait((waiting,), timeout=TTL_S / 8)
            await one.renew("default.0")
        waiting.cancel()
        assert not waiting.done()

    async def test_a_node_that_comes_back_takes_its_own_lease_at_once(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        await node("one").acquire("default.0", ttl_s=60)
        async with asyncio.timeout(5):
            await node("one").acquire("default.0", ttl_s=60)

    async def test_shards_are_leased_apart(self, node: Callable[[str], ShardLease]) -> None:
        await node("one").acquire("default.0", ttl_s=60)
        async with asyncio.timeout(5):
            await node("two").acquire("default.1", ttl_s=60)

    async def test_releasing_what_is_not_held_does_nothing(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        one, two = node("one"), node("two")
        await one.acquire("default.0", ttl_s=60)
        await two.release("default.0")
        await one.renew("default.0")

    async def test_everybody_is_told_who_holds_a_lease(
        self, node: Callable[[str], ShardLease]
    ) -> None:
        one, two = node("one"), node("two")
        assert await two.holder("default.0") is None
        await one.acquire("default.0", ttl_s=60)
        assert [await each.holder("default.0") for each in (one, two)] == ["one", "one"]
        assert await two.holder("default.1") is None
        await one.release("default.0")
        assert await two.holder("default.0") is None
