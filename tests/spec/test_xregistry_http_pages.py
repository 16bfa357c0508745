"""core/http.md "Pagination" with pagination/spec.md "HTTP Binding"."""

from __future__ import annotations

import re

import pytest

from chappe.http.registry.answers import answer_read
from chappe.http.registry.asked import Asked
from tests.spec.xregistry_client import BASE, Answer, Client, client_with_model

IDS = [f"d{number:02}" for number in range(25)]


@pytest.fixture
def client() -> Client:
    client = client_with_model(pagination=True)
    assert client("POST", "/dirs", {id: {"name": id.upper()} for id in IDS}).status == 200
    return client


def links(answer: Answer) -> dict[str, tuple[str, int]]:
    """URL and count by relation."""
    found = (re.fullmatch(r"<(.*)>;rel=(\w+);count=(\d+)", one) for one in answer.headers("link"))
    return {one[2]: (one[1].removeprefix(BASE), int(one[3])) for one in found if one is not None}


def walk(client: Client, path: str) -> list[list[str]]:
    """The ids of each page, from the first to the last."""
    pages = []
    while path:
        answer = client("GET", path)
        assert answer.status == 200
        pages.append(list(answer.json))
        path = links(answer).get("next", ("", 0))[0]
    return pages


def joined(pages: list[list[str]]) -> list[str]:
    return [id for page in pages for id in page]


def test_a_limit_cuts_a_collection_into_pages(client: Client) -> None:
    pages = walk(client, "/dirs?limit=10")
    assert [len(page) for page in pages] == [10, 10, 5]
    assert joined(pages) == IDS


def test_the_first_page_has_no_previous_and_the_last_no_next(client: Client) -> None:
    first = links(client("GET", "/dirs?limit=20"))
    assert first.keys() == {"next"}
    last = links(client("GET", first["next"][0]))
    assert last.keys() == {"prev", "first"}
    assert last["first"][0] == "/dirs?limit=20"


def test_pages_can_be_walked_back(client: Client) -> None:
    second = client("GET", links(client("GET", "/dirs?limit=10"))["next"][0])
    back = client("GET", links(second)["prev"][0])
    assert list(back.json) == IDS[:10]


def test_the_count_is_of_the_whole_set(client: Client) -> None:
    answer = client("GET", "/dirs?limit=10&filter=name=D1*")
    assert answer.json.keys() == set(IDS[10:20])
    assert links(answer) == {}
    assert links(client("GET", "/dirs?limit=3&filter=name=D1*"))["next"][1] == 10


def test_flags_stay_in_the_links(client: Client) -> None:
    pages = walk(client, "/dirs?sort=name=desc&limit=10&filter=epoch>0")
    assert joined(pages) == IDS[::-1]


def test_a_walk_goes_on_while_the_registry_changes(client: Client) -> None:
    path = links(client("GET", "/dirs?limit=10"))["next"][0]
    client("DELETE", f"/dirs/{IDS[3]}")
    client("DELETE", f"/dirs/{IDS[12]}")
    assert joined(walk(client, path)) == [id for id in IDS[10:] if id != IDS[12]]


def test_a_walk_is_of_one_state_while_that_is_kept(client: Client) -> None:
    before = client.tree
    asked = Asked("GET", b"/dirs", b"limit=20", [], b"", BASE)
    first = Answer(answer_read(before, asked, client.edge, revision=7), None)
    query = links(first)["next"][0].partition("?")[2].encode()
    client("DELETE", f"/dirs/{IDS[22]}")
    client.edge = type(client.edge)(snapshot={7: before}.get)
    asked = Asked("GET", b"/dirs", query, [], b"", BASE)
    second = Answer(answer_read(client.tree, asked, client.edge, revision=8), None)
    assert list(second.json) == IDS[20:]


@pytest.mark.parametrize("limit", ["0", "-5", "x", "", "1.5"])
def test_a_wrong_limit_is_refused(client: Client, limit: str) -> None:
    assert client("GET", f"/dirs?limit={limit}").kind == "bad_flag"


@pytest.mark.parametrize("cursor", ["x", "%FF", "W10", "eyJhIjoxfQ", "bnVsbA"])
def test_a_cursor_that_the_registry_did_not_make_is_refused(client: Client, cursor: str) -> None:
    assert client("GET", f"/dirs?limit=5&cursor={cursor}").kind == "bad_flag"


def test_a_limit_beyond_the_collection_shows_all(client: Client) -> None:
    answer = client("GET", f"/dirs?limit={2**64 - 1}")
    assert list(answer.json) == IDS
    assert links(answer) == {}


def test_only_collections_have_pages(client: Client) -> None:
    assert links(client("GET", "/?limit=1")) == {}
    assert links(client("GET", "/dirs/d01?limit=1")) == {}


def test_a_limit_is_ignored_where_there_is_no_pagination() -> None:
    client = client_with_model()
    client("POST", "/dirs", {"a": {}, "b": {}})
    assert set(client("GET", "/dirs?limit=1").json) == {"a", "b"}
