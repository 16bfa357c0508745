"""A group's own `constraints`: what they may say (core/spec.md "`constraints` Attribute")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chappe.registry.constraints import first_of
from chappe.registry.entity_drafts import GroupDraft
from chappe.registry.errors import RegistryError
from chappe.registry.model import Attribute, AttributeSet, Constraint, GroupType
from chappe.registry.model_attributes import is_of
from chappe.registry.model_constraints import split_key, split_path, static_scalar
from chappe.registry.values import same, text_of


def check_own(group: GroupDraft) -> None:
    """Check a group's own `constraints`, which may only narrow what its type and the model say.

    Raises:
        RegistryError: invalid_attribute.
    """
    own = group.attributes.get("constraints")
    if not own:
        return
    for key, value in own.items():
        fault = _fault(group.type, key, value if isinstance(value, Mapping) else {})
        if fault:
            raise RegistryError(
                "invalid_attribute",
                group.xid,
                name="constraints",
                error_detail=f'the constraint "{key}" {fault}',
            )


def _fault(type: GroupType, key: str, mine: Mapping[str, Any]) -> str:
    name, path = split_key(key)
    if not path or name not in type.resources:
        return "names no attribute of a type of resource in this group"
    attribute, reason = static_scalar(type.resources[name].version, path)
    if attribute is None:
        return f"has a wrong path: {reason}"
    inherited = type.constraints.get(key)
    return (
        _enum_fault(attribute, inherited, mine)
        or _default_fault(attribute, inherited, mine)
        or _equals_fault(type.attributes, attribute, inherited, mine)
    )


def _allowed(attribute: Attribute, inherited: Constraint | None) -> Sequence[Any]:
    if inherited is not None and inherited.enum:
        return inherited.enum
    return attribute.enum if attribute.strict else ()


def _enum_fault(attribute: Attribute, inherited: Constraint | None, mine: Mapping[str, Any]) -> str:
    allowed = _allowed(attribute, inherited)
    for value in mine.get("enum") or ():
        if not is_of(value, attribute.type):
            return f'has an enum value ({text_of(value)}) that is no "{attribute.type}"'
        if allowed and not any(same(value, one) for one in allowed):
            return f"has an enum value ({text_of(value)}) that is not one of those inherited"
    return ""


def _default_fault(
    attribute: Attribute, inherited: Constraint | None, mine: Mapping[str, Any]
) -> str:
    default = mine.get("default")
    if default is not None and not is_of(default, attribute.type):
        return f'has a default ({text_of(default)}) that is no "{attribute.type}"'
    value = first_of(default, inherited and inherited.default, attribute.default)
    enum = mine.get("enum") or _allowed(attribute, inherited)
    if value is not None and enum and not any(same(value, one) for one in enum):
        return f"has an enum without the default ({text_of(value)})"
    return ""


def _equals_fault(
    group: AttributeSet,
    attribute: Attribute,
    inherited: Constraint | None,
    mine: Mapping[str, Any],
) -> str:
    text = mine.get("equals")
    if not text:
        return ""
    path = split_path(text) if isinstance(text, str) else ()
    if inherited is not None and inherited.equals and tuple(inherited.equals) != tuple(path):
        return f'has another "equals" than its type, which has "{".".join(inherited.equals)}"'
    other, reason = static_scalar(group, path)
    if other is None:
        return f'has a wrong "equals": {reason}'
    if other.type != attribute.type:
        return f'has an "equals" of the type "{other.type}", not "{attribute.type}"'
    return ""
