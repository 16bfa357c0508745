"""Columns of collections: filters and sorts by them tell what a look at each entity tells."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.registry import columns
from chappe.registry.columns import Columns, column_of
from chappe.registry.entity import Collection, Group, Resource, Tree
from chappe.registry.places import Place
from tests.spec.xregistry_trees import THEN, get, group, resource, tree, version

VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "A", "ab", "é", "É", "e", "ß", "SS", "ﬁ", "fi", "K", "ͅ", "", "1", "1.0", "true"]
    + [1, 0, 2, Decimal("1.0"), Decimal("1e2"), True, False, {}, {"k": "a"}, {"k": 1}, ["a"]]
)
TIMES = st.sampled_from([THEN, "2026-01-01T00:00:00.50Z", "2026-01-01T00:00:00.5Z", "no time"])
ATTRIBUTES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"name": VALUES, "labels": VALUES, "due": TIMES}
)
FILTERS = st.sampled_from(
    [
        f"{path}{test}"
        for path in ("name", "labels.k", "due", "fileid", "meta.readonly", "meta.o", "labels.*")
        for test in ("", "=null", "!=null", "=a", "!=a", "=1", "!=1.0", "=true", "=*A*", "!=f*")
    ]
    + [f"name{operator}{value}" for operator in ("<", "<=", ">", ">=") for value in "a1é"]
    + ["name=É", "name=fi", "name=ss", "name=k", "fileid=F1", "meta.readonly=false"]
    + [f"due{operator}2026-01-01T00:00:00.5Z" for operator in ("=", "!=", "<", ">=")]
)
SORTS = st.sampled_from(["name", "due", "labels.k", "fileid", "meta.o", "meta.readonly", "epoch"])


@st.composite
def files(draw: st.DrawFn, id: str) -> Resource:
    if draw(st.integers(0, 6)) == 0:
        return resource(id, xref=draw(st.sampled_from(["/dirs/d/files/f0", "/dirs/d/files/f9"])))
    meta = draw(st.fixed_dictionaries({}, optional={"readonly": st.booleans(), "o": VALUES}))
    return resource(id, version("1", **draw(ATTRIBUTES)), **meta)


@st.composite
def collections(draw: st.DrawFn) -> Sequence[Collection[Resource]]:
    """A collection, and others that writes made of it, one of another."""
    first = {id: draw(files(id)) for id in (f"f{at}" for at in range(draw(st.integers(1, 6))))}
    found = [Collection(first)]
    for _ in range(draw(st.integers(0, 3))):
        ids = draw(st.sets(st.sampled_from([f"f{at}" for at in range(8)]), min_size=1, max_size=3))
        changes = {id: draw(st.none() | files(id)) for id in sorted(ids)}
        found.append(found[-1].changed(changes))
    return found


def holding(of: Collection[Resource]) -> Tree:
    return tree({"dirs": [replace(group("d"), resources={"files": of})]})


@settings(max_examples=120, deadline=None)
@given(
    collections(),
    st.lists(st.lists(FILTERS, min_size=1, max_size=2), min_size=1, max_size=2),
    SORTS,
)
def test_what_is_chosen_and_its_order_are_those_of_a_look_at_each_entity(
    of: Sequence[Collection[Resource]], filters: Sequence[Sequence[str]], sort: str
) -> None:
    chosen = "&".join("filter=" + ",".join(map(_encoded, conditions)) for conditions in filters)
    for query in (chosen, f"{chosen}&sort={sort}", f"sort={sort}=desc"):
        for url in (f"/dirs/d/files?{query}", f"/dirs?inline=files&{_from_dirs(query)}"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("chappe.registry.select.MIN_ENTITIES", 1000)
                patch.setattr("chappe.registry.sort.MIN_ENTITIES", 1000)
                expected = [_ids(get(holding(Collection(one)), url)) for one in of]
                patch.setattr("chappe.registry.select.MIN_ENTITIES", 1)
                patch.setattr("chappe.registry.sort.MIN_ENTITIES", 1)
                # The same collections, as they are made of each other and keep their columns.
                assert [_ids(get(holding(one), url)) for one in of] == expected
                assert [_ids(get(holding(one), url)) for one in reversed(of)] == expected[::-1]


def _encoded(condition: str) -> str:
    return quote(condition, safe="=!<>*.")


def _from_dirs(query: str) -> str:
    """The query one level up, without what sorts files."""
    kept = [one for one in query.split("&") if not one.startswith("sort=")]
    return "&".join(
        "filter=" + ",".join(f"files.{one}" for one in filter_[7:].split(",")) for filter_ in kept
    )


def _ids(shown: Any) -> Any:
    return [(id, _ids(one["files"]) if "files" in one else None) for id, one in shown.items()]


def _place(of: Tree) -> Place:
    place = Place(of, "", "registry").below("dirs")
    assert place is not None
    return place


def _dirs(count: int, start: int = 0) -> Collection[Group]:
    return Collection({f"d{at}": group(f"d{at}", name=f"n{at}") for at in range(start, count)})


def test_a_column_is_made_once_and_serves_what_few_writes_make_of_its_collection() -> None:
    place = _place(tree())
    path = place.column(("name",))
    assert path is not None
    of = _dirs(100)
    column, loose = column_of(of, path)
    assert not loose
    changed = of.changed({"d1": None, "d200": group("d200")})
    assert column_of(changed, path) == (column, frozenset({"d1", "d200"}))
    assert column_of(of, path) == (column, frozenset())
    again = changed.changed(dict(_dirs(80)))
    assert column_of(again, path)[0] is not column


def test_a_column_that_is_made_late_does_not_reach_the_collections_before() -> None:
    place = _place(tree())
    name, epoch = place.column(("name",)), place.column(("epoch",))
    assert name is not None
    assert epoch is not None
    of = _dirs(100)
    column_of(of, name)
    changed = of.changed({"d1": replace(of["d1"], attributes={"epoch": 7})})
    column, loose = column_of(changed, epoch)
    assert (column.ids[7], loose) == ("d1", frozenset())
    assert 7 not in column_of(of, epoch)[0].ids


def test_columns_stay_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    place = _place(tree())
    path = place.column(("name",))
    assert path is not None
    monkeypatch.setattr(columns, "MAX_BYTES", 100_000)
    monkeypatch.setattr(columns, "_budget", columns._Budget())
    every = [_dirs(100) for _ in range(20)]
    for one in every:
        column_of(one, path)
    kept = [one for one in every if one.kept and _columns(one).by_name]
    assert 0 < len(kept) * column_of(kept[-1], path)[0].size() <= 100_000
    assert every[-1] in kept


def _columns(of: Collection[Any]) -> Columns:
    assert of.kept is not None
    found = of.kept[0]
    assert isinstance(found, Columns)
    return found


def test_a_column_goes_with_its_collection() -> None:
    path = _place(tree()).column(("name",))
    assert path is not None
    of = _dirs(100)
    column_of(of, path)
    known = weakref.ref(_columns(of))
    del of
    gc.collect()
    assert known() is None
