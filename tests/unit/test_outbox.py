"""kit/outbox: what is written together, and what one peer that has gone does to the others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from chappe.kit.outbox import Outbox

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return factory


async def ends() -> tuple[asyncio.Transport, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    return transport, theirs


def test_nothing_leaves_before_the_turn_ends(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        transport, theirs = await ends()
        outbox.add(transport, b"a")
        outbox.add(transport, b"b")
        with pytest.raises(BlockingIOError):
            theirs.recv(10)
        assert await loop.sock_recv(theirs, 10) == b"ab"
        transport.close()
        theirs.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


def test_a_connection_that_was_closed_meanwhile_takes_nothing_from_the_others(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        gone, _ = closed = await ends()
        stays, theirs = await ends()
        gone.abort()  # what is under way on it learns so only in the loop's next turn
        outbox.add(gone, b"a")
        outbox.add(stays, b"b")
        async with asyncio.timeout(60):
            assert await loop.sock_recv(theirs, 10) == b"b"
        stays.close()
        for end in (theirs, closed[1]):
            end.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
