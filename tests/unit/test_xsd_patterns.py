"""Which patterns are served: those that libxml2 matches in linear time, whatever the text is."""

from __future__ import annotations

from time import process_time
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.xsd.character_sets import (
    ALL,
    MAX_CHARACTER,
    NAMED,
    Ranges,
    category,
    complement,
    difference,
    of,
    union,
)
from chappe.formats.xsd.patterns import BadPattern, Patience, parse
from tests.speed import slowness
from tests.unit.xsd_fixture import XML, simple
from tests.unit.xsd_fixture import parse as parse_schema

USUAL = [
    r"[a-z0-9._%+\-]+@[a-z0-9\-]+(\.[a-z0-9\-]+)*\.[a-z]{2,}",
    r"[^@]+@[^@]+",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])",
    r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3}){0,1}",
    r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}",
    r"\d{4}-\d{2}-\d{2}",
    r"-?[0-9]{0,15}(\.[0-9]{0,4})?",
    r"[1-9][0-9]{0,2}(,[0-9]{3})*",
    r"\+?[0-9()\s\-]{5,20}",
    r"https?://[^/\s]+(/\S*)?",
    r"[\i-[:]][\c-[:]]*",
    r"\p{Lu}\p{L}*",
    r"([a-zA-Z]{2}|[iI]-[a-zA-Z]+|[xX]-[a-zA-Z]{1,8})(-[a-zA-Z]{1,8})*",
    r"[A-Za-z0-9+/]*={0,2}",
    r"P(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?",
    r"[\p{IsBasicLatin}-[<>&]]{1,255}",
    r"\S+( \S+)*",
    r".{1,1000}",
    r"",
    r"a|b|",
    r"[^\d]?",
    r"[\-a]",
    r"[a\-z]",
    r"x{0}",
]


@pytest.mark.parametrize("pattern", USUAL)
def test_a_usual_pattern_is_served(pattern: str) -> None:
    assert parse_schema(simple(f"<xs:pattern value={quoteattr(pattern)}/>")).format == "XSD/1.0"


SLOW = [
    *(".*foo.*bar", "(a|a)*", "(a*)*", "(a+)+", r".+@.+\..+", r".*\S.*", "(a|ab|b)*c", "(.*,)*x"),
    *("[a-z]*[a-z0-9]*", "(x?){30}x{30}", "(a{1,1000}){1,1000}", r"(\w+\s?)*"),
]


@pytest.mark.parametrize("pattern", SLOW)
def test_3b_a_pattern_that_can_be_matched_in_many_ways_is_not(pattern: str) -> None:
    with pytest.raises(Malformed, match=r"in more than 16 ways|takes too long"):
        Patience().check(pattern)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        *(("(a", "'(' is not closed"), ("a)", "closes nothing"), ("[a", "ends too early")),
        *(
            ("*a", "must be escaped"),
            ("a{2", "begins no count"),
            ("a{3,2}", "ends before it begins"),
        ),
        *(
            (r"\q", "no escape of XSD patterns"),
            (r"\p{X", "needs a category"),
            ("a\\", "too early"),
        ),
        *((r"\p{foo}", "no category"), ("[z-a]", "ends before it begins"), ("[a[b]]", "escaped")),
        *(("[a-[b]c]", "must end its character class"), ("{2}", "must be escaped")),
        *((r"(?=a)", "must be escaped"), (r"\1", "no escape of XSD patterns")),
    ],
)
def test_no_pattern_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why.replace("(", r"\(")):
        parse(pattern)


def test_one_pattern_is_weighed_once() -> None:
    patience = Patience(600)
    for _ in range(100):
        patience.check(r"[A-Z]{6}[A-Z2-9]([A-Z0-9]{3})?")
    with pytest.raises(Malformed, match="takes too long"):
        Patience(10).check(r"[A-Z]{6}[A-Z2-9]([A-Z0-9]{3})?")


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", ".", "[^a]", "ab"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{0,3}", "{2}", "{1,40}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(PATTERNS, st.text("ab", min_size=1, max_size=3), st.sampled_from(["", "c", "!\n"]))
def test_3b_what_is_served_is_matched_in_no_time(pattern: str, pump: str, end: str) -> None:
    try:
        schema = parse_schema(
            simple(f"<xs:pattern value={quoteattr(pattern)}/>") + '<xs:element name="a" type="t"/>'
        )
    except Malformed:
        assume(condition=False)
        raise
    payload = f"<a>{pump * 5_000}{end}</a>".encode()
    start = process_time()
    found = schema.check(payload, XML)
    assert process_time() - start < 0.1 * slowness()
    assert not any("cannot be checked" in each.message for each in found)


@pytest.mark.parametrize(
    ("pattern", "text", "is_taken"),
    [
        *(
            ("b(a)+|c(d)+", "cda", False),
            ("b(a)+|c(d)+", "cdd", True),
            ("b(a)+|c(d)+", "baa", True),
        ),
        *(("(a)*|b", "ba", False), ("(a)*|b", "", True), ("(b(a)+)|c(d)+", "cda", False)),
        *(("x(b(a)+|c(d)+)*y", "xcdbay", True), ("x(b(a)+|c(d)+)y", "xcday", False)),
        *((r"\)|a", ")", True), ("|a", "", True), ("[(*]|a", "*", True)),
        *(("(a?){2}", "", True), ("(a?){2}", "a", True), ("(a?){2}", "aaa", False)),
        ("(a?){3}a{3}", "aaa", True),
    ],
)
def test_what_libxml2_matches_wrong_is_written_otherwise(
    pattern: str, text: str, is_taken: bool
) -> None:
    schema = parse_schema(
        simple(f"<xs:pattern value={quoteattr(pattern)}/>") + '<xs:element name="a" type="t"/>'
    )
    assert (schema.check(f"<a>{text}</a>".encode(), XML) == ()) is is_taken


SETS = st.lists(st.integers(0, 60), max_size=8).map(lambda codes: of("".join(map(chr, codes))))


def _members(ranges: Ranges) -> set[int]:
    return {code for low, high in ranges for code in range(low, min(high, 60) + 1)}


@given(SETS, SETS)
def test_sets_of_characters_are_sets(one: Ranges, other: Ranges) -> None:
    a, b = _members(one), _members(other)
    assert _members(union(one, other)) == a | b
    assert _members(difference(one, other)) == a - b
    assert complement(complement(one)) == one
    assert union(one, complement(one)) == ALL


@pytest.mark.parametrize("name", ["s", "d", "i", "c", "w"])
def test_a_set_and_its_opposite_share_no_ascii(name: str) -> None:
    one, other = NAMED[name], NAMED[name.upper()]
    assert union(one, other) == ALL
    assert all(
        not (low <= code <= high)
        for code in range(128)
        if any(low <= code <= high for low, high in one)
        for low, high in other
    )


def test_categories_are_exact_in_ascii() -> None:
    upper = category("Lu", negated=False)
    assert upper == ((65, 90), (128, MAX_CHARACTER))
    assert category("IsBasicLatin", negated=False) == ((0, 127),)
    assert category("IsGreek", negated=True) == ((0, MAX_CHARACTER),)
