"""Tallies by the value of a label, bounded: whoever makes up values must not take memory.

series = Series(Count, 2);  a, b, c, a  ->  a: 2, b: 1, other: 1
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence, Set
from typing import Generic, Protocol, Self, TypeVar


class Tally(Protocol):
    """Something that counts."""

    def add(self, other: Self, /) -> None:
        """Count what another has counted."""
        ...


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Tally)


class Series(Generic[K, T]):
    """At most `limit` values have a tally of their own; those that come later share `other`.

    A value that is dropped makes room for another one; `total` still counts it.
    """

    __slots__ = ("_by_key", "_gone", "_limit", "_make", "other")

    def __init__(self, make: Callable[[], T], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._by_key: dict[K, T] = {}
        self._gone = make()
        self.other: T | None = None
        """What came when there was no room; None as long as there is."""

    def of(self, key: K) -> T:
        """The value's tally."""
        found = self._by_key.get(key)
        return self._open(key) if found is None else found

    def find(self, key: K) -> T | None:
        """The value's own tally, if it has one."""
        return self._by_key.get(key)

    def drop(self, key: K) -> None:
        """The value is no more."""
        gone = self._by_key.pop(key, None)
        if gone is not None:
            self._gone.add(gone)

    def keys(self) -> Set[K]:
        """The values that have a tally of their own."""
        return self._by_key.keys()

    def items(self) -> Sequence[tuple[K, T]]:
        """Each value with its tally, without `other`."""
        return tuple(self._by_key.items())

    def total(self) -> T:
        """All together, with what was dropped."""
        total = self._make()
        for one in (*self._by_key.values(), self._gone, self.other):
            if one is not None:
                total.add(one)
        return total

    def _open(self, key: K) -> T:
        if len(self._by_key) < self._limit:
            made = self._by_key[key] = self._make()
            return made
        if self.other is None:
            self.other = self._make()
        return self.other
