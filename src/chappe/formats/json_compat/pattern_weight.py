"""What a regular expression costs to compile, told from its text: some 0.5 µs for each unit."""

from __future__ import annotations

import re
from typing import Final

_TOKEN = re.compile(
    r"""(?P<wide>\\[wWdDsSpPbB]|\.|\[\^)|(?P<escape>\\.)|(?P<open>\()|(?P<close>\))
        |\{(?P<least>\d{1,9})(?:,(?P<most>\d{0,9}))?\}|(?P<other>.)""",
    re.X | re.S,
)
_WIDE: Final = {".": 5, "[^": 5}
_UNICODE_CLASS: Final = 50
_BASE: Final = 30
_MANY: Final = 40_000  # more than that does not compile at all, and is told so by name


def pattern_weight(pattern: str) -> int:
    """Its characters, those of classes counted for more, times the repetitions around them."""
    levels = [_BASE]
    last = 0
    for token in _TOKEN.finditer(pattern):
        match token.lastgroup:
            case "open":
                levels.append(0)
                last = 0
                continue
            case "close" if len(levels) > 1:
                last = levels.pop()
            case "least" | "most":
                # What was just counted once is there that often.
                times = max(int(token["least"]), int(token["most"] or 0), 1)
                last, counted = min(last * times, _MANY), last
                levels[-1] -= counted
            case "wide":
                last = _WIDE.get(token[0], _UNICODE_CLASS)
            case _:
                last = 1
        levels[-1] = min(levels[-1] + last, _MANY)
    return min(sum(levels), _MANY)
