"""CESQL expressions, and events that they say something different of."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from chappe.domain.cesql.tree import (
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Conjunction,
    Disjunction,
    Exclusive,
    Exists,
    Expression,
    In,
    Like,
    Literal,
    Minus,
    Negation,
)
from chappe.domain.event import AttributeValue, Event

# More than a hundred, where a tree has many shapes; a nightly search keeps its own number.
thoroughly = settings(max_examples=max(300, settings().max_examples))

NAMES = ("type", "source", "id", "subject", "time", "specversion", "region", "hop", "flag", "blob")
TEXTS = ("a", "ab", "b", "", "true", "FALSE", "7", "07", "-1", "a%b", "Q\\'", 'x"', "2147483647")

texts = st.sampled_from(TEXTS) | st.text("ab%_'\"\\é", max_size=4)
numbers = st.sampled_from((0, 1, 7, -1, 2**31 - 1, -(2**31))) | st.integers(-20, 20)
names = st.sampled_from(NAMES)
patterns = st.text("ab%_\\", max_size=6)
literals: st.SearchStrategy[Expression] = st.builds(Literal, texts | numbers | st.booleans())
leaves: st.SearchStrategy[Expression] = st.one_of(
    literals, st.builds(Attribute, names), st.builds(Exists, names)
)
FUNCTIONS = (
    "LENGTH", "CONCAT", "CONCAT_WS", "LOWER", "UPPER", "TRIM", "LEFT", "RIGHT", "SUBSTRING", "ABS",
    "INT", "BOOL", "STRING", "NOSUCH",
)  # fmt: skip


def _above(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Negation, parts),
        st.builds(Minus, parts),
        st.builds(Conjunction, several),
        st.builds(Disjunction, several),
        st.builds(Exclusive, parts, parts),
        st.builds(Comparison, st.sampled_from(("=", "!=", "<", "<=", ">", ">=")), parts, parts),
        st.builds(Arithmetic, st.sampled_from(("+", "-", "*", "/", "%")), parts, parts),
        st.builds(Like, parts, patterns, st.booleans()),
        st.builds(
            In, parts, st.lists(literals | parts, min_size=1, max_size=3).map(tuple), st.booleans()
        ),
        st.builds(
            Call, st.sampled_from(FUNCTIONS), st.lists(parts, max_size=3).map(tuple)
        ),
    )  # fmt: skip


expressions: st.SearchStrategy[Expression] = st.recursive(leaves, _above, max_leaves=8)

values: st.SearchStrategy[AttributeValue] = st.one_of(
    st.sampled_from(("a", "ab", "true", "7", "07", "x")),
    st.booleans(),
    st.sampled_from((0, 7, -1, 2**31 - 1)),
    st.just(b"\x00\xff"),
)
events = st.builds(
    Event,
    id=st.sampled_from(("a", "7")),
    source=st.sampled_from(("/a", "ab")),
    type=st.sampled_from(("a", "b", "true")),
    subject=st.none() | st.sampled_from(("a", "7", "ab", "true")),
    time=st.none() | st.just("2026-11-22T10:02:11Z"),
    extensions=st.dictionaries(st.sampled_from(("region", "hop", "flag", "blob")), values),
)
