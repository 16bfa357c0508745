"""The strings of one place: the format that all of them have, and how often each of few came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from chappe.formats.schema_inference.string_formats import format_of

MAX_VALUES: Final = 10
"""Different strings that are kept; where more come, none are."""

_MAX_LENGTH: Final = 40
"""Characters of a string that is kept."""


@dataclass(slots=True)
class Strings:
    """How many, of which format, and which.

    `format` is what all of them have, None when there is none; it counts once `seen` is not 0.
    `counts` tells how often each came, None once they are too many, or one was too long.
    """

    seen: int = 0
    format: str | None = None
    counts: dict[str, int] | None = field(default_factory=dict)

    def add(self, value: str) -> None:
        """See one more."""
        if self.seen == 0:
            self.format = format_of(value)
        elif self.format is not None and format_of(value) != self.format:
            self.format = None
        self.seen += 1
        if self.counts is not None:
            self._count(value if len(value) <= _MAX_LENGTH else None, 1)

    def merge(self, other: Strings) -> None:
        """See all that the other saw."""
        if other.seen == 0:
            return
        if self.seen == 0:
            self.format = other.format
        elif self.format != other.format:
            self.format = None
        self.seen += other.seen
        if other.counts is None:
            self.counts = None
            return
        for value, times in other.counts.items():
            self._count(value, times)

    def _count(self, value: str | None, times: int) -> None:
        if self.counts is None:
            return
        if value is None or (value not in self.counts and len(self.counts) == MAX_VALUES):
            self.counts = None
            return
        self.counts[value] = self.counts.get(value, 0) + times
