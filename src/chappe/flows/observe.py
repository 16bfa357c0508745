"""The log into the index: what stands where, and what became of it.

One follower for each channel on each node. The attempts channel is followed like any other; its events
carry rows of the delivery log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, Block, Channel
from chappe.formats.attempts import decode_attempts
from chappe.kit.latest import Latest
from chappe.ports.clock import Clock
from chappe.ports.event_index import EventIndex
from chappe.ports.event_log import EventLog

GATHER_S = 0.05
"""The least time between two writes: each costs the loop some 100 µs, however little it holds."""

BACKLOG_BLOCKS = 128
"""So many blocks at once are a backlog, such as after a start without an index: no pause then."""


class Observe:
    """Keeps the index of one channel up with the log."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        channel: Channel,
        reached: Latest[int],
        clock: Clock,
        told: Callable[[Sequence[AttemptRow]], None] = lambda rows: None,
        came: Callable[[str, Sequence[Block]], None] = lambda channel, blocks: None,
    ) -> None:
        """`told` gets the rows of the delivery log as they come, `came` the blocks of the channel."""
        self._told = told
        self._came = came
        self._log = log
        self._index = index
        self._channel = channel
        self._reached = reached
        self._clock = clock

    async def __call__(self) -> None:
        """Follow the channel for ever.

        Raises:
            Unavailable: the index or the engine failed; call again, it goes on where it stands.
        """
        self._reached.set(await self._index.reached(self._channel.name))
        following = self._log.follow(self._channel, None, self._reached.value)
        async with aclosing(following):
            async for blocks in following:
                began_s = self._clock.monotonic_s()
                rows = self._attempts(blocks)
                self._told(rows)
                self._came(self._channel.name, blocks)
                await self._index.add(self._channel.name, blocks, rows)
                self._reached.set(blocks[-1].seq)
                # A quiet channel is indexed at once, a busy one now and then: what comes meanwhile
                # waits with the log, and wakes nobody.
                if len(blocks) < BACKLOG_BLOCKS:
                    await self._clock.sleep(began_s + GATHER_S - self._clock.monotonic_s())

    def _attempts(self, blocks: Sequence[Block]) -> Sequence[AttemptRow]:
        if self._channel.name != ATTEMPTS:
            return ()
        return [row for block in blocks for event in block.events for row in decode_attempts(event)]
