"""What a request says of resources: taken into the draft, and finished once all of it is taken.

core/spec.md "Resource Processing Algorithm": the versions come first, then the attributes of the
default version, ancestors, meta, the choice of the default version, the checks, and the pruning of
old versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chappe.registry.compatibility import check_compatibility, check_formats
from chappe.registry.constraints import check_constraints, fill_defaults
from chappe.registry.defaults import choose_default, settle_meta
from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import GroupDraft, MetaWish, ResourceDraft, VersionDraft
from chappe.registry.errors import RegistryError
from chappe.registry.lineage import expendable
from chappe.registry.linking import check_ancestors, link
from chappe.registry.matchversions import check_matching
from chappe.registry.merging import Sent, check_sent_id, map_of, nested_entity_of
from chappe.registry.model import ResourceType
from chappe.registry.request import DocumentWrite
from chappe.registry.target import Level
from chappe.registry.validation import conform
from chappe.registry.versions import RESOURCE_ONLY, drop_version, put_version
from chappe.registry.xref import clear_xref, refuse_more, refuse_versions, set_xref

_NOT_OF_VERSION = RESOURCE_ONLY | {"self", "shortself", "xid"}


def open_resource(
    draft: Draft, group: GroupDraft, type: ResourceType, id: str
) -> ResourceDraft | None:
    """A resource to write to, made where it is not there; None: it is read-only and passed over.

    Raises:
        RegistryError: readonly, bad_flag, malformed_id, bad_request.
    """
    resource = draft.resource(group, type, id)
    if resource is None:
        return draft.make_resource(group, type, id)
    return None if is_passed_over(draft, resource) else resource


def is_passed_over(draft: Draft, resource: ResourceDraft) -> bool:
    """Whether a read-only resource is left out (core/spec.md "`readonly` Attribute").

    Raises:
        RegistryError: readonly; bad_flag where "ignore=readonly" would leave nothing of the request.
    """
    before = resource.before
    if before is None or draft.request.admin or before.meta.get("readonly") is not True:
        return False
    if "readonly" not in draft.ignore:
        raise RegistryError("readonly", resource.xid)
    if draft.request.target.level in _OF_ONE_RESOURCE:
        raise RegistryError("bad_flag", draft.path, flag="ignore")
    return True


_OF_ONE_RESOURCE = frozenset({Level.RESOURCE, Level.META, Level.VERSIONS, Level.VERSION})


def put_resource(
    draft: Draft,
    group: GroupDraft,
    type: ResourceType,
    id: str,
    sent: Sent | DocumentWrite,
    *,
    patch: bool,
    ids_ignored: bool = False,
) -> ResourceDraft | None:
    """Make or update a resource with what the request says of it: steps 1 and 2 of the algorithm."""
    xid = f"{group.xid}/{type.plural}/{id}"
    headers = sent.attributes if isinstance(sent, DocumentWrite) else sent
    resource = open_resource(draft, group, type, id)
    if resource is None:
        return None
    if not ids_ignored:
        check_sent_id(headers, singular=type.singular, expected=id, subject=xid)
    meta = _meta_of(headers, type, id, xid)
    body = {name: value for name, value in headers.items() if name != "meta"}
    if isinstance(sent, DocumentWrite) and sent.document and resource.is_xref:
        body[type.singular] = sent.document
    if _sets_xref(draft, resource, body, meta, patch=patch):
        return resource
    if meta is not None:
        resource.wish = MetaWish(dict(meta), patch)
    versions = map_of(body.get("versions"), name="versions", subject=xid)
    _put_versions(draft, resource, versions, patch=patch)
    hint = body.get("versionid")
    target, is_known = _default_target(resource, hint, meta)
    if target is not None and is_known and hint is not None and hint != target:
        raise RegistryError(
            "mismatched_id",
            xid,
            detail='Must match the "defaultversionid" value.',
            singular="version",
            invalid_id=hint,
            expected_id=target,
        )
    if target in versions or (target is None and versions):
        return resource
    attributes = {name: one for name, one in body.items() if name not in _NOT_OF_VERSION}
    if isinstance(sent, DocumentWrite):
        document = DocumentWrite(sent.document, attributes, sent.contenttype)
        put_version(draft, resource, target, document, patch=True)
    else:
        put_version(draft, resource, target, attributes, patch=patch)
    return resource


def _meta_of(sent: Sent, type: ResourceType, id: str, xid: str) -> Sent | None:
    """What the request says of meta; null stands for an empty one."""
    if "meta" not in sent:
        return None
    meta = sent["meta"] if sent["meta"] is not None else {}
    if not isinstance(meta, Mapping):
        raise RegistryError(
            "invalid_attribute", xid, name="meta", error_detail='"meta" must be an object'
        )
    check_sent_id(meta, singular=type.singular, expected=id, subject=f"{xid}/meta")
    return meta


def _sets_xref(
    draft: Draft, resource: ResourceDraft, body: Sent, meta: Sent | None, *, patch: bool
) -> bool:
    """Set, keep or clear the xref; whether the resource is a mirror and there is no more to do."""
    if meta is None:
        if resource.is_xref:
            refuse_more(resource, body)
        return resource.is_xref
    xref = meta.get("xref")
    if xref == "":
        xref = None
    if xref is None and patch and "xref" not in meta and resource.was_xref:
        refuse_more(resource, body)
        refuse_more(resource, meta)
        return True
    if xref is not None:
        set_xref(draft, resource, body, meta, xref)
        return True
    if resource.is_xref:
        clear_xref(draft, resource)
    return False


def _put_versions(draft: Draft, resource: ResourceDraft, versions: Sent, *, patch: bool) -> None:
    for id, value in versions.items():
        detail = f'key "{id}" in attribute "versions" doesn\'t appear to be of type "version"'
        one = nested_entity_of(value, name="versions", owner=resource.xid, detail=detail)
        put_one_version(draft, resource, id, one, patch=patch)


def put_one_version(
    draft: Draft,
    resource: ResourceDraft,
    id: str,
    sent: Sent | DocumentWrite,
    *,
    patch: bool,
    ids_ignored: bool = False,
) -> VersionDraft:
    """Make or update a version that the path or a key of a map names."""
    refuse_versions(draft, resource)
    headers = sent.attributes if isinstance(sent, DocumentWrite) else sent
    if not resource.has(id):
        draft.check_version_id(resource, id)
    if not ids_ignored:
        subject = f"{resource.xid}/versions/{id}"
        singular = resource.type.singular
        check_sent_id(headers, singular=singular, expected=resource.id, subject=subject)
        check_sent_id(headers, singular="version", expected=id, subject=subject)
    return put_version(draft, resource, id, sent, patch=patch)


def _default_target(
    resource: ResourceDraft, hint: Any, meta: Sent | None
) -> tuple[str | None, bool]:
    """The version that the resource's own attributes are for, and whether it is there already.

    None: a version is to be made under an id of the server's choice, or none if `versions` has one.
    """
    if resource.before is not None and not resource.was_xref:
        present = resource.before.meta.get("defaultversionid")
        return (present if isinstance(present, str) else None), True
    if isinstance(hint, str):
        return hint, False
    pointer = None if meta is None else meta.get("defaultversionid")
    return (pointer if isinstance(pointer, str) else None), False


def put_meta(
    draft: Draft,
    group: GroupDraft,
    type: ResourceType,
    id: str,
    sent: Sent,
    *,
    patch: bool,
    ids_ignored: bool = False,
) -> ResourceDraft | None:
    """Make or update a resource's meta; a resource that is not there gets a version, too."""
    xid = f"{group.xid}/{type.plural}/{id}"
    resource = open_resource(draft, group, type, id)
    if resource is None:
        return None
    if not ids_ignored:
        check_sent_id(sent, singular=type.singular, expected=id, subject=f"{xid}/meta")
    if _sets_xref(draft, resource, {}, sent, patch=patch):
        return resource
    resource.wish = MetaWish(dict(sent), patch)
    if resource.before is None or resource.was_xref:
        target, _ = _default_target(resource, None, sent)
        put_version(draft, resource, target, {}, patch=patch)
    return resource


