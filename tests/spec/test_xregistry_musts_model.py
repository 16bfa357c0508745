"""core/model.md: which models are taken and which are refused, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.xregistry_musts import ABSENT, SCALARS, Registry, get, holds, model_of, put

Source = dict[str, Any]

STRING = {"type": "string"}
REQUIRED = {"type": "string", "required": True}
LONGEST = "a" * 57
NEXT = "a" * 58


def attribute(**aspects: Any) -> Source:
    """A model whose registry has one more attribute."""
    return {"attributes": {"extra": aspects}}


def group(plural: str = "dirs", **aspects: Any) -> Source:
    return {"groups": {plural: {"singular": "dir", **aspects}}}


def resource(plural: str = "files", **aspects: Any) -> Source:
    return group(resources={plural: {"singular": "file", **aspects}})


def constraint(key: str = "files.kind", /, **aspects: Any) -> Source:
    """`kind` has a strict enum, `hint` one that is not, `free` none; the groups have `of` and `level`."""
    attributes = {
        "kind": {"type": "string", "enum": ["a", "b", "c"]},
        "hint": {"type": "string", "enum": ["a", "b"], "strict": False},
        "free": STRING,
        "size": {"type": "integer"},
        "preset": {"type": "string", "required": True, "default": "a"},
        "tags": {"type": "array", "item": STRING},
        "marks": {"type": "map", "item": STRING},
        "box": {"type": "object", "attributes": {"lid": STRING}},
        "chooser": {
            "type": "string",
            "ifvalues": {"x": {"siblingattributes": {"chosen": STRING}}},
        },
        "*": {"type": "any"},
    }
    return group(
        attributes={
            "of": STRING,
            "level": {"type": "integer"},
            "list": {"type": "array", "item": STRING},
            "chooser": {
                "type": "string",
                "ifvalues": {"x": {"siblingattributes": {"chosen": STRING}}},
            },
        },
        constraints={key: aspects},
        resources={"files": {"singular": "file", "attributes": attributes}},
    )


WITHOUT_TYPE: Source = {"attributes": {"extra": {"description": "no type"}}}
CLASH = {"siblingattributes": {"b": STRING}}

REFUSED: list[tuple[str, Source]] = [
    ("labels: no map", {"labels": []}),
    ("labels: a value that is no string", {"labels": {"a": 1}}),
    ("labels: an empty key", {"labels": {"": "a"}}),
    ("attributes.<STRING>.type: required", WITHOUT_TYPE),
    ("attributes.<STRING>.type: unknown", attribute(type="text")),
    ("attributes.<STRING>.type: upper case", attribute(type="STRING")),
    ("attributes.<STRING>.name: another than the key", attribute(type="string", name="other")),
    ("attributes.<STRING>: a name with a dash", {"attributes": {"a-b": STRING}}),
    ("attributes.<STRING>: a name in upper case", {"attributes": {"A": STRING}}),
    ("attributes.<STRING>: a name that begins with a digit", {"attributes": {"1a": STRING}}),
    ("attributes.<STRING>: a name of 64 characters", {"attributes": {"a" * 64: STRING}}),
    ("attributes.<STRING>: an empty name", {"attributes": {"": STRING}}),
    (
        "attributes.<STRING>.name: `*` with ifvalues",
        {"attributes": {"*": {"type": "string", "ifvalues": {"a": {"siblingattributes": {}}}}}},
    ),
    (
        "attributes.<STRING>.name: a specification's attribute of another level",
        resource(attributes={"versionscount": STRING}),
    ),
    (
        "attributes.<STRING>.name: a collection's attribute",
        group(attributes={"filescount": STRING}, resources={"files": {"singular": "file"}}),
    ),
    (
        "attributes.<STRING>.name: a collection of the registry",
        {"attributes": {"dirs": STRING}, **group()},
    ),
    (
        "attributes.<STRING>.name: the document's attribute",
        resource(attributes={"filebase64": {"type": "integer"}}),
    ),
    ("attributes.<STRING>.name: meta", resource(attributes={"meta": STRING})),
    ("target: of a string", attribute(type="string", target="/dirs")),
    ("target: of a type that is not there", attribute(type="xid", target="/nothings")),
    ("target: a singular name", {**attribute(type="xid", target="/dir"), **group()}),
    ("target: no slash", {**attribute(type="xid", target="dirs"), **group()}),
    ("namecharset: of a string", attribute(type="string", namecharset="extended")),
    ("namecharset: unknown", attribute(type="object", namecharset="klingon")),
    (
        "namecharset: strict and a name with a dash",
        attribute(type="object", attributes={"a-b": STRING}),
    ),
    (
        "namecharset: strict and a sibling with a dash",
        attribute(
            type="object",
            attributes={
                "a": {"type": "string", "ifvalues": {"x": {"siblingattributes": {"b-c": STRING}}}}
            },
        ),
    ),
    ("enum: a value of another type", attribute(type="integer", enum=["one"])),
    ("enum: of an object", attribute(type="object", enum=[{}])),
    ("matchversions: of a group's attribute", group(attributes={"a": {**STRING, "matchversions": True}})),
    (
        "matchversions: of an array",
        resource(attributes={"a": {"type": "array", "item": STRING, "matchversions": True}}),
    ),
    (
        "matchversions: of a meta's attribute",
        resource(metaattributes={"a": {**STRING, "matchversions": True}}),
    ),
    ("readonly: of `*`", {"attributes": {"*": {**STRING, "readonly": True}}}),
    ("immutable: of an extension", attribute(type="string", immutable=True)),
    ("required: of `*`", {"attributes": {"*": REQUIRED}}),
    ("default: of another type", attribute(type="integer", required=True, default="x")),
    (
        "default: none of a strict enum",
        attribute(type="string", required=True, enum=["a"], default="b"),
    ),
    ("attributes: of a string", attribute(type="string", attributes={"a": STRING})),
    ("item: missing of a map", attribute(type="map")),
    ("item: missing of an array", attribute(type="array")),
    ("item: of a string", attribute(type="string", item=STRING)),
    ("item.type: missing", attribute(type="array", item={})),
    ("item.target: of a string", attribute(type="array", item={**STRING, "target": "/dirs"})),
    (
        "item.namecharset: of a string",
        attribute(type="array", item={**STRING, "namecharset": "extended"}),
    ),
    (
        "item.attributes: of a string",
        attribute(type="array", item={**STRING, "attributes": {"a": STRING}}),
    ),
    ("item.item: missing of an array of maps", attribute(type="array", item={"type": "map"})),
    (
        "ifvalues: keys that differ in case only",
        attribute(type="string", ifvalues={"a": {}, "A": {}}),
    ),
    (
        "ifvalues: a key that is none of a strict enum",
        attribute(type="string", enum=["a"], ifvalues={"b": {}}),
    ),
    (
        "ifvalues: of an object",
        attribute(type="object", ifvalues={"b": {"siblingattributes": {}}}),
    ),
    ("ifvalues: an empty key", attribute(type="string", ifvalues={"": {}})),
    ("ifvalues: a key that begins with ^", attribute(type="string", ifvalues={"^a": {}})),
    (
        "ifvalues: a sibling that is there already",
        {"attributes": {"b": STRING, "a": {"type": "string", "ifvalues": {"x": CLASH}}}},
    ),
    (
        "ifvalues: a sibling that is the specification's",
        {
            "attributes": {
                "a": {"type": "string", "ifvalues": {"x": {"siblingattributes": {"epoch": STRING}}}}
            }
        },
    ),
    ("groups: a plural that is the key of another", {"groups": {"dirs": {"plural": "d", "singular": "dir"}}}),
    ("groups.<STRING>.singular: required", {"groups": {"dirs": {}}}),
    ("groups.<STRING>.singular: empty", {"groups": {"dirs": {"singular": ""}}}),
    ("groups.<STRING>.plural: 58 characters", {"groups": {NEXT: {"singular": "dir"}}}),
    ("groups.<STRING>.plural: upper case", {"groups": {"Dirs": {"singular": "dir"}}}),
    ("groups.<STRING>.singular: 64 characters", {"groups": {"dirs": {"singular": "a" * 64}}}),
    (
        "groups.<STRING>.singular: of two types",
        {"groups": {"dirs": {"singular": "dir"}, "drs": {"singular": "dir"}}},
    ),
    (
        "groups.<STRING>.singular: another's plural",
        {"groups": {"dirs": {"singular": "dir"}, "drs": {"singular": "dirs"}}},
    ),
    ("resources.<STRING>.plural: 58 characters", resource(NEXT)),
    ("resources.<STRING>.plural: a dash", resource("my-files")),
    ("resources.<STRING>.singular: required", group(resources={"files": {}})),
    ("resources.<STRING>.singular: 58 characters", group(resources={"files": {"singular": NEXT}})),
    (
        "resources.<STRING>.singular: of two types",
        group(resources={"files": {"singular": "file"}, "fils": {"singular": "file"}}),
    ),
    ("maxversions: negative", resource(maxversions=-1)),
    ("maxversions: no integer", resource(maxversions="1")),
    ("setversionid: no boolean", resource(setversionid="no")),
    ("hasdocument: no boolean", resource(hasdocument=1)),
    ("versionmode: unknown", resource(versionmode="sideways")),
    ("validatecompatibility: without validateformat", resource(validatecompatibility=True)),
    ("typemap: an unknown value", resource(typemap={"text/x": "yaml"})),
    ("typemap: an empty key", resource(typemap={"": "json"})),
    ("typemap: an empty value", resource(typemap={"text/x": ""})),
    ("typemap: two wildcards", resource(typemap={"*/*": "json"})),
    (
        "resources.<STRING>.attributes: a name of resourceattributes",
        resource(attributes={"metaurl": STRING}),
    ),
    ("resourceattributes: one of a user", resource(resourceattributes={"mine": STRING})),
    ("unknown aspect: of the model", {"colour": "red"}),
    ("unknown aspect: of an attribute", attribute(type="string", colour="red")),
    ("unknown aspect: of a group type", group(colour="red")),
    ("unknown aspect: of a resource type", resource(colour="red")),
    ("specification's attributes: another type", {"attributes": {"name": {"type": "integer"}}}),
    (
        "specification's attributes: required no more",
        {"attributes": {"epoch": {"type": "uinteger", "readonly": True, "required": False}}},
    ),
    (
        "specification's attributes: read-only no more",
        {"attributes": {"epoch": {"type": "uinteger", "readonly": False, "required": True}}},
    ),
    ("constraints: no attribute", constraint("files.nothing", enum=["a"])),
    ("constraints: no type of resource", constraint("nothings.kind", enum=["a"])),
    ("constraints: a singular name", constraint("file.kind", enum=["a"])),
    ("constraints: an array", constraint("files.tags", enum=["a"])),
    ("constraints: an item of an array", constraint("files.tags[0]", enum=["a"])),
    ("constraints: a key of a map", constraint("files.marks.a", enum=["a"])),
    ("constraints: one of ifvalues", constraint("files.chosen", enum=["a"])),
    ("constraints: an enum that is no subset of a strict one", constraint(enum=["a", "d"])),
    ("constraints: an enum of another type", constraint("files.size", enum=["a"])),
    ("constraints: an enum without the attribute's default", constraint("files.preset", enum=["b"])),
    ("constraints: a default that is none of a strict enum", constraint(default="d")),
    ("constraints: a default that is none of its enum", constraint(enum=["a"], default="b")),
    ("constraints: a default of another type", constraint("files.size", default="a")),
    ("constraints: equals of another type", constraint("files.size", equals="of")),
    ("constraints: equals what is not there", constraint("files.free", equals="nothing")),
    ("constraints: equals in an array", constraint("files.free", equals="list[0]")),
    ("constraints: equals one of ifvalues", constraint("files.free", equals="chosen")),
    ("constraints: an unknown aspect", constraint("files.free", colour="red")),
    ("ximportresources: of its own group type", group(ximportresources=["/dirs/files"])),
    ("ximportresources: what is not there", group(ximportresources=["/nothings/files"])),
    ("ximportresources: a group type", {"groups": {**group()["groups"], "shelves": {"singular": "shelf", "ximportresources": ["/dirs"]}}}),
    (
        "ximportresources: in a circle",
        {
            "groups": {
                "a": {"singular": "aa", "ximportresources": ["/b/files"]},
                "b": {"singular": "bb", "ximportresources": ["/a/files"]},
            }
        },
    ),
    (
        "ximportresources: a name that is there",
        {
            "groups": {
                **resource()["groups"],
                "shelves": {
                    "singular": "shelf",
                    "ximportresources": ["/dirs/files"],
                    "resources": {"files": {"singular": "other"}},
                },
            }
        },
    ),
    (
        "ximportresources: a singular that is there",
        {
            "groups": {
                **resource()["groups"],
                "shelves": {
                    "singular": "shelf",
                    "ximportresources": ["/dirs/files"],
                    "resources": {"others": {"singular": "file"}},
                },
            }
        },
    ),
    ("$include: with $includes", {"attributes": {"$include": "#/a", "$includes": ["#/b"]}}),
    ("$include: in a circle", {"attributes": {"a": {"$include": "#/attributes/a"}}}),
    ("$include: leads nowhere", {"attributes": {"$include": "#/nothing"}}),
    ("$include: no object", {"description": "x", "attributes": {"$include": "#/description"}}),
]  # fmt: skip


@pytest.mark.parametrize("source", [one for _, one in REFUSED], ids=[id for id, _ in REFUSED])
def test_a_model_that_breaks_a_rule_is_refused(source: Source) -> None:
    answer = Registry({}).refusal(put("/modelsource", source))
    assert answer.kind in ("model_error", "parsing_data", "invalid_attribute")
    assert answer.json["subject"] in ("/model", "/modelsource")


REFUSED_AS = [
    ("default without required", attribute(type="string", default="a"), "model_required_true"),
    (
        "default of a map",
        attribute(type="map", item=STRING, required=True, default={}),
        "model_scalar_default",
    ),
    (
        "default of an array",
        attribute(type="array", item=STRING, required=True, default=[]),
        "model_scalar_default",
    ),
]


@pytest.mark.parametrize(
    ("source", "kind"), [one[1:] for one in REFUSED_AS], ids=[one[0] for one in REFUSED_AS]
)
def test_default_errors_have_their_own_kinds(source: Source, kind: str) -> None:
    assert Registry({}).refusal(put("/modelsource", source)).kind == kind


TAKEN: list[tuple[str, Source]] = [
    ("labels", {"labels": {"a": "", "b": "c"}}),
    ("attributes.<STRING>.name: as its key", attribute(type="string", name="extra")),
    *((f"attributes.<STRING>.type: {type}", attribute(type=type)) for type in (*SCALARS, "any")),
    ("target: a group type", {**attribute(type="xid", target="/dirs"), **group()}),
    ("target: a resource type", {**attribute(type="url", target="/dirs/files"), **resource()}),
    ("target: versions", {**attribute(type="uri", target="/dirs/files/versions"), **resource()}),
    ("target: either", {**attribute(type="xid", target="/dirs/files[/versions]"), **resource()}),
    (
        "namecharset: extended",
        attribute(type="object", namecharset="Extended", attributes={"a-b.c": STRING}),
    ),
    ("enum: empty", attribute(type="string", enum=[])),
    ("enum: not strict with a default beside it", attribute(type="string", enum=["a"], strict=False, required=True, default="b")),
    ("required and no default", attribute(**REQUIRED)),
    (
        "ifvalues: siblings in siblings",
        attribute(
            type="string",
            ifvalues={
                "a": {
                    "siblingattributes": {
                        "b": {
                            "type": "string",
                            "ifvalues": {"c": {"siblingattributes": {"d": STRING}}},
                        }
                    }
                }
            },
        ),
    ),
    ("groups.<STRING>.plural: 57 characters", {"groups": {LONGEST: {"singular": "dir"}}}),
    ("groups.<STRING>.singular: 57 characters", {"groups": {"dirs": {"singular": LONGEST}}}),
    ("resources.<STRING>.plural: 57 characters", resource(LONGEST)),
    ("resources.<STRING>.singular: 57 characters", group(resources={"files": {"singular": LONGEST}})),
    ("specification's attributes: narrowed", {"attributes": {"name": {"type": "string", "required": True, "enum": ["a"]}}}),
    ("constraints: a subset of a strict enum", constraint(enum=["a"])),
    ("constraints: beside an enum that is not strict", constraint("files.hint", enum=["z"])),
    ("constraints: an empty enum", constraint(enum=[])),
    ("constraints: inside an object", constraint("files.box.lid", enum=["a"])),
    ("constraints: empty equals", constraint("files.free", equals="")),
    ("constraints: equals of the same type", constraint("files.free", equals="of")),
]  # fmt: skip


@pytest.mark.parametrize("source", [one for _, one in TAKEN], ids=[id for id, _ in TAKEN])
def test_a_model_that_keeps_the_rules_is_taken(source: Source) -> None:
    body = dict(source)
    registry = Registry({})
    if "name" in body.get("attributes", {}):
        return_code = registry.answer(put("/", {"modelsource": body, "name": "a"})).status
    elif body.get("attributes", {}).get("extra", {}).get("required") and "default" not in str(body):
        return_code = registry.answer(put("/", {"modelsource": body, "extra": "a"})).status
    else:
        return_code = registry.answer(put("/modelsource", body)).status
    assert return_code == 200
    assert registry.get("/modelsource") == source


# --- defaults of aspects, as the full model shows them


@pytest.mark.parametrize(
    ("aspect", "value"),
    [
        ("maxversions", 0),
        ("setversionid", True),
        ("hasdocument", True),
        ("versionmode", "manual"),
        ("singleversionroot", False),
        ("validateformat", False),
        ("validatecompatibility", False),
        ("strictvalidation", False),
    ],
)
def test_the_default_of_an_aspect_of_resources(aspect: str, value: Any) -> None:
    shown = Registry(resource()).get("/model")["groups"]["dirs"]["resources"]["files"]
    assert shown.get(aspect, value) == value


@pytest.mark.parametrize(
    ("aspect", "value"),
    [("strict", True), ("matchversions", False), ("readonly", False), ("immutable", False), ("required", False)],
)  # fmt: skip
def test_the_default_of_an_aspect_of_attributes(aspect: str, value: Any) -> None:
    shown = Registry(attribute(type="string")).get("/model")["attributes"]["extra"]
    assert shown.get(aspect, value) == value


@pytest.mark.parametrize("mode", ["createdat", "CREATEDAT", "ModifiedAt", "semver"])
@pytest.mark.parametrize("sent", [{}, {"singleversionroot": False}, {"singleversionroot": True}])
def test_versionmode_is_case_insensitive_and_sets_singleversionroot(
    mode: str, sent: dict[str, Any]
) -> None:
    registry = Registry({})
    registry.put("/modelsource", resource(versionmode=mode, **sent))
    shown = registry.get("/model")["groups"]["dirs"]["resources"]["files"]
    assert (shown["versionmode"], shown["singleversionroot"]) == (mode.lower(), True)


# --- "Retrieving the Registry Model", "Creating or Updating the Registry Model"

LEVELS = {
    "registry": (
        ("attributes",),
        "specversion registryid self xid epoch name description documentation icon labels createdat"
        " modifiedat capabilities model modelsource dirsurl dirscount dirs",
    ),
    "group": (
        ("groups", "dirs", "attributes"),
        "dirid self xid epoch name description documentation icon labels createdat modifiedat"
        " deprecated constraints filesurl filescount files",
    ),
    "version": (
        ("groups", "dirs", "resources", "files", "attributes"),
        "fileid versionid self xid epoch name isdefault description documentation icon labels"
        " createdat modifiedat ancestorid contenttype format formatvalidated fileurl file"
        " filebase64",
    ),
    "resource": (
        ("groups", "dirs", "resources", "files", "resourceattributes"),
        "fileid self xid metaurl meta versionsurl versionscount versions",
    ),
    "meta": (
        ("groups", "dirs", "resources", "files", "metaattributes"),
        "fileid self xid xref epoch labels createdat modifiedat readonly compatibility deprecated"
        " defaultversionid defaultversionurl defaultversionsticky",
    ),
}


@pytest.mark.parametrize(("path", "names"), LEVELS.values(), ids=LEVELS)
def test_retrieving_the_full_model_has_the_specifications_attributes(
    path: tuple[str, ...], names: str
) -> None:
    shown = Registry(resource()).get("/model")
    for part in path:
        shown = shown[part]
    assert set(names.split()) <= set(shown)
    for name, one in shown.items():
        assert one["name"] == name
        assert one["type"]


def test_retrieving_the_modelsource_has_nothing_more_than_was_sent() -> None:
    source = constraint(enum=["a"])
    registry = Registry({})
    registry.put("/modelsource", source)
    assert registry.get("/modelsource") == source


def test_reuse_the_import_shows_in_the_model_but_not_its_directive() -> None:
    source = {
        "groups": {
            **resource(attributes={"kind": STRING})["groups"],
            "shelves": {"singular": "shelf", "ximportresources": ["/dirs/files"]},
            "racks": {"singular": "rack", "ximportresources": ["/shelves/files"]},
        }
    }
    registry = Registry(source)
    shown = registry.get("/model")["groups"]
    for name in ("shelves", "racks"):
        assert "kind" in shown[name]["resources"]["files"]["attributes"]
        assert "ximportresources" not in shown[name]
    assert registry.get("/modelsource") == source
    registry.put("/racks/r1/files/f1$details", {"kind": "k"})


INCLUDING: Source = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {
                "one": {"type": "string", "description": "own"},
                "$includes": ["#/groups/boxes/attributes", "#/groups/bags/attributes"],
            },
        },
        "boxes": {
            "singular": "box",
            "attributes": {"one": {"type": "integer"}, "two": {"type": "integer"}},
        },
        "bags": {
            "singular": "bag",
            "attributes": {"two": {"type": "boolean"}, "three": {"type": "boolean"}},
        },
    }
}


def test_includes_siblings_win_then_earlier_ones() -> None:
    registry = Registry({})
    registry.put("/modelsource", INCLUDING)
    shown = registry.get("/model")["groups"]["dirs"]["attributes"]
    holds(
        shown,
        {
            "one/type": "string",
            "two/type": "integer",
            "three/type": "boolean",
            "$includes": ABSENT,
        },
    )
    assert registry.get("/modelsource") == INCLUDING


def test_includes_a_changed_way_of_writing_the_same_model_keeps_all_entities() -> None:
    files = {"singular": "file", "attributes": {"kind": STRING}}
    twice = {
        "groups": {
            "dirs": {"singular": "dir", "resources": {"files": files}},
            "shelves": {"singular": "shelf", "resources": {"files": files}},
        }
    }
    included = {
        "groups": {
            "dirs": {"singular": "dir", "resources": {"files": files}},
            "shelves": {
                "singular": "shelf",
                "resources": {"$include": "#/groups/dirs/resources"},
            },
        }
    }
    imported = {
        "groups": {
            "dirs": {"singular": "dir", "resources": {"files": files}},
            "shelves": {"singular": "shelf", "ximportresources": ["/dirs/files"]},
        }
    }
    registry = Registry(twice)
    registry.put("/shelves/s1/files/f1", b"document", xRegistry_kind="k")
    for source in (included, imported, twice):
        registry.put("/modelsource", source)
        assert registry.get("/shelves/s1/files/f1$details")["kind"] == "k"
        assert registry.done(get("/shelves/s1/files/f1")).body == b"document"


def test_includes_stay_as_they_were_until_the_model_is_sent_again() -> None:
    registry = Registry({})
    registry.put("/modelsource", INCLUDING)
    before = registry.get("/model")
    registry.patch("/", {"name": "another write"})
    assert registry.get("/model") == before


def test_creating_a_model_without_anything_has_the_specifications_attributes() -> None:
    shown = Registry({}).get("/model")
    assert "epoch" in shown["attributes"]
    assert not shown.get("groups")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        pytest.param({}, "model_compliance_error", id="the type goes"),
        pytest.param(
            model_of({"attributes": {"kind": {"type": "integer"}}}),
            "invalid_attribute",
            id="another type",
        ),
        pytest.param(
            model_of({"attributes": {"kind": STRING, "more": REQUIRED}}),
            "required_attribute_missing",
            id="one more is required",
        ),
        pytest.param(
            model_of({"attributes": {"kind": {"type": "string", "enum": ["x"]}}}),
            "invalid_attribute",
            id="an enum",
        ),
        pytest.param(model_of(), "unknown_attribute", id="the attribute goes"),
        pytest.param(
            model_of({"attributes": {"kind": STRING}}, constraints={"files.kind": {"enum": ["x"]}}),
            "constraint_failure",
            id="a constraint",
        ),
        pytest.param(
            model_of({"attributes": {"kind": STRING}}, attributes={"who": REQUIRED}),
            "required_attribute_missing",
            id="a group needs more",
        ),
        pytest.param(
            {"attributes": {"who": REQUIRED}, **model_of({"attributes": {"kind": STRING}})},
            "required_attribute_missing",
            id="the registry needs more",
        ),
    ],
)
def test_updating_the_model_all_entities_must_comply(source: Source, kind: str) -> None:
    registry = Registry(model_of({"attributes": {"kind": STRING}}))
    registry.put("/dirs/d1/files/f1", {"kind": "k"})
    answer = registry.refusal(put("/modelsource", source))
    assert answer.kind == kind


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (group(), {"groups": {"dirs": {"singular": "folder"}}}),
        (resource(), group(resources={"files": {"singular": "paper"}})),
    ],
    ids=["groups.<STRING>.singular", "resources.<STRING>.singular"],
)
def test_updating_the_model_names_are_immutable(before: Source, after: Source) -> None:
    assert Registry(before).refusal(put("/modelsource", after)).kind == "model_error"
