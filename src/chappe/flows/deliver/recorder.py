"""The delivery log: attempts are gathered for some milliseconds and written as one event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chappe.domain.attempt import AttemptRow
from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.formats.attempts import encode_attempts
from chappe.formats.times import rfc3339
from chappe.ports.clock import Clock
from chappe.ports.event_log import EventLog

GATHER_S = 0.05
ROWS = 1_000
"""Rows in one event: some 100 kB, so that the trace of one event need not decode more."""


class AttemptRecorder:
    """Writes rows in the order in which they came; `flush` waits for all that came before it."""

    def __init__(
        self, log: EventLog, channel: Channel, clock: Clock, new_id: Callable[[], str], node: str
    ) -> None:
        self._log = log
        self._channel = channel
        self._clock = clock
        self._new_id = new_id
        self._node = node
        self._rows: list[AttemptRow] = []
        self._recorded = 0
        self._written = 0
        self._came = asyncio.Event()
        self._writing = asyncio.Lock()

    def record(self, row: AttemptRow) -> None:
        """Keep the row; it is on disk after the next flush."""
        self._rows.append(row)
        self._recorded += 1
        self._came.set()

    async def flush(self) -> None:
        """Write what was recorded so far; done once it is on disk.

        What is recorded meanwhile is not waited for: under load it would never end.

        Raises:
            Unavailable: the engine did not acknowledge; the rows are kept for the next flush.
        """
        last = self._recorded
        async with self._writing:
            while self._written < last:
                rows = self._rows[:ROWS]
                event = encode_attempts(
                    rows,
                    id=self._new_id(),
                    node=self._node,
                    time=rfc3339(self._clock.now_ms()),
                )
                await self._log.append(self._channel, event)
                del self._rows[: len(rows)]
                self._written += len(rows)

    async def run(self) -> None:
        """Flush now and then, for ever."""
        while True:
            await self._came.wait()
            self._came.clear()
            await self._clock.sleep(GATHER_S)
            try:
                await self.flush()
            except Unavailable:
                self._came.set()
                await self._clock.sleep(1.0)
