"""core/spec.md "Request Flags", core/http.md "Request Flags / Query Parameters"."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.flags import Condition, Flags, Inline, Sort
from chappe.registry.paths import parse_path
from chappe.registry.request_flags import MAX_QUERY_BYTES, parse_flags
from tests.unit.registry_model_fixture import MODEL, tree

TREE = tree()
PAGED = tree(pagination=True)


def read(request: str, method: str = "GET", of: Tree = TREE) -> Flags:
    path, _, query = request.partition("?")
    target = parse_path(path.encode(), MODEL)
    return parse_flags(query.encode(), target=target, method=method, tree=of, path=path)


def refused(request: str, method: str = "GET", of: Tree = TREE) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        read(request, method, of)
    return caught.value


def test_no_query_asks_for_nothing() -> None:
    assert read("/dirs") == Flags()


def test_unknown_parameters_and_flags_in_other_cases_are_ignored() -> None:
    assert read("/dirs?foo=bar&Inline&DOC&&=x") == Flags()


def test_flags_that_the_capabilities_do_not_list_are_ignored() -> None:
    query = "/dirs?doc&filter=..&inline=bar&sort=&specversion=9&setdefaultversionid=&limit=x"
    assert read(query, of=tree(flags=[])) == Flags()


def test_boolean_flags_are_on_when_they_are_there() -> None:
    flags = read("/dirs?binary&doc")
    assert (flags.binary, flags.doc) == (True, True)


# --- inline


@pytest.mark.parametrize(
    ("request_", "inline"),
    [
        ("/?inline", Inline(everything=True)),
        ("/?inline=", Inline(everything=True)),
        ("/?inline=*", Inline(everything=True)),
        ("/?inline=model,*", Inline(everything=True, below={"model": Inline()})),
        ("/?inline=dirs", Inline(below={"dirs": Inline()})),
        ("/?inline=dirs.*", Inline(below={"dirs": Inline(everything=True)})),
        (
            "/?inline=dirs.files.versions.file&inline=dirs.files.meta",
            Inline(
                below={
                    "dirs": Inline(
                        below={
                            "files": Inline(
                                below={
                                    "versions": Inline(below={"file": Inline()}),
                                    "meta": Inline(),
                                }
                            )
                        }
                    )
                }
            ),
        ),
        ("/dirs?inline=files", Inline(below={"files": Inline()})),
        ("/dirs/d1?inline=files.file", Inline(below={"files": Inline(below={"file": Inline()})})),
        ("/dirs/d1/files/f1$details?inline=file", Inline(below={"file": Inline()})),
        ("/dirs/d1/files/f1/versions?inline=file", Inline(below={"file": Inline()})),
        ("/dirs/d1/files/f1/meta?inline=*", Inline(everything=True)),
        ("/?inline=dirs%2Efiles", Inline(
            below={"dirs": Inline(below={"files": Inline()})}
        )),
    ],
)  # fmt: skip
def test_inline_paths_become_a_tree_below_the_target(request_: str, inline: Inline) -> None:
    assert read(request_).inline == inline


@pytest.mark.parametrize(
    ("request_", "kind", "args"),
    [
        ("/?inline=xxx", "inline_noninlineable", {"name": "xxx"}),
        ("/?inline=Dirs", "inline_noninlineable", {"name": "Dirs"}),
        ("/?inline=dirs,dirs.xxx", "inline_noninlineable", {"name": "dirs.xxx"}),
        ("/?inline=model.*", "inline_noninlineable", {"name": "model.*"}),
        ("/?inline=dirs.files.file.*", "inline_noninlineable", {"name": "dirs.files.file.*"}),
        ("/?inline=dirs.files.filebase64", "inline_noninlineable", {}),
        ("/?inline=dirs.notes.note", "inline_noninlineable", {}),
        ("/dirs?inline=dirs", "inline_noninlineable", {"name": "dirs"}),
        ("/dirs/d1/files?inline=model", "inline_noninlineable", {}),
        ("/?inline=foo*", "bad_inline", {"value": "foo*"}),
        ("/?inline=.*", "bad_inline", {"error_detail": 'Unexpected "." in ".*" at pos 1'}),
        ("/?inline=*.dirs", "inline_noninlineable", {"name": "*.dirs"}),
        ("/?inline=dirs,,model", "bad_inline", {}),
        ("/?inline=%FF", "bad_flag", {"flag": "inline"}),
    ],
)
def test_inline_of_what_cannot_be_inlined_is_refused(
    request_: str, kind: str, args: Mapping[str, str]
) -> None:
    error = refused(request_)
    assert error.kind == kind
    assert {name: error.args_shown[name] for name in args} == args


def test_inline_of_unavailable_metadata_is_not_available() -> None:
    lacking = tree(available={"capabilities": {}, "entities": {}, "model": {}})
    error = refused("/?inline=modelsource", of=lacking)
    assert (error.kind, error.subject) == ("not_available", "/modelsource")


def test_collections_implies_inline_of_all() -> None:
    flags = read("/dirs/d1?collections")
    assert flags.collections
    assert flags.inline.everything


@pytest.mark.parametrize("path", ["/dirs", "/dirs/d1/files/f1", "/model"])
def test_collections_elsewhere_is_a_bad_flag(path: str) -> None:
    error = refused(f"{path}?collections")
    assert (error.kind, error.subject) == ("bad_flag", path)


def test_export_is_the_document_view_of_all() -> None:
    flags = read("/export")
    assert flags.doc
    assert flags.inline.everything
    assert set(flags.inline.below) == {"capabilities", "modelsource"}


def test_inline_overrides_what_export_inlines() -> None:
    flags = read("/export?inline=dirs")
    assert flags.doc
    assert flags.inline == Inline(below={"dirs": Inline()})


# --- filter


def condition(text: str) -> Condition:
    ((found,),) = read(f"/?filter={text}").filters
    return found


@pytest.mark.parametrize(
    ("text", "path", "operator", "value"),
    [
        ("dirs.name", ("dirs", "name"), "", ""),
        ("name=x", ("name",), "=", "x"),
        ("name=", ("name",), "=", ""),
        ("name=null", ("name",), "=", None),
        ("name!=null", ("name",), "!=", None),
        ("name%3C%3Ex", ("name",), "!=", "x"),
        ("name<>x", ("name",), "!=", "x"),
        ("epoch<=3", ("epoch",), "<=", "3"),
        ("epoch>=3", ("epoch",), ">=", "3"),
        ("epoch<3", ("epoch",), "<", "3"),
        ("epoch>3", ("epoch",), ">", "3"),
        ("name=a=b!=c", ("name",), "=", "a=b!=c"),
        ("name=a%2Cb", ("name",), "=", "a,b"),
        ("name=a+b%2B%26", ("name",), "=", "a b+&"),
        ("name=a\\*b*", ("name",), "=", "a\\*b*"),
        ("labels['a=b']=c", ("labels", "a=b"), "=", "c"),
        ("labels['a,b']=c", ("labels", "a,b"), "=", "c"),
        ("labels%5B%27a%2Cb%27%5D=c", ("labels", "a,b"), "=", "c"),
        ("obj.*=3", ("obj", "*"), "=", "3"),
        ("arr[*].x[0]=3", ("arr", "[*]", "x", 0), "=", "3"),
    ],
)
def test_a_filter_is_a_path_an_operator_and_a_value(
    text: str, path: tuple[str | int, ...], operator: str, value: str | None
) -> None:
    found = condition(text)
    assert (tuple(found.path), found.operator, found.value) == (path, operator, value)


def test_commas_are_and_repetitions_are_or() -> None:
    first, second = read("/?filter=a=1,b=2&filter=c").filters
    assert [one.text for one in first] == ["a=1", "b=2"]
    assert [one.text for one in second] == ["c"]


@pytest.mark.parametrize(
    "text",
    [
        "", "a,", ",a", "a,,b", "dirs..dirid=d2", "obj.*x=1", "a!b", "=x", "a<null", "a>null",
        "a<x*", "a[", "a['b=1", "a%00=1", "a=" + "*x" * 17, ",".join(["a"] * 101),
    ],
)  # fmt: skip
def test_a_broken_filter_is_refused(text: str) -> None:
    assert refused(f"/?filter={text}").kind == "bad_filter"


def test_excludeall_of_a_collection_asks_for_nothing() -> None:
    flags = read("/dirs?filter=excludeall")
    assert flags.exclude_all
    assert flags.filters == ()


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("filter=epoch,excludeall", "excludeall"),
        ("filter=excludeall,epoch", "epoch"),
        ("filter=excludeall&filter=epoch", "epoch"),
        ("filter=epoch&filter=excludeall", "excludeall"),
        ("filter=excludeall&filter=excludeall", "excludeall"),
    ],
)
def test_excludeall_stands_alone(query: str, value: str) -> None:
    error = refused(f"/dirs?{query}")
    assert (error.kind, error.args_shown["value"]) == ("bad_filter", value)


def test_excludeall_is_for_collections_alone() -> None:
    error = refused("/dirs/d1?filter=excludeall")
    assert (error.kind, error.subject) == ("bad_filter", "/dirs/d1?filter=excludeall")


# --- ignore, epoch, setdefaultversionid


@pytest.mark.parametrize("query", ["ignore", "ignore=", "ignore=*", "ignore=id,*"])
def test_ignore_without_names_ignores_all_that_the_registry_can(query: str) -> None:
    assert read(f"/?{query}", "PUT", tree(ignores=["epoch", "id"])).ignore == {"epoch", "id"}


def test_ignore_takes_lists_and_repetitions_in_any_case() -> None:
    assert read("/?ignore=ID,epoch&ignore=readonly", "PUT").ignore == {"id", "epoch", "readonly"}


def test_ignore_of_what_the_registry_cannot_ignore_is_refused() -> None:
    assert refused("/?ignore=id", "PUT", tree(ignores=[])).kind == "bad_ignore"
    assert refused("/?ignore=foo", "PUT").args_shown["value"] == "foo"


def test_epoch_guards_the_deletion_of_one_entity() -> None:
    assert read("/dirs/d1?epoch=5", "DELETE").epoch == 5
    assert read("/dirs/d1?epoch=5", "GET").epoch is None


@pytest.mark.parametrize(
    ("request_", "method"),
    [
        ("/dirs/d1?epoch=5", "PUT"),
        ("/dirs?epoch=5", "DELETE"),
        ("/dirs/d1?epoch=-1", "DELETE"),
        ("/dirs/d1?epoch", "DELETE"),
        ("/dirs/d1?epoch=1&epoch=1", "DELETE"),
    ],
)
def test_an_epoch_that_guards_nothing_is_a_bad_flag(request_: str, method: str) -> None:
    assert refused(request_, method).kind == "bad_flag"


@pytest.mark.parametrize(
    "path",
    [
        "/dirs/d1/files/f1", "/dirs/d1/files/f1$details", "/dirs/d1/files/f1/meta",
        "/dirs/d1/files/f1/versions", "/dirs/d1/files/f1/versions/v1",
    ],
)  # fmt: skip
def test_setdefaultversionid_is_for_one_resource(path: str) -> None:
    assert read(f"{path}?setdefaultversionid=v%201", "PUT").setdefaultversionid == "v 1"
    assert read(f"{path}?setdefaultversionid=v1").setdefaultversionid is None


@pytest.mark.parametrize("path", ["/", "/dirs", "/dirs/d1", "/dirs/d1/files", "/modelsource"])
def test_setdefaultversionid_for_several_resources_is_a_bad_flag(path: str) -> None:
    assert refused(f"{path}?setdefaultversionid=v1", "POST").kind == "bad_flag"


@pytest.mark.parametrize("query", ["setdefaultversionid", "setdefaultversionid="])
def test_setdefaultversionid_has_a_value(query: str) -> None:
    error = refused(f"/dirs/d1/files/f1?{query}", "POST")
    assert error.kind == "bad_defaultversionid"
    assert error.args_shown == {"value": '""', "error_detail": "value must not be empty"}


def test_request_is_the_version_that_a_request_makes() -> None:
    query = "?setdefaultversionid=request"
    assert read(f"/dirs/d1/files/f1{query}", "POST").setdefaultversionid == "request"
    assert refused(f"/dirs/d1/files/f1/meta{query}", "PATCH").kind == "bad_flag"
    assert refused(f"/dirs/d1/files/f1/versions/v1{query}", "DELETE").kind == "bad_flag"


# --- sort, specversion, pages


@pytest.mark.parametrize(
    ("value", "sort"),
    [
        ("name", Sort(("name",))),
        ("name=asc", Sort(("name",))),
        ("labels.stage=desc", Sort(("labels", "stage"), descending=True)),
        ("arr[0]", Sort(("arr", 0))),
        ("labels['a=b']", None),
    ],
)
def test_sort_is_a_path_and_an_order(value: str, sort: Sort | None) -> None:
    if sort is None:
        assert refused(f"/dirs?sort={value}").kind == "bad_sort"
    else:
        assert read(f"/dirs?sort={value}").sort == sort


@pytest.mark.parametrize(
    "query",
    [
        "sort", "sort=", "sort==asc", "sort=name=up", "sort=name=", "sort=a..b", "sort=labels.*",
        "sort=arr[*]", "sort=a&sort=b",
    ],
)  # fmt: skip
def test_a_wrong_sort_is_refused(query: str) -> None:
    assert refused(f"/dirs?{query}").kind == "bad_sort"


def test_only_collections_are_sorted() -> None:
    error = refused("/dirs/d1?sort=name")
    assert (error.kind, error.subject) == ("sort_noncollection", "/dirs/d1?sort=name")


def test_versions_of_the_specification_are_compared_without_patch_and_case() -> None:
    assert read("/?specversion=1.0.7-RC4") == Flags()
    error = refused("/dirs?specversion=0.x")
    assert (error.kind, error.subject) == ("unsupported_specversion", "/dirs")
    assert error.args_shown == {"specversion": "0.x", "list": "1.0-rc4"}


def test_pages_are_asked_for_where_the_registry_has_them() -> None:
    flags = read("/dirs?limit=5&cursor=abc", of=PAGED)
    assert (flags.limit, flags.cursor) == (5, "abc")
    assert read("/dirs?limit=5").limit is None
    assert read("/dirs/d1?limit=5", of=PAGED).limit is None


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "1e3", "9" * 21])
def test_a_limit_is_a_number_above_0(value: str) -> None:
    assert refused(f"/dirs?limit={value}", of=PAGED).kind == "bad_flag"


def test_an_endless_query_is_refused() -> None:
    assert refused("/?filter=" + "a" * MAX_QUERY_BYTES).kind == "bad_request"


@given(
    st.lists(
        st.sampled_from(["filter=", "inline=", "sort=", "&", ",", "a", ".", "[", "'", "*", "%2C"]),
        max_size=12,
    ).map("".join)
    | st.text(max_size=40)
)
def test_any_query_is_read_or_refused(query: str) -> None:
    raw = query.encode("utf-8", "surrogatepass")
    target = parse_path(b"/dirs", MODEL)
    status = 200
    try:
        parse_flags(raw, target=target, method="GET", tree=PAGED)
    except RegistryError as error:
        status = error.status
    assert status in (200, 400)
