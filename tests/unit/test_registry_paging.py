"""Pages of a collection (core/http.md "Pagination")."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.registry.entity import Collection, Tree
from chappe.registry.paging import Page, page, parse_cursor
from tests.spec.xregistry_trees import BASE, asked, group, refusal, tree


def dirs(*names: str | None) -> Tree:
    """Groups d00, d01 … with the names."""
    return tree(
        {
            "dirs": [
                group(f"d{at:02}", **({} if name is None else {"name": name}))
                for at, name in enumerate(names)
            ]
        }
    )


def turn(of: Tree, url: str, cursor: str, limit: int, revision: int = 1) -> Page:
    target, flags = asked(of, url)
    return page(of, target, replace(flags, cursor=cursor), BASE, revision=revision, limit=limit)


def ids(one: Page) -> list[str]:
    return list(json.loads(one.body))


def walk(of: Tree, url: str, limit: int) -> list[list[str]]:
    """The ids of all pages from the first on."""
    found, cursor = [], ""
    while True:
        one = turn(of, url, cursor, limit)
        found.append(ids(one))
        cursor = one.next
        if not cursor:
            return found


URLS = [
    "/dirs",
    "/dirs?sort=name",
    "/dirs?sort=name=desc",
    "/dirs?sort=epoch=desc",
    "/dirs?filter=name=*",
    "/dirs?filter=name!=a&sort=name",
]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([None, "a", "A", "b", "é", "x" * 600, "x" * 600 + "y"]), max_size=12),
    st.integers(1, 5),
    st.sampled_from(URLS),
)
def test_the_pages_are_the_collection_in_order(
    names: list[str | None], limit: int, url: str
) -> None:
    of = dirs(*names)
    whole = ids(turn(of, url, "", 1000))
    pages = walk(of, url, limit)
    assert [id for one in pages for id in one] == whole
    assert all(len(one) <= limit for one in pages)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([None, "a", "A", "b"]), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sampled_from(URLS[:4]),
)
def test_the_pages_before_lead_back_to_the_start(
    names: list[str | None], limit: int, url: str
) -> None:
    of = dirs(*names)
    forwards = [turn(of, url, "", limit)]
    while forwards[-1].next:
        forwards.append(turn(of, url, forwards[-1].next, limit))
    at = forwards[-1]
    for expected in reversed(forwards[:-1]):
        at = turn(of, url, at.previous, limit)
        assert ids(at) == ids(expected)
    assert at.previous == ""


def test_the_count_is_of_the_whole_set_on_every_page() -> None:
    of = dirs("a", "b", "c")
    first = turn(of, "/dirs", "", 2)
    last = turn(of, "/dirs", first.next, 2)
    assert (first.count, last.count, last.next) == (3, 3, "")


def test_a_cursor_tells_the_state_that_its_set_is_of() -> None:
    first = turn(dirs("a", "b"), "/dirs", "", 1, revision=7)
    assert parse_cursor(first.next, "/dirs").revision == 7


def test_once_the_state_is_gone_a_walk_goes_on_behind_the_same_entity() -> None:
    of = dirs("a", "b", "c", "d")
    first = turn(of, "/dirs", "", 2, revision=1)
    smaller = replace(of, groups={"dirs": of.of("dirs").changed({"d01": None, "d00": None})})
    second = turn(smaller, "/dirs", first.next, 2, revision=2)
    assert (ids(second), second.count) == (["d02", "d03"], 4)


def test_once_the_state_is_gone_a_sorted_walk_goes_on_behind_the_same_value() -> None:
    of = dirs("c", "a", "b", "d")
    first = turn(of, "/dirs?sort=name", "", 2, revision=1)
    assert ids(first) == ["d01", "d02"]
    renamed = replace(of, groups={"dirs": of.of("dirs").changed({"d02": group("d02", name="z")})})
    second = turn(renamed, "/dirs?sort=name", first.next, 9, revision=2)
    assert ids(second) == ["d00", "d03", "d02"]


def test_a_page_of_an_empty_collection_is_empty() -> None:
    one = turn(replace(dirs(), groups={"dirs": Collection()}), "/dirs", "", 5)
    assert (one.body, one.count, one.next, one.previous) == (b"{}", 0, "", "")


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [],
        [1, 2, "d", 0, 2, "NaN"],
        [1, 2, "d", 0, 2, "x"],
        [1, 2, "d", 0, "x"],
        [-1, 2, "d", 0],
        [1, True, "d", 0],
        [1, 2, 3, 0],
        [1, 2, "d", 0, [], []],
    ],
)
def test_a_cursor_of_nobodys_making_is_refused(value: object) -> None:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    assert refusal(lambda: turn(dirs("a"), "/dirs", text, 1)) == ("bad_flag", "/dirs")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text_as_a_cursor_is_refused_or_read(text: str) -> None:
    assert refusal(lambda: parse_cursor(text, "/dirs"))[0] in ("", "bad_flag")


@given(
    st.integers(0, 2**70),
    st.lists(st.one_of(st.integers(0, 9), st.text(max_size=3), st.none()), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_a_cursor_with_any_key_pages_or_is_refused(revision: int, key: list[object]) -> None:
    packed = json.dumps([revision, 3, "d00", 0, *key]).encode()
    text = base64.urlsafe_b64encode(packed).decode()
    found = refusal(lambda: turn(dirs("a", "b"), "/dirs?sort=name", text, 1))
    assert found[0] in ("", "bad_flag")
