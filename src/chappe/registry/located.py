"""The entities that a target names, found in the registry."""

from __future__ import annotations

from chappe.registry.entity import Group, Resource, Tree
from chappe.registry.errors import RegistryError
from chappe.registry.model import GroupType, ResourceType
from chappe.registry.target import Level, Target


def missing(target: Target) -> RegistryError:
    """The error of an entity that is not there, or that a filter did not choose.

    Of a collection, it is the entity that would have it (core/spec.md "not_found").
    """
    xid = target.xid
    if target.level in (Level.RESOURCES, Level.VERSIONS):
        xid = xid.rpartition("/")[0]
    return RegistryError("not_found", xid)


def group_at(tree: Tree, target: Target) -> tuple[Group, GroupType]:
    """The target's group.

    Raises:
        RegistryError: not_found.
    """
    type = target.group_type
    group = tree.of(type.plural).find(target.gid) if type else None
    if group is None or type is None:
        raise missing(target)
    return group, type


def resource_at(tree: Tree, target: Target) -> tuple[Group, Resource, ResourceType]:
    """The target's resource, with its group.

    Raises:
        RegistryError: not_found.
    """
    group, _ = group_at(tree, target)
    type = target.resource_type
    resource = group.of(type.plural).find(target.rid) if type else None
    if resource is None or type is None:
        raise missing(target)
    return group, resource, type
