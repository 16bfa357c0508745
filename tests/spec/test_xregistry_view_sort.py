"""Sorting against core/spec.md "Sort Flag"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chappe.registry.entity import Tree
from tests.spec.xregistry_trees import get, group, refusal, resource, tree, version

MIXED: dict[str, dict[str, Any]] = {
    "d1": {
        "name": "beta",
        "size": 10,
        "labels": {"stage": "b"},
        "strs": ["zzz", "bbb"],
        "any": "t",
    },
    "D2": {"name": "Alpha", "size": 9, "strs": ["aaa", "ccc"], "any": 123},
    "d3": {"name": "BETA", "size": Decimal("9.5"), "labels": {"stage": "A"}, "on": True},
    "d4": {"on": False},
}


def dirs() -> Tree:
    return tree({"dirs": [group(id, **attributes) for id, attributes in MIXED.items()]})


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", "d4 D2 d1 d3"),
        ("name=asc", "d4 D2 d1 d3"),
        ("name=desc", "d3 d1 D2 d4"),
        ("size", "d4 D2 d3 d1"),
        ("size=desc", "d1 d3 D2 d4"),
        ("labels.stage", "D2 d4 d3 d1"),
        ("labels['stage']=desc", "d1 d3 d4 D2"),
        ("strs[0]", "d3 d4 D2 d1"),
        ("strs[1]", "d3 d4 d1 D2"),
        ("on", "d1 D2 d4 d3"),
        ("any", "d3 d4 D2 d1"),
        ("dirid", "d1 D2 d3 d4"),
        ("dirid=desc", "d4 d3 D2 d1"),
        ("xid=desc", "d4 d3 D2 d1"),
        ("nothing", "d1 D2 d3 d4"),
        ("nothing=desc", "d4 d3 D2 d1"),
        ("epoch=desc", "d4 d3 D2 d1"),
    ],
)
def test_sort_flag_orders_by_the_attribute_then_by_the_id(sort: str, expected: str) -> None:
    assert " ".join(get(dirs(), f"/dirs?sort={sort}")) == expected


def test_sort_flag_timestamps_are_instants() -> None:
    due = {"f1": "2026-01-01T00:00:05.5Z", "f2": "2026-01-01T00:00:05Z"}
    files = [resource(id, version("1", due=one)) for id, one in due.items()]
    of = tree({"dirs": [group("d", {"files": files})]})
    assert list(get(of, "/dirs/d/files?sort=due")) == ["f2", "f1"]


def test_sort_flag_resources_sort_by_their_default_versions_and_by_meta() -> None:
    files = [
        resource("f1", version("1", name="b"), version("2", name="c"), owner="x"),
        resource("f2", version("1", name="z"), version("2", name="a"), owner="y"),
    ]
    of = tree({"dirs": [group("d", {"files": files})]})
    assert list(get(of, "/dirs/d/files?sort=name")) == ["f2", "f1"]
    assert list(get(of, "/dirs/d/files?sort=meta.owner=desc")) == ["f2", "f1"]
    assert list(get(of, "/dirs/d/files/f1/versions?sort=name=desc")) == ["2", "1"]


def test_sort_flag_goes_with_a_filter() -> None:
    assert list(get(dirs(), "/dirs?sort=name=desc&filter=name=b*")) == ["d3", "d1"]


@pytest.mark.parametrize(
    "sort", ["files.name", "files", "labels", "", "name=up", "name.", "labels.*", "[0]"]
)
def test_bad_sort_of_what_is_no_scalar_of_the_collections_entities(sort: str) -> None:
    assert refusal(lambda: get(dirs(), f"/dirs?sort={sort}"))[0] == "bad_sort"


@pytest.mark.parametrize("path", ["/", "/dirs/d1", "/export"])
def test_sort_noncollection_of_an_entity(path: str) -> None:
    assert refusal(lambda: get(dirs(), f"{path}?sort=name"))[0] == "sort_noncollection"
