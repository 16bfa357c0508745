"""The document view against core/spec.md "Doc Flag", and documents with their headers against
core/http.md "Serializing Resource Domain-Specific Documents".
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chappe.registry.entity import Tree
from chappe.registry.paths import parse_path
from chappe.registry.shown import Shown, document
from tests.spec.test_xregistry_view import FILE, mirrors, small
from tests.spec.xregistry_trees import BASE, THEN, get, group, refusal, resource, tree, version


def schemas() -> Tree:
    """The schema of the table in "Doc Flag"."""
    schema = resource("s1", version("1.0"))
    return tree({"schemagroups": [group("g1", {"schemas": [schema]})]})


@pytest.mark.parametrize(
    ("path", "where", "self"),
    [
        ("/?doc&inline=*", "schemagroups g1 schemas s1", "#/schemagroups/g1/schemas/s1"),
        ("/schemagroups?doc&inline=*", "g1 schemas s1", "#/g1/schemas/s1"),
        ("/schemagroups/g1/?doc&inline=*", "schemas s1", "#/schemas/s1"),
        ("/schemagroups/g1/schemas?doc&inline=*", "s1", "#/s1"),
        ("/schemagroups/g1/schemas/s1?doc&inline=*", "", "#/"),
        ("/export", "schemagroups g1 schemas s1", "#/schemagroups/g1/schemas/s1"),
    ],
)
def test_doc_flag_self_is_relative_to_the_response(path: str, where: str, self: str) -> None:
    shown = get(schemas(), path)
    for name in where.split():
        shown = shown[name]
    assert (shown["self"], shown["xid"]) == (self, "/schemagroups/g1/schemas/s1")


def _urls(shown: Any, at: str = "#") -> list[tuple[str, str]]:
    """All URLs of an answer: (where, URL)."""
    found = []
    for name, value in shown.items() if isinstance(shown, dict) else ():
        if isinstance(value, str) and (
            name == "self" or (name.endswith("url") and name != "fileurl")
        ):
            found.append((f"{at}/{name}", value))
        found += _urls(value, f"{at}/{name}")
    return found


@pytest.mark.parametrize(
    "url",
    [
        "/?doc&inline=*",
        "/dirs?doc&inline=*",
        "/dirs/d?doc&inline=files.meta,files.versions",
        "/dirs/d/files?doc&inline=*",
        f"{FILE}?doc&inline=*",
        "/?doc&collections",
    ],
)
def test_doc_flag_every_relative_url_leads_to_its_entity(url: str) -> None:
    shown = get(small(), url)
    relative = [one for _, one in _urls(shown) if one.startswith("#")]
    assert relative
    for pointer in relative:
        assert "$details" not in pointer
        found = shown
        for name in pointer[2:].split("/") if pointer != "#/" else ():
            found = found[name.replace("~0", "~")]
        assert isinstance(found, dict)


@pytest.mark.parametrize(
    ("url", "name", "expected"),
    [
        ("/?doc", "dirsurl", f"{BASE}/dirs"),
        ("/?doc&inline=dirs", "dirsurl", "#/dirs"),
        ("/dirs/d?doc", "filesurl", f"{BASE}/dirs/d/files"),
        (f"{FILE}?doc", "metaurl", f"{BASE}{FILE}/meta"),
        (f"{FILE}?doc&inline=meta", "metaurl", "#/meta"),
        (f"{FILE}?doc", "versionsurl", f"{BASE}{FILE}/versions"),
        (f"{FILE}?doc&inline=versions", "versionsurl", "#/versions"),
        (f"{FILE}/meta?doc", "defaultversionurl", f"{BASE}{FILE}/versions/v1$details"),
        ("/?doc&filter=dirs.dirid=d", "dirsurl", f"{BASE}/dirs?filter=dirid=d"),
        ("/?doc&inline=dirs&filter=dirs.dirid=d", "dirsurl", "#/dirs"),
    ],
)
def test_doc_flag_a_url_is_relative_only_if_its_entity_is_included(
    url: str, name: str, expected: str
) -> None:
    assert get(small(), url)[name] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("inline=meta", f"{BASE}{FILE}/versions/v1$details"),
        ("inline=meta,versions", "#/versions/v1"),
        ("inline=meta,versions&filter=versions.versionid=v1", "#/versions/v1"),
        ("inline=meta,versions&filter=versions.versionid=v2", f"{BASE}{FILE}/versions/v1$details"),
    ],
)
def test_doc_flag_the_default_version_is_linked_where_it_is(query: str, expected: str) -> None:
    assert get(small(), f"{FILE}?doc&{query}")["meta"]["defaultversionurl"] == expected


def test_doc_flag_pointers_escape_the_tilde() -> None:
    shown = get(tree({"dirs": [group("a~1")]}), "/?doc&inline=dirs")
    assert shown["dirs"]["a~1"]["self"] == "#/dirs/a~01"


def test_doc_flag_a_resource_is_shown_without_its_default_version() -> None:
    assert get(small(), f"{FILE}?doc") == {
        "fileid": "f",
        "self": "#/",
        "xid": FILE,
        "metaurl": f"{BASE}{FILE}/meta",
        "versionsurl": f"{BASE}{FILE}/versions",
        "versionscount": 2,
    }


def test_doc_flag_a_version_is_shown_without_what_the_server_checked() -> None:
    checked = {
        "format": "f/1",
        "formatvalidated": False,
        "formatvalidatedreason": "why",
        "compatibilityvalidated": False,
        "compatibilityvalidatedreason": "why",
    }
    of = tree({"dirs": [group("d", {"files": [resource("f", version("1", **checked))]})]})
    shown = get(of, f"{FILE}/versions/1?doc")
    assert [name for name in shown if name in checked] == ["format"]
    assert get(of, f"{FILE}/versions/1$details")["formatvalidated"] is False


def test_doc_flag_a_mirror_is_its_xref_alone() -> None:
    assert get(mirrors(), "/dirs/d/files/m?doc&inline=*") == {
        "fileid": "m",
        "self": "#/",
        "xid": "/dirs/d/files/m",
        "metaurl": "#/meta",
        "meta": {"fileid": "m", "self": "#/meta", "xid": "/dirs/d/files/m/meta", "xref": FILE},
    }


@pytest.mark.parametrize("below", ["versions", "versions/v1", "versions/v9$details"])
def test_cannot_doc_xref_of_the_versions_of_a_mirror(below: str) -> None:
    refused = refusal(lambda: get(mirrors(), f"/dirs/d/files/m/{below}?doc"))
    assert refused == ("cannot_doc_xref", "/dirs/d/files/m")


def test_get_export_is_the_document_view_with_what_configures_the_registry() -> None:
    of = small()
    assert get(of, "/export") == get(of, "/?doc&inline=*,capabilities,modelsource")


def test_get_export_an_inline_flag_overrides_its_own() -> None:
    assert get(small(), "/export?inline=dirs") == get(small(), "/?doc&inline=dirs")


# core/http.md "Serializing Resource Domain-Specific Documents"


def shown_at(of: Tree, path: str) -> Shown:
    return document(of, parse_path(path.encode(), of.model), BASE)


def test_document_of_a_resource_has_its_attributes_in_order() -> None:
    shown = shown_at(small(), FILE)
    assert shown.body == b'{"a": 1}'
    assert list(shown.attributes.items()) == [
        ("fileid", "f"),
        ("versionid", "v1"),
        ("self", f"{BASE}{FILE}"),
        ("xid", FILE),
        ("epoch", "1"),
        ("name", "x"),
        ("isdefault", "true"),
        ("description", "of it"),
        ("labels.k", "v"),
        ("createdat", THEN),
        ("modifiedat", THEN),
        ("ancestorid", "v1"),
        ("contenttype", "application/json"),
        ("format", "f/1"),
        ("zeta", "1.50"),
        ("metaurl", f"{BASE}{FILE}/meta"),
        ("versionsurl", f"{BASE}{FILE}/versions"),
        ("versionscount", "2"),
    ]


def test_document_of_a_version_is_without_the_resources_attributes() -> None:
    shown = shown_at(small(), f"{FILE}/versions/v2")
    assert shown.body == b""
    assert dict(shown.attributes) == {
        "fileid": "f",
        "versionid": "v2",
        "self": f"{BASE}{FILE}/versions/v2",
        "xid": f"{FILE}/versions/v2",
        "epoch": "1",
        "isdefault": "false",
        "createdat": THEN,
        "modifiedat": THEN,
        "ancestorid": "v2",
        "fileurl": "http://elsewhere.example/d",
    }


def test_document_headers_are_of_scalars_and_of_maps_of_scalars() -> None:
    attributes = {
        "on": True,
        "sizes": {"a.b": Decimal("1.0")},
        "obj": {"x": 1},
        "list": [1],
        ".secret": "s",
        "labels": {},
    }
    of = tree({"dirs": [group("d", {"files": [resource("f", version("1", **attributes))]})]})
    shown = shown_at(of, FILE).attributes
    assert (shown["on"], shown["sizes.a.b"]) == ("true", "1.0")
    assert not [one for one in shown if one.startswith(("obj", "list", ".secret", "labels"))]


def test_document_of_a_mirror_is_the_targets_under_its_own_ids() -> None:
    shown = shown_at(mirrors(), "/dirs/d/files/m/versions/v1")
    assert shown.body == b"text"
    assert shown.attributes["fileid"] == "m"
    assert shown.attributes["xid"] == "/dirs/d/files/m/versions/v1"


def test_document_of_a_mirror_of_nothing_is_empty() -> None:
    shown = shown_at(mirrors(), "/dirs/d/files/z")
    assert shown.body == b""
    assert list(shown.attributes) == ["fileid", "self", "xid", "metaurl"]


@pytest.mark.parametrize(
    "path",
    ["/dirs/x/files/f", "/dirs/d/files/x", f"{FILE}/versions/x", "/dirs/d/files/x/versions/v"],
)
def test_document_that_is_not_there_is_not_found(path: str) -> None:
    assert refusal(lambda: shown_at(small(), path)) == ("not_found", path)


def test_document_headers_agree_with_the_metadata() -> None:
    of = small()
    metadata = get(of, f"{FILE}$details")
    for name, text in shown_at(of, FILE).attributes.items():
        value: Any = metadata
        for part in name.split(".", 1):
            value = value[part]
        expected = value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
        assert text == expected.removesuffix("$details")
