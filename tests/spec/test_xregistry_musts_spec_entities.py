"""core/spec.md, "Registry Collections" to "Group Entity": collections, the registry, capabilities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    MODEL,
    OFFER,
    SCALARS,
    Registry,
    Request,
    delete,
    get,
    holds,
    model_of,
    patch,
    post,
    put,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"


def small() -> Registry:
    registry = Registry()
    registry.put(F1, b"hello")
    registry.put(N1)
    return registry


# --- "Registry Collections", "Collections in Document View", "Collections in API View"

COLLECTIONS = [
    ("/", "dirs", "/dirs", 1, ["d1"]),
    (D1, "files", f"{D1}/files", 1, ["f1"]),
    (D1, "notes", f"{D1}/notes", 1, ["n1"]),
    (N1, "versions", f"{N1}/versions", 1, ["1"]),
    (F1_META, "versions", f"{F1}/versions", 1, ["1"]),
]


@pytest.mark.parametrize(("path", "name", "url", "count", "keys"), COLLECTIONS)
def test_registry_collections_url_and_count_are_there_the_map_only_if_it_is_inlined(
    path: str, name: str, url: str, count: int, keys: list[str]
) -> None:
    registry = small()
    shown = registry.get(path)
    holds(shown, {f"{name}url": f"{BASE}{url}", f"{name}count": count, name: ABSENT})
    inlined = registry.get(f"{path}?inline={name}")
    assert list(inlined[name]) == keys
    assert inlined[f"{name}count"] == len(inlined[name])


@pytest.mark.parametrize(("path", "name", "url", "count", "keys"), COLLECTIONS)
def test_registry_collections_the_url_retrieves_the_map(
    path: str, name: str, url: str, count: int, keys: list[str]
) -> None:
    registry = small()
    found = registry.get(registry.get(path)[f"{name}url"].removeprefix(BASE))
    assert found == registry.get(f"{path}?inline={name}")[name]


def test_registry_collections_keys_are_the_ids() -> None:
    shown = small().get("/?inline=*")
    for gid, group in shown["dirs"].items():
        assert group["dirid"] == gid
        for rid, resource in group["files"].items():
            assert resource["fileid"] == rid
            for vid, version in resource["versions"].items():
                assert version["versionid"] == vid


@pytest.mark.parametrize("view", ["", "&doc"])
def test_registry_collections_an_empty_one_is_an_empty_map(view: str) -> None:
    registry = Registry()
    assert registry.get(f"/?inline=dirs{view}")["dirs"] == {}
    registry.put(D1)
    shown = registry.get(f"{D1}?inline=*{view}")
    assert (shown["files"], shown["notes"]) == ({}, {})


def test_registry_collections_all_types_are_shown_even_if_they_are_empty() -> None:
    registry = Registry({"groups": {**MODEL["groups"], "shelves": {"singular": "shelf"}}})
    shown = registry.get("/")
    holds(shown, {"dirscount": 0, "shelvescount": 0, "shelvesurl": f"{BASE}/shelves"})
    registry.put(D1)
    holds(registry.get(D1), {"filescount": 0, "notescount": 0})


def test_registry_collections_count_and_map_follow_the_filter() -> None:
    registry = small()
    registry.put("/dirs/d2", {"name": "two"})
    shown = registry.get("/?inline=dirs&filter=dirs.name=two")
    assert (shown["dirscount"], list(shown["dirs"])) == (1, ["d2"])


def test_collections_in_document_view_an_inlined_one_has_a_relative_url_others_not() -> None:
    registry = small()
    shown = registry.get("/?doc&inline=dirs")
    assert shown["dirsurl"] == "#/dirs"
    assert shown["dirs"]["d1"]["filesurl"] == f"{BASE}{D1}/files"
    assert "files" not in shown["dirs"]["d1"]


@pytest.mark.parametrize("path", ["/", D1, F1_META, N1])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_collections_in_api_view_url_and_count_are_ignored_in_requests(
    method: str, path: str
) -> None:
    registry = small()
    before = registry.get(path)
    names = [name for name in before if name.endswith(("url", "count"))]
    after = registry.done(Request(method, path, dict.fromkeys(names, "nonsense"))).json
    assert {name: after[name] for name in names} == {name: before[name] for name in names}


# --- "Updating Nested Registry Collections"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("path", "body"), [("/", {"dirs": {}}), ("/", {}), (D1, {"files": {}}), (N1, {"versions": {}})]
)
def test_updating_nested_an_absent_or_empty_map_changes_nothing(
    method: str, path: str, body: Any
) -> None:
    registry = small()
    registry.done(Request(method, path, body))
    shown = registry.get("/?inline=*")
    assert list(shown["dirs"]["d1"]["notes"]["n1"]["versions"]) == ["1"]


@pytest.mark.parametrize(
    ("path", "body", "owner", "name"),
    [
        (D1, {"notes": {"n9": None}}, D1, "notes"),
        (N1, {"versions": {"v9": None}}, N1, "versions"),
        ("/", {"dirs": {"d1": {"notes": {"n9": None}}}}, D1, "notes"),
        ("/", {"dirs": {"d1": {"notes": {"n1": {"versions": {"v1": None}}}}}}, N1, "versions"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_updating_nested_null_is_no_entity(
    method: str, path: str, body: Any, owner: str, name: str
) -> None:
    # "Error Processing": a server may choose a more appropriate error than the one named.
    refusal = small().refusal(Request(method, path, body))
    assert (refusal.kind, refusal.json["subject"]) == ("invalid_attribute", owner)
    assert refusal.json["args"]["name"] == name


@pytest.mark.parametrize(
    "request_",
    [
        put("/", {"dirs": {"d9": None}}),
        post("/", {"dirs": {"d9": None}}),
        post("/dirs", {"d9": None}),
        post(D1, {"notes": {"n9": None}}),
        post(f"{D1}/notes", {"n9": None}),
        post(f"{N1}/versions", {"v9": None}),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_updating_collections_null_is_no_entity(request_: Request) -> None:
    refusal = small().refusal(request_)
    assert (refusal.kind, refusal.json["subject"]) == ("bad_request", request_.path)


@pytest.mark.parametrize("value", ["d", 5, [], True])
def test_updating_nested_an_entry_that_is_no_object_is_no_entity(value: Any) -> None:
    assert small().refusal(put("/", {"dirs": {"d9": value}})).status == 400


def test_updating_nested_entities_are_created_and_updated_by_the_method() -> None:
    registry = small()
    registry.patch(N1, {"kind": "a", "size": 1})
    registry.patch(D1, {"notes": {"n1": {"size": 2}, "n2": {"size": 3}}})
    holds(registry.get(N1), {"kind": "a", "size": 2})
    holds(registry.get(f"{D1}/notes/n2"), {"size": 3})
    registry.put(D1, {"notes": {"n1": {"size": 4}}})
    holds(registry.get(N1), {"kind": ABSENT, "size": 4})
    assert registry.get(D1)["notescount"] == 2


def test_updating_nested_an_error_rejects_the_whole_request() -> None:
    body = {"notes": {"n8": {"size": 1}, "n9": {"versions": {"v": {"size": "x"}}}}}
    assert small().refusal(put(D1, body)).kind == "invalid_attribute"


def test_updating_nested_the_default_version_in_the_map_wins() -> None:
    registry = small()
    registry.put(N1, {"kind": "of the resource", "versions": {"1": {"kind": "of the version"}}})
    assert registry.get(N1)["kind"] == "of the version"


# --- "Registry Entity" and its attributes


@pytest.mark.parametrize("view", ["", "?doc"])
@pytest.mark.parametrize(
    "name", ["specversion", "registryid", "self", "xid", "epoch", "createdat", "modifiedat"]
)
def test_registry_entity_required_attributes_are_in_both_views(name: str, view: str) -> None:
    assert name in Registry().get(f"/{view}")


@pytest.mark.parametrize("view", ["", "&doc"])
@pytest.mark.parametrize("name", ["capabilities", "model", "modelsource"])
def test_registry_entity_what_configures_it_is_there_only_if_it_is_inlined(
    name: str, view: str
) -> None:
    registry = Registry()
    assert name in registry.get(f"/?inline={name}{view}")
    assert name not in registry.get(f"/?inline=*{view}")


@pytest.mark.parametrize(
    "request_",
    [
        put("/modelsource", {}),
        patch("/", {"modelsource": {}}),
        patch("/capabilities", {"shortself": True}),
        put("/", {"capabilities": {}}),
    ],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_registry_entity_is_updated_when_model_or_capabilities_are(request_: Request) -> None:
    registry = Registry()
    before = registry.get("/")
    registry.done(request_)
    after = registry.get("/")
    assert after["epoch"] > before["epoch"]
    assert after["modifiedat"] == registry.now


def test_specversion_attribute_is_read_only() -> None:
    registry = Registry()
    registry.put("/", {"specversion": "0.5"})
    assert registry.get("/")["specversion"] == "1.0-rc4"


def test_capabilities_attribute_absent_stays_and_null_is_the_default() -> None:
    registry = Registry(shortself=True)
    default = Registry().get("/capabilities")
    registry.put("/", {"name": "x"})
    assert registry.get("/capabilities")["shortself"] is True
    registry.patch("/", {"capabilities": None})
    assert registry.get("/capabilities") == default


def test_capabilities_attribute_which_ignores_count_says_the_state_before() -> None:
    registry = Registry()
    registry.patch("/?ignore=capabilities", {"capabilities": {"ignores": []}})
    assert "capabilities" in registry.get("/capabilities")["ignores"]
    registry = Registry(ignores=[])
    request = patch("/?ignore=capabilities", {"capabilities": {"ignores": ["capabilities"]}})
    assert registry.refusal(request).kind == "bad_ignore"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_capabilities_attribute_which_flags_shape_the_answer_says_the_state_after(
    method: str,
) -> None:
    available = {"capabilities": {"mutable": True}}
    registry = Registry()
    without = {"capabilities": {"available": available, "flags": ["ignore"]}}
    assert (
        "capabilities" not in registry.done(Request(method, "/?inline=capabilities", without)).json
    )

    having = {"capabilities": {"available": available, "flags": ["inline"]}}
    shown = registry.done(Request(method, "/?inline=capabilities", having)).json
    assert shown["capabilities"]["flags"] == ["inline"]


def test_capabilities_attribute_the_specversion_asked_for_is_one_of_the_state_before() -> None:
    registry = Registry(specversions=["1.0-rc4", "2.0"])
    request = patch("/?specversion=2.0", {"capabilities": {"specversions": ["1.0-rc4"]}})
    registry.patch(request.path, request.body)
    assert registry.get("/capabilities")["specversions"] == ["1.0-rc4"]


def test_capabilities_attribute_which_formats_count_says_the_state_after() -> None:
    files = {"validateformat": True, "hasdocument": True, "strictvalidation": True}
    registry = Registry(model_of(files), formats=[], compatibilities={})
    resource = {"format": "numbers", "filebase64": "MSAy", "contenttype": "text/plain"}
    dirs = {"d1": {"files": {"f1": resource}}}
    assert registry.refusal(patch("/", {"dirs": dirs})).kind == "format_unknown"
    registry.patch("/", {"capabilities": {"formats": ["numbers"]}, "dirs": dirs})
    assert registry.get(F1_META)["formatvalidated"] is True


def test_model_attribute_is_read_only() -> None:
    registry = Registry()
    before = registry.get("/model")
    registry.put("/", {"model": {"groups": {}}})
    assert registry.get("/model") == before


def test_modelsource_attribute_absent_changes_nothing() -> None:
    registry = Registry()
    registry.put("/", {})
    assert registry.get("/modelsource") == MODEL


@pytest.mark.parametrize("source", [None, {}])
def test_modelsource_attribute_null_or_empty_removes_all_types_and_extensions(source: Any) -> None:
    registry = Registry()
    registry.patch("/", {"modelsource": source})
    model = registry.get("/model")
    assert not model.get("groups")
    assert "owner" not in model["attributes"]
    assert registry.refusal(get("/dirs")).status == 404


def test_modelsource_attribute_is_applied_before_any_entity() -> None:
    registry = Registry({})
    source = {"attributes": {"zone": {"type": "string"}}, "groups": MODEL["groups"]}
    dirs = {"d1": {"notes": {"n1": {"size": 5}}}}
    registry.patch("/", {"dirs": dirs, "zone": "a", "modelsource": source})
    assert registry.get("/")["zone"] == "a"
    assert registry.get(N1)["size"] == 5


def test_modelsource_attribute_shows_no_more_than_was_sent() -> None:
    registry = Registry()
    source = {"description": "mine", "groups": {"dirs": {"singular": "dir"}}}
    registry.put("/modelsource", source)
    assert registry.get("/modelsource") == source
    assert registry.get("/?inline=modelsource")["modelsource"] == source


# --- "Registry Capabilities"

NAMES = (
    "available", "compatibilities", "flags", "formats", "ignores", "pagination", "shortself",
    "specversions", "versionmodes",
)  # fmt: skip


def test_registry_capabilities_all_are_shown_even_if_they_are_empty() -> None:
    registry = Registry()
    registry.put("/capabilities", {"flags": ["inline"]})
    assert set(NAMES) <= set(registry.get("/capabilities"))
    assert registry.get("/?inline=capabilities")["capabilities"] == registry.get("/capabilities")


UNSPECIFIED = {
    "available": {
        "capabilities": {"mutable": False},
        "entities": {"mutable": True},
        "model": {"mutable": False},
    },
    "compatibilities": {},
    "flags": [],
    "formats": [],
    "ignores": [],
    "pagination": False,
    "shortself": False,
    "specversions": ["1.0-rc4"],
    "versionmodes": ["manual"],
}


@pytest.mark.parametrize("name", UNSPECIFIED)
def test_registry_capabilities_the_default_of_each_when_it_is_not_specified(name: str) -> None:
    registry = Registry()
    assert registry.put("/capabilities", {}).json[name] == UNSPECIFIED[name]


@pytest.mark.parametrize("name", UNSPECIFIED)
def test_registry_capabilities_null_is_not_specified(name: str) -> None:
    registry = Registry()
    body = {"compatibilities": None, name: None}  # whose keys are formats
    assert registry.patch("/capabilities", body).json[name] == UNSPECIFIED[name]


@pytest.mark.parametrize(
    ("name", "sent", "shown"),
    [
        ("flags", ["DOC", "Filter"], ["doc", "filter"]),
        ("formats", ["NUMBERS"], ["numbers"]),
        ("ignores", ["Epoch"], ["epoch"]),
        ("versionmodes", ["Manual", "SEMVER"], ["manual", "semver"]),
        ("specversions", ["1.0-RC4"], ["1.0-rc4"]),
    ],
)
def test_registry_capabilities_values_are_case_insensitive(
    name: str, sent: list[str], shown: list[str]
) -> None:
    assert sorted(Registry().patch("/capabilities", {name: sent}).json[name]) == shown


@pytest.mark.parametrize(
    "body",
    [
        {"model": {"mutable": False}},
        {"entities": {"mutable": False}},
        {"capabilities": {"mutable": True}},
        {"EXPORT": {"mutable": False}},
    ],
)
def test_available_capability_capabilities_entities_and_model_are_always_listed(body: Any) -> None:
    shown = Registry().patch("/capabilities", {"available": body}).json["available"]
    assert {"capabilities", "entities", "model"} <= set(shown)
    assert shown["model"] == {"mutable": False}
    assert all(isinstance(one["mutable"], bool) for one in shown.values())


@pytest.mark.parametrize(
    "body",
    [
        {"model": {"mutable": True}},
        {"other": {"mutable": False}},
        {"export": {"mutable": "no"}},
        {"export": True},
        {"export": {}},
        ["model"],
    ],
)
def test_available_capability_another_value_is_refused(body: Any) -> None:
    answer = Registry().refusal(patch("/capabilities", {"available": body}))
    assert answer.kind == "capability_value"


ONLY_NEEDED = {"capabilities": {"mutable": True}}


@pytest.mark.parametrize(
    "path", ["/modelsource", "/export", "/capabilitiesoffered", "/?inline=modelsource"]
)
def test_available_capability_what_is_not_listed_is_unavailable(path: str) -> None:
    registry = Registry()
    registry.patch("/capabilities", {"available": ONLY_NEEDED})
    assert registry.refusal(get(path)).kind == "not_available"


@pytest.mark.parametrize("name", ["capabilities", "model", "modelsource"])
def test_available_capability_what_is_listed_is_there_by_every_way(name: str) -> None:
    registry = Registry()
    assert registry.get(f"/{name}") == registry.get(f"/?inline={name}")[name]
    assert registry.get(f"/export?inline={name}")[name] == registry.get(f"/{name}")


@pytest.mark.parametrize("request_", [put("/modelsource", {}), patch("/", {"modelsource": {}})])
def test_available_capability_what_is_unavailable_is_not_written(request_: Request) -> None:
    registry = Registry()
    registry.patch("/capabilities", {"available": ONLY_NEEDED})
    assert registry.refusal(request_).kind == "not_available"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"compatibilities": {"other": []}}, "capability_error", id="no such format"),
        pytest.param(
            {"formats": [], "compatibilities": {"numbers": ["full"]}},
            "capability_error",
            id="a format that is not in formats",
        ),
        pytest.param(
            {"compatibilities": {"numbers": ["sideways"]}}, "capability_error", id="no such rule"
        ),
        pytest.param({"formats": ["other"]}, "capability_error", id="formats: not offered"),
        pytest.param({"flags": ["other"]}, "capability_value", id="flags: not offered"),
        pytest.param({"ignores": ["other"]}, "capability_value", id="ignores: not offered"),
        pytest.param({"pagination": "yes"}, "capability_value", id="pagination: no boolean"),
        pytest.param({"shortself": 1}, "capability_value", id="shortself: no boolean"),
        pytest.param({"flags": "doc"}, "capability_value", id="flags: no array"),
        pytest.param({"flags": [5]}, "capability_value", id="flags: no string in it"),
        pytest.param({"versionmodes": ["other"]}, "capability_value", id="versionmodes"),
        pytest.param({"specversions": ["0.5"]}, "capability_value", id="specversions"),
        pytest.param({"specversions": []}, "capability_missing_value", id="no specversion"),
        pytest.param({"versionmodes": ["semver"]}, "capability_missing_value", id="no manual"),
        pytest.param({"flags": ["*", "doc"]}, "capability_wildcard", id="flags: * and another"),
        pytest.param({"ignores": ["epoch", "*"]}, "capability_wildcard", id="ignores: *"),
        pytest.param({"formats": ["*", "numbers"]}, "capability_wildcard", id="formats: *"),
        pytest.param({"other": True}, "capability_unknown", id="unknown"),
        pytest.param({"": True}, "capability_unknown", id="an empty name"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_updating_the_capabilities_a_wrong_value_is_refused(
    method: str, body: Any, kind: str
) -> None:
    assert Registry().refusal(Request(method, "/capabilities", body)).kind == kind
    assert Registry().refusal(Request(method, "/", {"capabilities": body})).kind == kind


@pytest.mark.parametrize("name", ["flags", "formats", "ignores", "specversions", "versionmodes"])
def test_updating_the_capabilities_a_star_is_all_that_is_offered(name: str) -> None:
    registry = Registry()
    shown = registry.patch("/capabilities", {name: ["*"]}).json[name]
    offered = registry.get("/capabilitiesoffered")[name]["enum"]
    assert sorted(shown) == sorted(offered)
    assert "*" not in shown


# --- "Offered Capabilities"


def test_offered_capabilities_all_known_ones_are_listed() -> None:
    registry = Registry()
    assert set(registry.get("/capabilitiesoffered")) == set(registry.get("/capabilities"))


def test_offered_capabilities_have_types_items_and_values_of_them() -> None:
    python = {"boolean": bool, "string": str, "integer": int}

    def check(definition: dict[str, Any]) -> None:
        type = definition["type"]
        assert type in (*SCALARS, "array", "map", "object")
        if type in ("array", "map"):
            assert "item" in definition
            check(definition["item"])
        scalar = definition["item"]["type"] if type in ("array", "map") else type
        for value in definition.get("enum", []):
            assert isinstance(value, python[scalar])
        assert not {"min", "max"} & definition.keys() or scalar in ("integer", "uinteger")
        for one in definition.get("attributes", {}).values():
            check(one)

    for definition in Registry(offer=OFFER).get("/capabilitiesoffered").values():
        check(definition)


# --- "Group Entity"


@pytest.mark.parametrize("view", ["", "?doc"])
@pytest.mark.parametrize("name", ["dirid", "self", "xid", "epoch", "createdat", "modifiedat"])
def test_group_entity_required_attributes_are_in_both_views(name: str, view: str) -> None:
    assert name in small().get(f"{D1}{view}")


@pytest.mark.parametrize("name", ["epoch", "createdat", "modifiedat", "dirid", "self", "xid"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_group_entity_what_is_required_comes_from_the_server(method: str, name: str) -> None:
    assert name in Registry().done(Request(method, D1, {})).json


# --- "Deleting Entities"


@pytest.fixture
def full() -> Registry:
    registry = Registry()
    body = {"kind": "x", "versions": {"1": {}, "2": {}}}
    for gid in ("d1", "d2"):
        registry.put(f"/dirs/{gid}", {"notes": {"n1": body, "n2": body}, "files": {"f1": {}}})
    return registry


MAPS = [("/dirs", "d1"), (f"{D1}/notes", "n1"), (f"{N1}/versions", "1")]


@pytest.mark.parametrize(("path", "id"), MAPS)
def test_deleting_entities_an_empty_map_deletes_none_and_no_map_all(
    full: Registry, path: str, id: str
) -> None:
    full.delete(path, {})
    assert id in full.get(path)
    full.delete(path)
    if "versions" in path:
        assert full.refusal(get(path)).status == 404
    else:
        assert full.get(path) == {}


@pytest.mark.parametrize(("path", "id"), MAPS)
def test_deleting_entities_a_map_deletes_what_it_names_and_passes_over_what_is_not_there(
    full: Registry, path: str, id: str
) -> None:
    before = set(full.get(path))
    full.delete(path, {id: {}, "nobody": {}})
    assert set(full.get(path)) == before - {id}


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/dirs", {"d1": {"epoch": 99}}),
        (f"{D1}/notes", {"n1": {"meta": {"epoch": 99}}}),
        (f"{N1}/versions", {"1": {"epoch": 99}}),
    ],
)
def test_deleting_entities_a_wrong_epoch_rejects_the_whole_request(
    full: Registry, path: str, entry: dict[str, Any]
) -> None:
    others: dict[str, Any] = {id: {} for id in full.get(path) if id not in entry}
    assert full.refusal(delete(path, {**others, **entry})).kind == "mismatched_epoch"


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/dirs", {"d1": {"epoch": 1}}),
        (f"{D1}/notes", {"n1": {"meta": {"epoch": 1}}}),
        (f"{N1}/versions", {"1": {"epoch": 1}}),
    ],
)
def test_deleting_entities_the_present_epoch_is_right(
    full: Registry, path: str, entry: dict[str, Any]
) -> None:
    full.delete(path, entry)
    assert not entry.keys() & full.get(path).keys()


def test_deleting_entities_the_epoch_of_a_resource_is_in_meta(full: Registry) -> None:
    answer = full.refusal(delete(f"{D1}/notes", {"n1": {"epoch": 1}}))
    assert answer.kind == "misplaced_epoch"
    full.delete(f"{D1}/notes", {"n1": {"epoch": 99, "meta": {"epoch": 1}}})
    assert list(full.get(f"{D1}/notes")) == ["n2"]


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/dirs", {"d1": {"dirid": "d2"}}),
        (f"{D1}/notes", {"n1": {"noteid": "n2"}}),
        (f"{N1}/versions", {"1": {"versionid": "2"}}),
    ],
)
def test_deleting_entities_an_id_must_be_that_of_the_key(
    full: Registry, path: str, entry: Any
) -> None:
    assert full.refusal(delete(path, entry)).kind == "mismatched_id"


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/dirs", {"d1": {"dirid": "d1", "name": 5, "other": [], "createdat": "x"}}),
        (f"{D1}/notes", {"n1": {"noteid": "n1", "kind": 5, "meta": {"xref": 5}}}),
        (f"{N1}/versions", {"1": {"versionid": "1", "kind": [], "nonsense": None}}),
    ],
)
def test_deleting_entities_other_attributes_are_ignored_even_if_they_are_invalid(
    full: Registry, path: str, entry: Any
) -> None:
    full.delete(path, entry)
    assert not entry.keys() & full.get(path).keys()


@pytest.mark.parametrize("path", ["/dirs/d9", f"{D1}/notes/n9", f"{N1}/versions/9"])
def test_deleting_entities_what_is_not_there_is_not_found(full: Registry, path: str) -> None:
    assert full.refusal(delete(path)).kind == "not_found"


@pytest.mark.parametrize("path", [D1, f"{D1}/notes/n1", f"{N1}/versions/1"])
def test_deleting_entities_one_with_the_epoch_flag(full: Registry, path: str) -> None:
    assert full.refusal(delete(f"{path}?epoch=99")).kind == "mismatched_epoch"
    full.delete(f"{path}?epoch=1")
    assert full.refusal(get(path)).status == 404


@pytest.mark.parametrize("path", [D1, "/dirs"])
def test_deleting_entities_all_below_goes_too(full: Registry, path: str) -> None:
    full.delete(path)
    full.put(D1)
    assert full.get(D1)["notescount"] == 0
    assert full.refusal(get(N1)).status == 404


def test_deleting_entities_the_versions_and_meta_go_with_their_resource(full: Registry) -> None:
    full.delete(N1)
    for path in (f"{N1}/meta", f"{N1}/versions", f"{N1}/versions/1"):
        assert full.refusal(get(path)).status == 404
    assert full.put(N1).json["versionscount"] == 1


def test_deleting_entities_an_entry_is_an_object(full: Registry) -> None:
    assert full.refusal(delete("/dirs", {"d1": {}, "d2": 5})).status == 400
    assert full.refusal(delete("/dirs", b"[1]")).status == 400


def test_post_of_a_map_of_groups_is_no_way_to_delete(full: Registry) -> None:
    full.post("/dirs", {"d1": {}})
    assert list(full.get("/dirs")) == ["d1", "d2"]
    full.post("/", {"dirs": {}})
    assert list(full.get("/dirs")) == ["d1", "d2"]
    assert full.refusal(post("/", {"dirs": None})).status == 400
