"""Putting the after-images of committed changes into a tree; no rule is applied here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from chappe.registry.entity import Collection, Group, Resource, Tree, Version
from chappe.registry.model import AttributeSet, Model
from chappe.registry.request import Change, Image

T = TypeVar("T")


@dataclass(slots=True)
class _ResourceEdit:
    image: Resource | None = None
    versions: dict[str, Version | None] = field(default_factory=dict)


@dataclass(slots=True)
class _GroupEdit:
    image: Group | None = None
    resources: dict[str, dict[str, _ResourceEdit | None]] = field(default_factory=dict)


def applied(tree: Tree, changes: Iterable[Change], *, next_uid: int = 0) -> Tree:
    """The tree after the changes of one transaction; what they do not touch is shared.

    `next_uid` is what the transaction left; an entity's uid is never given twice.
    """
    root: Tree | None = None
    groups: dict[str, dict[str, _GroupEdit | None]] = {}
    dropped: set[tuple[str, ...]] = set()
    for change in sorted(changes, key=lambda one: len(one.path)):
        path, image = change.path, change.after
        if not path:
            assert isinstance(image, Tree)
            root = image
            continue
        if any(path[:length] in dropped for length in (2, 4)):
            continue  # what was above it is gone, and it with that
        plural, gid, *below = path
        of_type = groups.setdefault(plural, {})
        if not below:
            if image is None:
                of_type[gid] = None
                dropped.add(path)
            else:
                assert isinstance(image, Group)
                of_type[gid] = _GroupEdit(image)
            continue
        group = of_type.setdefault(gid, _GroupEdit())
        assert group is not None
        resources, rid, *version = below
        edits = group.resources.setdefault(resources, {})
        if not version:
            if image is None:
                edits[rid] = None
                dropped.add(path)
            else:
                assert isinstance(image, Resource)
                edits[rid] = _ResourceEdit(image)
            continue
        edit = edits.setdefault(rid, _ResourceEdit())
        assert edit is not None
        assert image is None or isinstance(image, Version)
        edit.versions[version[0]] = image
    changed = {
        plural: tree.of(plural).changed(
            {gid: _group(tree.of(plural).get(gid), edit) for gid, edit in edits.items()}
        )
        for plural, edits in groups.items()
    }
    return replace(
        tree if root is None else root,
        groups=_without_empty({**tree.groups, **changed}),
        next_uid=max(next_uid, tree.next_uid),
    )


def images(tree: Tree) -> Iterator[Change]:
    """Every entity of a tree, parents first, as changes that make it of nothing."""
    yield Change((), None, tree)
    for groups, collection in tree.groups.items():
        for gid, group in collection.items():
            yield Change((groups, gid), None, group)
            for resources, of_type in group.resources.items():
                for rid, resource in of_type.items():
                    yield Change((groups, gid, resources, rid), None, resource)
                    for vid, version in resource.versions.items():
                        yield Change((groups, gid, resources, rid, vid), None, version)


_Versions: TypeAlias = dict[str, Version]
_Resources: TypeAlias = dict[str, dict[str, tuple[Resource, _Versions]]]


def made(images: Iterable[tuple[Sequence[str], Image]], *, next_uid: int) -> tuple[Tree, int]:
    """The tree of all its entities, by their paths and parents first, and how many they are."""
    root = Tree({}, Model({}, {}, AttributeSet()), {})
    groups: dict[str, dict[str, tuple[Group, _Resources]]] = {}
    count = 0
    for path, image in images:
        count += 1
        match image:
            case Version():
                of_group = groups[path[0]][path[1]][1]
                of_group[path[2]][path[3]][1][path[4]] = image
            case Resource():
                of_group = groups[path[0]][path[1]][1]
                of_group.setdefault(path[2], {})[path[3]] = (image, {})
            case Group():
                groups.setdefault(path[0], {})[path[1]] = (image, {})
            case Tree():
                root = image
    collections = {
        plural: Collection({gid: _with_resources(*one) for gid, one in of_type.items()})
        for plural, of_type in groups.items()
    }
    return Tree(root.attributes, root.model, root.capabilities, collections, next_uid), count


def _with_resources(group: Group, resources: _Resources) -> Group:
    collections = {
        plural: Collection(
            {
                rid: Resource(rid, one.meta, Collection(versions), one.last_id, one.uid)
                for rid, (one, versions) in of_type.items()
            }
        )
        for plural, of_type in resources.items()
    }
    return Group(group.id, group.attributes, collections, group.uid)


def _group(present: Group | None, edit: _GroupEdit | None) -> Group | None:
    if edit is None:
        return None
    image = edit.image or present
    assert image is not None, "a change below a group that does not exist"
    resources = {} if present is None else present.resources
    changed: dict[str, Collection[Resource]] = {}
    for plural, edits in edit.resources.items():
        kept = Collection[Resource]() if present is None else present.of(plural)
        changed[plural] = kept.changed(
            {rid: _resource(kept.get(rid), one) for rid, one in edits.items()}
        )
    return replace(image, resources=_without_empty({**resources, **changed}))


def _resource(present: Resource | None, edit: _ResourceEdit | None) -> Resource | None:
    if edit is None:
        return None
    image = edit.image or present
    assert image is not None, "a change below a resource that does not exist"
    kept = Collection[Version]() if present is None else present.versions
    return replace(image, versions=kept.changed(edit.versions) if edit.versions else kept)


def _without_empty(collections: Mapping[str, Collection[T]]) -> dict[str, Collection[T]]:
    return {plural: one for plural, one in collections.items() if one}
