"""core/spec.md, "Request Flags" to "xRegistry Discovery": its sentences, one by one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from chappe.registry import drawing
from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    Registry,
    Request,
    delete,
    get,
    holds,
    patch,
    post,
    put,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"


def a_registry() -> Registry:
    registry = Registry(shortself=True)
    registry.put(
        D1,
        {
            "a_boolean": True,
            "a_integer": 10,
            "a_decimal": 5.5,
            "a_string": "Banana",
            "a_timestamp": "2030-01-01T02:00:00+02:00",
            "a_uri": "https://A.example/",
            "numbers": [1, 2, 3],
            "marks": {"x.y": "z", "2": "two"},
            "place": {"row": 1, "shelf": "top"},
            "files": {"f1": {"contenttype": "application/json", "file": {"a": 1}}},
            "notes": {"n1": {"kind": "a", "versions": {"v1": {"kind": "old"}, "v2": {}}}, "n2": {}},
        },
    )
    registry.put("/dirs/d2", {"a_boolean": False, "a_integer": 9, "a_string": ""})
    registry.put("/dirs/d3")
    registry.put(f"{D1}/files/mirror", {}, xRegistry_name="m")
    registry.put(f"{D1}/files/mirror/meta", {"xref": F1})
    return registry


@pytest.fixture(scope="module")
def shared() -> Registry:
    """A registry that is only read."""
    return a_registry()


def values(shown: Any, ends: str) -> Iterator[str]:
    """All values of attributes whose names end so."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            if name.endswith(ends) and isinstance(value, str):
                yield value
            yield from values(value, ends)


# --- "Binary Flag", "Collections Flag"


def test_binary_flag_documents_are_in_base64(shared: Registry) -> None:
    shown = shared.get(f"{F1_META}?inline=file&binary")
    assert json.loads(base64.b64decode(shown["filebase64"])) == {"a": 1}
    assert "file" not in shown
    assert "filebase64" not in shared.get(f"{F1_META}?binary")


@pytest.mark.parametrize("path", ["/", D1])
def test_collections_flag_has_the_maps_alone_with_all_that_is_below(
    shared: Registry, path: str
) -> None:
    shown = shared.get(f"{path}?collections")
    assert set(shown) == ({"dirs"} if path == "/" else {"files", "notes"})
    inlined = shared.get(f"{path}?inline=*")
    assert shown == {name: inlined[name] for name in shown}


@pytest.mark.parametrize(
    "path", ["/dirs", f"{D1}/notes", N1, F1_META, f"{N1}/meta", f"{N1}/versions", "/model"]
)
def test_collections_flag_elsewhere_is_refused(shared: Registry, path: str) -> None:
    assert shared.refusal(get(f"{path}?collections")).kind == "bad_flag"


# --- "Doc Flag"


def test_doc_flag_resources_have_no_attributes_of_their_default_versions(shared: Registry) -> None:
    shown = shared.get(f"{N1}?doc")
    own = {"noteid", "self", "xid", "metaurl", "versionsurl", "versionscount"}
    assert set(shown) <= own


def test_doc_flag_a_resource_with_meta_has_the_form_of_the_specification(shared: Registry) -> None:
    shown = shared.get(f"{N1}?doc&inline=meta")
    assert list(shown["meta"])[:3] == ["noteid", "self", "xid"]
    assert shown["meta"]["self"] == "#/meta"


@pytest.mark.parametrize(
    "name",
    ["shortself", "formatvalidated", "compatibilityvalidated", "compatibilityvalidatedreason"],
)
def test_doc_flag_leaves_out(shared: Registry, name: str) -> None:
    assert not list(values(shared.get("/?doc&inline=*"), name))


def test_doc_flag_a_mirror_has_nothing_of_its_target(shared: Registry) -> None:
    shown = shared.get("/?doc&inline=*")["dirs"]["d1"]["files"]["mirror"]
    assert set(shown) <= {"fileid", "self", "xid", "metaurl", "meta"}
    assert set(shown["meta"]) == {"fileid", "self", "xid", "xref"}
    assert shown["meta"]["xref"] == F1


@pytest.mark.parametrize("path", [f"{D1}/files/mirror/versions", f"{D1}/files/mirror/versions/1"])
@pytest.mark.parametrize("suffix", ["", "$details"])
def test_doc_flag_of_the_versions_of_a_mirror_is_refused(
    shared: Registry, path: str, suffix: str
) -> None:
    if path.endswith("/1"):
        assert shared.refusal(get(f"{path}{suffix}?doc")).kind == "cannot_doc_xref"
    else:
        assert shared.refusal(get(f"{path}?doc")).kind == "cannot_doc_xref"


