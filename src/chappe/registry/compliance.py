"""Whether what is stored complies with a model that a request replaces.

core/model.md "Creating or Updating the Registry Model": an entity that would break the new model
makes the request fail. The error is the entity's own, which tells what model_compliance_error does
not: whose attribute, and why (core/spec.md "Error Processing": "a more appropriate one"). Defaults
that are new are filled in; no epoch moves for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chappe.registry.draft import Draft
from chappe.registry.entity import Attributes, Version
from chappe.registry.entity_drafts import GroupDraft, ResourceDraft, VersionDraft
from chappe.registry.errors import RegistryError
from chappe.registry.model import AttributeSet, GroupType, Model
from chappe.registry.resources import finish
from chappe.registry.validation import conform

_SHOWN = 10  # of the entities that do not comply, in the error's detail


def check_model(draft: Draft) -> None:
    """Check every entity whose type changed.

    Raises:
        RegistryError: model_compliance_error of entities that would have no type; else that of the
            first entity that does not comply, with the others in its detail.
    """
    orphans = list(_orphans(draft))
    if orphans:
        raise _non_compliance(orphans)
    faults = list(_of_registry(draft))
    for plural, type in draft.model.groups.items():
        if not _same(draft.tree.model, draft.model, plural):
            for group in _groups(draft, type):
                faults += _of_group(draft, group)
    if faults:
        first, *others = faults
        if others:
            more = "; ".join(one.message.rstrip(".") for one in others[:_SHOWN])
            first.detail = f"{first.detail} Nor does this comply: {more}.".lstrip()
        raise first


def _non_compliance(faults: Sequence[str]) -> RegistryError:
    return RegistryError(
        "model_compliance_error", "/model", detail="; ".join(faults[:_SHOWN]) + "."
    )


def _same(old: Model, new: Model, plural: str) -> bool:
    """Whether a type of group means the same in both models."""
    before, after = (model.full.get("groups", {}).get(plural) for model in (old, new))
    return bool(before == after)


def _orphans(draft: Draft) -> Iterator[str]:
    """Entities whose types are gone."""
    for plural, groups in draft.tree.groups.items():
        type = draft.model.groups.get(plural)
        for id, group in groups.items():
            if draft.groups.get(plural, {}).get(id, group) is None:
                continue
            if type is None:
                yield f"/{plural}/{id} would have no type"
                continue
            for resources, collection in group.resources.items():
                if resources not in type.resources and collection:
                    yield f"/{plural}/{id}/{resources} would have no type"


def _of_registry(draft: Draft) -> Iterator[RegistryError]:
    if draft.tree.model.attributes is not draft.model.attributes:
        entry = draft.registry
        id = entry.attributes.get("registryid")
        conformed, fault = _conformed(draft, entry.attributes, draft.model.attributes, "/")
        if fault:
            yield fault
        elif conformed is not None:
            entry.attributes = conformed
            entry.attributes["registryid"] = id


def _groups(draft: Draft, type: GroupType) -> Iterator[GroupDraft]:
    ids = set(draft.tree.of(type.plural)) | set(draft.groups.get(type.plural, {}))
    for id in sorted(ids):
        group = draft.group(type, id)
        if group is not None:
            yield group


def _of_group(draft: Draft, group: GroupDraft) -> Iterator[RegistryError]:
    conformed, fault = _conformed(draft, group.attributes, group.type.attributes, group.xid)
    if fault:
        yield fault
    elif conformed is not None and conformed != group.attributes:
        group.entry.attributes = conformed
        group.entry.edited = True
    for plural, type in group.type.resources.items():
        ids = set(group.of(plural)) | set(group.resources.get(plural, {}))
        for id in sorted(ids):
            resource = draft.resource(group, type, id)
            if resource is not None and not resource.is_xref:
                yield from _of_resource(draft, resource)


def _of_resource(draft: Draft, resource: ResourceDraft) -> Iterator[RegistryError]:
    type = resource.type
    faults = [
        fault
        for id, version in resource.versions().items()
        if (fault := _of_version(draft, resource, id, version))
    ]
    meta = resource.meta
    if type.maxversions == 1 and meta.attributes.get("defaultversionsticky") is True:
        raise RegistryError("setdefaultversionsticky_false", resource.xid)
    conformed, fault = _conformed(draft, meta.attributes, type.meta, f"{resource.xid}/meta")
    if fault:
        faults.append(fault)
    yield from faults
    if not faults:
        if conformed is not None and conformed != meta.attributes:
            meta.attributes = conformed
            meta.edited = True
        finish(draft, resource, everything=True)


def _of_version(
    draft: Draft, resource: ResourceDraft, id: str, version: Version | VersionDraft
) -> RegistryError | None:
    """Put a version under the new model; why that cannot be, or None.

    An extension whose name the new model gives to the document must not turn into one unseen.

    Raises:
        RegistryError: hasdocument_violation.
    """
    type = resource.type
    xid = f"{resource.xid}/versions/{id}"
    if version.document and not type.hasdocument:
        raise RegistryError("hasdocument_violation", xid, plural=type.plural)
    before = draft.tree.model.resource_type(resource.group.type.plural, type.plural)
    old = resource.old.get(id)
    if type.hasdocument and before is not None and not before.hasdocument and old is not None:
        for name in (type.singular, f"{type.singular}base64", *type.url_names):
            if name in old.attributes:
                return _non_compliance([f'{xid} has a "{name}", which would be its document'])
    conformed, refused = _conformed(draft, version.attributes, type.version, xid)
    if conformed is not None and conformed != version.attributes:
        resource.opened(id).entry.attributes = conformed
    return refused


def _conformed(
    draft: Draft, attributes: Attributes, definitions: AttributeSet, xid: str
) -> tuple[dict[str, Any] | None, RegistryError | None]:
    """The attributes under the new model; or why they break it."""
    try:
        return (
            conform(attributes, definitions, model=draft.model, subject=xid, present=attributes),
            None,
        )
    except RegistryError as error:
        return None, error
