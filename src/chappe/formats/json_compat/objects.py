"""Objects compared: properties, what is required, what else is allowed.

A content model is open when properties that no keyword names may be anything, closed when there may be
none of them, and partially open when a schema says what they are.
"""

from __future__ import annotations

from chappe.formats.json_compat.changes import Comparison, Found
from chappe.formats.json_compat.patterns import Patterns
from chappe.formats.json_compat.reading import has_default
from chappe.formats.json_compat.scalars import compare_bounds
from chappe.formats.json_compat.shapes import Anything, Array, Nothing, Object, Shape
from chappe.formats.json_compat.wording import listed


def compare_objects(found: Found, old: Object, new: Object, patterns: Patterns) -> Comparison:
    """All rules of objects."""
    _required(found, old, new)
    for name in {**old.properties, **new.properties}:
        if name not in new.properties:
            yield from _removed(found, name, old.properties[name], new, patterns)
        elif name not in old.properties:
            yield from _added(found, name, old, new, patterns)
        else:
            outcome = yield old.properties[name], new.properties[name]
            found.extend(outcome, "properties", name)
    yield from _dependencies(found, old, new)
    yield from compare_rest(
        found,
        "additionalProperties",
        "ADDITIONAL_PROPERTIES",
        (old.closed, old.additional),
        (new.closed, new.additional),
    )
    yield from compare_unevaluated(
        found, "unevaluatedProperties", "UNEVALUATED_PROPERTIES", old.unevaluated, new.unevaluated
    )
    compare_bounds(found, old.bounds, new.bounds)


def _required(found: Found, old: Object, new: Object) -> None:
    for name in sorted(old.properties.keys() & new.properties.keys()):
        if name in old.required and name not in new.required:
            found.add("REQUIRED_ATTRIBUTE_REMOVED", "required", name)
        elif name in new.required and name not in old.required:
            with_default = has_default(new.properties[name])
            code = f"REQUIRED_ATTRIBUTE_{'WITH_DEFAULT_' if with_default else ''}ADDED"
            found.add(code, "required", name)


def _removed(found: Found, name: str, old: Shape, new: Object, patterns: Patterns) -> Comparison:
    """A property that only the old schema has: what counts is what the new one makes of it."""
    at = ("properties", name)
    if _is_open(new):
        found.add("PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", *at, old=old)
        return
    yield len(new.patterns)
    cover = _cover(new, name, patterns)
    if cover is None:
        code = "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        if isinstance(old, Nothing):
            code = "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        found.add(code, *at, old=old)
        return
    yield from compare_cover(found, "PROPERTY_REMOVED", at, old, cover)


def _added(found: Found, name: str, old: Object, new: Object, patterns: Patterns) -> Comparison:
    """A property that only the new schema has: what counts is what old data may hold there."""
    shape = new.properties[name]
    at = ("properties", name)
    how = "OPTIONAL"
    if name in new.required:
        how = "REQUIRED_PROPERTY_WITH_DEFAULT" if has_default(shape) else "REQUIRED"
    kind = how if how.startswith("REQUIRED_PROPERTY") else f"{how}_PROPERTY"
    if _is_open(old):
        code = f"{kind}_ADDED_TO_OPEN_CONTENT_MODEL"
        if isinstance(shape, Anything):
            code = "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL"
        found.add(code, *at, new=shape)
        return
    yield len(old.patterns)
    cover = _cover(old, name, patterns)
    if cover is not None:
        yield from compare_cover(found, "PROPERTY_ADDED", at, cover, shape)
    found.add(f"{kind}_ADDED_TO_UNOPEN_CONTENT_MODEL", *at, new=shape)


def _is_open(shape: Object) -> bool:
    return rest_is_open(shape) and not shape.patterns


def _cover(shape: Object, name: str, patterns: Patterns) -> Shape | None:
    """What a property must be that is not named, where the content model is partially open."""
    for pattern, covering in shape.patterns.items():
        if patterns.match(pattern, name):
            return covering
    return rest_of(shape)


