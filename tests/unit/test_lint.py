"""What a subscription says that its author may not mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.cesql.evaluate import evaluate
from chappe.domain.cesql.tree import Conjunction, Expression, Literal
from chappe.domain.event import Event
from chappe.domain.filters import Filter, Sql, matches
from chappe.domain.lint import MOST, _truth, warnings
from chappe.formats.filters_json import parse_filters
from tests.unit import cesql_strategies
from tests.unit.cesql_strategies import thoroughly
from tests.unit.test_matching import events, filters


def told(*filters: object, source: str | None = None, types: tuple[str, ...] = ()) -> list[str]:
    return warnings(source, frozenset(types), parse_filters(list(filters)))


def of_sql(expression: str) -> list[str]:
    return [one.removeprefix("filters/0/sql: ") for one in told({"sql": expression})]


@pytest.mark.parametrize(
    ("expression", "warning"),
    [
        ("type = 'a' AND id = 'b' OR id = 'c'", "at offset 24: AND and OR bind alike"),
        ("NOT type LIKE 'a%'", "at offset 0: NOT binds tighter than LIKE"),
        ("NOT type = 'a'", "at offset 0: NOT binds tighter than ="),
        ("type = 'a' AND type = 'b'",
         "type = 'a' AND type = 'b' is never TRUE: type would have to be 'a' and 'b'"),
        ("type = 'a' AND type IN ('b', 'c')", "type would have to be 'a' and 'b' or 'c'"),
        ("type = 'a' AND type != 'a'", "type would have to be 'a' and not to be"),
        ("type = 'a' AND type LIKE 'b%'", "type would have to be 'a' and to begin or end with 'b'"),
        ("type LIKE 'a%' AND type LIKE 'b%'", "type would have to begin with 'a' and 'b'"),
        ("type LIKE '%a' AND type LIKE '%b'", "type would have to end with"),
        ("id = 'x' OR (type = 'a' AND type = 'b')", "type = 'a' AND type = 'b' is never TRUE"),
        ("1 = 2", "1 = 2 is never TRUE"),
        ("1 / 0 = 1", "(1 / 0) = 1 is never TRUE"),
        ("TRUE", "TRUE is always TRUE"),
        ("type = 'a' AND 'x' = 'x'", "'x' = 'x' is always TRUE"),
        ("EXISTS id", "EXISTS id is always TRUE"),
        ("NOT EXISTS id", "NOT (EXISTS id) is never TRUE"),
        ("TRUE OR type = 'a'", "TRUE OR type = 'a' is always TRUE"),
        ("type < 'a'", "type < 'a' is never TRUE"),
        ("subject", "no event passes: the value is a String"),
        ("hop + 1", "no event passes: the value is an Integer"),
        ("LOWER(type)", "no event passes: the value is a String"),
        ("flag", "only a Boolean passes, and HTTP's headers carry Strings; write flag = TRUE"),
        ("region = 'eu' OR type = 'a'",
         "an event without region never passes, whatever follows OR; write (EXISTS region AND …)"),
    ],
)  # fmt: skip
def test_warning(expression: str, warning: str) -> None:
    found = of_sql(expression)
    assert any(warning in one for one in found), found


@pytest.mark.parametrize(
    "expression",
    [
        "type = 'a'", "(type = 'a' AND id = 'b') OR id = 'c'", "NOT (type = 'a')", "type NOT LIKE 'a%'",
        "type LIKE 'a%' AND type LIKE 'ab%' AND type LIKE '%c'", "hop < 5", "NOT EXISTS region",
        "(EXISTS region AND region = 'eu') OR type = 'a'", "type = 'a' OR region = 'eu'", "flag = TRUE",
        "type = 'a' AND type IN ('a', 'b')", "region = '1' AND region IN (1, 2)", "type != 'a'",
        "hop = '7' AND hop = 7", "id = 'a' AND type = 'b'", "type = 'a' OR type = 'b'",
    ],
)  # fmt: skip
def test_what_is_plain_is_not_warned_of(expression: str) -> None:
    assert of_sql(expression) == []


def test_contradictions_are_found_across_dialects_and_fields() -> None:
    assert told({"exact": {"type": "a"}}, {"sql": "type = 'b'"}) == [
        "filters: no event passes: type would have to be 'a' and 'b'"
    ]
    assert told({"prefix": {"type": "x."}}, types=("a", "b")) == [
        "filters: no event passes: type would have to be 'a' or 'b' and to begin or end with 'x.'"
    ]
    assert told({"exact": {"source": "/b"}}, source="/a") != []
    assert told({"not": {"exact": {"type": "a"}}}, types=("a",)) != []
    assert told({"any": [{"exact": {"type": "c"}}, {"exact": {"type": "d"}}]}, types=("a",)) != []
    assert told({"exact": {"type": "a"}}, types=("a", "b")) == []


def test_a_warning_names_the_place_of_its_expression() -> None:
    found = told({"exact": {"type": "a"}}, {"any": [{"not": {"all": [{"sql": "TRUE"}]}}]})
    assert found == ["filters/1/any/0/not/all/0/sql: TRUE is always TRUE"]


def test_not_all_warnings_are_told() -> None:
    assert len(told(*[{"sql": "TRUE"}] * 50)) == MOST


@thoroughly
@given(cesql_strategies.expressions, st.lists(cesql_strategies.events, min_size=3, max_size=6))
def test_what_is_told_to_be_always_or_never_true_is(tree: Expression, offered: list[Event]) -> None:
    for one in warnings(None, frozenset(), Sql("", tree)):
        if "no event passes" in one:
            assert not any(evaluate(tree, event).passed for event in offered)


@thoroughly
@given(filters, events)
def test_where_no_event_is_told_to_pass_none_does(tree: Filter, event: Event) -> None:
    if any(one.startswith("filters: no event passes") for one in warnings(None, frozenset(), tree)):
        assert not matches(tree, event)


@thoroughly
@given(cesql_strategies.expressions, cesql_strategies.events)
def test_constants_are_folded_to_what_they_are(tree: Expression, event: Event) -> None:
    truth = _truth(tree)
    if truth is not None:
        assert evaluate(Conjunction((tree, Literal(True))), event).passed is truth  # noqa: FBT003
