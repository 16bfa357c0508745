"""Parts of lists: the parameters offset and limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from chappe.http.confluent.asked import Asked

T = TypeVar("T")

_MOST = 2**31 - 1


def page(items: Sequence[T], asked: Asked, *, most: int = _MOST) -> list[T]:
    """The items from `offset` on, at most `limit`; a limit that is none, or over `most`, is `most`."""
    offset, limit = max(asked.whole("offset", 0), 0), asked.whole("limit", -1)
    if not 0 < limit <= most:
        limit = most
    return list(items[offset : offset + limit])
