"""The shapes of two schemas side by side, member by member.

total: number  |  total: string required     changed
(nothing)      |  currency: string           came
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from chappe.console.schema_tree import Branch, SchemaTree

_ALL: Final = 60
"""So many members are shown whole; of more only what changed, and what it lies in."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member in each version, in words; None: it is not there."""

    depth: int
    name: str
    old: str | None
    new: str | None

    @property
    def same(self) -> bool:
        """Whether nothing of it changed."""
        return self.old == self.new


def tree_diff(old: SchemaTree, new: SchemaTree) -> Sequence[Member]:
    """The members of both, in their order; none where one of them is no tree, or nothing changed."""
    if not (old.rows and new.rows):
        return ()
    before, after = dict(_flat(old.branches)), dict(_flat(new.branches))
    merged: list[tuple[str, Member]] = []
    left, right = list(before), list(after)
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            paths = left[i1:i2]
        else:
            # What only moved stands where it is now.
            paths = [one for one in left[i1:i2] if one not in after] + right[j1:j2]
        merged += ((path, _member(before.get(path), after.get(path))) for path in paths)
    if all(one.same for _, one in merged):
        return ()
    if len(merged) <= _ALL:
        return [one for _, one in merged]
    changed = {path for path, one in merged if not one.same}
    kept = {path[:at] for path in changed for at in _ends(path)}
    return [one for path, one in merged if path in kept]


def _flat(branches: Sequence[Branch]) -> Iterator[tuple[str, Branch]]:
    for one in branches:
        yield one.path, one
        yield from _flat(one.inner)


def _member(old: Branch | None, new: Branch | None) -> Member:
    one = new or old
    assert one is not None
    row = one.row
    return Member(row.depth, row.name, _said(old), _said(new))


def _said(one: Branch | None) -> str | None:
    if one is None:
        return None
    parts = (one.row.type, "required" if one.row.required else "", one.row.rules)
    return " ".join(part for part in parts if part)


def _ends(path: str) -> Iterator[int]:
    """Where the paths of all that it lies in end, and its own."""
    yield from (at for at, letter in enumerate(path) if letter == "/")
    yield len(path)
