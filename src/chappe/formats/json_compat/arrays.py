"""Arrays compared: lists, tuples, and what is behind a tuple."""

from __future__ import annotations

from chappe.formats.json_compat.changes import Comparison, Found
from chappe.formats.json_compat.objects import (
    compare_cover,
    compare_rest,
    compare_unevaluated,
    rest_is_open,
    rest_of,
)
from chappe.formats.json_compat.scalars import compare_bounds
from chappe.formats.json_compat.shapes import Anything, Array, Nothing, Shape


def compare_arrays(found: Found, old: Array, new: Array) -> Comparison:
    """All rules of arrays."""
    if old.each is not None and new.each is not None:
        outcome = yield old.each, new.each
        found.extend(outcome, "items")
    elif new.each is not None:
        found.add("SCHEMA_ADDED", "items", new=new.each)
    elif old.each is not None:
        found.add("SCHEMA_REMOVED", "items", old=old.each)
    yield from _tuples(found, old, new)
    yield from compare_rest(
        found,
        "additionalItems",
        "ADDITIONAL_ITEMS",
        (old.closed, old.additional),
        (new.closed, new.additional),
    )
    yield from compare_unevaluated(
        found, "unevaluatedItems", "UNEVALUATED_ITEMS", old.unevaluated, new.unevaluated
    )
    compare_bounds(found, old.bounds, new.bounds)
    if old.unique != new.unique:
        found.add(f"UNIQUE_ITEMS_{'REMOVED' if old.unique else 'ADDED'}", "uniqueItems")


def _tuples(found: Found, old: Array, new: Array) -> Comparison:
    both = min(len(old.items), len(new.items))
    for index in range(both):
        outcome = yield old.items[index], new.items[index]
        found.extend(outcome, "items", str(index))
    for index, item in enumerate(old.items[both:], both):
        yield from _removed(found, index, item, new)
    for index, item in enumerate(new.items[both:], both):
        yield from _added(found, index, item, old)


def _removed(found: Found, index: int, item: Shape, new: Array) -> Comparison:
    at = ("items", str(index))
    if rest_is_open(new):
        found.add("ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", *at, old=item)
        return
    cover = rest_of(new)
    if cover is None:
        code = "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        if isinstance(item, Nothing):
            code = "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        found.add(code, *at, old=item)
        return
    yield from compare_cover(found, "ITEM_REMOVED", at, item, cover)


def _added(found: Found, index: int, item: Shape, old: Array) -> Comparison:
    at = ("items", str(index))
    if rest_is_open(old):
        code = "ITEM_ADDED_TO_OPEN_CONTENT_MODEL"
        if isinstance(item, Anything):
            code = "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL"
        found.add(code, *at, new=item)
        return
    cover = rest_of(old)
    if cover is None:
        found.add("ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", *at, new=item)
        return
    yield from compare_cover(found, "ITEM_ADDED", at, cover, item)