@pytest.mark.parametrize("path", [F1, f"{F1}/versions/1"])
def test_doc_flag_shows_metadata_and_not_the_document(shared: Registry, path: str) -> None:
    assert shared.get(f"{path}?doc")["fileid"] == "f1"


@pytest.mark.parametrize("path", ["/", "/dirs", D1, f"{D1}/notes", N1, f"{N1}/versions", F1_META])
@pytest.mark.parametrize("inline", ["", "&inline=*", "&inline=meta", "&inline=notes"])
def test_doc_flag_urls_are_relative_exactly_if_what_they_name_is_in_the_response(
    shared: Registry, path: str, inline: str
) -> None:
    answer = shared.answer(get(f"{path}?doc{inline}"))
    if answer.status == 400:
        return  # what is inlined is not there on this level
    shown = answer.json
    for ends in ("self", "url"):
        for url in values(shown, ends):
            if not url.startswith("#"):
                assert url.startswith(BASE)
                continue
            assert "$" not in url
            found = shown
            for part in filter(None, url[1:].split("/")):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            assert isinstance(found, dict)


# --- "Filter Flag"


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        # no operator: present with any value
        ("a_boolean", ["d1", "d2"]),
        ("a_string", ["d1", "d2"]),
        ("place", ["d1"]),
        # =
        ("a_boolean=null", ["d3"]),
        ("a_string=banana", ["d1"]),
        ("a_string=BANANA", ["d1"]),
        ("a_string=", ["d2"]),
        ("a_integer=10", ["d1"]),
        ("a_integer=10.0", ["d1"]),
        ("a_boolean=true", ["d1"]),
        ("a_boolean=TRUE", []),
        ("a_timestamp=2030-01-01T00:00:00Z", ["d1"]),
        ("a_uri=https://a.example/", ["d1"]),
        # != and <>
        ("a_boolean!=null", ["d1", "d2"]),
        ("a_boolean<>null", ["d1", "d2"]),
        ("a_boolean!=true", ["d2", "d3"]),
        ("a_boolean<>true", ["d2", "d3"]),
        ("a_string!=banana", ["d2", "d3"]),
        ("place.shelf!=bottom", ["d1", "d2", "d3"]),
        # <, <=, >, >=
        ("a_integer<10", ["d2"]),
        ("a_integer<=10", ["d1", "d2"]),
        ("a_integer>9", ["d1"]),
        ("a_integer>=9", ["d1", "d2"]),
        ("a_integer>1e0", ["d1", "d2"]),
        ("a_decimal<5.51", ["d1"]),
        ("a_decimal<5.4", []),
        ("a_boolean<true", ["d2"]),
        ("a_boolean>=false", ["d1", "d2"]),
        ("a_string>apple", ["d1"]),
        ("a_timestamp<2030-01-01T00:00:01Z", ["d1"]),
        # wildcards
        ("a_string=*", ["d1", "d2"]),
        ("a_string=b*a", ["d1"]),
        ("a_string=*NAN*", ["d1"]),
        ("a_string!=*", ["d3"]),
        ("a_string!=b*", ["d2", "d3"]),
        # dot notation
        ("place.shelf=top", ["d1"]),
        ("place.row=1", ["d1"]),
        ("place['shelf']=top", ["d1"]),
        ('place["shelf"]=top', ["d1"]),
        ("marks['x.y']=z", ["d1"]),
        ('marks["2"]=two', ["d1"]),
        ("numbers[0]=1", ["d1"]),
        ("numbers[0]=2", []),
        ("numbers[*]=3", ["d1"]),
        ("marks.*=z", ["d1"]),
        ("place.*=top", ["d1"]),
        # what is not there does not match
        ("nothing=5", []),
        ("place.nothing=5", []),
        ("a_string.deeper=5", []),
        # AND; and through collections
        ("a_integer=10,a_boolean=true", ["d1"]),
        ("a_integer=10,a_boolean=false", []),
        ("notes.kind=null", ["d1"]),
        ("notes.versions.kind=old", ["d1"]),
    ],
)
def test_filter_flag_includes_only_what_matches(
    shared: Registry, expression: str, ids: list[str]
) -> None:
    assert list(shared.get(f"/dirs?filter={quote(expression, safe='=,')}")) == ids
    rooted = ",".join(f"dirs.{one}" for one in expression.split(","))
    shown = shared.answer(get(f"/?inline=dirs&filter={quote(rooted, safe='=,')}"))
    if shown.status == 200:
        assert list(shown.json["dirs"]) == ids
        assert shown.json["dirscount"] == len(ids)
    else:
        assert (shown.status, ids) == (404, [])


