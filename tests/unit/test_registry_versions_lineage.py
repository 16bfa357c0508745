"""How versions follow each other, as values (registry/lineage.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.entity import Version
from chappe.registry.lineage import (
    chain,
    circular,
    instant,
    newest,
    oldest,
    precedence,
    roots,
)

IDS = st.sampled_from("aBcDe")


def versions(**rows: tuple[int, str]) -> Mapping[str, Version]:
    """Versions by id, each with a year and an ancestor."""
    return {
        id: Version(id, {"createdat": f"{year}-01-01T00:00:00Z", "ancestorid": parent})
        for id, (year, parent) in rows.items()
    }


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z"),
        ("2024-01-01T00:00:00.49Z", "2024-01-01T00:00:00.5Z"),
        ("2024-01-01T00:00:09.9Z", "2024-01-01T00:00:10Z"),
    ],
)
def test_instants_are_in_the_order_of_time(earlier: str, later: str) -> None:
    assert instant(earlier) < instant(later)


def test_instants_are_equal_without_regard_to_zeros() -> None:
    assert instant("2024-01-01T00:00:10.50Z") == instant("2024-01-01T00:00:10.5Z")
    assert instant("2024-01-01T00:00:10.0Z") == instant("2024-01-01T00:00:10Z")


def test_the_newest_is_a_leaf_even_if_another_is_later() -> None:
    assert newest("manual", versions(a=(2030, "a"), b=(2001, "a"), c=(2002, "a"))) == "c"


def test_the_oldest_is_a_root_even_if_another_is_earlier() -> None:
    assert oldest("manual", versions(a=(2030, "a"), b=(2001, "a"))) == "a"


def test_the_oldest_beside_a_skipped_root_is_what_follows_it() -> None:
    three = versions(a=(2001, "a"), b=(2002, "a"), c=(2000, "b"))

    assert oldest("manual", three, skipping="a") == "b"
    assert oldest("manual", versions(a=(2001, "a")), skipping="a") is None


def test_there_is_no_newest_of_none() -> None:
    assert newest("manual", {}) is None
    assert newest("createdat", {}) is None


def test_equal_times_are_ordered_by_id_without_regard_to_case() -> None:
    two = versions(B=(2001, "B"), a=(2001, "a"))

    assert list(chain("createdat", two)) == ["a", "B"]
    assert newest("manual", two) == "B"
    assert oldest("manual", two) == "a"


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.0.0-alpha", "1.0.0-alpha.1"),
        ("1.0.0-alpha.1", "1.0.0-alpha.beta"),
        ("1.0.0-beta.2", "1.0.0-beta.11"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.9.0", "1.10.0"),
        ("v1", "1.0.1"),
        ("draft", "0.0.1"),
    ],
)
def test_semver_precedence(lower: str, higher: str) -> None:
    assert precedence(lower) < precedence(higher)


def test_a_circle_is_found_with_all_that_are_on_it() -> None:
    loop = versions(a=(1, "b"), b=(1, "c"), c=(1, "a"), d=(1, "a"), e=(1, "e"))

    assert circular(loop, ["d"]) == ["a", "b", "c"]
    assert circular(loop, ["e"]) == []


@given(st.dictionaries(IDS, IDS, min_size=1))
def test_a_circle_is_where_a_walk_over_the_ancestors_does_not_end(parents: Any) -> None:
    rows = versions(**{id: (2001, one) for id, one in parents.items()})

    def on_circle(start: str) -> bool:
        id = parents.get(start)
        for _ in parents:
            if id == start:
                return bool(parents[start] != start)
            id = parents.get(id)
        return False

    expected = sorted((id for id in parents if on_circle(id)), key=str.lower)
    assert circular(rows, list(parents)) == expected


@given(st.lists(IDS, min_size=1, unique=True))
def test_a_chain_has_one_root_and_ends_at_the_newest(ids: list[str]) -> None:
    rows = versions(**{id: (2000 + at % 2, ids[max(0, at - 1)]) for at, id in enumerate(ids)})

    assert list(roots(rows)) == [ids[0]]
    assert newest("manual", rows) == ids[-1]
    assert oldest("manual", rows) == ids[0]
    assert chain("createdat", rows)[-1] == newest("createdat", rows)
