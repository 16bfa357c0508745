"""The log into the index: what stands where, and what became of it.

One follower for each channel on each node. The attempts channel is followed like any other; its events
carry rows of the delivery log.
"""

from __future__ import annotations

from collections.abc import Sequence

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import ATTEMPTS, Block, Channel
from chappe.formats.attempts import decode_attempts
from chappe.kit.latest import Latest
from chappe.ports.event_index import EventIndex
from chappe.ports.event_log import EventLog


class Observe:
    """Keeps the index of one channel up with the log."""

    def __init__(
        self,
        log: EventLog,
        index: EventIndex,
        channel: Channel,
        reached: Latest[int],
    ) -> None:
        self._log = log
        self._index = index
        self._channel = channel
        self._reached = reached

    async def __call__(self) -> None:
        """Follow the channel for ever."""
        self._reached.set(await self._index.reached(self._channel.name))
        async for blocks in self._log.follow(self._channel, None, self._reached.value):
            await self._index.add(self._channel.name, blocks, self._attempts(blocks))
            self._reached.set(blocks[-1].seq)

    def _attempts(self, blocks: Sequence[Block]) -> Sequence[AttemptRow]:
        if self._channel.name != ATTEMPTS:
            return ()
        return [row for block in blocks for event in block.events for row in decode_attempts(event)]
