"""Transforms: attributes by template, and what is refused before anything is stored."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.domain.event import Event
from chappe.domain.options import Options, Transform
from chappe.domain.transform import check_transform, with_attributes
from chappe.formats.options_rules import check_options

EVENT = Event(
    id="e-1",
    source="/shop",
    type="order.paid",
    subject="eu-7",
    time="2026-01-01T00:00:00Z",
    extensions={"tenant": "acme", "retries": 3, "vip": True},
)


def shaped(**parts: object) -> Event:
    transform = Transform(**parts)  # type: ignore[arg-type]
    check_transform(transform, "transform")
    return with_attributes(EVENT, transform)


def test_a_template_sees_the_event_as_it_was() -> None:
    event = shaped(set={"source": "/eu{source}", "subject": "{source}/{subject}", "n": 3})
    assert (event.source, event.subject) == ("/eu/shop", "/shop/eu-7")
    assert event.extensions["n"] == 3
    assert (event.id, event.type, event.time) == (EVENT.id, EVENT.type, EVENT.time)


def test_extensions_have_their_canonical_string_in_a_template() -> None:
    assert (
        shaped(set={"key": "{tenant}-{retries}-{vip}-{none}"}).extensions["key"] == "acme-3-true-"
    )


def test_braces_are_written_twice() -> None:
    assert shaped(set={"key": "{{{tenant}}}"}).extensions["key"] == "{acme}"


def test_what_is_removed_is_gone() -> None:
    event = shaped(remove=("subject", "time", "tenant", "never"))
    assert (event.subject, event.time) == (None, None)
    assert set(event.extensions) == {"retries", "vip"}


def test_an_attribute_that_must_be_there_cannot_become_empty() -> None:
    with pytest.raises(Malformed, match="transform/set/subject: the value is empty for this event"):
        shaped(set={"subject": "{none}"})


@given(st.text(max_size=30))
def test_any_value_is_a_template_or_refused(value: str) -> None:
    if {"{", "}"} & set(value):
        said = refusal_of(Transform(set={"key": value}))
        assert said == "" or said.startswith("transform/set/key: a lone ")
    else:
        assert shaped(set={"key": value}).extensions["key"] == value


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (Transform(set={"Source": "x"}), "transform/set/Source: 'Source' is no attribute name"),
        (Transform(set={"specversion": "2"}), "transform/set/specversion: 'specversion' cannot be"),
        (Transform(set={"data": "x"}), "transform/set/data: 'data' cannot be changed"),
        (Transform(set={"id": 3}), "transform/set/id: 3 was sent, a string is needed"),
        (Transform(set={"a": "{"}), "transform/set/a: a lone '{' at character 1"),
        (Transform(set={"a": "{A}"}), "transform/set/a: a lone '{' at character 1"),
        (Transform(remove=("id",)), "transform/remove/0: 'id' must be there in every event"),
        (Transform(remove=("a b",)), "transform/remove/0: 'a b' is no attribute name"),
        (Transform(set={"a": "1"}, remove=("a",)), "transform/set/a: stands in remove as well"),
        (Transform(data="data.("), "transform/data: no JSONata expression: "),
        (Transform(data="(" * 16_000), "transform/data: "),
        (Transform(data="[" * 8_000 + "]" * 8_000), "transform/data: nested too deeply"),
    ],
)
def test_a_refusal_names_path_value_and_rule(transform: Transform, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        check_options(Options(transform=transform), "HTTP")
    assert refused.value.message.startswith(message)


@given(st.text(alphabet="$(){}[].,:;@#%^&*~?=<>!|\\/'\"`ab1 \n", max_size=40))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    said = refusal_of(Transform(data=text))
    assert said == "" or said.startswith("transform/data: ")


def refusal_of(transform: Transform) -> str:
    """What is said against it; nothing where it is taken."""
    try:
        check_options(Options(transform=transform), "HTTP")
    except Malformed as error:
        return error.message
    return ""


def test_the_interpreter_keeps_its_own_limit() -> None:
    limit = sys.getrecursionlimit()
    assert refusal_of(Transform(data="$sum(data.a)")) == ""
    assert sys.getrecursionlimit() == limit
