"""core/http.md, documents and their headers: "Resource Metadata vs Resource Document" and what follows."""

from __future__ import annotations

import pytest

from tests.spec.xregistry_client import BASE
from tests.spec.xregistry_musts import (
    ABSENT,
    Registry,
    Request,
    get,
    holds,
    model_of,
    patch,
    put,
)

D1, F1, N1 = "/dirs/d1", "/dirs/d1/files/f1", "/dirs/d1/notes/n1"
F1_META = f"{F1}$details"
V1 = f"{F1}/versions/v1"


def a_document(**headers: str) -> Registry:
    registry = Registry()
    registry.put(V1, b"\x00hello\xff", **headers)
    return registry


# --- "Resource Metadata vs Resource Document"


@pytest.mark.parametrize("path", [F1, V1])
def test_resource_metadata_vs_document_details_is_the_metadata_without_it_the_document(
    path: str,
) -> None:
    registry = a_document()
    assert registry.done(get(path)).body == b"\x00hello\xff"
    assert registry.get(f"{path}$details")["fileid"] == "f1"


@pytest.mark.parametrize(
    "path",
    [
        "/$details",
        "/dirs$details",
        f"{D1}$details",
        f"{D1}/files$details",
        f"{F1}/meta$details",
        f"{F1}/versions$details",
        "/model$details",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_resource_metadata_vs_document_details_of_another_entity_is_refused(
    method: str, path: str
) -> None:
    assert a_document().refusal(Request(method, path, {})).kind == "bad_details"


@pytest.mark.parametrize("path", [N1, f"{N1}/versions/1"])
def test_resource_metadata_vs_document_details_means_nothing_without_documents(path: str) -> None:
    registry = Registry()
    registry.put(f"{N1}$details", {"kind": "k"})
    shown = registry.get(f"{path}$details")
    assert shown == registry.get(path)
    assert "$" not in str(registry.get(f"{N1}$details?inline=*"))
    assert registry.put(f"{path}$details", {"kind": "l"}).json["self"] == f"{BASE}{path}"


@pytest.mark.parametrize("path", [F1, V1])
@pytest.mark.parametrize("suffix", ["", "$details"])
def test_self_attribute_has_details_in_a_body_whatever_the_request_had(
    path: str, suffix: str
) -> None:
    registry = a_document()
    assert registry.get(f"{path}$details")["self"] == f"{BASE}{path}$details"
    assert registry.get(f"{D1}/files?inline=versions")["f1"]["self"] == f"{BASE}{F1}$details"
    answer = registry.done(Request("PUT", f"{path}{suffix}", b"{}"))
    if suffix:
        assert answer.json["self"] == f"{BASE}{path}$details"


# --- "Serializing Resource Domain-Specific Documents"


@pytest.mark.parametrize("document", [b"", b"x", bytes(range(256)), b"\r\n\r\n", b'{"a": 1.0}'])
@pytest.mark.parametrize("path", [F1, V1])
def test_serializing_documents_the_body_is_their_exact_bytes(path: str, document: bytes) -> None:
    registry = Registry()
    assert registry.put(path, document).body == document
    assert registry.done(get(path)).body == document


def test_serializing_documents_of_a_resource_have_these_headers() -> None:
    registry = a_document(Content_Type="text/plain", xRegistry_name="One")
    answer = registry.done(get(F1))
    expected = {
        "content-type": "text/plain",
        "xregistry-fileid": "f1",
        "xregistry-versionid": "v1",
        "xregistry-self": f"{BASE}{F1}",
        "xregistry-xid": F1,
        "xregistry-epoch": "1",
        "xregistry-name": "One",
        "xregistry-isdefault": "true",
        "xregistry-createdat": "2030-01-01T00:00:01Z",
        "xregistry-modifiedat": "2030-01-01T00:00:01Z",
        "xregistry-ancestorid": "v1",
        "xregistry-metaurl": f"{BASE}{F1}/meta",
        "xregistry-versionsurl": f"{BASE}{F1}/versions",
        "xregistry-versionscount": "1",
        "xregistry-meta": None,
        "xregistry-versions": None,
        "xregistry-file": None,
        "xregistry-filebase64": None,
        "xregistry-contenttype": None,
        "content-disposition": "f1",
        "location": None,
    }
    assert {name: answer.header(name) for name in expected} == expected


def test_serializing_documents_of_a_version_have_no_headers_of_the_resource() -> None:
    answer = a_document().done(get(V1))
    expected = {
        "xregistry-fileid": "f1",
        "xregistry-versionid": "v1",
        "xregistry-self": f"{BASE}{V1}",
        "xregistry-xid": V1,
        "xregistry-metaurl": None,
        "xregistry-versionsurl": None,
        "xregistry-versionscount": None,
        "content-disposition": "f1",
    }
    assert {name: answer.header(name) for name in expected} == expected


def test_serializing_documents_content_location_is_the_default_version() -> None:
    registry = a_document()
    registry.put(f"{F1}/versions/v2$details")
    answer = registry.done(get(F1))
    assert (
        (answer.header("content-location") or "")
        .removesuffix("$details")
        .endswith(f"{F1}/versions/v2")
    )


def test_serializing_documents_scalars_and_maps_of_them_are_headers_others_not() -> None:
    registry = a_document()
    body = {
        "kind": "k",
        "size": 5,
        "tags": ["a"],
        "box": {"width": 1},
        "marks": {"a.b": "c", "d": ""},
        "labels": {"e": "f"},
    }
    registry.put(F1_META, body)
    answer = registry.done(get(F1))
    expected = {
        "xregistry-kind": "k",
        "xregistry-size": "5",
        "xregistry-marks.a.b": "c",
        "xregistry-marks.d": "",
        "xregistry-labels.e": "f",
        "xregistry-tags": None,
        "xregistry-box": None,
        "xregistry-marks": None,
        "xregistry-box.width": None,
    }
    assert {name: answer.header(name) for name in expected} == expected


def test_serializing_documents_headers_that_are_not_sent_change_nothing() -> None:
    registry = Registry()
    registry.put(F1_META, {"kind": "k", "name": "n", "labels": {"a": "b"}, "tags": ["t"]})
    registry.put(F1, b"x", xRegistry_name="m")
    expected = {"kind": "k", "name": "m", "labels": {"a": "b"}, "tags": ["t"]}
    holds(registry.get(F1_META), expected)


def test_serializing_documents_null_deletes_and_is_case_sensitive() -> None:
    registry = Registry()
    registry.put(F1_META, {"kind": "k", "name": "n"})
    registry.put(F1, b"x", xRegistry_name="null", xRegistry_kind="NULL")
    holds(registry.get(F1_META), {"name": ABSENT, "kind": "NULL"})


def test_serializing_documents_a_map_is_sent_in_its_entirety() -> None:
    registry = Registry()
    registry.put(F1_META, {"labels": {"a": "1", "b": "2"}, "marks": {"c": "3"}})
    registry.done(
        Request("PUT", F1, b"x", {"xRegistry-labels.b": "4", "xRegistry-labels.x.y": "5"})
    )
    holds(registry.get(F1_META), {"labels": {"b": "4", "x.y": "5"}, "marks": {"c": "3"}})


@pytest.mark.parametrize("path", [F1, V1])
def test_contenttype_attribute_is_the_content_type_and_is_erased_without_it(path: str) -> None:
    registry = Registry()
    registry.put(path, b"x", Content_Type="text/plain; charset=utf-8")
    assert registry.get(f"{path}$details")["contenttype"] == "text/plain; charset=utf-8"
    assert registry.done(get(path)).header("content-type") == "text/plain; charset=utf-8"
    registry.put(path, b"y")
    assert "contenttype" not in registry.get(f"{path}$details")


def test_serializing_documents_headers_are_of_the_models_types() -> None:
    registry = Registry()
    registry.put(F1, b"x", xRegistry_size="5")
    assert registry.get(F1_META)["size"] == 5
    assert registry.refusal(put(F1, b"x", xRegistry_size="five")).kind == "invalid_attribute"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("xRegistry-other", "unknown_attribute"),
        ("xRegistry-epoch", "mismatched_epoch"),
        ("xRegistry-fileid", "mismatched_id"),
        ("xRegistry-versionid", "mismatched_id"),
    ],
)
def test_serializing_documents_headers_are_checked_as_attributes_are(
    header: str, kind: str
) -> None:
    registry = a_document()
    value = "99" if header == "xRegistry-epoch" else "wrong"
    assert registry.refusal(Request("PUT", V1, b"x", {header: value})).kind == kind


