"""Connections that many use at once: one for each key, closed when nobody has used it for a while.

    async with shared.hold(key) as connection:
        await connection.publish(...)

Everything happens in the callers' tasks and in the loop's timers: there is nothing to start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from chappe.kit.dial import NotConnected

K = TypeVar("K", bound=Hashable)


class Closable(Protocol):
    """What is shared."""

    @property
    def usable(self) -> bool:
        """Whether new work may begin on it."""
        ...

    def close(self) -> None:
        """End it; work under way may fail."""
        ...


C = TypeVar("C", bound=Closable)


class Shared(Generic[K, C]):
    """At most `most` connections, each opened by `open_` and closed `idle_s` after its last use."""

    def __init__(self, open_: Callable[[K], Awaitable[C]], *, most: int, idle_s: float) -> None:
        self._open = open_
        self._most = most
        self._idle_s = idle_s
        self._places: dict[K, _Place[C]] = {}
        self._closed = False

    @property
    def open_connections(self) -> int:
        """How many are open or being opened."""
        return len(self._places)

    @asynccontextmanager
    async def hold(self, key: K) -> AsyncIterator[C]:
        """The key's connection; who asks for one that is being opened waits for it.

        Raises:
            NotConnected: it cannot be opened, or there are `most` others that are all in use.
        """
        if self._closed:
            raise NotConnected("the client is closed")
        place = self._places.get(key)
        if place is None:
            self._make_room()
            place = self._places[key] = _Place()
        place.users += 1
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        try:
            connection = place.connection
            if connection is None or not connection.usable:
                connection = await self._opened(key, place)
            connection_users = place.users_of
            connection_users[connection] = connection_users.get(connection, 0) + 1
            try:
                yield connection
            finally:
                connection_users[connection] -= 1
                if not connection_users[connection]:
                    del connection_users[connection]
                    if connection is not place.connection:
                        connection.close()  # it was replaced, and its last work is done
        finally:
            place.users -= 1
            if not place.users:
                self._rest(key, place)

    def close(self) -> None:
        """Close all, also those in use."""
        self._closed = True
        for key, place in list(self._places.items()):
            for connection in list(place.users_of):
                connection.close()
            self._drop(key, place)

    async def _opened(self, key: K, place: _Place[C]) -> C:
        """The connection, opened by one of those who wait for it."""
        failures = place.failures
        async with place.opening:
            connection = place.connection
            if connection is not None and connection.usable:
                return connection
            if place.failures != failures:
                # Somebody's try failed while this one waited: a second would fail alike.
                raise NotConnected(place.failure)
            place.connection = None
            if connection is not None and connection not in place.users_of:
                connection.close()
            try:
                opened = await self._open(key)
            except NotConnected as exc:
                place.failures += 1
                place.failure = str(exc)
                raise
            if self._closed:
                opened.close()
                raise NotConnected("the client is closed")
            place.connection = opened
            return opened

    def _rest(self, key: K, place: _Place[C]) -> None:
        """Nobody uses it: it rests, unless there is nothing to keep."""
        if self._places.get(key) is not place:
            return
        if place.connection is None or not place.connection.usable:
            self._drop(key, place)
        else:
            loop = asyncio.get_running_loop()
            place.timer = loop.call_later(self._idle_s, self._drop, key, place)
            # The one that came to rest last stands last.
            self._places[key] = self._places.pop(key)

    def _make_room(self) -> None:
        if len(self._places) < self._most:
            return
        for key, place in self._places.items():
            if not place.users:
                self._drop(key, place)
                return
        raise NotConnected(f"no free connection: all {self._most} are in use")

    def _drop(self, key: K, place: _Place[C]) -> None:
        if self._places.get(key) is place:
            del self._places[key]
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        if place.connection is not None:
            place.connection.close()
            place.connection = None


class _Place(Generic[C]):
    """One key's connection, and who uses which: one that is not usable any more may still be used."""

    __slots__ = ("connection", "failure", "failures", "opening", "timer", "users", "users_of")

    def __init__(self) -> None:
        self.connection: C | None = None
        self.users = 0
        self.users_of: dict[C, int] = {}
        self.opening = asyncio.Lock()
        self.failures = 0
        self.failure = ""
        self.timer: asyncio.TimerHandle | None = None
