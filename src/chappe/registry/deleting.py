"""Deletes (core/spec.md "Deleting Entities")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import GroupDraft, ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.merging import Sent, check_epoch, check_sent_id
from chappe.registry.model import GroupType, ResourceType
from chappe.registry.request import ABSENT
from chappe.registry.resources import is_passed_over
from chappe.registry.versions import drop_version
from chappe.registry.xref import refuse_versions


def delete_group(draft: Draft, type: GroupType, id: str) -> None:
    """Delete one group.

    Raises:
        RegistryError: not_found, mismatched_epoch, readonly.
    """
    group = draft.group(type, id)
    if group is None:
        raise RegistryError("not_found", draft.path)
    check_epoch(draft, draft.request.flags.epoch, group.attributes.get("epoch"), group.xid)
    _drop_group(draft, group)


def delete_groups(draft: Draft, type: GroupType) -> None:
    """Delete the groups that the body names, or all of a type."""
    doomed: list[GroupDraft] = []
    for id, sent in _named(draft, draft.tree.of(type.plural)).items():
        subject = f"/{type.plural}/{id}"
        check_sent_id(sent, singular=type.singular, expected=id, subject=subject)
        group = draft.group(type, id)
        if group is not None:
            check_epoch(draft, sent.get("epoch"), group.attributes.get("epoch"), subject)
            doomed.append(group)
    for group in doomed:
        _drop_group(draft, group)


def _drop_group(draft: Draft, group: GroupDraft) -> None:
    """A group goes with all that is in it, unless something of that is read-only."""
    if group.before is not None and not draft.request.admin:
        for plural, collection in group.before.resources.items():
            for id, resource in collection.items():
                if resource.meta.get("readonly") is True:
                    raise RegistryError("readonly", f"{group.xid}/{plural}/{id}")
    draft.groups[group.type.plural][group.id] = None
    draft.registry.touch(draft.now)


def delete_resource(draft: Draft, group: GroupDraft | None, type: ResourceType, id: str) -> None:
    """Delete one resource; the flag's epoch is meta's.

    Raises:
        RegistryError: not_found, mismatched_epoch, readonly, bad_flag.
    """
    resource = _found(draft, group, type, id)
    is_passed_over(draft, resource)
    _check_meta_epoch(draft, draft.request.flags.epoch, resource)
    _drop_resource(draft, resource)


def delete_resources(draft: Draft, group: GroupDraft | None, type: ResourceType) -> None:
    """Delete the resources that the body names, or all of a type in a group."""
    if group is None:
        raise RegistryError("not_found", draft.path)
    doomed: list[ResourceDraft] = []
    for id, sent in _named(draft, group.of(type.plural)).items():
        subject = f"{group.xid}/{type.plural}/{id}"
        check_sent_id(sent, singular=type.singular, expected=id, subject=subject)
        meta = sent.get("meta")
        if not isinstance(meta, Mapping):
            meta = {}
        if "epoch" in sent and "epoch" not in meta and "epoch" not in draft.ignore:
            raise RegistryError("misplaced_epoch", subject)
        resource = draft.resource(group, type, id)
        if resource is None or is_passed_over(draft, resource):
            continue
        _check_meta_epoch(draft, meta.get("epoch"), resource)
        doomed.append(resource)
    for resource in doomed:
        _drop_resource(draft, resource)


def _check_meta_epoch(draft: Draft, sent: Any, resource: ResourceDraft) -> None:
    check_epoch(draft, sent, resource.meta.attributes.get("epoch"), f"{resource.xid}/meta")


def _drop_resource(draft: Draft, resource: ResourceDraft) -> None:
    resource.group.resources[resource.type.plural][resource.id] = None
    resource.group.entry.touch(draft.now)


def delete_version(
    draft: Draft, group: GroupDraft | None, type: ResourceType, rid: str, id: str
) -> None:
    """Delete one version; the last one takes the resource with it.

    Raises:
        RegistryError: not_found, mismatched_epoch, readonly, bad_flag, bad_request.
    """
    resource = _found(draft, group, type, rid)
    is_passed_over(draft, resource)
    refuse_versions(draft, resource)
    version = resource.version(id)
    if version is None:
        raise RegistryError("not_found", draft.path)
    subject = f"{resource.xid}/versions/{id}"
    check_epoch(draft, draft.request.flags.epoch, version.attributes.get("epoch"), subject)
    resource.flag = draft.request.flags.setdefaultversionid
    _drop_versions(draft, resource, [id])


def delete_versions(draft: Draft, group: GroupDraft | None, type: ResourceType, rid: str) -> None:
    """Delete the versions that the body names, or all, and with the last one the resource."""
    resource = _found(draft, group, type, rid)
    if is_passed_over(draft, resource):
        return
    refuse_versions(draft, resource)
    doomed: list[str] = []
    for id, sent in _named(draft, resource.old).items():
        subject = f"{resource.xid}/versions/{id}"
        check_sent_id(sent, singular=type.singular, expected=rid, subject=subject)
        check_sent_id(sent, singular="version", expected=id, subject=subject)
        version = resource.version(id)
        if version is not None:
            check_epoch(draft, sent.get("epoch"), version.attributes.get("epoch"), subject)
            doomed.append(id)
    resource.flag = draft.request.flags.setdefaultversionid
    _drop_versions(draft, resource, doomed)


def _drop_versions(draft: Draft, resource: ResourceDraft, ids: Sequence[str]) -> None:
    """Delete versions; the one that is to be the default from now on cannot be among them."""
    if resource.flag in ids:
        subject = f"{resource.xid}/versions/{resource.flag}"
        detail = 'Can\'t set "defaultversionid" to a Version that is being deleted'
        raise RegistryError("bad_request", subject, error_detail=detail)
    for id in ids:
        drop_version(draft, resource, id)


def _found(draft: Draft, group: GroupDraft | None, type: ResourceType, id: str) -> ResourceDraft:
    resource = None if group is None else draft.resource(group, type, id)
    if resource is None:
        raise RegistryError("not_found", draft.path)
    return resource


def _named(draft: Draft, present: Mapping[str, Any]) -> Mapping[str, Sent]:
    """What is to go, by id: what the body names; without a body all of the collection."""
    body = draft.request.body
    if body is ABSENT:
        return {id: {} for id in present}
    if not isinstance(body, Mapping):
        raise RegistryError(
            "parsing_data", draft.path, error_detail="the body must be a map of entities"
        )
    result: dict[str, Sent] = {}
    for id, value in body.items():
        if not isinstance(value, Mapping):
            detail = f'Value of "{id}" must be a JSON object'
            raise RegistryError("bad_request", draft.path, error_detail=detail)
        result[id] = value
    return result
