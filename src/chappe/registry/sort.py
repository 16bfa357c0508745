"""The order of a collection's entities (core/spec.md "Sort Flag")."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from chappe.registry.columns import MIN_ENTITIES, column_of
from chappe.registry.compare import SortKey, sort_key
from chappe.registry.definitions import type_at
from chappe.registry.entity import Collection, id_key
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Sort
from chappe.registry.places import Place

Key: TypeAlias = tuple[SortKey, tuple[str, str]]
"""Of an entity: the sorted attribute's, then the id's; no two in a collection are equal."""

MAX_LOOSE: Final = 128
"""Entities that are sorted into a column's order one by one, not all anew."""

_COMPLEX = frozenset({"array", "map", "object"})


def key_of(place: Place, sort: Sort, subject: str) -> Callable[[Any, Any], SortKey]:
    """What gives an entity's key: (entity, above) -> key.

    Raises:
        RegistryError: bad_sort: the path leads into a collection, or to what is no scalar.
    """
    path = sort.path
    first = path[0]
    if place.kind == "resource" and first == "meta" and len(path) > 1:
        return key_of(place.meta(), Sort(path[1:], sort.descending), subject)
    if isinstance(first, int) or place.below(first) is not None:
        raise _bad(sort, subject, "the path must name an attribute of the collection's entities")
    type = type_at(place.definitions, path)
    if type in _COMPLEX or (first == "meta" and place.kind == "resource"):
        raise _bad(sort, subject, f'the attribute is no scalar but of type "{type}"')
    is_time = type == "timestamp"
    read = place.reader(first)
    rest = path[1:]

    def key(entity: Any, above: Any) -> SortKey:
        return sort_key(_at(read(entity, above), rest), is_time=is_time)

    return key


def sorted_ids(
    place: Place,
    entities: Mapping[str, Any],
    ids: Sequence[str],
    above: Any,
    sort: Sort,
    subject: str,
) -> Sequence[str]:
    """The ids in the order of an attribute; those of equal values by id, in the same direction.

    Raises:
        RegistryError: bad_sort.
    """
    one_key = key_of(place, sort, subject)

    def key(id: str) -> Key:
        return one_key(entities[id], above), id_key(id)

    order = _by_column(place, entities, ids, sort.path, key)
    if order is None:
        return sorted(ids, key=key, reverse=sort.descending)
    return order[::-1] if sort.descending else order


def _by_column(
    place: Place,
    entities: Mapping[str, Any],
    ids: Sequence[str],
    path: Sequence[str | int],
    key: Callable[[str], Key],
) -> Sequence[str] | None:
    """The ids in ascending order as a column of the collection has it (see columns), if one does."""
    if len(ids) < MIN_ENTITIES or not isinstance(entities, Collection):
        return None
    of_meta = place.kind == "resource" and path[0] == "meta"
    found = place.meta().column(path[1:]) if of_meta else place.column(path)
    if found is None:
        return None
    column, loose = column_of(entities, found)
    if len(loose) > MAX_LOOSE:
        return None
    order = column.ascending()
    if loose or len(ids) < len(entities):
        shown = set(ids) - loose
        order = [id for id in order if id in shown]
        for id in loose.intersection(ids):
            insort(order, id, key=key)
    return order


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _bad(sort: Sort, subject: str, detail: str) -> RegistryError:
    text = ".".join(map(str, sort.path))
    return RegistryError("bad_sort", subject, value=text, error_detail=detail)
