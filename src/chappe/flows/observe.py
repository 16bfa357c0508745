"""The log into the index: what stands where, and what became of it.

One follower for each channel on each node. The attempts channel is followed like any other; its events
carry rows of the delivery log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, Block, Channel
from chappe.formats.attempts import decode_attempts
from chappe.kit.latest import Latest
from chappe.kit.supervise import Supervisor
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex
from chappe.ports.event_log import EventLog

GATHER_S = 0.05
"""The least time between two writes: each costs the loop some 100 µs, however little it holds."""

MOST_EVENTS = 20_000
"""Events gathered at the most; beyond, the follower waits for the index."""


class Observe:
    """Keeps the index of one channel up with the log."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        channel: Channel,
        reached: Latest[int],
        clock: Clock,
    ) -> None:
        self._log = log
        self._index = index
        self._channel = channel
        self._reached = reached
        self._clock = clock
        self._gathered: list[Block] = []
        self._events = 0
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def __call__(self) -> None:
        """Follow the channel for ever.

        Raises:
            Unavailable: the index or the engine failed; call again, it goes on where it stands. (In
                an ExceptionGroup.)
        """
        self._gathered.clear()
        self._events = 0
        self._reached.set(await self._index.reached(self._channel.name))
        async with Supervisor() as tasks:
            tasks.start_soon(self._gather(), name=f"read {self._channel.name}")
            await self._write()

    async def _gather(self) -> None:
        async for blocks in self._log.follow(self._channel, None, self._reached.value):
            self._gathered += blocks
            self._events += sum(len(block.events) for block in blocks)
            self._came.set()
            if self._events >= MOST_EVENTS:
                self._room.clear()
                await self._room.wait()

    async def _write(self) -> None:
        written_s = self._clock.monotonic_s() - GATHER_S
        while True:
            await self._came.wait()
            # A quiet channel is indexed at once, a busy one now and then.
            await self._clock.sleep(written_s + GATHER_S - self._clock.monotonic_s())
            written_s = self._clock.monotonic_s()
            blocks, self._gathered, self._events = self._gathered, [], 0
            self._came.clear()
            self._room.set()
            await self._index.add(self._channel.name, blocks, self._attempts(blocks))
            self._reached.set(blocks[-1].seq)

    def _attempts(self, blocks: Sequence[Block]) -> Sequence[AttemptRow]:
        if self._channel.name != ATTEMPTS:
            return ()
        return [row for block in blocks for event in block.events for row in decode_attempts(event)]
