"""Answers to GETs of documents: kept while their entity lives, and never those of something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chappe.http.exchange import Response, find_header
from chappe.http.registry import documents
from chappe.http.registry.answers import answer_read
from chappe.http.registry.asked import Asked, Edge
from chappe.registry.entity import Collection, Resource, Tree
from chappe.registry.pieces import Kept
from tests.spec.xregistry_trees import group, resource, tree, version

ONE = version("1", b"one", name="first")
TWO = version("2", b"two", name="second")


EMPTY = tree()


def holding(*files: Resource, **capabilities: Any) -> Tree:
    """Registries of one model, as they follow each other."""
    return replace(
        EMPTY,
        groups={"dirs": Collection({"d": group("d", {"files": files})})},
        capabilities={**EMPTY.capabilities, **capabilities},
    )


def get(
    of: Tree, path: str = "/dirs/d/files/f", base: str = "http://a", **headers: str
) -> Response:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return answer_read(of, Asked("GET", path.encode(), b"", sent, b"", base), Edge())


def header(response: Response, name: str) -> str:
    return (find_header(response.headers, name.encode()) or b"").decode()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the documents that were made, not kept."""
    found: list[str] = []
    make = documents.document_response

    def noted(of: Tree, target: Any, base: str) -> Response:
        found.append(target.xid)
        return make(of, target, base)

    monkeypatch.setattr(documents, "document_response", noted)
    monkeypatch.setattr(documents, "_kept", Kept(100_000))
    return found


def test_an_answer_is_made_once(made: list[str]) -> None:
    of = holding(resource("f", ONE, TWO))
    assert get(of) == get(of)
    assert get(of, "/dirs/d/files/f/versions/1") == get(of, "/dirs/d/files/f/versions/1")
    assert made == ["/dirs/d/files/f", "/dirs/d/files/f/versions/1"]


@pytest.mark.usefixtures("made")
def test_each_base_has_its_own_urls() -> None:
    of = holding(resource("f", ONE))
    found = [get(of, base=base) for base in ("http://a", "http://b", "http://a")]
    assert [header(one, "xregistry-self") for one in found] == [
        "http://a/dirs/d/files/f",
        "http://b/dirs/d/files/f",
        "http://a/dirs/d/files/f",
    ]


@pytest.mark.usefixtures("made")
def test_a_version_tells_whether_it_is_the_default_one_of_each_state() -> None:
    path = "/dirs/d/files/f/versions/1"
    states = [holding(resource("f", ONE, TWO, default=default)) for default in ("1", "2", "1")]
    assert [header(get(of, path), "xregistry-isdefault") for of in states] == [
        "true",
        "false",
        "true",
    ]


@pytest.mark.usefixtures("made")
def test_a_resource_shows_the_default_version_of_each_state() -> None:
    states = [holding(resource("f", ONE, TWO, default=default)) for default in ("1", "2", "1")]
    assert [get(of).body for of in states] == [b"one", b"two", b"one"]


@pytest.mark.usefixtures("made")
def test_the_short_url_comes_and_goes_with_its_capability() -> None:
    file = replace(resource("f", ONE), uid=36)
    states = [holding(file, shortself=on) for on in (False, True, False)]
    found = [header(get(of), "xregistry-shortself") for of in states]
    assert found == ["", "http://a/r/10", ""]


@pytest.mark.usefixtures("made")
def test_the_same_entity_at_two_places_is_told_apart() -> None:
    file = resource("f", ONE)
    of = tree({"dirs": [group("d", {"files": [file]}), group("e", {"files": [file]})]})
    found = [header(get(of, f"/dirs/{id}/files/f"), "xregistry-xid") for id in "ded"]
    assert found == ["/dirs/d/files/f", "/dirs/e/files/f", "/dirs/d/files/f"]


@pytest.mark.usefixtures("made")
def test_a_mirror_follows_its_target() -> None:
    mirror = resource("m", xref="/dirs/d/files/f")
    states = [holding(resource("f", one), mirror) for one in (ONE, TWO, ONE)]
    assert [get(of, "/dirs/d/files/m").body for of in states] == [b"one", b"two", b"one"]


@pytest.mark.usefixtures("made")
def test_what_is_gone_is_not_found() -> None:
    of = holding(resource("f", ONE))
    assert get(of).status == 200
    gone = replace(of, groups={"dirs": Collection({"d": group("d")})})
    assert get(gone).status == 404


@pytest.mark.usefixtures("made")
def test_a_client_that_has_it_gets_no_body() -> None:
    of = holding(resource("f", ONE))
    tag = header(get(of), "etag")
    again = get(of, if_none_match=tag)
    assert (again.status, again.body, header(again, "etag")) == (304, b"", tag)
    assert get(of, if_none_match='"another"').status == 200
