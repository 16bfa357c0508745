"""The subscription index answers as trying every subscription would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import AttributeValue, Event
from chappe.domain.filters import ALWAYS, All, AnyOf, Exact, Filter, Not, Prefix, Suffix
from chappe.domain.matching import SubscriptionIndex, explain, wants
from chappe.domain.subscription import Subscription

VALUES = ("a", "ab", "b", "true", "7")
ATTRIBUTES = ("type", "source", "subject", "id", "datacontenttype", "region", "specversion")

values = st.sampled_from(VALUES)
extensions: st.SearchStrategy[AttributeValue] = st.one_of(values, st.sampled_from((True, 7)))
events = st.builds(
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
filters = st.recursive(
    leaves,
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


@given(steps, st.lists(events, min_size=1, max_size=5))
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
    assert not index._tables
    assert not index._rest
