"""xRegistry's dot notation (core/spec.md "xRegistry Dot (`.`) Notation"), read.

employee['joe'].addresses[0].state  ->  ("employee", "joe", "addresses", 0, "state")
labels.*                            ->  ("labels", ANY_MEMBER)
reviewers[*]                        ->  ("reviewers", ANY_ITEM)
obj['*']                            ->  ("obj", Quoted("*"))
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias


class Quoted(str):
    """A name that stood in quotes and looks like a wildcard; it is a name all the same."""

    __slots__ = ()


Part: TypeAlias = str | int
"""A name, an index (from 0) of an array, or one of the wildcards."""

ANY_MEMBER: Final = "*"
"""`.*`: any member of an object or map."""

ANY_ITEM: Final = "[*]"
"""`[*]`: any item of an array."""

MAX_DEPTH: Final = 32
"""Parts of a path; nothing that the registry stores is nested as deep by hand."""

_NAME = re.compile(r"[^.\[\]'\"]+")
_QUOTED = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\")\]")
_INDEX = re.compile(r"\[(\d{1,9}|\*)\]", re.ASCII)


class DotError(ValueError):
    """A text is no dot notation; the message says where and why."""


def is_any_member(part: Part) -> bool:
    """Whether a part is `.*`; `['*']` is not."""
    return part == ANY_MEMBER and not isinstance(part, Quoted)


def is_any_item(part: Part) -> bool:
    """Whether a part is `[*]`; `['[*]']` is not."""
    return part == ANY_ITEM and not isinstance(part, Quoted)


def is_name(part: Part) -> bool:
    """Whether a part is a name: no index, and no wildcard."""
    return isinstance(part, str) and not is_any_member(part) and not is_any_item(part)


def parse_dot(text: str, *, wildcards: bool = False) -> tuple[Part, ...]:
    """The parts of a path.

    Args:
        text: the path, as in "labels['a.b']".
        wildcards: whether `.*` and `[*]` may stand in it (filters; `inline` reads `.*` too).

    Raises:
        DotError: it is empty, has an empty or a broken part, or more than MAX_DEPTH of them.
    """
    if not text:
        raise DotError("a name is missing")
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            part, at = _bracket(text, at, wildcards=wildcards)
        else:
            if text[at] == "." and parts:
                at += 1
            part, at = _name(text, at, wildcards=wildcards)
        parts.append(part)
        if len(parts) > MAX_DEPTH:
            raise DotError(f"has more than {MAX_DEPTH} parts")
    return tuple(parts)


def _name(text: str, at: int, *, wildcards: bool) -> tuple[Part, int]:
    found = _NAME.match(text, at)
    if found is None:
        if at == len(text):
            raise DotError(f'"{text}" ends in "."')
        if text[at] == "[":  # "a.['b']": the dot may stand before a bracket
            return _bracket(text, at, wildcards=wildcards)
        raise DotError(f'Unexpected "{text[at]}" in "{text}" at pos {at + 1}')
    name = found[0]
    if "*" in name and (name != ANY_MEMBER or not wildcards):
        raise DotError(f'Unexpected "*" in "{name}"')
    return name, found.end()


def _bracket(text: str, at: int, *, wildcards: bool) -> tuple[Part, int]:
    found = _QUOTED.match(text, at)
    if found is not None:
        name = found[1] if found[1] is not None else found[2]
        if not name:
            raise DotError(f'"{text}" has an empty name at pos {at + 1}')
        return (Quoted(name) if name in (ANY_MEMBER, ANY_ITEM) else name), found.end()
    found = _INDEX.match(text, at)
    if found is None:
        raise DotError(
            f'"{text}" has a broken "[" at pos {at + 1}; [0], [\'name\'] and ["name"] are right'
        )
    if found[1] == "*":
        if not wildcards:
            raise DotError(f'Unexpected "*" in "{text}"')
        return ANY_ITEM, found.end()
    return int(found[1]), found.end()