def test_filter_flag_several_are_alternatives(shared: Registry) -> None:
    assert list(shared.get("/dirs?filter=a_integer=10&filter=a_integer=9")) == ["d1", "d2"]
    assert list(shared.get("/dirs?filter=a_integer=10,a_string=&filter=a_integer=9")) == ["d2"]


def test_filter_flag_paths_begin_at_what_was_asked_for(shared: Registry) -> None:
    shown = shared.get(f"{D1}?inline=notes&filter=notes.versions.kind=old")
    assert list(shown["notes"]) == ["n1"]
    assert shown["notescount"] == 1


def test_filter_flag_an_index_without_quotes_is_of_an_array_and_with_them_of_a_map(
    shared: Registry,
) -> None:
    assert list(shared.get(f"/dirs?filter={quote('marks[2]=two', safe='=')}")) == []
    assert list(shared.get(f"/dirs?filter={quote('''numbers['0']=1''', safe='=')}")) == []


@pytest.mark.parametrize(
    "expression",
    [
        "a_integer<null",
        "a_integer>=null",
        "a_string<b*",
        "place.shelf[=top",
        "a..b=1",
        "=5",
        "[x]=1",
    ],
)
def test_filter_flag_an_invalid_expression_is_refused(shared: Registry, expression: str) -> None:
    answer = shared.refusal(get(f"/dirs?filter={quote(expression, safe='')}"))
    assert answer.kind == "bad_filter"


@pytest.mark.parametrize("path", [D1, N1, F1_META, f"{N1}/versions/v1", f"{N1}/meta"])
def test_filter_flag_an_entity_that_does_not_match_is_not_returned(
    shared: Registry, path: str
) -> None:
    assert shared.refusal(get(f"{path}?filter=epoch=999")).status == 404
    assert shared.get(f"{path}?filter=epoch>=0")["xid"]


@pytest.mark.parametrize("path", ["/dirs", f"{D1}/notes", f"{N1}/versions"])
def test_filter_flag_excludeall_of_a_collection_is_empty(shared: Registry, path: str) -> None:
    assert shared.get(f"{path}?filter=excludeall") == {}


@pytest.mark.parametrize("path", ["/", D1, N1, f"{N1}/versions/v1"])
def test_filter_flag_excludeall_of_an_entity_is_refused(shared: Registry, path: str) -> None:
    # "Error Processing": bad_filter tells more than not_found, for the entity is there.
    refusal = shared.refusal(get(f"{path}?filter=excludeall"))
    assert refusal.kind == "bad_filter"
    assert refusal.json["subject"] == f"{path}?filter=excludeall"


@pytest.mark.parametrize("query", ["excludeall,a_integer=1", "excludeall&filter=a_integer=1"])
def test_filter_flag_excludeall_with_another_is_refused(shared: Registry, query: str) -> None:
    assert shared.refusal(get(f"/dirs?filter={query}")).kind == "bad_filter"


def test_filter_flag_an_empty_collection_has_the_url_that_excludes_all(shared: Registry) -> None:
    shown = shared.get("/?inline=dirs&filter=dirs.a_integer=9")
    url = shown["dirs"]["d2"]["filesurl"].removeprefix(BASE)
    assert url.endswith("?filter=excludeall")
    assert shared.get(url) == {}


def test_filter_flag_does_not_inline_and_inlining_adds_only_children(shared: Registry) -> None:
    assert "dirs" not in shared.get("/?filter=dirs.notes.noteid=n1")
    shown = shared.get("/?inline=*&filter=dirs.notes.noteid=n1")
    assert list(shown["dirs"]) == ["d1"]
    assert list(shown["dirs"]["d1"]["notes"]) == ["n1"]
    assert shown["dirs"]["d1"]["files"] == {}
    assert list(shown["dirs"]["d1"]["notes"]["n1"]["versions"]) == ["v1", "v2"]


# --- "Ignore Flag"


def test_ignore_flag_capabilities() -> None:
    registry = a_registry()
    registry.patch("/?ignore=capabilities", {"capabilities": {"shortself": False, "other": 1}})
    assert registry.get("/capabilities")["shortself"] is True


