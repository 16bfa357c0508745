"""Which of the known names was meant by one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_LIKE: Final = 0.6
_MOST_CHARACTERS: Final = 80
"""Of a name that somebody sent: comparing takes as long as both are, and more."""


def nearest(wanted: str, known: Iterable[str], *, like: float = _LIKE) -> str | None:
    """("outputs", ("timeout", "output")) -> "output"; None where nothing is `like` it (0 to 1)."""
    found = nearby(wanted, known, most=1, like=like)
    return found[0] if found else None


def nearby(wanted: str, known: Iterable[str], *, most: int = 3, like: float = _LIKE) -> list[str]:
    """The names that are like it, the nearest first."""
    from difflib import get_close_matches

    return get_close_matches(wanted[:_MOST_CHARACTERS], list(known), n=most, cutoff=like)


def suggested(wanted: str, known: Iterable[str], *, most: int = 3) -> str:
    """To end a message with: "; did you mean 'output' or 'timeout'?", "" where nothing is near."""
    found = nearby(wanted, known, most=most)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""


def meant(wanted: str, known: Iterable[str]) -> str:
    """For a message: "did you mean 'timeout'?", or what there is."""
    names = list(known)
    near = nearest(wanted, names)
    return f"did you mean {near!r}?" if near else f"there are: {', '.join(names)}"
