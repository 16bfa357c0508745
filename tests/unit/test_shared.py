"""kit/shared: one connection for a key, opened once, kept while it is used, closed when it rests."""

from __future__ import annotations

import asyncio

import pytest

from chappe.kit.dial import NotConnected
from chappe.kit.shared import Shared


class Connection:
    def __init__(self, key: str) -> None:
        self.key = key
        self.usable = True
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self.usable = False


class Opening:
    """Opens connections, or fails as often as it is told."""

    def __init__(self, *, failures: int = 0) -> None:
        self.opened: list[Connection] = []
        self.tries = 0
        self._failures = failures

    async def __call__(self, key: str) -> Connection:
        self.tries += 1
        await asyncio.sleep(0)
        if self.tries <= self._failures:
            raise NotConnected(f"try {self.tries} failed")
        self.opened.append(Connection(key))
        return self.opened[-1]


def shared(opening: Opening, *, most: int = 2, idle_s: float = 60.0) -> Shared[str, Connection]:
    return Shared(opening, most=most, idle_s=idle_s)


async def test_all_who_ask_at_once_get_one_connection() -> None:
    opening = Opening()
    pool = shared(opening)

    async def use() -> Connection:
        async with pool.hold("a") as connection:
            await asyncio.sleep(0)
            return connection

    assert len(set(await asyncio.gather(*(use() for _ in range(50))))) == 1
    assert opening.tries == 1


async def test_a_failed_try_is_shared_by_those_who_waited_for_it_and_the_next_tries_again() -> None:
    opening = Opening(failures=1)
    pool = shared(opening)

    async def use() -> Connection:
        async with pool.hold("a") as connection:
            return connection

    said = await asyncio.gather(*(use() for _ in range(5)), return_exceptions=True)
    assert [str(one) for one in said] == ["try 1 failed"] * 5
    assert pool.open_connections == 0
    assert (await use()).key == "a"
    assert opening.tries == 2


async def test_one_that_is_not_usable_is_replaced_and_closed_after_its_last_use() -> None:
    pool = shared(Opening())
    async with pool.hold("a") as first:
        first.usable = False
        async with pool.hold("a") as second:
            assert second is not first
            assert not first.closed
    assert first.closed
    assert not second.closed
    pool.close()
    assert second.closed


async def test_what_rests_makes_room_and_what_is_used_does_not() -> None:
    pool = shared(Opening())
    async with pool.hold("a") as used:
        async with pool.hold("b") as resting:
            with pytest.raises(NotConnected, match="all 2 are in use"):
                async with pool.hold("c"):
                    pass
        async with pool.hold("c"):
            assert resting.closed
        assert not used.closed
    assert pool.open_connections == 2


async def test_what_nobody_uses_is_closed() -> None:
    pool = shared(Opening(), idle_s=0.0)
    async with pool.hold("a") as connection:
        pass
    async with asyncio.timeout(60):
        while pool.open_connections:  # noqa: ASYNC110 - a timer of the loop
            await asyncio.sleep(0)
    assert connection.closed


async def test_who_gives_up_while_it_is_opened_leaves_it_to_the_others() -> None:
    opening = Opening()
    pool = shared(opening)

    async def use() -> Connection:
        async with pool.hold("a") as connection:
            return connection

    first, second = asyncio.create_task(use()), asyncio.create_task(use())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).key == "a"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_nothing_is_opened_once_it_is_closed() -> None:
    pool = shared(Opening())
    pool.close()
    with pytest.raises(NotConnected, match="closed"):
        async with pool.hold("a"):
            pass
