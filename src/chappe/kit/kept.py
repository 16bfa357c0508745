"""Values that are dear to make, kept as long as there is room: the oldest go first."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most `most` values that weigh `most_weight` together; from any thread.

    What is asked for does not become younger by that: a look-up takes no lock. The newest value stays
    even if it weighs too much alone.
    """

    def __init__(self, most: int, most_weight: int) -> None:
        self._most = most
        self._most_weight = most_weight
        self._values: dict[K, tuple[V, int]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def weight(self) -> int:
        """What all values weigh."""
        return self._weight

    def find(self, key: K) -> V | None:
        """The value, or None."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def keep(self, key: K, value: V, weight: int) -> None:
        """Keep a value, in the place of what was there; drop what there is no room for any more."""
        with self._lock:
            self._drop(key)
            self._values[key] = value, weight
            self._weight += weight
            while len(self._values) > 1 and (
                len(self._values) > self._most or self._weight > self._most_weight
            ):
                self._drop(next(iter(self._values)))

    def _drop(self, key: K) -> None:
        dropped = self._values.pop(key, None)
        if dropped is not None:
            self._weight -= dropped[1]
