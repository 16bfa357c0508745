"""What a write changed: each entity that it made, updated or dropped, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chappe.registry.draft import Draft
from chappe.registry.entity import Group, Resource, Tree
from chappe.registry.entity_drafts import GroupDraft
from chappe.registry.request import Change


def changes_of(draft: Draft, after: Tree) -> Sequence[Change]:
    """Each entity that was made, changed or dropped; `after` is the tree built."""
    result: list[Change] = []
    if draft.registry.is_changed:
        result.append(Change((), draft.tree, after))
    for plural, touched in draft.groups.items():
        for id, group in touched.items():
            new = after.of(plural).get(id)
            if group is None:
                result.extend(_dropped_group(plural, draft.tree.of(plural)[id]))
            elif new is not None:
                if group.entry.is_changed:
                    result.append(Change((plural, id), group.before, new))
                result.extend(_of_group(group, new))
    return result


def _of_group(group: GroupDraft, new: Group) -> Iterator[Change]:
    for plural, touched in group.resources.items():
        for id, resource in touched.items():
            path = (group.type.plural, group.id, plural, id)
            if resource is None:
                yield from _dropped_resource(path, group.of(plural)[id])
                continue
            made = new.of(plural)[id]
            if resource.meta.is_changed:
                yield Change(path, resource.before, made)
            old = resource.old
            for vid, version in resource.touched.items():
                if version is None:
                    if vid in old:
                        yield Change((*path, vid), old[vid], None)
                elif version.is_changed:
                    yield Change((*path, vid), version.before, made.versions[vid])


def _dropped_group(plural: str, group: Group) -> Iterator[Change]:
    for resources, collection in group.resources.items():
        for id, resource in collection.items():
            yield from _dropped_resource((plural, group.id, resources, id), resource)
    yield Change((plural, group.id), group, None)


def _dropped_resource(path: tuple[str, ...], resource: Resource) -> Iterator[Change]:
    for id, version in resource.versions.items():
        yield Change((*path, id), version, None)
    yield Change(path, resource, None)
