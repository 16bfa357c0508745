"""Request bodies: core/spec.md "parsing_data"; RFC 8259; nothing is lost on the way in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.http.registry.bodies import parse_json
from chappe.registry.errors import RegistryError


def read(text: str | bytes) -> Any:
    body = text.encode() if isinstance(text, str) else text
    return parse_json(body, subject="/dirs", depth=10)


def test_numbers_keep_their_digits() -> None:
    value = read('{"a": 1.10, "b": 1e3, "c": 12345678901234567890123, "d": -0.0, "e": 5}')
    assert [str(one) for one in value.values()] == [
        "1.10", "1E+3", "12345678901234567890123", "-0.0", "5",
    ]  # fmt: skip
    assert [type(one) for one in value.values()] == [Decimal, Decimal, int, Decimal, int]


def test_a_byte_order_mark_and_white_space_may_stand_around() -> None:
    assert read(b"\xef\xbb\xbf {} \n") == {}


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[", "{} {}", "{'a': 1}", '{"a": 1,}', "nul", '{"a": NaN}', '{"a": Infinity}',
        '{"a": -Infinity}', '{"a": 1, "a": 1}', '{"x": {"a": 1, "b": 2, "a": 3}}', '"\x01"',
        b'"\xff"', '"\\ud800"', '{"\\uDC00x": 1}', "1e99999999", "1e-99999999", "9" * 1001,
        "0." + "1" * 1001, "[" * 11 + "]" * 11, "[" * 100_000, '{"a":' * 100_000, "01", "+1", ".5",
    ],
)  # fmt: skip
def test_what_is_no_exact_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(RegistryError) as refused:
        read(text)
    assert refused.value.kind == "parsing_data"
    assert refused.value.subject == "/dirs"


def test_what_is_no_json_is_told_with_its_place() -> None:
    for text, detail in (
        ('{"vv": "vv}', "Unterminated string at line 1, column 8"),
        ("{\n  bad}", "Expecting property name enclosed in double quotes at line 2, column 3"),
    ):
        with pytest.raises(RegistryError) as refused:
            read(text)
        assert refused.value.args_shown == {"error_detail": detail}


def test_pairs_of_surrogates_are_characters() -> None:
    assert read('"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_brackets_in_texts_are_not_levels() -> None:
    assert read(json.dumps(["[" * 50, {"a": "{" * 50}])) == ["[" * 50, {"a": "{" * 50}]


def test_many_values_side_by_side_are_not_deep() -> None:
    assert len(read("[" + ",".join(["{}"] * 1000) + "]")) == 1000


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5).filter(
            lambda text: text.isascii()), inner, max_size=3),
        max_leaves=20,
    )
)  # fmt: skip
def test_what_json_holds_is_read_as_it_is(value: Any) -> None:
    assert parse_json(json.dumps(value).encode(), subject="/", depth=100) == value


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    kind = "parsing_data"
    try:
        read(body)
    except RegistryError as error:
        kind = error.kind
    assert kind == "parsing_data"
