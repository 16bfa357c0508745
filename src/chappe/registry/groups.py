"""What a request says of the registry itself and of its groups, taken into the draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.registry.capabilities import updated
from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import GroupDraft
from chappe.registry.errors import RegistryError
from chappe.registry.group_constraints import check_own
from chappe.registry.merging import (
    Sent,
    check_epoch,
    check_sent_id,
    entity_of,
    map_of,
    merge,
    nested_entity_of,
)
from chappe.registry.model import GroupType, Model
from chappe.registry.model_source import check_immutable, compile_model
from chappe.registry.paths import RESERVED
from chappe.registry.resources import put_resource
from chappe.registry.validation import conform


def put_registry(draft: Draft, sent: Sent, *, patch: bool) -> None:
    """Update the registry: capabilities, then the model, then its attributes, then its groups.

    (core/spec.md "`capabilities` Attribute", "`modelsource` Attribute")
    """
    if "id" not in draft.ignore:
        present = draft.tree.attributes.get("registryid", "")
        check_sent_id(sent, singular="registry", expected=present, subject="/")
    if "capabilities" in sent and "capabilities" not in draft.ignore:
        put_capabilities(draft, sent["capabilities"], patch=patch)
    if "modelsource" in sent and "modelsource" not in draft.ignore:
        put_model(draft, sent["modelsource"])
    _put_groups_of(draft, sent, patch=patch, subject="/")
    check_epoch(draft, sent.get("epoch"), draft.tree.attributes.get("epoch"), "/")
    attributes = _without_collections(sent, draft.model.groups)
    for name in ("capabilities", "model", "modelsource", "registryid"):
        attributes.pop(name, None)
    merge(
        draft.registry,
        attributes,
        patch=patch,
        now=draft.now,
        subject="/",
        kept=frozenset({"registryid"}),
    )


def finish_registry(draft: Draft) -> None:
    """Check the registry's own attributes."""
    attributes = draft.registry.attributes
    id = attributes.get("registryid")
    draft.registry.attributes = conform(
        attributes,
        draft.model.attributes,
        model=draft.model,
        subject="/",
        present=draft.registry.before,
    )
    draft.registry.attributes["registryid"] = id


def put_capabilities(draft: Draft, sent: Any, *, patch: bool) -> None:
    """Change the capabilities; the registry is updated by that."""
    draft.capabilities = updated(
        draft.tree.capabilities, sent, patch=patch, offer=draft.rules.offer
    )
    draft.registry.touch(draft.now)


def put_model(draft: Draft, sent: Any) -> None:
    """Replace the model; the registry is updated by that. null and {} leave an empty one."""
    source = {} if sent is None else sent
    if not isinstance(source, Mapping):
        raise RegistryError(
            "model_error", "/model", error_detail="the model source must be a JSON object"
        )
    model = compile_model(source, reserved=RESERVED | draft.rules.reserved)
    check_immutable(draft.tree.model, model)
    _check_modes(draft, model)
    draft.model = model
    draft.registry.touch(draft.now)


def _check_modes(draft: Draft, model: Model) -> None:
    """Refuse a versionmode that the capabilities do not list (core/spec.md "capabilities")."""
    listed = draft.capabilities["versionmodes"]
    for group in model.groups.values():
        for type in group.resources.values():
            if type.versionmode not in listed:
                detail = (
                    f'the versionmode "{type.versionmode}" of "{type.plural}" is not supported;'
                    f" supported: {', '.join(listed)}"
                )
                raise RegistryError("model_error", "/model", error_detail=detail)


def _without_collections(sent: Sent, plurals: Mapping[str, object]) -> dict[str, Any]:
    result = dict(sent)
    for plural in plurals:
        for name in (plural, f"{plural}url", f"{plural}count"):
            result.pop(name, None)
    return result


def _put_groups_of(draft: Draft, sent: Sent, *, patch: bool, subject: str) -> None:
    for plural, type in draft.model.groups.items():
        groups = map_of(sent.get(plural), name=plural, subject=subject)
        put_groups(draft, type, groups, patch=patch)


def put_groups(draft: Draft, type: GroupType, sent: Sent, *, patch: bool) -> frozenset[str]:
    """Make or update groups by id; gives their xids."""
    for id, value in sent.items():
        one = entity_of(draft, value, key=id, type=f'"{type.singular}"')
        put_group(draft, type, id, one, patch=patch)
    return frozenset(f"/{type.plural}/{id}" for id in sent)


def put_group(
    draft: Draft,
    type: GroupType,
    id: str,
    sent: Sent,
    *,
    patch: bool,
    ids_ignored: bool = False,
) -> GroupDraft:
    """Make or update a group, and the resources that the request nests in it."""
    xid = f"/{type.plural}/{id}"
    group = draft.group(type, id) or draft.make_group(type, id)
    if not ids_ignored:
        check_sent_id(sent, singular=type.singular, expected=id, subject=xid)
    group.asked = True
    if group.before is not None:
        check_epoch(draft, sent.get("epoch"), group.before.attributes.get("epoch"), xid)
    attributes = _without_collections(sent, type.resources)
    for name in (f"{type.singular}id", "self", "shortself", "xid"):
        attributes.pop(name, None)
    merge(group.entry, attributes, patch=patch, now=draft.now, subject=xid)
    _conform(draft, group)
    for plural in type.resources:
        resources = map_of(sent.get(plural), name=plural, subject=xid)
        put_resources(draft, group, plural, resources, patch=patch, nested=True)
    return group


def implied_group(draft: Draft, type: GroupType, id: str) -> GroupDraft:
    """A group to write into, made where it is not there (core/spec.md "Implicit Creation …")."""
    group = draft.group(type, id)
    if group is None:
        group = draft.make_group(type, id)
        merge(group.entry, {}, patch=False, now=draft.now, subject=group.xid)
        _conform(draft, group)
    return group


def _conform(draft: Draft, group: GroupDraft) -> None:
    present = None if group.before is None else group.before.attributes
    group.entry.attributes = conform(
        group.attributes,
        group.type.attributes,
        model=draft.model,
        subject=group.xid,
        present=present,
    )
    check_own(group)


def put_resources(
    draft: Draft,
    group: GroupDraft,
    plural: str,
    sent: Sent,
    *,
    patch: bool,
    nested: bool = False,
) -> frozenset[str]:
    """Make or update resources by id; gives the xids of those that are not passed over.

    `nested`: they are an attribute of the group in the request, not the request's own map.
    """
    type = group.type.resources[plural]
    done: list[str] = []
    for id, value in sent.items():
        if nested:
            detail = f'Key "{id}" doesn\'t appear to be of type "{type.singular}"'
            one = nested_entity_of(value, name=plural, owner=group.xid, detail=detail)
        else:
            one = entity_of(draft, value, key=id, type=f'"{type.singular}"')
        resource = put_resource(draft, group, type, id, one, patch=patch)
        if resource is not None:
            done.append(resource.xid)
    return frozenset(done)
