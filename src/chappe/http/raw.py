"""A connection that has left HTTP: bytes both ways, at the pace of either side (RFC 9110 7.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

HELD_BYTES: Final = 64 * 1024
"""What may have come and not been read, before the socket is left alone."""


class Socket(Protocol):
    """What carries the bytes (connection.Connection)."""

    def write(self, data: bytes) -> None: ...
    async def drained(self, within_s: float) -> None: ...
    def hold(self, *, reading: bool) -> None: ...
    def abort(self) -> None: ...


class Raw:
    """Reads and writes what is no HTTP any more; closed by who answered the request."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._held = bytearray()
        self._came = asyncio.Event()
        self._ended = False
        self._listening = True
        self.write: Callable[[bytes], None] = socket.write
        self.drained: Callable[[float], Awaitable[None]] = socket.drained
        self.abort: Callable[[], None] = socket.abort

    async def read(self) -> bytes:
        """What has come; waits for it. Empty when the client has gone."""
        while not self._held and not self._ended:
            self._came.clear()
            await self._came.wait()
        data = bytes(self._held)
        self._held.clear()
        if not self._listening:
            self._listening = True
            self._socket.hold(reading=True)
        return data

    def feed(self, data: bytes) -> None:
        """Something came."""
        self._held += data
        if len(self._held) > HELD_BYTES and self._listening:
            self._listening = False
            self._socket.hold(reading=False)
        self._came.set()

    def end(self) -> None:
        """The client has gone."""
        self._ended = True
        self._came.set()
