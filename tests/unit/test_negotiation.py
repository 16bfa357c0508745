"""RFC 9110 12.5.1: which of several representations an Accept asks for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import NotAcceptable
from chappe.http.negotiation import negotiate

OFFERS = ["a/json", "a/xml", "b/png"]


def wanted(*accept: str) -> str:
    headers = [(b"host", b"x"), *((b"accept", one.encode("latin-1")) for one in accept)]
    return negotiate(headers, OFFERS, default="a/xml", also={"a/j": "a/json"})


@pytest.mark.parametrize(
    ("accept", "offer"),
    [
        ((), "a/xml"),
        (("",), "a/xml"),
        (("nonsense",), "a/xml"),
        (("*/*",), "a/xml"),
        (("a/*",), "a/xml"),
        (("b/*",), "b/png"),
        (("a/json",), "a/json"),
        (("A/JSON; charset=utf-8",), "a/json"),
        (("a/j",), "a/json"),
        (("a/xml, a/json",), "a/json"),
        (("a/xml, a/json;q=0.9",), "a/xml"),
        (("a/json;q=0.5", "b/png"), "b/png"),
        (("b/png, */*",), "b/png"),
        (("b/png;q=0.1, */*",), "a/xml"),
        (("*/*;q=0.1, b/*;q=0.2",), "b/png"),
        (("a/xml;q=0, */*",), "a/json"),
        (("a/*;q=0, */*",), "b/png"),
        (("a/json ; Q = 0.2 , b/png ;q=0.1",), "a/json"),
        (("a/json;q=0",), "a/xml"),
        (("a/json;q=x",), "a/xml"),
        (("a/json;q=2",), "a/xml"),
    ],
)
def test_what_weighs_the_most_and_is_named_best_is_taken(
    accept: tuple[str, ...], offer: str
) -> None:
    assert wanted(*accept) == offer


@pytest.mark.parametrize(
    "accept", ["c/d", "c/*", "*/*;q=0", "a/xml;q=0", "a/*;q=0", "*/json", "c/d, e/f"]
)
def test_where_nothing_fits_all_that_there_is_are_told(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="a/json, a/xml, b/png") as refused:
        wanted(accept)
    assert refused.value.details["media_types"] == OFFERS


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_text_is_an_answer_or_a_refusal(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert wanted(accept) in OFFERS
