"""A value that one replaces and many read: readers take the reference and never wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest value, and a way to wait for one that fits."""

    def __init__(self, value: T) -> None:
        self.value = value
        self._changed = asyncio.Event()

    def set(self, value: T) -> None:
        """Replace the value and wake those who wait."""
        self.value = value
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def changed(self) -> asyncio.Event:
        """Set when the present value is replaced."""
        return self._changed

    async def wait_until(self, fits: Callable[[T], bool]) -> T:
        """The first value that fits, which may be the present one."""
        while not fits(self.value):
            await self._changed.wait()
        return self.value

    async def wait_changed(self, seen: T) -> T:
        """The newest value as soon as it is another than `seen`."""
        return await self.wait_until(lambda value: value is not seen)
