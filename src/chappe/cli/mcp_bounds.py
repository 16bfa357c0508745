"""What an assistant is given fits into its context: long texts and lists are cut, and it is told so.

{"data": "AAAA…"} of a megabyte -> {"data": "AAAA… (1048000 characters more)"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from chappe.domain.errors import TooLarge

MOST_CHARACTERS: Final = 24_000
"""Of one answer: some 6,000 tokens."""

# From mild to harsh: the longest text, the longest list or map, and how deep.
_STEPS: Final = ((4_000, 100, 32), (1_000, 40, 16), (200, 20, 8), (80, 10, 5))
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def bounded(value: object, *, most: int = MOST_CHARACTERS) -> str:
    """The value as JSON of at most so many characters; as it is where it fits.

    Raises:
        TooLarge: even cut it is longer.
    """
    text = _text(value)
    if len(text) <= most:
        return text
    for longest, items, depth in _STEPS:
        text = _text(_cut(value, longest, items, depth))
        if len(text) <= most:
            return text
    raise TooLarge(
        f"the answer is longer than {most} characters, however it is cut",
        next="ask for less: a smaller limit, or one thing by its name",
    )


def _text(value: object) -> str:
    return _ENCODER.encode(value).decode()


def _cut(value: Any, longest: int, items: int, depth: int) -> Any:
    match value:
        case str() if len(value) > longest:
            return f"{value[:longest]}… ({len(value) - longest} characters more)"
        case str() | Decimal():
            return value
        case Mapping() if depth == 0 and value:
            return f"… ({len(value)} members)"
        case Mapping():
            kept = {
                str(_cut(str(name), longest, items, 0)): _cut(one, longest, items, depth - 1)
                for name, one in list(value.items())[:items]
            }
            return kept | (
                {"…": f"{len(value) - items} members more"} if len(value) > items else {}
            )
        case Sequence() if depth == 0 and value:
            return f"… ({len(value)} items)"
        case Sequence():
            some = [_cut(one, longest, items, depth - 1) for one in value[:items]]
            return [*some, f"… ({len(value) - items} items more)"] if len(value) > items else some
        case _:
            return value
