"""A write to the registry: from the tree before to the tree after, or an error.

core/http.md "Creating or Updating Entities", and each API of it that writes. All of a request is
taken into a draft first; then each resource that it touches is finished, so that the order of a
map's keys never matters; then what goes beyond single resources is checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chappe.registry.capabilities import initial
from chappe.registry.compliance import check_model
from chappe.registry.constraints import check_versions, concern
from chappe.registry.draft import Draft
from chappe.registry.draft_changes import changes_of
from chappe.registry.entity import Tree
from chappe.registry.entity_drafts import GroupDraft
from chappe.registry.errors import RegistryError
from chappe.registry.groups import (
    finish_registry,
)
from chappe.registry.model_source import compile_model
from chappe.registry.request import Rules, Write, Written
from chappe.registry.resources import (
    finish,
)
from chappe.registry.taking import taken
from chappe.registry.target import Level
from chappe.registry.xref import check_mirrors, remember_sources


def empty_tree(
    registryid: str,
    now: str,
    source: Mapping[str, Any] | None = None,
    *,
    capabilities: Mapping[str, Any] | None = None,
) -> Tree:
    """A registry without groups; `source` is its model source, `now` its time of creation."""
    attributes = {"registryid": registryid, "epoch": 1, "createdat": now, "modifiedat": now}
    model = compile_model(source or {})
    return Tree(attributes, model, initial() if capabilities is None else capabilities)


def write(tree: Tree, request: Write, rules: Rules) -> Written:
    """Do a write, all of it or nothing.

    Raises:
        RegistryError: the request breaks a rule; `tree` is as it was in any case.
    """
    draft = Draft(tree, request, rules)
    try:
        return _written(draft, tree, rules)
    finally:
        draft.untie()


def _written(draft: Draft, tree: Tree, rules: Rules) -> Written:
    _check_flag(draft)
    written = taken(draft)
    for resource in list(draft.all_resources()):
        finish(draft, resource)
    for group in list(draft.all_groups()):
        _check_members(draft, group)
    if draft.registry.raised:
        finish_registry(draft)
    if draft.model is not tree.model:
        check_model(draft)
    after = draft.built()
    changes = changes_of(draft, after)
    remember_sources(tree, after, changes)
    check_mirrors(draft, after, changes)
    rules.guard(after, changes)
    return replace(written, tree=after, changes=changes)


def _check_flag(draft: Draft) -> None:
    """Allow "setdefaultversionid" for writes to a single resource only (core/spec.md)."""
    if draft.request.flags.setdefaultversionid is None:
        return
    level, method = draft.request.target.level, draft.request.method
    of_one = level in (Level.RESOURCE, Level.META, Level.VERSIONS, Level.VERSION)
    if not of_one or (level is Level.RESOURCE and method == "DELETE"):
        raise RegistryError("bad_flag", draft.path, flag="setdefaultversionid")


def _check_members(draft: Draft, group: GroupDraft) -> None:
    """Check the resources of a group whose own attributes bind them in another way now."""
    if not group.asked or group.before is None:
        return
    for plural in concern(group):
        touched = group.resources.get(plural, {})
        for id, resource in group.before.of(plural).items():
            if id not in touched:
                xid = f"{group.xid}/{plural}/{id}"
                versions = resource.versions.values()
                check_versions(group.type, group.attributes, plural, versions, xid)
