"""xRegistry events (core/events.md): the samples of the document, and the rules behind them.

Each case is a registry before and after a request; the events are those that the request owes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.changes import TYPES, Action, events_of
from chappe.registry.entity import Attributes, Collection, Group, Resource, Tree, Version
from chappe.registry.model import AttributeSet, GroupType, Model, ResourceType
from chappe.registry.request import Change, Image, Written

FILES = ResourceType(
    "files", "file", "dirs", "/dirs/files", AttributeSet(), AttributeSet(), AttributeSet()
)
SOURCE = {"groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": "file"}}}}}
MODEL = Model(
    SOURCE,
    {**SOURCE, "attributes": {}},
    AttributeSet(),
    {"dirs": GroupType("dirs", "dir", AttributeSet(), {"files": FILES})},
)
NO_MODEL = Model({}, {"attributes": {}}, AttributeSet())
T1, T2 = "2025-07-01T12:00:00Z", "2025-07-02T12:00:01Z"
Expected = set[tuple[str, str, tuple[str, ...] | None]]


def stamps(epoch: int, modified: str) -> dict[str, Any]:
    return {"epoch": epoch, "createdat": T1, "modifiedat": modified}


def a_version(
    id: str, *, epoch: int = 1, modified: str = T1, document: bytes | None = None, **attributes: Any
) -> Version:
    return Version(
        id, {**stamps(epoch, modified), "ancestorid": id, **attributes}, document=document
    )


def a_file(
    *versions: Version, default: str = "v1", epoch: int = 1, modified: str = T1, **meta: Any
) -> Resource:
    return Resource(
        "f1",
        {**stamps(epoch, modified), "defaultversionid": default, **meta},
        Collection({version.id: version for version in versions}),
    )


def a_dir(
    *files: Resource, id: str = "d1", epoch: int = 1, modified: str = T1, **attributes: Any
) -> Group:
    resources = {"files": Collection({one.id: one for one in files})} if files else {}
    return Group(id, {**stamps(epoch, modified), **attributes}, resources)


def a_tree(
    *dirs: Group,
    epoch: int = 1,
    modified: str = T1,
    model: Model = MODEL,
    capabilities: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> Tree:
    return Tree(
        {"registryid": "r", **stamps(epoch, modified), **attributes},
        model,
        capabilities or {"pagination": False},
        {"dirs": Collection({one.id: one for one in dirs})} if dirs else {},
    )


def images(tree: Tree) -> Iterator[tuple[tuple[str, ...], Image]]:
    yield (), tree
    for groups, of_type in tree.groups.items():
        for gid, group in of_type.items():
            yield (groups, gid), group
            for resources, in_group in group.resources.items():
                for rid, resource in in_group.items():
                    yield (groups, gid, resources, rid), resource
                    for vid, version in resource.versions.items():
                        yield (groups, gid, resources, rid, vid), version


def stored(image: Image | None) -> object:
    """What of an image is the entity's own."""
    match image:
        case Tree():
            return image.attributes, image.capabilities, id(image.model)
        case Version():
            return image.attributes, image.document
        case Resource():
            return image.meta
        case Group():
            return image.attributes
        case None:
            return None


def written(before: Tree, after: Tree) -> Written:
    """The write that made the one of the other."""
    old, new = dict(images(before)), dict(images(after))
    paths = [*new, *(path for path in old if path not in new)]
    changes = [
        Change(path, old.get(path), new.get(path))
        for path in paths
        # As texts: to Python, true equals 1.
        if repr(stored(old.get(path))) != repr(stored(new.get(path)))
    ]
    return Written(after, changes, None)


def told(before: Tree, after: Tree) -> Expected:
    """The events, each checked to stand once: type, subject, changed."""
    announced = events_of(before, written(before, after))
    events = {(one.type.removeprefix("io.xregistry."), *one[1:]) for one in announced}
    assert len(events) == len(announced)
    return events


def names(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split()))


ONE = a_tree(a_dir(a_file(a_version("v1"))))
TWO_STICKY = a_dir(a_file(a_version("v1"), a_version("v2"), defaultversionsticky=True))
TWO = a_tree(TWO_STICKY)
FILE, V1, V2 = "/dirs/d1/files/f1", "/dirs/d1/files/f1/versions/v1", "/dirs/d1/files/f1/versions/v2"
EDIT = names("epoch modifiedat name")
META_EDIT = "meta.epoch meta.modifiedat"
ADDED_V2: Expected = {
    (
        "resource.updated",
        FILE,
        names(
            f"meta.defaultversionid {META_EDIT} versions versionscount versionid isdefault epoch"
            " createdat modifiedat ancestorid"
        ),
    ),
    ("version.created", V2, None),
}
ADDED_V2_STICKY: Expected = {
    ("resource.updated", FILE, names(f"{META_EDIT} versions versionscount")),
    ("version.created", V2, None),
}

