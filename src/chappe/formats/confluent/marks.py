"""What the API adds to an entity of the registry: its private attribute, read and replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chappe.formats.confluent.index import PRIVATE, SCHEMAGROUPS, SCHEMAS, Index, Place
from chappe.formats.confluent.names import GLOBAL, Name
from chappe.formats.confluent.settings import NOTHING_SET, Settings, read_settings
from chappe.registry.entity import Group, Resource, Tree, Version


def global_settings(tree: Tree, name: str) -> Settings:
    """What was set for the default context, or with `name` "global" for everything."""
    private: Mapping[str, Any] = tree.attributes.get(PRIVATE, {})
    return read_settings(private.get("global", {}) if name == "global" else private)


def settings_of(index: Index, name: Name) -> Settings:
    """What was set in a scope itself."""
    if name.is_default:
        return global_settings(index.tree, "")
    if name == Name(GLOBAL):
        return global_settings(index.tree, "global")
    context = index.context(name.context)
    if context is None:
        return NOTHING_SET
    if not name.subject:
        return context.settings
    subject = index.subject(name)
    if subject is not None:
        return subject.settings
    return context.pending.get(name.subject, NOTHING_SET)


def path_of(place: Place) -> tuple[str, str, str, str]:
    """The path of a schema in changes."""
    return SCHEMAGROUPS, place[0], SCHEMAS, place[1]


def with_marks(private: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The marks with others; None takes one away."""
    both = {**private, **changes}
    return {name: value for name, value in both.items() if value is not None}


def image_at(tree: Tree, path: tuple[str, ...]) -> Tree | Group | Resource | Version | None:
    """The entity at a path, or None."""
    if not path:
        return tree
    group = tree.of(path[0]).get(path[1])
    if group is None or len(path) == 2:
        return group
    resource = group.of(path[2]).get(path[3])
    if resource is None or len(path) == 4:
        return resource
    return resource.versions.get(path[4])


def marked_at(tree: Tree, path: tuple[str, ...], private: Mapping[str, Any]) -> Tree:
    """The tree with another private attribute at a path."""
    if not path:
        return replace(tree, attributes=_marked(tree.attributes, private))
    groups = tree.of(path[0])
    group = groups[path[1]]
    if len(path) == 2:
        group = replace(group, attributes=_marked(group.attributes, private))
    else:
        resources = group.of(path[2])
        resource = resources[path[3]]
        if len(path) == 4:
            resource = replace(resource, meta=_marked(resource.meta, private))
        else:
            version = resource.versions[path[4]]
            version = replace(version, attributes=_marked(version.attributes, private))
            resource = replace(resource, versions=resource.versions.changed({path[4]: version}))
        changed = resources.changed({path[3]: resource})
        group = replace(group, resources={**group.resources, path[2]: changed})
    return replace(tree, groups={**tree.groups, path[0]: groups.changed({path[1]: group})})


def _marked(attributes: Mapping[str, Any], private: Mapping[str, Any]) -> dict[str, Any]:
    marked = {**attributes, PRIVATE: dict(private)}
    if not private:
        del marked[PRIVATE]
    return marked
