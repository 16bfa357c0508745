"""A value that is made of an immutable one, and made anew when that has been replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Derived(Generic[S, T]):
    """Derived(make).of(source): `make(source)`, kept as long as it is asked for the same object."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        self._made: tuple[S, T] | None = None

    def of(self, source: S) -> T:
        """What was made of the source; an equal object is another one."""
        made = self._made
        if made is None or made[0] is not source:
            made = self._made = (source, self._make(source))
        return made[1]
