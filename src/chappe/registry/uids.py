"""Where the entity with a uid stands: what a `shortself` leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

from chappe.registry.entity import Tree
from chappe.registry.journal import images

_VERSION: Final = 5
_by_tree: Final[WeakKeyDictionary[Tree, Mapping[int, str]]] = WeakKeyDictionary()


def xid_of(tree: Tree, uid: int) -> str | None:
    """The xid of the entity with that uid; None where there is none, or short URLs are not on.

    All entities are walked for the first uid that is asked of a tree.
    """
    if tree.capabilities.get("shortself") is not True:
        return None
    found = _by_tree.get(tree)
    if found is None:
        found = _by_tree[tree] = {
            change.after.uid: _xid(change.path)
            for change in images(tree)
            if change.after is not None and not isinstance(change.after, Tree)
        }
    return found.get(uid)


def _xid(path: tuple[str, ...]) -> str:
    if len(path) == _VERSION:
        path = (*path[:4], "versions", path[4])
    return "/" + "/".join(path)
