"""xRegistry core/model.md, "Reuse of Resource Definitions", "Includes" and `constraints`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chappe.registry.errors import RegistryError
from chappe.registry.model_source import compile_model

STRING = {"type": "string"}


def refusal(source: Any) -> str:
    with pytest.raises(RegistryError) as caught:
        compile_model(source)
    assert (caught.value.kind, caught.value.subject) == ("model_error", "/model")
    return caught.value.args_shown["error_detail"]


# Reuse of Resource Definitions


def importing(*references: Any, **groups: Any) -> Mapping[str, Any]:
    return {
        "groups": {
            "mgs": {"singular": "mg", "resources": {"msgs": {"singular": "msg"}}},
            "eps": {"singular": "ep", "ximportresources": list(references)},
            **groups,
        }
    }


def test_reuse_an_imported_resource_belongs_to_the_importing_group_and_keeps_its_origin() -> None:
    model = compile_model(importing("/mgs/msgs"))
    type = model.groups["eps"].resources["msgs"]
    assert (type.group, type.origin) == ("eps", "/mgs/msgs")
    assert type.version is model.groups["mgs"].resources["msgs"].version


def test_reuse_the_full_model_shows_the_resource_and_not_the_directive() -> None:
    full = compile_model(importing("/mgs/msgs")).full
    eps = full["groups"]["eps"]
    assert "ximportresources" not in eps
    assert eps["resources"] == full["groups"]["mgs"]["resources"]
    assert {"msgs", "msgsurl", "msgscount"} <= eps["attributes"].keys()


def test_reuse_transitive_imports_end_at_the_definition() -> None:
    third = {"singular": "third", "ximportresources": ["/eps/msgs"]}
    model = compile_model(importing("/mgs/msgs", thirds=third))
    assert model.groups["thirds"].resources["msgs"].origin == "/mgs/msgs"


def test_reuse_local_and_imported_resources_stand_side_by_side() -> None:
    own = {
        "singular": "own",
        "ximportresources": ["/mgs/msgs"],
        "resources": {"files": {"singular": "file"}},
    }
    model = compile_model(importing(owns=own))
    assert set(model.groups["owns"].resources) == {"files", "msgs"}


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (importing("/mgs"), "/mgs"),
        (importing("mgs/msgs"), "mgs/msgs"),
        (importing("/mgs/msgs/"), "/mgs/msgs/"),
        (importing(5), "5"),
        (importing("/none/msgs"), "/none/msgs"),
        (importing("/mgs/none"), "/mgs/none"),
        (importing("/eps/msgs"), "own Group"),
        (importing("/mgs/msgs", "/mgs/msgs"), "already exists"),
        (
            importing("/xs/msgs", xs={"singular": "x1", "ximportresources": ["/eps/msgs"]}),
            "circular",
        ),
        (
            importing(
                "/mgs/msgs",
                "/xs/others",
                xs={"singular": "x1", "resources": {"others": {"singular": "msg"}}},
            ),
            "msg",
        ),
    ],
)
def test_reuse_a_wrong_import_is_refused(source: Any, named: str) -> None:
    assert named in refusal(source)


# Includes in the xRegistry Model Data


def test_include_brings_the_definitions_in_and_the_source_stays_as_it_was() -> None:
    source = {
        "attributes": {"a": STRING, "b": {"type": "integer"}},
        "groups": {"dirs": {"singular": "dir", "attributes": {"$include": "#/attributes"}}},
    }
    model = compile_model(source)
    assert {"a", "b"} <= model.groups["dirs"].attributes.by_name.keys()
    assert model.source == source
    assert "$include" not in str(model.full)


def test_include_siblings_win() -> None:
    source = {
        "attributes": {"a": STRING},
        "groups": {
            "dirs": {
                "singular": "dir",
                "attributes": {"$include": "#/attributes", "a": {"type": "integer"}},
            }
        },
    }
    assert compile_model(source).groups["dirs"].attributes.by_name["a"].type == "integer"


def test_includes_earlier_ones_win() -> None:
    def group(singular: str, type: str) -> Any:
        return {"singular": singular, "attributes": {"a": {"type": type}}}

    source = {
        "attributes": {"$includes": ["#/groups/as/attributes", "#/groups/bs/attributes"]},
        "groups": {"as": group("a1", "integer"), "bs": group("b1", "boolean")},
    }
    assert compile_model(source).attributes.by_name["a"].type == "integer"


def test_include_of_an_include() -> None:
    dirs = {"o": {"$include": "#/groups/dirs/attributes/p"}, "p": {"type": "any"}}
    source = {
        "attributes": {"b": {"$include": "#/groups/dirs/attributes/o"}},
        "groups": {"dirs": {"singular": "dir", "attributes": dirs}},
    }
    assert compile_model(source).attributes.by_name["b"].type == "any"


def test_include_reads_the_escapes_of_a_json_pointer() -> None:
    inner = {"attributes": {"a/b ~": {"type": "any"}}, "type": "object", "namecharset": "extended"}
    source = {"attributes": {"a": inner, "b": {"$include": "#/attributes/a/attributes/a~1b%20~0"}}}
    assert '"a.a/b ~"' in refusal(source)
    source["attributes"]["a"] = {"$include": "#/attributes/b"}
    assert "a/b ~" not in refusal(source)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ({"$include": "http://169.254.169.254/latest"}, "fetches nothing"),
        ({"$include": "model.json#/groups"}, "fetches nothing"),
        ({"$include": "/etc/passwd"}, "fetches nothing"),
        ({"$include": "#groups"}, "JSON pointer"),
        ({"$include": "#/none"}, "none"),
        ({"$include": "#/labels/a", "labels": {"a": "b"}}, "object"),
        ({"$include": 5}, "string"),
        ({"$includes": "#/groups"}, "array"),
        ({"$include": "#/groups", "$includes": []}, "side by side"),
        ({"attributes": {"$include": "#/attributes"}}, "circular"),
        ({"$include": "#"}, "circular"),
        (
            {
                "attributes": {
                    "a": {"$include": "#/attributes/b"},
                    "b": {"$include": "#/attributes/a"},
                }
            },
            "circular",
        ),
    ],
)
def test_include_a_wrong_reference_is_refused(source: Any, named: str) -> None:
    assert named in refusal(source)


def test_include_that_grows_without_end_is_refused() -> None:
    levels: dict[str, Any] = {"l40": {}}
    for n in range(40):
        below = {"$include": f"#/labels/l{n + 1}"}
        levels[f"l{n}"] = {"a": below, "b": below}
    assert "parts" in refusal({"labels": levels})


def test_a_model_that_is_nested_too_deeply_is_refused() -> None:
    attribute: dict[str, Any] = {"type": "any"}
    for _ in range(400):
        attribute = {"type": "object", "attributes": {"a": attribute}}
    assert "nested" in refusal({"attributes": {"a": attribute}})


# groups.<STRING>.constraints


def constrained(constraints: Any, attribute: Any | None = None, **others: Any) -> Mapping[str, Any]:
    version = {"a": attribute or STRING, **others}
    return {
        "groups": {
            "dirs": {
                "singular": "dir",
                "attributes": {"g": STRING, "n": {"type": "integer"}, "*": {"type": "any"}},
                "constraints": constraints,
                "resources": {"files": {"singular": "file", "attributes": version}},
            }
        }
    }


def test_constraints_are_compiled_and_shown() -> None:
    nested = {"type": "object", "attributes": {"p": STRING}}
    source = constrained(
        {
            "files.a": {"enum": ["x", "y"], "default": "x", "equals": "g"},
            "files.o.p": {"enum": ["z"]},
        },
        o=nested,
    )
    model = compile_model(source)
    one = model.groups["dirs"].constraints["files.a"]
    assert (one.resources, tuple(one.path), one.default) == ("files", ("a",), "x")
    assert (tuple(one.enum), tuple(one.equals)) == (("x", "y"), ("g",))
    assert tuple(model.groups["dirs"].constraints["files.o.p"].path) == ("o", "p")
    assert model.full["groups"]["dirs"]["constraints"]["files.o.p"] == {"enum": ["z"]}


STRICT = {"type": "string", "enum": ["x", "y"]}
LOOSE = {**STRICT, "strict": False}
DEFAULTED = {"type": "string", "required": True, "default": "x"}


@pytest.mark.parametrize(
    "source",
    [
        constrained({"files.a": {"equals": ""}}),
        constrained({"files.a": {"enum": []}}, DEFAULTED),
        constrained({"files.a": {"enum": ["z"]}}, LOOSE),
        constrained({"files.a": {"default": "z"}}, LOOSE),
        constrained({"files.a": {"default": "x"}}, STRICT),
        constrained({"files.a": {"enum": ["y"], "default": "y"}}, DEFAULTED),
        constrained({"files.name": {"equals": "name"}}),
        constrained({"files.['a']": {}}),
    ],
)
def test_constraints_that_narrow_are_taken(source: Any) -> None:
    assert compile_model(source).groups["dirs"].constraints


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (constrained({"files": {}}), "form"),
        (constrained({"files.": {}}), "form"),
        (constrained({".a": {}}), "form"),
        (constrained({"docs.a": {}}), "docs"),
        (constrained({"files.none": {}}), "none"),
        (constrained({"files.a": 5}), "object"),
        (constrained({"files.a": {"maximum": 5}}), "maximum"),
        (constrained({"files.labels": {}}), "scalar"),
        (constrained({"files.labels.x": {}}), "map"),
        (constrained({"files.l.x": {}}, l={"type": "array", "item": {"type": "any"}}), "array"),
        (constrained({"files.a.b": {}}), "object"),
        (
            constrained(
                {"files.b": {}},
                {"type": "string", "ifvalues": {"x": {"siblingattributes": {"b": STRING}}}},
            ),
            "b",
        ),
        (constrained({"files.zzz": {}}, **{"*": {"type": "string"}}), "zzz"),
        (constrained({"files.a": {"enum": [5]}}), "string"),
        (constrained({"files.a": {"default": 5}}), "string"),
        (constrained({"files.a": {"enum": ["z"]}}, STRICT), "z"),
        (constrained({"files.a": {"default": "z"}}, STRICT), "z"),
        (constrained({"files.a": {"enum": ["y"], "default": "x"}}, STRICT), "x"),
        (constrained({"files.a": {"enum": ["y"]}}, DEFAULTED), "default"),
        (constrained({"files.a": {"equals": "none"}}), "none"),
        (constrained({"files.a": {"equals": "n"}}), "integer"),
        (constrained({"files.a": {"equals": "labels"}}), "labels"),
    ],
)
def test_constraints_that_widen_or_lead_nowhere_are_refused(source: Any, named: str) -> None:
    assert named in refusal(source)
