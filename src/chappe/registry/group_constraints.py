"""A group's own `constraints`: what they may say (core/spec.md "`constraints` Attribute")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chappe.registry.entity_drafts import GroupDraft
from chappe.registry.errors import RegistryError
from chappe.registry.model import Attribute, AttributeSet, Constraint, GroupType
from chappe.registry.model_attributes import is_of, listed
from chappe.registry.model_constraints import split_key, split_path, static_scalar
from chappe.registry.values import same, text_of


class _Conflict(Exception):
    """A constraint does not narrow what the group's type and the model say."""


def check_own(group: GroupDraft) -> None:
    """Check a group's own `constraints`, which may only narrow what its type and the model say.

    Raises:
        RegistryError: invalid_attribute of what is wrong in itself; bad_request of what is at odds
            with the model, which may be the request's as well as the group's fault.
    """
    own = group.attributes.get("constraints")
    if not own:
        return
    for key, value in own.items():
        try:
            fault = _fault(group.type, key, value if isinstance(value, Mapping) else {})
        except _Conflict as conflict:
            detail = f'Group "{group.xid}" constraint "{key}" has {conflict}'
            raise RegistryError("bad_request", group.xid, error_detail=detail) from None
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
        if not _is_in(value, allowed):
            raise _Conflict(
                f"an enum value ({text_of(value)}) that isn't part of the inherited attribute's"
                f" enum list ({listed(allowed)})"
            )
    return ""


def _default_fault(
    attribute: Attribute, inherited: Constraint | None, mine: Mapping[str, Any]
) -> str:
    enum = mine.get("enum") or ()
    default = mine.get("default")
    if default is not None:
        if not is_of(default, attribute.type):
            return f'has a default ({text_of(default)}) that is no "{attribute.type}"'
        allowed = enum or _allowed(attribute, inherited)
        if not _is_in(default, allowed):
            raise _Conflict(
                f"a default value ({text_of(default)}) that isn't part of the base attribute's"
                f" enum list ({listed(allowed)})"
            )
    elif inherited is not None and inherited.default is not None:
        if not _is_in(inherited.default, enum):
            raise _Conflict(
                f"an enum set ({listed(enum)}) that doesn't include the Group Model's default value"
                f" ({text_of(inherited.default)}) for the same constraint"
            )
    elif attribute.default is not None and not _is_in(attribute.default, enum):
        raise _Conflict(
            f"an enum set ({listed(enum)}) that doesn't include the attribute's default value"
            f" ({text_of(attribute.default)})"
        )
    return ""


def _is_in(value: Any, allowed: Sequence[Any]) -> bool:
    """Whether a value is one of those allowed; none listed are all."""
    return not allowed or any(same(value, one) for one in allowed)


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
        raise _Conflict(
            f'an "equals" value ({text}) that differs from the one defined in the Group Type'
            f" ({'.'.join(inherited.equals)})"
        )
    other, reason = static_scalar(group, path)
    if other is None:
        return f'has a wrong "equals": {reason}'
    if other.type != attribute.type:
        return f'has an "equals" of the type "{other.type}", not "{attribute.type}"'
    return ""
