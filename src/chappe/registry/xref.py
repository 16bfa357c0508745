"""Resources that mirror another one (core/spec.md "Cross Referencing Resources")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from chappe.registry.constraints import check_versions
from chappe.registry.draft import Draft
from chappe.registry.entity import Resource, Tree
from chappe.registry.entity_drafts import GroupDraft, ResourceDraft
from chappe.registry.errors import RegistryError
from chappe.registry.merging import Sent, check_epoch
from chappe.registry.model import Model, ResourceType
from chappe.registry.request import Change
from chappe.registry.values import ID

_READ_ONLY: Final = frozenset(
    "self shortself xid metaurl versionsurl versionscount isdefault defaultversionurl".split()
)
_KEPT: Final = frozenset({"epoch", "createdat"})

Path: TypeAlias = tuple[str, ...]
Sources: TypeAlias = Mapping[str, frozenset[Path]]
"""Paths of the resources that mirror a resource, by its xid."""

_sources: WeakKeyDictionary[Tree, Sources] = WeakKeyDictionary()


def sources(tree: Tree) -> Sources:
    """Which resources mirror which; all are looked at for the first tree only (`remember_sources`)."""
    found = _sources.get(tree)
    if found is None:
        made: dict[str, frozenset[Path]] = {}
        for plural, groups in tree.groups.items():
            for gid, group in groups.items():
                for resources, collection in group.resources.items():
                    for rid, resource in collection.items():
                        if "xref" in resource.meta:
                            _add(made, resource, (plural, gid, resources, rid))
        found = _sources[tree] = made
    return found


def remember_sources(before: Tree, after: Tree, changes: Sequence[Change]) -> None:
    """Derive what `sources` gives for the tree after a write from that before it."""
    known = sources(before)
    made: dict[str, frozenset[Path]] | None = None
    for change in changes:
        if len(change.path) != len(("GROUPS", "gid", "RESOURCES", "rid")):
            continue
        old, new = change.before, change.after
        was = old.xref if isinstance(old, Resource) else None
        now = new.xref if isinstance(new, Resource) else None
        if was != now:
            made = dict(known) if made is None else made
            if was is not None:
                made[was] = made.get(was, frozenset()) - {change.path}
                if not made[was]:
                    del made[was]
            if isinstance(new, Resource) and now is not None:
                _add(made, new, change.path)
    _sources[after] = known if made is None else made


def _add(made: dict[str, frozenset[Path]], resource: Resource, path: Path) -> None:
    xref = resource.xref or ""
    made[xref] = made.get(xref, frozenset()) | {path}


def check_mirrors(draft: Draft, after: Tree, changes: Sequence[Change]) -> None:
    """Check mirrored versions against the groups that they appear in by an xref.

    core/model.md `constraints`: "enum" and "equals" bind them, also when they change at their own
    place; "default" does not.

    Raises:
        RegistryError: constraint_failure, about the mirror.
    """
    known = sources(after)
    if not known:
        return
    looked: set[Path] = set()
    for change in changes:
        path = change.path
        if len(path) >= 4:
            looked |= known.get("/" + "/".join(path[:4]), frozenset())
            after_image = change.after
            if isinstance(after_image, Resource) and after_image.xref is not None:
                looked.add(path)
    for group in draft.all_groups():
        if group.asked or draft.model is not draft.tree.model:
            looked |= _mirrors_in(known, group)
    for path in sorted(looked):
        _check_mirror(draft, after, path)


def _mirrors_in(known: Sources, group: GroupDraft) -> set[Path]:
    here = (group.type.plural, group.id)
    return {path for paths in known.values() for path in paths if path[:2] == here}


def _check_mirror(draft: Draft, after: Tree, path: Path) -> None:
    plural, gid, resources, rid = path
    group = after.of(plural).get(gid)
    mirror = None if group is None else group.of(resources).get(rid)
    target = None if mirror is None or mirror.xref is None else after.resource(mirror.xref)
    type = draft.model.groups.get(plural)
    if group is None or target is None or type is None:
        return
    xid = "/" + "/".join(path)
    check_versions(type, group.attributes, resources, target.versions.values(), xid)


def check_target(draft: Draft, type: ResourceType, xref: Any) -> None:
    """Refuse an xref that is no xid of a resource of the same type; it may lead nowhere.

    Raises:
        RegistryError: malformed_xref.
    """
    detail = _fault(draft.model, type, xref)
    if detail:
        raise RegistryError("malformed_xref", draft.path, xref=xref, error_detail=detail)


def _fault(model: Model, type: ResourceType, xref: Any) -> str:
    if not isinstance(xref, str):
        return "must be a string"
    parts = xref.split("/")
    if len(parts) != 5 or parts[0] or not ID.fullmatch(parts[2]) or not ID.fullmatch(parts[4]):
        return "must be of the form /GROUPS/GID/RESOURCES/RID"
    if parts[1] not in model.groups:
        return f'there is no type of group "{parts[1]}"'
    target = model.resource_type(parts[1], parts[3])
    if target is None:
        return f'the group type "{parts[1]}" has no type of resource "{parts[3]}"'
    if target.origin != type.origin:
        return f'must point to a "{type.origin}" not "{target.origin}"'
    return ""


def set_xref(draft: Draft, resource: ResourceDraft, body: Sent, meta: Sent, xref: Any) -> None:
    """Make a resource the mirror of another; its own versions and attributes go.

    `body` is what the request says of the resource without meta, `meta` what it says of meta.

    Raises:
        RegistryError: malformed_xref, extra_xref_attribute, mismatched_epoch.
    """
    type = resource.type
    check_target(draft, type, xref)
    refuse_more(resource, body)
    was_normal = resource.before is not None and not resource.was_xref
    allowed = {"xref", "epoch"} if was_normal or "epoch" in draft.ignore else {"xref"}
    refuse_more(resource, {name: one for name, one in meta.items() if name not in allowed})
    if was_normal:
        check_epoch(
            draft, meta.get("epoch"), resource.meta.attributes.get("epoch"), f"{resource.xid}/meta"
        )
    for id in list(resource.old):
        resource.touched[id] = None
    present = resource.meta.attributes
    kept = {name: value for name, value in present.items() if name in _KEPT or name.startswith(".")}
    kept.setdefault("epoch", 1)
    kept.setdefault("createdat", draft.now)
    kept["xref"] = xref
    resource.meta.attributes = kept
    resource.meta.raised = True
    resource.is_xref = True
    resource.last_id = 0


def refuse_more(resource: ResourceDraft, sent: Sent) -> None:
    """Refuse attributes beside the xref."""
    singular = resource.type.singular
    extra = sorted(
        name
        for name, value in sent.items()
        if value is not None and name != f"{singular}id" and name not in _READ_ONLY
    )
    if extra:
        detail = f"Full list: {','.join(extra)}." if len(extra) > 1 else ""
        raise RegistryError(
            "extra_xref_attribute", resource.xid, detail=detail, name=extra[0], singular=singular
        )


def refuse_versions(draft: Draft, resource: ResourceDraft) -> None:
    """Refuse a write to the versions that a resource only mirrors."""
    if resource.is_xref:
        detail = f'"{resource.xid}" uses "xref", so its versions are written where that points to'
        raise RegistryError("bad_request", draft.path, error_detail=detail)


def clear_xref(draft: Draft, resource: ResourceDraft) -> None:
    """Make a mirror a resource of its own again, with nothing of what it was before.

    Its epoch passes both its own former one and the target's; `createdat` is the first one.
    """
    xref = resource.before.xref if resource.before is not None else None
    target = None if xref is None else draft.tree.resource(xref)
    epoch = 0 if target is None or target.xref is not None else target.meta.get("epoch", 0)
    present = resource.meta.attributes
    own = present.get("epoch", 0)
    resource.meta.attributes = {
        name: value
        for name, value in present.items()
        if name == "createdat" or name.startswith(".")
    }
    resource.meta.attributes["epoch"] = max(own, epoch) + 1
    resource.meta.attributes["modifiedat"] = draft.now
    resource.meta.raised = True
    resource.is_xref = False
    resource.last_id = 0
