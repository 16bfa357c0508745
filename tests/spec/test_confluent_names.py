"""Names of contexts and subjects, and their ids in the registry."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.formats.confluent.errors import Refused
from chappe.formats.confluent.names import (
    Name,
    context_of,
    group_ids,
    parse_context,
    parse_name,
    subject_ids,
    subject_of,
    valid_name,
)

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}")
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(NAMES)
def test_an_id_leads_back_to_its_subject(subject: str) -> None:
    ids = subject_ids(subject)
    assert all(ID.fullmatch(one) for one in ids)
    assert {subject_of(one) for one in ids} == {subject}


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters=":"), max_size=20))
def test_an_id_leads_back_to_its_context(name: str) -> None:
    context = f".{name}"
    assert {context_of(one) for one in group_ids(context)} == {context}


def test_the_default_context_is_the_group_default() -> None:
    assert group_ids(".") == ("default",)
    assert group_ids(".default") == ("_~~default",)


@pytest.mark.parametrize(("one", "other"), [("Orders", "orders"), ("orders", "ORDERS")])
def test_names_that_differ_by_case_alone_find_ids_that_do_not(one: str, other: str) -> None:
    taken = subject_ids(one)[0].lower()
    assert any(id_.lower() != taken for id_ in subject_ids(other))


def test_a_name_that_is_too_long_has_an_id_of_its_own() -> None:
    first, second = "a" * 200 + "1", "a" * 200 + "2"
    assert subject_ids(first)[0] != subject_ids(second)[0]
    assert ID.fullmatch(subject_ids(first)[0])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orders-value", Name(".", "orders-value")),
        (":.shop:orders-value", Name(".shop", "orders-value")),
        (":.shop:", Name(".shop", "")),
        (":.shop", Name(".shop", "")),
        (":*:orders", Name("*", "orders")),
        ("a:b", Name(".", "a:b")),
    ],
)
def test_a_name_may_say_its_context(text: str, name: Name) -> None:
    assert parse_name(text) == name


@pytest.mark.parametrize("sent", ["shop", ".shop", ":.shop:", ":.shop"])
def test_a_context_in_a_path_may_be_spelt_in_several_ways(sent: str) -> None:
    assert parse_context(sent) == ".shop"


def test_a_context_has_no_colon_inside() -> None:
    with pytest.raises(Refused, match="cannot contain a colon"):
        parse_context("a:b")


@pytest.mark.parametrize("text", ["a\nb", "__GLOBAL", "__EMPTY", ":.shop:__EMPTY", ":.__GLOBAL:a"])
def test_what_can_be_no_subject_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        valid_name(text)
    assert caught.value.error_code == 42208


def test_the_global_context_can_be_set_up() -> None:
    assert valid_name(":.__GLOBAL:", for_settings=True) == Name(".__GLOBAL", "")
