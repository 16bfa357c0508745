r"""Sets of characters as XSD patterns name them (XSD 1.0 part 2, appendix F.1), as ranges.

Sets that Unicode's tables define (categories, blocks, `\w`) are exact in ASCII and taken to hold
every other character: where two sets meet they are said to, which makes a pattern look worse, never
better.
"""

from __future__ import annotations

import unicodedata
from typing import Final, TypeAlias

MAX_CHARACTER: Final = 0x10FFFF

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Sorted, apart from each other, both ends included: ((48, 57), (65, 90))."""

ALL: Final[Ranges] = ((0, MAX_CHARACTER),)
_ASCII: Final = 0x7F


def union(*sets: Ranges) -> Ranges:
    """What is in one of the sets."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(each for ranges in sets for each in ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """What is not in the set."""
    found: list[tuple[int, int]] = []
    at = 0
    for low, high in ranges:
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    if at <= MAX_CHARACTER:
        found.append((at, MAX_CHARACTER))
    return tuple(found)


def difference(one: Ranges, other: Ranges) -> Ranges:
    """What is in the one and not in the other."""
    return complement(union(complement(one), other))


def of(characters: str) -> Ranges:
    """The set of the characters."""
    return union(*(((ord(each), ord(each)),) for each in characters))


def category(name: str, *, negated: bool) -> Ranges:
    r"""`\p{name}`, or with `negated` `\P{name}`; blocks ("IsGreek") are told by ASCII or not."""
    if name.startswith("Is"):
        inside = ((0, _ASCII),) if name == "IsBasicLatin" else ()
        ascii_part: Ranges = inside
        if name == "IsBasicLatin":
            return complement(inside) if negated else inside
    else:
        ascii_part = union(
            *(
                ((code, code),)
                for code in range(_ASCII + 1)
                if unicodedata.category(chr(code)).startswith(name)
            )
        )
    if negated:
        ascii_part = difference(((0, _ASCII),), ascii_part)
    return union(ascii_part, _BEYOND)


_BEYOND: Final[Ranges] = ((_ASCII + 1, MAX_CHARACTER),)
_SPACE: Final = of(" \t\n\r")
_LETTERS: Final[Ranges] = ((65, 90), (97, 122))
_DIGITS: Final[Ranges] = ((48, 57),)
_INITIAL: Final = union(_LETTERS, of("_:"), _BEYOND)
_NAME: Final = union(_INITIAL, _DIGITS, of("-."))
# \w is all but punctuation, separators and others: in ASCII letters, digits and the symbols.
_WORD: Final = union(_LETTERS, _DIGITS, of("$+<=>^`|~"), _BEYOND)
_ASCII_ONLY: Final[Ranges] = ((0, _ASCII),)

NAMED: Final = {
    ".": complement(of("\n\r")),
    "s": _SPACE,
    "S": complement(_SPACE),
    "d": union(_DIGITS, _BEYOND),
    "D": complement(_DIGITS),
    "i": _INITIAL,
    "I": union(difference(_ASCII_ONLY, _INITIAL), _BEYOND),
    "c": _NAME,
    "C": union(difference(_ASCII_ONLY, _NAME), _BEYOND),
    "w": _WORD,
    "W": union(difference(_ASCII_ONLY, _WORD), _BEYOND),
}
