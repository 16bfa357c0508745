"""Small writes to many connections, made together at the end of a turn of the event loop."""

from __future__ import annotations

import asyncio


class Outbox:
    """What is to be written in this turn of the loop.

    A write to a peer that waits wakes it, and waking costs more than the write. Peers whose turn
    comes together are written to together, so most are awake by then.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def add(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write it at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        """Write everything now."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            # One that was closed meanwhile may raise, and the others must get theirs.
            if not transport.is_closing():
                transport.write(data)
