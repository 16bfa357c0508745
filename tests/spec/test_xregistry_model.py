"""xRegistry core/model.md: its MUSTs on a model source. Each id begins with the section's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chappe.registry.errors import RegistryError
from chappe.registry.model import Model
from chappe.registry.model_source import check_immutable, compile_model

Source = dict[str, Any]


def attributes(**definitions: Any) -> Source:
    """A model with attributes of the registry."""
    return {"attributes": definitions}


def group(**aspects: Any) -> Source:
    """A model with the type of group "dirs"."""
    return {"groups": {"dirs": {"singular": "dir", **aspects}}}


def resource(**aspects: Any) -> Source:
    """A model with the type of resource "files" in "dirs"."""
    return group(resources={"files": {"singular": "file", **aspects}})


def version(**definitions: Any) -> Source:
    """A model with attributes of the versions of "files"."""
    return resource(attributes=definitions)


def refusal(source: Any, *, reserved: frozenset[str] = frozenset()) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        compile_model(source, reserved=reserved)
    return caught.value


def files(model: Model) -> Any:
    return model.groups["dirs"].resources["files"]


STRING = {"type": "string"}
OBJECT = {"type": "object"}

ACCEPTED: Mapping[str, Source] = {
    "registry_model-empty": {},
    "registry_model-schema_keyword": {"$schema": "https://example.com/model.schema.json"},
    "registry_model-null_aspects": {"description": None, "labels": None, "groups": None},
    "description": {"description": "the model"},
    "labels-empty_value": {"labels": {"stage": ""}},
    "name-same_as_key": attributes(size={"name": "size", "type": "integer"}),
    "name-star": attributes(**{"*": {"type": "any"}}),
    "target-group": {**group(), **attributes(a={"type": "xid", "target": "/dirs"})},
    "target-resource": {**resource(), **attributes(a={"type": "uri", "target": "/dirs/files"})},
    "target-both": {
        **resource(),
        **attributes(a={"type": "url", "target": "/dirs/files[/versions]"}),
    },
    "target-version": {
        **resource(),
        **attributes(a={"type": "xid", "target": "/dirs/files/versions"}),
    },
    "target-item": {
        **group(),
        **attributes(a={"type": "array", "item": {"type": "xid", "target": "/dirs"}}),
    },
    "namecharset-extended": attributes(
        o={"type": "object", "namecharset": "EXTENDED", "attributes": {"a-b.c": STRING}}
    ),
    "namecharset-extended_ifvalues": attributes(
        o={
            "type": "object",
            "namecharset": "extended",
            "attributes": {
                "kind": {
                    "type": "string",
                    "ifvalues": {"x": {"siblingattributes": {"x-y": STRING}}},
                }
            },
        }
    ),
    "enum-empty": attributes(a={"type": "integer", "enum": []}),
    "enum-array_items": attributes(
        a={"type": "array", "item": {"type": "string"}, "enum": ["x", "y"]}
    ),
    "matchversions-scalar": version(a={"type": "string", "matchversions": True}),
    "matchversions-in_object": version(
        a={"type": "object", "attributes": {"b": {"type": "string", "matchversions": True}}}
    ),
    "default-scalar": attributes(a={"type": "integer", "required": True, "default": 0}),
    "default-not_strict": attributes(
        a={"type": "string", "enum": ["x"], "strict": False, "required": True, "default": "y"}
    ),
    "attributes-object_without": attributes(a=OBJECT),
    "item-nested": attributes(
        a={"type": "map", "item": {"type": "array", "item": {"type": "integer"}}}
    ),
    "ifvalues-integer": attributes(
        a={"type": "integer", "ifvalues": {"-5": {"siblingattributes": {"b": STRING}}}}
    ),
    "ifvalues-one_name_in_two_values": attributes(
        a={
            "type": "string",
            "ifvalues": {
                "x": {"siblingattributes": {"b": STRING}},
                "y": {"siblingattributes": {"b": {"type": "integer"}}},
            },
        }
    ),
    "ifvalues-star": attributes(
        a={"type": "string", "ifvalues": {"x": {"siblingattributes": {"*": {"type": "any"}}}}}
    ),
    "group_singular-63": {"groups": {"dirs": {"singular": "d" * 63}}},
    "group_plural-57": {"groups": {"d" * 57: {"singular": "dir"}}},
    "ximportresources-empty": group(ximportresources=[]),
    "typemap": resource(typemap={"text/*": "STRING", "text/mine": "json"}),
    "singleversionroot-manual": resource(versionmode="MANUAL", singleversionroot=True),
    "validatecompatibility": resource(validateformat=True, validatecompatibility=True),
    "hasdocument-file_names_free": resource(hasdocument=False, attributes={"fileurl": STRING}),
    "overlay-narrower_enum": resource(
        metaattributes={"compatibility": {"type": "string", "enum": ["backward"]}}
    ),
    "overlay-required": version(name={"type": "string", "required": True}),
}

REFUSED: Mapping[str, tuple[Any, str]] = {
    "registry_model-no_object": ([], "object"),
    "registry_model-unknown_aspect": ({"foo": 1}, "foo"),
    "registry_model-unknown_group_aspect": (group(foo=1), "foo"),
    "registry_model-unknown_resource_aspect": (resource(foo=1), "foo"),
    "registry_model-unknown_attribute_aspect": (attributes(a={"type": "any", "foo": 1}), "foo"),
    "registry_model-unknown_item_aspect": (
        attributes(a={"type": "map", "item": {"type": "string", "required": True}}),
        "required",
    ),
    "labels-key": ({"labels": {"bad one": "1"}}, "bad one"),
    "labels-group_key": (group(labels={"bad one": "1"}), "groups.dirs.labels"),
    "attributes-null": (attributes(a=None), "a"),
    "attributes-no_object": (attributes(a="string"), "a"),
    "name-differs_from_key": (attributes(a={"name": "b", "type": "string"}), '"a"'),
    "name-upper_case": (attributes(Abc=STRING), "Abc"),
    "name-digit_first": (attributes(**{"1a": STRING}), "1a"),
    "name-64_characters": (attributes(**{"a" * 64: STRING}), "a" * 64),
    "name-dash": (attributes(**{"a-b": STRING}), "a-b"),
    "name-conflicts_with_collection": (
        {**group(), **attributes(dirscount={"type": "string", "required": True})},
        "dirscount",
    ),
    "name-version_extension_named_as_of_resource": (version(metaurl=STRING), "metaurl"),
    "name-version_extension_versions": (version(versions={"type": "any"}), "versions"),
    "type-missing": (attributes(a={}), "type"),
    "type-unknown": (attributes(a={"type": "float"}), "float"),
    "type-upper_case": (attributes(a={"type": "String"}), "String"),
    "target-wrong_type": ({**group(), **attributes(a={"type": "string", "target": "/dirs"})}, "a"),
    "target-unknown_group": (attributes(a={"type": "xid", "target": "/dirs"}), "dirs"),
    "target-unknown_resource": (
        {**group(), **attributes(a={"type": "xid", "target": "/dirs/files"})},
        "files",
    ),
    "target-malformed": ({**group(), **attributes(a={"type": "xid", "target": "dirs"})}, "form"),
    "target-ends_in_slash": (
        {**group(), **attributes(a={"type": "xid", "target": "/dirs/"})},
        "form",
    ),
    "target-group_versions": (
        {**group(), **attributes(a={"type": "xid", "target": "/dirs[/versions]"})},
        "form",
    ),
    "namecharset-not_object": (attributes(a={"type": "string", "namecharset": "strict"}), "object"),
    "namecharset-unknown": (attributes(a={"type": "object", "namecharset": "wide"}), "wide"),
    "namecharset-strict_by_default": (
        attributes(a={"type": "object", "attributes": {"a-b": STRING}}),
        "a-b",
    ),
    "namecharset-not_inherited": (
        attributes(
            a={
                "type": "object",
                "namecharset": "extended",
                "attributes": {"b": {"type": "object", "attributes": {"c-d": STRING}}},
            }
        ),
        "c-d",
    ),
    "enum-of_object": (attributes(a={"type": "object", "enum": [1]}), "scalar"),
    "enum-of_array_of_objects": (
        attributes(a={"type": "array", "item": OBJECT, "enum": [1]}),
        "scalar",
    ),
    "enum-wrong_type": (attributes(a={"type": "integer", "enum": [1, "2"]}), "integer"),
    "enum-boolean_is_no_integer": (attributes(a={"type": "integer", "enum": [True]}), "integer"),
    "matchversions-registry": (attributes(a={"type": "string", "matchversions": True}), "Versions"),
    "matchversions-group": (
        group(attributes={"a": {"type": "string", "matchversions": True}}),
        "Versions",
    ),
    "matchversions-meta": (
        resource(metaattributes={"a": {"type": "string", "matchversions": True}}),
        "Versions",
    ),
    "matchversions-map": (
        version(a={"type": "map", "item": {"type": "string"}, "matchversions": True}),
        "scalar",
    ),
    "matchversions-ifvalues": (
        version(
            a={
                "type": "string",
                "ifvalues": {
                    "x": {"siblingattributes": {"b": {"type": "string", "matchversions": True}}}
                },
            }
        ),
        "ifvalues",
    ),
    "matchversions-star": (version(**{"*": {"type": "string", "matchversions": True}}), "*"),
    "matchversions-in_array": (
        version(
            a={
                "type": "array",
                "item": {
                    "type": "object",
                    "attributes": {"b": {"type": "string", "matchversions": True}},
                },
            }
        ),
        "array",
    ),
    "matchversions-in_map": (
        version(
            a={
                "type": "map",
                "item": {
                    "type": "object",
                    "attributes": {"b": {"type": "string", "matchversions": True}},
                },
            }
        ),
        "map",
    ),
    "readonly-star": (attributes(**{"*": {"type": "any", "readonly": True}}), "readonly"),
    "required-star": (attributes(**{"*": {"type": "any", "required": True}}), "required"),
    "immutable-extension": (attributes(a={"type": "string", "immutable": True}), "immutable"),
    "default-wrong_type": (
        attributes(a={"type": "string", "required": True, "default": 5}),
        "string",
    ),
    "default-not_in_enum": (
        attributes(a={"type": "string", "enum": ["x"], "required": True, "default": "y"}),
        "enum",
    ),
    "attributes-of_string": (attributes(a={"type": "string", "attributes": {}}), "attributes"),
    "item-missing": (attributes(a={"type": "map"}), "item"),
    "item-of_string": (attributes(a={"type": "string", "item": STRING}), "item"),
    "item-type_missing": (attributes(a={"type": "map", "item": {}}), "type"),
    "item-target_of_string": (
        {**group(), **attributes(a={"type": "map", "item": {**STRING, "target": "/dirs"}})},
        "target",
    ),
    "item-namecharset_of_string": (
        attributes(a={"type": "map", "item": {**STRING, "namecharset": "extended"}}),
        "namecharset",
    ),
    "item-attributes_of_string": (
        attributes(a={"type": "map", "item": {**STRING, "attributes": {}}}),
        "attributes",
    ),
    "item-item_missing": (attributes(a={"type": "map", "item": {"type": "array"}}), "item"),
    "ifvalues-differ_by_case": (
        attributes(a={"type": "string", "ifvalues": {"x": {}, "X": {}}}),
        "case",
    ),
    "ifvalues-not_in_enum": (
        attributes(a={"type": "string", "enum": ["x"], "ifvalues": {"y": {}}}),
        "enum",
    ),
    "ifvalues-of_object": (attributes(a={"type": "object", "ifvalues": {"x": {}}}), "scalar"),
    "ifvalues-of_star": (attributes(**{"*": {**STRING, "ifvalues": {"x": {}}}}), "ifvalues"),
    "ifvalues-empty_key": (attributes(a={"type": "string", "ifvalues": {"": {}}}), "empty"),
    "ifvalues-caret": (attributes(a={"type": "string", "ifvalues": {"^x": {}}}), "^"),
    "ifvalues-unknown_aspect": (
        attributes(a={"type": "string", "ifvalues": {"x": {"siblings": {}}}}),
        "siblings",
    ),
    "ifvalues-name_of_this_level": (
        attributes(
            a={"type": "string", "ifvalues": {"x": {"siblingattributes": {"b": STRING}}}}, b=STRING
        ),
        "b",
    ),
    "ifvalues-name_of_the_spec": (
        attributes(
            a={"type": "string", "ifvalues": {"x": {"siblingattributes": {"epoch": STRING}}}}
        ),
        "epoch",
    ),
    "ifvalues-second_star": (
        attributes(
            **{"*": {"type": "any"}},
            a={"type": "string", "ifvalues": {"x": {"siblingattributes": {"*": STRING}}}},
        ),
        "*",
    ),
    "ifvalues-nested_name_again": (
        attributes(
            a={
                "type": "string",
                "ifvalues": {
                    "x": {
                        "siblingattributes": {
                            "b": {
                                "type": "string",
                                "ifvalues": {"y": {"siblingattributes": {"a": STRING}}},
                            }
                        }
                    }
                },
            }
        ),
        "a",
    ),
    "groups-null": ({"groups": {"dirs": None}}, "dirs"),
    "group_plural-differs_from_key": (group(plural="folders"), "folders"),
    "group_plural-58": ({"groups": {"d" * 58: {"singular": "dir"}}}, "must match"),
    "group_plural-upper_case": ({"groups": {"Dirs": {"singular": "dir"}}}, "Dirs"),
    "group_plural-empty": ({"groups": {"": {"singular": "dir"}}}, "must match"),
    "group_singular-missing": ({"groups": {"dirs": {}}}, "singular"),
    "group_singular-64": ({"groups": {"dirs": {"singular": "d" * 64}}}, "must match"),
    "group_singular-same_as_plural": ({"groups": {"dirs": {"singular": "dirs"}}}, "plural"),
    "group_singular-twice": (
        {"groups": {"dirs": {"singular": "dir"}, "folders": {"singular": "dir"}}},
        "dir",
    ),
    "group_singular-other_plural": (
        {"groups": {"dirs": {"singular": "dir"}, "dir": {"singular": "d"}}},
        "dir",
    ),
    "group_plural-attribute_of_the_registry": ({"groups": {"labels": {"singular": "l"}}}, "labels"),
    "group_plural-collections_collide": (
        {"groups": {"a": {"singular": "one"}, "aurl": {"singular": "two"}}},
        "aurl",
    ),
    "group_plural-path_of_the_api": ({"groups": {"export": {"singular": "e"}}}, "export"),
    "group_singular-makes_xid": ({"groups": {"dirs": {"singular": "x"}}}, "xid"),
    "resources-null": (group(resources={"files": None}), "files"),
    "resource_plural-differs_from_key": (resource(plural="docs"), "docs"),
    "resource_plural-58": (group(resources={"f" * 58: {"singular": "f"}}), "must match"),
    "resource_singular-missing": (group(resources={"files": {}}), "singular"),
    "resource_singular-58": (group(resources={"files": {"singular": "f" * 58}}), "must match"),
    "resource_singular-same_as_plural": (
        group(resources={"files": {"singular": "files"}}),
        "plural",
    ),
    "resource_singular-twice": (
        group(resources={"files": {"singular": "f"}, "docs": {"singular": "f"}}),
        "f",
    ),
    "resource_plural-attribute_of_the_group": (
        group(resources={"constraints": {"singular": "constraint"}}),
        "constraints",
    ),
    "resource_singular-attribute_of_the_version": (
        group(resources={"formats": {"singular": "format"}}),
        "format",
    ),
    "maxversions-negative": (resource(maxversions=-1), "maxversions"),
    "versionmode-unknown": (resource(versionmode="newest"), "newest"),
    "validatecompatibility-without_validateformat": (
        resource(validatecompatibility=True),
        "validateformat",
    ),
    "typemap-unknown_value": (resource(typemap={"text/plain": "text"}), "text"),
    "typemap-two_wildcards": (resource(typemap={"*/*": "json"}), "*/*"),
    "typemap-empty_key": (resource(typemap={"": "json"}), "typemap"),
    "typemap-empty_value": (resource(typemap={"text/plain": ""}), "typemap"),
    "resourceattributes-extension": (resource(resourceattributes={"myext": STRING}), "myext"),
    "overlay-type": (attributes(name={"type": "integer"}), "string"),
    "overlay-not_required": (attributes(createdat={"type": "timestamp"}), "required"),
    "overlay-not_readonly": (attributes(epoch={"type": "uinteger", "required": True}), "readonly"),
    "overlay-not_readonly_optional": (attributes(shortself={"type": "url"}), "readonly"),
    "overlay-no_default": (
        resource(metaattributes={"defaultversionsticky": {"type": "boolean", "required": True}}),
        "default",
    ),
    "overlay-other_specversion": (
        attributes(
            specversion={"type": "string", "readonly": True, "required": True, "default": "2.0"}
        ),
        "specversion",
    ),
    "overlay-enum_dropped": (
        resource(metaattributes={"compatibility": {"type": "string"}}),
        "enum",
    ),
    "overlay-enum_wider": (
        resource(metaattributes={"compatibility": {"type": "string", "enum": ["foo"]}}),
        "foo",
    ),
    "overlay-enum_not_strict": (
        resource(
            metaattributes={
                "compatibility": {"type": "string", "enum": ["backward"], "strict": False}
            }
        ),
        "strict",
    ),
    "overlay-item_type": (
        attributes(labels={"type": "map", "item": {"type": "integer"}}),
        "string",
    ),
}


@pytest.mark.parametrize("source", ACCEPTED.values(), ids=ACCEPTED)
def test_a_model_that_keeps_the_rules_is_taken(source: Source) -> None:
    assert compile_model(source).source == source


@pytest.mark.parametrize(("source", "named"), REFUSED.values(), ids=REFUSED)
def test_a_model_that_breaks_a_rule_is_refused(source: Any, named: str) -> None:
    error = refusal(source)
    assert (error.kind, error.subject) == ("model_error", "/model")
    assert named in error.args_shown["error_detail"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (attributes(a={"type": "string", "default": "x"}), "a"),
        (
            attributes(
                o={"type": "object", "attributes": {"a": {"type": "string", "default": ""}}}
            ),
            "o.a",
        ),
        (version(a={"type": "boolean", "default": False}), "groups.dirs.resources.files.a"),
    ],
)
def test_default_needs_required_true(source: Source, name: str) -> None:
    error = refusal(source)
    assert (error.kind, error.subject) == ("model_required_true", "/model")
    assert error.args_shown == {"name": name}


@pytest.mark.parametrize("type", ["any", "object", "map", "array"])
def test_default_of_what_is_no_scalar_is_refused(type: str) -> None:
    item = {"item": STRING} if type in ("map", "array") else {}
    error = refusal(attributes(a={"type": type, "required": True, "default": "x", **item}))
    assert (error.kind, error.args_shown) == ("model_scalar_default", {"name": "a"})


@pytest.mark.parametrize(
    "source",
    [
        {"description": 5},
        {"labels": []},
        {"labels": {"a": 1}},
        {"attributes": []},
        {"groups": []},
        attributes(a={"type": 5}),
        attributes(a={"type": "string", "enum": {"1": "2"}}),
        attributes(a={"type": "string", "required": "yes"}),
        resource(maxversions="5"),
        resource(hasdocument="true"),
        group(ximportresources="/a/b"),
    ],
)
def test_an_aspect_of_the_wrong_json_type_is_data_that_cannot_be_read(source: Source) -> None:
    error = refusal(source)
    assert (error.kind, error.subject) == ("parsing_data", "/model")


def test_names_of_the_hubs_own_paths_are_refused_for_groups() -> None:
    error = refusal({"groups": {"events": {"singular": "event"}}}, reserved=frozenset({"events"}))
    assert error.kind == "model_error"
    assert '"events"' in error.args_shown["error_detail"]


@pytest.mark.parametrize("kind", ["Group", "Resource"])
def test_singular_is_immutable(kind: str) -> None:
    before = compile_model(resource())
    source = resource()
    dirs = source["groups"]["dirs"]
    (dirs if kind == "Group" else dirs["resources"]["files"])["singular"] = "foo"
    with pytest.raises(RegistryError, match=f"singular name of {kind}"):
        check_immutable(before, compile_model(source))


def test_singular_of_a_type_that_came_or_went_is_free() -> None:
    before, after = compile_model(group()), compile_model(resource())
    check_immutable(before, after)
    check_immutable(after, before)
    assert files(after).singular == "file"


# Defaults of aspects


def test_resources_aspects_have_their_defaults() -> None:
    type = files(compile_model(resource()))
    assert (type.maxversions, type.setversionid, type.hasdocument) == (0, True, True)
    assert (type.versionmode, type.singleversionroot) == ("manual", False)
    assert (type.validateformat, type.validatecompatibility) == (False, False)
    assert type.strictvalidation is False


def test_attributes_aspects_have_their_defaults() -> None:
    one = compile_model(attributes(a=STRING)).attributes.by_name["a"]
    assert (one.strict, one.namecharset) == (True, "strict")
    flags = (one.matchversions, one.readonly, one.immutable, one.required)
    assert flags == (False, False, False, False)
    assert (one.enum, one.default) == ((), None)


@pytest.mark.parametrize("mode", ["createdat", "ModifiedAt", "SEMVER"])
def test_versionmode_is_case_insensitive_and_sets_singleversionroot(mode: str) -> None:
    type = files(compile_model(resource(versionmode=mode)))
    assert (type.versionmode, type.singleversionroot) == (mode.lower(), True)


def test_typemap_has_implicit_entries_that_explicit_ones_override() -> None:
    type = files(
        compile_model(resource(typemap={"Application/JSON": "binary", "text/*": "string"}))
    )
    assert type.typemap == {
        "application/json": "binary",
        "*+json": "json",
        "text/plain": "string",
        "text/*": "string",
    }


# The full model


def test_full_model_shows_a_specs_attribute_as_the_source_narrows_it() -> None:
    model = compile_model(attributes(description={"type": "string", "enum": ["one", "two"]}))
    assert model.full["attributes"]["description"] == {
        "name": "description",
        "type": "string",
        "enum": ["one", "two"],
        "strict": True,
    }
    assert model.full["attributes"]["epoch"]["readonly"] is True


def test_full_model_keeps_the_specs_attributes_of_an_object_that_the_source_extends() -> None:
    deprecated = {"type": "object", "attributes": {"docs": {"type": "url"}}}
    full = compile_model(group(attributes={"deprecated": deprecated})).full
    shown = full["groups"]["dirs"]["attributes"]["deprecated"]["attributes"]
    assert set(shown) == {"alternative", "documentation", "effective", "removal", "docs", "*"}


def test_full_model_shows_ifvalues_as_they_were_written() -> None:
    siblings = {"siblingattributes": {"options": OBJECT}}
    full = compile_model(attributes(a={"type": "string", "ifvalues": {"HTTP/1.1": siblings}})).full
    assert list(full["attributes"]["a"]["ifvalues"]) == ["HTTP/1.1"]


def test_full_model_has_document_attributes_only_where_there_are_documents() -> None:
    with_document = compile_model(resource()).full
    without = compile_model(resource(hasdocument=False)).full

    def names(full: Mapping[str, Any]) -> set[str]:
        return set(full["groups"]["dirs"]["resources"]["files"]["attributes"])

    assert names(with_document) - names(without) == {
        "file",
        "filebase64",
        "fileproxyurl",
        "fileurl",
    }


def test_full_model_defines_the_same_model() -> None:
    source = {
        "labels": {"a": "b"},
        "attributes": {
            "a": {"type": "string", "ifvalues": {"X": {"siblingattributes": {"b": OBJECT}}}}
        },
        **resource(
            typemap={"text/*": "string"},
            attributes={
                "*": {"type": "any"},
                "n": {"type": "integer", "enum": [1], "strict": False},
            },
        ),
    }
    full = compile_model(source).full
    assert compile_model(full).full == full