SIBLINGS = model_of(
    {
        "hasdocument": True,
        "attributes": {
            "kind": {
                "type": "string",
                "ifvalues": {"a": {"siblingattributes": {"tag": {"type": "string"}}}},
            }
        },
    }
)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"xRegistry-other": "x", "xRegistry-other.key": "y"}, "unknown_attribute"),
        ({"xRegistry-other.key": "y", "xRegistry-other": "x"}, "unknown_attribute"),
        ({"xRegistry-kind": "a", "xRegistry-kind.key": "y"}, "header_error"),
        ({"xRegistry-kind": "a", "xRegistry-tag": "x", "xRegistry-tag.key": "y"}, "header_error"),
    ],
)
def test_serializing_documents_what_the_model_does_not_know_is_unknown_however_it_is_sent(
    headers: dict[str, str], kind: str
) -> None:
    assert Registry(SIBLINGS).refusal(Request("PUT", F1, b"x", headers)).kind == kind


# --- "GET …/<RID>", "GET …/<VID>": documents elsewhere


@pytest.mark.parametrize("path", [F1, V1])
def test_get_a_document_elsewhere_is_303_to_it_without_a_body(path: str) -> None:
    registry = Registry()
    url = "https://a.example/doc?x=1"
    registry.put(f"{V1}$details", {"fileurl": url, "name": "n"})
    answer = registry.done(get(path))
    assert (answer.status, answer.body) == (303, b"")
    assert answer.header("location") == answer.header("xregistry-fileurl") == url
    assert answer.header("xregistry-name") == "n"


