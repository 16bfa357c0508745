"""What a service manager is told of the node: sd_notify(3), over the datagram socket that it names.

    READY=1      it answers
    WATCHDOG=1   it is alive; each half of WATCHDOG_USEC, from the loop that serves
    STOPPING=1   it drains

Without NOTIFY_SOCKET nobody asked, and nothing is sent. The engine that the node starts is not told of
the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["READY=1", "STOPPING=1", "WATCHDOG=1"]

_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Where to tell it; `watchdog_s` is how long it waits for a sign of life, None: for ever."""

    address: str | None = None
    watchdog_s: float | None = None

    def tell(self, state: State) -> None:
        """Tell the state; a manager that does not listen is left alone."""
        if self.address is None:
            return
        # "@name" is a name in Linux's abstract namespace, which begins with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.settimeout(0)  # a full queue must not hold the loop
            out.sendto(state.encode(), address)

    async def keep_alive(self) -> None:
        """Give signs of life for ever; returns at once where none are asked for."""
        while self.address is not None and self.watchdog_s is not None:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)


def service_manager(environ: MutableMapping[str, str], *, pid: int) -> ServiceManager:
    """Who started this process, by its environment; the variables are taken out of it.

    A socket that is no path and no abstract name, and a watchdog meant for another process, count as none.
    """
    address, microseconds, whose = (environ.pop(name, "") for name in _VARIABLES)
    if not address.startswith(("/", "@")):
        return ServiceManager()
    asked = microseconds.isdecimal() and int(microseconds) > 0 and whose in ("", str(pid))
    return ServiceManager(address, int(microseconds) / 1e6 if asked else None)


def service_manager_here() -> ServiceManager:
    """`service_manager` of this process."""
    return service_manager(os.environ, pid=os.getpid())
