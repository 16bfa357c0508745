"""Attributes that all versions of a resource share (core/model.md `matchversions`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from chappe.registry.constraints import value_at
from chappe.registry.entity_drafts import ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.model import AttributeSet, ResourceType


@lru_cache(maxsize=256)
def matching_paths(type: ResourceType) -> Sequence[Sequence[str]]:
    """The paths of the attributes with `matchversions`."""
    return tuple(_matching(type.version, ()))


def _matching(definitions: AttributeSet, outer: tuple[str, ...]) -> Iterator[Sequence[str]]:
    for name, attribute in definitions.by_name.items():
        if attribute.matchversions:
            yield (*outer, name)
        if attribute.type == "object" and attribute.attributes is not None:
            yield from _matching(attribute.attributes, (*outer, name))


def check_matching(resource: ResourceDraft, *, everything: bool = False) -> None:
    """Check that all versions have the same values where the model asks for that.

    Raises:
        RegistryError: mismatched_version_attribute.
    """
    paths = matching_paths(resource.type)
    if not paths:
        return
    some = [one.attributes for one in resource.touched.values() if one is not None]
    if everything:
        some = [one.attributes for one in resource.versions().values()]  # type: ignore[misc]
    else:
        # The others agree already, so that one of them speaks for all.
        other = next((one for id, one in resource.old.items() if id not in resource.touched), None)
        if other is not None:
            some.append(dict(other.attributes))
    for path in paths:
        values = [value_at(one, path) for one in some]
        for value in values[1:]:
            if (value is None) != (values[0] is None) or (value is not None and value != values[0]):
                name = ".".join(path)
                raise RegistryError("mismatched_version_attribute", resource.xid, name=name)
