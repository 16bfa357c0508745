"""From a callback to a future, for those who wait with `await` for what is told by a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def told_to(future: asyncio.Future[T]) -> Callable[[T | Exception], None]:
    """What ends the future with a result or an exception; one that was given up stays as it is."""

    def done(ended: T | Exception) -> None:
        if future.done():
            return
        if isinstance(ended, Exception):
            future.set_exception(ended)
        else:
            future.set_result(ended)

    return done