SAMPLES: Mapping[str, tuple[Tree, Tree, Expected]] = {
    "update-a-registry-attribute": (
        a_tree(),
        a_tree(epoch=2, modified=T2, name="foo"),
        {("registry.updated", "/", EDIT)},
    ),
    "create-a-tree-of-entities": (
        a_tree(),
        a_tree(a_dir(a_file(a_version("v1"))), epoch=2, modified=T2),
        {
            ("registry.updated", "/", names("epoch modifiedat dirs dirscount")),
            ("group.created", "/dirs/d1", None),
            ("resource.created", FILE, None),
            ("version.created", V1, None),
        },
    ),
    "update-a-resource-attribute": (
        ONE,
        a_tree(a_dir(a_file(a_version("v1", epoch=2, modified=T2, name="foo")))),
        {("resource.updated", FILE, EDIT), ("version.updated", V1, EDIT)},
    ),
    "update-a-resources-meta": (
        ONE,
        a_tree(
            a_dir(a_file(a_version("v1"), epoch=2, modified=T2, compatibilityauthority="server"))
        ),
        {("resource.updated", FILE, names(f"{META_EDIT} meta.compatibilityauthority"))},
    ),
    "update-a-resources-meta-and-deprecate-it": (
        ONE,
        a_tree(
            a_dir(
                a_file(
                    a_version("v1"),
                    epoch=2,
                    modified=T2,
                    compatibilityauthority="server",
                    deprecated={"effective": T2, "alternative": "https://other.example"},
                )
            )
        ),
        {
            (
                "resource.updated",
                FILE,
                names(f"{META_EDIT} meta.compatibilityauthority meta.deprecated"),
            ),
            ("resource.deprecation", FILE, names("effective alternative")),
        },
    ),
    "import-an-entire-registry": (
        a_tree(model=NO_MODEL),
        a_tree(
            a_dir(a_file(a_version("v1"))),
            epoch=2,
            modified=T2,
            capabilities={"pagination": True},
            description="all of it",
        ),
        {
            (
                "registry.updated",
                "/",
                names("epoch modifiedat model modelsource capabilities dirs dirscount description"),
            ),
            ("model.updated", "/model", None),
            ("modelsource.updated", "/modelsource", None),
            ("capabilities.updated", "/capabilities", ("pagination",)),
            ("group.created", "/dirs/d1", None),
            ("resource.created", FILE, None),
            ("version.created", V1, None),
        },
    ),
    "put-a-version-not-sticky": (
        ONE,
        a_tree(a_dir(a_file(a_version("v1"), a_version("v2"), default="v2", epoch=2, modified=T2))),
        ADDED_V2,
    ),
    "put-a-version-sticky": (
        a_tree(a_dir(a_file(a_version("v1"), defaultversionsticky=True))),
        a_tree(
            a_dir(
                a_file(
                    a_version("v1"),
                    a_version("v2"),
                    epoch=2,
                    modified=T2,
                    defaultversionsticky=True,
                )
            )
        ),
        ADDED_V2_STICKY,
    ),
    "change-the-default-version": (
        TWO,
        a_tree(
            a_dir(
                a_file(
                    a_version("v1"),
                    a_version("v2"),
                    default="v2",
                    epoch=2,
                    modified=T2,
                    defaultversionsticky=True,
                )
            )
        ),
        {
            (
                "resource.updated",
                FILE,
                names(
                    f"meta.defaultversionid {META_EDIT} versionid isdefault epoch createdat"
                    " modifiedat ancestorid"
                ),
            )
        },
    ),
    "update-the-default-version": (
        TWO,
        a_tree(
            a_dir(
                a_file(
                    a_version("v1", epoch=2, modified=T2, name="foo"),
                    a_version("v2"),
                    defaultversionsticky=True,
                )
            )
        ),
        {("resource.updated", FILE, EDIT), ("version.updated", V1, EDIT)},
    ),
    "update-a-version-that-is-not-the-default": (
        TWO,
        a_tree(
            a_dir(
                a_file(
                    a_version("v1"),
                    a_version("v2", epoch=2, modified=T2, name="foo"),
                    defaultversionsticky=True,
                )
            )
        ),
        {("version.updated", V2, EDIT)},
    ),
    "delete-a-group": (
        ONE,
        a_tree(epoch=2, modified=T2),
        {
            ("registry.updated", "/", names("dirs dirscount epoch modifiedat")),
            ("group.deleted", "/dirs/d1", None),
            ("resource.deleted", FILE, None),
            ("version.deleted", V1, None),
        },
    ),
    "create-a-group": (
        a_tree(),
        a_tree(a_dir(), epoch=2, modified=T2),
        {
            ("registry.updated", "/", names("dirs dirscount epoch modifiedat")),
            ("group.created", "/dirs/d1", None),
        },
    ),
}
"""events.md "Sample xRegistry Interactions"; the two POSTs are those of PUT, see below."""


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_interactions(name: str) -> None:
    before, after, expected = SAMPLES[name]
    assert told(before, after) == expected


