"""Linking a resource's versions to each other (core/model.md `versionmode`, `singleversionroot`).

The common write adds a version to the newest of many; what that leaves alone is not walked over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chappe.registry.draft import Draft
from chappe.registry.entity import Version
from chappe.registry.entity_drafts import ResourceDraft, VersionDraft
from chappe.registry.errors import RegistryError
from chappe.registry.lineage import MANUAL, ancestor, chain, circular, newest, roots

_ORDERING: Final[Mapping[str, tuple[str, ...]]] = {
    MANUAL: ("ancestorid", "createdat"),
    "createdat": ("ancestorid", "createdat"),
    "modifiedat": ("ancestorid", "modifiedat"),
    "semver": ("ancestorid",),
}
"""The attributes that tell which version is newest and which follows which, by versionmode."""


def is_restructured(resource: ResourceDraft) -> bool:
    """Whether the request may have changed which version is newest, or follows which."""
    return any(
        one is None or _is_moved(one, resource.type.versionmode)
        for one in resource.touched.values()
    )


def _is_moved(one: VersionDraft, mode: str) -> bool:
    if one.before is None or one.unlinked:
        return True
    before = one.before.attributes
    return any(before.get(name) != one.attributes.get(name) for name in _ORDERING[mode])


def newest_of(resource: ResourceDraft) -> str | None:
    """The id of the newest version of the draft."""
    mode = resource.type.versionmode
    found = _newest_of_added(resource) if mode == MANUAL else None
    return found or newest(mode, resource.versions())


def _known_newest(resource: ResourceDraft) -> str | None:
    """The newest version before the request, if that is known without a look at all of them.

    Where the default version is not sticky it is the newest.
    """
    before = resource.before
    if before is None or before.meta.get("defaultversionsticky") is not False:
        return None
    return before.meta.get("defaultversionid")


def _added(resource: ResourceDraft) -> Sequence[VersionDraft] | None:
    """The versions that the request adds, if it does nothing else to their order (`manual`)."""
    added: list[VersionDraft] = []
    for one in resource.touched.values():
        if one is None:
            return None
        if one.before is None:
            added.append(one)
        elif _is_moved(one, MANUAL):
            return None
    return added


def _newest_of_added(resource: ResourceDraft) -> str | None:
    """The newest version where the request only adds some, and they are newer than the newest was.

    No other one can be it then: none of those that were there before was newer than the newest.
    """
    known, added = _known_newest(resource), _added(resource)
    if known is None or not added:
        return None
    new: dict[str, Version | VersionDraft] = {one.id: one for one in added}
    best = newest(MANUAL, new)
    was = resource.old.get(known)
    if best is None or was is None:
        return None
    both: dict[str, Version | VersionDraft] = {known: was, best: new[best]}
    return best if chain("createdat", both)[-1] == best else None


def link(draft: Draft, resource: ResourceDraft, *, everything: bool = False) -> None:
    """Give each version its ancestor, as the type's versionmode says.

    Nothing is to do where no version came, went or moved, unless `everything` is looked at.

    Raises:
        RegistryError: ancestor_circular_reference, multiple_roots.
    """
    if not everything and not is_restructured(resource):
        return
    if resource.type.versionmode != MANUAL:
        _link_in_order(draft, resource)
        return
    added = None if everything else _added(resource)
    if added is None:
        _link_all(draft, resource)
    else:
        _link_added(draft, resource, added)


def _link_added(draft: Draft, resource: ResourceDraft, added: Sequence[VersionDraft]) -> None:
    """Link versions that were added, without a walk over the others."""
    _link_behind_newest(draft, resource, _known_newest(resource))
    new: dict[str, Version | VersionDraft] = {one.id: one for one in added}
    _refuse_circle(resource, new, list(new))
    if resource.type.singleversionroot and len(roots(new)) > (0 if resource.old else 1):
        raise RegistryError("multiple_roots", resource.xid, plural=resource.type.plural)


def _link_all(draft: Draft, resource: ResourceDraft) -> None:
    if any(one is None for one in resource.touched.values()):
        _free_orphans(draft, resource)
    _link_behind_newest(draft, resource, None)
    versions = resource.versions()
    moved = [
        id
        for id, one in resource.touched.items()
        if one is not None and (one.before is None or ancestor(id, one.before) != ancestor(id, one))
    ]
    _refuse_circle(resource, versions, moved)
    if resource.type.singleversionroot and len(roots(versions)) > 1:
        raise RegistryError("multiple_roots", resource.xid, plural=resource.type.plural)


def _refuse_circle(
    resource: ResourceDraft, versions: Mapping[str, Version | VersionDraft], moved: Sequence[str]
) -> None:
    circle = circular(versions, moved)
    if circle:
        raise RegistryError("ancestor_circular_reference", resource.xid, list=", ".join(circle))


def check_ancestors(resource: ResourceDraft) -> None:
    """Refuse an ancestor that the request names and that is not there.

    Raises:
        RegistryError: unknown_id.
    """
    for id, one in resource.touched.items():
        if one is None or not one.asked or one.unlinked:
            continue
        value = one.attributes.get("ancestorid")
        was = None if one.before is None else one.before.attributes.get("ancestorid")
        if isinstance(value, str) and value != was and not resource.has(value):
            raise RegistryError(
                "unknown_id", f"{resource.xid}/versions/{id}", singular="version", id=value
            )


def _set_ancestor(draft: Draft, resource: ResourceDraft, id: str, value: str) -> None:
    """A new ancestor counts as an update (core/spec.md "`ancestorid` Attribute").

    Where modifiedat itself orders the versions it stays: the order would chase its own tail.
    """
    one = resource.opened(id)
    if one.attributes.get("ancestorid") != value:
        one.attributes["ancestorid"] = value
        one.entry.touch(draft.now, date=resource.type.versionmode != "modifiedat")


def _link_in_order(draft: Draft, resource: ResourceDraft) -> None:
    versions = resource.versions()
    previous: str | None = None
    for id in chain(resource.type.versionmode, versions):
        value = previous or id
        if versions[id].attributes.get("ancestorid") != value:
            _set_ancestor(draft, resource, id, value)
        previous = id


def _free_orphans(draft: Draft, resource: ResourceDraft) -> None:
    """A version whose ancestor is deleted becomes a root (`manual`, "Deleted Ancestor")."""
    for id, one in resource.versions().items():
        value = one.attributes.get("ancestorid")
        if isinstance(value, str) and not resource.has(value):
            _set_ancestor(draft, resource, id, id)


def _link_behind_newest(draft: Draft, resource: ResourceDraft, known: str | None) -> None:
    """Versions without an ancestor follow the newest, in the order of their ids (`manual`).

    `known` is the newest of the others, where only versions without an ancestor were added.
    """
    waiting = [one for one in resource.touched.values() if one is not None and one.unlinked]
    if not waiting:
        return
    waiting.sort(key=lambda one: (one.id.lower(), one.id))
    previous = known
    if known is None or len(waiting) != len(resource.made):
        rest = resource.versions()
        for one in waiting:
            rest.pop(one.id, None)
        previous = newest(MANUAL, _without_followers(rest))
    for one in waiting:
        _set_ancestor(draft, resource, one.id, previous or one.id)
        one.unlinked = False
        previous = one.id


def _without_followers(
    versions: dict[str, Version | VersionDraft],
) -> dict[str, Version | VersionDraft]:
    """Those that do not come, over their ancestors, from a version that is not there."""
    result = versions
    while True:
        kept = {id: one for id, one in result.items() if ancestor(id, one) in result}
        if len(kept) == len(result):
            return kept
        result = kept
