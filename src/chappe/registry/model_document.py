"""The full model that `GET /model` answers (core/model.md "Retrieving the Registry Model")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.registry.model import Attribute, AttributeSet, GroupType, ResourceType


def full_model(
    source: Mapping[str, Any], attributes: AttributeSet, groups: Mapping[str, GroupType]
) -> Mapping[str, Any]:
    """Everything that defines the registry: what the source says and what the specification adds.

    Args:
        source: the model source, its includes resolved: texts and labels are copied from it.
        attributes: the registry's.
        groups: its types of groups.
    """
    document = _copied(source, "description", "documentation", "labels")
    document["attributes"] = _attributes(attributes)
    if groups:
        sources = source["groups"]
        document["groups"] = {
            plural: _group(sources[plural], type, sources) for plural, type in groups.items()
        }
    return document


def _group(source: Mapping[str, Any], type: GroupType, sources: Mapping[str, Any]) -> Any:
    document: dict[str, Any] = {"plural": type.plural, "singular": type.singular}
    document |= _copied(
        source, "description", "documentation", "icon", "labels", "modelversion",
        "modelcompatiblewith",
    )  # fmt: skip
    document["attributes"] = _attributes(type.attributes)
    if constraints := {
        key: _copied(one, "default", "enum", "equals")
        for key, one in (source.get("constraints") or {}).items()
    }:
        document["constraints"] = constraints
    if type.resources:
        document["resources"] = {
            plural: _resource(_definition(one, sources), one)
            for plural, one in type.resources.items()
        }
    return document


def _definition(type: ResourceType, sources: Mapping[str, Any]) -> Mapping[str, Any]:
    _, group, plural = type.origin.split("/")
    definition: Mapping[str, Any] = sources[group]["resources"][plural]
    return definition


def _resource(source: Mapping[str, Any], type: ResourceType) -> Mapping[str, Any]:
    document: dict[str, Any] = {"plural": type.plural, "singular": type.singular}
    document |= _copied(
        source, "description", "documentation", "icon", "labels", "modelversion",
        "modelcompatiblewith",
    )  # fmt: skip
    document |= {
        "maxversions": type.maxversions,
        "setversionid": type.setversionid,
        "hasdocument": type.hasdocument,
        "versionmode": type.versionmode,
        "singleversionroot": type.singleversionroot,
        "validateformat": type.validateformat,
        "validatecompatibility": type.validatecompatibility,
        "strictvalidation": type.strictvalidation,
    }
    document |= _copied(source, "typemap")
    document["attributes"] = _attributes(type.version)
    document["resourceattributes"] = _attributes(type.resource)
    document["metaattributes"] = _attributes(type.meta)
    return document


def _copied(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What of these the source has, but for what is empty."""
    return {name: source[name] for name in names if source.get(name) not in (None, "", {}, [])}


def _attributes(definitions: AttributeSet) -> dict[str, Any]:
    document = {name: _attribute(name, one) for name, one in definitions.by_name.items()}
    if definitions.others is not None:
        document["*"] = _attribute("*", definitions.others)
    return document


def _attribute(name: str, attribute: Attribute) -> dict[str, Any]:
    document = {"name": name, **_typed(attribute)}
    if attribute.description:
        document["description"] = attribute.description
    if attribute.enum:
        document["enum"] = list(attribute.enum)
        document["strict"] = attribute.strict
    for aspect in ("matchversions", "readonly", "immutable", "required"):
        if getattr(attribute, aspect):
            document[aspect] = True
    if attribute.default is not None:
        document["default"] = attribute.default
    document |= _inner(attribute)
    if attribute.ifvalues:
        document["ifvalues"] = {
            siblings.value: {"siblingattributes": _attributes(siblings)}
            for siblings in attribute.ifvalues.values()
        }
    return document


def _typed(attribute: Attribute) -> dict[str, Any]:
    document: dict[str, Any] = {"type": attribute.type}
    if attribute.target:
        document["target"] = attribute.target
    if attribute.namecharset != "strict":
        document["namecharset"] = attribute.namecharset
    return document


def _inner(attribute: Attribute) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if attribute.attributes is not None and (inner := _attributes(attribute.attributes)):
        document["attributes"] = inner
    if attribute.item is not None:
        document["item"] = _typed(attribute.item) | _inner(attribute.item)
    return document
