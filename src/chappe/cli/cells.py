"""How wide text is on a terminal: a character of Chinese, or an emoji, takes two cells, an accent none.

Rich knows that, too, and takes too long to import for a list in a pipe.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final
from unicodedata import category, east_asian_width

_BETWEEN: Final = 2
_NARROWEST: Final = 8
_NO_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})


def size() -> os.terminal_size:
    """Of the terminal; 80 columns and 24 lines where it does not tell."""
    import shutil

    return shutil.get_terminal_size((80, 24))


def cells(text: str) -> int:
    """("order") -> 5, ("注文") -> 4, of printable text."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def padded(text: str, width: int) -> str:
    """The text with spaces behind it, up to so many cells."""
    return text + " " * (width - cells(text))


def shortened(text: str, width: int) -> str:
    """The text in so many cells at most; "…" ends one that was longer."""
    if cells(text) <= width:
        return text
    left, kept = width - 1, 0
    for character in text:
        left -= _cell(character)
        if left < 0:
            break
        kept += 1
    return f"{text[:kept]}…"


def aligned(rows: Sequence[Sequence[str]], room: int | None = None) -> list[str]:
    """Columns under each other, two spaces between them, nothing after the last.

    With `room`, the widest columns are made narrower until a line has no more cells than that, or
    none can give any more.
    """
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    if room is not None:
        widths = _narrowed(widths, room - _BETWEEN * (len(widths) - 1))
        rows = [
            [shortened(cell, width) for cell, width in zip(row, widths, strict=True)]
            for row in rows
        ]
    between = " " * _BETWEEN
    return [
        between.join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _narrowed(widths: Sequence[int], room: int) -> list[int]:
    found = list(widths)
    while sum(found) > room and max(found, default=0) > _NARROWEST:
        found[found.index(max(found))] -= 1
    return found


def _cell(character: str) -> int:
    if character.isascii():
        return 1
    if category(character) in _NO_WIDTH:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