def finish(draft: Draft, resource: ResourceDraft, *, everything: bool = False) -> None:
    """Steps 3 to 10 of the algorithm, for a resource that the request touches.

    `everything` checks all its versions, not only what changed: for a model that did.
    """
    if resource.is_xref:
        if resource.flag is not None:
            refuse_versions(draft, resource)
        return
    if resource.touched and resource.size() == 0:
        if resource.flag not in (None, "null"):
            raise RegistryError("unknown_id", resource.xid, singular="version", id=resource.flag)
        resource.group.resources[resource.type.plural][resource.id] = None
        resource.group.entry.touch(draft.now)
        return
    if not everything:
        check_ancestors(resource)
    link(draft, resource, everything=everything)
    if everything:
        choose_default(draft, resource)
    else:
        settle_meta(draft, resource)
        for version in resource.asked():
            _check_version(draft, resource, version)
    check_formats(draft, resource, everything=everything)
    check_constraints(draft, resource, everything=everything)
    check_matching(resource, everything=everything)
    check_compatibility(draft, resource, everything=everything)
    _prune(draft, resource)
    draft.share(resource.meta.attributes)
    for one in resource.touched.values():
        if one is not None:
            draft.share(one.attributes)


def _check_version(draft: Draft, resource: ResourceDraft, version: VersionDraft) -> None:
    xid = f"{resource.xid}/versions/{version.id}"
    before = None if version.before is None else version.before.attributes
    attributes = draft.rules.incoming(resource.type, xid, version.entry.attributes, before)
    fill_defaults(draft, resource, attributes)
    version.entry.attributes = conform(
        attributes, resource.type.version, model=draft.model, subject=xid, present=before
    )


def _prune(draft: Draft, resource: ResourceDraft) -> None:
    """Delete the oldest versions beyond `maxversions` (core/model.md)."""
    limit = resource.type.maxversions
    excess = resource.size() - limit
    if not limit or excess <= 0:
        return
    keep = None if limit == 1 else resource.meta.attributes.get("defaultversionid")
    mode = resource.type.versionmode
    for id in expendable(mode, resource.versions(), excess, skipping=keep):
        drop_version(draft, resource, id)
    link(draft, resource)
    choose_default(draft, resource)
