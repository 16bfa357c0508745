"""The id of the request that is being served: what it brings about carries the same one.

with correlated("5d1f…"):
    await commit()      # correlation() == "5d1f…", in this task and in those that it starts
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_current: Final[ContextVar[str]] = ContextVar("chappe.correlation", default="")


def correlation() -> str:
    """The id; "" outside of a request that has one."""
    return _current.get()


@contextmanager
def correlated(id: str) -> Iterator[None]:
    """Give what happens in the block an id."""
    token = _current.set(id)
    try:
        yield
    finally:
        _current.reset(token)
