"""The rules of comparison that filters and sorts share (core/spec.md "Filter Flag")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.compare import LOWEST, fold, instant, matcher, number, sort_key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("é", "e\u0301"), ("ﬁle", "FILE"), ("Ω", "ω"), ("ABC", "abc")],
)
def test_texts_that_differ_in_case_or_composition_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_letters_with_accents_sort_beside_those_without() -> None:
    words = ["zebra", "école", "Ecole", "edge", "eclair"]
    assert sorted(words, key=sort_key) == ["eclair", "Ecole", "école", "edge", "zebra"]


def test_values_of_many_kinds_have_one_order() -> None:
    values = ["b", None, 2, True, Decimal("1.5"), "A", False, [1]]
    expected = [None, False, True, Decimal("1.5"), 2, "A", "b", [1]]
    assert sorted(values, key=sort_key) == expected


def test_what_is_missing_is_lowest() -> None:
    assert sort_key(None) == LOWEST < sort_key(value=False)


def test_instants_sort_by_their_fractions() -> None:
    texts = ["2026-01-01T00:00:05.5Z", "2026-01-01T00:00:05Z", "2026-01-01T00:00:05.25Z"]
    assert sorted(texts, key=instant) == [texts[1], texts[2], texts[0]]


@pytest.mark.parametrize(
    "text", ["", "x", "1x", "1e99999", "0x1", "NaN", "Infinity", "٣", "1" * 1001]
)
def test_what_is_no_number_compares_with_none(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("+5.0", 5), ("-1e2", -100), (".5", Decimal("0.5"))]
)
def test_a_number_is_its_value(text: str, value: Any) -> None:
    assert number(text) == value


def test_a_pattern_of_many_wildcards_takes_no_long_search() -> None:
    test, _ = matcher("=", "a*" * 2000 + "b")
    assert not test("a" * 4096)


@given(st.text(), st.text())
def test_a_pattern_matches_what_it_was_made_from(before: str, after: str) -> None:
    plain = (before + after).replace("*", "").replace("\\", "").replace("\0", "")
    at = len(plain) // 2
    test, _ = matcher("=", f"{plain[:at]}*{plain[at:]}")
    assert test(f"{plain[:at]}some{plain[at:]}")


@given(st.text())
def test_an_escaped_star_matches_only_a_star(text: str) -> None:
    plain = text.replace("*", "").replace("\\", "").replace("\0", "")
    test, _ = matcher("=", rf"{plain}\*")
    assert test(f"{plain}*")
    assert not test(f"{plain}x")


@pytest.mark.parametrize("value", [{"a": 1}, [1], True, 5])
def test_a_text_never_equals_what_is_none(value: Any) -> None:
    test, _ = matcher("=", "x")
    assert not test(value)
