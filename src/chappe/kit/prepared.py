"""What is worked out from a thing once, and not each time that it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

S = TypeVar("S")
P = TypeVar("P")

KEPT: Final = 10_000
"""How many results are kept."""


class Prepared(Generic[S, P]):
    """Made by `make` for each state of a thing, also of one made again under an old id."""

    def __init__(self, make: Callable[[S], P]) -> None:
        self._make = make
        self._kept: dict[str, tuple[S, P]] = {}

    def of(self, id: str, state: S) -> P:
        """What `make` says of the state; what it raises is not remembered."""
        kept = self._kept.get(id)
        if kept is not None and (kept[0] is state or kept[0] == state):
            return kept[1]
        made = self._make(state)
        self._kept.pop(id, None)
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[id] = state, made
        return made
