"""Which keys may have been seen before: nearly always a sure "no", without a look into the file."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterable, Sequence
from typing import Final

_SIZES: Final = (14, 18, 22)  # log2 of words: 64 KB, 1 MB, 16 MB
_MARK_SHIFT: Final = 53  # a key's upper 10 bits choose its mark, the others its word


def _marks() -> list[int]:
    draw = random.Random(1)  # noqa: S311 - the same marks each time, no secret
    return [sum(1 << bit for bit in draw.sample(range(32), 4)) for _ in range(1024)]


_MARKS: Final = _marks()
"""Words of 32 bits, 4 of them set."""


class Known:
    """One word of 32 bits a key, shared by chance, and 4 bits of it set (a blocked Bloom filter).

    It has room for `keys`, or the most there is. Filled up to that, it suspects about one key in
    400 wrongly. Keys cannot be taken out again: who drops events counts, and makes another in time.
    """

    def __init__(self, keys: int) -> None:
        size = next((size for size in _SIZES if keys <= 1 << size), _SIZES[-1])
        self._mask = (1 << size) - 1
        self._words = array("I", bytes(4 << size))
        self._room = 1 << size if size < _SIZES[-1] else None
        self.keys = 0

    @property
    def full(self) -> bool:
        """Whether a larger filter would serve better."""
        return self._room is not None and self.keys > self._room

    def suspects(self, keys: Sequence[int]) -> list[int]:
        """Where in `keys` a key stands that may be known, also from earlier in `keys`; adds all."""
        words, mask, marks, found = self._words, self._mask, _MARKS, list[int]()
        for at, key in enumerate(keys):
            # The lower 31 bits tell sources apart, those above tell ids: a word depends on both.
            place, mark = (key >> 31 ^ key) & mask, marks[key >> _MARK_SHIFT]
            word = words[place]
            if word & mark == mark:
                found.append(at)
            else:
                words[place] = word | mark
        self.keys += len(keys)
        return found

    def add(self, keys: Iterable[int]) -> None:
        """Know the keys."""
        self.suspects(list(keys))
