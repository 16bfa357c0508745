"""The data types: what is a value of each, and its one form (core/spec.md "Data Types")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.registry.model_references import matches, xid_type, xidtype
from chappe.registry.model_source import compile_model
from chappe.registry.values import (
    CHECKS,
    Fault,
    dotted,
    free,
    from_text,
    same,
    text_of,
    timestamp,
)

MODEL = compile_model(
    {"groups": {"dirs": {"singular": "dir", "resources": {"files": {"singular": "file"}}}}}
)

VALUES: list[tuple[str, Any, Any]] = [
    ("boolean", True, True),
    ("decimal", 5, 5),
    ("decimal", Decimal("5.40"), Decimal("5.40")),
    ("decimal", 0.1, Decimal("0.1")),
    ("integer", -5, -5),
    ("integer", Decimal("5.0"), 5),
    ("integer", 10**30, 10**30),
    ("uinteger", 0, 0),
    ("string", "", ""),
    ("timestamp", "2030-12-19T06:00:00Z", "2030-12-19T06:00:00Z"),
    ("uri", "", ""),
    ("uri", "a b", "a b"),
    ("uri", "urn:x:y", "urn:x:y"),
    ("uriabsolute", "urn:x:y", "urn:x:y"),
    ("uriabsolute", "https://example.com/ä?q=%20", "https://example.com/ä?q=%20"),
    ("urirelative", "../a#b", "../a#b"),
    ("urirelative", "a/b:c", "a/b:c"),
    ("uritemplate", "/a/{id}{?q*,r:3}", "/a/{id}{?q*,r:3}"),
    ("uritemplate", "plain", "plain"),
    ("url", "docs-url", "docs-url"),
    ("urlabsolute", "https://example.com", "https://example.com"),
    ("urlrelative", "/a", "/a"),
]

NO_VALUES: list[tuple[str, Any]] = [
    ("boolean", 1),
    ("boolean", "true"),
    ("decimal", True),
    ("decimal", "5"),
    ("decimal", Decimal("NaN")),
    ("decimal", float("inf")),
    ("integer", True),
    ("integer", "5"),
    ("integer", Decimal("5.5")),
    ("integer", 5.5),
    ("integer", Decimal("1e999999999")),
    ("uinteger", -1),
    ("uinteger", False),
    ("string", 5),
    ("string", None),
    ("timestamp", 5),
    ("timestamp", "2030-02-30T06:00:00Z"),
    ("timestamp", "2030-12-19"),
    ("timestamp", "2030-12-19 06:00:00Z"),
    ("timestamp", "2030-12-19T06:00:61Z"),
    ("timestamp", "2030-12-19T06:00:60Z"),
    ("timestamp", "2030-12-19T06:00:00+24:00"),
    ("timestamp", "0001-01-01T00:00:00+01:00"),
    ("timestamp", "2030-12-19T06:00:00." + "1" * 200 + "Z"),
    ("timestamp", "\u0662\u0660\u0663\u0660-12-19T06:00:00Z"),
    ("uri", 5),
    ("uri", "a\nb"),
    ("uriabsolute", "a/b"),
    ("uriabsolute", "https:"),
    ("uriabsolute", "https://example.com/#f"),
    ("uriabsolute", "https://example.com/a b"),
    ("urirelative", "https://example.com"),
    ("urirelative", "a b"),
    ("uritemplate", "/a/{id"),
    ("uritemplate", "/a/{}"),
    ("uritemplate", "/a/}{"),
    ("uritemplate", 5),
    ("url", ""),
    ("url", 5),
    ("urlabsolute", "urn:x:y"),
    ("urlabsolute", "/a"),
    ("urlrelative", ""),
    ("xid", 5),
    ("xidtype", 5),
]


@pytest.mark.parametrize(("type", "value", "stored"), VALUES)
def test_a_value_of_its_type_is_stored_in_one_form(type: str, value: Any, stored: Any) -> None:
    kept = CHECKS[type](value)
    assert (kept, kept.__class__) == (stored, stored.__class__)


@pytest.mark.parametrize(("type", "value"), NO_VALUES)
def test_what_is_no_value_of_its_type_is_refused(type: str, value: Any) -> None:
    with pytest.raises(Fault):
        CHECKS[type](value)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2030-12-19T07:00:00.50+01:00", "2030-12-19T06:00:00.5Z"),
        ("2030-12-19t06:00:00z", "2030-12-19T06:00:00Z"),
        ("2030-12-19T06:00:00-00:00", "2030-12-19T06:00:00Z"),
        ("2030-12-19T06:00:00", "2030-12-19T06:00:00Z"),
        ("2030-12-19T06:00:00.123456789123Z", "2030-12-19T06:00:00.123456789123Z"),
        ("2030-01-01T00:30:00+01:00", "2029-12-31T23:30:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:60Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
    ],
)
def test_a_timestamp_is_normalised_to_utc(text: str, normal: str) -> None:
    assert timestamp(text) == normal


OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(timezones=OFFSETS)


@given(MOMENTS)
def test_normalising_keeps_the_instant_and_is_idempotent(moment: datetime) -> None:
    try:
        instant = moment.astimezone(UTC)
    except OverflowError:  # in UTC, the year would not have four digits
        assert timestamp(moment.isoformat()) is None
        return
    normal = timestamp(moment.isoformat())
    assert normal is not None
    assert datetime.fromisoformat(normal) == instant
    assert timestamp(normal) == normal


@given(st.text())
def test_no_text_breaks_the_reading_of_timestamps(text: str) -> None:
    normal = timestamp(text)
    assert normal is None or timestamp(normal) == normal


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.sampled_from(sorted(CHECKS)), JSON)
def test_each_check_refuses_or_is_idempotent(type: str, value: Any) -> None:
    try:
        kept = CHECKS[type](value)
    except Fault:
        return
    assert CHECKS[type](kept) == kept


@given(st.integers() | st.booleans() | st.text(max_size=20))
def test_a_scalar_comes_back_from_its_text(value: Any) -> None:
    kinds = {bool: "boolean", int: "integer", str: "string"}
    assert from_text(text_of(value), kinds[type(value)]) == value


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("5", "integer", 5),
        ("5", "string", "5"),
        ("5", "any", "5"),
        ("5", "decimal", 5),
        ("-5.40", "decimal", Decimal("-5.40")),
        ("5e2", "decimal", Decimal("5e2")),
        ("true", "boolean", True),
        ("True", "boolean", "True"),
        ("x", "integer", "x"),
        ("5.0", "integer", "5.0"),
        ("007", "integer", "007"),
        ("9" * 5000, "integer", "9" * 5000),
        ("\u0665", "integer", "\u0665"),
    ],
)
def test_a_text_is_read_by_its_type_or_left_as_it_is(text: str, type: str, value: Any) -> None:
    assert from_text(text, type) == value


def test_scalars_are_compared_without_regard_to_case_but_not_across_types() -> None:
    assert same("One", "oNE")
    assert same(5, Decimal("5.0"))
    assert not same(1, bool(1))
    assert not same("1", 1)


@pytest.mark.parametrize(
    ("xid", "type"),
    [
        ("/", "/"),
        ("/dirs/d1", "/dirs"),
        ("/dirs/d1/files/f1", "/dirs/files"),
        ("/dirs/d1/files/f1/meta", "/dirs/files/meta"),
        ("/dirs/d1/files/f1/versions/v1", "/dirs/files/versions"),
    ],
)
def test_an_xid_names_an_entity_of_a_type(xid: str, type: str) -> None:
    assert xid_type(xid, MODEL) == type


@pytest.mark.parametrize(
    "xid",
    [
        "", "dirs/d1", "/dirs", "/dirs/", "/dirs/d1/", "/dirs/d1/files", "/dirs/d1/files/f1/",
        "/dirs/d1/files/f1/versions", "/dirs/d1/files/f1/versions/", "/dirs/d1/files/f1/other/x",
        "/nones/d1", "/dirs/d1/nones/f1", "/dirs/d 1", "/dirs/-d", "/dirs/" + "d" * 129,
        "/dirs/d1/files/f1/versions/v1/x", "//d1", "/DIRS/d1",
    ],
)  # fmt: skip
def test_what_names_no_entity_is_no_xid(xid: str) -> None:
    with pytest.raises(Fault):
        xid_type(xid, MODEL)


@pytest.mark.parametrize("text", ["/", "/dirs", "/dirs/files", "/dirs/files/versions"])
def test_an_xidtype_names_a_type(text: str) -> None:
    assert xidtype(text, MODEL) == text


@pytest.mark.parametrize(
    "text",
    ["", "dirs", "/none", "/dirs/none", "/dirs/files/meta", "/dirs/", "/dirs/files/versions/v"],
)
def test_what_names_no_type_is_no_xidtype(text: str) -> None:
    with pytest.raises(Fault):
        xidtype(text, MODEL)


@pytest.mark.parametrize(
    ("target", "types"),
    [
        ("/dirs", {"/dirs"}),
        ("/dirs/files", {"/dirs/files"}),
        ("/dirs/files/versions", {"/dirs/files/versions"}),
        ("/dirs/files[/versions]", {"/dirs/files", "/dirs/files/versions"}),
    ],
)
def test_a_target_allows_its_types_alone(target: str, types: set[str]) -> None:
    every = ("/", "/dirs", "/dirs/files", "/dirs/files/meta", "/dirs/files/versions")
    assert {one for one in every if matches(one, target)} == types


def test_any_is_kept_as_it_was_sent_nulls_within_it_too() -> None:
    schema = {"enum": [None, 1], "default": None, "items": [{"const": None}]}
    assert free(schema) == {"enum": [None, 1], "default": None, "items": [{"const": None}]}


def test_a_null_is_a_value_of_no_type() -> None:
    with pytest.raises(Fault) as caught:
        CHECKS["string"](None)
    assert caught.value.name == ""


def test_any_refuses_endless_depth() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(Fault, match="deep"):
        free(value)


def test_a_path_is_shown_in_dot_notation() -> None:
    assert dotted(["labels", "a.b", 0, "x"]) == "labels['a.b'][0].x"