def _dependencies(found: Found, old: Object, new: Object) -> Comparison:
    for name in {**old.needed, **new.needed}:
        at = ("dependencies", name)
        had, has = old.needed.get(name), new.needed.get(name)
        if has is None:
            found.add("DEPENDENCY_ARRAY_REMOVED", *at, old=listed(had or ()))
        elif had is None:
            found.add("DEPENDENCY_ARRAY_ADDED", *at, new=listed(has))
        elif had != has:
            end = "EXTENDED" if has >= had else "NARROWED" if had >= has else "CHANGED"
            found.add(f"DEPENDENCY_ARRAY_{end}", *at, old=listed(had), new=listed(has))
    for name in {**old.dependent, **new.dependent}:
        at = ("dependencies", name)
        if name not in new.dependent:
            found.add("DEPENDENCY_SCHEMA_REMOVED", *at, old=old.dependent[name])
        elif name not in old.dependent:
            found.add("DEPENDENCY_SCHEMA_ADDED", *at, new=new.dependent[name])
        else:
            outcome = yield old.dependent[name], new.dependent[name]
            found.extend(outcome, *at)


def rest_is_open(shape: Object | Array) -> bool:
    """Whether what no keyword names may be anything."""
    open_ = shape.unevaluated is None or isinstance(shape.unevaluated, Anything)
    return open_ and not shape.closed and shape.additional is None


def rest_of(shape: Object | Array) -> Shape | None:
    """What must be what no keyword names, where the content model is partially open."""
    if shape.additional is not None:
        return shape.additional
    if not shape.closed and not isinstance(shape.unevaluated, Anything | Nothing):
        return shape.unevaluated
    return None


def compare_cover(
    found: Found, code: str, at: tuple[str, str], old: Shape, new: Shape
) -> Comparison:
    """What only one schema names, and what the other makes of it; `code` as "ITEM_REMOVED"."""
    outcome = yield old, new
    found.extend(outcome, *at)
    covered = f"{'IS' if outcome.compatible else 'NOT'}_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
    found.add(f"{code}_{covered}", *at, old=old, new=new)


def compare_rest(
    found: Found,
    keyword: str,
    code: str,
    old: tuple[bool, Shape | None],
    new: tuple[bool, Shape | None],
) -> Comparison:
    """Other properties and items, each as (whether none may be, what they must be)."""
    (was_closed, before), (is_closed, after) = old, new
    if was_closed != is_closed:
        end = "REMOVED" if is_closed else "ADDED"
        found.add(f"{code}_{end}", keyword, old=_allowed(old), new=_allowed(new))
    elif before is None and after is not None:
        found.add(f"{code}_NARROWED", keyword, new=after)
    elif after is None and before is not None:
        found.add(f"{code}_EXTENDED", keyword, old=before)
    elif before is not None and after is not None:
        outcome = yield before, after
        found.extend(outcome, keyword)


def _allowed(rest: tuple[bool, Shape | None]) -> Shape | str:
    closed, shape = rest
    return "false" if closed else "true" if shape is None else shape


def compare_unevaluated(
    found: Found, keyword: str, code: str, old: Shape | None, new: Shape | None
) -> Comparison:
    """Unevaluated properties and items; None where there is none."""
    if old is None and new is None:
        return
    texts = {"old": "anything" if old is None else old, "new": "anything" if new is None else new}
    was_false, is_false = isinstance(old, Nothing), isinstance(new, Nothing)
    if was_false != is_false:
        found.add(f"{code}_{'REMOVED' if is_false else 'ADDED'}", keyword, **texts)
    elif old is None or (isinstance(old, Anything) and not isinstance(new, Anything | None)):
        found.add(f"{code}_NARROWED", keyword, **texts)
    elif new is None or (isinstance(new, Anything) and not isinstance(old, Anything)):
        found.add(f"{code}_EXTENDED", keyword, **texts)
    else:
        outcome = yield old, new
        found.extend(outcome, keyword)
