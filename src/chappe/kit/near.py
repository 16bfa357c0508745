"""Which of the known names was meant by one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(wanted: str, known: Iterable[str]) -> str | None:
    """("outputs", ("timeout", "output")) -> "output"; None where nothing is near."""
    from difflib import get_close_matches

    found = get_close_matches(wanted, list(known), n=1)
    return found[0] if found else None


def meant(wanted: str, known: Iterable[str]) -> str:
    """For a message: "did you mean 'timeout'?", or what there is."""
    names = list(known)
    near = nearest(wanted, names)
    return f"did you mean {near!r}?" if near else f"there are: {', '.join(names)}"