def test_event_definition_of_created_and_updated_only_created_is_told() -> None:
    before = a_tree(a_dir())
    after = a_tree(a_dir(a_file(a_version("v1")), epoch=2, modified=T2, name="d"))
    assert told(before, after) == {
        ("group.updated", "/dirs/d1", names("epoch modifiedat name files filescount")),
        ("resource.created", FILE, None),
        ("version.created", V1, None),
    }


def test_event_definition_what_was_made_and_dropped_in_one_request_is_deleted() -> None:
    changes = [Change(("dirs", "d1", "files", "f1", "v0"), None, None)]
    (gone,) = [one for one in events_of(ONE, Written(ONE, changes, None)) if "versions" in one[1]]
    assert gone.type == "io.xregistry.version.deleted"


def test_data_a_moved_default_lists_what_the_old_and_the_new_one_have() -> None:
    old = a_version("v1", name="one", document=b"1")
    new = a_version("v2", labels={"a": "b"}, fileurl="https://example.com/2")
    before = a_tree(a_dir(a_file(old, new)))
    after = a_tree(a_dir(a_file(old, new, default="v2", epoch=2, modified=T2)))
    ((_, subject, changed),) = told(before, after)
    assert subject == FILE
    assert changed is not None
    assert {"name", "file", "labels", "fileurl", "versionid", "epoch"} <= set(changed)
    assert not {"fileid", "self", "xid", ".sealed"} & set(changed)


def test_data_the_attributes_of_deprecated_are_listed_on_their_own_event() -> None:
    before = a_tree(a_dir(deprecated={"effective": T1, "removal": T2}))
    after = a_tree(a_dir(deprecated={"effective": T1, "alternative": "x"}, epoch=2, modified=T2))
    assert told(before, after) == {
        ("group.updated", "/dirs/d1", names("deprecated epoch modifiedat")),
        ("group.deprecation", "/dirs/d1", names("alternative removal")),
    }


def test_group_events_deprecated_is_told_when_it_is_empty_and_when_it_goes() -> None:
    before, after = a_tree(a_dir()), a_tree(a_dir(deprecated={}))
    assert ("group.deprecation", "/dirs/d1", ()) in told(before, after)
    assert ("group.deprecation", "/dirs/d1", ()) in told(after, before)


def test_group_events_a_group_that_is_made_deprecated_tells_both() -> None:
    assert told(a_tree(), a_tree(a_dir(deprecated={"effective": T1}))) == {
        ("registry.updated", "/", names("epoch modifiedat dirs dirscount")),
        ("group.created", "/dirs/d1", None),
        ("group.deprecation", "/dirs/d1", ("effective",)),
    }


def test_group_events_a_deprecated_group_that_is_deleted_tells_only_that() -> None:
    types = {type for type, *_ in told(a_tree(a_dir(deprecated={"effective": T1})), a_tree())}
    assert types == {"registry.updated", "group.deleted"}


def test_model_events_an_equal_source_in_another_order_changes_nothing() -> None:
    again = Model(
        {"groups": {"dirs": {"resources": {"files": {"singular": "file"}}, "singular": "dir"}}},
        MODEL.full,
        AttributeSet(),
        MODEL.groups,
    )
    assert told(a_tree(), a_tree(model=again)) == set()


def test_model_events_a_source_may_change_without_the_model() -> None:
    included = Model({"$include": "x"}, MODEL.full, AttributeSet(), MODEL.groups)
    assert told(a_tree(), a_tree(model=included)) == {
        ("registry.updated", "/", ("modelsource",)),
        ("modelsource.updated", "/modelsource", None),
    }


def test_resource_events_the_last_version_takes_its_resource_with_it() -> None:
    assert told(ONE, a_tree(a_dir(epoch=2, modified=T2))) == {
        ("group.updated", "/dirs/d1", names("epoch modifiedat files filescount")),
        ("resource.deleted", FILE, None),
        ("version.deleted", V1, None),
    }


