"""What an assistant is given is never longer than its bound, and JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.cli.mcp_bounds import MOST_CHARACTERS, bounded
from chappe.domain.errors import TooLarge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: (
        st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner, max_size=30)
    ),
    max_leaves=60,
)


@given(JSON, st.integers(min_value=200, max_value=5_000))
def test_it_is_json_within_the_bound_and_whole_where_it_fits(value: object, most: int) -> None:
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text = bounded(value, most=most)
    except TooLarge:
        assert len(whole) > most
        return
    assert len(text) <= most
    if len(whole) <= most:
        assert json.loads(text) == value


def test_a_long_text_keeps_its_beginning_and_says_how_much_is_missing() -> None:
    found = json.loads(bounded({"data": "x" * 100_000, "id": "1"}))
    assert found == {"data": f"{'x' * 4_000}… (96000 characters more)", "id": "1"}


def test_a_long_list_says_how_many_are_missing() -> None:
    found = json.loads(bounded([{"n": "y" * 100}] * 1_000))
    assert len(found) == 101
    assert found[-1] == "… (900 items more)"


def test_what_lies_deep_is_counted() -> None:
    deep: object = "z" * MOST_CHARACTERS
    for _ in range(40):
        deep = [deep, deep]
        if len(str(deep)) > 10 * MOST_CHARACTERS:
            break
    assert len(bounded(deep)) <= MOST_CHARACTERS


def test_numbers_stay_exact() -> None:
    assert bounded({"a": Decimal("1.10")}) == '{"a":1.10}'


def test_what_cannot_be_cut_enough_is_refused_with_what_to_do() -> None:
    with pytest.raises(TooLarge, match="longer than 10 characters") as refusal:
        bounded(["a" * 50], most=10)
    assert "a smaller limit" in str(refusal.value.details["next"])
