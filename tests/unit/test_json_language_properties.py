"""What holds of any JSON Schemas: each reads its own data, and what is contained reads the other's."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chappe.formats.json_compat.changes import Outcome
from chappe.formats.json_compat.compare import TooCostly, compare
from chappe.formats.json_compat.rules import LENIENT, STRICT
from chappe.formats.json_language import JsonSchemaDocument, JsonSchemaLanguage
from chappe.formats.schema_language import Policy

LANGUAGE = JsonSchemaLanguage()
FORMATS = ["JsonSchema/draft-07", "JsonSchema/draft/2020-12"]

names = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 6) | st.sampled_from(["", "a", "bb", "ccc", 0.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


def _node(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    small = st.integers(0, 4)
    parts = {
        "type": st.sampled_from(["string", "integer", "number", "object", "array", "null"])
        | st.just(["string", "null"]),
        "minimum": small, "maximum": small, "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": small, "maxLength": small, "pattern": st.sampled_from(["^a", "b$"]),
        "properties": st.dictionaries(names, inner, max_size=3),
        "required": st.lists(names, unique=True, max_size=2),
        "additionalProperties": inner,
        "items": inner, "minItems": small, "maxItems": small, "uniqueItems": st.booleans(),
        "minProperties": small, "maxProperties": small,
        "enum": st.lists(values, min_size=1, max_size=3, unique_by=json.dumps),
        "const": values,
        "anyOf": st.lists(inner, min_size=1, max_size=3),
        "oneOf": st.lists(inner, min_size=1, max_size=3),
        "allOf": st.lists(inner, min_size=1, max_size=3),
        "not": inner,
    }  # fmt: skip
    return st.lists(st.sampled_from(sorted(parts)), max_size=3, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: parts[key] for key in keys})
    )


schemas = st.recursive(st.booleans() | st.just({}), _node, max_leaves=6)


def parsed(schema: object, format_: str) -> JsonSchemaDocument:
    return LANGUAGE.parse(json.dumps(schema).encode(), format_)


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(one.code, one.pointer()) for one in outcome.changes]


def accepts(schema: JsonSchemaDocument, value: object) -> bool:
    return not schema.check(json.dumps(value).encode(), None)


@given(schema=schemas, format_=st.sampled_from(FORMATS))
@pytest.mark.parametrize("policy", ["STRICT", "LENIENT", "SEMANTIC"])
def test_a_schema_reads_what_was_written_with_it(
    policy: Policy, schema: object, format_: str
) -> None:
    found = LANGUAGE.backward(parsed(schema, format_), parsed(schema, format_), policy=policy)
    assert found == ()


@given(old=schemas, new=schemas, instances=st.lists(values, min_size=1, max_size=12))
@settings(max_examples=300)
def test_what_is_semantically_compatible_accepts_all_old_data(
    old: object, new: object, instances: list[object]
) -> None:
    writer, reader = parsed(old, FORMATS[0]), parsed(new, FORMATS[0])
    assume(not LANGUAGE.backward(reader, writer, policy="SEMANTIC"))
    assert [one for one in instances if accepts(writer, one) and not accepts(reader, one)] == []


@given(schema=schemas, loosened=st.sampled_from([True, {}, {"title": "x"}]))
def test_anything_reads_all_data(schema: object, loosened: object) -> None:
    found = LANGUAGE.backward(parsed(loosened, FORMATS[0]), parsed(schema, FORMATS[0]))
    assert found == ()


@given(old=schemas, new=schemas, format_=st.sampled_from(FORMATS))
def test_what_the_strict_policy_allows_the_lenient_allows(
    old: object, new: object, format_: str
) -> None:
    writer, reader = parsed(old, format_), parsed(new, format_)
    assume(not LANGUAGE.backward(reader, writer, policy="STRICT"))
    assert LANGUAGE.backward(reader, writer, policy="LENIENT") == ()


@given(old=schemas, new=schemas, format_=st.sampled_from(FORMATS))
def test_a_comparison_has_one_outcome_however_often_it_is_asked(
    old: object, new: object, format_: str
) -> None:
    writer, reader = parsed(old, format_), parsed(new, format_)
    for harmless in (STRICT, LENIENT):
        first = compare(writer.shapes, reader.shapes, harmless)
        again = compare(parsed(old, format_).shapes, parsed(new, format_).shapes, harmless)
        assert told(first) == told(again)


@given(old=schemas, new=schemas, format_=st.sampled_from(FORMATS))
def test_every_difference_names_a_rule_a_place_and_a_text(
    old: object, new: object, format_: str
) -> None:
    for one in LANGUAGE.backward(parsed(new, format_), parsed(old, format_)):
        assert one.path == "" or one.path.startswith("/")
        assert one.message.startswith(f"{one.path or '/'}: ")
        assert len(one.message) < 1_000 + len(one.path)


@given(schema=schemas, steps=st.integers(0, 3))
def test_a_comparison_ends_when_its_steps_do(schema: object, steps: int) -> None:
    one, other = (parsed(schema, FORMATS[0]).shapes for _ in range(2))
    try:
        outcome = compare(one, other, STRICT, max_steps=steps)
    except TooCostly:
        return
    assert outcome.compatible
