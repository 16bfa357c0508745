"""What the console's pages are made with: names in paths, trees, differences, snippets, the guard."""

from __future__ import annotations

import ast
import json
import shlex
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chappe.console import shown
from chappe.console.choice import choice
from chappe.console.comparison import pointers_changed
from chappe.console.diff import side_by_side
from chappe.console.exchange import Asked
from chappe.console.guard import require_own_page
from chappe.console.links import name_of, segment
from chappe.console.near import alike
from chappe.console.pages.type import _fits
from chappe.console.schema_tree import MOST_ROWS, schema_tree
from chappe.console.snippets import sending, subscribing
from chappe.domain.errors import Forbidden, Malformed

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


@given(NAMES | st.sampled_from([".", "..", "~", "~~", "~.", "a/b", "%2e", "a?b#c"]))
def test_a_name_is_one_part_of_a_path_and_comes_back(name: str) -> None:
    path = urlsplit(urljoin("http://hub/console/types/x/y", f"../{segment(name)}/z")).path
    assert name_of(path.removeprefix("/console/types/").removesuffix("/z")) == name


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(Malformed, match="no UTF-8"):
        name_of("%ff")


@given(st.text(), st.integers(4, 60))
def test_a_long_name_keeps_its_ends(text: str, most: int) -> None:
    short = shown.middle(text, most)
    assert len(short) <= most
    if len(text) > most:
        head, _, tail = short.partition("…")
        assert text.startswith(head) or "…" in text
        assert text.endswith(tail) or "…" in text


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=3), "3 s ago"),
        (timedelta(minutes=2, seconds=50), "2 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(days=90), "2029-10-03"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_a_time_is_told_in_words(before: timedelta, said: str) -> None:
    now = datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert shown.ago((now - before).isoformat(), now) == said


def test_what_is_no_time_is_shown_as_it_is() -> None:
    assert shown.ago("soon", datetime(2030, 1, 1, tzinfo=UTC)) == "soon"


@pytest.mark.parametrize(
    ("per_minute", "said"), [(0.05, "3/h"), (0.2, "12/h"), (2.44, "2.4/min"), (6000, "100/s")]
)
def test_a_rate_has_the_unit_that_makes_it_readable(per_minute: float, said: str) -> None:
    assert shown.rate(per_minute) == said


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_both_documents_can_be_read_from_their_difference(old: list[str], new: list[str]) -> None:
    rows = side_by_side("\n".join(old), "\n".join(new))
    assert rows is not None
    if old == new:
        assert not rows
        return
    skipped = sum(row.skipped for row in rows)
    assert len([row for row in rows if row.old is not None]) + skipped == len(old)
    assert [row.old for row in rows if row.old is not None] == [
        old[row.old_line - 1] for row in rows if row.old is not None
    ]
    assert len([row for row in rows if row.new is not None]) + skipped == len(new)
    assert all(row.old == row.new for row in rows if row.same)


def test_documents_that_are_too_long_are_not_compared() -> None:
    assert side_by_side("a\n" * 3000, "b") is None


def test_a_json_schema_is_a_tree() -> None:
    tree = schema_tree(
        {
            "title": "Order",
            "required": ["id"],
            "properties": {
                "id": {"type": "string", "description": "ours", "minLength": 1},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
                "any": True,
            },
            "$defs": {"line": {"type": "object", "properties": {"sku": {"enum": ["a"]}}}},
        },
        "JsonSchema/draft/2020-12",
    )
    assert tree.title == "Order"
    assert [(row.depth, row.name, row.type, row.required) for row in tree.rows] == [
        (0, "id", "string", True),
        (0, "lines", "array of #/$defs/line", False),
        (1, "sku", "one of", False),
        (0, "any", "anything", False),
    ]
    assert (tree.rows[0].description, tree.rows[0].rules) == ("ours", "minLength 1")


def test_an_avro_record_is_a_tree() -> None:
    tree = schema_tree(
        {
            "type": "record",
            "name": "Order",
            "fields": [
                {"name": "id", "type": "string", "doc": "ours"},
                {
                    "name": "lines",
                    "type": {
                        "type": "array",
                        "items": {
                            "type": "record",
                            "name": "Line",
                            "fields": [{"name": "n", "type": ["null", "int"], "default": None}],
                        },
                    },
                },
            ],
        },
        "Avro/1.11.0",
    )
    assert [(row.depth, row.name, row.type, row.required) for row in tree.rows] == [
        (0, "id", "string", True),
        (0, "lines", "array of Line", True),
        (1, "n", "null | int", False),
    ]


def test_a_schema_that_refers_to_itself_ends() -> None:
    circle = {"properties": {"self": {"$ref": "#"}, "a": {"$ref": "#/x"}}, "x": {"$ref": "#/x"}}
    assert len(schema_tree(circle, "JsonSchema/draft-07").rows) < 50
    wide = {f"p{i}": {"$ref": "#/w"} for i in range(50)}
    tree = schema_tree({"properties": wide, "w": {"properties": wide}}, "JsonSchema/draft-07")
    assert (len(tree.rows), tree.cut) == (MOST_ROWS, True)


def test_what_is_no_tree_is_text() -> None:
    assert schema_tree('syntax = "proto3";', "Protobuf/3").text == 'syntax = "proto3";'


def test_what_differs_between_two_documents_is_named_by_pointers() -> None:
    old = {"a": {"b/c": 1, "d": [1]}, "e": 1}
    new = {"a": {"b/c": 2, "d": [1]}, "f": 1}
    assert pointers_changed(old, new) == ["/a/b~1c", "/e", "/f"]


@given(NAMES, NAMES, NAMES)
def test_a_snippet_holds_what_was_filled_in_as_literals_whatever_it_is_called(
    type_: str, sink: str, name: str
) -> None:
    made = subscribing(type_, "https://hub.example", sink=sink, name=name)
    code = {one.anchor: one.code for one in made}
    line = code["cli"].rpartition("\n\n# or")[0]
    words = shlex.split(line)
    named = [] if name.startswith("-") else [name]
    assert words == [
        *("chappe", "sub", "create", *named, "--url", "https://hub.example"),
        *("--type", type_, "--to", sink),
    ]
    yaml_ = yaml.safe_load(code["yaml"])
    assert (yaml_["sink"], yaml_["types"]) == (sink, [type_])
    assert json.loads(shlex.split(code["curl"].replace("\\\n", ""))[-1])["types"] == [type_]
    texts = [
        one.value for one in ast.walk(ast.parse(code["python"])) if isinstance(one, ast.Constant)
    ]
    assert {type_, sink, *named} <= {*texts}


@given(NAMES, NAMES)
def test_a_request_that_sends_one_more_holds_it_as_a_literal(type_: str, id_: str) -> None:
    event = {"specversion": "1.0", "type": type_, "source": "/s", "id": id_, "time": "2026-01-01"}
    words = shlex.split(sending(event, "https://hub.example").replace("\\\n", ""))
    assert words[:2] == ["curl", "https://hub.example/events"]
    assert json.loads(words[-1]) == {
        "specversion": "1.0",
        "type": type_,
        "source": "/s",
        "id": f"{id_}-again",
    }


@given(NAMES)
def test_a_name_is_most_like_itself(name: str) -> None:
    others = ["shop.order.paid", "shop.order.placed", "x"]
    assert [one.label for one in alike(name, [*others, name], "types/")][:1] == [name]


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("shop.order.payd", "shop.order.paid"),
        ("Shop.Order.Paid", "shop.order.paid"),
        ("order.paid", "shop.order.paid"),
        ("paymnt.failed", "payment.failed"),
        ("", None),
        ("zzz", None),
    ],
)
def test_a_name_that_is_meant_is_found(wanted: str, first: str | None) -> None:
    names = ["payment.failed", "shop.order.cancelled", "shop.order.paid", "stock.low"]
    found = [one.label for one in alike(wanted, names, "types/")]
    assert (found or [None])[0] == first


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({}, {"types": [], "filters": []}),
        ({"types": " a, b\n,, c "}, {"types": ["a", "b", "c"], "filters": []}),
        ({"type": "a, b", "types": "c"}, {"types": ["a, b"], "filters": []}),
        ({"source": " /s ", "filters": " x = 1 "},
         {"types": [], "source": "/s", "filters": [{"sql": "x = 1"}]}),
        ({"filters": '{"exact": {"a": "b"}}'}, {"types": [], "filters": [{"exact": {"a": "b"}}]}),
        ({"filters": '[{"sql": "x"}]'}, {"types": [], "filters": [{"sql": "x"}]}),
    ],
)  # fmt: skip
def test_a_form_says_which_events_somebody_wants(
    form: dict[str, str], wanted: dict[str, object]
) -> None:
    assert choice(form) == wanted


