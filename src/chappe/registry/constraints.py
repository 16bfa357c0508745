"""What a group asks of its resources' versions.

core/model.md `constraints` (a type's), core/spec.md "`constraints` Attribute" (a group's own).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from chappe.registry.draft import Draft
from chappe.registry.entity import Attributes
from chappe.registry.entity_drafts import GroupDraft, ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.model import Constraint, GroupType
from chappe.registry.model_constraints import split_key, split_path
from chappe.registry.values import same, text_of


def value_at(attributes: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at a path through objects; None where there is none."""
    value: Any = attributes
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def effective(type: GroupType, group: Attributes, resources: str) -> Iterator[Constraint]:
    """The constraints that hold for a type of resource in a group, its own ones merged in."""
    own = group.get("constraints")
    if not own:
        for constraint in type.constraints.values():
            if constraint.resources == resources:
                yield constraint
        return
    for key in {**type.constraints, **own}:
        inherited = type.constraints.get(key)
        mine = own.get(key)
        name, path = split_key(key)
        if name != resources:
            continue
        if not mine:
            if inherited is not None:
                yield inherited
            continue
        yield Constraint(
            resources=name,
            path=path,
            default=first_of(mine.get("default"), inherited and inherited.default),
            enum=mine.get("enum") or (inherited.enum if inherited else ()),
            equals=split_path(mine.get("equals") or "") or (inherited.equals if inherited else ()),
        )


def first_of(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)


def fill_defaults(draft: Draft, resource: ResourceDraft, attributes: dict[str, Any]) -> None:
    """Put a group's defaults where a version has no value; they go before the attributes' own."""
    group = resource.group
    for constraint in effective(group.type, group.attributes, resource.type.plural):
        if constraint.default is None:
            continue
        *outer, name = constraint.path
        holder: Any = attributes
        for step in outer:
            inner = holder.get(step) if isinstance(holder, dict) else None
            if isinstance(inner, dict):
                inner = dict(inner)
                holder[step] = inner
            holder = inner
        if isinstance(holder, dict) and holder.get(name) is None:
            holder[name] = constraint.default


def check_constraints(draft: Draft, resource: ResourceDraft, *, everything: bool = False) -> None:
    """Check the versions that changed, or all of them, against their group.

    Raises:
        RegistryError: constraint_failure.
    """
    group = resource.group
    versions = resource.versions().values() if everything else resource.asked()
    check_versions(group.type, group.attributes, resource.type.plural, versions, resource.xid)


class _Versioned(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...


def check_versions(
    type: GroupType,
    group: Attributes,
    resources: str,
    versions: Iterable[_Versioned],
    subject: str,
) -> None:
    """Check versions against a group's `enum` and `equals` constraints.

    Raises:
        RegistryError: constraint_failure.
    """
    binding = [one for one in effective(type, group, resources) if one.enum or one.equals]
    if not binding:
        return
    looked = list(versions)
    for one in binding:
        wanted = value_at(group, one.equals) if one.equals else None
        if wanted is not None:
            _refuse(
                one, "equals", subject, [each for each in looked if _differs(each, one, wanted)]
            )
        if one.enum:
            _refuse(one, "enum", subject, [each for each in looked if _is_beside(each, one)])


def _differs(version: _Versioned, constraint: Constraint, wanted: Any) -> bool:
    value = value_at(version.attributes, constraint.path)
    return value is None or not same(value, wanted)


def _is_beside(version: _Versioned, constraint: Constraint) -> bool:
    value = value_at(version.attributes, constraint.path)
    return value is not None and not any(same(value, one) for one in constraint.enum)


def _refuse(constraint: Constraint, kind: str, subject: str, wrong: Sequence[_Versioned]) -> None:
    if not wrong:
        return
    ids = ", ".join(sorted((one.id for one in wrong), key=str.lower))
    detail = f"Versions: {ids}."
    if kind == "enum":
        detail += f" Must be one of: {', '.join(text_of(one) for one in constraint.enum)}."
    path = ".".join(constraint.path)
    raise RegistryError("constraint_failure", subject, detail=detail, path=path, kind=kind)


def concern(group: GroupDraft) -> frozenset[str]:
    """The types of resource whose constraints a change of the group's attributes may tighten."""
    if group.before is None:
        return frozenset()
    old, now = group.before.attributes, group.attributes
    names: set[str] = set()
    for plural in group.type.resources:
        before, after = (_demands(group.type, one, plural) for one in (old, now))
        if after and before != after:
            names.add(plural)
    return frozenset(names)


def _demands(type: GroupType, group: Attributes, plural: str) -> list[Any]:
    return [
        (tuple(one.path), list(one.enum), tuple(one.equals), value_at(group, one.equals))
        for one in effective(type, group, plural)
        if one.enum or one.equals
    ]
