"""`<R>proxyurl`, an attribute of the reference server that is taken for the sake of its exports.

core/spec.md "Extensions": it is explicitly defined in the model, and its name is none of the
specification's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.xregistry_musts import ABSENT, Registry, Request, get, holds, model_of, patch, put

F1 = "/dirs/d1/files/f1"
F1_META = f"{F1}$details"
V1 = f"{F1}/versions/1$details"
URL = "https://elsewhere.example/doc?x=1"
NUMBERS = {"hasdocument": True, "validateformat": True}


def elsewhere(**more: Any) -> Registry:
    registry = Registry()
    registry.put(F1_META, {"fileproxyurl": URL, **more})
    return registry


def test_an_export_that_has_it_can_be_imported_and_is_exported_the_same() -> None:
    exported = elsewhere().get("/export")
    assert exported["dirs"]["d1"]["files"]["f1"]["versions"]["1"]["fileproxyurl"] == URL

    registry = Registry()
    registry.put("/?ignore=epoch", exported)
    again = registry.get("/export")
    assert again["dirs"]["d1"]["files"]["f1"]["versions"]["1"]["fileproxyurl"] == URL


@pytest.mark.parametrize("path", [F1, f"{F1}/versions/1"])
def test_who_asks_for_the_document_is_sent_there(path: str) -> None:
    answer = elsewhere().done(get(path))
    assert (answer.status, answer.body) == (303, b"")
    assert answer.header("location") == answer.header("xregistry-fileproxyurl") == URL


def test_there_is_no_document_here_to_inline() -> None:
    shown = elsewhere().get(f"{F1_META}?inline=file")
    holds(shown, {"fileproxyurl": URL, "file": ABSENT, "filebase64": ABSENT})


@pytest.mark.parametrize(
    ("name", "value"),
    [("file", {"a": 1}), ("filebase64", "MQ=="), ("fileurl", "https://b.example/")],
)
def test_a_document_is_in_one_place(name: str, value: Any) -> None:
    registry = elsewhere()
    registry.patch(F1_META, {name: value})
    assert "fileproxyurl" not in registry.get(F1_META)

    registry.patch(F1_META, {"fileproxyurl": URL})
    shown = registry.get(f"{F1_META}?inline=file")
    holds(shown, {"fileproxyurl": URL, "file": ABSENT, "filebase64": ABSENT, "fileurl": ABSENT})

    both = patch(F1_META, {"fileproxyurl": URL, name: value})
    assert registry.refusal(both).kind == "one_resource"


def test_as_a_header_it_stands_without_a_document() -> None:
    registry = Registry()
    assert registry.put(F1, b"", xRegistry_fileproxyurl=URL).header("location")
    assert registry.get(F1_META)["fileproxyurl"] == URL
    refusal = registry.refusal(put(F1, b"x", xRegistry_fileproxyurl=URL))
    assert refusal.kind == "extra_xregistry_header"
    two = {"xRegistry-fileproxyurl": URL, "xRegistry-fileurl": URL}
    assert registry.refusal(Request("PUT", F1, b"", two)).kind == "one_resource"

    registry.put(F1, b"here")
    assert "fileproxyurl" not in registry.get(F1_META)


def test_what_is_elsewhere_is_not_validated() -> None:
    registry = Registry(model_of(NUMBERS))
    registry.put(F1_META, {"format": "numbers", "fileproxyurl": URL})
    assert registry.get(F1_META)["formatvalidated"] is False

    registry = Registry(model_of({**NUMBERS, "strictvalidation": True}))
    refusal = registry.refusal(put(F1_META, {"format": "numbers", "fileproxyurl": URL}))
    assert refusal.kind == "format_external"


def test_a_type_without_documents_does_not_have_it() -> None:
    assert Registry(model_of()).refusal(put(F1, {"fileproxyurl": URL})).kind == "unknown_attribute"

    registry = Registry(model_of({"attributes": {"fileproxyurl": {"type": "string"}}}))
    registry.put(F1, {"fileproxyurl": "any text"})
    assert registry.get(F1)["fileproxyurl"] == "any text"


def test_a_type_whose_name_leaves_no_room_for_it_does_not_have_it() -> None:
    singular = "s" * 57
    model = {
        "groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": singular}}}}
    }
    attributes = Registry(model).get("/model")["groups"]["dirs"]["resources"]["files"]["attributes"]
    assert f"{singular}base64" in attributes
    assert all(len(name) <= 63 for name in attributes)
