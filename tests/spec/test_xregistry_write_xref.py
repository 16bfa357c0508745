"""xRegistry core/spec.md "Cross Referencing Resources"."""

from __future__ import annotations

from typing import Any

import pytest

from chappe.registry.request import ABSENT, DocumentWrite
from tests.spec.xregistry_writing import Registry, files

F1, FX = "/dirs/d1/files/f1", "/dirs/d1/files/fx"

SOURCE: dict[str, Any] = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "resources": {
                "files": {
                    "singular": "file",
                    "hasdocument": False,
                    "attributes": {"stage": {"type": "string"}},
                },
                "others": {"singular": "other"},
            },
        },
        "boxes": {
            "singular": "box",
            "ximportresources": ["/dirs/files"],
            "attributes": {"stage": {"type": "string"}},
            "constraints": {
                "files.stage": {"equals": "stage", "enum": ["dev", "prod"], "default": "dev"}
            },
        },
    }
}


def registry() -> Registry:
    hub = Registry(SOURCE)
    hub.put(F1, {"name": "target", "stage": "prod"})
    return hub


def mirror() -> Registry:
    hub = registry()
    hub.put(FX, {"meta": {"labels": {"a": "b"}}, "versions": {"a": {}, "b": {}}})
    hub.put(f"{FX}/meta", {"xref": F1, "epoch": 1})
    return hub


def test_setting_an_xref_drops_the_resources_own_versions() -> None:
    hub = mirror()
    resource = hub.resource(FX)

    assert (resource.xref, len(resource.versions)) == (F1, 0)
    assert resource.meta.keys() == {"xref", "epoch", "createdat"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_xref_can_be_set_at_creation_and_lead_nowhere(method: Any) -> None:
    hub = registry()
    written = hub.do(method, FX, {"fileid": "fx", "meta": {"xref": "/dirs/none/files/none"}})

    assert hub.resource(FX).xref == "/dirs/none/files/none"
    assert written.created is not None


@pytest.mark.parametrize(
    "body",
    [
        {"name": "n", "meta": {"xref": F1}},
        {"versions": {"v": {}}, "meta": {"xref": F1}},
        {"meta": {"xref": F1, "labels": {}}},
        {"meta": {"xref": F1, "defaultversionid": "1"}},
        {"meta": {"xref": F1, "epoch": 1}},
    ],
)
def test_an_xref_allows_no_other_attributes(body: Any) -> None:
    error = registry().refusal("PUT", FX, body)

    assert (error.kind, error.subject) == ("extra_xref_attribute", FX)
    assert error.args_shown["singular"] == "file"


def test_an_xref_allows_what_is_read_only_or_null() -> None:
    hub = registry()
    shown = {"self": "x", "xid": FX, "metaurl": "y", "name": None}
    hub.put(FX, {**shown, "meta": {"self": "x", "xid": f"{FX}/meta", "xref": F1}})

    assert hub.resource(FX).xref == F1


@pytest.mark.parametrize(
    "xref",
    [5, "x", "/dirs/d1", "/dirs/d1/files/f1/versions/1", "/nope/d1/files/f1", "/dirs/d1/nope/f1",
     "/dirs/d1/others/f1", "/dirs/d 1/files/f1"],
)  # fmt: skip
def test_a_malformed_xref_is_refused(xref: Any) -> None:
    error = registry().refusal("PUT", f"{FX}/meta", {"xref": xref})

    assert (error.kind, error.subject) == ("malformed_xref", f"{FX}/meta")


def test_an_xref_crosses_types_of_groups_that_share_the_type_of_resource() -> None:
    hub = registry()
    hub.put("/boxes/b1", {"stage": "prod"})
    hub.put("/boxes/b1/files/f1/meta", {"xref": F1})

    assert hub.resource("/boxes/b1/files/f1").xref == F1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", FX, {}),
        ("PUT", f"{FX}/versions/v", {}),
        ("POST", f"{FX}/versions", {"v": {}}),
        ("DELETE", f"{FX}/versions/1", ABSENT),
        ("DELETE", f"{FX}/versions", ABSENT),
    ],
)
def test_a_mirrors_versions_are_not_written(method: Any, path: str, body: Any) -> None:
    assert mirror().refusal(method, path, body).kind == "bad_request"


