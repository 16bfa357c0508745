"""Drafts of JSON Schemas from samples of payloads."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.json_schema import JsonSchema
from chappe.formats.schema_inference.draft import MIN_ENUM, MIN_ENUM_EACH, MIN_FORMAT, MIN_MAP
from chappe.formats.schema_inference.inference import (
    MAX_DEPTH,
    MAX_DRAFT_BYTES,
    MAX_PLACES,
    Inference,
)
from chappe.formats.schema_inference.places import MAX_NAMES
from chappe.formats.schema_inference.string_formats import is_key
from chappe.formats.schema_inference.strings import MAX_VALUES


def infer(*values: object) -> dict[str, Any]:
    """The draft without the dialect; checked to take the samples, as the hub would take them."""
    inference = Inference()
    samples = [json.dumps(value).encode() for value in values]
    for sample in samples:
        inference.add(sample)
    made = inference.draft()
    check = JsonSchema().compile(json.dumps(made).encode(), "JSONSchema")
    assert [violation for sample in samples for violation in check(sample, None)] == []
    assert made.pop("$schema") == "https://json-schema.org/draft/2020-12/schema"
    return made


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([None], "null"),
        ([True, False], "boolean"),
        ([1, -5], "integer"),
        ([1, 2.5], "number"),
        ([1.0], "number"),
        (["a", None], ["null", "string"]),
        ([1, "a", True], ["boolean", "integer", "string"]),
    ],
)
def test_types_are_those_that_came(values: list[object], type_: object) -> None:
    assert infer(*values) == {"type": type_}


def test_required_is_what_all_samples_have() -> None:
    assert infer({"id": 1, "note": "x"}, {"id": 2}) == {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["id"],
    }


def test_objects_within_objects_and_arrays_are_described() -> None:
    assert infer({"lines": [{"sku": "A", "qty": 1}, {"sku": "B"}], "by": {"name": "Ada"}}) == {
        "type": "object",
        "properties": {
            "by": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
            },
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"qty": {"type": "integer"}, "sku": {"type": "string"}},
                    "required": ["sku"],
                },
            },
        },
        "required": ["by", "lines"],
    }


def test_the_items_of_all_arrays_share_one_schema() -> None:
    assert infer([1], [2.5, None], []) == {"type": "array", "items": {"type": ["null", "number"]}}


def test_of_an_empty_array_or_object_nothing_is_said() -> None:
    assert infer([]) == {"type": "array"}
    assert infer({}) == {"type": "object"}


FORMATS = {
    "date-time": ["2026-01-02T03:04:05Z", "2024-02-29T23:59:59.123+02:00", "2026-01-02T03:04:05Z"],
    "date": ["2026-01-02", "2024-02-29", "1999-12-31"],
    "uuid": [str(UUID(int=number)) for number in (0, 7, 2**127)],
    "uri": ["https://example.com/a?b=c#d", "ftp://h:21/%20", "http://localhost"],
    "email": ["ada@example.com", "a.b+c@mail.example.org", "x@y.zz"],
    "ipv4": ["10.0.0.1", "255.255.255.255", "0.0.0.0"],
    "ipv6": ["::1", "2001:db8::ff00:42:8329", "fe80:0:0:0:0:0:0:1"],
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_when_all_strings_have_it(name: str) -> None:
    strings = FORMATS[name]
    assert infer(*strings) == {"type": "string", "format": name}
    assert infer(*strings, None) == {"type": ["null", "string"], "format": name}
    assert infer(*strings, "other") == {"type": "string"}
    assert infer("other", *strings) == {"type": "string"}


@pytest.mark.parametrize("name", FORMATS)
def test_few_strings_are_no_evidence_of_a_format(name: str) -> None:
    assert infer(*FORMATS[name][: MIN_FORMAT - 1]) == {"type": "string"}


@pytest.mark.parametrize(
    "value",
    [
        *("", "2026-02-30T00:00:00Z", "2026-13-01", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z"),
        *("note:1", "http://", "http://a b", "http://[::1]/", "http://x/%zz", "a@b", "a..b@c.de"),
        *("@c.de", "123e4567e89b12d3a456426614174000", "http://x/\u00e9", "a@-b.de", "1@2@3.de"),
        *("256.0.0.1", "1.2.3", "01.2.3.4", "::1%eth0", ":::", "12:30", "٢٠٢٦-01-02"),
    ],
)
def test_what_only_looks_like_a_format_is_a_string(value: str) -> None:
    assert infer(*[value] * MIN_FORMAT) == {"type": "string"}


def test_few_strings_that_came_often_are_an_enumeration() -> None:
    assert infer(*["paid", "open"] * (MIN_ENUM // 2)) == {
        "type": "string",
        "enum": ["open", "paid"],
    }


def test_an_enumeration_may_have_null() -> None:
    assert infer(*["a", "b", None] * MIN_ENUM) == {
        "type": ["null", "string"],
        "enum": ["a", "b", None],
    }


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"] * (MIN_ENUM // 2 - 1),
        ["a"] * MIN_ENUM + ["b"] * (MIN_ENUM_EACH - 1),
        [f"v{chr(97 + number)}" for number in range(MAX_VALUES + 1)] * 10,
        ["x" * 41, "y"] * MIN_ENUM,
        ["a", "b", 1] * MIN_ENUM,
        ["eu"] * MIN_ENUM,
        ["C-1", "C-2"] * MIN_ENUM,
    ],
    ids=["too few", "one seldom", "too many", "too long", "not strings", "always one", "ids"],
)
def test_other_strings_are_free(values: list[object]) -> None:
    assert "enum" not in infer(*values)


@pytest.mark.parametrize(
    "keys",
    [
        ["1017", "1018"],
        [str(UUID(int=number)) for number in range(3)],
        ["2026-01-01", "2026-01-02"],
        ["ada@example.com", "bob@example.com"],
        ["507f1f77bcf86cd799439011"],
        ["k" * 101],
    ],
)
def test_names_that_are_data_make_a_map(keys: list[str]) -> None:
    assert infer({key: {"hits": 1} for key in keys}) == {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"hits": {"type": "integer"}},
            "required": ["hits"],
        },
    }


@pytest.mark.parametrize(
    "name", ["total", "line2", "sha256", "a1b2", "deadbeefdeadbeef", "x-y", ""]
)
def test_names_that_somebody_chose_are_properties(name: str) -> None:
    assert not is_key(name)
    assert infer({name: 1})["properties"] == {name: {"type": "integer"}}


def test_of_names_that_are_data_beside_properties_nothing_is_said() -> None:
    assert infer({"default": 1, "404": "x"}) == {
        "type": "object",
        "properties": {"default": {"type": "integer"}},
        "required": ["default"],
    }


def test_many_names_that_seldom_come_twice_and_have_alike_values_make_a_map() -> None:
    samples = [{f"host-{number}": number, "x": 1.5} for number in range(MIN_MAP)]
    assert infer(*({k: v for k, v in one.items() if k != "x"} for one in samples)) == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }


def test_optional_properties_of_different_types_are_no_map() -> None:
    samples = [{f"host-{number}": number if number % 2 else "x"} for number in range(MIN_MAP)]
    assert len(infer(*samples)["properties"]) == MIN_MAP


def test_many_properties_that_one_sample_has_are_no_map() -> None:
    assert len(infer({f"p{number}": 1 for number in range(MAX_NAMES)})["required"]) == MAX_NAMES


def test_an_object_of_very_many_names_is_a_map() -> None:
    samples = [{f"k{number}": number} for number in range(MAX_NAMES + 1)]
    assert infer(*samples, {"k": "text"}) == {
        "type": "object",
        "additionalProperties": {"type": ["integer", "string"]},
    }


def test_maps_of_maps_are_merged() -> None:
    wide = {f"k{number}": {f"p{number}": [number, "a"]} for number in range(MAX_NAMES)}
    more = {f"d{number}": {f"q{number}": []} for number in range(MAX_NAMES)}
    assert infer(wide, more)["additionalProperties"] == {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": ["integer", "string"]}},
    }


def test_merged_strings_that_are_too_many_are_free() -> None:
    left, right = Inference(), Inference()
    for letter in "abcdefghijklmnop":
        for _ in range(MIN_ENUM_EACH + 1):
            (left if letter < "g" else right).add(json.dumps(letter).encode())
    assert left.draft()["enum"] == list("abcdef")
    left.merge(right)
    assert "enum" not in left.draft()


# Bounds


def test_what_is_very_deep_may_be_anything() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]
    assert json.dumps(infer(value)).count("items") == MAX_DEPTH


def test_the_deepest_places_may_be_anything_when_there_are_too_many() -> None:
    wide = {
        f"a{x}": {f"b{y}": {f"c{z}": 1 for z in range(12)} for y in range(99)} for x in range(99)
    }
    assert 99 * 99 * 12 > MAX_PLACES > 99 * 99
    made = infer(wide)
    assert made["properties"]["a0"]["properties"]["b0"] == {"type": "object"}


def test_a_draft_that_would_be_too_large_leaves_its_deepest_places_out() -> None:
    name = "n" * 90
    wide = {f"{name}{x}": {f"{name}{y}": 1 for y in range(100)} for x in range(100)}
    made = infer(wide)
    assert len(json.dumps(made)) < MAX_DRAFT_BYTES
    assert made["properties"][f"{name}0"] == {"type": "object"}


def test_no_samples_allow_anything() -> None:
    assert infer() == {}


def test_a_number_beyond_floats_is_a_number() -> None:
    inference = Inference()
    inference.add(b"1e400")
    assert inference.draft()["type"] == "number"
    assert infer(12345678901234567890123) == {"type": "integer"}


@pytest.mark.parametrize("sample", [b"", b"{", b"\xff", b"nul", b'{"a":1}x', b"[" * 10_000])
def test_what_is_no_json_is_refused_and_leaves_no_trace(sample: bytes) -> None:
    inference = Inference()
    inference.add(b"1")
    with pytest.raises(Malformed, match=r"^sample: (not JSON|nested too deeply)"):
        inference.add(sample)
    assert (inference.samples, inference.draft()["type"]) == (1, "integer")
