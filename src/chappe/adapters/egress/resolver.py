"""Names to addresses, by the system's resolver, in threads of its own.

A name server that does not answer holds a thread for many seconds. The loop's own few threads would be held by
a handful of such names, and every other sink's name would wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from itertools import zip_longest

from chappe.ports.egress import NotReachable

AT_ONCE = 256
"""Look-ups under way; each is a thread that waits, for ten seconds and more where a server is silent."""


class SystemResolver:
    """Resolves as the machine does: /etc/hosts, search domains, DNS. Of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses, families in turn (RFC 8305 4); who asks for the same name shares the look-up.

        Raises:
            NotReachable: there is no such name, or nobody who knows.
        """
        look_up = self._under_way.get(host)
        if look_up is None:
            if len(self._under_way) >= AT_ONCE:
                raise NotReachable(
                    f"host name {host} could not be resolved: {AT_ONCE} names are being looked up"
                )
            look_up = self._begin(host)
        try:
            # Shielded: one of several who wait may give up.
            return await asyncio.shield(look_up)
        except socket.gaierror as exc:
            if exc.errno == socket.EAI_AGAIN:
                raise NotReachable(
                    f"host name {host} could not be resolved: try again later"
                ) from exc
            raise NotReachable(f"host name {host} not found") from exc
        except (OSError, UnicodeError) as exc:
            raise NotReachable(f"host name {host} could not be resolved: {exc}") from exc

    def _begin(self, host: str) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        look_up: asyncio.Future[list[str]] = loop.create_future()

        def ended(found: list[str] | Exception) -> None:
            del self._under_way[host]
            if isinstance(found, Exception):
                look_up.set_exception(found)
                look_up.exception()  # seen, also where nobody waits any more
            else:
                look_up.set_result(found)

        def run() -> None:
            found = _addresses(host)
            # The loop may have been closed meanwhile: then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ended, found)

        # A daemon, unlike the threads of an executor: the process need not wait for a name server to end.
        threading.Thread(target=run, name=f"resolve {host}", daemon=True).start()
        self._under_way[host] = look_up
        return look_up


def _addresses(host: str) -> list[str] | Exception:
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as exc:
        return exc
    first = [str(info[4][0]) for info in infos if info[0] == infos[0][0]]
    other = [str(info[4][0]) for info in infos if info[0] != infos[0][0]]
    in_turn = [address for pair in zip_longest(first, other) for address in pair if address]
    return list(dict.fromkeys(in_turn))
