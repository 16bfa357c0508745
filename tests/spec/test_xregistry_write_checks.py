"""xRegistry core/model.md: what is checked of a resource's versions together, and of all by a model.

`constraints`, `matchversions`, `validateformat`, `validatecompatibility`, `strictvalidation`, and
"Creating or Updating the Registry Model".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chappe.registry.request import DocumentWrite
from tests.spec.xregistry_writing import Registry, files

F1 = "/dirs/d1/files/f1"
V1 = f"{F1}/versions/1"
STAGE = {"stage": {"type": "string", "enum": ["dev", "test", "prod"]}}


def constrained(own: Mapping[str, Any] | None = None, **aspects: Any) -> Registry:
    """A registry whose type of group has a constraint on `stage`, and group d1 with its own."""
    source = files(attributes=STAGE)
    source["groups"]["dirs"]["attributes"] = {"stage": {"type": "string"}}
    source["groups"]["dirs"]["constraints"] = {"files.stage": aspects} if aspects else {}
    hub = Registry(source)
    hub.put("/dirs/d1", {} if own is None else {"constraints": {"files.stage": own}})
    return hub


# core/model.md `groups.<STRING>.constraints`


def test_constraints_enum_of_the_type_and_of_the_group() -> None:
    hub = constrained({"enum": ["dev"]}, enum=["dev", "test"])
    hub.put(F1, {"stage": "DEV"})

    error = hub.refusal("PUT", F1, {"stage": "test"})
    assert (error.kind, error.subject) == ("constraint_failure", F1)
    assert error.args_shown == {"path": "stage", "kind": "enum"}
    hub.put("/dirs/d2", {"files": {"f1": {"stage": "test"}}})


def test_constraints_default_goes_before_the_attributes_own() -> None:
    hub = constrained({"default": "prod"}, default="test")
    hub.put(F1)
    assert hub.default(F1).attributes["stage"] == "prod"

    hub.put("/dirs/d2", {"files": {"f1": {}}})
    assert hub.default("/dirs/d2/files/f1").attributes["stage"] == "test"


def test_constraints_equals_binds_while_the_group_has_a_value() -> None:
    hub = constrained(equals="stage")
    hub.put(F1)

    error = hub.refusal("PATCH", "/dirs/d1", {"stage": "dev"})
    assert (error.kind, error.args_shown["kind"]) == ("constraint_failure", "equals")

    hub.patch("/dirs/d1", {"stage": "dev", "files": {"f1": {"stage": "dev"}}})
    assert hub.refusal("PUT", f"{F1}/versions/v2", {}).kind == "constraint_failure"
    assert hub.refusal("PATCH", F1, {"stage": "test"}).kind == "constraint_failure"


def test_constraints_of_a_group_bind_what_is_in_it_already() -> None:
    hub = constrained()
    hub.put(F1, {"versions": {"a": {"stage": "prod"}, "b": {"stage": "dev"}}})
    body = {"constraints": {"files.stage": {"enum": ["dev"]}}}

    assert hub.refusal("PATCH", "/dirs/d1", body).kind == "constraint_failure"


@pytest.mark.parametrize(
    ("own", "inherited", "named"),
    [
        ({"enum": ["prod"]}, {"enum": ["dev"]}, "(prod)"),
        ({"enum": ["nope"]}, {}, "(nope)"),
        ({"default": "nope"}, {}, "(nope)"),
        ({"default": "prod"}, {"enum": ["dev"]}, "(prod)"),
        ({"default": "prod", "enum": ["dev"]}, {}, "(prod)"),
        ({"enum": ["dev"]}, {"default": "prod"}, "(prod)"),
        ({"equals": "name"}, {"equals": "stage"}, "(name)"),
    ],
)
def test_constraints_of_a_group_only_narrow(own: Any, inherited: Any, named: str) -> None:
    hub = constrained(None, **inherited)

    error = hub.refusal("PUT", "/dirs/d1", {"constraints": {"files.stage": own}})
    assert (error.kind, error.subject) == ("bad_request", "/dirs/d1")
    detail = error.args_shown["error_detail"]
    assert detail.startswith('Group "/dirs/d1" constraint "files.stage" has a')
    assert named in detail


def test_constraints_of_a_group_have_the_attributes_default_in_their_enum() -> None:
    stage = {"type": "string", "required": True, "default": "dev"}
    hub = Registry(files(attributes={"stage": stage}))

    for own in ({"enum": ["dev", "prod"]}, {"enum": ["prod"], "default": "prod"}):
        hub.put("/dirs/d1", {"constraints": {"files.stage": own}})
    error = hub.refusal("PUT", "/dirs/d1", {"constraints": {"files.stage": {"enum": ["prod"]}}})
    assert (error.kind, error.subject) == ("bad_request", "/dirs/d1")
    assert "(dev)" in error.args_shown["error_detail"]


@pytest.mark.parametrize(
    "own", [{"enum": [5]}, {"default": 5}, {"equals": "nope"}, {"equals": "epoch"}]
)
def test_constraints_of_a_group_are_valid_in_themselves(own: Any) -> None:
    error = constrained().refusal("PUT", "/dirs/d1", {"constraints": {"files.stage": own}})
    assert (error.kind, error.subject) == ("invalid_attribute", "/dirs/d1")


@pytest.mark.parametrize("key", ["files", "files.nope", "nope.stage", "files.labels.a"])
def test_constraints_of_a_group_name_an_attribute_of_its_resources(key: str) -> None:
    error = constrained().refusal("PUT", "/dirs/d1", {"constraints": {key: {"enum": ["a"]}}})

    assert error.kind == "invalid_attribute"


# core/model.md `attributes.<STRING>.matchversions`


def test_matchversions_all_versions_have_the_same_value_or_none() -> None:
    hub = Registry(files(attributes={"kind": {"type": "string", "matchversions": True}}))
    hub.put(F1, {"versions": {"a": {"kind": "x"}, "b": {"kind": "x"}}})

    for body in ({"kind": "y"}, {}):
        error = hub.refusal("PUT", f"{F1}/versions/c", body)
        assert (error.kind, error.subject) == ("mismatched_version_attribute", F1)
        assert error.args_shown["name"] == "kind"
    hub.patch(f"{F1}/versions", {"a": {"kind": "y"}, "b": {"kind": "y"}})


# core/spec.md "`formatvalidated` Attribute"


def numbers(*, strict: bool = False) -> Registry:
    return Registry(
        files(
            hasdocument=True,
            validateformat=True,
            validatecompatibility=True,
            strictvalidation=strict,
        )
    )


def doc(text: str, **attributes: Any) -> DocumentWrite:
    return DocumentWrite(text.encode(), {"format": "Numbers", **attributes})


def marks(hub: Registry, xid: str) -> tuple[Any, Any]:
    attributes = hub.version(xid).attributes
    for name in ("formatvalidated", "compatibilityvalidated"):
        assert (f"{name}reason" in attributes) == (attributes.get(name) is False)
    return attributes.get("formatvalidated"), attributes.get("compatibilityvalidated")


def test_format_a_document_of_its_format_is_marked() -> None:
    hub = numbers()
    hub.put(F1, doc("1 2"))

    assert marks(hub, V1) == (True, None)


def test_format_a_document_of_another_is_refused() -> None:
    error = numbers().refusal("PUT", F1, doc("1 x"))

    assert (error.kind, error.subject) == ("format_violation", V1)
    assert error.args_shown["format"] == "Numbers"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"format": "unheard/1"}, "format_unknown"),
        ({"format": "numbers", "fileurl": "http://x"}, "format_external"),
    ],
)
def test_format_what_cannot_be_checked_is_told_or_refused(body: Any, kind: str) -> None:
    hub = numbers()
    hub.put(f"{F1}$details", body)
    assert marks(hub, V1) == (False, None)

    error = numbers(strict=True).refusal("PUT", f"{F1}$details", body)
    assert (error.kind, error.subject) == (kind, V1)


def test_format_without_one_nothing_is_checked() -> None:
    hub = numbers(strict=True)
    hub.put(F1, DocumentWrite(b"x"))
    hub.patch(f"{F1}$details", {"formatvalidated": True, "meta": {"compatibility": "backward"}})

    assert marks(hub, V1) == (None, None)


def test_format_marks_go_with_the_format() -> None:
    hub = numbers()
    hub.put(F1, doc("1"))
    hub.patch(f"{F1}$details", {"format": None})

    assert marks(hub, V1) == (None, None)


def test_format_a_format_that_the_capabilities_lack_is_unknown() -> None:
    hub = numbers()
    hub.patch("/capabilities", {"formats": [], "compatibilities": {}})
    hub.put(F1, doc("x"))

    assert marks(hub, V1) == (False, None)


# core/spec.md "`compatibility` Attribute"


def versions(compatibility: str, *texts: str, strict: bool = False) -> Registry:
    hub = numbers(strict=strict)
    hub.put(f"{F1}$details", {"format": "numbers", "meta": {"compatibility": compatibility}})
    for text in texts:
        hub.post(F1, doc(text))
    return hub


def test_compatibility_what_was_checked_is_marked() -> None:
    hub = versions("backward", "1", "1 2")

    assert [marks(hub, f"{F1}/versions/{id}") for id in "123"] == [(True, True)] * 3


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("backward", "1 2 3", "1"),
        ("forward", "1", "1 2 3"),
        ("full", "2 1", "1 2 3"),
        ("Backward", "1 2 3", "1"),
    ],
)
def test_compatibility_a_version_is_compared_with_its_ancestor(
    rule: str, good: str, bad: str
) -> None:
    hub = Registry(files(hasdocument=True, validateformat=True, validatecompatibility=True))
    hub.put(F1, doc("1 2"))
    hub.patch(f"{F1}/meta", {"compatibility": rule})

    error = hub.refusal("POST", F1, doc(bad))
    assert (error.kind, error.subject) == ("compatibility_violation", F1)
    assert error.args_shown["compat"] == rule
    hub.post(F1, doc(good))


def test_compatibility_a_version_is_compared_with_those_that_follow_it() -> None:
    hub = versions("backward", "1", "1 2")
    error = hub.refusal("PUT", f"{F1}/versions/2", doc("1 2 3"))

    assert error.kind == "compatibility_violation"
    assert "3" in error.detail


def test_compatibility_transitive_compares_with_all_that_are_older() -> None:
    hub = numbers()
    hub.put(F1, doc("1"))
    hub.post(F1, DocumentWrite(b"no format, so not compared"))
    hub.post(F1, doc("2"))
    hub.patch(f"{F1}/meta", {"compatibility": "backward"})

    error = hub.refusal("PATCH", f"{F1}/meta", {"compatibility": "backward_transitive"})
    assert (error.kind, error.detail) == ("compatibility_violation", "Versions: 3. 3: lost [b'1'].")


def test_compatibility_a_change_of_the_rule_is_applied_to_all_versions() -> None:
    hub = versions("backward", "1", "1 2")
    assert (
        hub.refusal("PATCH", f"{F1}/meta", {"compatibility": "forward"}).kind
        == "compatibility_violation"
    )
    epochs = [one.attributes["epoch"] for one in hub.resource(F1).versions.values()]

    hub.patch(f"{F1}/meta", {"compatibility": None})
    assert [marks(hub, f"{F1}/versions/{id}") for id in "123"] == [(True, None)] * 3
    assert [one.attributes["epoch"] for one in hub.resource(F1).versions.values()] == epochs


def test_compatibility_a_rule_that_cannot_be_checked_is_told_or_refused() -> None:
    hub = numbers()
    hub.put(F1, doc("1"))
    hub.patch(f"{F1}/meta", {"compatibility": "full_transitive"})
    assert marks(hub, V1) == (True, False)

    hub = numbers(strict=True)
    hub.put(F1, doc("1"))
    error = hub.refusal("PATCH", f"{F1}/meta", {"compatibility": "full_transitive"})
    assert (error.kind, error.subject) == ("compatibility_unknown", F1)


# core/model.md "Creating or Updating the Registry Model"


def updated(hub: Registry, **aspects: Any) -> Any:
    return hub.refusal("PUT", "/modelsource", files(**aspects))


def test_model_a_type_with_entities_cannot_go() -> None:
    hub = Registry(files())
    hub.put("/dirs/d1")
    for path, body in (("/modelsource", {}), ("/", {"modelsource": None})):
        error = hub.refusal("PUT", path, body)
        assert (error.kind, error.subject) == ("model_compliance_error", "/model")

    hub.put(F1)
    source = {"groups": {"dirs": {"singular": "dir"}}}
    assert hub.refusal("PUT", "/modelsource", source).kind == "model_compliance_error"
    hub.delete("/dirs")
    hub.put("/modelsource", {})
    assert not hub.tree.model.groups


@pytest.mark.parametrize(
    ("aspects", "kind", "subject"),
    [
        ({"attributes": {"size": {"type": "string"}}}, "invalid_attribute", V1),
        ({}, "unknown_attribute", V1),
        (
            {
                "attributes": {
                    "size": {"type": "integer"},
                    "b": {"type": "string", "required": True},
                }
            },
            "required_attribute_missing",
            V1,
        ),
        ({"attributes": {"size": {"type": "integer", "enum": [1, 2]}}}, "invalid_attribute", V1),
        (
            {
                "attributes": {"size": {"type": "integer"}},
                "metaattributes": {"x": {"type": "string", "required": True}},
            },
            "required_attribute_missing",
            f"{F1}/meta",
        ),
    ],
)
def test_model_what_is_stored_must_comply(aspects: Any, kind: str, subject: str) -> None:
    hub = Registry(files(attributes={"size": {"type": "integer"}}))
    hub.put(F1, {"size": 5})

    error = updated(hub, **aspects)
    assert (error.kind, error.subject, error.detail) == (kind, subject, "")


def test_model_all_that_does_not_comply_is_told_at_once() -> None:
    hub = Registry(files(attributes={"size": {"type": "integer"}}))
    for name in ("f1", "f2", "f3"):
        hub.put(f"/dirs/d1/files/{name}", {"size": 5})

    error = updated(hub)
    assert (error.kind, error.subject) == ("unknown_attribute", V1)
    assert "/dirs/d1/files/f2/versions/1" in error.detail
    assert "/dirs/d1/files/f3/versions/1" in error.detail


def test_model_a_default_is_filled_in_and_updates_nothing() -> None:
    size = {"type": "integer", "required": True, "default": 7}
    hub = Registry(files())
    hub.put(F1)
    written = hub.put("/modelsource", files(attributes={"size": size}))
    assert hub.default(F1).attributes["size"] == 7
    assert hub.default(F1).attributes["epoch"] == 1
    assert ("dirs", "d1", "files", "f1", "1") in {one.path for one in written.changes}

    hub.put("/modelsource", files(attributes={"size": {**size, "default": 8}}))
    assert hub.default(F1).attributes["size"] == 7


def test_model_and_the_data_that_it_asks_for_come_together() -> None:
    hub = Registry(files())
    hub.put(F1)
    size = {"type": "integer", "required": True}
    body = {
        "modelsource": files(attributes={"size": size}),
        "dirs": {"d1": {"files": {"f1": {"size": 1}}}},
    }
    hub.put("/", body)

    assert hub.default(F1).attributes["size"] == 1


def test_model_documents_forbid_hasdocument_false() -> None:
    hub = Registry(files(hasdocument=True))
    hub.put(F1, DocumentWrite(b"x"))

    error = updated(hub, hasdocument=False)
    assert (error.kind, error.subject) == ("hasdocument_violation", V1)
    assert error.args_shown == {"plural": "files"}


def test_model_an_extension_does_not_turn_into_a_document() -> None:
    for name in ("file", "filebase64", "fileurl"):
        hub = Registry(files(attributes={name: {"type": "string"}}))
        hub.put(F1, {name: "http://x"})
        assert updated(hub, hasdocument=True).kind == "model_compliance_error"


def test_model_sticky_resources_forbid_maxversions_one() -> None:
    hub = Registry(files())
    hub.put(F1, {"meta": {"defaultversionsticky": True}})

    error = updated(hub, maxversions=1)
    assert (error.kind, error.subject) == ("setdefaultversionsticky_false", F1)


def test_model_a_lower_maxversions_prunes() -> None:
    hub = Registry(files())
    hub.post(f"{F1}/versions", {"a": {}, "b": {}, "c": {}})
    hub.put("/modelsource", files(maxversions=2))

    assert hub.resource(F1).versions.keys() == {"b", "c"}


def test_model_another_versionmode_links_anew() -> None:
    hub = Registry(files())
    hub.put(
        F1,
        {
            "versions": {
                "a": {"createdat": "2003-01-01T00:00:00Z"},
                "b": {"createdat": "2001-01-01T00:00:00Z"},
            }
        },
    )
    hub.put("/modelsource", files(versionmode="createdat", singleversionroot=True))

    assert hub.meta(F1)["defaultversionid"] == "a"
    assert hub.version(f"{F1}/versions/a").attributes["ancestorid"] == "b"
    assert hub.version(f"{F1}/versions/b").attributes["ancestorid"] == "b"


def test_model_a_versionmode_that_the_capabilities_lack_is_refused() -> None:
    hub = Registry({})
    hub.patch("/capabilities", {"versionmodes": ["manual"]})
    semver = {"versionmode": "semver", "singleversionroot": True}

    assert updated(hub, **semver).kind == "model_error"
    hub.put("/", {"capabilities": {"versionmodes": ["*"]}, "modelsource": files(**semver)})


def test_model_several_roots_forbid_singleversionroot() -> None:
    hub = Registry(files())
    hub.put(F1, {"versions": {"a": {"ancestorid": "a"}, "b": {"ancestorid": "b"}}})

    assert updated(hub, singleversionroot=True).kind == "multiple_roots"


def test_model_differing_versions_forbid_matchversions() -> None:
    kind = {"type": "string"}
    hub = Registry(files(attributes={"kind": kind}))
    hub.put(F1, {"versions": {"a": {"kind": "x"}, "b": {}}})

    error = updated(hub, attributes={"kind": {**kind, "matchversions": True}})
    assert error.kind == "mismatched_version_attribute"


def test_model_checks_formats_where_they_are_to_be() -> None:
    hub = Registry(files(hasdocument=True))
    hub.put(F1, doc("x"))
    assert updated(hub, hasdocument=True, validateformat=True).kind == "format_violation"

    hub.put(F1, doc("1"))
    hub.put("/modelsource", files(hasdocument=True, validateformat=True))
    assert marks(hub, V1) == (True, None)
    hub.put("/modelsource", files(hasdocument=True))
    assert marks(hub, V1) == (None, None)


def test_model_the_same_model_again_changes_the_registry_alone() -> None:
    hub = Registry(files())
    hub.put(F1)
    written = hub.put("/modelsource", files())

    assert [one.path for one in written.changes] == [()]
    assert hub.tree.attributes["epoch"] == 3
