r"""The pattern of LIKE (cesql/spec.md 3.4.3).

"a%"     -> a start            "a_c%e\%" -> an expression in time linear in the text
"%a"     -> an end             "a"       -> the text itself

`%` stands for any characters, `_` for one, and a backslash takes its meaning from either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

MAX_GAPPED: Final = 64
"""The most characters of a piece that holds a `_` and may begin anywhere: it is tried everywhere."""


class Pattern(msgspec.Struct, frozen=True):
    """The pieces between the `%` signs; in a piece None is a `_`. Without a `%` there is one piece."""

    pieces: tuple[tuple[str | None, ...], ...]

    @property
    def literal(self) -> Sequence[str] | None:
        """The pieces as strings; None where there is a `_`."""
        if any(None in piece for piece in self.pieces):
            return None
        return ["".join(one or "" for one in piece) for piece in self.pieces]

    @property
    def start(self) -> str:
        """What every text that fits begins with."""
        return _until_gap(self.pieces[0])

    @property
    def end(self) -> str:
        """What every text that fits ends with."""
        return _until_gap(self.pieces[-1][::-1])[::-1]

    @property
    def too_gapped(self) -> bool:
        """Whether a piece in the middle is longer than may be looked for everywhere."""
        return any(None in piece and len(piece) > MAX_GAPPED for piece in self.pieces[1:-1])

    def expression(self) -> str:
        """A regular expression that fits the same texts, without backtracking from piece to piece."""
        first, *others = self.pieces
        if not others:
            return _escaped(first)
        # The leftmost place of each piece leaves the most to those after it, so none is tried twice.
        middle = "".join(f"(?>.*?{_escaped(piece)})" for piece in others[:-1])
        return f"{_escaped(first)}{middle}.*{_escaped(others[-1])}"


@lru_cache(maxsize=4096)
def pattern(text: str) -> Pattern:
    """Read a pattern; every text is one."""
    pieces: list[list[str | None]] = [[]]
    at = 0
    while at < len(text):
        one = text[at]
        if one == "\\" and text[at + 1 : at + 2] in ("%", "_"):
            at += 1
            pieces[-1].append(text[at])
        elif one == "%":
            pieces.append([])
        elif one == "_":
            pieces[-1].append(None)
        else:
            pieces[-1].append(one)
        at += 1
    # "%%" is "%": an empty piece counts at the ends only.
    inner = [piece for piece in pieces[1:-1] if piece]
    kept = [pieces[0], *inner, pieces[-1]] if len(pieces) > 1 else pieces
    return Pattern(tuple(map(tuple, kept)))


@lru_cache(maxsize=4096)
def compiled(text: str) -> re.Pattern[str]:
    """The expression of a pattern."""
    return re.compile(pattern(text).expression(), re.DOTALL)


def like(text: str, wanted: str) -> bool:
    """Whether the text fits the pattern."""
    literal = pattern(wanted).literal
    if literal is None:
        return compiled(wanted).fullmatch(text) is not None
    if len(literal) == 1:
        return text == literal[0]
    return in_order(text, literal[0], literal[1:-1], literal[-1])


def in_order(text: str, start: str, middle: Sequence[str], end: str) -> bool:
    """Whether the text begins and ends so, with the pieces between, one after another."""
    at, until = len(start), len(text) - len(end)
    if at > until or not text.startswith(start) or not text.endswith(end):
        return False
    for piece in middle:
        at = text.find(piece, at, until)
        if at < 0:
            return False
        at += len(piece)
    return True


def _until_gap(piece: Sequence[str | None]) -> str:
    found: list[str] = []
    for one in piece:
        if one is None:
            break
        found.append(one)
    return "".join(found)


def _escaped(piece: Sequence[str | None]) -> str:
    return "".join("." if one is None else re.escape(one) for one in piece)