def test_ignore_flag_modelsource() -> None:
    registry = a_registry()
    registry.patch("/?ignore=modelsource", {"modelsource": {"nonsense": 1}})
    assert "dirscount" in registry.get("/")


@pytest.mark.parametrize("path", ["/", D1, N1, f"{N1}/meta", f"{N1}/versions/v1"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_ignore_flag_epoch(method: str, path: str) -> None:
    registry = a_registry()
    registry.done(Request(method, f"{path}?ignore=epoch", {"epoch": 999}))
    assert registry.get(path)["epoch"] < 999


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", {"registryid": "other"}),
        (D1, {"dirid": "other"}),
        (N1, {"noteid": "other"}),
        (f"{N1}/versions/v1", {"noteid": "other", "versionid": "another"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_ignore_flag_id_is_of_the_root_entity(method: str, path: str, body: Any) -> None:
    registry = a_registry()
    shown = registry.done(Request(method, f"{path}?ignore=id", body)).json
    assert "other" not in {str(one) for one in shown.values()}
    assert shown["xid"] == path


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (D1, {"notes": {"n1": {"noteid": "other"}}}),
        ("/", {"dirs": {"d1": {"dirid": "other"}}}),
    ],
)
def test_ignore_flag_id_leaves_nested_entities_their_ids(path: str, body: Any) -> None:
    registry = a_registry()
    assert registry.refusal(patch(f"{path}?ignore=id", body)).kind == "mismatched_id"


def test_ignore_flag_id_is_not_for_collections() -> None:
    request = post("/dirs?ignore=id", {"d1": {"dirid": "other"}})
    assert a_registry().refusal(request).status == 400


@pytest.mark.parametrize("name", ["defaultversionid", "defaultversionsticky"])
def test_ignore_flag_default_version(name: str) -> None:
    registry = a_registry()
    value = "v1" if name == "defaultversionid" else True
    registry.patch(f"{N1}/meta?ignore={name}", {name: value})
    holds(registry.get(f"{N1}/meta"), {"defaultversionid": "v2", "defaultversionsticky": False})


@pytest.mark.parametrize("query", ["ignore", "ignore=*", "ignore="])
def test_ignore_flag_without_a_value_is_all(query: str) -> None:
    registry = a_registry()
    body = {"epoch": 999, "registryid": "other", "capabilities": {"other": 1}, "modelsource": 5}
    assert registry.patch(f"/?{query}", body).status == 200


@pytest.mark.parametrize("value", ["other", "epoch,other", "epoch%20"])
def test_ignore_flag_an_unsupported_value_is_refused(value: str) -> None:
    answer = a_registry().refusal(patch(f"{D1}?ignore={value}", {}))
    assert answer.kind == "bad_ignore"


# --- "Inline Flag"


@pytest.mark.parametrize("query", ["inline", "inline="])
def test_inline_flag_without_a_value_is_all(shared: Registry, query: str) -> None:
    assert shared.get(f"/?{query}") == shared.get("/?inline=*")


@pytest.mark.parametrize(
    ("path", "inline", "kind"),
    [
        ("/", "name", "inline_noninlineable"),
        ("/", "dirs.name", "inline_noninlineable"),
        (F1_META, "filebase64", "inline_noninlineable"),
        ("/", "foo*", "bad_inline"),
        ("/", "*.foo", "inline_noninlineable"),
        ("/", "dirs.*.notes", "inline_noninlineable"),
        ("/", "dirs.d1.notes", "inline_noninlineable"),
        ("/", "DIRS", "inline_noninlineable"),
        ("/", "notes", "inline_noninlineable"),
        (D1, "dirs.notes", "inline_noninlineable"),
        (N1, "note", "inline_noninlineable"),
    ],
)
def test_inline_flag_what_cannot_be_inlined_is_refused(
    shared: Registry, path: str, inline: str, kind: str
) -> None:
    assert shared.refusal(get(f"{path}?inline={inline}")).kind == kind


@pytest.mark.parametrize(
    ("path", "inline", "there", "absent"),
    [
        ("/", "dirs", "dirs/d1", "dirs/d1/notes"),
        ("/", "dirs.notes", "dirs/d1/notes/n1", "dirs/d1/notes/n1/versions"),
        ("/", "dirs.notes.versions", "dirs/d1/notes/n1/versions/v1", "dirs/d1/files"),
        ("/", "dirs.notes.meta", "dirs/d1/notes/n1/meta/epoch", "dirs/d1/notes/n1/versions"),
        ("/", "dirs.files.file", "dirs/d1/files/f1/file", "dirs/d1/files/f1/versions"),
        ("/", "dirs.*", "dirs/d1/notes/n1/meta", "model"),
        ("/", "*", "dirs/d1/notes/n1/versions/v1", "modelsource"),
        ("/", "*,model", "model", "capabilities"),
        (D1, "notes", "notes/n1", "files"),
        (N1, "versions,meta", "versions/v1", "nothing"),
        ("/dirs", "notes", "d1/notes/n1", "d1/files"),
    ],
)
def test_inline_flag_shows_exactly_what_it_names(
    shared: Registry, path: str, inline: str, there: str, absent: str
) -> None:
    shown = shared.get(f"{path}?inline={inline}")
    holds(shown, {absent: ABSENT})
    for part in there.split("/"):
        shown = shown[part]


# --- "SetDefaultVersionID Flag"


def versions() -> Registry:
    registry = Registry()
    registry.put(N1, {"versions": {"v1": {}, "v2": {}}})
    return registry


@pytest.mark.parametrize(
    ("request_", "default", "sticky"),
    [
        (put(f"{N1}?setdefaultversionid=v1"), "v1", True),
        (patch(f"{N1}?setdefaultversionid=v1"), "v1", True),
        (patch(f"{N1}/meta?setdefaultversionid=v1"), "v1", True),
        (put(f"{N1}/versions/v2?setdefaultversionid=v1"), "v1", True),
        (put(f"{N1}/versions/v0?setdefaultversionid=v0"), "v0", True),
        (post(f"{N1}?setdefaultversionid=request", {}), "1", True),
        (post(f"{N1}?setdefaultversionid=v1", {}), "v1", True),
        (post(f"{N1}/versions?setdefaultversionid=v1", {"v3": {}}), "v1", True),
        (delete(f"{N1}/versions/v2?setdefaultversionid=v1"), "v1", True),
        (
            patch(f"{N1}/meta?setdefaultversionid=v1", {"defaultversionid": "v2"}),
            "v1",
            True,
        ),
        (
            patch(f"{N1}/meta?setdefaultversionid=null", {"defaultversionid": "v1"}),
            "v2",
            False,
        ),
        (put(f"{N1}?setdefaultversionid=null"), "v2", False),
    ],
)
def test_setdefaultversionid_flag(request_: Request, default: str, sticky: bool) -> None:
    registry = versions()
    registry.done(request_)
    expected = {"defaultversionid": default, "defaultversionsticky": sticky}
    holds(registry.get(f"{N1}/meta"), expected)


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (patch(f"{N1}?setdefaultversionid=nobody"), "unknown_id"),
        (patch(f"{N1}?setdefaultversionid=V1"), "unknown_id"),
        (delete(f"{N1}/versions/v2?setdefaultversionid=nobody"), "unknown_id"),
        (delete(f"{N1}/versions/v2?setdefaultversionid=v2"), "bad_request"),
        (delete(f"{N1}/versions?setdefaultversionid=v2", {"v1": {}, "v2": {}}), "bad_request"),
        (delete(f"{N1}/versions?setdefaultversionid=v2"), "bad_request"),
        (post(f"{N1}/versions?setdefaultversionid=request", {"a": {}, "b": {}}), "too_many_versions"),
        (put("/dirs/d1?setdefaultversionid=v1"), "bad_flag"),
        (post(f"{D1}/notes?setdefaultversionid=v1", {"n1": {}, "n2": {}}), "bad_flag"),
        (patch("/?setdefaultversionid=v1"), "bad_flag"),
        (patch(f"{N1}?setdefaultversionid="), "bad_defaultversionid"),
        (patch(f"{N1}?setdefaultversionid"), "bad_defaultversionid"),
    ],
)  # fmt: skip
def test_setdefaultversionid_flag_refused(request_: Request, kind: str) -> None:
    assert versions().refusal(request_).kind == kind


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (patch(f"{N1}?setdefaultversionid=request"), "bad_flag"),
        (put(f"{N1}/versions/v1?setdefaultversionid=request"), "bad_flag"),
        (delete(f"{N1}/versions/v1?setdefaultversionid=request"), "bad_flag"),
        (patch(f"{N1}/meta?setdefaultversionid=request"), "bad_flag"),
        (post(f"{N1}?setdefaultversionid=request", {"versionid": "v1"}), "defaultversionid_request"),
        (post(f"{N1}/versions?setdefaultversionid=request", {"v1": {}}), "defaultversionid_request"),
    ],
)  # fmt: skip
def test_setdefaultversionid_flag_request_needs_one_version_that_is_made(
    request_: Request, kind: str
) -> None:
    assert versions().refusal(request_).kind == kind


