"""The APIs that write, each taken into the draft (core/http.md "Registry HTTP APIs")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chappe.registry.deleting import (
    delete_group,
    delete_groups,
    delete_resource,
    delete_resources,
    delete_version,
    delete_versions,
)
from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import GroupDraft, ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.groups import (
    implied_group,
    put_capabilities,
    put_group,
    put_groups,
    put_model,
    put_registry,
    put_resources,
)
from chappe.registry.merging import body_of, check_sent_id, entity_of
from chappe.registry.model import GroupType, ResourceType
from chappe.registry.request import DocumentWrite, Written
from chappe.registry.resources import (
    open_resource,
    put_meta,
    put_one_version,
    put_resource,
)
from chappe.registry.target import Level, Target
from chappe.registry.versions import RESOURCE_ONLY, put_version
from chappe.registry.xref import refuse_versions


def taken(draft: Draft) -> Written:
    """Take the request into the draft; what is answered, but for the tree and its changes."""
    request = draft.request
    target, patch = request.target, request.method == "PATCH"
    if request.method == "DELETE":
        _delete(draft, target)
        return Written(draft.tree, (), None)
    match target.level:
        case Level.REGISTRY:
            if request.method == "POST":
                return _post_groups(draft, target)
            put_registry(draft, body_of(draft), patch=patch)
        case Level.CAPABILITIES:
            put_capabilities(draft, body_of(draft), patch=patch)
        case Level.MODELSOURCE:
            body_of(draft)
            put_model(draft, request.body)  # As it was sent, with "$schema".
        case Level.GROUPS:
            xids = put_groups(draft, _group_type(draft, target), body_of(draft), patch=patch)
            return Written(draft.tree, (), target, xids)
        case Level.GROUP:
            return _write_group(draft, target, patch=patch)
        case Level.RESOURCES | Level.RESOURCE | Level.META | Level.VERSIONS | Level.VERSION:
            return _write_resource(draft, target, patch=patch)
        case _:
            raise RegistryError("action_not_supported", draft.path, action=request.method)
    return Written(draft.tree, (), target)


def _group_type(draft: Draft, target: Target) -> GroupType:
    if target.group_type is None:
        raise RegistryError("not_found", draft.path)
    return target.group_type


def _resource_type(draft: Draft, target: Target) -> ResourceType:
    if target.resource_type is None:
        raise RegistryError("not_found", draft.path)
    return target.resource_type


def _post_groups(draft: Draft, target: Target) -> Written:
    body = body_of(draft)
    for name in body:
        if name not in draft.model.groups:
            raise RegistryError("groups_only", draft.path, name=name)
    done: set[str] = set()
    for plural, groups in body.items():
        type = draft.model.groups[plural]
        sent = entity_of(draft, groups, key=plural, type='"map"')
        done |= {f"/{plural}"} | put_groups(draft, type, sent, patch=False)
    return Written(draft.tree, (), target, frozenset(done))


def _write_group(draft: Draft, target: Target, *, patch: bool) -> Written:
    type = _group_type(draft, target)
    body = body_of(draft)
    if draft.request.method != "POST":
        is_new = draft.group(type, target.gid) is None
        ignored = "id" in draft.ignore
        put_group(draft, type, target.gid, body, patch=patch, ids_ignored=ignored)
        return Written(draft.tree, (), target, created=target if is_new else None)
    for name in body:
        if name not in type.resources:
            raise RegistryError("resources_only", f"/{type.plural}/{target.gid}", name=name)
    group = implied_group(draft, type, target.gid)
    done: set[str] = set()
    for plural, resources in body.items():
        sent = entity_of(draft, resources, key=plural, type='"map"')
        done |= {f"{group.xid}/{plural}"} | put_resources(draft, group, plural, sent, patch=False)
    return Written(draft.tree, (), target, frozenset(done))


def _write_resource(draft: Draft, target: Target, *, patch: bool) -> Written:
    type = _resource_type(draft, target)
    document = draft.request.body
    body = document if isinstance(document, DocumentWrite) else body_of(draft)
    group = implied_group(draft, _group_type(draft, target), target.gid)
    if target.level is Level.RESOURCES:
        xids = put_resources(draft, group, type.plural, _json(draft, body), patch=patch)
        return Written(draft.tree, (), target, xids)
    present = draft.resource(group, type, target.rid)
    ignored = "id" in draft.ignore
    resource: ResourceDraft | None = None
    created: Target | None = None
    answer = target
    processed: frozenset[str] | None = None
    match target.level:
        case Level.RESOURCE if draft.request.method == "POST":
            resource, answer, is_new = _post_version(draft, group, type, body)
            created = answer if is_new else None
        case Level.RESOURCE:
            resource = put_resource(
                draft, group, type, target.rid, body, patch=patch, ids_ignored=ignored
            )
            created = target if present is None else None
        case Level.META:
            sent = _json(draft, body)
            resource = put_meta(
                draft, group, type, target.rid, sent, patch=patch, ids_ignored=ignored
            )
            created = target if present is None else None
        case Level.VERSIONS:
            resource, processed = _put_versions(draft, group, type, patch=patch)
        case _:
            resource = open_resource(draft, group, type, target.rid)
            if resource is not None:
                is_new = not resource.has(target.vid)
                put_one_version(draft, resource, target.vid, body, patch=patch, ids_ignored=ignored)
                created = target if is_new else None
    if resource is not None:
        resource.flag = draft.request.flags.setdefaultversionid
    return Written(draft.tree, (), answer, processed, created)


def _json(draft: Draft, body: Any) -> Mapping[str, Any]:
    if isinstance(body, DocumentWrite):
        return body_of(draft)
    assert isinstance(body, Mapping)
    return body


def _post_version(
    draft: Draft, group: GroupDraft, type: ResourceType, body: Mapping[str, Any] | DocumentWrite
) -> tuple[ResourceDraft | None, Target, bool]:
    """POST to a resource: one version, which the server gives an id unless the body has one."""
    target = draft.request.target
    headers = body.attributes if isinstance(body, DocumentWrite) else body
    xid = f"{group.xid}/{type.plural}/{target.rid}"
    if "id" not in draft.ignore:
        check_sent_id(headers, singular=type.singular, expected=target.rid, subject=xid)
    resource = open_resource(draft, group, type, target.rid)
    assert resource is not None, "a single read-only resource is not passed over"
    refuse_versions(draft, resource)
    attributes = {name: one for name, one in headers.items() if name not in RESOURCE_ONLY}
    id = attributes.get("versionid")
    if id is not None and not isinstance(id, str):
        raise RegistryError("malformed_id", draft.path, id=id, error_detail="it must be a string")
    is_new = id is None or not resource.has(id)
    sent: Mapping[str, Any] | DocumentWrite = attributes
    if isinstance(body, DocumentWrite):
        sent = DocumentWrite(body.document, attributes, body.contenttype)
    version = put_version(draft, resource, id, sent, patch=False)
    answer = replace(target, level=Level.VERSION, vid=version.id)
    return resource, answer, is_new


def _put_versions(
    draft: Draft, group: GroupDraft, type: ResourceType, *, patch: bool
) -> tuple[ResourceDraft | None, frozenset[str]]:
    """POST and PATCH of a resource's versions."""
    target = draft.request.target
    body = body_of(draft)
    if not body and draft.resource(group, type, target.rid) is None:
        raise RegistryError("missing_versions", draft.path)
    resource = open_resource(draft, group, type, target.rid)
    if resource is None:
        return None, frozenset()
    refuse_versions(draft, resource)
    for id, value in body.items():
        one = entity_of(draft, value, key=id, type="version")
        put_one_version(draft, resource, id, one, patch=patch)
    return resource, frozenset(f"{resource.xid}/versions/{id}" for id in body)


def _delete(draft: Draft, target: Target) -> None:
    level = target.level
    if level is Level.GROUP:
        delete_group(draft, _group_type(draft, target), target.gid)
        return
    if level is Level.GROUPS:
        delete_groups(draft, _group_type(draft, target))
        return
    if level not in (Level.RESOURCES, Level.RESOURCE, Level.VERSIONS, Level.VERSION):
        raise RegistryError("action_not_supported", draft.path, action="DELETE")
    group = draft.group(_group_type(draft, target), target.gid)
    type = _resource_type(draft, target)
    match level:
        case Level.RESOURCES:
            delete_resources(draft, group, type)
        case Level.RESOURCE:
            delete_resource(draft, group, type, target.rid)
        case Level.VERSIONS:
            delete_versions(draft, group, type, target.rid)
        case _:
            delete_version(draft, group, type, target.rid, target.vid)
