"""The API view against core/spec.md, "Design: JSON Serialization" and the sections of each entity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chappe.registry.entity import Tree
from chappe.registry.views import render
from tests.spec.xregistry_trees import (
    BASE,
    THEN,
    asked,
    get,
    group,
    refusal,
    resource,
    tree,
    version,
    xids,
)

FILE = "/dirs/d/files/f"


def small() -> Tree:
    """One group with one file of two versions, the first its default."""
    file = resource(
        "f",
        version(
            "v1",
            b'{"a": 1}',
            name="x",
            labels={"k": "v"},
            contenttype="application/json",
            zeta=Decimal("1.50"),
            alpha=[1, "2"],
            description="of it",
            format="f/1",
        ),
        version("v2", b"", fileurl="http://elsewhere.example/d"),
        default="v1",
        defaultversionsticky=True,
        compatibility="backward",
        owner="joe",
    )
    return tree({"dirs": [group("d", {"files": [file]}, name="D", ext=True)]}, name="R")


@pytest.mark.parametrize(
    ("url", "names"),
    [
        (
            "/?inline=dirs,capabilities,model,modelsource",
            "specversion registryid self xid epoch name createdat modifiedat capabilities model"
            " modelsource dirsurl dirscount dirs schemagroupsurl schemagroupscount",
        ),
        (
            "/dirs/d?inline=files",
            "dirid self xid epoch name createdat modifiedat ext filesurl filescount files notesurl"
            " notescount",
        ),
        (
            f"{FILE}$details?inline=file,meta,versions",
            "fileid versionid self xid epoch name isdefault description labels createdat modifiedat"
            " ancestorid contenttype format alpha zeta file metaurl meta versionsurl versionscount"
            " versions",
        ),
        (
            f"{FILE}/meta",
            "fileid self xid epoch createdat modifiedat readonly compatibility owner"
            " defaultversionid defaultversionurl defaultversionsticky",
        ),
        (
            f"{FILE}/versions/v2$details",
            "fileid versionid self xid epoch isdefault createdat modifiedat ancestorid fileurl",
        ),
    ],
)
def test_serialization_the_attributes_stand_in_the_order_of_the_spec(url: str, names: str) -> None:
    assert " ".join(get(small(), url)) == names


def test_serialization_numbers_are_written_as_they_were_given() -> None:
    of = small()
    target, flags = asked(of, f"{FILE}$details")
    assert b'"zeta":1.50,' in render(of, target, flags, BASE)


def test_serialization_whole_numbers_of_any_size_are_exact() -> None:
    of = tree({"dirs": [group("d", big=2**100)]})
    assert get(of, "/dirs/d")["big"] == 2**100


@pytest.mark.parametrize(
    ("url", "self"),
    [
        ("/", f"{BASE}/"),
        ("/dirs/d", f"{BASE}/dirs/d"),
        (f"{FILE}$details", f"{BASE}{FILE}$details"),
        (f"{FILE}/meta", f"{BASE}{FILE}/meta"),
        (f"{FILE}/versions/v1$details", f"{BASE}{FILE}/versions/v1$details"),
    ],
)
def test_self_attribute_ends_in_details_of_what_has_a_document(url: str, self: str) -> None:
    assert get(small(), url)["self"] == self


@pytest.mark.parametrize("url", ["/dirs/d/notes/n", "/dirs/d/notes/n$details"])
def test_self_attribute_has_no_details_where_there_is_no_document(url: str) -> None:
    of = tree({"dirs": [group("d", {"notes": [resource("n", version("1"))]})]})
    shown = get(of, f"{url}?inline=meta")
    assert shown["self"] == f"{BASE}/dirs/d/notes/n"
    assert shown["meta"]["defaultversionurl"] == f"{BASE}/dirs/d/notes/n/versions/1"


def test_registry_collections_are_shown_though_they_are_empty() -> None:
    shown = get(tree(), "/?inline=dirs")
    assert (shown["dirs"], shown["dirscount"], shown["dirsurl"]) == ({}, 0, f"{BASE}/dirs")


def test_registry_collections_come_in_the_order_of_their_ids() -> None:
    of = tree({"dirs": [group(id) for id in ("b", "C", "a", "B2")]})
    assert list(get(of, "/dirs")) == ["a", "b", "B2", "C"]


def test_resource_entity_shows_its_default_version_under_its_own_xid() -> None:
    shown = get(small(), f"{FILE}$details")
    assert (shown["versionid"], shown["name"], shown["xid"]) == ("v1", "x", FILE)
    assert shown["isdefault"] is True


def test_version_entity_tells_whether_it_is_the_default() -> None:
    shown = get(small(), f"{FILE}/versions")
    assert {id: one["isdefault"] for id, one in shown.items()} == {"v1": True, "v2": False}


def test_meta_entity_has_its_defaults() -> None:
    of = tree({"dirs": [group("d", {"files": [resource("f", version("1"))]})]})
    shown = get(of, f"{FILE}/meta")
    assert (shown["readonly"], shown["defaultversionsticky"]) == (False, False)


def test_no_view_shows_a_private_attribute() -> None:
    hidden: Any = {".secret": "s3cret"}
    file = resource("f", version("1", **hidden), **hidden)
    of = tree({"dirs": [group("d", {"files": [file]}, **hidden)]}, **hidden)
    for url in ("/?inline=*", "/?doc&inline=*", f"{FILE}/meta", "/dirs?filter=dirid=d&inline=*"):
        assert "s3cret" not in json.dumps(get(of, url), default=str)


@pytest.mark.parametrize(
    ("url", "subject"),
    [
        ("/dirs/x", "/dirs/x"),
        ("/dirs/D", "/dirs/D"),
        ("/dirs/x/files", "/dirs/x"),
        ("/dirs/x/files/f", "/dirs/x/files/f"),
        ("/dirs/d/files/x$details", "/dirs/d/files/x"),
        ("/dirs/d/files/x/meta", "/dirs/d/files/x/meta"),
        ("/dirs/d/files/x/versions", "/dirs/d/files/x"),
        (f"{FILE}/versions/v9$details", f"{FILE}/versions/v9"),
    ],
)
def test_not_found_is_about_the_entity_that_is_not_there(url: str, subject: str) -> None:
    assert refusal(lambda: get(small(), url)) == ("not_found", subject)


# "Inline Flag"


@pytest.mark.parametrize(
    ("url", "inlined"),
    [
        ("/?inline=dirs", ["/", "/dirs/d"]),
        (
            "/?inline=dirs.files.versions",
            ["/", "/dirs/d", FILE, f"{FILE}/versions/v1", f"{FILE}/versions/v2"],
        ),
        ("/dirs?inline=files", ["/dirs/d", FILE]),
        (
            "/dirs/d?inline=files.versions",
            ["/dirs/d", FILE, f"{FILE}/versions/v1", f"{FILE}/versions/v2"],
        ),
        ("/?inline=dirs.*", ["/", "/dirs/d", FILE, f"{FILE}/versions/v1", f"{FILE}/versions/v2"]),
        ("/", ["/"]),
    ],
)
def test_inline_flag_shows_what_it_names_and_its_parents(url: str, inlined: list[str]) -> None:
    assert xids(get(small(), url)) == inlined


def test_inline_flag_of_a_document_leaves_its_siblings_out() -> None:
    file = get(small(), "/dirs/d?inline=files.file")["files"]["f"]
    assert file["file"] == {"a": 1}
    assert {"meta", "versions"}.isdisjoint(file)


def test_inline_flag_everything_does_not_mean_what_configures_the_registry() -> None:
    shown = get(small(), "/?inline=*")
    assert {"capabilities", "model", "modelsource"}.isdisjoint(shown)
    assert "meta" in shown["dirs"]["d"]["files"]["f"]
    assert "schemagroups" in shown


def test_inline_flag_everything_and_the_model() -> None:
    shown = get(small(), "/?inline=*,model")
    assert "capabilities" not in shown
    assert "groups" in shown["model"]


def test_inline_flag_a_document_elsewhere_is_its_url() -> None:
    shown = get(small(), f"{FILE}/versions/v2$details?inline=file")
    assert shown["fileurl"] == "http://elsewhere.example/d"
    assert {"file", "filebase64"}.isdisjoint(shown)


# "`<RESOURCE>` Attribute", "`<RESOURCE>base64` Attribute", "typemap", "Binary Flag"


@pytest.mark.parametrize(
    ("contenttype", "document", "shown"),
    [
        ("application/json", b' {"a": 1.50}\n', {"file": {"a": Decimal("1.50")}}),
        ("APPLICATION/JSON; charset=utf-8", b"[1]", {"file": [1]}),
        ("application/x+json", b"null", {"file": None}),
        ("my/json", b"5", {"file": 5}),
        ("application/json", b"{bad", {"filebase64": "e2JhZA=="}),
        ("application/json", b'"\xff"', {"filebase64": "Iv8i"}),
        ("text/plain", b'say "hi"\n', {"file": 'say "hi"\n'}),
        ("text/html", b"<p>", {"file": "<p>"}),
        ("text/plain", b"\xff", {"filebase64": "/w=="}),
        ("text/bin", b"x", {"filebase64": "eA=="}),
        ("application/octet-stream", b"x", {"filebase64": "eA=="}),
        (None, b"{}", {"filebase64": "e30="}),
        ("application/json", b"", {"filebase64": ""}),
        ("application/json", None, {}),
    ],
)
def test_typemap_tells_how_a_document_is_inlined(
    contenttype: str | None, document: bytes | None, shown: dict[str, Any]
) -> None:
    attributes = {} if contenttype is None else {"contenttype": contenttype}
    file = resource("f", version("1", document, **attributes))
    of = tree({"dirs": [group("d", {"files": [file]})]})
    for url in (f"{FILE}$details?inline=file", f"{FILE}/versions/1$details?inline=*"):
        found = get(of, url)
        assert {name: found[name] for name in ("file", "filebase64") if name in found} == shown


def test_binary_flag_has_documents_in_base64() -> None:
    shown = get(small(), f"{FILE}$details?inline=file,versions.file&binary")
    assert shown["filebase64"] == "eyJhIjogMX0="
    assert shown["versions"]["v1"]["filebase64"] == "eyJhIjogMX0="
    assert "file" not in shown


def test_binary_flag_inlines_nothing_by_itself() -> None:
    assert "filebase64" not in get(small(), f"{FILE}$details?binary")


# "Collections Flag"


def test_collections_flag_shows_the_maps_alone_with_all_that_is_below() -> None:
    shown = get(small(), "/?collections")
    assert list(shown) == ["dirs", "schemagroups"]
    assert "versions" in shown["dirs"]["d"]["files"]["f"]


def test_collections_flag_of_a_group() -> None:
    assert list(get(small(), "/dirs/d?collections")) == ["files", "notes"]


# "Cross Referencing Resources"


def mirrors() -> Tree:
    """A file, a mirror of it, a mirror of the mirror, and one of nothing."""
    return tree(
        {
            "dirs": [
                group(
                    "d",
                    {
                        "files": [
                            resource("f", version("v1", b"text", name="x"), version("v2")),
                            resource("m", xref=FILE),
                            resource("mm", xref="/dirs/d/files/m"),
                            resource("z", xref="/dirs/d/files/nobody"),
                        ]
                    },
                )
            ]
        }
    )


def test_cross_referencing_a_mirror_shows_the_target_under_its_own_ids() -> None:
    shown = get(mirrors(), "/dirs/d/files/m$details?inline=*")
    target = get(mirrors(), "/dirs/d/files/f$details?inline=*")
    assert (shown["fileid"], shown["xid"]) == ("m", "/dirs/d/files/m")
    assert shown["meta"].pop("xref") == FILE
    renamed = json.loads(
        json.dumps(target, default=str)
        .replace(f"{FILE}$", "/dirs/d/files/m$")
        .replace(f'{FILE}"', '/dirs/d/files/m"')
        .replace(f"{FILE}/", "/dirs/d/files/m/")
        .replace('"fileid": "f"', '"fileid": "m"')
    )
    assert shown == renamed


def test_cross_referencing_a_version_of_a_mirror_has_the_sources_url() -> None:
    shown = get(mirrors(), "/dirs/d/files/m/versions/v1$details")
    assert (shown["fileid"], shown["xid"]) == ("m", "/dirs/d/files/m/versions/v1")
    assert shown["self"] == f"{BASE}/dirs/d/files/m/versions/v1$details"


@pytest.mark.parametrize(("id", "xref"), [("mm", "/dirs/d/files/m"), ("z", "/dirs/d/files/nobody")])
def test_cross_referencing_a_mirror_of_nothing_shows_ids_and_xref(id: str, xref: str) -> None:
    xid = f"/dirs/d/files/{id}"
    assert get(mirrors(), f"{xid}$details?inline=*") == {
        "fileid": id,
        "self": f"{BASE}{xid}$details",
        "xid": xid,
        "metaurl": f"{BASE}{xid}/meta",
        "meta": {"fileid": id, "self": f"{BASE}{xid}/meta", "xid": f"{xid}/meta", "xref": xref},
    }


def test_cross_referencing_a_mirror_of_nothing_has_no_versions() -> None:
    assert get(mirrors(), "/dirs/d/files/z/versions") == {}


# "`shortself` Attribute"


def test_shortself_attribute_is_absent_without_the_capability() -> None:
    assert "shortself" not in json.dumps(get(mirrors(), "/?inline=*"))


def test_shortself_attribute_is_unique_of_each_entity() -> None:
    known = replace(version("1"), uid=3)
    files = [replace(resource("f", known), uid=2), replace(resource("m", xref=FILE), uid=4)]
    of = tree(
        {"dirs": [replace(group("d", {"files": files}), uid=1)]}, capabilities={"shortself": True}
    )
    found = [text for name, text in _strings(get(of, "/?inline=*")) if name == "shortself"]
    assert len(set(found)) == len(found) == 8  # registry, group, 2 files, 2 metas, 2 versions
    assert all(one.startswith(f"{BASE}/") and "$" not in one for one in found)


def test_shortself_attribute_is_absent_from_the_document_view() -> None:
    of = tree({"dirs": [group("d")]}, capabilities={"shortself": True})
    assert "shortself" not in json.dumps(get(of, "/?doc&inline=*"))


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    for name, one in value.items() if isinstance(value, dict) else ():
        if isinstance(one, str):
            yield name, one
        yield from _strings(one)


# The answer of a write (core/http.md "POST /", "PATCH and POST /<GROUPS>")


def test_a_map_of_groups_shows_what_was_processed() -> None:
    of = tree({"dirs": [group("a"), group("b")], "schemagroups": [group("s")]})
    shown = get(of, "/dirs", frozenset({"/dirs/b", "/dirs/b/files/f"}))
    assert list(shown) == ["b"]


def test_a_map_of_types_shows_what_was_processed_without_attributes() -> None:
    of = tree({"dirs": [group("a"), group("b")], "schemagroups": [group("s")]})
    assert xids(get(of, "/", frozenset({"/dirs/b"}))) == ["/dirs/b"]
    assert get(of, "/", frozenset({"/dirs"})) == {"dirs": {}}
    assert get(of, "/", frozenset()) == {}


def test_a_map_of_resources_shows_what_was_processed() -> None:
    shown = get(small(), "/dirs/d", frozenset({FILE}))
    assert xids(shown) == [FILE]
    assert shown["files"]["f"]["createdat"] == THEN
