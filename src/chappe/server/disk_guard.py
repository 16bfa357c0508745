"""Stops ingest before the disk is full.

An engine whose disk is full keeps what it has acknowledged, but refuses every write from then on, also
when there is room again, until it is restarted (nats-server 2.15.1). So the hub stops taking events in
while there is room left for what must still be written: cursors, attempts, dead letters, the registry.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from chappe.domain.errors import OutOfSpace
from chappe.ports.clock import Clock

LOOK_EVERY_S = 2.0
ROOM = 1.25
"""Ingest goes on when so many times the least free space is free, lest it stop and go."""

_log = logging.getLogger("chappe")


class DiskGuard:
    """Looks at the free space; `check` is asked before each event."""

    def __init__(
        self,
        data: Path,
        min_free_bytes: int,
        clock: Clock,
        on_room: Callable[[], Awaitable[None]],
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """`on_room` is called when there is room again, before ingest goes on."""
        self._data = data
        self._min_free = min_free_bytes
        self._clock = clock
        self._on_room = on_room
        self._free_bytes = free_bytes
        self._free = 0
        self.is_full = False

    @property
    def free_bytes(self) -> int:
        """What was free when it looked last."""
        return self._free

    def check(self) -> None:
        """Let an event pass.

        Raises:
            OutOfSpace: there is too little room.
        """
        if self.is_full:
            raise OutOfSpace(
                f"disk: {self._free} bytes are free under {self._data}; below min_free_bytes "
                f"({self._min_free}) the hub takes no events"
            )

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            self._free = self._free_bytes(self._data)
            if not self.is_full and self._free < self._min_free:
                self.is_full = True
                _log.error(
                    "disk nearly full: %d bytes free under %s; no events are taken in",
                    self._free,
                    self._data,
                )
            elif self.is_full and self._free >= self._min_free * ROOM:
                await self._on_room()
                self.is_full = False
                _log.info("there is room on the disk again; events are taken in")
            await self._clock.sleep(LOOK_EVERY_S)
