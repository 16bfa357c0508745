"""Names that may have been meant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chappe.kit.near import meant, nearby, nearest, suggested

KNOWN = ("timeout", "output", "outlet", "token")


def test_the_nearest_names_come_first() -> None:
    assert nearest("outputs", KNOWN) == "output"
    assert nearby("outputs", KNOWN)[0] == "output"
    assert nearby("outputs", KNOWN, most=1) == ["output"]
    assert nearest("outputs", KNOWN, like=0.95) is None
    assert nearest("xyz", KNOWN) is None


def test_a_message_ends_with_what_may_have_been_meant() -> None:
    assert suggested("tokens", KNOWN) == "; did you mean 'token'?"
    assert suggested("outpet", ("output", "outlet")) in (
        "; did you mean 'output' or 'outlet'?",
        "; did you mean 'outlet' or 'output'?",
    )
    assert suggested("outpet", ("output", "outlet"), most=1).count("'") == 2
    assert suggested("xyz", KNOWN) == ""
    assert meant("xyz", KNOWN) == "there are: timeout, output, outlet, token"
    assert meant("tokens", KNOWN) == "did you mean 'token'?"


@given(st.text(min_size=1, max_size=80), st.lists(st.text(max_size=20), max_size=5))
def test_a_name_that_is_there_is_nearest_to_itself(name: str, others: list[str]) -> None:
    assert nearest(name, [*others, name]) == name


def test_what_is_compared_of_a_name_is_bounded() -> None:
    assert nearest("a" * 10_000_000, ("a" * 80,)) == "a" * 80
