"""The registry's tree: what a transaction leaves of it, and the bytes both are kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.channel import Channel
from chappe.domain.errors import Unavailable
from chappe.formats.transaction_json import (
    decode_announcements,
    decode_transaction,
    decode_tree,
    encode_transaction,
    encode_tree,
)
from chappe.registry.entity import Collection, Group, Resource, Tree, Version
from chappe.registry.journal import applied
from chappe.registry.model_source import compile_model
from chappe.registry.request import Change
from chappe.registry.state import empty
from chappe.registry.transaction import Announcement, Transaction

MODELS = (
    compile_model({}),
    compile_model({"groups": {"dirs": {"plural": "dirs", "singular": "dir"}}}),
)
IDS = st.sampled_from(["a", "b", "C"])
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(codec="utf-8"), max_size=6)
    | st.sampled_from([Decimal("1.10"), Decimal("-0.000000000000000000001"), Decimal("1E+400")]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(IDS, inner, max_size=2),
    max_leaves=4,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["epoch", "name", ".secret"]), VALUES, max_size=3)
VERSIONS = st.builds(
    lambda attributes, document, uid: Version("", attributes, document, uid),
    ATTRIBUTES,
    st.none() | st.binary(max_size=4) | st.just(b'{"type":"record"}'),
    st.integers(1, 99),
)


def named(of: Any, **changes: Any) -> Any:
    """Entities by id, each knowing its own."""
    return st.dictionaries(IDS, of, max_size=3).map(
        lambda entities: Collection({id: replace(one, id=id) for id, one in entities.items()})
    )


RESOURCES = st.builds(
    lambda meta, versions, last, uid: Resource("", meta, versions, last, uid),
    ATTRIBUTES,
    named(VERSIONS),
    st.integers(0, 9),
    st.integers(1, 99),
)
KINDS = st.sampled_from(["files", "notes"])


def full(collections: dict[str, Any]) -> dict[str, Any]:
    return {plural: one for plural, one in collections.items() if one}


GROUPS = st.builds(
    lambda attributes, resources, uid: Group("", attributes, full(resources), uid),
    ATTRIBUTES,
    st.dictionaries(KINDS, named(RESOURCES), max_size=2),
    st.integers(1, 99),
)
TREES = st.builds(
    lambda attributes, model, capabilities, groups: Tree(
        attributes, model, capabilities, full(groups), 100
    ),
    ATTRIBUTES,
    st.sampled_from(MODELS),
    st.sampled_from([{"flags": []}, {"flags": ["inline"]}]),
    st.dictionaries(st.sampled_from(["dirs", "zoos"]), named(GROUPS), max_size=2),
)


def plain(tree: Tree) -> Any:
    """Everything that a tree holds, to be compared."""
    return (
        tree.attributes,
        tree.model.source,
        tree.capabilities,
        tree.next_uid,
        {
            (plural, gid): (
                group.attributes,
                group.uid,
                {
                    (kind, rid): (
                        one.meta,
                        one.last_id,
                        one.uid,
                        {
                            vid: (version.attributes, version.document, version.uid)
                            for vid, version in one.versions.items()
                        },
                    )
                    for kind, resources in group.resources.items()
                    for rid, one in resources.items()
                },
            )
            for plural, groups in tree.groups.items()
            for gid, group in groups.items()
        },
    )


def difference(before: Tree, after: Tree) -> Iterator[Change]:
    """What makes `after` of `before`: everything below what is gone goes, too."""
    yield Change((), before, after)
    yield from _below((), _nested(before), _nested(after))


def _nested(tree: Tree) -> dict[tuple[str, str], Any]:
    return {
        (plural, gid): one for plural, groups in tree.groups.items() for gid, one in groups.items()
    }


def _children(entity: Any) -> dict[tuple[str, ...], Any]:
    match entity:
        case Group(resources=resources):
            return {(kind, rid): one for kind, of in resources.items() for rid, one in of.items()}
        case Resource(versions=versions):
            return {(vid,): one for vid, one in versions.items()}
        case _:
            return {}


def _below(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Change]:
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        yield Change((*path, *key), old, new)
        yield from _below((*path, *key), _children(old), _children(new))


def test_a_hub_begins_with_its_channels() -> None:
    state = empty(8)
    assert state.revision == 0
    assert state.channels.keys() == {"default", "attempts", "deadletters", "registry", "audit"}
    assert state.channels["default"] == Channel("default", 8)


@given(TREES, TREES)
def test_the_after_images_of_a_transaction_make_the_tree_and_leave_the_old_one(
    before: Tree, after: Tree
) -> None:
    was = plain(before)
    assert plain(applied(before, difference(before, after), next_uid=100)) == plain(after)
    assert plain(before) == was


@given(TREES, TREES)
def test_a_transaction_comes_back_as_it_was(before: Tree, after: Tree) -> None:
    announced = [Announcement("io.xregistry.group.updated", "/dirs/a", ("epoch", "name"))]
    written = encode_transaction(
        Transaction(
            list(difference(before, after)), "2026-01-01T00:00:00Z", "ops", "c-1", "http://h", 100,
            announced,
        )
    )  # fmt: skip
    read = decode_transaction(written, before)
    assert (read.at, read.by, read.correlation, read.root, read.next_uid, read.announcements) == (
        "2026-01-01T00:00:00Z", "ops", "c-1", "http://h", 100, announced,
    )  # fmt: skip
    assert plain(applied(before, read.changes, next_uid=read.next_uid)) == plain(after)
    assert decode_announcements(written).announcements == announced


@given(TREES)
def test_a_snapshot_comes_back_as_it_was(tree: Tree) -> None:
    read, revision = decode_tree(b"".join(encode_tree(tree, 41)))
    assert (plain(read), revision) == (plain(tree), 41)


def test_what_is_not_touched_is_shared() -> None:
    version = Version("1", {"epoch": 1}, b"{}", 3)
    group = Group(
        "a", {}, {"files": Collection({"f": Resource("f", {}, Collection({"1": version}))})}
    )
    tree = Tree({}, MODELS[0], {}, {"dirs": Collection({"a": group, "b": Group("b", {})})})
    after = applied(tree, [Change(("dirs", "b"), None, Group("b", {"epoch": 2}))])
    assert after.of("dirs")["a"] is group
    assert after.of("dirs")["b"].attributes == {"epoch": 2}


def test_a_document_that_did_not_change_is_not_written_again() -> None:
    old = Version("1", {"epoch": 1}, b"x" * 1000, 3)
    new = Version("1", {"epoch": 2}, b"x" * 1000, 3)
    path = ("dirs", "a", "files", "f", "1")
    written = encode_transaction(Transaction([Change(path, old, new)], ""))
    assert len(written) < 200
    resource = Resource("f", {}, Collection({"1": old}))
    tree = Tree(
        {},
        MODELS[0],
        {},
        {"dirs": Collection({"a": Group("a", {}, {"files": Collection({"f": resource})})})},
    )
    after = applied(tree, decode_transaction(written, tree).changes)
    found = after.resource("/dirs/a/files/f")
    assert found is not None
    assert (found.versions["1"].attributes, found.versions["1"].document) == (
        {"epoch": 2},
        old.document,
    )


def test_a_field_of_a_newer_release_is_passed_over() -> None:
    tree = Tree({}, MODELS[0], {})
    change = Change(("dirs", "a"), None, Group("a", {"epoch": 1}))
    written = json.loads(encode_transaction(Transaction([change], "")))
    written["priority"] = written["changes"][0]["priority"] = 1
    read = decode_transaction(json.dumps(written).encode(), tree)
    assert [(one.path, one.after and one.after.id) for one in read.changes] == [
        (("dirs", "a"), "a")
    ]  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"at":"","changes":[{"put":"rollout"}]}'])
def test_bytes_that_are_no_known_transaction_are_told(data: bytes) -> None:
    with pytest.raises(Unavailable, match="a transaction cannot be read"):
        decode_transaction(data, Tree({}, MODELS[0], {}))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"revision":1,"uid":1,"entities":3}\n{"path":[]}'])
def test_bytes_that_are_no_whole_snapshot_are_told(data: bytes) -> None:
    with pytest.raises(Unavailable, match="the snapshot"):
        decode_tree(data)
