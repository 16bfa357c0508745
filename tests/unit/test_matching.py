"""The subscription index answers as trying every subscription would."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import AttributeValue, Event
from chappe.domain.filters import ALWAYS, All, AnyOf, Exact, Filter, Not, Prefix, Sql, Suffix
from chappe.domain.keys import MAX_AFFIX, keys_of
from chappe.domain.matching import SubscriptionIndex, explain, wants
from chappe.domain.subscription import Subscription
from chappe.formats.cesql_parser import parse
from tests.unit import cesql_strategies
from tests.unit.cesql_strategies import thoroughly

VALUES = ("a", "ab", "b", "true", "7")
ATTRIBUTES = ("type", "source", "subject", "id", "datacontenttype", "region", "specversion")

values = st.sampled_from(VALUES)
extensions: st.SearchStrategy[AttributeValue] = st.one_of(values, st.sampled_from((True, 7)))
events: st.SearchStrategy[Event] = st.builds(
    Event,
    id=values,
    source=values,
    type=values,
    subject=st.none() | values,
    datacontenttype=st.none() | values,
    extensions=st.dictionaries(st.just("region"), extensions, max_size=1),
)
leaves: st.SearchStrategy[Filter] = st.one_of(
    *(st.builds(kind, st.sampled_from(ATTRIBUTES), values) for kind in (Exact, Prefix, Suffix))
)
operands = st.sampled_from((*ATTRIBUTES, "'a'", "'true'", "7", "TRUE", "'07'"))
templates = st.sampled_from(
    (
        "{0} = {1}", "{0} != {1}", "{0} LIKE 'a%'", "{0} LIKE '%b'", "{0} LIKE 'a%b'", "{0} LIKE 'ab'",
        "{0} NOT LIKE 'a%'", "{0} LIKE '_b'", "{0} IN ('a', 'b')", "{0} IN (7, TRUE)", "{0} IN ({1}, 'a')",
        "{0} NOT IN ('a')", "EXISTS region", "NOT EXISTS region", "{0}", "NOT {0}", "{0} < 8",
        "LENGTH({0}) = 1", "EXISTS subject AND subject = {0}",
    )
)  # fmt: skip
texts = st.builds(
    lambda template, one, other: template.format(one, other), templates, operands, operands
)
joined = st.builds(
    lambda parts, operator: f" {operator} ".join(f"({part})" for part in parts),
    st.lists(texts, min_size=1, max_size=3),
    st.sampled_from(("AND", "OR", "XOR")),
)
sql: st.SearchStrategy[Filter] = st.one_of(
    joined.map(lambda text: Sql(text, parse(text).expression)),
    st.builds(Sql, st.just(""), cesql_strategies.expressions),
)
filters = st.recursive(
    leaves | sql,
    lambda parts: st.one_of(
        st.builds(All, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=6,
)
subscriptions = st.builds(
    Subscription,
    id=st.sampled_from(("s-1", "s-2", "s-3", "s-4")),
    sink=st.just("http://sink"),
    source=st.none() | values,
    types=st.frozensets(values, max_size=3),
    filter=st.just(ALWAYS) | filters,
)
steps = st.lists(subscriptions | st.sampled_from(("s-1", "s-2", "s-3", "s-4")), max_size=12)


@thoroughly
@given(steps, st.lists(events | cesql_strategies.events, min_size=1, max_size=5))
def test_matches_are_those_of_a_naive_scan_after_any_changes(
    changes: list[Subscription | str], offered: list[Event]
) -> None:
    index = SubscriptionIndex()
    naive: dict[str, Subscription] = {}
    for change in changes:
        if isinstance(change, str):
            index.remove(change)
            naive.pop(change, None)
        else:
            index.put(change)
            naive[change.id] = change
    for event in offered:
        expected = [one for one in naive.values() if explain(one, event).passed]
        found = list(index.matches(event))
        assert sorted(one.id for one in found) == sorted(one.id for one in expected)
        assert all(naive[one.id] is one for one in found)
    assert len(index) == len(naive)


@given(subscriptions, events)
def test_the_test_of_a_lane_on_its_own_cursor_is_that_of_the_index(
    subscription: Subscription, event: Event
) -> None:
    assert wants(subscription)(event) == explain(subscription, event).passed


@given(subscriptions, events)
def test_a_decision_that_did_not_pass_names_what_decided(
    subscription: Subscription, event: Event
) -> None:
    decision = explain(subscription, event)
    assert decision.passed or decision.leaf is not None


@given(st.lists(subscriptions, max_size=10))
def test_an_index_whose_subscriptions_are_gone_holds_nothing(made: list[Subscription]) -> None:
    index = SubscriptionIndex()
    for subscription in made:
        index.put(subscription)
    for subscription in made:
        index.remove(subscription.id)
    assert len(index) == 0
    assert not index._core
    assert not index._extensions
    assert not index._rest
    assert not index._overlapping


@thoroughly
@given(filters, events | cesql_strategies.events)
def test_an_event_that_passes_has_a_key_of_each_choice(tree: Filter, event: Event) -> None:
    subscription = Subscription("s-1", "http://sink", filter=tree)
    passed = explain(subscription, event).passed
    for choice in keys_of(subscription):
        hit = any(_has(event, *key) for key in choice.keys)
        assert hit or not passed
        assert passed or not (hit and choice.whole)


def _has(event: Event, test: str, attribute: str, value: str) -> bool:
    found = event.get(attribute)
    if found is None:
        return False
    return {
        "is": found == value,
        "starts": found.startswith(value),
        "ends": found.endswith(value),
        "set": True,
    }[test]


def subscribed(text: str, id_: str = "s-1") -> Subscription:
    return Subscription(id_, "http://sink", filter=Sql(text, parse(text).expression))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("type = 'a'", {("is", "type", "a")}),
        ("'a' = type AND LENGTH(id) > 3", {("is", "type", "a")}),
        ("id = 'x' AND type = 'a'", {("is", "id", "x")}),
        ("subject IN ('a', 'b') AND hop < 5", {("is", "subject", "a"), ("is", "subject", "b")}),
        ("hop IN (1, 12)", {("is", "hop", "1"), ("is", "hop", "12"), ("is", "hop", "true")}),
        ("subject LIKE 'europe/%'", {("starts", "subject", "europe/")}),
        ("subject LIKE '%/invoice'", {("ends", "subject", "/invoice")}),
        ("subject LIKE 'a%longer'", {("ends", "subject", "longer")}),
        ("subject LIKE 'A-1'", {("is", "subject", "A-1")}),
        ("subject = 'x' OR region = 'eu'", {("is", "subject", "x"), ("is", "region", "eu")}),
        ("hop < 5", {("set", "hop", "")}),
        ("NOT (region = 'eu')", {("set", "region", "")}),
        ("EXISTS region", {("set", "region", "")}),
        ("type LIKE '%a%'", None),
        ("NOT EXISTS region", None),
        ("type = 'a' OR TRUE", None),
        (
            " OR ".join(
                f"id IN ({', '.join(str(one) for one in range(at, at + 400))})"
                for at in (1000, 2000, 3000)
            ),
            None,
        ),
    ],
)
def test_the_index_keeps_an_expression_under_the_best_of_its_keys(
    text: str, keys: set[tuple[str, str, str]] | None
) -> None:
    index = SubscriptionIndex()
    index.put(subscribed(text))
    kept = index._keys["s-1"]
    assert (None if kept is None else {tuple(key) for key in kept.keys}) == keys


def test_a_subscription_stands_where_fewest_others_do() -> None:
    index = SubscriptionIndex()
    for number in range(100):
        both = (Exact("type", "order"), Exact("region", f"r-{number}"))
        filter_ = All(both if number % 2 else both[::-1])
        index.put(Subscription(f"s-{number}", "http://sink", filter=filter_))
    event = Event(id="1", source="/a", type="order", extensions={"region": "r-7"})
    tried = [entry for shelf in index._core.values() for entry in shelf.values.get("order", ())]
    assert len(tried) <= 2
    assert [one.id for one in index.matches(event)] == ["s-7"]


def test_a_long_prefix_is_found_by_its_beginning_and_tested_whole() -> None:
    index = SubscriptionIndex()
    long = "x" * (MAX_AFFIX + 5)
    index.put(Subscription("s-1", "http://sink", filter=Prefix("subject", long)))
    for subject, wanted in ((long + "y", 1), ("x" * MAX_AFFIX + "y" * 9, 0), ("x", 0)):
        assert len(index.matches(Event(id="1", source="/", type="t", subject=subject))) == wanted


def test_one_of_many_subscriptions_is_found_without_trying_the_others() -> None:
    index = SubscriptionIndex()
    shapes = (
        "type = 'a-{0}' AND LENGTH(id) = 1", "subject LIKE 'a-{0}/%'", "subject LIKE '%/z-{0}'",
        "region{0} = 'eu' AND hop < 5", "region = 'r-{0}' OR subject = 's-{0}'",
    )  # fmt: skip
    for number in range(2_000):
        index.put(subscribed(shapes[number % len(shapes)].format(number), f"s-{number}"))
    event = Event(
        id="1", source="/a", type="a-0", subject="a-1/z-2", extensions={"region3": "eu", "hop": 4}
    )
    calls: list[str] = []

    def count(frame: FrameType, what: str, of: object) -> None:
        if what in ("call", "c_call"):
            calls.append(frame.f_code.co_name)

    sys.setprofile(count)
    try:
        found = index.matches(event)
    finally:
        sys.setprofile(None)
    assert sorted(one.id for one in found) == ["s-0", "s-1", "s-2", "s-3"]
    assert calls.count("cesql") <= 4
    assert len(calls) < 100
