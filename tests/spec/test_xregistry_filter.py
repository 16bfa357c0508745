"""Filters against core/spec.md, "Filter Flag", "Dot-Notation in Filters" and "Data Types"."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from chappe.registry.entity import Tree
from tests.spec.xregistry_trees import get, group, refusal, resource, tree, version, xids


def spec_tree() -> Tree:
    """The four versions of the examples in core/spec.md, "Filter Flag"."""
    return tree(
        {
            "dirs": [
                group(
                    "g1",
                    {
                        "files": [
                            resource("r1", version("v1"), version("v2")),
                            resource("r2", version("v1")),
                        ]
                    },
                ),
                group("g2", {"files": [resource("r3", version("v1"))]}),
            ]
        }
    )


def versions_in(shown: Any) -> list[str]:
    return [xid for xid in xids(shown) if "/versions/" in xid]


R1V1, R1V2 = "/dirs/g1/files/r1/versions/v1", "/dirs/g1/files/r1/versions/v2"
R2V1, R3V1 = "/dirs/g1/files/r2/versions/v1", "/dirs/g2/files/r3/versions/v1"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter=dirs.files.fileid=r1", [R1V1, R1V2]),
        ("filter=dirs.dirid=g2&filter=dirs.files.fileid=r1", [R1V1, R1V2, R3V1]),
        ("filter=dirs.dirid=g1&filter=dirs.files.fileid=r1", [R1V1, R1V2, R2V1]),
        ("filter=dirs.dirid=g1,dirs.files.fileid=r1", [R1V1, R1V2]),
        ("filter=dirs.files.versions.versionid=v2", [R1V2]),
        ("filter=dirs.files.versions.versionid=v1,dirs.dirid=g2", [R3V1]),
    ],
)
def test_filter_flag_examples_choose_leaves_and_their_parents(
    query: str, expected: list[str]
) -> None:
    shown = get(spec_tree(), f"/?inline=*&{query}")
    assert versions_in(shown) == expected


def test_filter_flag_and_of_two_collections_of_one_group_has_no_leaf_in_common() -> None:
    of = tree(
        {
            "dirs": [
                group("d", {"files": [resource("f", version("1"))], "notes": [resource("n")]}),
            ]
        }
    )
    assert refusal(lambda: get(of, "/?filter=dirs.files.fileid=f,dirs.notes.noteid=n")) == (
        "not_found",
        "/",
    )


THINGS = {
    "one": {
        "name": "My Cool File",
        "size": 5,
        "price": Decimal("5.1"),
        "on": True,
        "empty": "",
        "due": "2026-03-01T10:00:00.5Z",
        "labels": {"stage": "dev", "a.b": "June"},
        "list": ["x", {"y": 1}],
        "obj": {"in": {"deep": "v"}},
        "none": {},
        "star": "a*b",
        "accent": "Écol\u00e9",
    },
    "two": {"name": "other", "size": 12, "price": Decimal("5.4"), "on": False, "star": "axb"},
    "bare": {},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # No operator: present with any value.
        ("name", "one two"),
        ("none", "one"),
        ("obj.in", "one"),
        ("nothing", ""),
        ("nothing.below", ""),
        # "=null" and "!=null".
        ("name=null", "bare"),
        ("nothing=null", "bare one two"),
        ("name!=null", "one two"),
        ("name<>null", "one two"),
        ("labels.stage=null", "bare two"),
        # "=": an absent value is an empty string.
        ("empty=", "one"),
        ("name=", ""),
        ("name=my cool file", "one"),
        ("name=MY COOL FILE", "one"),
        ("accent=éCOLÉ", "one"),
        ("size=5", "one"),
        ("size=5.0", "one"),
        ("size=5x", ""),
        ("price=5.10", "one"),
        ("on=true", "one"),
        ("on=TRUE", ""),
        ("on=false", "two"),
        # "!=" is NOT(=): what is missing matches.
        ("name!=other", "bare one"),
        ("name<>other", "bare one"),
        ("size!=5", "bare two"),
        ("labels.stage!=dev", "bare two"),
        # Order: numbers are no strings, false is less than true.
        ("size<12", "one"),
        ("size<=12", "one two"),
        ("size>5", "two"),
        ("size>=5", "one two"),
        ("price<5.4", "one"),
        ("price>5.15", "two"),
        ("on<true", "two"),
        ("on>=false", "one two"),
        ("name<N", "one"),
        ("name>=other", "two"),
        # Timestamps, once in UTC.
        ("due=2026-03-01T11:00:00.500+01:00", "one"),
        ("due>2026-03-01T10:00:00Z", "one"),
        ("due<2026-03-01T11:00:00.4+01:00", ""),
        ("due<2026-04-01", "one"),
        # Wildcards.
        ("name=*cool*", "one"),
        ("name=*CooL*", "one"),
        ("name=my*e", "one"),
        ("name=*", "one two"),
        ("empty=*", "one"),
        ("size=*", "one two"),
        ("name!=*", "bare"),
        ("name!=*cool*", "bare two"),
        ("size=1*", ""),
        ("star=a*b", "one two"),
        (r"star=a\*b", "one"),
        ("name=my*my*file", ""),
        # Dot notation.
        ("labels['a.b']=june", "one"),
        ('labels["a.b"]=june', "one"),
        ("labels.*=JUNE", "one"),
        ("labels['*']=June", ""),
        ("list[0]=x", "one"),
        ("list[1]", "one"),
        ("list[2]", ""),
        ("list[*]=x", "one"),
        ("list[*].y=1", "one"),
        ("list.*=x", ""),
        ("labels[*]=dev", ""),
        ("obj.*.deep=v", "one"),
        ("*.in.deep=v", "one"),
        ("*.stage=dev", "one"),
        # Attributes that are derived.
        ("fileid=ONE", "one"),
        ("versionid=1", "bare one two"),
        ("isdefault=true", "bare one two"),
        ("xid=/dirs/d/files/two", "two"),
        ("self=*two$details", "two"),
        ("versionscount=1", "bare one two"),
        ("versionscount>1", ""),
        ("metaurl=*one/meta", "one"),
        ("meta", "bare one two"),
        ("versions", "bare one two"),
        # What stands in meta.
        ("meta.readonly=false", "bare one two"),
        ("meta.readonly=true", ""),
        ("meta.fileid=two", "two"),
        ("meta.owner=joe", "one"),
        ("meta.defaultversionid=1", "bare one two"),
        ("meta.owner!=joe", "bare two"),
    ],
)
def test_filter_flag_operators_values_and_paths(expression: str, expected: str) -> None:
    of = tree(
        {
            "dirs": [
                group(
                    "d",
                    {
                        "files": [
                            resource(
                                id,
                                version("1", **attributes),
                                **({"owner": "joe"} if id == "one" else {}),
                            )
                            for id, attributes in THINGS.items()
                        ]
                    },
                )
            ]
        }
    )
    encoded = "".join(f"%{byte:02X}" for byte in expression.encode())
    shown = get(of, f"/dirs/d/files?filter={encoded}")
    assert " ".join(shown) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/?filter=dirs.files.name=x", "http://example.com/dirs?filter=files.name=x"),
        (
            "/?filter=dirs.dirid=d,dirs.files.versions.versionid=1",
            "http://example.com/dirs?filter=dirid=d,files.versions.versionid=1",
        ),
        (
            "/?filter=dirs.files.name=x&filter=dirs.files.name=x&filter=schemagroups.name",
            "http://example.com/dirs?filter=files.name=x",
        ),
        (
            "/?filter=dirs.files.name=x&filter=dirs.dirid=d",
            "http://example.com/dirs?filter=files.name=x&filter=dirid=d",
        ),
        (
            "/?filter=dirs.files['a.b']=%25%2C%26x",
            "http://example.com/dirs?filter=files%5B'a.b'%5D=%25%2C%26x",
        ),
        ("/?filter=dirs.files.name!=null", "http://example.com/dirs?filter=files.name!=null"),
        ("/?filter=registryid=r", "http://example.com/dirs"),
    ],
)
def test_filter_flag_a_nested_url_carries_what_is_left_of_the_filter(
    path: str, expected: str
) -> None:
    file = resource("f", version("1", name="x", **{"a.b": "%,&x"}))
    of = tree({"dirs": [group("d", {"files": [file]})]})
    assert get(of, path)["dirsurl"] == expected


def test_filter_flag_nested_urls_give_the_same_results() -> None:
    of = spec_tree()
    shown = get(of, "/?filter=dirs.dirid=g1,dirs.files.versions.versionid=v2")
    steps = []
    while "dirsurl" in shown or "filesurl" in shown or "versionsurl" in shown:
        name = next(one for one in ("dirs", "files", "versions") if f"{one}url" in shown)
        url = urlsplit(shown[f"{name}url"])
        collection = get(of, f"{url.path}?{url.query}")
        assert len(collection) == shown[f"{name}count"]
        steps.append(list(collection))
        (shown,) = collection.values()
    assert steps == [["g1"], ["r1"], ["v2"]]


def test_filter_flag_an_empty_collection_has_the_url_that_excludes_all() -> None:
    of = tree({"dirs": [group("d", {"files": [resource("f", version("1", name="x"))]})]})
    shown = get(of, "/?inline=dirs&filter=dirs.files.name=x")
    assert shown["schemagroupsurl"] == "http://example.com/schemagroups?filter=excludeall"
    assert shown["schemagroupscount"] == 0
    assert shown["dirs"]["d"]["notesurl"] == "http://example.com/dirs/d/notes?filter=excludeall"
    assert shown["dirs"]["d"]["filescount"] == 1


def test_filter_flag_an_empty_collection_below_a_whole_entity_excludes_all_too() -> None:
    shown = get(tree({"dirs": [group("d")]}), "/dirs?filter=dirid=d")
    assert shown["d"]["filesurl"] == "http://example.com/dirs/d/files?filter=excludeall"


def test_filter_flag_without_a_filter_an_empty_collection_has_its_plain_url() -> None:
    assert get(tree(), "/")["dirsurl"] == "http://example.com/dirs"


def test_filter_flag_excludeall_of_a_collection_is_empty() -> None:
    assert get(spec_tree(), "/dirs?filter=excludeall") == {}


@pytest.mark.parametrize("path", ["/", "/dirs/g1", "/dirs/g1/files/r1$details"])
def test_filter_flag_excludeall_of_an_entity_is_refused(path: str) -> None:
    assert refusal(lambda: get(spec_tree(), f"{path}?filter=excludeall"))[0] == "bad_filter"


@pytest.mark.parametrize("query", ["excludeall,epoch", "epoch&filter=excludeall"])
def test_filter_flag_excludeall_stands_alone(query: str) -> None:
    assert refusal(lambda: get(spec_tree(), f"/dirs?filter={query}"))[0] == "bad_filter"


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/?filter=description=no-match", "/"),
        ("/?filter=dirs.dirid=nobody", "/"),
        ("/dirs/g1?filter=dirid=g2", "/dirs/g1"),
        ("/dirs/g1?filter=files.fileid=x", "/dirs/g1"),
        ("/dirs/g1/files/r1$details?filter=versionid=v1", "/dirs/g1/files/r1"),
        ("/dirs/g1/files/r1/meta?filter=readonly=true", "/dirs/g1/files/r1/meta"),
        (
            "/dirs/g1/files/r1/versions/v1$details?filter=isdefault=true",
            "/dirs/g1/files/r1/versions/v1",
        ),
    ],
)
def test_filter_flag_an_entity_that_does_not_match_is_not_found(path: str, subject: str) -> None:
    assert refusal(lambda: get(spec_tree(), path)) == ("not_found", subject)


@pytest.mark.parametrize(
    "path",
    [
        "/?filter=registryid=R",
        "/dirs/g1?filter=dirid=g1",
        "/dirs/g1?filter=filescount=2",
        "/dirs/g1/files/r1$details?filter=versionid=v2",
        "/dirs/g1/files/r1/meta?filter=readonly=false",
        "/dirs/g1/files/r1/versions/v1$details?filter=isdefault=false",
    ],
)
def test_filter_flag_an_entity_that_matches_is_shown(path: str) -> None:
    assert get(spec_tree(), path)["xid"] == path.partition("?")[0].removesuffix("$details")


def test_filter_flag_a_collection_without_a_match_is_empty() -> None:
    assert get(spec_tree(), "/dirs?filter=dirid=nobody") == {}


def test_filter_flag_inlining_brings_no_siblings_back() -> None:
    shown = get(spec_tree(), "/dirs/g1?inline=*&filter=files.versions.versionid=v2")
    assert xids(shown) == ["/dirs/g1", "/dirs/g1/files/r1", R1V2]
    assert shown["files"]["r1"]["versionscount"] == 1


def test_filter_flag_filters_a_mirror_by_what_it_shows() -> None:
    of = tree(
        {
            "dirs": [
                group(
                    "d",
                    {
                        "files": [
                            resource("f", version("1", name="x")),
                            resource("fx", xref="/dirs/d/files/f"),
                        ]
                    },
                )
            ]
        }
    )
    assert list(get(of, "/dirs/d/files?filter=name=x")) == ["f", "fx"]
    assert list(get(of, "/dirs/d/files?filter=meta.xref")) == ["fx"]
    assert list(get(of, "/dirs/d/files?filter=versions.fileid=fx")) == ["fx"]


def test_filter_flag_private_attributes_cannot_be_found_out() -> None:
    of = tree({"dirs": [group("d", **{".secret": "s", "open": "s"})]})
    assert get(of, "/dirs?filter=['.secret']=s") == {}
    assert get(of, "/dirs?filter=['.secret']=null") == get(of, "/dirs?filter=dirid=d")
    assert list(get(of, "/dirs?filter=*=s")) == ["d"]
    assert get(tree({"dirs": [group("d", **{".secret": "s"})]}), "/dirs?filter=*=s") == {}


def test_filter_flag_the_work_of_a_request_is_bounded() -> None:
    files = [resource(f"f{at}", version("1")) for at in range(11_000)]
    of = tree({"dirs": [group("d", {"files": files})]})
    assert (
        refusal(
            lambda: get(of, "/dirs/d/files?" + "&".join(f"filter=name=*{at}*" for at in range(100)))
        )[0]
        == "bad_filter"
    )
