"""Values of schemas as short texts, however large they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from chappe.formats.json_compat.shapes import Shape

_ROOM: Final = 70


def brief(value: object) -> str:
    """JSON text, cut after some 70 characters; only that much of the value is looked at."""
    written = ""
    for token in _tokens(value):
        written += token
        if len(written) > _ROOM:
            return f"{written[:_ROOM]}…"
    return written


def told(value: Shape | str) -> str:
    """A shape as the JSON it was read from; a text as it is."""
    return value if isinstance(value, str) else brief(value.raw)


def listed(texts: Collection[str]) -> str:
    """Some texts, sorted, the first five of them."""
    some = ", ".join(clipped(text) for text in sorted(texts)[:5])
    return some if len(texts) <= 5 else f"{some} and {len(texts) - 5} more"


def clipped(text: str) -> str:
    """A text of bounded length."""
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}…"


def _tokens(value: object) -> Iterator[str]:
    match value:
        case dict():
            yield "{"
            for index, (name, part) in enumerate(value.items()):
                yield f"{', ' if index else ''}{_text(name)}: "
                yield from _tokens(part)
            yield "}"
        case list():
            yield "["
            for index, part in enumerate(value):
                yield ", " if index else ""
                yield from _tokens(part)
            yield "]"
        case _:
            yield _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        value = clipped(value)
    return msgspec.json.encode(value).decode()
