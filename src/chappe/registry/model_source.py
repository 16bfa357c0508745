"""From a model source, which a client sends, to the compiled model (core/model.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from chappe.registry.model import GroupType, Model, ResourceType
from chappe.registry.model_aspects import Aspects, model_error
from chappe.registry.model_attributes import Place, attribute_set
from chappe.registry.model_constraints import group_constraints
from chappe.registry.model_document import full_model
from chappe.registry.model_imports import imported
from chappe.registry.model_include import resolved
from chappe.registry.model_spec import (
    STATIC_PATHS,
    group_attributes,
    meta_attributes,
    registry_attributes,
    resource_attributes,
    version_attributes,
)
from chappe.registry.values import NAME, TYPE_NAME

_MODEL_ASPECTS: Final = frozenset(
    "$schema description documentation labels attributes groups".split()
)
_TYPE_ASPECTS: Final = frozenset(
    "plural singular description documentation icon labels modelversion modelcompatiblewith"
    " attributes".split()
)
_GROUP_ASPECTS: Final = _TYPE_ASPECTS | {"ximportresources", "constraints", "resources"}
_RESOURCE_ASPECTS: Final = _TYPE_ASPECTS | frozenset(
    "maxversions setversionid hasdocument versionmode singleversionroot validateformat"
    " validatecompatibility strictvalidation typemap resourceattributes metaattributes".split()
)
_VERSIONMODES: Final = ("manual", "createdat", "modifiedat", "semver")
_TYPEMAP: Final = {"application/json": "json", "*+json": "json", "text/plain": "string"}


def compile_model(source: Mapping[str, Any], *, reserved: frozenset[str] = frozenset()) -> Model:
    """The model that a source defines: the specification's attributes, overlaid with the source's.

    Args:
        source: the parsed JSON; {} defines a registry without group types.
        reserved: plural names that no type of group may have, because the hub's own API has paths
            of these names.

    Raises:
        RegistryError: model_error, model_required_true, model_scalar_default, or parsing_data for
            an aspect of the wrong JSON type; the subject is always "/model".
    """
    if not isinstance(source, Mapping):
        raise model_error("it must be an object")
    plain = resolved(source)
    model = Aspects(plain, "")
    model.known(_MODEL_ASPECTS)
    model.texts("$schema", "description", "documentation")
    model.labels()
    sources = _types(model.object("groups"), "groups", "Group", _GROUP_ASPECTS)
    for plural, group in sources.items():
        _check_names(group, plural, "Group", "")
        if plural in reserved or plural in STATIC_PATHS:
            raise model_error(
                f'Group "{plural}" has a plural name that is a path of this server\'s API'
            )
    resources = {
        plural: _types(
            group.object("resources"), f"groups.{plural}.resources", "Resource", _RESOURCE_ASPECTS
        )
        for plural, group in sources.items()
    }
    for plural, local in resources.items():
        for name, resource in local.items():
            _check_names(resource, name, "Resource", plural)
    origins = imported(sources, {plural: tuple(local) for plural, local in resources.items()})
    _check_unique_groups(sources)
    targets = frozenset(f"/{plural}" for plural in sources) | frozenset(
        f"/{plural}/{name}" for plural, names in origins.items() for name in names
    )

    own = {
        f"/{plural}/{name}": _resource(resource, plural, name, targets)
        for plural, local in resources.items()
        for name, resource in local.items()
    }
    groups: dict[str, GroupType] = {}
    for plural, group in sources.items():
        types = {
            name: replace(own[origin], group=plural) for name, origin in origins[plural].items()
        }
        _check_unique_resources(plural, types)
        groups[plural] = _group(group, plural, types, targets)
    attributes = attribute_set(
        model.object("attributes"),
        Place("", targets),
        spec=registry_attributes(groups),
    )
    return Model(
        source=source,
        full=full_model(plain, attributes, groups),
        attributes=attributes,
        groups=groups,
    )


def _types(
    value: Mapping[str, Any], where: str, kind: str, aspects: frozenset[str]
) -> dict[str, Aspects]:
    """The types of groups or resources, each an object with aspects that are known."""
    result: dict[str, Aspects] = {}
    for plural, one in value.items():
        if one is None:
            raise model_error(f'{kind} definition for "{plural}" can\'t be empty')
        if not isinstance(one, Mapping):
            raise model_error(f'{kind} definition for "{plural}" must be an object')
        result[plural] = type = Aspects(one, f"{where}.{plural}")
        type.known(aspects)
        type.texts(
            "plural", "singular", "description", "documentation", "icon", "modelversion",
            "modelcompatiblewith",
        )  # fmt: skip
        type.labels()
    return result


def _check_names(type: Aspects, plural: str, kind: str, group: str) -> None:
    """Check the plural and singular name of a type (core/model.md `plural`, `singular`)."""
    named = type.text("plural", plural)
    singular = type.text("singular")
    if named != plural:
        raise model_error(
            f'{kind} "{plural}" must have a "plural" value of "{plural}", not "{named}"'
        )
    _check_name(plural)
    if not singular:
        raise model_error(f'{kind} "{plural}" is missing a "singular" value')
    if singular == plural:
        raise model_error(f'{kind} "{plural}" has same value for "plural" and "singular"')
    if group or not NAME.fullmatch(singular):  # a group's singular may have 63 characters
        _check_name(singular)


def _check_name(name: str) -> None:
    if not TYPE_NAME.fullmatch(name):
        raise model_error(f'model type name "{name}" must match: ^[a-z_][a-z_0-9]{{0,56}}$')


def _check_unique_groups(sources: Mapping[str, Aspects]) -> None:
    """Plural and singular names are unique over all types of groups (core/model.md)."""
    seen: set[str] = set()
    for plural, group in sources.items():
        singular = group.text("singular")
        if singular in sources:
            raise model_error(
                f'Group "{plural}" has a "singular" value ({singular}) that matches another '
                'Group\'s "plural" value'
            )
        if singular in seen:
            raise model_error(f'Group "{plural}" has a duplicate "singular" name "{singular}"')
        seen.add(singular)


def _check_unique_resources(plural: str, types: Mapping[str, ResourceType]) -> None:
    seen: set[str] = set()
    for name, type in types.items():
        if type.singular in types:
            raise model_error(
                f'Group "{plural}" has a Resource "{name}" that has a "singular" name that '
                'conflicts with an existing "plural" name'
            )
        if type.singular in seen:
            raise model_error(
                f'Group "{plural}" has a Resource "{name}" that has a duplicate "singular" name '
                f'"{type.singular}"'
            )
        seen.add(type.singular)


def _group(
    source: Aspects, plural: str, types: Mapping[str, ResourceType], targets: frozenset[str]
) -> GroupType:
    singular = source.text("singular")
    attributes = attribute_set(
        source.object("attributes"),
        Place(source.where, targets),
        spec=group_attributes(singular, types, f'Group type "{plural}"'),
    )
    return GroupType(
        plural=plural,
        singular=singular,
        attributes=attributes,
        resources=types,
        constraints=group_constraints(source.object("constraints"), plural, attributes, types),
    )


def _resource(source: Aspects, group: str, plural: str, targets: frozenset[str]) -> ResourceType:
    singular = source.text("singular")
    hasdocument = source.flag("hasdocument", default=True)
    where = f'Resource type "{plural}"'
    spec = resource_attributes(singular, where)
    place = Place(source.where, targets)
    extensions = sorted(source.object("resourceattributes").keys() - spec.keys())
    if extensions:
        raise model_error(
            'extension attributes are not allowed in "resourceattributes": ' + ",".join(extensions)
        )
    version = version_attributes(singular, where, hasdocument=hasdocument)
    return ResourceType(
        plural=plural,
        singular=singular,
        group=group,
        origin=f"/{group}/{plural}",
        version=attribute_set(
            source.object("attributes"),
            replace(place, version=True),
            spec=version,
            reserved=frozenset(spec.keys() - version.keys()),
        ),
        resource=attribute_set(source.object("resourceattributes"), place, spec=spec),
        meta=attribute_set(
            source.object("metaattributes"), place, spec=meta_attributes(singular, where)
        ),
        hasdocument=hasdocument,
        setversionid=source.flag("setversionid", default=True),
        strictvalidation=source.flag("strictvalidation"),
        typemap=_typemap(source, plural),
        **_versions(source, plural),
        **_validation(source, plural),
    )


def _versions(source: Aspects, plural: str) -> dict[str, Any]:
    maxversions = source.count("maxversions")
    if maxversions < 0:
        raise model_error(f'"maxversions"({maxversions}) must be >= 0')
    mode = source.text("versionmode", "manual").lower()
    if mode not in _VERSIONMODES:
        raise model_error(
            f'Resource "{plural}" has an invalid "versionmode" value ({mode}). Must be one of: '
            + ", ".join(_VERSIONMODES)
        )
    return {
        "maxversions": maxversions,
        "versionmode": mode,
        # These modes order the versions in one line, so there is one root whatever was sent; the
        # aspect is set as the specification asks ("`versionmode`").
        "singleversionroot": source.flag("singleversionroot") or mode != "manual",
    }


def _validation(source: Aspects, plural: str) -> dict[str, Any]:
    validateformat = source.flag("validateformat")
    validatecompatibility = source.flag("validatecompatibility")
    if validatecompatibility and not validateformat:
        raise model_error(
            f'Resource "{plural}" must have "validateformat" set to "true" when '
            '"validatecompatibility" is "true"'
        )
    return {"validateformat": validateformat, "validatecompatibility": validatecompatibility}


def _typemap(source: Aspects, plural: str) -> Mapping[str, str]:
    """By content type in lower case, with the implicit entries that the source does not override."""
    result: dict[str, str] = {}
    for key, value in source.object("typemap").items():
        if not key or key.count("*") > 1:
            raise model_error(
                f'Resource "{plural}" has an invalid "typemap" key ({key}). It must be non-empty, '
                'with at most one "*"'
            )
        kind = value.lower() if isinstance(value, str) else ""
        if kind not in ("binary", "json", "string"):
            raise model_error(
                f'Resource "{plural}" has an invalid "typemap" value ({value}). Must be one of '
                "'string', 'json' or 'binary'"
            )
        if result.setdefault(key.lower(), kind) != kind:
            raise model_error(
                f'Resource "{plural}" has "typemap" keys that only differ by case ({key})'
            )
    return {**_TYPEMAP, **result}


def check_immutable(before: Model, after: Model) -> None:
    """Check that no type which stays has another singular name (core/model.md `singular`).

    Raises:
        RegistryError: model_error.
    """
    for plural, group in after.groups.items():
        old = before.groups.get(plural)
        if old is None:
            continue
        if old.singular != group.singular:
            raise model_error(f'changing the singular name of Group "{plural}" is not allowed')
        for name, type in group.resources.items():
            if name in old.resources and old.resources[name].singular != type.singular:
                raise model_error(f'changing the singular name of Resource "{name}" is not allowed')