def test_a_mirrors_attributes_are_not_written() -> None:
    hub = mirror()
    for body in ({"name": "n"}, {"meta": {"labels": {"a": "b"}}}):
        assert hub.refusal("PATCH", FX, body).kind == "extra_xref_attribute"


def test_a_mirrors_document_is_not_written() -> None:
    hub = Registry(files(hasdocument=True))
    hub.put(f"{FX}$details", {"meta": {"xref": F1}})

    assert hub.refusal("PUT", FX, DocumentWrite(b"x")).kind == "extra_xref_attribute"


@pytest.mark.parametrize("epochs", [0, 5])
def test_clearing_an_xref_gives_a_resource_of_its_own_again(epochs: int) -> None:
    hub = mirror()
    created = hub.meta(FX)["createdat"]
    for _ in range(epochs):
        hub.patch(f"{F1}/meta", {})
    hub.put(f"{FX}/meta", {})

    meta = hub.meta(FX)
    assert hub.resource(FX).versions.keys() == {"1"}
    assert meta["epoch"] == max(1, 1 + epochs) + 1
    assert (meta["createdat"], meta["modifiedat"]) == (created, hub.now)
    assert "labels" not in meta
    assert "xref" not in meta


def test_clearing_an_xref_takes_attributes_versions_and_times() -> None:
    hub = mirror()
    hub.put(
        FX,
        {
            "versionid": "v1",
            "name": "own",
            "meta": {"xref": None, "createdat": "2001-01-01T00:00:00Z", "labels": {"c": "d"}},
            "versions": {"v2": {}},
        },
    )

    assert hub.resource(FX).versions.keys() == {"v1", "v2"}
    assert hub.version(f"{FX}/versions/v1").attributes["name"] == "own"
    assert hub.meta(FX)["createdat"] == "2001-01-01T00:00:00Z"
    assert hub.meta(FX)["labels"] == {"c": "d"}


def test_clearing_an_xref_that_leads_nowhere() -> None:
    hub = mirror()
    hub.delete(F1)
    hub.patch(f"{FX}/meta", {"xref": None})

    assert hub.meta(FX)["epoch"] == 2
    assert hub.default(FX).attributes.get("name") is None


def test_a_resource_may_mirror_itself_and_be_deleted() -> None:
    hub = registry()
    hub.put(f"{FX}/meta", {"xref": FX})
    hub.delete(FX)

    assert hub.group("/dirs/d1").of("files").keys() == {"f1"}


# core/model.md `constraints`, on a resource that comes by xref


def boxed() -> Registry:
    hub = registry()
    hub.put("/boxes/b1", {"stage": "prod", "files": {"f1": {"meta": {"xref": F1}}}})
    return hub


def test_constraints_bind_a_mirror_when_it_is_made() -> None:
    hub = registry()
    hub.put("/boxes/b1", {"stage": "dev"})

    error = hub.refusal("PUT", "/boxes/b1/files/fx/meta", {"xref": F1})
    assert (error.kind, error.subject) == ("constraint_failure", "/boxes/b1/files/fx")
    assert error.args_shown == {"path": "stage", "kind": "equals"}


def test_constraints_bind_the_target_where_it_is() -> None:
    hub = boxed()
    error = hub.refusal("PATCH", F1, {"stage": "dev"})
    assert (error.kind, error.subject) == ("constraint_failure", "/boxes/b1/files/f1")

    hub.delete("/boxes/b1/files/f1")
    hub.patch(F1, {"stage": "anything"})


def test_constraints_bind_a_mirror_when_its_group_changes() -> None:
    hub = boxed()
    assert hub.refusal("PATCH", "/boxes/b1", {"stage": "dev"}).kind == "constraint_failure"

    hub.patch("/boxes/b1", {"stage": None})


def test_constraints_give_no_default_to_a_target() -> None:
    hub = boxed()
    assert hub.refusal("PATCH", F1, {"stage": None}).kind == "constraint_failure"
    hub.delete("/boxes")
    hub.put(F1)
    hub.put("/boxes/b1/files/fx/meta", {"xref": F1})

    assert "stage" not in hub.default(F1).attributes
