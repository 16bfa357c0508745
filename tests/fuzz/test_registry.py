"""The registry under requests at random: a short search, the same each time (`make fuzz` goes on)."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.registry import Probe, Sent, begun
from tests.fuzz.registry_api import search, served
from tests.fuzz.registry_strategies import requests, root_writes, writes

BEGUN = begun()


def check(sent: list[Sent]) -> None:
    probe = Probe(BEGUN)
    for one in sent:
        probe.ask(one)


@settings(max_examples=150)
@given(st.lists(requests, min_size=1, max_size=4))
def test_any_request_has_an_answer_soon(sent: list[Sent]) -> None:
    check(sent)


@settings(max_examples=50)
@given(st.lists(writes(), min_size=1, max_size=4))
def test_a_write_leaves_a_registry_that_can_be_shown_moved_and_stored(sent: list[Sent]) -> None:
    check(sent)


@settings(max_examples=80)
@given(st.lists(root_writes(), min_size=1, max_size=3))
def test_a_change_of_the_model_leaves_a_registry_that_fits_it(sent: list[Sent]) -> None:
    check(sent)


def test_what_the_published_api_allows_is_answered_as_it_says() -> None:
    with served() as url:
        asked = search(url, time.monotonic() + 30.0, examples=1, derandomize=True)

    assert asked > 80
