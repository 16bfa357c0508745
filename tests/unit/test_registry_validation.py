"""An entity against its definitions: what is stored, and what is refused."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.errors import RegistryError
from chappe.registry.model import AttributeSet, Model
from chappe.registry.model_source import compile_model
from chappe.registry.validation import conform, typed_headers

STRING = {"type": "string"}
DEFAULT = {"type": "string", "required": True, "default": "x"}


def stored(attributes: Mapping[str, Any], /, **definitions: Any) -> dict[str, Any]:
    """What a registry stores, whose attributes are defined so."""
    model = compile_model({"attributes": definitions})
    return conform(attributes, model.attributes, model=model, subject="/")


def refusal(attributes: Mapping[str, Any], /, **definitions: Any) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        stored(attributes, **definitions)
    assert caught.value.subject == "/"
    return caught.value


def files(**aspects: Any) -> tuple[Model, AttributeSet]:
    model = compile_model(
        {
            "groups": {
                "dirs": {"singular": "dir", "resources": {"files": {"singular": "file", **aspects}}}
            }
        }
    )
    return model, model.groups["dirs"].resources["files"].version


# What is ignored, kept and normalised


def test_what_is_computed_or_read_only_is_dropped_even_if_invalid() -> None:
    model, version = files()
    body = {
        "$schema": 5, "fileid": 5, "versionid": [], "self": 123, "shortself": 123, "xid": 234,
        "isdefault": "hi", "formatvalidated": 123, "compatibilityvalidatedreason": 7,
        "file": "text", "filebase64": 5, "name": "kept",
    }  # fmt: skip
    assert conform(body, version, model=model, subject="/v") == {"name": "kept"}


def test_read_only_attributes_keep_the_stored_value() -> None:
    model, version = files(attributes={"seen": {"type": "integer", "readonly": True}})
    kept = conform(
        {"seen": "now", "formatvalidated": "no"},
        version,
        model=model,
        subject="/v",
        present={"seen": 5, "formatvalidated": True, "name": "gone"},
    )
    assert kept == {"seen": 5, "formatvalidated": True}


def test_nested_read_only_attributes_keep_the_stored_value() -> None:
    inner = {"a": {"type": "integer", "readonly": True}, "b": STRING}
    model = compile_model({"attributes": {"o": {"type": "object", "attributes": inner}}})
    kept = conform(
        {"o": {"a": "no", "b": "new"}},
        model.attributes,
        model=model,
        subject="/",
        present={"o": {"a": 5, "b": "old"}},
    )
    assert kept == {"o": {"a": 5, "b": "new"}}


def test_a_read_only_attribute_gets_its_default() -> None:
    definition = {"type": "integer", "readonly": True, "required": True, "default": 3}
    assert stored({"a": 5}, a=definition) == {"a": 3}


def test_private_names_pass_untouched() -> None:
    assert stored({".secret": {"a": [None]}, ".none": None}) == {".secret": {"a": [None]}}


def test_an_epoch_is_the_writers_business() -> None:
    model, version = files()
    assert conform({"epoch": 7}, version, model=model, subject="/v") == {"epoch": 7}
    kept = conform({"epoch": "hi"}, version, model=model, subject="/v", present={"epoch": 5})
    assert kept == {"epoch": 5}


def test_timestamps_are_normalised_at_every_depth() -> None:
    definition = {"type": "map", "item": {"type": "array", "item": {"type": "timestamp"}}}
    kept = stored(
        {"createdat": "2030-01-01T01:00:00+01:00", "t": {"a": ["2030-01-01T00:00:00.0Z"]}},
        t=definition,
    )
    assert kept == {"createdat": "2030-01-01T00:00:00Z", "t": {"a": ["2030-01-01T00:00:00Z"]}}


def test_null_is_the_same_as_absent() -> None:
    kept = stored(
        {"name": None, "labels": {"a": None, "b": ""}, "x": None, "o": {"a": None}},
        o={"type": "object", "attributes": {"a": STRING}},
    )
    assert kept == {"labels": {"b": ""}, "o": {}}


def test_an_empty_string_is_a_value() -> None:
    assert stored({"description": ""}) == {"description": ""}


# Types


@pytest.mark.parametrize(
    ("value", "definition", "name", "detail"),
    [
        (5, STRING, "a", "must be a string"),
        ([], {"type": "map", "item": STRING}, "a", "must be a map"),
        ({}, {"type": "array", "item": STRING}, "a", "must be an array"),
        ("x", {"type": "object"}, "a", "must be an object"),
        ([1, "2"], {"type": "array", "item": {"type": "integer"}}, "a[1]", "must be an integer"),
        ([1, None], {"type": "array", "item": {"type": "integer"}}, "a[1]", "must not be null"),
        ({"k": 1}, {"type": "map", "item": STRING}, "a.k", "must be a string"),
        ({"k.x": 1}, {"type": "map", "item": STRING}, "a['k.x']", "must be a string"),
        (
            {"b": [{"c": True}]},
            {
                "type": "object",
                "attributes": {
                    "b": {
                        "type": "array",
                        "item": {"type": "object", "attributes": {"c": {"type": "integer"}}},
                    }
                },
            },
            "a.b[0].c",
            "must be an integer",
        ),
    ],
)
def test_a_wrong_value_is_named_in_dot_notation(
    value: Any, definition: Any, name: str, detail: str
) -> None:
    error = refusal({"a": value}, a=definition)
    assert error.kind == "invalid_attribute"
    assert error.args_shown["name"].endswith(name.removeprefix("a"))
    assert error.args_shown["error_detail"] == detail


@pytest.mark.parametrize("key", ["", "A", "a b", "-a", "ä", "a" * 64])
def test_a_wrong_key_of_a_map_is_refused(key: str) -> None:
    error = refusal({"labels": {key: "x"}})
    assert error.kind == "invalid_attribute"
    assert error.args_shown["name"].startswith("labels")


@pytest.mark.parametrize("key", ["1", "a.b:c-d_e", "a" * 63])
def test_a_right_key_of_a_map_is_taken(key: str) -> None:
    assert stored({"labels": {key: ""}}) == {"labels": {key: ""}}


@pytest.mark.parametrize("name", ["name", "documentation", "icon"])
def test_some_common_attributes_must_not_be_empty(name: str) -> None:
    assert refusal({name: ""}).args_shown["name"] == name


@pytest.mark.parametrize(("length", "fits"), [(4096 - 11, True), (4096 - 10, False)])
def test_name_and_value_of_a_scalar_have_4096_bytes(length: int, fits: bool) -> None:
    value = {"description": "x" * length}
    if fits:
        assert stored(value) == value
    else:
        assert refusal(value).args_shown["name"] == "description"


def test_the_limit_counts_bytes_and_digits() -> None:
    assert refusal({"description": "ä" * 2045}).kind == "invalid_attribute"
    assert refusal({"a": 10**4096}, a={"type": "integer"}).kind == "invalid_attribute"
    assert stored({"a": 10**100}, a={"type": "integer"}) == {"a": 10**100}


def test_a_deprecated_thing_is_not_removed_before_it_is_deprecated() -> None:
    model = compile_model({"groups": {"dirs": {"singular": "dir"}}})
    group = model.groups["dirs"].attributes
    times = {"effective": "2030-01-01T00:00:00.5Z", "removal": "2030-01-01T00:00:00Z"}
    with pytest.raises(RegistryError) as caught:
        conform({"deprecated": times}, group, model=model, subject="/dirs/d1")
    assert caught.value.args_shown["name"] == "deprecated.removal"
    times["effective"] = "2030-01-01T01:00:00+01:00"
    kept = conform({"deprecated": times}, group, model=model, subject="/dirs/d1")
    assert kept["deprecated"]["effective"] == kept["deprecated"]["removal"]


# enum


def test_a_strict_enum_is_checked_without_regard_to_case_and_the_value_stays_as_sent() -> None:
    assert stored({"a": "ONE"}, a={**STRING, "enum": ["one"]}) == {"a": "ONE"}
    error = refusal({"a": "two"}, a={**STRING, "enum": ["one", "three"]})
    assert (
        error.args_shown["error_detail"] == "value (two) must be one of the enum values: one, three"
    )


def test_an_enum_that_is_not_strict_is_a_suggestion() -> None:
    assert stored({"a": "two"}, a={**STRING, "enum": ["one"], "strict": False}) == {"a": "two"}


@pytest.mark.parametrize("type", ["array", "map"])
def test_an_enum_of_a_collection_binds_its_items(type: str) -> None:
    definition = {"type": type, "item": {"type": "integer"}, "enum": [1, 2]}
    good: Any = [2, 1] if type == "array" else {"s1": 2}
    bad: Any = [1, 66] if type == "array" else {"s1": 66}
    assert stored({"a": good}, a=definition) == {"a": good}
    assert refusal({"a": bad}, a=definition).args_shown == {
        "name": "a[1]" if type == "array" else "a.s1",
        "error_detail": "value (66) must be one of the enum values: 1, 2",
    }


def test_a_boolean_is_no_number_of_an_enum() -> None:
    assert refusal({"a": True}, a={"type": "boolean", "enum": [False]}).kind == "invalid_attribute"


# Defaults and required


def test_defaults_fill_what_is_absent_or_null() -> None:
    assert stored({"b": None}, a=DEFAULT, b=DEFAULT) == {"a": "x", "b": "x"}


def test_defaults_of_an_object_only_fill_an_object_that_is_there() -> None:
    definition = {"type": "object", "attributes": {"a": DEFAULT}}
    assert stored({}, o=definition) == {}
    assert stored({"o": {}}, o=definition) == {"o": {"a": "x"}}


def test_everything_required_that_is_missing_is_listed() -> None:
    required = {"type": "string", "required": True}
    error = refusal({"b": "x"}, c=required, a=required, b=required)
    assert (error.kind, error.args_shown) == ("required_attribute_missing", {"list": "a,c"})


def test_what_is_missing_inside_is_listed_with_its_path() -> None:
    definition = {
        "type": "array",
        "item": {"type": "object", "attributes": {"a": {"type": "string", "required": True}}},
    }
    assert refusal({"o": [{"a": "x"}, {}]}, o=definition).args_shown == {"list": "o[1].a"}


def test_what_the_writer_fills_in_is_not_missing() -> None:
    model, version = files()
    assert conform({}, version, model=model, subject="/v") == {}


def test_partial_fills_nothing_in_and_misses_nothing() -> None:
    model = compile_model({"attributes": {"a": DEFAULT, "b": {"type": "string", "required": True}}})
    assert conform({}, model.attributes, model=model, subject="/", partial=True) == {}


def test_the_spec_s_own_defaults_are_stored() -> None:
    model, _ = files()
    meta = model.groups["dirs"].resources["files"].meta
    assert conform({}, meta, model=model, subject="/m") == {
        "readonly": False,
        "defaultversionsticky": False,
    }


# Names


def test_a_name_that_is_not_defined_is_unknown() -> None:
    error = refusal({"b": 1, "a": 1, "c": 1})
    assert (error.kind, error.args_shown) == ("unknown_attribute", {"name": "a"})
    assert error.detail == "Full list: a,b,c."


def test_an_unknown_name_inside_has_its_path() -> None:
    error = refusal({"o": {"a": 1}}, o={"type": "object"})
    assert (error.kind, error.args_shown, error.detail) == (
        "unknown_attribute",
        {"name": "o.a"},
        "",
    )


def test_a_star_admits_other_names_of_its_type() -> None:
    star = {"*": {"type": "boolean"}}
    assert stored({"other": True}, **star) == {"other": True}
    assert refusal({"other": "x"}, **star).args_shown["error_detail"] == "must be a boolean"


@pytest.mark.parametrize("name", ["A", "1a", "a-b", "", "a" * 64])
def test_a_star_admits_names_of_attributes_alone(name: str) -> None:
    assert refusal({name: 1}, **{"*": {"type": "any"}}).kind == "invalid_attribute"


def test_extended_names_are_for_objects_that_allow_them() -> None:
    definition = {"type": "object", "namecharset": "extended", "attributes": {"*": {"type": "any"}}}
    assert stored({"o": {"a-b": 1, "1": 2}}, o=definition) == {"o": {"a-b": 1, "1": 2}}
    assert refusal({"o": {"A": 1}}, o=definition).kind == "invalid_attribute"


@pytest.mark.parametrize("name", ["meta", "metaurl", "versions", "versionsurl", "versionscount"])
def test_a_version_has_no_extension_named_as_an_attribute_of_its_resource(name: str) -> None:
    model, version = files(attributes={"*": {"type": "any"}})
    with pytest.raises(RegistryError) as caught:
        conform({name: 1}, version, model=model, subject="/v")
    assert (caught.value.kind, caught.value.args_shown["name"]) == ("invalid_attribute", name)


# ifvalues


def test_siblings_are_known_while_the_value_is_there() -> None:
    kind = {**STRING, "ifvalues": {"X": {"siblingattributes": {"b": {"type": "integer"}}}}}
    assert stored({"a": "x", "b": 5}, a=kind) == {"a": "x", "b": 5}
    assert refusal({"a": "y", "b": 5}, a=kind).kind == "unknown_attribute"
    assert refusal({"b": 5}, a=kind).kind == "unknown_attribute"
    assert refusal({"a": "X", "b": "5"}, a=kind).kind == "invalid_attribute"


@pytest.mark.parametrize(
    ("type", "key", "value"),
    [("integer", "-5", -5), ("boolean", "TRUE", True), ("decimal", "1.5", Decimal("1.5"))],
)
def test_a_value_is_matched_by_its_text(type: str, key: str, value: Any) -> None:
    kind = {"type": type, "ifvalues": {key: {"siblingattributes": {"b": STRING}}}}
    assert stored({"a": value, "b": "x"}, a=kind) == {"a": value, "b": "x"}


def test_defaults_bring_siblings_in_to_a_fixed_point() -> None:
    third = {"c": DEFAULT}
    second = {"b": {**DEFAULT, "ifvalues": {"x": {"siblingattributes": third}}}}
    first = {**DEFAULT, "ifvalues": {"x": {"siblingattributes": second}}}
    assert stored({}, a=first) == {"a": "x", "b": "x", "c": "x"}
    assert stored({"b": "y"}, a=first) == {"a": "x", "b": "y"}


def test_required_siblings_are_missed_only_with_the_value() -> None:
    siblings = {"siblingattributes": {"b": {"type": "string", "required": True}}}
    kind = {**STRING, "ifvalues": {"x": siblings}}
    assert stored({"a": "y"}, a=kind) == {"a": "y"}
    assert refusal({"a": "x"}, a=kind).args_shown == {"list": "b"}


def test_two_active_values_must_not_define_one_name() -> None:
    kind = {**STRING, "ifvalues": {"x": {"siblingattributes": {"c": STRING}}}}
    assert stored({"a": "x", "b": "y", "c": "z"}, a=kind, b=kind)["c"] == "z"
    assert refusal({"a": "x", "b": "x"}, a=kind, b=kind).kind == "invalid_attribute"


def test_siblings_inside_of_objects_and_items() -> None:
    kind = {**STRING, "ifvalues": {"x": {"siblingattributes": {"b": DEFAULT}}}}
    definition = {"type": "array", "item": {"type": "object", "attributes": {"a": kind}}}
    assert stored({"o": [{"a": "x"}, {"a": "y"}]}, o=definition) == {
        "o": [{"a": "x", "b": "x"}, {"a": "y"}]
    }


# References


REFERRING = {
    "groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": "file"}}}},
    "attributes": {
        "free": {"type": "xid"},
        "kind": {"type": "xidtype"},
        "file": {"type": "xid", "target": "/dirs/files[/versions]"},
        "place": {"type": "uri", "target": "/dirs"},
        "dir": {"type": "array", "item": {"type": "xid", "target": "/dirs"}},
    },
}


@pytest.mark.parametrize(
    ("attributes", "valid"),
    [
        ({"free": "/dirs/dangling"}, True),
        ({"free": "/"}, True),
        ({"free": "/nones/d1"}, False),
        ({"free": "dirs/d1"}, False),
        ({"kind": "/dirs/files"}, True),
        ({"kind": "/dirs/d1/files"}, False),
        ({"file": "/dirs/d1/files/f1"}, True),
        ({"file": "/dirs/d1/files/f1/versions/v1"}, True),
        ({"file": "/dirs/d1"}, False),
        ({"place": "/dirs/d1"}, True),
        ({"place": "https://example.com/dirs"}, True),
        ({"place": "dirs"}, True),
        ({"place": "/dirs/d1/files/f1"}, False),
        ({"place": "/other/path"}, False),
        ({"dir": ["/dirs/d1"]}, True),
        ({"dir": ["/dirs/d1/files/f1"]}, False),
    ],
)
def test_references_lead_to_types_of_the_model(attributes: Mapping[str, Any], valid: bool) -> None:
    model = compile_model(REFERRING)

    def conformed() -> dict[str, Any]:
        return conform(attributes, model.attributes, model=model, subject="/")

    if valid:
        assert conformed() == attributes
    else:
        with pytest.raises(RegistryError, match="not valid"):
            conformed()


# Headers


def test_headers_take_the_types_of_the_model() -> None:
    siblings = {"siblingattributes": {"ifext": {"type": "integer"}}}
    _, version = files(
        attributes={
            "myint": {"type": "integer", "ifvalues": {"-5": siblings}},
            "mydec": {"type": "decimal"},
            "mymap": {"type": "map", "item": {"type": "boolean"}},
            "myany": {"type": "any"},
            "*": {"type": "boolean"},
        }
    )
    sent = {
        "myint": "-5", "ifext": "666", "mydec": "5.4", "mymap": {"k": "false", "l": None},
        "myany": "5", "other": "true", "name": None, "epoch": "3",
    }  # fmt: skip
    assert typed_headers(sent, version) == {
        "myint": -5, "ifext": 666, "mydec": Decimal("5.4"), "mymap": {"k": False, "l": None},
        "myany": "5", "other": True, "name": None, "epoch": 3,
    }  # fmt: skip


def test_headers_of_siblings_whose_selector_is_stored() -> None:
    siblings = {"siblingattributes": {"ifext": {"type": "integer"}}}
    _, version = files(attributes={"kind": {**STRING, "ifvalues": {"X": siblings}}})
    sent = {"ifext": "5"}
    assert typed_headers(sent, version, present={"kind": "x"}) == {"ifext": 5}
    assert typed_headers(sent, version) == {"ifext": "5"}


def test_headers_that_are_no_value_of_their_type_are_left_for_the_validation() -> None:
    model, version = files(attributes={"n": {"type": "integer"}})
    for sent in ({"n": "x"}, {"labels": "x"}, {"name": {"key": "x"}}):
        typed = typed_headers(sent, version)
        assert typed == sent
        with pytest.raises(RegistryError) as caught:
            conform(typed, version, model=model, subject="/v")
        assert caught.value.kind == "invalid_attribute"


# Properties

RICH = compile_model(
    {
        "groups": {"dirs": {"singular": "dir"}},
        "attributes": {
            "t": {"type": "timestamp"},
            "i": {"type": "integer"},
            "d": {"type": "decimal"},
            "u": {"type": "uritemplate"},
            "a": {"type": "any"},
            "m": {"type": "map", "item": {"type": "timestamp"}},
            "l": {"type": "array", "item": {"type": "uinteger"}},
            "o": {"type": "object", "attributes": {"x": DEFAULT, "*": {"type": "any"}}},
            "k": {
                **DEFAULT,
                "ifvalues": {
                    "x": {"siblingattributes": {"s": DEFAULT}},
                    "y": {"siblingattributes": {"r": {"type": "any"}}},
                },
            },
        },
    }
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.sampled_from(["", "x", "Y", "2030-01-01T01:00:00+01:00", "/dirs/d1", "{a}"]),
    st.sampled_from([Decimal("1.0"), Decimal("1.5")]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("axk"), inner, max_size=3)
    ),
    max_leaves=8,
)
ENTITIES = st.dictionaries(
    st.sampled_from([*"tiduamloksr", "name", "labels", "self", "epoch", ".private", "zzz"]), TREES
)


@given(ENTITIES)
def test_conforming_is_idempotent_and_stores_no_null(attributes: dict[str, Any]) -> None:
    def conformed(value: Mapping[str, Any]) -> dict[str, Any]:
        return conform(value, RICH.attributes, model=RICH, subject="/")

    try:
        kept = conformed(attributes)
    except RegistryError:
        return
    assert conformed(kept) == kept
    assert None not in kept.values()
    assert "self" not in kept


def test_a_model_that_is_gone_leaves_nothing_behind() -> None:
    model, version = files(attributes={"o": {"type": "object", "attributes": {"a": STRING}}})
    conform({"o": {"a": "x"}}, version, model=model, subject="/v")
    gone = ref(version)
    del model, version
    gc.collect()
    assert gone() is None
