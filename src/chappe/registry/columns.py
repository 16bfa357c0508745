"""What a collection's entities have at one path, by value: filters and sorts without a look at each.

A column is made at the first filter or sort of its path, and kept while the collection lives. It
serves the collections that a few writes make of that one, too: what they moved is looked at one by
one. All columns together are bounded; the oldest go first.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import Any, Final, TypeAlias

from chappe.registry.compare import Test, fold, sort_key
from chappe.registry.entity import Collection, id_key

MAX_BYTES: Final = 48 * 1024 * 1024
"""Of all columns, about."""

MIN_ENTITIES: Final = 32
"""Of fewer a look at each takes no longer."""

_BYTES_OF_VALUE: Final = 120
_BYTES_OF_ID: Final = 16

Read: TypeAlias = Callable[[Any], Any]
"""entity -> the value at the column's path, None where there is none; of nothing but the entity."""

Ids: TypeAlias = str | list[str]
"""One id, or several."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a column is of.

    `name` tells the value among all that entities of one collection may have. Only the entities of
    which `is_own` holds have it for themselves; None: all. Timestamps sort as instants.
    """

    name: tuple[str, ...]
    read: Read
    is_own: Callable[[Any], bool] | None
    is_time: bool


@dataclass(slots=True, eq=False)
class Column:
    """The ids of a collection by their entities' values (see `_key`); without those that are `loose`."""

    ids: dict[Hashable, Ids]
    loose: frozenset[str]
    is_time: bool
    _order: Sequence[str] | None = field(default=None, init=False)

    def matching(self, test: Test, exact: Sequence[Any] | None, *, if_none: bool) -> list[str]:
        """The ids of the values that match.

        Args:
            test: of a value.
            exact: the only keys that pass the test; None: others may.
            if_none: whether the condition holds where no value passes the test (see `matcher`).
        """
        found: list[str] = []
        if exact is not None and not if_none:
            keys: Iterable[Hashable] = (key for key in exact if key in self.ids)
        elif exact is not None:
            keys = (key for key in self.ids if key not in exact)
        else:
            keys = (
                key
                for key in self.ids
                if (if_none if key is None else test(_value(key)) is not if_none)
            )
        for key in keys:
            ids = self.ids[key]
            if isinstance(ids, str):
                found.append(ids)
            else:
                found += ids
        return found

    def ascending(self) -> Sequence[str]:
        """The ids by value, those of equal values by id."""
        if self._order is None:
            keyed = []
            for key, ids in self.ids.items():
                place = sort_key(_value(key), is_time=self.is_time)
                several = (ids,) if isinstance(ids, str) else ids
                keyed += [(place, id_key(id)) for id in several]
            keyed.sort()
            self._order = [id for _, (_, id) in keyed]
        return self._order

    def size(self) -> int:
        """The bytes that it takes, about; what it shares with its entities left aside."""
        count = sum(1 if isinstance(ids, str) else len(ids) for ids in self.ids.values())
        return len(self.ids) * _BYTES_OF_VALUE + count * _BYTES_OF_ID


class Columns:
    """The columns of a collection, by what they are of."""

    __slots__ = ("__weakref__", "by_name")

    def __init__(self) -> None:
        self.by_name: dict[tuple[Any, ...], Column] = {}


def column_of(entities: Collection[Any], path: Path) -> tuple[Column, frozenset[str]]:
    """A column of the collection, and the ids that must be looked at one by one.

    Of those the column may tell something that holds no more.
    """
    name = (*path.name, path.is_time)
    columns, moved = entities.kept or (None, _NONE)
    column = columns.by_name.get(name) if isinstance(columns, Columns) else None
    if column is None:
        column = _made(entities, path)
        if not isinstance(columns, Columns) or moved:
            # One that is made now would be wrong for the collections that this one was made of.
            columns, moved = Columns(), _NONE
            entities.kept = columns, moved
        _budget.put(columns, name, column)
    return column, column.loose | moved if moved else column.loose


def _made(entities: Collection[Any], path: Path) -> Column:
    read, is_own, is_time = path.read, path.is_own, path.is_time
    by_key: dict[Hashable, Ids] = {}
    loose: set[str] = set()
    for id, entity in entities.items():
        if is_own is not None and not is_own(entity):
            loose.add(id)
            continue
        value = read(entity)
        if type(value) is str:
            if is_time:
                key: Hashable = value
            elif value.isascii():
                key = value.lower()
                if key == value:
                    key = value  # there already; the other would be a copy
            else:
                key = fold(value)
                if fold(key) != key:
                    loose.add(id)
                    continue
        else:
            key = _key(value)
        known = by_key.setdefault(key, id)
        if known is not id:
            if isinstance(known, str):
                by_key[key] = [known, id]
            else:
                known.append(id)
    return Column(by_key, frozenset(loose), is_time)


def _key(value: Any) -> Hashable:
    """The key of a value that is no text: itself, a truth in a tuple, () of what is no scalar.

    Texts that are equal but for case have one key; so have numbers of one value.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return (value,)
    if isinstance(value, int | Decimal):
        return value
    return ()


def _value(key: Any) -> Any:
    """A value with that key."""
    if type(key) is tuple:
        return key[0] if key else _COMPLEX
    return key


class _Budget:
    """Forgets the oldest columns when all take too much."""

    def __init__(self) -> None:
        self._bytes = 0
        self._queue: deque[tuple[weakref.ref[Columns], tuple[Any, ...], int]] = deque()
        self._turn = Lock()  # large answers are made in threads

    def put(self, columns: Columns, name: tuple[Any, ...], column: Column) -> None:
        """Keep a column."""
        size = column.size()
        with self._turn:
            columns.by_name[name] = column
            self._queue.append((weakref.ref(columns), name, size))
            self._bytes += size
            if self._bytes > MAX_BYTES:
                self._queue = deque(one for one in self._queue if one[0]() is not None)
                self._bytes = sum(size for _, _, size in self._queue)
            while self._bytes > MAX_BYTES:
                oldest, of, freed = self._queue.popleft()
                self._bytes -= freed
                alive = oldest()
                if alive is not None:
                    alive.by_name.pop(of, None)


_budget: Final = _Budget()
_NONE: Final[frozenset[str]] = frozenset()
_COMPLEX: Final[dict[str, Any]] = {}
