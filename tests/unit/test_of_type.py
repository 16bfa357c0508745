"""Whether a subscription may take a type: never no where an event of it would pass."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.domain.filters import All, AnyOf, Exact, Filter, Not, Prefix, Suffix, matches
from chappe.domain.of_type import may_take, passes
from chappe.domain.subscription import Subscription

TEXTS = st.sampled_from(["", "a", "ab", "b", "ba"])
LEAVES = st.builds(
    lambda make, name, value: make(name, value),
    st.sampled_from([Exact, Prefix, Suffix]),
    st.sampled_from(["type", "subject"]),
    TEXTS,
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3)),
        st.builds(AnyOf, st.lists(inner, max_size=3)),
    ),
    max_leaves=6,
)


@given(FILTERS, TEXTS.filter(bool), TEXTS.filter(bool))
def test_what_is_said_of_a_type_holds_for_its_events(
    filter_: Filter, type_: str, subject: str
) -> None:
    said = passes(filter_, type_)
    event = Event(id="1", source="/s", type=type_, subject=subject)
    assert said is None or matches(filter_, event) is said


def test_types_that_are_named_are_the_only_ones() -> None:
    one = Subscription(id="s", sink="http://x", types=("a",))
    assert may_take(one, "a")
    assert not may_take(one, "b")
