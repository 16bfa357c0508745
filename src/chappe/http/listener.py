"""The HTTP server: connections on one address, inside the hub's own loop (ADR 0004)."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from chappe.domain.errors import InvalidSetting
from chappe.http.call import Call, WholeCall
from chappe.http.connection import Connection
from chappe.http.exchange import Response
from chappe.kit.outbox import Outbox
from chappe.kit.supervise import Supervisor

BACKLOG: Final = 2048
FINISH_WITHIN_S: Final = 30.0

_log = logging.getLogger("chappe.http")


def bind(host: str, port: int) -> socket.socket:
    """Take the address (port 0: any that is free), so that it is known before anything is served.

    Raises:
        InvalidSetting: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        # Else a restart would have to wait until the last connections are forgotten.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.setblocking(False)  # noqa: FBT003
    except (OSError, OverflowError) as error:
        bound.close()
        raise InvalidSetting(f"listen: {host}:{port}: {error}") from error
    return bound


class Served(Protocol):
    """What a listener serves."""

    def begin(self, call: WholeCall, answer: Callable[[Response], None]) -> bool:
        """Take a request that has arrived whole (connection.Begin); False: it goes to `handle`."""
        ...

    async def handle(self, call: Call) -> None:
        """Answer one request."""
        ...


class Listener:
    """Serves the app on a bound socket from `run` until `stop`."""

    def __init__(
        self, app: Served, bound: socket.socket, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._app = app
        self._tls = tls
        self._socket = bound
        self._connections: set[Connection] = set()
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """The port, which the system chose when 0 was asked for."""
        number: int = self._socket.getsockname()[1]
        return number

    async def run(self) -> None:
        """Serve; returns after `stop`, when every request that was begun is answered.

        Call `App.drain` before `stop`. What takes longer than half a minute is cut off.
        """
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        async with Supervisor() as tasks:

            def opened(connection: Connection) -> None:
                if self._stopped.is_set():
                    connection.abort()
                    return
                self._connections.add(connection)
                tasks.start_soon(self._serve(connection), name="http connection")

            server = await loop.create_server(
                lambda: Connection(loop, outbox, opened, self._app.begin),
                sock=self._socket,
                backlog=BACKLOG,
                ssl=self._tls,
            )
            self._started.set()
            try:
                await self._stopped.wait()
            finally:
                server.close()
            for connection in tuple(self._connections):
                connection.finish()
            tasks.start_soon(self._give_up(tasks), name="http listener's end")

    async def wait_started(self) -> None:
        """Wait until requests are taken."""
        await self._started.wait()

    def stop(self) -> None:
        """Take no more connections and close those that are idle; `run` then returns."""
        self._stopped.set()

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve(self._app.handle)
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._empty.set()

    async def _give_up(self, tasks: Supervisor) -> None:
        """Cut off what takes too long."""
        if not self._connections:
            return
        self._empty.clear()
        try:
            async with asyncio.timeout(FINISH_WITHIN_S):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("%d connections were cut off", len(self._connections))
            tasks.cancel()
