"""Values of options, from their symbols, in one layout.

    { doc: "x" tags: ["PII", 2] }     {
                                        doc: "x",
                                        tags: [
                                          "PII",
                                          2
                                        ]
                                      }

What this does not know for certain is told as None: strings with numbers for characters or in several
parts, names that are given twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_STRING: Final = re.compile(r"""(["'])((?:[^\\\n]|\\[abfnrtv\\'"])*)\1""")
_QUOTED: Final = re.compile(r"""\\.|["']""")
_WORD: Final = re.compile(r"[\w.+-]+")
_DEEPEST: Final = 32


class _Unsure(Exception):
    """The value is one of those that are left to the descriptor."""


def value_text(symbols: Sequence[str]) -> str | None:
    """The value that all the symbols are, or None."""
    try:
        text, end = _value(symbols, 0, 0)
    except (_Unsure, IndexError):
        return None
    return text if end == len(symbols) else None


def _value(symbols: Sequence[str], at: int, depth: int) -> tuple[str, int]:
    """The text of the value that begins at a symbol, and where it ends."""
    symbol = symbols[at]
    if depth > _DEEPEST:
        raise _Unsure
    if symbol == "{":
        return _message(symbols, at + 1, depth)
    if symbol == "[":
        return _list(symbols, at + 1, depth)
    if (string := _STRING.fullmatch(symbol)) is not None:
        return f'"{_QUOTED.sub(_escaped, string[2])}"', at + 1
    if _WORD.fullmatch(symbol) is None or symbol == "-":
        raise _Unsure
    return symbol, at + 1


def braced(members: Iterable[str]) -> str:
    """The value that is a message, of its members' texts: 'doc: "x"'."""
    return _block("{", members, "}")


def _message(symbols: Sequence[str], at: int, depth: int) -> tuple[str, int]:
    found: dict[str, str] = {}
    while symbols[at] != "}":
        name = symbols[at]
        at += 1
        if name == "[":
            end = symbols.index("]", at)
            name, at = f"[{''.join(symbols[at:end])}]", end + 1
        elif _WORD.fullmatch(name) is None:
            raise _Unsure
        if symbols[at] == ":":
            at += 1
        text, at = _value(symbols, at, depth + 1)
        if name in found:
            raise _Unsure
        found[name] = text
        if symbols[at] in (",", ";"):
            at += 1
    return braced(f"{name}: {text}" for name, text in found.items()), at + 1


def _list(symbols: Sequence[str], at: int, depth: int) -> tuple[str, int]:
    found: list[str] = []
    while symbols[at] != "]":
        text, at = _value(symbols, at, depth + 1)
        found.append(text)
        if symbols[at] == ",":
            at += 1
    return _block("[", found, "]"), at + 1


def _escaped(found: re.Match[str]) -> str:
    """Quotation marks of both kinds have a backslash."""
    return found[0] if len(found[0]) > 1 else f"\\{found[0]}"


def _block(start: str, entries: Iterable[str], end: str) -> str:
    inner = ",\n".join(entries).replace("\n", "\n  ")
    return f"{start}\n  {inner}\n{end}" if inner else f"{start}\n{end}"