# --- "Sort Flag"


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("a_integer", ["d3", "d2", "d1"]),
        ("a_integer=asc", ["d3", "d2", "d1"]),
        ("a_integer=desc", ["d1", "d2", "d3"]),
        ("a_boolean", ["d3", "d2", "d1"]),
        ("a_string", ["d3", "d2", "d1"]),
        ("colour", ["d1", "d2", "d3"]),
        ("colour=desc", ["d3", "d2", "d1"]),
        ("place.row=desc", ["d1", "d3", "d2"]),
        ("dirid=desc", ["d3", "d2", "d1"]),
    ],
)
def test_sort_flag_orders_lowest_first_missing_ones_lowest_then_by_id(
    shared: Registry, sort: str, ids: list[str]
) -> None:
    assert list(shared.get(f"/dirs?sort={sort}")) == ids


@pytest.mark.parametrize("path", ["/", D1, N1, f"{N1}/meta", f"{N1}/versions/v1", "/model"])
def test_sort_flag_of_what_is_no_collection_is_refused(shared: Registry, path: str) -> None:
    assert shared.refusal(get(f"{path}?sort=name")).kind == "sort_noncollection"


@pytest.mark.parametrize(
    "sort", ["", "name=up", "numbers", "place", "notes.kind", "notes", "[", "a..b"]
)
def test_sort_flag_an_invalid_use_is_refused(shared: Registry, sort: str) -> None:
    assert shared.refusal(get(f"/dirs?sort={sort}&inline=notes")).kind == "bad_sort"


