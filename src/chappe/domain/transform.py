"""Reshaping an event for one subscription: attributes that are set or left out; pure.

    set {"source": "/eu{source}", "tenant": "acme"}, remove ["secret"]

{name} in a value stands for the canonical string of the event's attribute; {{ and }} are braces.
The payload is reshaped by an expression, elsewhere (ports/reshaper).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from msgspec import structs

from chappe.domain.errors import Malformed
from chappe.domain.event import AttributeValue, Event
from chappe.domain.options import Transform

FIXED: Final = frozenset({"specversion", "data", "data_base64"})
"""What a transform cannot set: they are the event's form, not its context."""
NEEDED: Final = frozenset({"id", "source", "type"})
_OPTIONAL: Final = ("subject", "time", "datacontenttype", "dataschema")
_NAME = re.compile(r"[a-z0-9]+")
_PIECES = re.compile(r"\{\{|\}\}|\{([a-z0-9]+)\}|[{}]")


def check_transform(transform: Transform, path: str) -> None:
    """See that names and templates are right.

    Raises:
        Malformed: the message begins with the path of what is not.
    """
    for name, value in transform.set.items():
        at = f"{path}/set/{name}"
        _check_name(name, at)
        if name in transform.remove:
            raise Malformed(f"{at}: stands in remove as well")
        if isinstance(value, str):
            _pieces(value, at)
        elif name in NEEDED or name in _OPTIONAL:
            raise Malformed(f"{at}: {value!r} was sent, a string is needed")
    for index, name in enumerate(transform.remove):
        _check_name(name, f"{path}/remove/{index}")
        if name in NEEDED:
            raise Malformed(f"{path}/remove/{index}: {name!r} must be there in every event")


def with_attributes(event: Event, transform: Transform) -> Event:
    """The event with attributes set and left out; every template sees the event as it was.

    Raises:
        Malformed: an attribute that must not be empty would be; the message names it.
    """
    changes: dict[str, str | None] = {}
    extensions: dict[str, AttributeValue] = dict(event.extensions)
    for name, value in transform.set.items():
        filled = _filled(value, event, name) if isinstance(value, str) else value
        if name in NEEDED or name in _OPTIONAL:
            if not filled:
                raise Malformed(f"transform/set/{name}: the value is empty for this event")
            changes[name] = str(filled)
        else:
            extensions[name] = filled
    for name in transform.remove:
        if name in _OPTIONAL:
            changes[name] = None
        else:
            extensions.pop(name, None)
    return structs.replace(event, extensions=extensions, **changes)


def is_template(value: str) -> bool:
    """Whether the value depends on the event."""
    return any(callable(piece) for piece in _pieces(value, ""))


def _filled(template: str, event: Event, name: str) -> str:
    return "".join(
        piece if isinstance(piece, str) else piece(event)
        for piece in _pieces(template, f"transform/set/{name}")
    )


def _attribute(name: str) -> Callable[[Event], str]:
    return lambda event: event.get(name) or ""


@lru_cache(maxsize=4_096)
def _pieces(template: str, path: str) -> tuple[str | Callable[[Event], str], ...]:
    pieces: list[str | Callable[[Event], str]] = []
    end = 0
    for found in _PIECES.finditer(template):
        pieces.append(template[end : found.start()])
        end = found.end()
        text = found.group()
        if found.group(1) is not None:
            pieces.append(_attribute(found.group(1)))
        elif len(text) == 2:
            pieces.append(text[0])
        else:
            raise Malformed(
                f"{path}: a lone {text!r} at character {found.start() + 1};"
                f" {{name}} stands for an attribute, {text * 2} for the brace itself"
            )
    pieces.append(template[end:])
    return tuple(piece for piece in pieces if piece != "")


def _check_name(name: str, at: str) -> None:
    if not _NAME.fullmatch(name):
        raise Malformed(f"{at}: {name[:80]!r} is no attribute name; a-z and 0-9 are allowed")
    if name in FIXED:
        raise Malformed(f"{at}: {name!r} cannot be changed; transform/data reshapes the payload")
