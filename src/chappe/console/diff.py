"""Two documents side by side, line by line, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

MOST_LINES: Final = 2_000
_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line of each document beside the other, None where it has none; `same` where they agree.

    With `skipped` the row stands for so many lines that are the same.
    """

    old_line: int = 0
    old: str | None = None
    new_line: int = 0
    new: str | None = None
    same: bool = False
    skipped: int = 0


def side_by_side(old: str, new: str) -> Sequence[DiffRow] | None:
    """The rows, without what is the same far from any change; None: too long to be compared here."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        return None
    rows: list[DiffRow] = []
    shown = 0
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(_AROUND):
        if group[0][1] > shown:
            rows.append(DiffRow(skipped=group[0][1] - shown))
        for tag, i1, i2, j1, j2 in group:
            rows += _rows(before[i1:i2], after[j1:j2], i1, j1, same=tag == "equal")
        shown = group[-1][2]
    if rows and shown < len(before):
        rows.append(DiffRow(skipped=len(before) - shown))
    return rows


def _rows(
    old: Sequence[str], new: Sequence[str], i: int, j: int, *, same: bool
) -> Iterator[DiffRow]:
    for at, (left, right) in enumerate(zip_longest(old, new), 1):
        yield DiffRow(i + at, left, j + at, right, same)
