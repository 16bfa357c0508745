"""Who did what: gathered for some milliseconds, and appended to the channel `audit`.

A request is answered when it is done, not when it is told of: no append stands in its way. What a
registry write did and who did it stands in its transaction, too; a node that is killed in between
loses the event alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from chappe.domain.audit import Audited
from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.domain.event import Event
from chappe.formats.audit_json import encode_audited
from chappe.formats.times import rfc3339
from chappe.ports.audit import Audit
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog

GATHER_S: Final = 0.05
AGAIN_S: Final = 1.0
MOST_EVENTS: Final = 1_000
"""Events in one append: as many as a block takes."""
MOST_WAITING: Final = 10_000
"""Events that wait for an engine which does not answer; some 5 MB."""
MOST_REFUSALS: Final = 20
"""Of what was refused or failed, so many a second are told: who may do nothing must not fill the log."""

_log = logging.getLogger("chappe.audit")


class AuditTrail:
    """Tells what was done in the order in which it was recorded."""

    def __init__(
        self, log: EventLog, channel: Channel, clock: Clock, new_id: Callable[[], str], node: str
    ) -> None:
        self._log = log
        self._channel = channel
        self._clock = clock
        self._new_id = new_id
        self._node = node
        self._waiting: deque[Event] = deque()
        self._left_out = 0
        self._second = -1
        self._told = 0
        self._came = asyncio.Event()
        self._writing = asyncio.Lock()

    def record(self, one: Audited) -> None:
        """See the port."""
        if len(self._waiting) >= MOST_WAITING or (one.outcome != "done" and not self._may_tell()):
            self._left_out += 1
            return
        left_out, self._left_out = self._left_out, 0
        self._waiting.append(
            encode_audited(
                one,
                id=self._new_id(),
                node=self._node,
                time=rfc3339(self._clock.now_ms()),
                left_out=left_out,
            )
        )
        self._came.set()

    def new_correlation(self) -> str:
        """See the port."""
        return self._new_id()

    async def flush(self) -> None:
        """Write what was recorded so far; done once it is on disk.

        Raises:
            Unavailable: the engine did not acknowledge; what was recorded is kept for the next flush.
        """
        async with self._writing:
            left = len(self._waiting)
            while left:
                events = [self._waiting[at] for at in range(min(left, MOST_EVENTS))]
                await self._log.append_all(self._channel, events)
                for _ in events:
                    self._waiting.popleft()
                left -= len(events)

    async def run(self) -> None:
        """Flush now and then, for ever."""
        while True:
            await self._came.wait()
            self._came.clear()
            await self._clock.sleep(GATHER_S)
            try:
                await self.flush()
            except Unavailable as error:
                _log.warning("audit: %s; %d events wait", error, len(self._waiting))
                self._came.set()
                await self._clock.sleep(AGAIN_S)

    def _may_tell(self) -> bool:
        second = int(self._clock.monotonic_s())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= MOST_REFUSALS


_: type[Audit] = AuditTrail
