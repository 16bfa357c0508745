"""What holds for every draft, whatever the samples are."""

from __future__ import annotations

import json
from datetime import UTC
from time import process_time
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chappe.formats.json_schema import JsonSchema
from chappe.formats.schema_inference import draft, inference, places, strings
from chappe.formats.schema_inference.inference import Inference
from chappe.formats.schema_inference.string_formats import format_of
from tests.speed import slowness

STRINGS = st.one_of(
    st.sampled_from(["open", "paid"]),
    st.text(max_size=5),
    st.sampled_from(["2026-01-02", "10.0.0.1", "::1", "http://a.example/x?y=%20#z", "a.b@c.de"]),
    st.datetimes(timezones=st.just(UTC)).map(lambda each: each.isoformat()),
    st.dates().map(str),
    st.uuids().map(str),
    st.emails(),
    st.ip_addresses().map(str),
)
KEYWORDS = "$ref $id $schema $defs $anchor $dynamicRef enum type const properties pattern".split()
NAMES = (
    st.sampled_from(KEYWORDS)
    | st.sampled_from("abcdef")
    | st.sampled_from(["1", "2026-01-02"])
    | st.text(max_size=3)
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        STRINGS,
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=9,
)
twice = pytest.mark.usefixtures("bounds")
WIDE = st.recursive(
    st.just(1),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
SAMPLES = st.lists((VALUES | WIDE).map(lambda value: json.dumps(value).encode()), max_size=8)


@pytest.fixture(params=["bounds as they are", "bounds that are met"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once as they are, and once so tight that small samples meet all of them."""
    if request.param == "bounds that are met":
        monkeypatch.setattr(places, "MAX_NAMES", 2)
        monkeypatch.setattr(inference, "MAX_PLACES", 7)
        monkeypatch.setattr(inference, "MAX_DEPTH", 3)
        monkeypatch.setattr(inference, "MAX_DRAFT_BYTES", 300)
        monkeypatch.setattr(inference, "_CHECK_EVERY", 3)
        monkeypatch.setattr(strings, "MAX_VALUES", 2)
        for name, value in {
            "MIN_FORMAT": 1,
            "MIN_ENUM": 2,
            "MIN_ENUM_EACH": 1,
            "MIN_MAP": 2,
            "MAP_SELDOM": 0.6,
        }.items():
            monkeypatch.setattr(draft, name, value)


def inferred(samples: list[bytes]) -> Inference:
    made = Inference()
    for sample in samples:
        made.add(sample)
    return made


def text(made: Inference) -> str:
    return json.dumps(made.draft())


@twice
@given(SAMPLES)
def test_all_samples_are_valid_by_the_draft_as_the_hub_checks_them(samples: list[bytes]) -> None:
    check = JsonSchema().compile(text(inferred(samples)).encode(), "JSONSchema")
    assert [violation for sample in samples for violation in check(sample, None)] == []


@twice
@given(SAMPLES)
def test_all_samples_are_valid_for_those_who_assert_formats(samples: list[bytes]) -> None:
    schema = inferred(samples).draft()
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert all(validator.is_valid(json.loads(sample)) for sample in samples)


@twice
@given(SAMPLES, SAMPLES)
def test_merging_is_as_seeing_both(one: list[bytes], other: list[bytes]) -> None:
    left, right = inferred(one), inferred(other)
    before = text(right)
    left.merge(right)
    assert text(left) == text(inferred([*one, *other]))
    assert text(right) == before


@twice
@given(SAMPLES, SAMPLES, SAMPLES)
def test_merging_goes_on_after_a_merge(
    one: list[bytes], other: list[bytes], more: list[bytes]
) -> None:
    left, right = inferred(one), inferred(other)
    left.merge(right)
    for sample in more:
        left.add(sample)
    right.merge(inferred([*one, *more]))
    assert text(left) == text(right)


# With tight bounds the first is too large, unless the second has made a map of it before.
LARGE = [b'{"a": {"a": 1, "b": 1}, "b": {"a": {}, "b": [1]}}', b'{"c": 1}']


@twice
@example((LARGE, LARGE[::-1]))
@given(SAMPLES.flatmap(lambda each: st.tuples(st.just(each), st.permutations(each))))
def test_the_order_of_samples_does_not_matter(both: tuple[list[bytes], list[bytes]]) -> None:
    one, other = both
    assert text(inferred(one)) == text(inferred(other))


@given(st.text(max_size=60) | STRINGS)
def test_whoever_asserts_a_format_takes_every_string_that_has_it(value: str) -> None:
    name = format_of(value)
    schema = {"type": "string", "format": name} if name else {}
    assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


# Less than what was seen is never allowed: more samples loosen what a place takes.


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The draft that takes no property and no item that no sample had, and no enumeration."""
    made = {key: value for key, value in schema.items() if key not in ("enum", "format")}
    types = made.get("type", [])
    types = types if isinstance(types, list) else [types]
    if "array" in types:
        made["items"] = _closed(made["items"]) if "items" in made else False
    if "object" in types:
        if "additionalProperties" in made:
            made["additionalProperties"] = _closed(made["additionalProperties"])
        else:
            properties = made.get("properties", {})
            made["properties"] = {name: _closed(part) for name, part in properties.items()}
            made["additionalProperties"] = False
    return made


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.floats(0, 1) | st.sampled_from("xyz"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=50)
@given(st.lists(PLAIN, min_size=1, max_size=6), st.lists(PLAIN, max_size=6), PLAIN)
def test_more_samples_never_tighten_what_a_place_takes(
    samples: list[bytes], more: list[bytes], value: bytes
) -> None:
    few = jsonschema_rs.Draft202012Validator(_closed(inferred(samples).draft()))
    many = jsonschema_rs.Draft202012Validator(_closed(inferred([*samples, *more]).draft()))
    for each in (*map(json.loads, samples), json.loads(value)):
        assert not few.is_valid(each) or many.is_valid(each)


def test_long_strings_take_no_time() -> None:
    long = ["http://" + "a." * 5_000, "a@" + "a-" * 5_000, "a." * 5_000, "x" * 100_000, "1" * 9_999]
    data = [json.dumps({one: one}).encode() for one in long * 20]
    start = process_time()
    inferred(data)
    assert process_time() - start < 0.5 * slowness()
