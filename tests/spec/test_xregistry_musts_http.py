"""core/http.md, "HTTP API Patterns" to "Meta Entity": its sentences, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    MODEL,
    Registry,
    Request,
    check_said,
    delete,
    get,
    holds,
    patch,
    post,
    put,
    said,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"
V1 = f"{F1}/versions/v1"


def small() -> Registry:
    registry = Registry()
    registry.put(V1, b"hello", Content_Type="text/plain")
    registry.put(N1)
    return registry


# --- "HTTP API Patterns"


@pytest.mark.parametrize("path", ["/model/more", "/export/more", "/capabilities/more"])
def test_http_api_patterns_what_is_not_supported_is_not_found(path: str) -> None:
    answer = small().refusal(get(path))
    assert answer.kind == "api_not_found"
    assert answer.json["subject"] == path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/dirs"),
        ("PUT", f"{D1}/files"),
        ("PUT", f"{N1}/versions"),
        ("DELETE", "/"),
        ("POST", f"{N1}/meta"),
        ("DELETE", f"{N1}/meta"),
        ("POST", f"{N1}/versions/1"),
        ("PUT", "/model"),
        ("PATCH", "/model"),
        ("DELETE", "/model"),
        ("PATCH", "/modelsource"),
        ("DELETE", "/modelsource"),
        ("DELETE", "/capabilities"),
        ("POST", "/capabilities"),
        ("PUT", "/capabilitiesoffered"),
        ("PUT", "/export"),
        ("POST", "/export"),
        ("PATCH", "/export"),
        ("DELETE", "/export"),
        ("TRACE", "/"),
        ("FOO", D1),
    ],
)
def test_http_api_patterns_another_method_is_not_supported_and_the_others_are_told(
    method: str, path: str
) -> None:
    registry = small()
    answer = registry.refusal(Request(method, path, {}))
    assert (answer.kind, answer.status) == ("action_not_supported", 405)
    assert method not in (answer.header("allow") or "").split(", ")
    assert "GET" in (answer.header("allow") or "").split(", ")


@pytest.mark.parametrize(
    "name", ["model", "modelsource", "capabilities", "capabilitiesoffered", "export", "r"]
)
def test_http_api_patterns_no_type_of_group_has_a_path_of_the_registry(name: str) -> None:
    request = put("/modelsource", {"groups": {name: {"singular": "one"}}})
    assert Registry().refusal(request).kind == "model_error"


# --- "Adherence to HTTP Standards", "Creating or Updating Entities"

FULL: dict[str, Any] = {
    "description": "d",
    "labels": {"a": "1", "b": "2"},
    "place": {"row": 1, "shelf": "top"},
    "numbers": [1, 2],
    "a_string": "s",
    "colour": "red",
}


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said(
            "PUT deletes what is missing and resets what has a default",
            put(D1, FULL),
            put(D1, {"a_string": "t"}),
            a_string="t",
            description=ABSENT,
            labels=ABSENT,
            place=ABSENT,
            numbers=ABSENT,
            colour="grey",
        ),
        said(
            "POST of a map does, too",
            put(D1, FULL),
            post("/dirs", {"d1": {"a_string": "t"}}),
            get(D1),
            a_string="t",
            description=ABSENT,
            colour="grey",
        ),
        said(
            "PUT deletes what is null",
            put(D1, FULL),
            put(D1, {"a_string": None, "colour": None}),
            a_string=ABSENT,
            colour="grey",
        ),
        said(
            "PUT replaces maps, objects and arrays as a whole",
            put(D1, FULL),
            put(D1, {"labels": {"c": "3"}, "place": {"row": 2}, "numbers": [3]}),
            labels={"c": "3"},
            place={"row": 2},
            numbers=[3],
        ),
        said(
            "PATCH changes only what it names",
            put(D1, FULL),
            patch(D1, {"a_string": "t"}),
            **{**FULL, "a_string": "t"},
        ),
        said(
            "PATCH replaces maps, objects and arrays as a whole",
            put(D1, FULL),
            patch(D1, {"labels": {"c": "3"}, "place": {"row": 2}, "numbers": []}),
            labels={"c": "3"},
            place={"row": 2},
            numbers=[],
            description="d",
        ),
        said(
            "PATCH deletes what is null",
            put(D1, FULL),
            patch(D1, {"labels": None, "place": None, "colour": None}),
            labels=ABSENT,
            place=ABSENT,
            colour="grey",
            description="d",
        ),
        said(
            "PATCH of a map of entities does the same for each",
            post("/dirs", {"d1": FULL, "d2": FULL}),
            patch("/dirs", {"d1": {"a_string": "t"}, "d2": {"a_string": None}}),
            get("/dirs"),
            d1__a_string="t",
            d1__description="d",
            d2__a_string=ABSENT,
            d2__description="d",
        ),
        said("PUT creates", put(D1, FULL), get(D1), **FULL),
        said("PATCH creates", patch(D1, FULL), get(D1), **FULL),
        said("POST creates", post("/dirs", {"d1": FULL}), get(D1), **FULL),
        said("PATCH of a map creates", patch("/dirs", {"d1": FULL}), get(D1), **FULL),
    ],
)
def test_creating_or_updating_entities(
    requests: Sequence[Request], expected: dict[str, Any]
) -> None:
    check_said(Registry(), requests, expected)


NEEDY = {
    "groups": {
        "dirs": {
            "singular": "dir",
            "attributes": {"who": {"type": "string", "required": True}},
            "resources": {
                "notes": {
                    "singular": "note",
                    "hasdocument": False,
                    "attributes": {"who": {"type": "string", "required": True}},
                }
            },
        }
    }
}


@pytest.mark.parametrize(
    "request_",
    [
        put(D1),
        patch(D1),
        post("/dirs", {"d1": {}}),
        patch("/dirs", {"d1": {}}),
        put(D1, {"who": None}),
        put(D1, {"who": "me", "notes": {"n1": {}}}),
        put("/dirs/d0", {}),
        patch("/dirs/d0", {"who": None}),
    ],
    ids=lambda one: f"{one.method} {one.path} {one.body}",
)
def test_creating_or_updating_what_is_required_must_be_there(request_: Request) -> None:
    registry = Registry(NEEDY)
    registry.put("/dirs/d0", {"who": "me"})
    assert registry.refusal(request_).kind == "required_attribute_missing"


@pytest.mark.parametrize("path", [F1, V1])
def test_creating_or_updating_patch_of_a_document_needs_details(path: str) -> None:
    answer = small().refusal(patch(path, {"name": "x"}))
    assert (answer.kind, answer.status) == ("details_required", 405)


def test_creating_or_updating_post_to_an_entity_leaves_the_entity_alone() -> None:
    registry = small()
    before = registry.get(D1)
    shown = registry.post(D1, {"notes": {"n1": {"kind": "k"}}}).json
    assert set(shown) == {"notes"}
    assert list(shown["notes"]) == ["n1"]
    after = registry.get(D1)
    assert (after["epoch"], after["modifiedat"]) == (before["epoch"], before["modifiedat"])


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", {"dirs": {}, "name": "x"}, "groups_only"),
        ("/", {"files": {}}, "groups_only"),
        ("/", {"modelsource": {}}, "groups_only"),
        (D1, {"notes": {}, "name": "x"}, "resources_only"),
        (D1, {"dirs": {}}, "resources_only"),
    ],
)
def test_creating_or_updating_post_to_an_entity_has_collections_only(
    path: str, body: Any, kind: str
) -> None:
    assert small().refusal(post(path, body)).kind == kind


def test_creating_or_updating_post_to_a_resource_ignores_the_resources_attributes() -> None:
    registry = small()
    shown = registry.get(f"{N1}?inline=*")
    body = {**shown, "versionid": "v9", "versionscount": "x", "metaurl": 5, "kind": "k"}
    for name in ("epoch", "createdat", "modifiedat", "ancestorid"):
        del body[name]
    answer = registry.post(N1, body)
    holds(answer.json, {"versionid": "v9", "kind": "k"})
    assert sorted(registry.get(f"{N1}/versions")) == ["1", "v9"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [({}, "2"), ({"versionid": "new"}, "new"), ({"versionid": "1", "kind": "k"}, "1")],
    ids=["none: a new one", "a new one", "one that is there: updated"],
)
def test_post_to_a_resource_which_version(body: Any, expected: str) -> None:
    registry = small()
    shown = registry.post(N1, body).json
    assert shown["versionid"] == expected
    assert registry.get(f"{N1}/versions/{expected}").get("kind") == body.get("kind")


@pytest.mark.parametrize("path", [f"{D1}/notes/n9/versions", "/dirs/d9/notes/n9/versions"])
@pytest.mark.parametrize("method", ["POST"])
def test_creating_or_updating_no_versions_make_no_resource(method: str, path: str) -> None:
    assert small().refusal(Request(method, path, {})).kind == "missing_versions"


def test_creating_or_updating_no_versions_of_a_resource_that_is_there_change_nothing() -> None:
    assert small().post(f"{N1}/versions", {}).json == {}


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/", "PUT"), ("/", "PATCH"), ("/", "POST"), ("/dirs", "POST"), ("/dirs", "PATCH"),
        (D1, "PUT"), (D1, "PATCH"), (D1, "POST"), (N1, "PUT"), (N1, "PATCH"), (N1, "POST"),
        (F1_META, "PUT"), (F1_META, "PATCH"), (F1_META, "POST"), (f"{N1}/meta", "PUT"),
        (f"{N1}/meta", "PATCH"), (f"{N1}/versions", "POST"), (f"{N1}/versions", "PATCH"),
        (f"{V1}$details", "PUT"), ("/capabilities", "PUT"), ("/capabilities", "PATCH"),
        ("/modelsource", "PUT"),
    ],
)  # fmt: skip
def test_creating_or_updating_metadata_is_never_an_empty_body(path: str, method: str) -> None:
    assert small().refusal(Request(method, path, b"")).kind == "missing_body"


@pytest.mark.parametrize("path", [F1_META, f"{V1}$details", N1, D1, f"{N1}/meta", "/"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_creating_or_updating_headers_beside_metadata_are_refused(method: str, path: str) -> None:
    request = Request(method, path, {}, {"xRegistry-name": "x"})
    assert small().refusal(request).kind == "extra_xregistry_header"


@pytest.mark.parametrize("path", [F1, V1])
@pytest.mark.parametrize("name", ["xRegistry-file", "xRegistry-filebase64"])
def test_creating_or_updating_the_document_is_no_header(path: str, name: str) -> None:
    request = Request("PUT", path, b"", {name: "x"})
    assert small().refusal(request).kind == "extra_xregistry_header"


def test_creating_or_updating_a_url_header_needs_an_empty_body() -> None:
    registry = small()
    assert registry.refusal(put(F1, b"x", xRegistry_fileurl="https://a.example")).status == 400
    registry.put(F1, b"", xRegistry_fileurl="https://a.example")
    assert registry.get(F1_META)["fileurl"] == "https://a.example"
    registry.put(F1, b"now here", xRegistry_fileurl="null")
    assert registry.done(get(F1)).body == b"now here"


@pytest.mark.parametrize(
    ("requests", "path"),
    [
        ([put(D1, FULL)], D1),
        ([put(D1), patch(D1, FULL)], D1),
        ([put(N1, {"kind": "k"})], N1),
        ([put(F1_META, {"kind": "k"})], F1_META),
        ([put(f"{N1}/versions/v1")], f"{N1}/versions/v1"),
        ([put(N1), patch(f"{N1}/meta", {"labels": {"a": "b"}})], f"{N1}/meta"),
        ([patch("/", {"name": "x"})], "/"),
        ([post("/dirs", {"d1": FULL})], "/dirs"),
        ([put("/capabilities", {"shortself": False})], "/capabilities"),
        ([put("/modelsource", MODEL)], "/modelsource"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_creating_or_updating_the_answer_is_that_of_a_get(
    requests: list[Request], path: str
) -> None:
    registry = Registry()
    answer = registry.done(*requests)
    assert answer.json == registry.get(path)
    assert answer.status in (200, 201)


def test_creating_or_updating_the_answer_to_a_document_is_a_document() -> None:
    registry = Registry()
    written = registry.put(F1, b"hello", Content_Type="text/plain")
    read = registry.done(get(F1))
    assert written.body == read.body == b"hello"
    for name, value in read.response.headers:
        if name.startswith(b"xregistry-") or name == b"content-type":
            assert (name, value) in written.response.headers


@pytest.mark.parametrize(
    ("request_", "there"),
    [
        (post("/dirs", {"d2": {}}), {"d2"}),
        (patch("/dirs", {"d2": {}}), {"d2"}),
        (post(f"{D1}/notes", {"n2": {}}), {"n2"}),
        (post(f"{N1}/versions", {"v2": {}}), {"v2"}),
        (post("/", {"dirs": {"d2": {}}}), {"dirs"}),
        (post(D1, {"notes": {"n2": {}}}), {"notes"}),
    ],
    ids=lambda one: f"{one.method} {one.path}" if isinstance(one, Request) else "",
)
def test_creating_or_updating_a_map_shows_only_what_was_processed(
    request_: Request, there: set[str]
) -> None:
    answer = small().done(request_)
    assert set(answer.json) == there
    assert answer.status == 200
    assert answer.header("location") is None


CREATED = [
    (put(D1), D1),
    (patch(D1), D1),
    (put(N1), N1),
    (patch(N1), N1),
    (put(F1_META), F1_META),
    (put(f"{N1}/versions/v1"), f"{N1}/versions/v1"),
    (put(f"{V1}$details"), f"{V1}$details"),
]


@pytest.mark.parametrize(
    ("request_", "path"), CREATED, ids=[f"{one.method} {one.path}" for one, _ in CREATED]
)
def test_creating_or_updating_what_is_new_is_201_at_its_self(request_: Request, path: str) -> None:
    registry = Registry()
    answer = registry.done(request_)
    assert answer.status == 201
    assert answer.header("location") == answer.json["self"] == f"{BASE}{path}"
    again = registry.done(request_)
    assert again.status == 200
    assert again.header("location") is None


@pytest.mark.parametrize("path", [F1, V1])
def test_creating_or_updating_a_new_document_is_201_at_its_self(path: str) -> None:
    registry = Registry()
    answer = registry.put(path, b"x")
    assert answer.status == 201
    assert answer.header("location") == answer.header("xregistry-self")


@pytest.mark.parametrize("path", [F1, F1_META, N1, V1, f"{V1}$details"])
def test_creating_or_updating_a_version_that_was_made_is_the_content_location(path: str) -> None:
    registry = Registry()
    answer = registry.put(path)
    xid = answer.header("xregistry-xid") or answer.json["xid"]
    details = "" if "/notes/" in path else "$details"
    version = xid if "/versions/" in xid else f"{xid}/versions/1"
    shown = registry.get(f"{version}{details}")
    assert answer.header("content-location") in (shown["self"], f"{BASE}{version}")


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (put(D1, {"notes": {"n1": {"versions": {"v": {}}}}}), ["notes", "files"]),
        (put(F1_META, {"file": {"a": 1}, "meta": {}}), ["file", "filebase64", "meta", "versions"]),
        (patch("/", {"dirs": {}, "capabilities": {}}), ["dirs", "capabilities", "modelsource"]),
    ],
)
def test_creating_or_updating_nothing_is_inlined_unasked(
    request_: Request, names: list[str]
) -> None:
    holds(Registry().done(request_).json, dict.fromkeys(names, ABSENT))


def test_creating_or_updating_flags_are_for_the_answer() -> None:
    registry = Registry()
    shown = registry.put(f"{D1}?inline=notes&doc", {"notes": {"n1": {}}}).json
    assert list(shown["notes"]) == ["n1"]


def test_creating_or_updating_a_refused_request_does_nothing() -> None:
    registry = small()
    body = {"dirs": {"d1": {"a_string": "x"}, "d2": {"a_integer": "no number"}}}
    assert registry.refusal(post("/", body)).kind == "invalid_attribute"


# --- "Pagination", "HTTP OPTIONS Method"


def test_pagination_is_for_collections_only() -> None:
    registry = Registry(pagination=True)
    registry.post("/dirs", {id: {"notes": {"n": {}, "m": {}}} for id in "abc"})
    assert len(registry.get("/dirs?limit=2")) == 2
    assert len(registry.get("/?limit=1&inline=dirs")["dirs"]) == 3
    assert len(registry.get("/dirs/a?limit=1&inline=notes")["notes"]) == 2


@pytest.mark.parametrize("path", ["/", "/dirs", D1, N1, f"{N1}/meta", "/model", "/export"])
def test_http_options_method_tells_the_methods_twice_and_changes_nothing(path: str) -> None:
    registry = small()
    before = registry.tree
    answer = registry.done(Request("OPTIONS", path))
    assert answer.status == 200
    assert answer.header("allow") == answer.header("access-control-allow-methods")
    assert {"OPTIONS", "GET"} <= set((answer.header("allow") or "").split(", "))
    assert registry.tree is before


# --- "Registry Entity", "Registry Capabilities", "Registry Model"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200), ("/export", 200), ("/capabilities", 200), ("/capabilitiesoffered", 200),
        ("/model", 200), ("/modelsource", 200), ("/dirs", 200), (D1, 200), (f"{D1}/notes", 200),
        (N1, 200), (f"{N1}/meta", 200), (f"{N1}/versions", 200), (f"{N1}/versions/1", 200),
        (F1_META, 200), (f"{V1}$details", 200), ("/.xregistry", 200),
    ],
)  # fmt: skip
def test_a_successful_get_is_200_with_json(path: str, status: int) -> None:
    answer = small().done(get(path))
    assert answer.status == status
    assert answer.header("content-type") == "application/json; charset=utf-8"
    assert isinstance(answer.json, dict)


@pytest.mark.parametrize(
    "request_",
    [
        delete("/dirs"), delete("/dirs", {"d1": {}}), delete(D1), delete(f"{D1}/notes"),
        delete(N1), delete(F1_META), delete(f"{N1}/versions", {"1": {}}), delete(V1),
        delete(f"{V1}$details"),
    ],
    ids=lambda one: f"{one.method} {one.path}",
)  # fmt: skip
def test_a_successful_delete_is_204_without_a_body(request_: Request) -> None:
    answer = small().done(request_)
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_patch_and_put_of_the_registry_missing_model_and_capabilities_stay(method: str) -> None:
    registry = small()
    before = registry.get("/?inline=capabilities,modelsource")
    registry.done(Request(method, "/", {"name": "x"}))
    after = registry.get("/?inline=capabilities,modelsource")
    for name in ("capabilities", "modelsource"):
        assert after[name] == before[name]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_patch_and_put_of_the_registry_modelsource_is_replaced_as_a_whole(method: str) -> None:
    registry = Registry()
    source = {"groups": {"shelves": {"singular": "shelf"}}}
    registry.done(Request(method, "/", {"modelsource": source}))
    assert list(registry.get("/model")["groups"]) == ["shelves"]
    registry.done(Request(method, "/", {"modelsource": None}))
    assert registry.get("/modelsource") == {}


def test_patch_and_put_of_the_registry_capabilities() -> None:
    registry = Registry()
    default = registry.get("/capabilities")
    registry.patch("/", {"capabilities": {"shortself": True, "flags": ["doc", "inline"]}})
    expected = {**default, "shortself": True, "flags": ["doc", "inline"]}
    assert registry.get("/capabilities") == expected
    registry.patch("/", {"capabilities": None})
    assert registry.get("/capabilities") == default
    registry.put("/", {"capabilities": {"flags": ["doc"]}})
    after = registry.get("/capabilities")
    assert (after["flags"], after["shortself"], after["ignores"]) == (["doc"], False, [])


def test_patch_and_put_capabilities() -> None:
    registry = Registry()
    shown = registry.patch("/capabilities", {"flags": ["doc"]}).json
    assert (shown["flags"], shown["formats"]) == (["doc"], ["numbers"])
    shown = registry.put("/capabilities", {"shortself": True}).json
    assert (shown["flags"], shown["formats"], shown["shortself"]) == ([], [], True)


def test_patch_and_put_capabilities_take_effect_after_the_request() -> None:
    registry = Registry(specversions=["1.0-rc4", "2.0"])
    shown = registry.patch("/capabilities?specversion=2.0", {"specversions": ["1.0-rc4"]}).json
    assert shown["specversions"] == ["1.0-rc4"]
    refusal = registry.refusal(get("/capabilities?specversion=2.0"))
    assert refusal.kind == "unsupported_specversion"


@pytest.mark.parametrize(
    "query", ["", "?doc", "?inline=dirs", "?inline=*", "?filter=dirs.dirid=d1"]
)
def test_get_export_is_the_document_view_with_everything_inlined(query: str) -> None:
    registry = small()
    same = {
        "": "/?doc&inline=*,capabilities,modelsource",
        "?doc": "/?doc&inline=*,capabilities,modelsource",
        "?inline=dirs": "/?doc&inline=dirs",
        "?inline=*": "/?doc&inline=*",
        "?filter=dirs.dirid=d1": "/?doc&inline=*,capabilities,modelsource&filter=dirs.dirid=d1",
    }
    assert registry.get(f"/export{query}") == registry.get(same[query])


def test_get_export_works_without_the_flags_that_it_stands_for() -> None:
    registry = small()
    whole = registry.get("/export?inline=*")
    registry.patch("/capabilities", {"flags": []})
    shown = registry.get("/export")
    assert shown["dirs"] == whole["dirs"]
    assert "modelsource" in shown


def test_get_export_can_be_imported() -> None:
    registry = small()
    exported = registry.get("/export")
    other = Registry({})
    other.put("/", {**exported, "epoch": None})
    for path in (D1, N1, F1_META, V1):
        assert other.done(get(path)).status == 200
    assert other.done(get(F1)).body == b"hello"


@pytest.mark.parametrize("source", [{}, None])
def test_get_modelsource_without_any_is_an_empty_object(source: Any) -> None:
    registry = Registry({})
    assert registry.get("/modelsource") == {}
    registry.put("/modelsource", {"groups": {"dirs": {"singular": "dir"}}})
    registry.put("/", {"modelsource": source})
    assert registry.get("/modelsource") == {}


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"true"])
def test_put_modelsource_is_an_object(body: bytes) -> None:
    assert Registry().refusal(put("/modelsource", body)).status == 400
