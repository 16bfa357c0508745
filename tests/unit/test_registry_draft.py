"""A write under way leaves the tree alone, and shares what it does not touch."""

from __future__ import annotations

from typing import Any

import pytest

from chappe.registry.draft import Draft
from chappe.registry.draft_changes import changes_of
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Flags
from chappe.registry.journal import applied
from chappe.registry.request import Write
from chappe.registry.target import Level, Target
from tests.spec.xregistry_writing import RULES, Registry, files

F1, F2 = "/dirs/d1/files/f1", "/dirs/d2/files/f2"


def filled() -> Registry:
    hub = Registry(files(hasdocument=True))
    hub.put(f"{F1}/versions/a$details", {"file": {"a": 1}})
    hub.put(f"{F2}/versions/a$details", {"file": {"a": 1}})
    return hub


def draft_of(tree: Tree) -> Draft:
    request = Write("PUT", Target(Level.REGISTRY), {}, Flags(), "2031-01-01T00:00:00Z")
    return Draft(tree, request, RULES)


def test_a_draft_in_which_nothing_changed_builds_what_was_there() -> None:
    hub = filled()
    draft = draft_of(hub.tree)
    type = hub.tree.model.groups["dirs"]
    group = draft.group(type, "d1")
    assert group is not None
    resource = draft.resource(group, type.resources["files"], "f1")
    assert resource is not None
    resource.opened("a")

    built = draft.built()
    assert built.of("dirs")["d1"] is hub.tree.of("dirs")["d1"]
    assert list(changes_of(draft, built)) == []


def test_a_write_copies_the_path_to_what_it_touches_and_shares_the_rest() -> None:
    hub = filled()
    before = hub.tree
    hub.put(f"{F1}/versions/b$details", {})

    assert hub.tree.of("dirs")["d2"] is before.of("dirs")["d2"]
    assert hub.resource(F1).versions["a"] is before.of("dirs")["d1"].of("files")["f1"].versions["a"]
    assert "b" not in before.of("dirs")["d1"].of("files")["f1"].versions


def test_empty_collections_are_dropped() -> None:
    hub = filled()
    hub.delete(F1)
    assert hub.group("/dirs/d1").resources == {}

    hub.delete("/dirs")
    assert hub.tree.groups == {}


def test_uids_are_never_given_twice() -> None:
    hub = filled()
    first = hub.resource(F1).uid
    hub.delete(F1)
    hub.put(f"{F1}$details")

    uids = [one.uid for one in (hub.resource(F1), hub.default(F1), hub.resource(F2))]
    assert first not in uids
    assert len({*uids, hub.tree.next_uid}) == 4


def test_the_images_of_changes_build_the_same_tree_again() -> None:
    hub = Registry(files())
    replica = hub.tree

    def follow(written: Any) -> None:
        nonlocal replica
        replica = applied(replica, written.changes, next_uid=written.tree.next_uid)

    follow(hub.post("/dirs", {"d1": {"files": {"f1": {}, "f2": {}}}, "d2": {}}))
    follow(hub.post(F1, {"name": "n"}))
    follow(hub.patch(f"{F1}/meta", {"defaultversionid": "1"}))
    follow(hub.delete(f"{F1}/versions/2"))
    follow(hub.put("/dirs/d1/files/f2/meta", {"xref": F1}))
    follow(hub.delete("/dirs/d2"))
    follow(hub.put("/modelsource", files(maxversions=7)))

    assert flat(replica) == flat(hub.tree)
    assert replica.next_uid == hub.tree.next_uid


def flat(tree: Tree) -> Any:
    groups = {
        gid: (
            dict(group.attributes),
            {
                rid: (
                    dict(resource.meta),
                    resource.last_id,
                    {id: dict(one.attributes) for id, one in resource.versions.items()},
                )
                for rid, resource in group.of("files").items()
            },
        )
        for gid, group in tree.of("dirs").items()
    }
    return dict(tree.attributes), tree.model.source, groups


def test_a_refused_write_leaves_nothing_behind() -> None:
    hub = filled()
    before = flat(hub.tree)
    with pytest.raises(RegistryError):
        hub.put("/", {"name": "n", "dirs": {"d1": {"name": "n"}, "d2": {"nope": 1}}})

    assert flat(hub.tree) == before
