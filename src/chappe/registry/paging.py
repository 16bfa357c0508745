"""Pages of a collection (core/http.md "Pagination", pagination/spec.md).

A cursor says behind (or before) which entity a page begins, and of which state of the registry the
set is. While that state is at hand the pages are of one snapshot; once it is gone, they go on behind
the same entity in the present state: none that stays is shown twice or left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chappe.registry.compare import SortKey
from chappe.registry.entity import Tree, id_key
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.sort import Key
from chappe.registry.target import Target
from chappe.registry.views import View

MAX_KEY_CHARS: Final = 256
"""Of a sorted text in a cursor, which is part of a URL; the id is there as well."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: behind the entity `id` whose sorted attribute has `key`, or `before` it.

    `revision` and `count` are of the whole set.
    """

    revision: int
    count: int
    id: str
    key: SortKey = ()
    before: bool = False

    def text(self) -> str:
        """The cursor for a URL; opaque to clients."""
        key = [str(one)[:MAX_KEY_CHARS] for one in self.key]
        value = [self.revision, self.count, self.id, int(self.before), *key]
        packed = json.dumps(value, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its map as JSON, the entities in the whole set, and the cursors around it.

    A cursor is "" where there is no such page; the first page is the URL without a cursor.
    """

    body: bytes
    count: int
    next: str = ""
    previous: str = ""


def parse_cursor(text: str, subject: str) -> Cursor:
    """The cursor of a request; its `revision` tells which state of the registry to read.

    Raises:
        RegistryError: bad_flag: it is none that `page` made.
    """
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        revision, count, id, before, *key = value
        whole = (revision, count, before)
        if any(type(one) is not int or one < 0 for one in whole) or not isinstance(id, str):
            raise ValueError("wrong types")
        return Cursor(revision, count, id, _key(key), before == 1)
    except (binascii.Error, ValueError, TypeError, RecursionError, InvalidOperation) as error:
        raise RegistryError(
            "bad_flag", subject, detail=f"The cursor is wrong: {error}.", flag="cursor"
        ) from None


def _key(parts: Sequence[Any]) -> SortKey:
    if not parts:
        return ()
    kind = int(parts[0])
    match kind, parts[1:]:
        case 1, [value]:
            return (1, value == "True")
        case 2, [value]:
            number = Decimal(value)
            if not number.is_finite():
                raise ValueError("no number")
            return (2, number)
        case 3, [first, second]:
            return (3, str(first), str(second))
        case _:
            return (kind,)


def page(tree: Tree, target: Target, flags: Flags, base: str, *, revision: int, limit: int) -> Page:
    """One page of a collection.

    Args:
        tree: the state that the cursor names, or the present one.
        target: a collection.
        flags: as parsed; `cursor` says where the page begins.
        base: the URL of the registry's root.
        revision: of `tree`.
        limit: how many entities at most; at least 1.

    Raises:
        RegistryError: as `views.render`; bad_flag of a cursor that is wrong.
    """
    view = View(tree, target, flags, base)
    entities, above = view.entities()
    choices = view.choices(entities, above)
    ids = view.ids(entities, choices, above)
    key = view.key()
    cursor = parse_cursor(flags.cursor, target.xid) if flags.cursor else None
    if cursor is not None and cursor.revision == revision and cursor.id in entities:
        # The key in the cursor may be cut; of the same state it can be had whole.
        cursor = replace(cursor, key=key(entities[cursor.id], above))
    start, end = _bounds(
        ids,
        cursor,
        limit,
        descending=flags.sort is not None and flags.sort.descending,
        key=lambda id: (key(entities[id], above), id_key(id)),
    )
    shown = ids[start:end]
    # The count of a set does not change while it is walked through.
    same = cursor is not None and cursor.revision == revision
    count = len(ids) if cursor is None or same else cursor.count
    of = revision if cursor is None else cursor.revision

    def at(id: str, *, before: bool) -> str:
        return Cursor(of, count, id, key(entities[id], above) if flags.sort else (), before).text()

    return Page(
        view.render(None, shown, choices),
        count,
        next=at(shown[-1], before=False) if shown and end < len(ids) else "",
        previous=at(shown[0], before=True) if shown and start > 0 else "",
    )


def _bounds(
    ids: Sequence[str],
    cursor: Cursor | None,
    limit: int,
    *,
    descending: bool,
    key: Callable[[str], Key],
) -> tuple[int, int]:
    """Which of the ids, in the order they are shown in, are on the page."""
    if cursor is None:
        return 0, min(limit, len(ids))
    at = (cursor.key, id_key(cursor.id))
    ascending = ids[::-1] if descending else ids
    first, behind = bisect_left(ascending, at, key=key), bisect_right(ascending, at, key=key)
    if descending:
        first, behind = len(ids) - behind, len(ids) - first
    if cursor.before:
        return max(0, first - limit), first
    return behind, min(behind + limit, len(ids))
