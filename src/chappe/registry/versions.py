"""Writing single versions (core/spec.md "Version Entity", "Version IDs")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chappe.registry.contents import from_headers, from_json
from chappe.registry.draft import Draft
from chappe.registry.entity_drafts import ResourceDraft, VersionDraft
from chappe.registry.errors import RegistryError
from chappe.registry.merging import Sent, check_epoch, merge
from chappe.registry.request import DocumentWrite

RESOURCE_ONLY: Final = frozenset({"meta", "metaurl", "versions", "versionscount", "versionsurl"})
"""Names of a resource that its versions do not have."""

_IDS_KEPT: Final = frozenset({"ancestorid"})


def next_id(resource: ResourceDraft) -> str:
    """The id that the server chooses for a version: counts up from the highest it chose before."""
    number = resource.last_id + 1
    while resource.has(str(number)):
        number += 1
    resource.last_id = number
    return str(number)


def put_version(
    draft: Draft,
    resource: ResourceDraft,
    id: str | None,
    sent: Sent | DocumentWrite,
    *,
    patch: bool,
) -> VersionDraft:
    """Make or update a version as the request says; None lets the server choose the id.

    The ids in `sent` are the caller's to compare.

    Raises:
        RegistryError: versionid_not_allowed, malformed_id, bad_request, mismatched_epoch,
            one_resource, extra_xregistry_header, invalid_attribute.
    """
    type = resource.type
    generated = id is None
    if id is None:
        id = next_id(resource)
    elif not resource.has(id) and not type.setversionid:
        raise RegistryError("versionid_not_allowed", resource.xid, plural=type.plural)
    subject = f"{resource.xid}/versions/{id}"
    if resource.has(id):
        version = resource.opened(id)
    else:
        version = draft.make_version(resource, id)
    before: Mapping[str, Any] = version.entry.before or {}
    if isinstance(sent, DocumentWrite):
        content = from_headers(draft, type, sent, before)
        patch = True
    else:
        content = from_json(type, sent, before, patch=patch, subject=subject)
    attributes = dict(content.attributes)
    for name in (f"{type.singular}id", "versionid", "isdefault", "self", "shortself", "xid"):
        attributes.pop(name, None)
    if version.before is not None:
        check_epoch(draft, attributes.get("epoch"), before.get("epoch"), subject)
    if "ancestorid" in attributes:
        version.unlinked = attributes["ancestorid"] is None
        if generated and attributes["ancestorid"] == "request":
            attributes["ancestorid"] = id
    merge(version.entry, attributes, patch=patch, now=draft.now, subject=subject, kept=_IDS_KEPT)
    if content.document is not None:
        version.document = content.document
    version.asked = True
    return version


def drop_version(draft: Draft, resource: ResourceDraft, id: str) -> None:
    """Delete a version."""
    resource.touched[id] = None
    resource.meta.touch(draft.now)
