"""The branches of two combined schemas paired off: as many as can be, each with one of the other side.

A maximum bipartite matching (Kuhn's), in which a pair of branches is compared when it is first of
interest: branches that kept their places cost one comparison each, not one for each pair.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from chappe.formats.json_compat.changes import Comparison, Outcome
from chappe.formats.json_compat.shapes import Shape

_FREE: Final = -1

_Question = Generator[tuple[Shape, Shape] | int, Outcome, bool]


class Pairing:
    """`partners` has the place of a partner for each old branch, -1 for none."""

    def __init__(self, old: Sequence[Shape], new: Sequence[Shape]) -> None:
        self._old, self._new = old, new
        # Each branch of the smaller side seeks one of the larger.
        self._turned = len(old) > len(new)
        few, many = sorted((len(old), len(new)))
        self._seekers = [_FREE] * few
        self._taken = [_FREE] * many
        self.outcomes: dict[tuple[int, int], Outcome] = {}

    @property
    def partners(self) -> list[int]:
        """For each old branch its partner among the new ones."""
        return self._taken if self._turned else self._seekers

    def search(self) -> Comparison:
        """Find as many pairs as there can be."""
        for place in range(len(self._seekers)):
            if (yield from self._fits(place, place)):
                self._seekers[place] = self._taken[place] = place
        for seeker, partner in enumerate(self._seekers):
            if partner == _FREE:
                yield from self._seek(seeker)

    def _seek(self, start: int) -> Comparison:
        """Find a partner for one branch; others may have to change theirs."""
        came: dict[int, int] = {}
        level = [start]
        for seeker in level:
            free_first = sorted(range(len(self._taken)), key=lambda one: self._taken[one] != _FREE)
            yield 1 + len(free_first) // 16
            for place in free_first:
                if place in came or not (yield from self._fits(seeker, place)):
                    continue
                came[place] = seeker
                owner = self._taken[place]
                if owner == _FREE:
                    self._hand_over(place, came)
                    return
                level.append(owner)

    def _hand_over(self, place: int, came: dict[int, int]) -> None:
        while place != _FREE:
            seeker = came[place]
            before = self._seekers[seeker]
            self._seekers[seeker], self._taken[place] = place, seeker
            place = before

    def _fits(self, seeker: int, place: int) -> _Question:
        left, right = (place, seeker) if self._turned else (seeker, place)
        if (left, right) not in self.outcomes:
            self.outcomes[left, right] = yield self._old[left], self._new[right]
        return self.outcomes[left, right].compatible
