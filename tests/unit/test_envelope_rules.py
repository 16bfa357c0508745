"""Attributes of events held against what a message says of them (xRegistry message/spec.md)."""

from __future__ import annotations

import re
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.formats.envelope_rules import attribute_rules, envelope_violations, fits
from tests.speed import slowness

EVENT = Event(
    id="1",
    source="/shop/eu",
    type="order.paid",
    subject="orders/7",
    datacontenttype="application/json; charset=utf-8",
    extensions={"tenant": "acme"},
    data=b"{}",
)


def found(metadata: Any, datacontenttype: str | None = None, event: Event = EVENT) -> list[str]:
    violations = envelope_violations(event, attribute_rules(metadata), datacontenttype)
    return [f"{one.rule} {one.value} {one.message}".strip() for one in violations]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"subject": {"value": "orders/{id}"}}, []),
        ({"subject": {"value": "orders/7", "required": True}}, []),
        ({"source": {"value": "/shop/{region}"}, "type": {"value": "order.paid"}}, []),
        ({"tenant": {"type": "string", "value": "acme"}}, []),
        ({"time": {"required": False}, "id": {"required": True}}, []),
        (
            {"subject": {"value": "invoices/{id}"}},
            ["subject \"orders/7\" the attribute 'subject' must be 'invoices/{id}'"],
        ),
        ({"time": {"required": True}}, ["time  the attribute 'time' is missing and is required"]),
        (
            {"region": {"required": True, "value": "eu"}},
            ["region  the attribute 'region' is missing and is required"],
        ),
        (
            {"tenant": {"value": "other"}},
            ["tenant \"acme\" the attribute 'tenant' must be 'other'"],
        ),
        (None, []),
        ({"subject": "nonsense"}, []),
    ],
)
def test_an_attribute_must_be_what_its_message_says(metadata: Any, expected: list[str]) -> None:
    assert found(metadata) == expected


@pytest.mark.parametrize(
    ("declared", "is_wrong"),
    [("application/json", False), ("Application/JSON;v=2", False), ("application/xml", True)],
)
def test_the_media_type_counts_without_its_parameters(declared: str, is_wrong: bool) -> None:
    assert bool(found(None, declared)) == is_wrong


def test_an_event_without_data_has_no_media_type_to_be_wrong() -> None:
    assert found(None, "application/xml", Event(id="1", source="/s", type="t")) == []


@given(
    st.lists(st.sampled_from(["a", "b/", "x{v}", "{v}", "{a}{b}", "-"]), max_size=5).map("".join),
    st.text("ab/x-{", max_size=8),
)
def test_a_template_fits_what_a_regular_expression_says(template: str, value: str) -> None:
    pattern = ".*".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", template))
    assert fits(template, value) == (re.fullmatch(pattern, value, re.S) is not None)


def test_a_hostile_template_takes_no_time() -> None:
    template, value = "{a}x" * 2_000 + "y", "x" * 100_000
    began = process_time()
    assert not fits(template, value)
    assert process_time() - began < 0.5 * slowness()
