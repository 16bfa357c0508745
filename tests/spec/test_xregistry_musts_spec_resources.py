"""core/spec.md, "Resource Entity" to "Default Version of a Resource": its sentences, one by one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    Registry,
    Request,
    check_refused,
    check_said,
    delete,
    get,
    holds,
    model_of,
    patch,
    post,
    put,
    refused,
    said,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"


def base64_of(document: bytes) -> str:
    return base64.b64encode(document).decode()


# --- "Resource", "Version", "Resource Entity", "Resource Attributes"


@pytest.mark.parametrize("view", ["", "?doc"])
@pytest.mark.parametrize("name", ["noteid", "self", "xid", "metaurl", "versionsurl"])
def test_resource_attributes_required_ones_are_in_both_views(name: str, view: str) -> None:
    registry = Registry()
    registry.put(N1)
    assert name in registry.get(f"{N1}{view}")


@pytest.mark.parametrize(
    "path", [N1, f"{N1}/meta", f"{N1}/versions/v1", F1_META, f"{F1}/versions/v1$details"]
)
def test_version_each_resource_has_one_at_least_and_a_default_and_a_meta(path: str) -> None:
    registry = Registry()
    registry.put(path)
    resource = path.removesuffix("$details").partition("/versions")[0].removesuffix("/meta")
    details = "$details" if resource == F1 else ""
    shown = registry.get(f"{resource}{details}?inline=meta,versions")
    assert shown["versionscount"] == 1
    assert list(shown["versions"]) == [shown["meta"]["defaultversionid"]]


def test_resource_entity_reads_and_writes_are_of_the_default_version() -> None:
    registry = Registry()
    registry.put(N1, {"kind": "old", "versions": {"v1": {"kind": "one"}, "v2": {"kind": "two"}}})
    assert registry.get(N1)["kind"] == "two"
    registry.patch(N1, {"kind": "changed"})
    assert registry.get(f"{N1}/versions/v2")["kind"] == "changed"
    assert registry.get(f"{N1}/versions/v1")["kind"] == "one"
    registry.put(N1, {})
    assert "kind" not in registry.get(f"{N1}/versions/v2")
    assert registry.get(f"{N1}/versions/v1")["kind"] == "one"


def test_resource_attributes_self_and_xid_are_the_resources_own() -> None:
    registry = Registry()
    registry.put(F1, b"hello")
    holds(registry.get(F1_META), {"self": f"{BASE}{F1_META}", "xid": F1})


@pytest.mark.parametrize("path", [F1_META, N1])
def test_metaurl_attribute_is_absolute_and_leads_to_meta(path: str) -> None:
    registry = Registry()
    registry.put(path)
    shown = registry.get(path)
    assert shown["metaurl"] == f"{BASE}{shown['xid']}/meta"
    meta = registry.get(shown["metaurl"].removeprefix(BASE))
    assert meta["xid"] == f"{shown['xid']}/meta"
    registry.patch(path, {"metaurl": "https://other.example/"})
    assert registry.get(path)["metaurl"] == shown["metaurl"]


def test_metaurl_attribute_of_the_document_view_is_relative_if_meta_is_inlined() -> None:
    registry = Registry()
    registry.put(N1)
    assert registry.get(f"{N1}?doc")["metaurl"] == f"{BASE}{N1}/meta"
    assert registry.get(f"{N1}?doc&inline=meta")["metaurl"] == "#/meta"


@pytest.mark.parametrize("view", ["", "&doc"])
def test_meta_attribute_is_there_only_if_it_is_inlined(view: str) -> None:
    registry = Registry()
    registry.put(N1)
    assert "meta" in registry.get(f"{N1}?inline=meta{view}")
    assert "meta" not in registry.get(f"{N1}?inline=versions{view}")


# --- "Resource Processing Algorithm", "Creating or Updating Resources and Versions"


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said(
            "a versionid that is not in the map is created with the resource's attributes",
            put(N1, {"versionid": "v9", "kind": "k", "versions": {"v1": {}}}),
            get(f"{N1}/versions"),
            v9__kind="k",
            v1__kind=ABSENT,
        ),
        said(
            "a versionid that is in the map leaves them out",
            put(N1, {"versionid": "v1", "kind": "k", "versions": {"v1": {"size": 1}}}),
            get(f"{N1}/versions"),
            v1__kind=ABSENT,
            v1__size=1,
        ),
        said(
            "a defaultversionid that is not in the map is created with them",
            put(
                N1,
                {
                    "kind": "k",
                    "meta": {"defaultversionid": "v9", "defaultversionsticky": True},
                    "versions": {"v1": {}},
                },
            ),
            get(f"{N1}/versions"),
            v9__kind="k",
            v1__kind=ABSENT,
        ),
        said(
            "a defaultversionid that is in the map leaves them out",
            put(
                N1,
                {
                    "kind": "k",
                    "meta": {"defaultversionid": "v1", "defaultversionsticky": True},
                    "versions": {"v1": {}},
                },
            ),
            get(f"{N1}/versions"),
            v1__kind=ABSENT,
        ),
        said(
            "without versions the server makes one with them",
            put(N1, {"kind": "k"}),
            get(f"{N1}/versions"),
            **{"1__kind": "k"},
        ),
        said(
            "with an empty map the server makes one with them",
            put(N1, {"kind": "k", "versions": {}}),
            get(f"{N1}/versions"),
            **{"1__kind": "k"},
        ),
        said(
            "with versions and no hint they are left out",
            put(N1, {"kind": "k", "versions": {"v1": {}}}),
            get(f"{N1}?inline=versions"),
            versionscount=1,
            versions__v1__kind=ABSENT,
        ),
        said(
            "they are of the default version as it was before the request",
            put(N1, {"versions": {"v1": {}}}),
            put(N1, {"kind": "k", "versions": {"v2": {}}}),
            get(f"{N1}/versions"),
            v1__kind="k",
            v2__kind=ABSENT,
        ),
        said(
            "the only version becomes the default",
            put(f"{N1}/versions/only"),
            get(f"{N1}/meta"),
            defaultversionid="only",
        ),
    ],
)
def test_resource_processing_algorithm(
    requests: Sequence[Request], expected: dict[str, Any]
) -> None:
    check_said(Registry(), requests, expected)


# --- "`<RESOURCE>*` Attribute Processing", "`<RESOURCE>url` Attribute" to "`<RESOURCE>base64` …"

THREE: dict[str, Any] = {
    "file": {"a": 1},
    "filebase64": base64_of(b"bytes"),
    "fileurl": "https://a.example/doc",
}


@pytest.mark.parametrize("names", [("file", "fileurl"), ("file", "filebase64"), tuple(THREE)])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_resource_processing_only_one_of_the_three_may_be_sent(
    method: str, names: tuple[str, ...]
) -> None:
    body = {name: THREE[name] for name in names}
    assert Registry().refusal(Request(method, F1_META, body)).kind == "one_resource"


@pytest.mark.parametrize("after", THREE)
@pytest.mark.parametrize("before", THREE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_resource_processing_one_of_the_three_ends_the_others(
    method: str, before: str, after: str
) -> None:
    registry = Registry()
    registry.put(F1_META, {before: THREE[before]})
    registry.done(Request(method, F1_META, {after: THREE[after], "contenttype": None}))
    shown = registry.get(f"{F1_META}?inline=file&binary")
    documents = {"file": b'{"a":1}', "filebase64": b"bytes"}
    if after == "fileurl":
        holds(shown, {"fileurl": THREE["fileurl"], "file": ABSENT, "filebase64": ABSENT})
    else:
        holds(shown, {"fileurl": ABSENT, "file": ABSENT})
        found = base64.b64decode(shown["filebase64"])
        assert found.replace(b" ", b"").replace(b"\n", b"") == documents[after]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_resource_processing_without_any_of_them_the_document_stays(method: str) -> None:
    registry = Registry()
    registry.put(F1, b"hello", Content_Type="text/plain")
    registry.done(Request(method, F1_META, {"name": "x"}))
    assert registry.done(get(F1)).body == b"hello"


@pytest.mark.parametrize("name", THREE)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_resource_processing_null_empties_the_document(method: str, name: str) -> None:
    registry = Registry()
    registry.put(F1, b"hello")
    registry.done(Request(method, F1_META, {name: None}))
    shown = registry.get(f"{F1_META}?inline=file")
    holds(shown, {"filebase64": "", "file": ABSENT, "fileurl": ABSENT})


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said(
            "PUT with a document sets it",
            put(F1_META, {"contenttype": "text/plain", "file": "x"}),
            put(F1_META, {"file": {"a": 1}}),
            contenttype="application/json",
        ),
        said(
            "PUT with a document and a contenttype keeps that",
            put(F1_META, {"contenttype": "text/plain", "file": "x"}),
            contenttype="text/plain",
        ),
        said(
            "PATCH with a document keeps the present one",
            put(F1_META, {"contenttype": "text/plain", "file": "x"}),
            patch(F1_META, {"file": {"a": 1}}),
            contenttype="text/plain",
        ),
        said(
            "PATCH with a document sets it where there is none",
            put(F1_META),
            patch(F1_META, {"file": {"a": 1}}),
            contenttype="application/json",
        ),
        said(
            "PATCH with base64 sets it where there is none",
            put(F1_META),
            patch(F1_META, {"filebase64": base64_of(b"{}")}),
            contenttype="application/json",
        ),
    ],
)
def test_resource_processing_contenttype(
    requests: Sequence[Request], expected: dict[str, Any]
) -> None:
    check_said(Registry(), requests, expected)


DOCUMENTS = [
    ("application/json", b'{"a": 1}', "file", {"a": 1}),
    ("application/json", b"", "filebase64", ""),
    ("application/json", b"{broken", "filebase64", base64_of(b"{broken")),
    ("application/vnd.x+json; charset=utf-8", b"[1]", "file", [1]),
    ("text/plain", b"hello", "file", "hello"),
    ("text/plain", b"\xff\xfe", "filebase64", base64_of(b"\xff\xfe")),
    ("image/png", b"\x89PNG", "filebase64", base64_of(b"\x89PNG")),
    ("", b"hello", "filebase64", base64_of(b"hello")),
]


@pytest.mark.parametrize(("contenttype", "document", "name", "value"), DOCUMENTS)
def test_resource_attribute_is_used_where_the_document_is_of_the_format_else_base64(
    contenttype: str, document: bytes, name: str, value: Any
) -> None:
    registry = Registry()
    registry.put(F1, document, **({"Content_Type": contenttype} if contenttype else {}))
    shown = registry.get(f"{F1_META}?inline=file")
    other = "file" if name == "filebase64" else "filebase64"
    holds(shown, {name: value, other: ABSENT, "fileurl": ABSENT})
    assert registry.done(get(F1)).body == document


@pytest.mark.parametrize("view", ["", "?doc", "?inline=versions", "?inline=meta"])
def test_resource_base64_attribute_is_there_only_if_it_is_inlined(view: str) -> None:
    registry = Registry()
    registry.put(F1, b"{}", Content_Type="application/json")
    holds(registry.get(f"{F1_META}{view}"), {"file": ABSENT, "filebase64": ABSENT})


def test_resource_base64_attribute_is_kept_byte_for_byte() -> None:
    registry = Registry()
    document = bytes(range(256))
    registry.put(F1_META, {"filebase64": base64_of(document)})
    assert registry.done(get(F1)).body == document


@pytest.mark.parametrize("text", ["!", "a", 5, "YQ", ["YQ=="]])
def test_resource_base64_attribute_is_base64(text: Any) -> None:
    answer = Registry().refusal(put(F1_META, {"filebase64": text}))
    assert answer.status == 400


def test_resource_url_attribute_always_appears() -> None:
    registry = Registry()
    registry.put(F1_META, {"fileurl": "https://a.example/doc"})
    for path in (F1_META, f"{F1_META}?inline=file", f"{F1}/versions/1$details", f"{F1_META}?doc"):
        if "doc" not in path:
            assert registry.get(path)["fileurl"] == "https://a.example/doc"
    shown = registry.get(f"{F1_META}?doc&inline=versions")
    assert shown["versions"]["1"]["fileurl"] == "https://a.example/doc"


@pytest.mark.parametrize("name", ["note", "notebase64", "noteurl"])
def test_resource_url_attribute_is_not_there_where_there_are_no_documents(name: str) -> None:
    registry = Registry()
    registry.put(N1)
    assert name not in registry.get(f"{N1}?inline=*")


# --- "Meta Entity" and its attributes

META = (
    "noteid", "self", "xid", "epoch", "createdat", "modifiedat", "readonly", "defaultversionid",
    "defaultversionurl", "defaultversionsticky",
)  # fmt: skip


@pytest.mark.parametrize("view", ["", "?doc"])
@pytest.mark.parametrize("name", META)
def test_meta_entity_required_attributes_are_in_both_views(name: str, view: str) -> None:
    registry = Registry()
    registry.put(N1)
    assert name in registry.get(f"{N1}/meta{view}")


def test_meta_entity_self_and_xid_are_its_own() -> None:
    registry = Registry()
    registry.put(N1)
    holds(registry.get(f"{N1}/meta"), {"self": f"{BASE}{N1}/meta", "xid": f"{N1}/meta"})


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_meta_entity_cannot_be_deleted(method: str) -> None:
    registry = Registry()
    registry.put(N1)
    answer = registry.refusal(Request(method, f"{N1}/meta", {}))
    assert answer.kind == "action_not_supported"
    assert answer.status == 405


def test_meta_entity_its_epoch_moves_with_meta_and_versions_but_not_with_their_attributes() -> None:
    registry = Registry()
    registry.put(f"{N1}/versions/v1")
    first = registry.get(f"{N1}/meta")["epoch"]
    registry.patch(f"{N1}/versions/v1", {"kind": "k"})
    registry.patch(N1, {"kind": "l"})
    assert registry.get(f"{N1}/meta")["epoch"] == first
    registry.patch(f"{N1}/meta", {"labels": {"a": "b"}})
    second = registry.get(f"{N1}/meta")["epoch"]
    registry.put(f"{N1}/versions/v2")
    third = registry.get(f"{N1}/meta")["epoch"]
    registry.delete(f"{N1}/versions/v2")
    assert first < second < third < registry.get(f"{N1}/meta")["epoch"]


def test_meta_entity_its_attributes_are_not_a_versions_and_theirs_are_not_its() -> None:
    registry = Registry()
    registry.put(F1_META, {"kind": "k", "meta": {"owner": "o"}})
    holds(registry.get(F1_META), {"owner": ABSENT, "kind": "k"})
    holds(registry.get(f"{F1}/meta"), {"owner": "o", "kind": ABSENT})


@pytest.mark.parametrize("value", [True, "true", None, 5])
def test_readonly_attribute_is_not_for_clients_and_false_by_default(value: Any) -> None:
    registry = Registry()
    registry.put(N1, {"meta": {"readonly": value}})
    assert registry.get(f"{N1}/meta")["readonly"] is False
    registry.put(N1, {"kind": "can be written still"})


def frozen() -> Registry:
    """A registry whose n1 is read-only, and n2 is not."""
    registry = Registry()
    registry.post(f"{D1}/notes", {"n1": {}, "n2": {}})
    answer = registry.answer(patch(f"{N1}/meta", {"readonly": True}), admin=True)
    assert answer.json["readonly"] is True
    return registry


WRITES = [
    put(N1), patch(N1), post(N1), delete(N1), put(f"{N1}/meta"), patch(f"{N1}/meta"),
    put(f"{N1}/versions/1"), patch(f"{N1}/versions/1"), delete(f"{N1}/versions/1"),
    post(f"{N1}/versions", {"v2": {}}), delete(f"{N1}/versions"),
]  # fmt: skip
AROUND = [
    post(f"{D1}/notes", {"n1": {}}), patch(f"{D1}/notes", {"n1": {}}), delete(f"{D1}/notes"),
    delete(f"{D1}/notes", {"n1": {}}), delete(D1), delete("/dirs"), put(D1, {"notes": {"n1": {}}}),
]  # fmt: skip


@pytest.mark.parametrize("request_", [*WRITES, *AROUND], ids=lambda one: f"{one.method} {one.path}")
def test_readonly_attribute_such_resources_are_not_written(request_: Request) -> None:
    assert frozen().refusal(request_).kind == "readonly"


@pytest.mark.parametrize("request_", WRITES, ids=lambda one: f"{one.method} {one.path}")
def test_readonly_attribute_ignored_of_the_one_resource_of_a_request_is_a_bad_flag(
    request_: Request,
) -> None:
    path = f"{request_.path}?ignore=readonly"
    answer = frozen().refusal(Request(request_.method, path, request_.body))
    assert answer.kind == "bad_flag"


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        (post(f"{D1}/notes?ignore=readonly", {"n1": {"kind": "x"}, "n3": {}}), ["n1", "n2", "n3"]),
        (patch(f"{D1}?ignore=readonly", {"notes": {"n1": {"kind": "x"}}}), ["n1", "n2"]),
        (delete(f"{D1}/notes?ignore=readonly", {"n1": {}, "n2": {}}), ["n1"]),
        (delete(f"{D1}/notes?ignore=readonly"), ["n1"]),
    ],
)
def test_readonly_attribute_ignored_such_resources_are_as_if_they_were_not_sent(
    request_: Request, left: list[str]
) -> None:
    registry = frozen()
    before = registry.get(f"{N1}?inline=*")
    registry.done(request_)
    assert list(registry.get(f"{D1}/notes")) == left
    assert registry.get(f"{N1}?inline=*") == before


@pytest.mark.parametrize("value", ["true", "True", 1, [], {}])
def test_defaultversionsticky_attribute_is_true_or_false(value: Any) -> None:
    answer = Registry().refusal(put(N1, {"meta": {"defaultversionsticky": value}}))
    assert answer.kind == "invalid_attribute"


def versioned(*ids: str) -> Registry:
    """A registry with versions of n1, of which the last is the newest."""
    registry = Registry()
    for id in ids or ("v1", "v2"):
        registry.put(f"{N1}/versions/{id}", {"kind": id})
    return registry


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said("false by default", get(f"{N1}/meta"), defaultversionsticky=False),
        said(
            "null is false",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            patch(f"{N1}/meta", {"defaultversionsticky": None}),
            defaultversionsticky=False,
            defaultversionid="v2",
        ),
        said(
            "PATCH of an id alone makes it sticky",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            defaultversionsticky=True,
            defaultversionid="v1",
        ),
        said(
            "PATCH of null alone makes it the newest",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            patch(f"{N1}/meta", {"defaultversionid": None}),
            defaultversionsticky=False,
            defaultversionid="v2",
        ),
        said(
            "PUT of sticky alone takes the newest",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            put(f"{N1}/meta", {"defaultversionsticky": True}),
            defaultversionsticky=True,
            defaultversionid="v2",
        ),
        said(
            "PATCH of sticky alone takes the newest where it was false",
            patch(f"{N1}/meta", {"defaultversionsticky": True}),
            defaultversionsticky=True,
            defaultversionid="v2",
        ),
        said(
            "PATCH of sticky alone keeps it where it was true",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            patch(f"{N1}/meta", {"defaultversionsticky": True}),
            defaultversionid="v1",
        ),
        said(
            "an id is ignored where sticky is false",
            put(f"{N1}/meta", {"defaultversionid": "nobody", "defaultversionsticky": False}),
            defaultversionid="v2",
        ),
        said(
            "PUT of an id without sticky is ignored",
            put(f"{N1}/meta", {"defaultversionid": "v1"}),
            defaultversionsticky=False,
            defaultversionid="v2",
        ),
        said(
            "a sticky one stays when versions come",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            put(f"{N1}/versions/v3"),
            get(f"{N1}/meta"),
            defaultversionid="v1",
        ),
        said(
            "one that is not sticky is the newest",
            put(f"{N1}/versions/v3"),
            get(f"{N1}/meta"),
            defaultversionid="v3",
        ),
        said(
            "a sticky one that is deleted gives way to the newest",
            patch(f"{N1}/meta", {"defaultversionid": "v1"}),
            delete(f"{N1}/versions/v1"),
            get(f"{N1}/meta"),
            defaultversionid="v2",
            defaultversionsticky=False,
        ),
    ],
)
def test_defaultversionid_attribute(requests: Sequence[Request], expected: dict[str, Any]) -> None:
    check_said(versioned(), requests, expected)


@pytest.mark.parametrize(
    "request_",
    [
        patch(f"{N1}/meta", {"defaultversionid": "nobody"}),
        patch(f"{N1}/meta", {"defaultversionid": "V1"}),
        put(f"{N1}/meta", {"defaultversionid": "nobody", "defaultversionsticky": True}),
        patch(N1, {"meta": {"defaultversionid": "nobody"}}),
    ],
)
def test_defaultversionid_attribute_of_what_is_not_there_is_an_error(request_: Request) -> None:
    assert versioned().refusal(request_).kind == "unknown_id"


def test_defaultversionid_attribute_may_name_a_version_of_the_same_request() -> None:
    registry = versioned()
    body = {"meta": {"defaultversionid": "v0"}, "versions": {"v0": {}, "v9": {}}}
    registry.patch(N1, body)
    assert registry.get(f"{N1}/meta")["defaultversionid"] == "v0"


def test_defaultversionid_attribute_a_change_alone_touches_meta_only() -> None:
    registry = versioned()
    before = registry.get(f"{N1}?inline=meta,versions")
    registry.patch(f"{N1}/meta", {"defaultversionid": "v1"})
    after = registry.get(f"{N1}?inline=meta,versions")
    for id in ("v1", "v2"):
        for name in ("epoch", "modifiedat"):
            assert after["versions"][id][name] == before["versions"][id][name]
    assert after["meta"]["epoch"] > before["meta"]["epoch"]
    assert after["meta"]["modifiedat"] == registry.now


@pytest.mark.parametrize("path", [F1_META, N1])
def test_defaultversionurl_attribute_is_the_self_of_the_default_version(path: str) -> None:
    registry = Registry()
    registry.put(path, {"versions": {"v1": {}, "v2": {}}})
    shown = registry.get(f"{path}?inline=meta,versions")
    assert shown["meta"]["defaultversionurl"] == shown["versions"]["v2"]["self"]
    assert shown["meta"]["defaultversionurl"].endswith("$details") == (path == F1_META)
    registry.patch(f"{shown['xid']}/meta", {"defaultversionurl": "https://other.example"})
    assert registry.get(f"{path}?inline=meta")["meta"]["defaultversionurl"].startswith(BASE)


def test_defaultversionurl_attribute_of_the_document_view() -> None:
    registry = versioned()
    assert registry.get(f"{N1}?doc&inline=meta")["meta"]["defaultversionurl"].startswith(BASE)
    inlined = registry.get(f"{N1}?doc&inline=meta,versions")
    assert inlined["meta"]["defaultversionurl"] == "#/versions/v2"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_defaultversionsticky_attribute_is_not_true_where_maxversions_is_one(method: str) -> None:
    registry = Registry(model_of({"maxversions": 1}))
    body = {"meta": {"defaultversionsticky": True}}
    answer = registry.refusal(Request(method, F1, body))
    assert answer.kind == "setdefaultversionsticky_false"


# --- "Version Entity" and its attributes


@pytest.mark.parametrize("view", ["", "?doc"])
@pytest.mark.parametrize(
    "name",
    [
        "noteid", "versionid", "self", "xid", "epoch", "createdat", "modifiedat", "isdefault",
        "ancestorid",
    ],
)  # fmt: skip
def test_version_entity_required_attributes_are_in_both_views(name: str, view: str) -> None:
    assert name in versioned().get(f"{N1}/versions/v1{view}")


def test_version_entity_ids_urls_and_epoch_are_its_own() -> None:
    registry = versioned()
    registry.patch(f"{N1}/versions/v2")
    xid = f"{N1}/versions/v2"
    expected = {"noteid": "n1", "self": f"{BASE}{xid}", "xid": xid, "epoch": 2}
    holds(registry.get(xid), expected)


@pytest.mark.parametrize("id", ["null", "request"])
def test_versionid_attribute_reserved_words_are_refused(id: str) -> None:
    assert Registry().refusal(put(f"{N1}/versions/{id}")).status == 400
    assert Registry().refusal(put(N1, {"versionid": id})).status == 400
    assert Registry().refusal(put(N1, {"versions": {id: {}}})).status == 400


def test_versionid_attribute_of_a_resource_is_the_default_versions() -> None:
    registry = versioned()
    assert registry.refusal(patch(N1, {"versionid": "v1"})).kind == "mismatched_id"
    registry.patch(N1, {"versionid": "v2", "kind": "k"})
    assert registry.get(f"{N1}/versions/v2")["kind"] == "k"


def test_isdefault_attribute_is_of_one_version_and_read_only() -> None:
    registry = versioned()
    registry.patch(f"{N1}/versions/v1", {"isdefault": True})
    shown = registry.get(f"{N1}/versions")
    assert {id: one["isdefault"] for id, one in shown.items()} == {"v1": False, "v2": True}


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        said("the first is its own", get(f"{N1}/versions/v1"), ancestorid="v1"),
        said("the next has the newest one", get(f"{N1}/versions/v2"), ancestorid="v1"),
        said(
            "absent it stays",
            put(f"{N1}/versions/v3", {"ancestorid": "v1"}),
            put(f"{N1}/versions/v3", {}),
            ancestorid="v1",
        ),
        said(
            "request is the version itself",
            post(N1, {"ancestorid": "request"}),
            ancestorid="1",
            versionid="1",
        ),
        said(
            "of a deleted one it is the version itself",
            delete(f"{N1}/versions/v1"),
            get(f"{N1}/versions/v2"),
            ancestorid="v2",
        ),
    ],
)
def test_ancestorid_attribute(requests: Sequence[Request], expected: dict[str, Any]) -> None:
    check_said(versioned(), requests, expected)


@pytest.mark.parametrize(
    ("requests", "kind", "subject"),
    [
        refused(
            "of what is not there",
            put(f"{N1}/versions/v3", {"ancestorid": "nobody"}),
            kind="unknown_id",
        ),
        refused(
            "of another case",
            put(f"{N1}/versions/v3", {"ancestorid": "V1"}),
            kind="unknown_id",
        ),
        refused(
            "a circle of two",
            patch(f"{N1}/versions/v1", {"ancestorid": "v2"}),
            kind="ancestor_circular_reference",
        ),
        refused(
            "a circle in one request",
            patch(N1, {"versions": {"a": {"ancestorid": "b"}, "b": {"ancestorid": "a"}}}),
            kind="ancestor_circular_reference",
        ),
    ],
)
def test_ancestorid_attribute_refused(
    requests: Sequence[Request], kind: str, subject: str | None
) -> None:
    check_refused(versioned(), requests, kind, subject)


@pytest.mark.parametrize(
    "request_",
    [patch(f"{N1}/versions/v2", {"ancestorid": "v2"}), delete(f"{N1}/versions/v1")],
    ids=["by a request", "by what became of another version"],
)
def test_ancestorid_attribute_a_change_is_an_update_of_the_version(request_: Request) -> None:
    registry = versioned()
    before = registry.get(f"{N1}/versions/v2")
    registry.done(request_)
    after = registry.get(f"{N1}/versions/v2")
    assert after["epoch"] > before["epoch"]
    assert after["modifiedat"] == registry.now


# --- "Version IDs", "Default Version of a Resource"


def test_version_ids_begin_at_1_and_go_on_from_the_highest() -> None:
    registry = Registry()
    registry.put(N1)
    assert registry.post(N1, {}).json["versionid"] == "2"
    registry.delete(f"{N1}/versions/2")
    assert registry.post(N1, {}).json["versionid"] == "3"


def test_version_ids_that_are_there_are_passed_over() -> None:
    registry = Registry()
    registry.put(N1)
    registry.put(f"{N1}/versions/2")
    registry.put(f"{N1}/versions/3")
    assert registry.post(N1, {}).json["versionid"] == "4"


def test_version_ids_are_counted_in_each_resource() -> None:
    registry = Registry()
    for id in ("n1", "n2"):
        registry.put(f"{D1}/notes/{id}")
        assert registry.post(f"{D1}/notes/{id}", {}).json["versionid"] == "2"


# --- "`format` Attribute" to "`compatibilityvalidatedreason` Attribute", "`compatibility` Attribute"

CHECKED = {
    "hasdocument": True,
    "validateformat": True,
    "validatecompatibility": True,
    "attributes": {"*": {"type": "string"}},
}
STRICT = {**CHECKED, "strictvalidation": True}
UNCHECKED = {**CHECKED, "validateformat": False, "validatecompatibility": False}
BACKWARD = {"meta": {"compatibility": "backward"}}


def numbers(document: str, **more: Any) -> dict[str, Any]:
    return {"format": "numbers", "contenttype": "text/plain", "file": document, **more}


REASONS = ("formatvalidatedreason", "compatibilityvalidatedreason")
MARKS = ("formatvalidated", "compatibilityvalidated")
NO_MARKS = dict.fromkeys((*MARKS, *REASONS), ABSENT)

FORMATS = [
    pytest.param(
        CHECKED, numbers("1 2"), {**NO_MARKS, "formatvalidated": True}, id="of its format"
    ),
    pytest.param(
        CHECKED,
        numbers("1 2", format="NUMBERS"),
        {**NO_MARKS, "formatvalidated": True},
        id="of its format in another case",
    ),
    pytest.param(
        CHECKED, {"format": "other", "file": "x"}, {"formatvalidated": False}, id="unknown format"
    ),
    pytest.param(
        CHECKED,
        {"format": "numbers", "fileurl": "https://a.example/doc"},
        {"formatvalidated": False},
        id="document elsewhere",
    ),
    pytest.param(CHECKED, {"file": "not numbers"}, NO_MARKS, id="no format"),
    pytest.param(UNCHECKED, numbers("no numbers"), NO_MARKS, id="validateformat is false"),
    pytest.param(
        CHECKED,
        numbers("1 2", **BACKWARD),
        {**dict.fromkeys(REASONS, ABSENT), **dict.fromkeys(MARKS, True)},
        id="with a compatibility",
    ),
    pytest.param(
        CHECKED,
        {"format": "other", "file": "x", **BACKWARD},
        dict.fromkeys(MARKS, False),
        id="unknown format with a compatibility",
    ),
    pytest.param(
        CHECKED,
        numbers("1", meta={"compatibility": "full_transitive"}),
        {"formatvalidated": True, "compatibilityvalidated": False},
        id="unknown compatibility",
    ),
    pytest.param(
        CHECKED, {"file": "not numbers", **BACKWARD}, NO_MARKS, id="compatibility without format"
    ),
    pytest.param(UNCHECKED, numbers("x", **BACKWARD), NO_MARKS, id="compatibility is not checked"),
]


@pytest.mark.parametrize(("aspects", "body", "expected"), FORMATS)
def test_formatvalidated_attribute_and_its_neighbours(
    aspects: dict[str, Any], body: Any, expected: dict[str, Any]
) -> None:
    registry = Registry(model_of(aspects))
    registry.put(F1_META, body)
    shown = registry.get(F1_META)
    holds(shown, expected)
    for mark, reason in zip(MARKS, REASONS, strict=True):
        # A reason is there exactly where something was not checked.
        assert bool(shown.get(reason)) == (shown.get(mark) is False)


@pytest.mark.parametrize(
    ("aspects", "body", "kind"),
    [
        pytest.param(CHECKED, numbers("1 x"), "format_violation", id="none of its format"),
        pytest.param(STRICT, numbers("1 x"), "format_violation", id="strict: none of its format"),
        pytest.param(
            STRICT, {"format": "other", "file": "x"}, "format_unknown", id="strict: unknown format"
        ),
        pytest.param(
            STRICT,
            {"format": "numbers", "fileurl": "https://a.example/doc"},
            "format_external",
            id="strict: document elsewhere",
        ),
        pytest.param(
            STRICT,
            numbers("1", meta={"compatibility": "full_transitive"}),
            "compatibility_unknown",
            id="strict: unknown compatibility",
        ),
        pytest.param(CHECKED, {"format": ""}, "invalid_attribute", id="empty format"),
        pytest.param(
            CHECKED, {"meta": {"compatibility": ""}}, "invalid_attribute", id="empty compatibility"
        ),
        pytest.param(
            CHECKED,
            {"versions": {"v1": numbers("1 2"), "v2": numbers("1")}, **BACKWARD},
            "compatibility_violation",
            id="incompatible versions",
        ),
        pytest.param(
            STRICT,
            {"versions": {"v1": numbers("1 2"), "v2": numbers("1")}, **BACKWARD},
            "compatibility_violation",
            id="strict: incompatible versions",
        ),
    ],
)
def test_formatvalidated_attribute_what_is_refused(
    aspects: dict[str, Any], body: Any, kind: str
) -> None:
    assert Registry(model_of(aspects)).refusal(put(F1_META, body)).kind == kind


def test_formatvalidated_attribute_an_empty_document_is_checked_alike_however_it_is_empty() -> None:
    empty: list[dict[str, Any]] = [{}, {"file": None}, {"filebase64": ""}]
    found = []
    for body in empty:
        registry = Registry(model_of(CHECKED))
        registry.put(F1_META, {"format": "numbers", **body})
        found.append(registry.get(F1_META)["formatvalidated"])
    registry = Registry(model_of({**CHECKED, "hasdocument": False}))
    registry.put(F1, {"format": "numbers"})
    assert [*found, registry.get(F1)["formatvalidated"]] == [True] * 4


def test_compatibility_attribute_the_lineage_says_what_is_compared() -> None:
    registry = Registry(model_of(CHECKED))
    registry.put(F1_META, {"versions": {"v1": numbers("1"), "v2": numbers("1 2")}, **BACKWARD})
    branch = f"{F1}/versions/v3$details"
    assert registry.refusal(put(branch, numbers("1 3"))).kind == "compatibility_violation"
    registry.put(branch, numbers("1 3", ancestorid="v1"))


def test_compatibility_attribute_a_change_is_applied_to_all_versions() -> None:
    registry = Registry(model_of(CHECKED))
    registry.put(F1_META, {"versions": {"v1": numbers("1 2"), "v2": numbers("1")}})
    change = patch(f"{F1}/meta", {"compatibility": "BACKWARD"})
    assert registry.refusal(change).kind == "compatibility_violation"
    registry.patch(f"{F1}/meta", {"compatibility": "Forward"})
    shown = registry.get(f"{F1}/versions")
    assert [one["compatibilityvalidated"] for one in shown.values()] == [True, True]


def test_compatibility_attribute_without_one_nothing_is_compared() -> None:
    registry = Registry(model_of(CHECKED))
    registry.put(F1_META, {"versions": {"v1": numbers("1 2"), "v2": numbers("1")}})
    assert "compatibilityvalidated" not in registry.get(F1_META)


def test_format_attribute_marks_that_the_server_sets_are_no_update_of_the_version() -> None:
    registry = Registry(model_of(CHECKED))
    registry.put(F1_META, numbers("1"))
    before = registry.get(F1_META)
    registry.patch(f"{F1}/meta", {"compatibility": "backward"})
    after = registry.get(F1_META)
    assert after["compatibilityvalidated"] is True
    assert (after["epoch"], after["modifiedat"]) == (before["epoch"], before["modifiedat"])


def test_resource_metadata_vs_document_both_views_are_of_one_version() -> None:
    registry = Registry()
    registry.put(F1, b"hello", Content_Type="text/plain", xRegistry_kind="k")
    holds(registry.get(F1_META), {"kind": "k", "contenttype": "text/plain"})
    assert registry.done(get(F1)).header("xregistry-kind") == "k"