@pytest.mark.parametrize("path", [F1_META, f"{V1}$details"])
def test_get_metadata_content_location_is_the_version(path: str) -> None:
    answer = a_document().done(get(path))
    found = answer.header("content-location")
    assert found is None or found.removesuffix("$details").endswith(V1)


@pytest.mark.parametrize("path", [F1, F1_META, V1, f"{V1}$details", N1])
def test_get_what_is_not_there_is_404(path: str) -> None:
    assert Registry().refusal(get(path)).status == 404


# --- "HTTP Header Values"

ENCODED = [
    ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
    ('quote " end', "quote%20%22%20end"),
    ("100%", "100%25"),
    ("a\tb", "a%09b"),
    ("plain!#$&'*+-.^_`|~", "plain!#$&'*+-.^_`|~"),
    ("\x7f", "%7F"),
    ("", ""),
]


@pytest.mark.parametrize(("value", "header"), ENCODED)
def test_http_header_values_are_percent_encoded(value: str, header: str) -> None:
    registry = Registry()
    registry.put(F1_META, {"kind": value})
    assert registry.done(get(F1)).header("xregistry-kind") == header


@pytest.mark.parametrize(("value", "header"), ENCODED)
def test_http_header_values_are_decoded(value: str, header: str) -> None:
    registry = Registry()
    registry.put(F1, b"", xRegistry_kind=header)
    assert registry.get(F1_META)["kind"] == value


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ('"quoted text"', "quoted text"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        ('"%41"', "A"),
        ("%e2%82%ac", "€"),
        ("%E2%82%AC", "€"),
        ("%61%62", "ab"),
        ("%2541", "%41"),
        ("(no comment)", "(no comment)"),
    ],
)
def test_http_header_values_quotes_first_then_one_round_of_percent_decoding(
    header: str, value: str
) -> None:
    registry = Registry()
    registry.put(F1, b"", xRegistry_kind=header)
    assert registry.get(F1_META)["kind"] == value


@pytest.mark.parametrize("header", ["%C0%A0", "%ED%A0%80", "%FF", "a%80b", "%F5%80%80%80"])
def test_http_header_values_that_are_no_utf_8_are_refused(header: str) -> None:
    assert Registry().refusal(put(F1, b"", xRegistry_kind=header)).kind == "header_error"


def test_http_header_values_come_back_as_they_were() -> None:
    registry = Registry()
    text = "".join(map(chr, [*range(1, 0x180), 0x20AC, 0x1F600]))
    registry.put(F1_META, {"kind": text})
    header = registry.done(get(F1)).header("xregistry-kind")
    assert header is not None
    registry.put(f"{D1}/files/f2", b"", xRegistry_kind=header)
    assert registry.get(f"{D1}/files/f2$details")["kind"] == text


# --- "`PATCH` and `PUT` …/<RID>": the versions that a document makes


def test_put_of_a_document_updates_the_default_version() -> None:
    registry = a_document()
    registry.put(F1, b"new")
    assert registry.done(get(V1)).body == b"new"
    assert registry.get(F1_META)["versionscount"] == 1


def test_post_of_a_document_makes_a_version() -> None:
    registry = a_document()
    answer = registry.post(F1, b"second", Content_Type="text/plain", xRegistry_kind="k")
    assert answer.status == 201
    xid = answer.header("xregistry-xid") or ""
    assert xid.startswith(f"{F1}/versions/")
    assert (answer.header("location") or "").removesuffix("$details") == f"{BASE}{xid}"
    assert registry.done(get(xid)).body == b"second"
    assert registry.get(f"{xid}$details")["kind"] == "k"


def test_post_of_a_document_with_a_versionid_updates_that_version() -> None:
    registry = a_document()
    registry.post(F1, b"again", xRegistry_versionid="v1")
    assert registry.done(get(V1)).body == b"again"
    assert registry.get(F1_META)["versionscount"] == 1


def test_patch_of_metadata_leaves_the_document() -> None:
    registry = a_document()
    registry.done(patch(F1_META, {"name": "x"}))
    assert registry.done(get(F1)).body == b"\x00hello\xff"
