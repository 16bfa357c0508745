"""What a comparison of two schemas finds."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from chappe.formats.json_compat.shapes import Shape

MAX_CHANGES: Final = 50
"""How many changes a pair of subschemas reports: of two definitions that name each other twice, each
change would be told twice as often at every level."""

Path: TypeAlias = tuple[str, "Path"] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change, by its rule's name; `path` from the pair that was compared.

    `old` and `new` are what stands there, as text or as what is to become text.
    """

    code: str
    path: Path = None
    old: Shape | str = ""
    new: Shape | str = ""

    def below(self, *steps: str) -> Change:
        """The same, seen from further up."""
        path = self.path
        for step in reversed(steps):
            path = (step, path)
        return Change(self.code, path, self.old, self.new)

    def steps(self) -> Iterator[str]:
        """The parts of its path."""
        path = self.path
        while path is not None:
            step, path = path
            yield step

    def pointer(self) -> str:
        """Its path as a JSON pointer (RFC 6901)."""
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in self.steps())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of one pair."""

    compatible: bool = True
    changes: tuple[Change, ...] = ()


Comparison: TypeAlias = Generator[tuple[Shape, Shape] | int, Outcome, None]
"""A comparison of one pair: it asks for the outcome of others, a pair at a time, so that no depth of
schemas is a depth of calls. What else takes long asks for an int: so many steps more."""

NO_CHANGE: Final = Outcome()


class Found:
    """The changes of one pair, as they are found; `harmless` are the rules that do no harm."""

    def __init__(self, harmless: frozenset[str]) -> None:
        self._harmless = harmless
        self._good: list[Change] = []
        self._bad: list[Change] = []
        self.settled = False  # one rule has decided: no other has a say

    def add(self, code: str, *steps: str, old: Shape | str = "", new: Shape | str = "") -> None:
        """A change at a path below the pair."""
        self._put(Change(code, None, old, new).below(*steps))

    def extend(self, outcome: Outcome, *steps: str) -> None:
        """What was found of a pair below."""
        for change in outcome.changes:
            self._put(change.below(*steps))

    def outcome(self) -> Outcome:
        """All of it: what does harm comes first."""
        return Outcome(not self._bad, (*self._bad, *self._good))

    def _put(self, change: Change) -> None:
        kept = self._good if change.code in self._harmless else self._bad
        if len(kept) < MAX_CHANGES:
            kept.append(change)
