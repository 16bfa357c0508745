"""What the model says of an attribute, found by its name or path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chappe.registry.dot import is_any_item, is_any_member
from chappe.registry.model import Attribute, AttributeSet

_MAX_NESTED = 8


def definition(attributes: AttributeSet, name: str) -> Attribute | None:
    """The definition of an attribute, also where only some value of another one brings it in."""
    return next(_found(attributes, name, 0), attributes.others)


def _found(attributes: AttributeSet, name: str, depth: int) -> Iterator[Attribute]:
    own = attributes.get(name)
    if own is not None:
        yield own
    if depth < _MAX_NESTED:
        for attribute in attributes.by_name.values():
            for siblings in attribute.ifvalues.values():
                yield from _found(siblings, name, depth + 1)


def type_at(attributes: AttributeSet, path: Sequence[str | int]) -> str:
    """The type at a path in dot notation; "any" where the model does not tell."""
    here: Attribute | None = None
    for index, part in enumerate(path):
        if index == 0:
            if not isinstance(part, str) or is_any_member(part) or is_any_item(part):
                return "any"
            here = definition(attributes, part)
        elif here is None:
            return "any"
        elif here.type in ("map", "array"):
            here = here.item
        elif here.type == "object" and here.attributes is not None and isinstance(part, str):
            if is_any_member(part):
                return "any"
            here = definition(here.attributes, part)
        else:
            return "any"
    return "any" if here is None else here.type
