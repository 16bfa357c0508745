"""core/spec.md, "Design" to "`constraints` Attribute": its sentences about attributes, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    DIRS,
    MODEL,
    SCALARS,
    Registry,
    Request,
    check_refused,
    check_said,
    get,
    holds,
    patch,
    post,
    put,
    refused,
    said,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"

VALUES: dict[str, tuple[Any, Any]] = {
    "boolean": (True, False),
    "decimal": (1.5, -2),
    "integer": (-3, 12345678901234567890),
    "string": ("Grüße", ""),
    "timestamp": ("2030-01-01T00:00:00Z", "1999-12-31T23:59:59.5Z"),
    "uinteger": (0, 7),
    "uri": ("https://a.example/b?c#d", "../up"),
    "uriabsolute": ("urn:isbn:0451450523", "https://a.example/b"),
    "urirelative": ("/a/b", "c?d"),
    "uritemplate": ("/orders/{id}", "plain"),
    "url": ("https://a.example/b", "/c"),
    "urlabsolute": ("https://a.example/b", "http://[::1]:8080/"),
    "urlrelative": ("/a/b", "c"),
    "xid": ("/dirs/nobody", "/dirs/d9/files/f9/versions/v9"),
    "xidtype": ("/", "/dirs/files/versions"),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "boolean": ("true", 1, 0, [], {}),
    "decimal": ("1.5", True, [1.5]),
    "integer": (1.5, "1", True, {}),
    "string": (1, True, ["a"], {"a": "b"}),
    "timestamp": ("yesterday", "2030-01-01", "2030-13-01T00:00:00Z", 5, "2030-01-01 00:00:00"),
    "uinteger": (-1, 1.5, "1", False),
    "uri": ("a\nb", 5, True),
    "uriabsolute": ("/relative", "a b"),
    "urirelative": ("https://a.example/b", "a b"),
    "uritemplate": ("/orders/{id", 5),
    "url": ("a\nb", 5, ""),
    "urlabsolute": ("/relative", "c"),
    "urlrelative": ("https://a.example/b",),
    "xid": (
        "dirs/d1",
        "/nothings/n1",
        "/dirs",
        "/dirs/d1/nothings/n1",
        "/dirs/d1/files/f1/other",
        5,
    ),
    "xidtype": ("dirs", "/dir", "/nothings", "/dirs/file", "/dirs/files/v1", "", 5),
}


# --- "Data Types"


@pytest.mark.parametrize("type", SCALARS)
def test_data_types_a_value_of_its_type_is_kept(type: str) -> None:
    for value in VALUES[type]:
        registry = Registry()
        registry.put(D1, {f"a_{type}": value})
        assert registry.get(D1)[f"a_{type}"] == value


@pytest.mark.parametrize(
    ("type", "value"), [(type, value) for type in SCALARS for value in WRONG[type]]
)
def test_data_types_another_value_is_refused(type: str, value: Any) -> None:
    answer = Registry().refusal(put(D1, {f"a_{type}": value}))
    assert answer.kind in ("invalid_attribute", "malformed_xid")
    assert answer.json["subject"] == D1


@pytest.mark.parametrize(
    "value",
    [[], [1, 2], {"deep": {"er": [None, "x"]}}, "text", 5, True, {"Any Key!": 1}],
    ids=repr,
)
def test_data_types_any_is_each_of_them(value: Any) -> None:
    registry = Registry()
    registry.put(D1, {"a_any": value})
    assert registry.get(D1)["a_any"] == value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"numbers": [None, 2, 3]}, id="array: null"),
        pytest.param({"numbers": [1, "2"]}, id="array: an item of another type"),
        pytest.param({"numbers": 1}, id="array: no array"),
        pytest.param({"numbers": {"a": 1}}, id="array: an object"),
        pytest.param({"marks": {"a": 1}}, id="map: a value of another type"),
        pytest.param({"marks": []}, id="map: an array"),
        pytest.param({"marks": {"": "a"}}, id="map key: empty"),
        pytest.param({"marks": {"A": "a"}}, id="map key: upper case"),
        pytest.param({"marks": {"a b": "a"}}, id="map key: a blank"),
        pytest.param({"marks": {"a" * 64: "a"}}, id="map key: 64 characters"),
        pytest.param({"marks": {".a": "a"}}, id="map key: starts with a dot"),
        pytest.param({"marks": {"_a": "a"}}, id="map key: starts with an underscore"),
        pytest.param({"place": {"row": "1"}}, id="object: an attribute of another type"),
        pytest.param({"place": []}, id="object: an array"),
    ],
)
def test_data_types_complex_values_are_checked_inside(body: dict[str, Any]) -> None:
    assert Registry().refusal(put(D1, body)).kind == "invalid_attribute"


@pytest.mark.parametrize("key", ["a", "0", "a:b-c_d.e", "a" * 63])
def test_data_types_a_key_of_a_map_is_kept(key: str) -> None:
    assert Registry().put(D1, {"marks": {key: ""}}).json["marks"] == {key: ""}


def test_data_types_a_key_of_a_map_is_unique() -> None:
    answer = Registry().refusal(put(D1, b'{"marks": {"a": "1", "a": "2"}}'))
    assert answer.kind == "parsing_data"


def test_data_types_timestamps_are_normalised_to_utc() -> None:
    registry = Registry()
    body = {"a_timestamp": "2030-01-01T02:00:00+02:00", "createdat": "2029-12-31T23:00:00-01:00"}
    shown = registry.put(D1, body).json
    assert shown["a_timestamp"] == shown["createdat"] == "2030-01-01T00:00:00Z"


def test_data_types_an_xid_may_be_dangling_but_is_case_sensitive() -> None:
    registry = Registry()
    registry.put(D1, {"a_xid": "/dirs/D1"})
    assert registry.get(D1)["a_xid"] == "/dirs/D1"
    assert registry.refusal(put(D1, {"a_xid": "/DIRS/d1"})).status == 400


# --- "Notational Conventions", "Attributes", "Extensions"


OPEN = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {"*": {"type": "any"}},
            "resources": {"files": {"singular": "file", "attributes": {"*": {"type": "string"}}}},
        }
    }
}


def test_notational_conventions_extensions_that_the_server_does_not_know_are_stored() -> None:
    registry = Registry(OPEN)
    registry.put(D1, {"unknown": {"to": ["all"]}})
    assert registry.get(D1)["unknown"] == {"to": ["all"]}


@pytest.mark.parametrize("name", ["a" * 63, "a", "_a", "a1_", "a_0"])
def test_attributes_a_name_of_the_form_is_taken(name: str) -> None:
    assert Registry(OPEN).put(D1, {name: 1}).json[name] == 1


@pytest.mark.parametrize("name", ["a" * 64, "", "A", "aB", "0a", "a-b", "a.b", "a b", "ä"])
def test_attributes_a_name_of_another_form_is_refused(name: str) -> None:
    assert Registry(OPEN).refusal(put(D1, {name: 1})).kind in (
        "invalid_attribute",
        "unknown_attribute",
    )


def test_attributes_an_empty_string_is_a_value() -> None:
    registry = Registry()
    registry.put(D1, {"a_string": "", "description": ""})
    holds(registry.get(D1), {"a_string": "", "description": ""})
    registry.patch(D1, {"a_string": None})
    holds(registry.get(D1), {"a_string": ABSENT, "description": ""})


@pytest.mark.parametrize("name", ["a_string", "description", "a_uri"])
def test_attributes_name_and_value_have_no_more_than_4096_bytes(name: str) -> None:
    registry = Registry()
    longest = 4096 - len(name)
    registry.put(D1, {name: "x" * longest})
    assert registry.refusal(put(D1, {name: "x" * (longest + 1)})).kind == "invalid_attribute"


def test_attributes_bytes_are_counted_not_characters() -> None:
    assert Registry().refusal(put(D1, {"a_string": "ü" * 2048})).kind == "invalid_attribute"


def test_attributes_what_is_below_any_is_not_checked_as_an_attribute() -> None:
    registry = Registry(OPEN)
    registry.put(D1, {"some": {"Not an attribute's name!": {"": 1}}})
    assert registry.get(D1)["some"] == {"Not an attribute's name!": {"": 1}}


def test_attributes_what_has_no_value_is_not_shown() -> None:
    shown = Registry().put(D1, {"a_string": None, "description": None}).json
    holds(shown, {"a_string": ABSENT, "description": ABSENT})


READ_ONLY = {
    "self": 5,
    "xid": ["/x"],
    "shortself": {},
    "sealed": "no number",
    "filesurl": 1,
    "filescount": "many",
}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_attributes_read_only_ones_are_ignored_even_if_they_are_invalid(method: str) -> None:
    registry = Registry()
    registry.put(D1)
    shown = registry.done(Request(method, D1, READ_ONLY)).json
    holds(shown, {"self": f"{BASE}{D1}", "xid": D1, "sealed": ABSENT, "shortself": ABSENT})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", {"specversion": 7, "self": 1, "xid": 2, "model": "none", "dirscount": "x"}),
        (F1_META, {"isdefault": "x", "metaurl": 1, "versionsurl": 2, "versionscount": "x"}),
        (F1_META, {"formatvalidated": 5, "formatvalidatedreason": 6, "compatibilityvalidated": 1}),
        (f"{F1}/meta", {"self": 1, "xid": 2, "defaultversionurl": 3, "readonly": "x"}),
        (f"{F1}/versions/1$details", {"self": 1, "xid": 2, "isdefault": "perhaps"}),
    ],
)
def test_attributes_read_only_ones_of_the_specification_are_ignored(path: str, body: Any) -> None:
    registry = Registry()
    registry.put(F1)
    before = registry.get(path)
    after = registry.patch(path, body).json
    for name in body:
        assert after.get(name) == before.get(name)


def test_attributes_what_the_server_changes_of_read_only_ones_is_no_update() -> None:
    registry = Registry()
    registry.put(f"{F1}/versions/v1$details")
    registry.put(f"{F1}/versions/v2$details")
    shown = registry.get(f"{F1}/versions/v1$details")
    holds(shown, {"isdefault": False, "epoch": 1, "modifiedat": shown["createdat"]})


@pytest.mark.parametrize(
    ("requests", "kind", "subject"),
    [
        refused("of the registry", patch("/", {"other": 1}), kind="unknown_attribute"),
        refused("of a group", put(D1, {"other": 1}), kind="unknown_attribute", subject=D1),
        refused(
            "of an object", put(D1, {"place": {"other": 1}}), kind="unknown_attribute", subject=D1
        ),
        refused("of a resource", put(N1, {"other": 1}), kind="unknown_attribute"),
        refused("of a meta", put(F1_META, {"meta": {"other": 1}}), kind="unknown_attribute"),
        refused("of a version", put(f"{N1}/versions/1", {"other": 1}), kind="unknown_attribute"),
        refused("of another level", put(D1, {"owner": "o"}), kind="unknown_attribute"),
        refused("a document where there is none", put(N1, {"note": 1}), kind="unknown_attribute"),
        refused("a url where there is none", put(N1, {"noteurl": "x"}), kind="unknown_attribute"),
        refused(
            "base64 where there is none", put(N1, {"notebase64": ""}), kind="unknown_attribute"
        ),
    ],
)
def test_extensions_what_the_model_does_not_have_is_refused(
    requests: Sequence[Request], kind: str, subject: str | None
) -> None:
    check_refused(Registry(), requests, kind, subject)


def test_extensions_of_the_type_of_the_undefined_one_are_taken_others_not() -> None:
    registry = Registry(OPEN)
    registry.put(F1_META, {"more": "text"})
    assert registry.get(F1_META)["more"] == "text"
    assert registry.refusal(put(F1_META, {"more": 5})).kind == "invalid_attribute"


def test_extensions_may_have_the_names_of_a_document_where_there_is_none() -> None:
    names = {name: {"type": "string"} for name in ("note", "noteurl", "notebase64")}
    notes = {"singular": "note", "hasdocument": False, "attributes": names}
    registry = Registry({"groups": {"dirs": {"singular": "dir", "resources": {"notes": notes}}}})
    registry.put(N1, dict.fromkeys(names, "x"))
    holds(registry.get(N1), dict.fromkeys(names, "x"))


# --- "Design: JSON Serialization", "Design: Implicit Creation of Parent Entities", "Registry Model"


@pytest.mark.parametrize("body", [b"{", b"[1]", b"5", b'"x"', b'{"name": "x",}', b"\xff", b"{} {}"])
def test_design_json_serialization_what_cannot_be_parsed_is_an_error(body: bytes) -> None:
    assert Registry().refusal(put(D1, body)).kind == "parsing_data"


@pytest.mark.parametrize(
    "path", [f"{F1}/versions/v1$details", f"{F1}/meta", F1, N1, f"{N1}/versions/v1", D1]
)
def test_design_implicit_creation_parents_have_the_ids_of_the_path(path: str) -> None:
    registry = Registry()
    registry.put(path)
    assert registry.get(D1)["dirid"] == "d1"
    if path.startswith(F1):
        assert registry.get(F1_META)["fileid"] == "f1"


def test_design_implicit_creation_fails_where_a_parent_needs_an_attribute() -> None:
    model = {
        "groups": {"dirs": {**DIRS, "attributes": {"who": {"type": "string", "required": True}}}}
    }
    answer = Registry(model).refusal(put(F1, b"hello"))
    assert answer.kind == "required_attribute_missing"
    holds(answer.json, {"subject": D1, "args": {"list": "who"}})


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{D1}?inline=*x", "bad_inline"),
        (f"{D1}?filter=%5B", "bad_filter"),
        (f"{D1}?sort=dirid", "sort_noncollection"),
        (f"{D1}?specversion=9", "unsupported_specversion"),
    ],
)
def test_registry_model_a_response_that_fails_undoes_the_request(path: str, kind: str) -> None:
    assert Registry().refusal(put(path, {"a_string": "x"})).kind == kind


def test_registry_model_the_last_of_many_undoes_all() -> None:
    dirs = {"a": {}, "b": {"files": {"f": {}, "g": {"size": "large"}}}}
    registry = Registry()
    assert registry.refusal(post("/dirs", dirs)).kind == "invalid_attribute"
    assert registry.get("/dirs") == {}


# --- "`<SINGULAR>id` (`id`) Attribute"


GOOD_IDS = ("a", "A", "9", "_", "a-._~:@Z", "a" * 128, "0.1", "a:b@c")
BAD_IDS = ("-a", ".a", "~a", ":a", "@a", "a b", "a*", "ä", "a,b", "a+b", "a" * 129, "a$b", "a!")


@pytest.mark.parametrize("id", GOOD_IDS)
def test_id_attribute_an_id_of_the_form_is_taken(id: str) -> None:
    shown = Registry().post("/dirs", {id: {"notes": {id: {"versions": {id: {}}}}}}).json
    assert shown[id]["dirid"] == id


@pytest.mark.parametrize("id", BAD_IDS)
@pytest.mark.parametrize("level", ["dir", "note", "version"])
def test_id_attribute_an_id_of_another_form_is_malformed(id: str, level: str) -> None:
    bodies = {
        "dir": {id: {}},
        "note": {"d1": {"notes": {id: {}}}},
        "version": {"d1": {"notes": {"n1": {"versions": {id: {}}}}}},
    }
    assert Registry().refusal(post("/dirs", bodies[level])).kind == "malformed_id"


@pytest.mark.parametrize("path", ["/dirs/.d", "/dirs/d1/notes/a%20b", f"{N1}/versions/-"])
def test_id_attribute_an_id_in_the_path_is_checked_too(path: str) -> None:
    assert Registry().refusal(put(path)).kind == "malformed_id"


def test_id_attribute_is_not_empty() -> None:
    assert Registry().refusal(post("/dirs", {"": {}})).kind == "malformed_id"


@pytest.mark.parametrize(
    ("path", "name", "id"),
    [
        ("/", "registryid", "r"),
        (D1, "dirid", "d1"),
        (N1, "noteid", "n1"),
        (f"{N1}/meta", "noteid", "n1"),
        (f"{N1}/versions/v1", "versionid", "v1"),
        (f"{N1}/versions/v1", "noteid", "n1"),
    ],
)
def test_id_attribute_is_required_and_named_by_the_type(path: str, name: str, id: str) -> None:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    assert registry.get(path)[name] == id


@pytest.mark.parametrize(
    ("request_", "other"),
    [
        (put("/dirs/D1"), D1),
        (put("/dirs/D1/notes/n1"), D1),
        (put("/dirs/d1/notes/N1"), N1),
        (put("/dirs/d1/notes/N1/meta"), N1),
        (put(f"{N1}/versions/V1"), f"{N1}/versions/v1"),
        (post("/dirs", {"e": {}, "E": {}}), "/dirs/e"),
        (put(D1, {"notes": {"m": {}, "M": {}}}), f"{D1}/notes/m"),
        # An id in the body that is the other's does not matter: the path or the key names the entity.
        (put("/dirs/D1", {"dirid": "d1"}), D1),
        (post(f"{D1}/notes", {"N1": {"noteid": "n1"}}), N1),
        (post(f"{N1}/versions", {"V1": {"versionid": "v1"}}), f"{N1}/versions/v1"),
    ],
    ids=str,
)
def test_id_attribute_is_unique_without_regard_to_case(request_: Request, other: str) -> None:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    refusal = registry.refusal(request_)
    assert (refusal.kind, refusal.json["subject"]) == ("bad_request", other)
    assert f'"{other.rpartition("/")[2]}"' in refusal.json["title"]


@pytest.mark.parametrize("path", ["/dirs/D1", "/dirs/d1/notes/N1", f"{N1}/versions/V1", "/DIRS/d1"])
def test_id_attribute_of_another_case_is_not_found(path: str) -> None:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    assert registry.refusal(get(path)).status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", {"registryid": "other"}),
        (D1, {"dirid": "other"}),
        (D1, {"dirid": "D1"}),
        (N1, {"noteid": "other"}),
        (f"{N1}/meta", {"noteid": "other"}),
        (f"{N1}/versions/v1", {"noteid": "other"}),
        (f"{N1}/versions/v1", {"versionid": "other"}),
        (N1, {"versionid": "other"}),
        (N1, {"meta": {"noteid": "other"}}),
        (N1, {"versions": {"v1": {"versionid": "other"}}}),
        (D1, {"notes": {"n1": {"noteid": "other"}}}),
        ("/", {"dirs": {"d1": {"dirid": "other"}}}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_id_attribute_is_immutable_and_must_match(method: str, path: str, body: Any) -> None:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    assert registry.refusal(Request(method, path, body)).kind == "mismatched_id"


def test_id_attribute_may_be_sent_where_it_is_the_same() -> None:
    body = {"dirid": "d1", "notes": {"n1": {"noteid": "n1", "versions": {"v": {"versionid": "v"}}}}}
    assert Registry().put(D1, body).status == 201


# --- "`self` Attribute", "`xid` Attribute", "`shortself` Attribute"

TREE = {"dirs": {"d1": {"files": {"f1": {"versions": {"v1": {}}}}, "notes": {"n1": {}}}}}
ENTITIES = {
    "/": "/",
    D1: D1,
    F1: f"{F1}$details",
    f"{F1}/meta": f"{F1}/meta",
    f"{F1}/versions/v1": f"{F1}/versions/v1$details",
    N1: N1,
    f"{N1}/meta": f"{N1}/meta",
    f"{N1}/versions/1": f"{N1}/versions/1",
}
"""The path of `self` by xid."""


@pytest.mark.parametrize("xid", ENTITIES)
def test_self_attribute_is_absolute_ends_in_the_xid_and_leads_to_the_entity(xid: str) -> None:
    registry = Registry()
    registry.patch("/", TREE)
    shown = registry.get(ENTITIES[xid])
    assert shown["xid"] == xid
    assert shown["self"] == f"{BASE}{ENTITIES[xid]}" or (xid == "/" and shown["self"] == BASE)
    registry.patch(ENTITIES[xid], {"self": "https://other.example/", "xid": "/dirs/other"})
    after = registry.get(ENTITIES[xid])
    assert (after["self"], after["xid"]) == (shown["self"], shown["xid"])


def every(shown: Any, name: str) -> list[str]:
    """All values of an attribute in a document."""
    if not isinstance(shown, dict):
        return []
    below = [one for value in shown.values() for one in every(value, name)]
    return [*([shown[name]] if isinstance(shown.get(name), str) else []), *below]


@pytest.mark.parametrize("name", ["self", "xid", "shortself"])
def test_self_attribute_each_entity_has_its_own(name: str) -> None:
    registry = Registry(shortself=True)
    registry.patch("/", TREE)
    found = every(registry.get("/?inline=*"), name)
    assert len(found) == len(set(found)) == len(ENTITIES)


@pytest.mark.parametrize("path", [D1, f"{D1}/files", F1_META, f"{F1}/versions"])
def test_xid_attribute_is_of_the_registrys_root_whatever_was_asked(path: str) -> None:
    registry = Registry()
    registry.patch("/", TREE)
    assert set(every(registry.get(f"{path}?inline=*"), "xid")) <= set(ENTITIES)


def test_self_attribute_of_the_document_view_is_a_pointer_without_details() -> None:
    registry = Registry()
    registry.patch("/", TREE)
    shown = registry.get("/?doc&inline=*")
    assert shown["dirs"]["d1"]["files"]["f1"]["self"] == "#/dirs/d1/files/f1"
    assert all(one.startswith("#/") and "$" not in one for one in every(shown, "self"))


@pytest.mark.parametrize("path", [D1, F1_META, f"{F1}/meta", f"{F1}/versions/v1$details", N1])
def test_shortself_attribute_leads_to_the_entity(path: str) -> None:
    registry = Registry(shortself=True)
    registry.patch("/", TREE)
    shown = registry.get(path)
    short = shown["shortself"]
    assert short.startswith(BASE)
    assert "$" not in short
    suffix = "$details" if path.endswith("$details") else ""
    assert registry.get(f"{short.removeprefix(BASE)}{suffix}")["xid"] == shown["xid"]


def test_shortself_attribute_takes_details_and_flags() -> None:
    registry = Registry(shortself=True)
    registry.patch("/", TREE)
    short = registry.get(F1_META)["shortself"].removeprefix(BASE)
    assert "meta" in registry.get(f"{short}$details?inline=meta")


def test_shortself_attribute_is_the_same_after_it_was_switched_off_and_on() -> None:
    registry = Registry(shortself=True)
    registry.patch("/", TREE)
    before = every(registry.get("/?inline=*"), "shortself")
    registry.patch("/capabilities", {"shortself": False})
    assert every(registry.get("/?inline=*"), "shortself") == []
    registry.patch("/capabilities", {"shortself": True})
    assert every(registry.get("/?inline=*"), "shortself") == before


def test_shortself_attribute_does_not_change_while_the_entity_lives() -> None:
    registry = Registry(shortself=True)
    registry.patch("/", TREE)
    before = registry.get(F1_META)["shortself"]
    registry.patch(F1_META, {"shortself": "https://other.example", "name": "x"})
    assert registry.get(F1_META)["shortself"] == before


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("level", ["registry", "group", "version", "meta"])
def test_shortself_attribute_is_a_reserved_name(level: str, enabled: bool) -> None:
    extra = {"shortself": {"type": "integer"}}
    models = {
        "registry": {"attributes": extra},
        "group": {"groups": {"dirs": {"singular": "dir", "attributes": extra}}},
        "version": {
            "groups": {
                "dirs": {
                    "singular": "dir",
                    "resources": {"files": {"singular": "file", "attributes": extra}},
                }
            }
        },
        "meta": {
            "groups": {
                "dirs": {
                    "singular": "dir",
                    "resources": {"files": {"singular": "file", "metaattributes": extra}},
                }
            }
        },
    }
    registry = Registry(shortself=enabled)
    assert registry.refusal(put("/modelsource", models[level])).kind == "model_error"


# --- "`epoch` Attribute", "`createdat` Attribute", "`modifiedat` Attribute"

WRITABLE = {
    "registry": "/",
    "group": D1,
    "resource": N1,
    "meta": f"{N1}/meta",
    "version": f"{N1}/versions/v1",
}


def small() -> Registry:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    return registry


@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_epoch_attribute_increases_with_each_update_even_an_empty_one(
    method: str, path: str
) -> None:
    registry = small()
    before = registry.get(path)
    after = registry.done(Request(method, path, {})).json
    assert after["epoch"] > before["epoch"]
    assert after["modifiedat"] == registry.now > before["modifiedat"]
    assert after["createdat"] == before["createdat"]


@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_epoch_attribute_another_than_the_present_one_is_refused(method: str, path: str) -> None:
    registry = small()
    present = registry.get(path)["epoch"]
    for wrong in (present + 1, present - 1):
        answer = registry.refusal(Request(method, path, {"epoch": wrong}))
        assert answer.kind == "mismatched_epoch"
    assert registry.done(Request(method, path, {"epoch": present})).json["epoch"] > present


@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
def test_epoch_attribute_null_asks_for_no_check(path: str) -> None:
    registry = small()
    present = registry.get(path)["epoch"]
    assert registry.patch(path, {"epoch": None}).json["epoch"] > present


@pytest.mark.parametrize("path", ["/dirs/d9", "/dirs/d9/notes/n9", f"{N1}/versions/v9"])
def test_epoch_attribute_is_ignored_on_create(path: str) -> None:
    registry = small()
    shown = registry.put(path, {"epoch": 77}).json
    assert shown["epoch"] != 77
    assert shown["epoch"] >= 0


@pytest.mark.parametrize("epoch", [-1, "1", 1.5, True])
def test_epoch_attribute_is_an_unsigned_integer(epoch: object) -> None:
    registry = small()
    answer = registry.refusal(patch(D1, {"epoch": epoch}))
    assert answer.kind in ("invalid_attribute", "mismatched_epoch")


CONTAINERS = [
    pytest.param("/", put("/dirs/d9"), id="a group comes"),
    pytest.param("/", Request("DELETE", D1), id="a group goes"),
    pytest.param(D1, put(f"{D1}/notes/n9"), id="a resource comes"),
    pytest.param(D1, Request("DELETE", N1), id="a resource goes"),
    pytest.param(f"{N1}/meta", put(f"{N1}/versions/v9"), id="a version comes"),
    pytest.param(f"{N1}/meta", Request("DELETE", f"{N1}/versions/v1"), id="a version goes"),
]


@pytest.mark.parametrize(("container", "request_"), CONTAINERS)
def test_epoch_attribute_of_a_container_moves_with_what_comes_and_goes(
    container: str, request_: Request
) -> None:
    registry = small()
    registry.put(f"{N1}/versions/v2")
    before = registry.get(container)
    registry.done(request_)
    after = registry.get(container)
    assert after["epoch"] > before["epoch"]
    assert after["modifiedat"] == registry.now


@pytest.mark.parametrize(
    ("container", "child"), [("/", D1), (D1, N1), (f"{N1}/meta", f"{N1}/versions/v1"), ("/", N1)]
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_epoch_attribute_of_a_container_stays_when_what_it_holds_changes(
    method: str, container: str, child: str
) -> None:
    registry = small()
    before = registry.get(container)
    registry.done(Request(method, child, {"description": "another"}))
    after = registry.get(container)
    assert (after["epoch"], after["modifiedat"]) == (before["epoch"], before["modifiedat"])


@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_createdat_attribute_overrides_null_is_now_and_absent_stays(method: str, path: str) -> None:
    registry = small()
    given = "1999-01-01T00:00:00Z"
    assert registry.done(Request(method, path, {"createdat": given})).json["createdat"] == given
    assert registry.done(Request(method, path, {})).json["createdat"] == given
    shown = registry.done(Request(method, path, {"createdat": None})).json
    assert shown["createdat"] == registry.now


@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_modifiedat_attribute_another_value_is_kept_the_same_or_null_is_now(
    method: str, path: str
) -> None:
    registry = small()
    given = "1999-01-01T00:00:00Z"
    assert registry.done(Request(method, path, {"modifiedat": given})).json["modifiedat"] == given
    shown = registry.done(Request(method, path, {"modifiedat": "1999-01-01T01:00:00+01:00"})).json
    assert shown["modifiedat"] == registry.now
    registry.done(Request(method, path, {"modifiedat": given}))
    shown = registry.done(Request(method, path, {"modifiedat": None})).json
    assert shown["modifiedat"] == registry.now
    registry.done(Request(method, path, {"modifiedat": given}))
    assert registry.done(Request(method, path, {})).json["modifiedat"] == registry.now


@pytest.mark.parametrize("name", ["createdat", "modifiedat"])
@pytest.mark.parametrize("path", WRITABLE.values(), ids=WRITABLE)
def test_createdat_attribute_is_a_timestamp(path: str, name: str) -> None:
    answer = small().refusal(patch(path, {name: "soon"}))
    assert answer.kind == "invalid_attribute"


def test_createdat_attribute_one_request_has_one_now() -> None:
    registry = Registry()
    registry.patch("/", TREE)
    shown = registry.get("/?inline=*")
    assert set(every(shown["dirs"], "createdat")) == {registry.now}
    assert set(every(shown, "modifiedat")) == {registry.now}


# --- "`name` Attribute" to "`constraints` Attribute"


@pytest.mark.parametrize("path", ["/", D1, N1, f"{N1}/versions/v1"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", 5),
        ("description", 5),
        ("documentation", ""),
        ("documentation", 5),
        ("icon", ""),
        ("icon", "a\nb"),
        ("labels", "no map"),
        ("labels", {"a": 1}),
        ("labels", {"": "a"}),
        ("labels", {"A": "a"}),
    ],
)
def test_name_attribute_and_its_neighbours_have_their_types(
    path: str, name: str, value: Any
) -> None:
    assert small().refusal(patch(path, {name: value})).kind == "invalid_attribute"


@pytest.mark.parametrize("path", ["/", D1, N1, f"{N1}/versions/v1"])
def test_name_attribute_and_its_neighbours_are_optional_and_kept(path: str) -> None:
    registry = small()
    holds(registry.get(path), dict.fromkeys(("name", "documentation", "icon", "labels"), ABSENT))
    sent = {
        "name": "One",
        "description": "",
        "documentation": "https://a.example/docs",
        "icon": "https://a.example/icon.svg",
        "labels": {"owner": "John", "verified": ""},
    }
    holds(registry.patch(path, sent).json, sent)


def test_name_attribute_need_not_be_unique() -> None:
    shown = Registry().post("/dirs", {"a": {"name": "same"}, "b": {"name": "same"}}).json
    assert [one["name"] for one in shown.values()] == ["same", "same"]


DEPRECATED = {
    "effective": "2030-01-01T00:00:00Z",
    "removal": "2031-01-01T00:00:00Z",
    "alternative": "https://a.example/other",
    "documentation": "https://a.example/why",
}


@pytest.mark.parametrize(("path", "at"), [(D1, ""), (N1, "meta/")])
def test_deprecated_attribute_is_kept_and_may_be_empty(path: str, at: str) -> None:
    registry = small()
    for value in ({}, DEPRECATED):
        body: dict[str, Any] = {"deprecated": value}
        registry.patch(f"{path}/meta" if at else path, body)
        holds(registry.get(f"{path}?inline=meta" if at else path), {f"{at}deprecated": value})


@pytest.mark.parametrize("path", [D1, f"{N1}/meta"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"effective": "soon"}, id="effective is no timestamp"),
        pytest.param({"removal": "soon"}, id="removal is no timestamp"),
        pytest.param({"alternative": 5}, id="alternative is no url"),
        pytest.param({"documentation": ""}, id="documentation is no url"),
        pytest.param(
            {"effective": "2030-01-02T00:00:00Z", "removal": "2030-01-01T00:00:00Z"},
            id="removal is sooner than effective",
        ),
        pytest.param(
            {"effective": "2030-01-01T00:00:00Z", "removal": "2030-01-01T00:30:00+01:00"},
            id="removal is sooner by the offset",
        ),
        pytest.param(True, id="no object"),
    ],
)
def test_deprecated_attribute_is_an_object_of_these(path: str, value: Any) -> None:
    assert small().refusal(patch(path, {"deprecated": value})).kind == "invalid_attribute"


CONSTRAINED = {
    "attributes": MODEL["attributes"],
    "groups": {
        "dirs": {
            **DIRS,
            "constraints": {"notes.kind": {"enum": ["a", "b"]}, "notes.size": {"default": 5}},
        }
    },
}


def test_constraints_attribute_may_narrow_the_models() -> None:
    registry = Registry(CONSTRAINED)
    registry.put(D1, {"constraints": {"notes.kind": {"enum": ["a"]}}})
    registry.put(N1, {"kind": "a"})
    assert registry.refusal(put(N1, {"kind": "b"})).kind == "constraint_failure"


def test_constraints_attribute_absent_or_null_leaves_the_models() -> None:
    registry = Registry(CONSTRAINED)
    empty: tuple[Any, ...] = (None, {}, {"notes.kind": {}}, {"notes.kind": {"enum": None}})
    for constraints in empty:
        registry.put(D1, {"constraints": constraints})
        assert registry.refusal(put(N1, {"kind": "c"})).kind == "constraint_failure"


@pytest.mark.parametrize(
    "constraints",
    [
        pytest.param({"notes.kind": {"enum": ["a", "c"]}}, id="an enum that is no subset"),
        pytest.param({"notes.other": {"enum": ["a"]}}, id="an attribute that is not there"),
        pytest.param({"others.kind": {"enum": ["a"]}}, id="a type that is not there"),
        pytest.param({"notes.kind": {"enum": [5]}}, id="an enum of another type"),
        pytest.param({"notes.kind": {"default": "c"}}, id="a default that is not in the enum"),
        pytest.param({"notes.kind": {"equals": "a_integer"}}, id="equals of another type"),
        pytest.param({"notes.kind": {"equals": "nothing"}}, id="equals of what is not there"),
        pytest.param({"notes.kind": {"other": 1}}, id="an aspect that is not there"),
    ],
)
def test_constraints_attribute_does_not_extend_the_models(constraints: Any) -> None:
    assert Registry(CONSTRAINED).refusal(put(D1, {"constraints": constraints})).status == 400


def test_constraints_attribute_equals_is_the_same_in_both_layers_or_added() -> None:
    model = {"groups": {"dirs": {**DIRS, "constraints": {"notes.kind": {"equals": "a_string"}}}}}
    registry = Registry(model)
    registry.put(D1, {"constraints": {"notes.kind": {"equals": "a_string"}}})
    wrong = {"constraints": {"notes.kind": {"equals": "colour"}}}
    assert registry.refusal(put(D1, wrong)).status == 400
    registry.put(D1, {"constraints": {"notes.size": {"equals": "a_integer"}}, "a_integer": 7})
    assert registry.refusal(put(N1, {"size": 8})).kind == "constraint_failure"
    registry.put(N1, {"size": 7})


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said("`xid` Attribute: of the registry", get("/"), xid="/"),
        said("`epoch` Attribute: begins at 0 or above", get("/"), epoch=1),
        said("`specversion` Attribute: is there", get("/"), specversion="1.0-rc4"),
    ],
)
def test_common_attributes_of_the_registry(
    requests: Sequence[Request], expected: dict[str, Any]
) -> None:
    check_said(Registry(), requests, expected)
