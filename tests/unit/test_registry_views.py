"""The pieces that views are made of: kept while their entity lives, within a bound."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from chappe.registry import pieces as module
from chappe.registry.documents import representation
from chappe.registry.drawing import Drawing, Text
from chappe.registry.entity import Group
from chappe.registry.flags import NOTHING
from chappe.registry.pieces import Kept, pieces, pieces_of
from chappe.registry.views import render
from tests.spec.xregistry_trees import BASE, asked, get, group, refusal, resource, tree, version


def test_an_entitys_pieces_are_made_once() -> None:
    one = group("d", name="x")
    assert pieces_of(one) is pieces_of(one)


def test_an_entity_with_another_ones_identity_has_pieces_of_its_own() -> None:
    kept = Kept(1000)
    one = group("d")
    kept.put(one, "first", 5)
    identity = id(one)
    del one
    gc.collect()
    others: list[Group] = []
    for _ in range(1000):  # the memory of a dropped object is soon used again
        others.append(group("e"))
        if id(others[-1]) == identity:
            break
    assert all(kept.get(other) is None for other in others)


def test_what_is_kept_stays_within_its_bound() -> None:
    kept = Kept(10_000)
    entities = [group(f"d{at}") for at in range(100)]
    for entity in entities:
        kept.put(entity, "x", 100)
    found = [entity.id for entity in entities if kept.get(entity) is not None]
    assert 0 < len(found) <= 10_000 // 100
    assert found[-1] == "d99"
    assert kept.chars <= 10_000


def test_what_is_too_large_to_keep_is_not_kept() -> None:
    kept = Kept(1000)
    one = group("d")
    kept.put(one, "x" * 2000, 2000)
    assert (kept.get(one), kept.chars) == (None, 0)


def test_an_entity_does_not_live_on_for_its_pieces() -> None:
    kept = Kept(10_000)
    one = group("d")
    kept.put(one, "x", 1)
    identity = id(one)
    del one
    gc.collect()
    assert not any(id(found) == identity for found in gc.get_objects() if isinstance(found, Group))


def test_a_changed_resource_shows_its_new_default_version() -> None:
    one, two = version("1", name="first"), version("2", name="second")

    def shown(default: str) -> Any:
        file = resource("f", one, two, default=default)
        return get(tree({"dirs": [group("d", {"files": [file]})]}), "/dirs/d/files")["f"]

    assert [shown(id)["name"] for id in ("1", "2", "1")] == ["first", "second", "first"]


def test_a_mirror_follows_its_target() -> None:
    mirror = resource("m", xref="/dirs/d/files/f")

    def shown(name: str) -> Any:
        file = resource("f", version("1", name=name))
        of = tree({"dirs": [group("d", {"files": [file, mirror]})]})
        return get(of, "/dirs/d/files")["m"]["name"]

    assert [shown("a"), shown("b")] == ["a", "b"]


def test_the_same_entity_under_another_base_has_that_bases_urls() -> None:
    of = tree({"dirs": [group("d")]})

    def self_at(base: str) -> str:
        drawing = Drawing(of, base, doc=False, binary=False, subject="/")
        type = of.model.groups["dirs"]
        text = Text()
        drawing.group(text, "/dirs/d", "#", of.of("dirs")["d"], type, NOTHING, None)
        return text.value().decode()

    assert f'"{BASE}/dirs/d"' in self_at(BASE)
    assert '"https://other/dirs/d"' in self_at("https://other")


def test_no_base_breaks_out_of_the_json() -> None:
    of = tree({"dirs": [group("d")]})
    target, flags = asked(of, "/dirs")
    shown = json.loads(render(of, target, flags, 'http://a","x":"'))
    assert shown["d"]["self"] == 'http://a","x":"/dirs/d'


def test_a_response_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chappe.registry.drawing.MAX_CHARS", 1000)
    of = tree({"dirs": [group(f"d{at}") for at in range(20)]})
    assert refusal(lambda: get(of, "/dirs")) == ("too_large", "/dirs")


def test_pieces_hold_no_private_attribute_and_no_id_of_the_registry() -> None:
    found = pieces({"epoch": 1, ".key": "k", "registryid": "r", "b": 1, "a": 2})
    assert (found.head, found.body) == (',"epoch":1', ',"a":2,"b":1')


def test_the_piece_of_meta_is_without_what_names_the_default_version() -> None:
    text = module.meta_piece({"epoch": 1, "xref": "/x", "defaultversionid": "v", ".p": 1, "o": 1})
    assert text == ',"epoch":1,"readonly":false,"o":1'


@pytest.mark.parametrize(
    ("contenttype", "typemap", "expected"),
    [
        ("application/json", {}, "json"),
        ("application/JSON;x=y", {}, "json"),
        ("application/vnd.x+json", {}, "json"),
        ("text/plain", {}, "string"),
        ("text/mine", {"text/*": "string", "text/mine": "json"}, "binary"),
        ("text/mine", {"text/*": "JSON", "TEXT/mine": "json"}, "json"),
        ("text/plain", {"text/plain": "binary"}, "binary"),
        ("application/json", {"*": "json"}, "json"),
        ("application/json", {"*": "binary"}, "binary"),
        ("a/b", {"a*a/b": "json"}, "binary"),
        ("", {}, "binary"),
    ],
)
def test_typemap(contenttype: str, typemap: dict[str, str], expected: str) -> None:
    assert representation(contenttype, typemap) == expected