@pytest.mark.parametrize("filters", ["[", "{", "[" * 50_000])
def test_what_looks_like_json_and_is_none_is_named(filters: str) -> None:
    with pytest.raises(ValueError, match=r"^filters: this is no JSON"):
        choice({"filters": filters})


@given(NAMES)
def test_the_yaml_of_a_subscription_is_the_subscription(type_: str) -> None:
    (code,) = [
        one.code for one in subscribing(type_, "https://hub.example") if one.anchor == "yaml"
    ]
    made = yaml.safe_load(code)
    assert made["xid"] == "/endpoints/hub/subscriptions/billing"
    assert made["types"] == [type_]


@pytest.mark.parametrize(
    ("template", "source", "fits"),
    [
        ("/shop", "/shop", True),
        ("/shop", "/shop/1", False),
        ("/shop/{branch}", "/shop/berlin", True),
        ("/shop/{branch}", "/other", False),
        ("{a}/x/{b}", "/1/x/2", True),
        ("{a}/x/{b}", "/1/y/2", False),
        ("ab{x}ba", "aba", False),
        ("{a}" * 200 + "z", "a" * 5000, False),
    ],
)
def test_a_source_fits_the_template_that_declares_it(
    template: str, source: str, *, fits: bool
) -> None:
    assert _fits(template, source) is fits


def asked(**headers: str) -> Asked:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("POST", "x", "", {"host": "hub:4280", **named}, b"", "https://hub.example/chappe")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "http://hub:4280"},
        {"origin": "https://hub.example"},
        {},
    ],
)
def test_a_form_of_a_page_of_the_hub_is_taken(headers: dict[str, str]) -> None:
    require_own_page(asked(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "http://hub:4280"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://hub:4281"},
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        require_own_page(asked(**headers))