def test_sort_flag_pages_without_it_are_by_id() -> None:
    registry = Registry(pagination=True)
    registry.post("/dirs", {id: {} for id in ("b", "C", "a", "D")})
    assert list(registry.get("/dirs?limit=3")) == ["a", "b", "C"]


# --- "SpecVersion Flag", flags that are switched off


@pytest.mark.parametrize("version", ["1.0-rc4", "1.0-RC4", "1.0.7-rc4"])
def test_specversion_flag_the_patch_and_case_do_not_count(shared: Registry, version: str) -> None:
    assert shared.get(f"/?specversion={version}")["specversion"] == "1.0-rc4"


@pytest.mark.parametrize("version", ["1.0", "1.0-rc3", "0.5", "2.0-rc4", "1.1-rc4", "x"])
def test_specversion_flag_another_is_refused(shared: Registry, version: str) -> None:
    answer = shared.refusal(get(f"/?specversion={version}"))
    assert answer.kind == "unsupported_specversion"


@pytest.mark.parametrize(
    "query",
    ["inline=*x", "filter=[", "sort=", "specversion=9", "doc", "binary", "collections", "unknown"],
)
def test_request_flags_that_the_capabilities_do_not_have_are_ignored(query: str) -> None:
    registry = Registry(flags=[])
    registry.put(D1)
    assert registry.get(f"/dirs?{query}") == registry.get("/dirs")


def test_inline_flag_what_is_too_large_for_one_response_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = Registry()
    registry.post("/dirs", {f"d{n}": {"description": "x" * 1000} for n in range(20)})
    monkeypatch.setattr(drawing, "MAX_CHARS", 10_000)
    answer = registry.refusal(get("/?inline=dirs"))
    assert (answer.kind, answer.status) == ("too_large", 406)
    assert registry.get("/")["dirscount"] == 20


# --- core/http.md "Request Flags / Query Parameters"


@pytest.mark.parametrize(
    "query",
    [
        "sort=name&sort=epoch",
        "specversion=1.0-rc4&specversion=1.0-rc4",
    ],
)
def test_request_flags_with_one_value_are_given_once(shared: Registry, query: str) -> None:
    assert shared.refusal(get(f"/dirs?{query}")).status == 400


@pytest.mark.parametrize("query", ["INLINE=*", "Doc", "Filter=excludeall"])
def test_request_flags_are_lower_case(shared: Registry, query: str) -> None:
    assert shared.get(f"/?{query}") == shared.get("/")


# --- "xRegistry Discovery"


def test_registry_based_discovery_has_the_form_of_the_specification(shared: Registry) -> None:
    shown = shared.get("/.xregistry")
    assert set(shown) == {"registries"}
    assert all(isinstance(one, str) for one in shown["registries"])