def test_resource_events_an_xref_ends_the_versions() -> None:
    meta = {"epoch": 2, "createdat": T1, "xref": "/dirs/d1/files/f2"}
    after = a_tree(a_dir(Resource("f1", meta, Collection())))
    events = {(type, subject): changed for type, subject, changed in told(ONE, after)}
    assert events.keys() == {("resource.updated", FILE), ("version.deleted", V1)}
    changed = events["resource.updated", FILE] or ()
    assert {"meta.xref", "meta.defaultversionid", "versions", "versionscount", "epoch"} <= set(
        changed
    )


def test_version_events_a_changed_document_is_listed_by_its_name() -> None:
    after = a_tree(a_dir(a_file(a_version("v1", epoch=2, document=b"{}"))))
    assert told(ONE, after) == {
        ("resource.updated", FILE, ("epoch", "file")),
        ("version.updated", V1, ("epoch", "file")),
    }


def test_version_events_a_document_that_moves_elsewhere_is_listed_with_its_url() -> None:
    here = a_tree(a_dir(a_file(a_version("v1", document=b"{}"))))
    there = a_tree(
        a_dir(a_file(a_version("v1", epoch=2, document=b"", fileurl="https://example.com/1")))
    )
    changed = ("epoch", "file", "fileurl")
    events = {("resource.updated", FILE, changed), ("version.updated", V1, changed)}
    assert told(here, there) == events
    assert told(there, here) == events


def test_version_events_a_rewritten_ancestor_is_an_update() -> None:
    before = a_tree(a_dir(a_file(a_version("v1"), a_version("v2", ancestorid="v1"), default="v2")))
    after = a_tree(a_dir(a_file(a_version("v2", epoch=2, ancestorid="v2"), default="v2", epoch=2)))
    assert told(before, after) == {
        (
            "resource.updated",
            FILE,
            names("ancestorid epoch meta.epoch meta.modifiedat versions versionscount"),
        ),
        ("version.updated", V2, names("ancestorid epoch")),
        ("version.deleted", V1, None),
    }


def test_a_private_attribute_is_never_named() -> None:
    plain = a_version("v1").attributes
    after = a_tree(a_dir(a_file(Version("v1", {**plain, ".sealed": "v1:…"}))))
    assert told(ONE, after) == set()


def test_true_is_not_one() -> None:
    before = a_tree(a_dir(flag=1, list=[1], map={"a": 0}))
    after = a_tree(a_dir(flag=True, list=[True], map={"a": False}))
    assert told(before, after) == {("group.updated", "/dirs/d1", names("flag list map"))}


def test_parents_come_before_what_is_below_them() -> None:
    after = a_tree(a_dir(a_file(a_version("v1")), id="d2"), a_dir(id="d1"))
    announced = events_of(a_tree(model=NO_MODEL), written(a_tree(model=NO_MODEL), after))
    assert [one.subject for one in announced] == [
        "/",
        "/model",
        "/modelsource",
        "/dirs/d1",
        "/dirs/d2",
        "/dirs/d2/files/f1",
        "/dirs/d2/files/f1/versions/v1",
    ]


VERSIONS = st.dictionaries(
    st.sampled_from(["v1", "v2", "v3"]),
    st.builds(a_version, st.just("v"), epoch=st.integers(1, 2), name=st.sampled_from("ab")),
    min_size=1,
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    dirs = []
    for gid in draw(st.sets(st.sampled_from(["d1", "d2"]))):
        made = draw(st.none() | VERSIONS)
        files = []
        if made:
            versions = Collection({id: Version(id, one.attributes) for id, one in made.items()})
            meta: Attributes = {
                "epoch": draw(st.integers(1, 2)),
                "defaultversionid": draw(st.sampled_from(sorted(made))),
            }
            files.append(Resource("f1", meta, versions))
        dirs.append(a_dir(*files, id=gid, epoch=draw(st.integers(1, 2))))
    return a_tree(*dirs, epoch=draw(st.integers(1, 2)))


@given(before=trees(), after=trees())
def test_event_definition_a_subject_has_one_event_of_what_happened_to_it(
    before: Tree, after: Tree
) -> None:
    announced = events_of(before, written(before, after))
    assert announced == events_of(before, written(before, after))
    subjects = [one.subject for one in announced]
    assert len(subjects) == len(set(subjects))
    assert {one.type for one in announced} <= set(TYPES.values())
    old, new = ({path for path, _ in images(tree)} for tree in (before, after))
    made = sum(one.type == TYPES[kind, Action.CREATED] for one in announced for kind in KINDS)
    gone = sum(one.type == TYPES[kind, Action.DELETED] for one in announced for kind in KINDS)
    assert (made, gone) == (len(new - old), len(old - new))
    for one in announced:
        assert (one.changed is None) == (not one.type.endswith(".updated"))
        assert one.changed is None or one.changed == tuple(sorted(set(one.changed)))


KINDS = ("group", "resource", "version")
