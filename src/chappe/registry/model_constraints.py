"""`constraints` of a type of group (core/model.md "`groups.<STRING>.constraints`").

Those of a group itself have the same keys and paths: `split_key` and `static_scalar` serve both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chappe.registry.model import Attribute, AttributeSet, Constraint, ResourceType
from chappe.registry.model_aspects import Aspects, model_error
from chappe.registry.model_attributes import is_of, listed
from chappe.registry.values import same, text_of

_ASPECTS: Final = frozenset({"default", "enum", "equals"})


def group_constraints(
    source: Mapping[str, Any],
    plural: str,
    group: AttributeSet,
    resources: Mapping[str, ResourceType],
) -> Mapping[str, Constraint]:
    """The constraints of a type of group, by key ("files.name").

    Args:
        source: what the model source says.
        plural: of the type of group.
        group: its attributes, which `equals` names.
        resources: its types of resources, imported ones too.

    Raises:
        RegistryError: model_error.
    """
    result: dict[str, Constraint] = {}
    for key, value in source.items():
        prefix = f'Group Type "{plural}" constraint "{key}"'
        if not isinstance(value, Mapping):
            raise model_error(f"{prefix} must be an object")
        aspects = Aspects(value, f"groups.{plural}.constraints['{key}']")
        aspects.known(_ASPECTS)
        name, path = split_key(key)
        if not path:
            raise model_error(
                f'{prefix} has an invalid key. It must be of the form "<RESOURCES>.<PATH>"'
            )
        if name not in resources:
            raise model_error(f'{prefix} has an unknown Resource type "{name}"')
        attribute, reason = static_scalar(resources[name].version, path)
        if attribute is None:
            raise model_error(f"{prefix} has an invalid path ({'.'.join(path)}): {reason}")
        equals = aspects.text("equals")
        if equals and not split_path(equals):
            raise model_error(
                f'{prefix} has an "equals" reference ({equals}) that isn\'t valid: it is no path '
                "through objects"
            )
        constraint = Constraint(
            resources=name,
            path=path,
            default=aspects.any("default"),
            enum=tuple(aspects.array("enum")),
            equals=split_path(equals),
        )
        _check(constraint, attribute, prefix)
        if constraint.equals:
            _check_equals(constraint, attribute, group, prefix)
        result[key] = constraint
    return result


def split_key(key: str) -> tuple[str, Sequence[str]]:
    """`files.myobj.name` -> ("files", ("myobj", "name")); the path is empty when the key is wrong."""
    name, _, path = key.partition(".")
    return name, split_path(path) if name else ()


def split_path(path: str) -> Sequence[str]:
    """A path in dot notation through objects: `a.b`, `a['b.c']`; empty when it is wrong."""
    parts: list[str] = []
    rest = path
    while rest:
        if rest[0] == "[":
            quote = rest[1:2]
            end = rest.find(f"{quote}]", 2) if quote in ("'", '"') else -1
            if end < 0:
                return ()
            parts.append(rest[2:end])
            rest = rest[end + 2 :]
        else:
            end = min((at for at in (rest.find("."), rest.find("[")) if at >= 0), default=len(rest))
            parts.append(rest[:end])
            rest = rest[end:]
        if rest.startswith("."):
            rest = rest[1:]
            if not rest:
                return ()
    return tuple(parts) if all(parts) else ()


def static_scalar(definitions: AttributeSet, path: Sequence[str]) -> tuple[Attribute | None, str]:
    """The statically defined scalar at a path through objects; or None and why there is none."""
    level: AttributeSet | None = definitions
    attribute: Attribute | None = None
    for index, name in enumerate(path):
        if level is None:
            shown = "an array" if attribute and attribute.type == "array" else "a map"
            if attribute is not None and attribute.type in ("array", "map"):
                return None, f'it includes {shown} ("{path[index - 1]}"), which is not allowed'
            return None, f'"{path[index - 1]}" is no object'
        attribute = level.get(name)
        if attribute is None:
            return None, f'Attribute "{name}" can not be found'
        level = attribute.attributes if attribute.type == "object" else None
    if attribute is None or not attribute.is_scalar:
        return None, f'"{path[-1] if path else ""}" must be a scalar'
    return attribute, ""


def _check(constraint: Constraint, attribute: Attribute, prefix: str) -> None:
    allowed: Sequence[Any] = attribute.enum if attribute.strict else ()
    for value in constraint.enum:
        if not is_of(value, attribute.type):
            raise model_error(
                f"{prefix} has an enum value ({text_of(value)}) that must be of type "
                f'"{attribute.type}"'
            )
        if allowed and not any(same(value, one) for one in allowed):
            raise model_error(
                f"{prefix} has an enum value ({text_of(value)}) that isn't part of the inherited "
                f"attribute's enum list ({listed(allowed)})"
            )
    allowed = constraint.enum or allowed
    default = constraint.default
    if default is not None:
        if not is_of(default, attribute.type):
            raise model_error(
                f"{prefix} has a default value ({text_of(default)}) that must be of type "
                f'"{attribute.type}"'
            )
        if allowed and not any(same(default, one) for one in allowed):
            raise model_error(
                f"{prefix} has a default value ({text_of(default)}) that isn't part of the base "
                f"attribute's enum list ({listed(allowed)})"
            )
    elif constraint.enum and attribute.default is not None:
        if not any(same(attribute.default, one) for one in constraint.enum):
            raise model_error(
                f"{prefix} has an enum set ({listed(constraint.enum)}) that doesn't include the "
                f"attribute's default value ({text_of(attribute.default)})"
            )


def _check_equals(
    constraint: Constraint, attribute: Attribute, group: AttributeSet, prefix: str
) -> None:
    path = ".".join(constraint.equals)
    other, reason = static_scalar(group, constraint.equals)
    if other is None:
        raise model_error(
            f'{prefix} has an "equals" reference ({path}) that isn\'t valid: {reason}'
        )
    if other.type != attribute.type:
        raise model_error(
            f'{prefix} has an "equals" reference ({path}) of type "{other.type}", but the attribute '
            f'is of type "{attribute.type}"'
        )
