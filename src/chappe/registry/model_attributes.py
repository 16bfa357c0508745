"""Attribute definitions of a model source (core/model.md "`attributes`" to "`ifvalues`")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from chappe.registry.errors import RegistryError
from chappe.registry.model import SCALARS, TYPES, Attribute, AttributeSet
from chappe.registry.model_aspects import Aspects, model_error
from chappe.registry.values import CHECKS, KEY, NAME, Fault, same, text_of

_ITEM_ASPECTS: Final = frozenset("name type description target namecharset attributes item".split())
_ASPECTS: Final = _ITEM_ASPECTS | frozenset(
    "enum strict matchversions readonly immutable required default ifvalues".split()
)
_REFERRING: Final = frozenset(
    "xid uri uriabsolute urirelative uritemplate url urlabsolute urlrelative".split()
)
_IGNORED: Final = frozenset({"capabilities", "model", "modelsource"})
"""What a source says of these is not looked at: their content is the specification's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a set of attributes stands.

    `path` is for messages. `targets` are the types of the model ("/dirs", "/dirs/files"). The flags
    say what surrounds the set: a version of a resource (where `matchversions` is allowed), an
    `ifvalues`, a "*", an array, a map.
    """

    path: str
    targets: frozenset[str]
    version: bool = False
    ifvalues: bool = False
    wild: bool = False
    array: bool = False
    map: bool = False

    def of(self, name: str) -> str:
        """The place of an attribute of the set."""
        return f"{self.path}.{name}" if self.path else name


def attribute_set(
    source: Mapping[str, Any],
    place: Place,
    *,
    spec: Mapping[str, Attribute] | None = None,
    spec_others: Attribute | None = None,
    namecharset: str = "strict",
    taken: frozenset[str] = frozenset(),
    reserved: frozenset[str] = frozenset(),
) -> AttributeSet:
    """The specification's attributes, overlaid with those of a source.

    Args:
        source: definitions by name.
        place: where they stand.
        spec: what the specification defines here; a source may narrow it, never loosen it.
        spec_others: the "*" that the specification defines here.
        namecharset: of the names.
        taken: names of enclosing sets that an `ifvalues` would join; they must not occur again.
        reserved: names that neither the source nor "*" may use here.

    Raises:
        RegistryError: model_error, model_required_true, model_scalar_default or parsing_data.
    """
    spec = spec or {}
    by_name: dict[str, Attribute] = dict(spec)
    others = spec_others
    names = frozenset(source) | spec.keys() | taken | ({"*"} if spec_others else frozenset())
    for name, value in source.items():
        if name in reserved:
            raise model_error(f'"{place.of(name)}" uses a name that the specification defines')
        if name in taken:
            raise model_error(f"duplicate attribute name ({name}) at: {place.path}")
        if value is None:
            raise model_error(f'attribute "{place.of(name)}" can\'t be empty')
        if not isinstance(value, Mapping):
            raise model_error(f'attribute "{place.of(name)}" must be an object')
        defined = spec.get(name)
        if defined is not None and defined.computed and name in _IGNORED:
            continue
        attribute = _attribute(name, value, place, defined, namecharset, names)
        if name == "*":
            others = attribute
        else:
            by_name[name] = attribute
    return AttributeSet(by_name=by_name, others=others, namecharset=namecharset, reserved=reserved)


def _attribute(
    name: str,
    value: Mapping[str, Any],
    place: Place,
    spec: Attribute | None,
    namecharset: str,
    siblings: frozenset[str],
) -> Attribute:
    where = place.of(name)
    aspects = Aspects(value, where)
    aspects.known(_ASPECTS)
    if name != "*" and not (KEY if namecharset == "extended" else NAME).fullmatch(name):
        raise model_error(f'"{where}" is no valid attribute name ("namecharset": "{namecharset}")')
    if aspects.has("name") and aspects.text("name") != name:
        raise model_error(f'"{where}" must have a "name" set to "{name}"')
    inner = replace(place, path=where, wild=place.wild or name == "*")
    attribute = _typed(name, aspects, inner, spec)
    attribute = replace(
        attribute,
        description=aspects.text("description"),
        enum=tuple(aspects.array("enum")),
        strict=aspects.flag("strict", default=True),
        matchversions=aspects.flag("matchversions"),
        readonly=aspects.flag("readonly"),
        immutable=aspects.flag("immutable") or (spec is not None and spec.immutable),
        required=aspects.flag("required"),
        default=aspects.any("default"),
        spec=spec is not None,
        computed=spec is not None and spec.computed,
    )
    _check_enum(attribute, where)
    _check_default(attribute, where)
    _check_matchversions(attribute, inner)
    if name == "*":
        for aspect in ("readonly", "required"):
            if aspects.flag(aspect):
                raise model_error(f'"{where}" must not have "{aspect}" set to "true"')
        if aspects.has("ifvalues"):
            raise model_error(f'"{where}" must not have "ifvalues"')
    if spec is None and attribute.immutable:
        raise model_error(
            f'"{where}" must not be "immutable": only attributes of the specification are'
        )
    if spec is not None:
        _narrows(attribute, spec)
    if aspects.has("ifvalues"):
        attribute = replace(
            attribute, ifvalues=_ifvalues(attribute, aspects, place, namecharset, siblings)
        )
    return attribute


def _typed(name: str, aspects: Aspects, place: Place, spec: Attribute | None) -> Attribute:
    """What an attribute and an item have in common: the type and what belongs to it."""
    where = place.path
    if not aspects.has("type"):
        raise model_error(f'"{where}" is missing a "type"')
    type = aspects.text("type")
    if type not in TYPES:
        raise model_error(f'"{where}" has an invalid type: {type}')
    if spec is not None and spec.type != type:
        raise model_error(f'"model.{name}" must have a "type" of "{spec.type}"')
    charset = "strict"
    if aspects.has("namecharset"):
        if type != "object":
            raise model_error(
                f'"{where}" must not have a "namecharset" value since it is not of type "object"'
            )
        charset = aspects.text("namecharset").lower()
        if charset not in ("strict", "extended"):
            raise model_error(f'"{where}" has an invalid "namecharset" value: {charset}')
    if type != "object" and aspects.has("attributes"):
        raise model_error(f'"{where}" must not have "attributes" since its type is "{type}"')
    inner: AttributeSet | None = None
    if type == "object":
        defined = None if spec is None else spec.attributes
        inner = attribute_set(
            aspects.object("attributes"),
            place,
            spec=None if defined is None else defined.by_name,
            spec_others=None if defined is None else defined.others,
            namecharset=charset,
        )
    return Attribute(
        name=name,
        type=type,
        target=_target(aspects, type, place),
        namecharset=charset,
        attributes=inner,
        item=_item(aspects, type, place, spec),
    )


def _target(aspects: Aspects, type: str, place: Place) -> str:
    target = aspects.text("target")
    if not target:
        return ""
    where = place.path
    if type not in _REFERRING:
        raise model_error(
            f'"{where}" must not have a "target" value since "type" is not "xid", "uri*" or "url*"'
        )
    base = target.removesuffix("[/versions]")
    parts = base.split("/")
    versions = len(parts) == 4 and parts[3] == "versions" and base == target
    if (
        parts[0]
        or not (2 <= len(parts) <= 3 or versions)
        or not all(parts[1:])
        or (base != target and len(parts) != 3)
    ):
        raise model_error(
            f'"{where}" "target" must be of the form: '
            "/GROUPS[/RESOURCES[/versions | \\[/versions\\] ]]"
        )
    if f"/{parts[1]}" not in place.targets:
        raise model_error(f'"{where}" has an unknown Group type: "{parts[1]}"')
    if len(parts) > 2 and f"/{parts[1]}/{parts[2]}" not in place.targets:
        raise model_error(f'"{where}" has an unknown Resource type: "{parts[2]}"')
    return target


def _item(aspects: Aspects, type: str, place: Place, spec: Attribute | None) -> Attribute | None:
    where = place.path
    if type not in ("array", "map"):
        if aspects.has("item"):
            raise model_error(f'"{where}" must not have an "item" section')
        return None
    if not aspects.has("item"):
        raise model_error(f'"{where}" must have an "item" section')
    item = Aspects(aspects.object("item"), f"{where}.item")
    item.known(_ITEM_ASPECTS)
    inner = replace(
        place,
        path=f"{where}.item",
        array=place.array or type == "array",
        map=place.map or type == "map",
    )
    return _typed("", item, inner, None if spec is None else spec.item)


# Aspects of a value


def _check_enum(attribute: Attribute, where: str) -> None:
    if not attribute.enum:
        return
    type = attribute.type
    # The official endpoint model has an `enum` on an array; it is meant for the items.
    if attribute.item is not None:
        type = attribute.item.type
    if type not in SCALARS:
        raise model_error(
            f'"{where}" is not a scalar, or an array of scalars, so "enum" is not allowed'
        )
    for value in attribute.enum:
        if not is_of(value, type):
            raise model_error(f'"{where}" enum value "{text_of(value)}" must be of type "{type}"')


def _check_default(attribute: Attribute, where: str) -> None:
    if attribute.default is None:
        return
    if attribute.type not in SCALARS:
        raise RegistryError("model_scalar_default", "/model", name=where)
    if not is_of(attribute.default, attribute.type):
        raise model_error(f'"{where}" "default" value must be of type "{attribute.type}"')
    if not attribute.required:
        raise RegistryError("model_required_true", "/model", name=where)
    if (
        attribute.enum
        and attribute.strict
        and not any(same(attribute.default, one) for one in attribute.enum)
    ):
        raise model_error(
            f'"{where}" default value "{text_of(attribute.default)}" must be one of the specified '
            f'enum values ({listed(attribute.enum)}) since "strict" is "true"'
        )


def _check_matchversions(attribute: Attribute, place: Place) -> None:
    if not attribute.matchversions:
        return
    if not place.version:
        reason = "not being an attribute of Versions"
    elif place.ifvalues:
        reason = 'being in an "ifvalues" clause'
    elif place.wild:
        reason = 'being in a "*" extension'
    elif not attribute.is_scalar:
        reason = "not being a scalar attribute"
    elif place.array:
        reason = "being in an array"
    elif place.map:
        reason = "being in a map"
    else:
        return
    raise model_error(
        f'"{place.path}" is not allowed to have "matchversions" set to "true" due to it {reason}'
    )


def is_of(value: Any, type: str) -> bool:
    """Whether a value of a model source is of a scalar type."""
    try:
        CHECKS[type](value)
    except Fault:
        return False
    return True


def listed(values: Iterable[Any]) -> str:
    """Values, for a message."""
    return ", ".join(text_of(one) for one in values)


# Overlays


def _narrows(attribute: Attribute, spec: Attribute) -> None:
    """Refuse an overlay that allows more than the specification does."""
    name = spec.name
    if spec.required and not attribute.required:
        raise model_error(f'"model.{name}" must have its "required" attribute set to "true"')
    if spec.readonly and not attribute.readonly:
        raise model_error(f'"model.{name}" must have its "readonly" attribute set to "true"')
    if spec.default is not None and attribute.default is None:
        raise model_error(f'"model.{name}" must have a default value defined')
    if spec.computed and spec.default is not None and attribute.default != spec.default:
        raise model_error(f'"model.{name}" must have the default value "{text_of(spec.default)}"')
    if not spec.enum:
        return
    if not attribute.enum:
        raise model_error(
            f'"model.{name}" must have an "enum" set that contains at least one of: '
            f"{listed(spec.enum)}"
        )
    for value in attribute.enum:
        if value not in spec.enum:
            raise model_error(
                f'"model.{name}" has an "enum" val ({text_of(value)}) that isn\'t allowed. '
                f"Must be one of: {listed(spec.enum)}"
            )
    if not attribute.strict:
        raise model_error(f'"model.{name}" must have "strict" set to "true"')


# ifvalues


def _ifvalues(
    attribute: Attribute,
    aspects: Aspects,
    place: Place,
    namecharset: str,
    siblings: frozenset[str],
) -> Mapping[str, AttributeSet]:
    where = aspects.where
    if not attribute.is_scalar:
        raise model_error(f'"{where}" is not a scalar, so "ifvalues" is not allowed')
    result: dict[str, AttributeSet] = {}
    for key, value in aspects.object("ifvalues").items():
        if not key:
            raise model_error(f'"{where}" has an empty ifvalues key')
        if key.startswith("^"):
            raise model_error(f'"{where}" has an ifvalues key that starts with "^"')
        if key.lower() in result:
            raise model_error(f'"{where}" has ifvalues that only differ by case ("{key}")')
        if (
            attribute.enum
            and attribute.strict
            and not any(text_of(one).lower() == key.lower() for one in attribute.enum)
        ):
            raise model_error(
                f'"{where}" has an ifvalues key ({key}) that is not one of the specified enum '
                f'values ({listed(attribute.enum)}) since "strict" is "true"'
            )
        if not isinstance(value, Mapping):
            raise model_error(f'"{where}" ifvalues "{key}" must be an object')
        branch = Aspects(value, f"{where}.ifvalues.{key}")
        branch.known(frozenset({"siblingattributes"}))
        siblingattributes = attribute_set(
            branch.object("siblingattributes"),
            replace(place, ifvalues=True),
            namecharset=namecharset,
            taken=siblings,
        )
        result[key.lower()] = replace(siblingattributes, value=key)
    return result
