"""core/spec.md "Cross Referencing Resources" and "`xref` Attribute": its sentences, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import ABSENT, Registry, Request, delete, get, holds, patch, put

MODEL = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "resources": {
                "files": {"singular": "file", "attributes": {"kind": {"type": "string"}}},
                "notes": {"singular": "note", "hasdocument": False},
            },
        },
        "shelves": {"singular": "shelf", "ximportresources": ["/dirs/files"]},
    }
}
SOURCE, TARGET = "/dirs/d1/files/source", "/dirs/d2/files/target"


def own() -> Registry:
    """The target with two versions, and a source that is an ordinary resource."""
    registry = Registry(MODEL)
    registry.put(f"{SOURCE}$details", {"kind": "own", "createdat": "2000-01-01T00:00:00Z"})
    registry.patch(f"{SOURCE}/meta", {"labels": {"a": "own"}, "createdat": "2001-01-01T00:00:00Z"})
    versions = {"v1": {"kind": "one"}, "v2": {"kind": "two"}}
    meta = {"labels": {"a": "target"}}
    registry.put(f"{TARGET}$details", {"versions": versions, "meta": meta})
    return registry


@pytest.fixture
def mirror() -> Registry:
    """As `own`, and the source refers to the target."""
    registry = own()
    registry.put(f"{SOURCE}/meta", {"xref": TARGET})
    return registry


def test_cross_referencing_the_source_shows_the_target_under_its_own_ids(mirror: Registry) -> None:
    shown = mirror.get(f"{SOURCE}$details?inline=*")
    expected = {
        "fileid": "source",
        "self": f"{BASE}{SOURCE}$details",
        "xid": SOURCE,
        "versionid": "v2",
        "kind": "two",
        "metaurl": f"{BASE}{SOURCE}/meta",
        "versionsurl": f"{BASE}{SOURCE}/versions",
        "versionscount": 2,
        "meta/fileid": "source",
        "meta/xid": f"{SOURCE}/meta",
        "meta/xref": TARGET,
        "meta/labels": {"a": "target"},
        "meta/defaultversionid": "v2",
        "meta/defaultversionurl": f"{BASE}{SOURCE}/versions/v2$details",
        "versions/v1/fileid": "source",
        "versions/v1/xid": f"{SOURCE}/versions/v1",
        "versions/v1/self": f"{BASE}{SOURCE}/versions/v1$details",
        "versions/v1/kind": "one",
    }
    holds(shown, expected)


def test_cross_referencing_what_changes_of_the_target_shows(mirror: Registry) -> None:
    mirror.patch(f"{TARGET}/versions/v2$details", {"kind": "new"})
    assert mirror.get(f"{SOURCE}$details")["kind"] == "new"
    mirror.put(f"{TARGET}/versions/v3$details")
    assert mirror.get(f"{SOURCE}$details")["versionscount"] == 3


def test_cross_referencing_the_document_is_the_targets(mirror: Registry) -> None:
    mirror.put(TARGET, b"of the target")
    assert mirror.done(get(SOURCE)).body == b"of the target"


@pytest.mark.parametrize("path", [f"{SOURCE}/meta", f"{SOURCE}/meta?doc"])
def test_cross_referencing_meta_always_has_the_xref(mirror: Registry, path: str) -> None:
    assert mirror.get(path)["xref"] == TARGET


@pytest.mark.parametrize("query", ["inline=files.meta", "filter=files.kind=two", "inline=*"])
def test_cross_referencing_flags_work_on_the_source(mirror: Registry, query: str) -> None:
    assert mirror.get(f"/dirs/d1?{query}")["filescount"] == 1


@pytest.mark.parametrize(
    "request_",
    [
        put(f"{SOURCE}/versions/v1$details", {"kind": "x"}),
        patch(f"{SOURCE}/versions/v9$details", {}),
        put(SOURCE, b"document"),
        Request("POST", f"{SOURCE}/versions", {"v9": {}}),
        Request("POST", f"{SOURCE}$details", {}),
        delete(f"{SOURCE}/versions/v1"),
    ],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_cross_referencing_writes_are_for_the_target(mirror: Registry, request_: Request) -> None:
    answer = mirror.answer(request_)
    assert mirror.get(f"{TARGET}/versions")["v1"]["kind"] == "one"
    assert list(mirror.get(f"{TARGET}/versions")) == ["v1", "v2"]
    assert answer.status >= 400 or mirror.get(f"{SOURCE}/meta").get("xref") is None


@pytest.mark.parametrize(
    "request_",
    [
        put(f"{SOURCE}/meta", {"xref": TARGET, "labels": {"a": "b"}}),
        put(f"{SOURCE}/meta", {"xref": TARGET, "compatibility": "full"}),
        put(f"{SOURCE}$details", {"kind": "k", "meta": {"xref": TARGET}}),
        put(f"{SOURCE}$details", {"name": "n", "meta": {"xref": TARGET}}),
        put(f"{SOURCE}$details", {"versions": {"v1": {}}, "meta": {"xref": TARGET}}),
        patch(f"{SOURCE}$details", {"kind": "k", "meta": {"xref": TARGET}}),
    ],
    ids=["labels", "compatibility", "a version's attribute", "name", "versions", "PATCH"],
)
def test_cross_referencing_a_request_with_xref_has_nothing_else(request_: Request) -> None:
    assert own().refusal(request_).kind == "extra_xref_attribute"


def test_cross_referencing_the_sources_own_versions_are_deleted(mirror: Registry) -> None:
    assert list(mirror.get(f"{SOURCE}/versions")) == ["v1", "v2"]
    assert mirror.refusal(get(f"{SOURCE}/versions/1$details")).status == 404


CLEARINGS = [
    pytest.param(put(f"{SOURCE}/meta", {}), id="PUT without it"),
    pytest.param(patch(f"{SOURCE}/meta", {"xref": None}), id="PATCH of null"),
    pytest.param(patch(f"{SOURCE}$details", {"meta": {"xref": None}}), id="PATCH of the resource"),
]


@pytest.mark.parametrize("request_", CLEARINGS)
def test_cross_referencing_clearing_it_makes_a_default_version_of_defaults(
    mirror: Registry, request_: Request
) -> None:
    mirror.done(request_)
    shown = mirror.get(f"{SOURCE}$details?inline=meta,versions")
    expected = {
        "versionscount": 1,
        "kind": ABSENT,
        "meta/xref": ABSENT,
        "meta/labels": ABSENT,
        "meta/createdat": "2001-01-01T00:00:00Z",
        "meta/modifiedat": mirror.now,
    }
    holds(shown, expected)


def test_cross_referencing_clearing_it_takes_the_attributes_of_the_request(
    mirror: Registry,
) -> None:
    given = "2040-01-01T00:00:00Z"
    meta = {"xref": None, "createdat": given, "modifiedat": given, "labels": {"a": "new"}}
    mirror.put(f"{SOURCE}$details", {"kind": "new", "meta": meta})
    shown = mirror.get(f"{SOURCE}$details?inline=meta")
    holds(
        shown,
        {
            "kind": "new",
            "meta/createdat": given,
            "meta/modifiedat": given,
            "meta/labels": {"a": "new"},
        },
    )


@pytest.mark.parametrize("of_target", [0, 5])
@pytest.mark.parametrize("of_source", [0, 5])
def test_cross_referencing_clearing_it_has_an_epoch_above_both(
    of_source: int, of_target: int
) -> None:
    registry = own()
    for _ in range(of_source):
        registry.patch(f"{SOURCE}/meta")
    before = registry.get(f"{SOURCE}/meta")["epoch"]
    registry.put(f"{SOURCE}/meta", {"xref": TARGET})
    for _ in range(of_target):
        registry.patch(f"{TARGET}/meta")
    target = registry.get(f"{TARGET}/meta")["epoch"]
    registry.patch(f"{SOURCE}/meta", {"xref": None})
    assert registry.get(f"{SOURCE}/meta")["epoch"] > max(before, target)


def test_cross_referencing_the_epoch_of_a_target_that_is_gone_is_zero(mirror: Registry) -> None:
    mirror.delete("/dirs/d2")
    mirror.patch(f"{SOURCE}/meta", {"xref": None})
    assert mirror.get(f"{SOURCE}/meta")["epoch"] > 0


def test_cross_referencing_nothing_is_left_of_the_target_when_it_is_cleared(
    mirror: Registry,
) -> None:
    mirror.patch(f"{SOURCE}/meta", {"xref": None})
    mirror.patch(f"{TARGET}$details", {"kind": "changed"})
    assert "kind" not in mirror.get(f"{SOURCE}$details")


@pytest.mark.parametrize("nobody", [f"{TARGET}-not-there", "/dirs/d9/files/f9"])
def test_cross_referencing_a_dangling_xref_shows_ids_alone(nobody: str) -> None:
    registry = own()
    registry.put(f"{SOURCE}/meta", {"xref": nobody})
    shown = registry.get(f"{SOURCE}$details?inline=meta")
    assert set(shown) <= {"fileid", "self", "xid", "metaurl", "meta"}
    assert set(shown["meta"]) == {"fileid", "self", "xid", "xref"}


def test_cross_referencing_what_is_deleted_and_comes_back(mirror: Registry) -> None:
    mirror.delete(TARGET)
    assert "kind" not in mirror.get(f"{SOURCE}$details")
    mirror.put(f"{TARGET}$details", {"kind": "again"})
    assert mirror.get(f"{SOURCE}$details")["kind"] == "again"


def test_cross_referencing_is_not_transitive(mirror: Registry) -> None:
    mirror.put("/dirs/d1/files/third/meta", {"xref": SOURCE})
    shown = mirror.get("/dirs/d1/files/third$details?inline=meta")
    holds(shown, {"kind": ABSENT, "versionid": ABSENT, "meta/xref": SOURCE})


def test_cross_referencing_an_imported_type_is_the_same_type(mirror: Registry) -> None:
    mirror.put("/shelves/s1/files/f/meta", {"xref": TARGET})
    assert mirror.get("/shelves/s1/files/f$details")["kind"] == "two"


@pytest.mark.parametrize(
    "xref",
    [
        "/dirs/d2/notes/target",
        "/nothings/d2/files/target",
        "/dirs/d2/nothings/target",
        "/dirs/d2",
        "/",
        "dirs/d2/files/target",
        "/dirs/d2/files/target/versions/v1",
        "/dirs/d2/files/target/meta",
        "https://hub.example/registry/dirs/d2/files/target",
    ],
)
def test_xref_attribute_of_another_form_or_type_is_malformed(xref: str) -> None:
    answer = own().refusal(put(f"{SOURCE}/meta", {"xref": xref}))
    assert answer.kind == "malformed_xref"


@pytest.mark.parametrize("xref", [5, [], {}])
def test_xref_attribute_is_a_text(xref: Any) -> None:
    assert own().refusal(put(f"{SOURCE}/meta", {"xref": xref})).status == 400
