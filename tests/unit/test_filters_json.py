"""Filter expressions in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.filters import (
    ALWAYS,
    All,
    AnyOf,
    Exact,
    Filter,
    Not,
    Prefix,
    Sql,
    Suffix,
    compiled,
    matches,
)
from chappe.formats.cesql_parser import parse
from chappe.formats.filters_json import (
    MAX_DEPTH,
    MAX_EXPRESSIONS,
    MAX_SQL,
    parse_filters,
    render_filters,
)

NAMES = st.sampled_from(["id", "source", "type", "subject", "region", "unset1"])
TEXTS = st.text("ab/.é", min_size=1, max_size=4)
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Exact, NAMES, TEXTS), st.builds(Prefix, NAMES, TEXTS), st.builds(Suffix, NAMES, TEXTS)
)
SQL: st.SearchStrategy[Filter] = st.sampled_from(
    ["region = 'a'", "EXISTS subject AND subject LIKE 'a%'", "NOT (id IN ('a', 'b'))"]
).map(lambda text: Sql(text, parse(text).expression))
TREES: st.SearchStrategy[Filter] = st.recursive(
    LEAVES | SQL,
    lambda parts: st.one_of(
        st.builds(All, st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=12,
)
ARRAYS: st.SearchStrategy[Filter] = st.builds(All, st.lists(TREES, max_size=3).map(tuple))
EVENTS = st.builds(
    Event,
    id=TEXTS,
    source=TEXTS,
    type=TEXTS,
    subject=st.none() | TEXTS,
    extensions=st.dictionaries(st.just("region"), TEXTS | st.booleans()),
)


@given(ARRAYS)
def test_what_is_rendered_is_read_as_the_same_tree(tree: Filter) -> None:
    assert parse_filters(json.loads(json.dumps(render_filters(tree)))) == tree


@given(ARRAYS, EVENTS)
def test_a_compiled_filter_answers_as_the_tree_does(tree: Filter, event: Event) -> None:
    assert compiled(tree)(event) == matches(tree, event)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x) | st.dictionaries(st.text() | st.sampled_from(["all", "not", "exact"]), x)
        ),
    )
)
def test_any_json_is_read_or_refused(document: object) -> None:
    try:
        tree = parse_filters(document)
    except Malformed:
        return
    assert parse_filters(render_filters(tree)) == tree


@pytest.mark.parametrize("document", [None, []])
def test_no_filter_is_always_true(document: object) -> None:
    assert parse_filters(document) == ALWAYS


def test_several_names_must_all_match() -> None:
    assert parse_filters([{"prefix": {"type": "a", "source": "/b"}}]) == All(
        (All((Prefix("type", "a"), Prefix("source", "/b"))),)
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "filters: an object was sent, an array is needed"),
        (["x"], "filters/0: a string was sent, an object with one dialect is needed"),
        ([{}], "filters/0: an expression has exactly one dialect, this one has 0"),
        (
            [{"exact": {"type": "a"}, "prefix": {"type": "b"}}],
            "filters/0: an expression has exactly one dialect, this one has 2 ('exact', 'prefix')",
        ),
        (
            [{"all": [{"regex": {"type": "a"}}]}],
            "filters/0/all/0: unknown dialect 'regex'; known: exact, prefix, suffix, all, any, not, sql",
        ),
        ([{"exact": {}}], "filters/0/exact: a non-empty object of attribute names and strings"),
        ([{"exact": {"Type": "a"}}], "filters/0/exact: 'Type' is no attribute name"),
        ([{"exact": {"": "a"}}], "filters/0/exact: '' is no attribute name"),
        ([{"suffix": {"type": ""}}], "filters/0/suffix/type: a non-empty string is needed"),
        (
            [{"suffix": {"type": 1}}],
            "filters/0/suffix/type: a non-empty string is needed, a number",
        ),
        ([{"any": []}], "filters/0/any: a non-empty array of expressions is needed"),
        ([{"all": {"exact": {"type": "a"}}}], "filters/0/all: a non-empty array of expressions"),
        ([{"not": [{"exact": {"type": "a"}}]}], "filters/0/not: an array was sent"),
        ([{"not": {}}], "filters/0/not: an expression has exactly one dialect"),
    ],
)
def test_a_refusal_names_path_value_and_rule(document: object, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_filters(document)
    assert refused.value.message.startswith(message)


def nested(depth: int) -> list[object]:
    expression: object = {"exact": {"type": "a"}}
    for _ in range(depth - 1):
        expression = {"not": expression}
    return [expression]


def test_the_limit_of_depth() -> None:
    parse_filters(nested(MAX_DEPTH))
    with pytest.raises(Malformed, match="nested more than 32 deep"):
        parse_filters(nested(MAX_DEPTH + 1))


def test_the_limit_of_expressions_counts_every_name() -> None:
    parse_filters([{"exact": {"type": "a"}}] * MAX_EXPRESSIONS)
    with pytest.raises(Malformed, match="more than 256 expressions"):
        parse_filters([{"exact": {"type": "a"}}] * (MAX_EXPRESSIONS + 1))
    with pytest.raises(Malformed, match="more than 256 expressions"):
        parse_filters([{"exact": {f"a{number}": "x" for number in range(MAX_EXPRESSIONS)}}])


def test_cesql_expressions_are_bounded_together() -> None:
    long = {"sql": f"type = '{'x' * 8000}'"}
    assert parse_filters([long, long])
    with pytest.raises(Malformed, match=f"filters/2/sql: more than {MAX_SQL} characters"):
        parse_filters([long, long, long])
