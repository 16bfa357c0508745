"""core/model.md: what a model makes of the entities that are written, sentence by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.spec.xregistry_musts import (
    ABSENT,
    Registry,
    Request,
    check_said,
    delete,
    get,
    holds,
    model_of,
    patch,
    post,
    put,
    said,
)

D1, F1 = "/dirs/d1", "/dirs/d1/files/f1"
STRING = {"type": "string"}


def of_group(**attributes: Any) -> Registry:
    """A registry whose `dirs` have these attributes."""
    return Registry(model_of(attributes=attributes))


# --- "attributes.<STRING>.target"

TARGETS = [
    ("/dirs", {"/dirs/d9"}, {"/dirs/d9/files/f9", "/dirs/d9/files/f9/versions/v9", "/"}),
    ("/dirs/files", {"/dirs/d9/files/f9"}, {"/dirs/d9", "/dirs/d9/files/f9/versions/v9"}),
    ("/dirs/files/versions", {"/dirs/d9/files/f9/versions/v9"}, {"/dirs/d9/files/f9", "/dirs/d9"}),
    (
        "/dirs/files[/versions]",
        {"/dirs/d9/files/f9", "/dirs/d9/files/f9/versions/v9"},
        {"/dirs/d9", "/dirs/d9/files/f9/meta"},
    ),
]


@pytest.mark.parametrize(("target", "right", "wrong"), TARGETS)
@pytest.mark.parametrize("type", ["xid", "uri", "url"])
def test_target_an_xid_is_of_the_type_that_it_names(
    type: str, target: str, right: set[str], wrong: set[str]
) -> None:
    registry = of_group(at={"type": type, "target": target})
    for xid in right:
        registry.put(D1, {"at": xid})
        assert registry.get(D1)["at"] == xid
    for xid in wrong:
        assert registry.refusal(put(D1, {"at": xid})).status == 400


def test_target_absolute_uris_are_not_bound_by_it() -> None:
    registry = of_group(at={"type": "uri", "target": "/dirs"})
    registry.put(D1, {"at": "https://a.example/dirs/d9/files/f9"})
    assert registry.refusal(put(D1, {"at": "/nothings/x"})).status == 400


def test_target_of_items_binds_each_of_them() -> None:
    registry = of_group(at={"type": "array", "item": {"type": "xid", "target": "/dirs"}})
    registry.put(D1, {"at": ["/dirs/a", "/dirs/b"]})
    assert registry.refusal(put(D1, {"at": ["/dirs/a", "/dirs/a/files/b"]})).status == 400


# --- "attributes.<STRING>.namecharset", "enum", "strict", "readonly", "required", "default"


def test_namecharset_extended_allows_more_names_in_that_object_only() -> None:
    inner = {"type": "object", "attributes": {"*": {"type": "any"}}}
    registry = of_group(
        wide={
            "type": "object",
            "namecharset": "extended",
            "attributes": {"*": {"type": "string"}, "inner": inner},
        }
    )
    registry.put(D1, {"wide": {"link-mode.x": "a"}})
    assert registry.get(D1)["wide"] == {"link-mode.x": "a"}
    assert registry.refusal(put(D1, {"wide": {"inner": {"a-b": "x"}}})).status == 400


@pytest.mark.parametrize("name", ["a b", "Ä", "a/b", ""])
def test_namecharset_extended_is_no_free_choice(name: str) -> None:
    registry = of_group(
        wide={"type": "object", "namecharset": "extended", "attributes": {"*": {"type": "string"}}}
    )
    answer = registry.refusal(put(D1, {"wide": {name: "x"}}))
    assert answer.kind in ("invalid_attribute", "unknown_attribute")


@pytest.mark.parametrize(
    ("aspects", "value", "taken"),
    [
        ({"enum": ["a", "b"]}, "a", True),
        ({"enum": ["a", "b"]}, "c", False),
        ({"enum": ["a", "b"], "strict": True}, "c", False),
        ({"enum": ["a", "b"], "strict": False}, "c", True),
        ({"enum": [], "strict": True}, "c", True),
        ({"strict": True}, "c", True),
    ],
)
def test_enum_is_binding_where_strict(aspects: dict[str, Any], value: str, taken: bool) -> None:
    registry = of_group(one={"type": "string", **aspects})
    if taken:
        assert registry.put(D1, {"one": value}).json["one"] == value
    else:
        assert registry.refusal(put(D1, {"one": value})).kind == "invalid_attribute"


@pytest.mark.parametrize("value", ["x", 5, [], None])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_readonly_attributes_are_ignored_even_if_they_are_invalid(
    method: str, value: object
) -> None:
    registry = of_group(one={"type": "string", "readonly": True})
    assert "one" not in registry.done(Request(method, D1, {"one": value})).json


def test_readonly_attributes_have_their_default() -> None:
    one = {"type": "string", "readonly": True, "required": True, "default": "x"}
    assert of_group(one=one).put(D1, {"one": "y"}).json["one"] == "x"


@pytest.mark.parametrize("body", [{}, {"one": None}])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_required_attributes_must_have_a_value_at_the_end(method: str, body: object) -> None:
    registry = of_group(one={"type": "string", "required": True})
    answer = registry.refusal(Request(method, D1, body))
    assert answer.kind in ("required_attribute_missing", "invalid_attribute")
    registry.put(D1, {"one": ""})
    registry.patch(D1, {})
    assert registry.refusal(patch(D1, {"one": None})).status == 400


def test_required_attributes_inside_an_object_are_for_when_it_is_there() -> None:
    inner = {"type": "object", "attributes": {"one": {"type": "string", "required": True}}}
    registry = of_group(box=inner)
    registry.put(D1)
    assert registry.refusal(put(D1, {"box": {}})).status == 400
    registry.put(D1, {"box": {"one": "x"}})


def with_default(value: object) -> dict[str, Any]:
    one = {"type": "integer", "required": True, "default": value}
    inner: dict[str, Any] = {"type": "object", "attributes": {"two": one}}
    return model_of(attributes={"one": one, "box": inner})


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said("is filled in and shown", put(D1), one=5, box=ABSENT),
        said("gives way to a value", put(D1, {"one": 6}), one=6),
        said("comes back for null", put(D1, {"one": 6}), patch(D1, {"one": None}), one=5),
        said("comes back when a PUT leaves it out", put(D1, {"one": 6}), put(D1, {}), one=5),
        said("is not put over by a PATCH", put(D1, {"one": 6}), patch(D1, {}), one=6),
        said("inside an object that is there", put(D1, {"box": {}}), box={"two": 5}),
    ],
)
def test_default(requests: Sequence[Request], expected: dict[str, Any]) -> None:
    check_said(Registry(with_default(5)), requests, expected)


@pytest.mark.parametrize(
    ("type", "value"), [("integer", 0), ("string", ""), ("boolean", False), ("decimal", 0)]
)
def test_default_may_be_what_is_easily_taken_for_none(type: str, value: object) -> None:
    one = {"type": type, "required": True, "default": value}
    assert of_group(one=one).put(D1).json["one"] == value


@pytest.mark.parametrize(
    ("type", "sent", "stored"),
    [("array", [{}, {"two": 6}], [{"two": 5}, {"two": 6}]), ("map", {"k": {}}, {"k": {"two": 5}})],
)
def test_default_inside_items(type: str, sent: object, stored: object) -> None:
    two = {"type": "integer", "required": True, "default": 5}
    many = {"type": type, "item": {"type": "object", "attributes": {"two": two}}}
    assert of_group(many=many).put(D1, {"many": sent}).json["many"] == stored


def test_default_that_changes_is_for_what_is_written_after() -> None:
    registry = Registry(with_default(5))
    registry.put(D1)
    registry.put("/modelsource", with_default(7))
    assert registry.get(D1)["one"] == 5
    assert registry.patch(D1).json["one"] == 5
    assert registry.patch(D1, {"one": None}).json["one"] == 7
    assert registry.put("/dirs/d2").json["one"] == 7


# --- "attributes.<STRING>.matchversions"


def test_matchversions_all_versions_have_the_same_value_or_none() -> None:
    one = {"type": "string", "matchversions": True}
    registry = Registry(model_of({"attributes": {"one": one}}))
    registry.put(F1, {"versions": {"v1": {"one": "x"}, "v2": {"one": "x"}}})
    for body in ({"one": "y"}, {}):
        answer = registry.refusal(put(f"{F1}/versions/v3", body))
        assert answer.kind == "mismatched_version_attribute"
    registry.patch(F1, {"versions": {"v1": {"one": "y"}, "v2": {"one": "y"}}})


# --- "attributes.<STRING>.ifvalues"

CHOICE: dict[str, Any] = {
    "type": "string",
    "ifvalues": {
        "Red": {
            "siblingattributes": {
                "shade": {"type": "string", "ifvalues": {"dark": {"siblingattributes": {"how": STRING}}}}
            }
        },
        "Blue": {"siblingattributes": {"depth": {"type": "integer", "required": True, "default": 3}}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choice": "red", "shade": "x"}, {"choice": "red", "shade": "x"}),
        ({"choice": "RED", "shade": "Dark", "how": "very"}, {"how": "very"}),
        ({"choice": "blue"}, {"depth": 3}),
        ({"choice": "blue", "depth": 4}, {"depth": 4}),
        ({"choice": "green"}, {"shade": ABSENT, "depth": ABSENT}),
    ],
)
def test_ifvalues_brings_siblings_whatever_the_case(body: object, expected: dict[str, Any]) -> None:
    holds(of_group(choice=CHOICE).put(D1, body).json, expected)


@pytest.mark.parametrize(
    "body",
    [
        {"shade": "x"},
        {"choice": "green", "shade": "x"},
        {"choice": "blue", "shade": "x"},
        {"choice": "red", "how": "x"},
        {"choice": "red", "shade": "light", "how": "x"},
    ],
)
def test_ifvalues_without_the_value_there_are_no_siblings(body: object) -> None:
    assert of_group(choice=CHOICE).refusal(put(D1, body)).kind == "unknown_attribute"


def test_ifvalues_counts_what_a_patch_leaves() -> None:
    registry = of_group(choice=CHOICE)
    registry.put(D1, {"choice": "red"})
    assert registry.patch(D1, {"shade": "x"}).json["shade"] == "x"
    assert registry.refusal(patch(D1, {"choice": "green"})).kind == "unknown_attribute"
    registry.patch(D1, {"choice": "green", "shade": None})


def test_ifvalues_of_other_scalars_go_by_their_text() -> None:
    yes = {"type": "boolean", "ifvalues": {"true": {"siblingattributes": {"why": STRING}}}}
    five = {"type": "integer", "ifvalues": {"5": {"siblingattributes": {"what": STRING}}}}
    registry = of_group(yes=yes, five=five)
    registry.put(D1, {"yes": True, "why": "x", "five": 5, "what": "y"})
    assert registry.refusal(put(D1, {"yes": False, "why": "x"})).kind == "unknown_attribute"


def test_ifvalues_of_a_default_and_the_defaults_of_its_siblings() -> None:
    shade = {"type": "string", "required": True, "default": "dark"}
    choice = {
        "type": "string",
        "required": True,
        "default": "red",
        "ifvalues": {"red": {"siblingattributes": {"shade": shade}}},
    }
    registry = of_group(choice=choice)
    holds(registry.put(D1).json, {"choice": "red", "shade": "dark"})
    holds(registry.put(D1, {"choice": "blue"}).json, {"choice": "blue", "shade": ABSENT})


def test_ifvalues_two_that_bring_the_same_name_at_once_are_an_error() -> None:
    sibling = {"siblingattributes": {"same": STRING}}
    attributes = {name: {"type": "string", "ifvalues": {"x": sibling}} for name in ("a", "b")}
    registry = of_group(**attributes)
    registry.put(D1, {"a": "x", "same": "1"})
    registry.put(D1, {"b": "x", "same": "1"})
    assert registry.refusal(put(D1, {"a": "x", "b": "x", "same": "1"})).kind == "invalid_attribute"


# --- "groups.<STRING>.constraints"


def constrained(**constraints: Any) -> Registry:
    files = {
        "singular": "file",
        "hasdocument": False,
        "attributes": {
            "kind": {"type": "string", "enum": ["a", "b", "c"], "strict": False},
            "box": {"type": "object", "attributes": {"lid": STRING}},
            "preset": {"type": "string", "required": True, "default": "own"},
        },
    }
    shelves = {"singular": "shelf", "attributes": {"of": STRING}, "constraints": constraints}
    return Registry(
        {
            "groups": {
                "dirs": {"singular": "dir", "resources": {"files": files}},
                "shelves": {**shelves, "ximportresources": ["/dirs/files"]},
            }
        }
    )


S1 = "/shelves/s1"
ON_SHELF = f"{S1}/files/f1"


def test_constraints_bind_all_versions_of_the_groups_resources_and_those_of_no_other() -> None:
    registry = constrained(**{"files.kind": {"enum": ["a", "b"]}})
    registry.put(ON_SHELF, {"kind": "a"})
    registry.put(F1, {"kind": "z"})
    for request in (put(ON_SHELF, {"kind": "c"}), put(f"{ON_SHELF}/versions/v2", {"kind": "z"})):
        assert registry.refusal(request).kind == "constraint_failure"


def test_constraints_inside_objects() -> None:
    registry = constrained(**{"files.box.lid": {"enum": ["round"]}})
    registry.put(ON_SHELF, {"box": {"lid": "round"}})
    registry.put(ON_SHELF, {})
    assert registry.refusal(put(ON_SHELF, {"box": {"lid": "flat"}})).kind == "constraint_failure"


def test_constraints_default_goes_before_the_attributes_own() -> None:
    registry = constrained(**{"files.preset": {"default": "shelf's"}})
    assert registry.put(ON_SHELF).json["preset"] == "shelf's"
    assert registry.put(F1).json["preset"] == "own"


def test_constraints_an_empty_enum_is_none() -> None:
    constrained(**{"files.kind": {"enum": []}}).put(ON_SHELF, {"kind": "z"})


def test_constraints_equals_binds_while_the_group_has_a_value() -> None:
    registry = constrained(**{"files.kind": {"equals": "of"}})
    registry.put(ON_SHELF, {"kind": "x"})
    assert registry.refusal(patch(S1, {"of": "y"})).kind == "constraint_failure"
    registry.patch(S1, {"of": "x"})
    assert registry.refusal(put(ON_SHELF, {"kind": "y"})).kind == "constraint_failure"
    registry.patch(S1, {"of": None})
    registry.put(ON_SHELF, {"kind": "y"})


def test_constraints_of_a_groups_own_attribute_bind_its_present_resources() -> None:
    registry = constrained()
    registry.put(ON_SHELF, {"kind": "z"})
    own = {"constraints": {"files.kind": {"enum": ["a"]}}}
    assert registry.refusal(patch(S1, own)).kind == "constraint_failure"


def test_constraints_of_an_xref_bind_the_target_but_give_it_no_default() -> None:
    registry = constrained(
        **{"files.kind": {"enum": ["a"]}, "files.preset": {"default": "shelf's"}}
    )
    registry.put(F1, {"kind": "a"})
    registry.put(f"{ON_SHELF}/meta", {"xref": F1})
    assert registry.get(ON_SHELF)["preset"] == "own"
    assert registry.refusal(put(F1, {"kind": "b"})).kind == "constraint_failure"
    registry.put("/dirs/d1/files/f2", {"kind": "b"})
    wrong = put(f"{S1}/files/f2/meta", {"xref": "/dirs/d1/files/f2"})
    assert registry.refusal(wrong).kind == "constraint_failure"


# --- "maxversions", "setversionid", "hasdocument"


@pytest.mark.parametrize(
    ("limit", "default", "left"),
    [
        (2, None, ["v3", "v4"]),
        (2, "v1", ["v1", "v4"]),
        (3, "v2", ["v2", "v3", "v4"]),
        (0, None, ["v1", "v2", "v3", "v4"]),
        (1, None, ["v4"]),
    ],
)
def test_maxversions_the_oldest_go_but_not_the_default(
    limit: int, default: str | None, left: list[str]
) -> None:
    registry = Registry(model_of({"maxversions": limit}))
    registry.put(f"{F1}/versions/v1")
    for id in ("v2", "v3", "v4"):
        registry.put(f"{F1}/versions/{id}")
        if id == default or (id == "v2" and default == "v1"):
            registry.patch(f"{F1}/meta", {"defaultversionid": default})
    assert list(registry.get(f"{F1}/versions")) == left


def test_maxversions_cannot_become_one_while_a_default_is_sticky() -> None:
    registry = Registry(model_of({"maxversions": 2}))
    registry.put(F1, {"meta": {"defaultversionsticky": True}})
    answer = registry.refusal(put("/modelsource", model_of({"maxversions": 1})))
    assert answer.kind == "setdefaultversionsticky_false"


def test_setversionid_false_the_server_chooses() -> None:
    registry = Registry(model_of({"setversionid": False}))
    registry.put(F1)
    assert registry.post(F1, {}).json["versionid"] == "2"
    for request in (
        put(f"{F1}/versions/mine"),
        post(F1, {"versionid": "mine"}),
        put("/dirs/d1/files/f2", {"versionid": "mine"}),
        put("/dirs/d1/files/f2", {"versions": {"mine": {}}}),
    ):
        assert registry.refusal(request).kind == "versionid_not_allowed"
    registry.put(f"{F1}/versions/2", {})


@pytest.mark.parametrize(
    ("body", "kind"), [(b"document", "hasdocument_violation"), (b"", None)], ids=["one", "empty"]
)
def test_hasdocument_cannot_become_false_while_there_are_documents(
    body: bytes, kind: str | None
) -> None:
    registry = Registry(model_of({"hasdocument": True}))
    registry.put(F1, body)
    change = put("/modelsource", model_of({"hasdocument": False}))
    if kind is None:
        registry.done(change)
    else:
        assert registry.refusal(change).kind == kind


def test_hasdocument_each_resource_has_a_document_even_if_it_is_empty() -> None:
    registry = Registry(model_of({"hasdocument": True}))
    registry.put(f"{F1}$details")
    answer = registry.done(get(F1))
    assert (answer.status, answer.body) == (200, b"")


# --- "versionmode"


def at(day: int, **more: Any) -> dict[str, Any]:
    return {"createdat": f"2020-01-{day:02}T00:00:00Z", **more}


def ancestors(registry: Registry) -> dict[str, str]:
    return {id: one["ancestorid"] for id, one in registry.get(f"{F1}/versions").items()}


def newest(registry: Registry) -> str:
    id: str = registry.get(f"{F1}/meta")["defaultversionid"]
    return id


def test_versionmode_manual_new_ones_follow_the_newest_in_the_order_of_their_ids() -> None:
    registry = Registry(model_of())
    registry.put(f"{F1}/versions/m")
    registry.post(f"{F1}/versions", {"B": {}, "c": {}, "a": {}})
    assert ancestors(registry) == {"m": "m", "a": "m", "B": "a", "c": "B"}


def test_versionmode_manual_the_newest_is_a_leaf_then_the_latest_then_the_highest_id() -> None:
    registry = Registry(model_of())
    versions = {
        "a": at(9, ancestorid="a"),
        "b": at(1, ancestorid="a"),
        "c": at(2, ancestorid="a"),
        "D": at(2, ancestorid="a"),
    }
    registry.put(F1, {"versions": versions})
    assert newest(registry) == "D"
    registry.delete(f"{F1}/versions/D")
    assert newest(registry) == "c"
    registry.delete(f"{F1}/versions/c")
    assert newest(registry) == "b"


def test_versionmode_manual_the_oldest_is_a_root_then_the_earliest_then_the_lowest_id() -> None:
    registry = Registry(model_of({"maxversions": 3}))
    versions = {
        "B": at(5, ancestorid="B"),
        "a": at(5, ancestorid="a"),
        "c": at(1, ancestorid="a"),
    }
    registry.put(F1, {"versions": versions})
    registry.put(f"{F1}/versions/d", at(9, ancestorid="B"))
    assert list(registry.get(f"{F1}/versions")) == ["B", "c", "d"]


def test_versionmode_manual_the_child_of_a_deleted_one_is_a_root() -> None:
    registry = Registry(model_of())
    registry.post(f"{F1}/versions", {"a": {}, "b": {}, "c": {}})
    registry.delete(f"{F1}/versions/b")
    assert ancestors(registry) == {"a": "a", "c": "c"}


@pytest.mark.parametrize("name", ["createdat", "modifiedat"])
def test_versionmode_by_time_orders_by_it_then_by_the_id(name: str) -> None:
    registry = Registry(model_of({"versionmode": name}))
    days = {"x": 3, "y": 1, "C": 2, "b": 2}
    versions = {id: {name: f"2020-01-0{day}T00:00:00Z"} for id, day in days.items()}
    registry.put(F1, {"versions": versions})
    assert ancestors(registry) == {"y": "y", "b": "y", "C": "b", "x": "C"}
    assert newest(registry) == "x"


@pytest.mark.parametrize("name", ["createdat", "modifiedat"])
def test_versionmode_by_time_links_anew_when_a_time_changes_or_one_goes(name: str) -> None:
    registry = Registry(model_of({"versionmode": name}))
    versions = {
        id: {name: f"2020-01-0{day}T00:00:00Z"} for id, day in zip("abc", (1, 2, 3), strict=True)
    }
    registry.put(F1, {"versions": versions})
    registry.patch(f"{F1}/versions/a", {name: "2020-01-09T00:00:00Z"})
    assert ancestors(registry) == {"b": "b", "c": "b", "a": "c"}
    assert newest(registry) == "a"
    registry.delete(f"{F1}/versions/c")
    assert ancestors(registry) == {"b": "b", "a": "b"}


def test_versionmode_by_time_the_oldest_goes_first() -> None:
    registry = Registry(model_of({"versionmode": "createdat", "maxversions": 2}))
    registry.put(F1, {"versions": {"a": at(3), "b": at(1), "c": at(2)}})
    assert list(registry.get(f"{F1}/versions")) == ["a", "c"]


def test_versionmode_modifiedat_an_update_makes_the_newest() -> None:
    registry = Registry(model_of({"versionmode": "modifiedat"}))
    registry.post(f"{F1}/versions", {"a": {}, "b": {}})
    assert newest(registry) == "b"
    registry.patch(f"{F1}/versions/a")
    assert newest(registry) == "a"


def test_versionmode_semver_precedence_orders() -> None:
    registry = Registry(model_of({"versionmode": "semver"}))
    ids = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
           "1.2.0", "1.10.0", "2.0.0"]  # fmt: skip
    registry.post(f"{F1}/versions", {id: {} for id in reversed(ids)})
    found = ancestors(registry)
    assert [found[id] for id in ids] == [ids[0], *ids[:-1]]
    assert newest(registry) == "2.0.0"
    registry.delete(f"{F1}/versions/1.2.0")
    assert ancestors(registry)["1.10.0"] == "1.0.0"


# --- "singleversionroot", "typemap"


@pytest.mark.parametrize(
    "request_",
    [
        put(F1, {"versions": {"a": {"ancestorid": "a"}, "b": {"ancestorid": "b"}}}),
        put("/dirs/d1/files/f0/versions/x", {"ancestorid": "x"}),
        delete("/dirs/d1/files/f0/versions/a"),
        post("/dirs/d1/files/f0", {"ancestorid": "request"}),
    ],
    ids=["two at once", "one more", "by a deleted ancestor", "request"],
)
def test_singleversionroot_there_is_one_root(request_: Request) -> None:
    registry = Registry(model_of({"singleversionroot": True}))
    versions = {"a": {}, "b": {"ancestorid": "a"}, "c": {"ancestorid": "a"}}
    registry.put("/dirs/d1/files/f0", {"versions": versions})
    assert registry.refusal(request_).kind == "multiple_roots"


@pytest.mark.parametrize(
    ("typemap", "contenttype", "document", "name"),
    [
        ({}, "application/json", b'{"a": 1}', "json"),
        ({}, "APPLICATION/JSON; charset=utf-8", b'{"a": 1}', "json"),
        ({}, "application/x+json", b"[]", "json"),
        ({}, "text/plain; charset=utf-8", b"hi", "string"),
        ({}, "application/xml", b"<a/>", "binary"),
        ({}, "application/json", b"{", "binary"),
        ({"application/xml": "string"}, "Application/XML; q=1", b"<a/>", "string"),
        ({"APPLICATION/XML": "string"}, "application/xml", b"<a/>", "string"),
        ({"text/*": "string"}, "text/x-y", b"hi", "string"),
        ({"*": "string"}, "image/png", b"hi", "string"),
        ({"application/json": "binary"}, "application/json", b"{}", "binary"),
        ({"a/*": "string", "*/b": "string"}, "a/b", b"hi", "string"),
        ({"a/*": "string", "*/b": "json"}, "a/b", b"{}", "binary"),
        ({"text/*": "json"}, "text/yes", b'{"a": 1}', "json"),
        ({"text/*": "json"}, "text/no", b"no", "binary"),
        ({"a/b": "string"}, "a/b", b"\xff", "binary"),
    ],
)
def test_typemap_how_a_document_is_shown(
    typemap: dict[str, str], contenttype: str, document: bytes, name: str
) -> None:
    registry = Registry(model_of({"hasdocument": True, "typemap": typemap}))
    registry.put(F1, document, Content_Type=contenttype)
    shown = registry.get(f"{F1}$details?inline=file")
    if name == "binary":
        assert "file" not in shown
        assert shown["filebase64"]
    else:
        assert isinstance(shown["file"], str) == (name == "string")


# --- "validateformat", "validatecompatibility", "strictvalidation": see also the specification's
# `formatvalidated` in test_xregistry_musts_spec_resources.py

CHECKED = {"hasdocument": True, "validateformat": True, "validatecompatibility": True}
NUMBERS = {"format": "numbers", "contenttype": "text/plain"}


@pytest.mark.parametrize("aspect", ["validateformat", "validatecompatibility"])
def test_validation_is_for_all_versions_once_it_is_switched_on(aspect: str) -> None:
    registry = Registry(model_of({"hasdocument": True}))
    documents = {"validateformat": ("1", "x"), "validatecompatibility": ("1 2", "1")}[aspect]
    versions = {f"v{n}": {**NUMBERS, "file": one} for n, one in enumerate(documents)}
    registry.put(f"{F1}$details", {"versions": versions, "meta": {"compatibility": "backward"}})
    answer = registry.refusal(put("/modelsource", model_of(CHECKED)))
    assert answer.kind in ("format_violation", "compatibility_violation", "model_compliance_error")


def test_validation_that_is_switched_off_takes_its_marks_away() -> None:
    registry = Registry(model_of(CHECKED))
    registry.put(f"{F1}$details", {**NUMBERS, "file": "1", "meta": {"compatibility": "full"}})
    holds(registry.get(f"{F1}$details"), {"formatvalidated": True, "compatibilityvalidated": True})
    registry.put("/modelsource", model_of({"hasdocument": True}))
    holds(
        registry.get(f"{F1}$details"), {"formatvalidated": ABSENT, "compatibilityvalidated": ABSENT}
    )
    registry.put(f"{F1}$details", {**NUMBERS, "file": "x"})
