"""Each rule of JSON Schema compatibility: what it finds, where, and under which policy it harms."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from chappe.formats.json_compat.changes import Change
from chappe.formats.json_compat.compare import compare
from chappe.formats.json_compat.rules import INCOMPATIBLE, LENIENT, STRICT
from chappe.formats.json_language import JsonSchemaLanguage
from chappe.formats.schema_language import Difference, Policy
from tests.unit.json_schema_rules import MODERN, RULES, I, S, array, closed, opened, partly

LANGUAGE = JsonSchemaLanguage()
DRAFT_7 = "JsonSchema/draft-07"
DRAFT_2020 = "JsonSchema/draft/2020-12"


def differences(
    old: object, new: object, policy: Policy = "STRICT", format_: str = DRAFT_7
) -> Sequence[Difference]:
    writer, reader = (LANGUAGE.parse(json.dumps(one).encode(), format_) for one in (old, new))
    return LANGUAGE.backward(reader, writer, policy=policy)


def changes(old: object, new: object, format_: str = DRAFT_7) -> Sequence[Change]:
    writer, reader = (LANGUAGE.parse(json.dumps(one).encode(), format_) for one in (old, new))
    return compare(writer.shapes, reader.shapes, STRICT).changes


def codes(old: object, new: object, format_: str = DRAFT_7) -> set[str]:
    return {one.code for one in changes(old, new, format_)}


ALL = [
    pytest.param(code, *pair, format_, id=code)
    for rules, format_ in ((RULES, DRAFT_7), (MODERN, DRAFT_2020))
    for code, pair in rules.items()
]


@pytest.mark.parametrize(("code", "at", "old", "new", "format_"), ALL)
def test_the_rule_is_found_where_the_schema_changed(
    code: str, at: str, old: object, new: object, format_: str
) -> None:
    found = {(one.code, one.pointer()) for one in changes(old, new, format_)}
    assert (code, at) in found


@pytest.mark.parametrize(("code", "at", "old", "new", "format_"), ALL)
def test_only_harmful_rules_are_told_by_the_strict_policy(
    code: str, at: str, old: object, new: object, format_: str
) -> None:
    told = {(one.code, one.path) for one in differences(old, new, format_=format_)}
    assert ((code, at) in told) == (code not in STRICT)


@pytest.mark.parametrize(("code", "at", "old", "new", "format_"), ALL)
def test_only_what_is_not_forgiven_is_told_by_the_lenient_policy(
    code: str, at: str, old: object, new: object, format_: str
) -> None:
    told = {(one.code, one.path) for one in differences(old, new, "LENIENT", format_)}
    assert ((code, at) in told) == (code not in LENIENT)


def test_every_rule_has_an_example() -> None:
    assert {*RULES, *MODERN} == STRICT | INCOMPATIBLE.keys()


def test_no_rule_is_both_harmful_and_harmless() -> None:
    assert not STRICT & INCOMPATIBLE.keys()


@pytest.mark.parametrize("code", sorted(INCOMPATIBLE))
def test_a_message_names_the_place_and_the_values_and_a_fix(code: str) -> None:
    rules, format_ = (RULES, DRAFT_7) if code in RULES else (MODERN, DRAFT_2020)
    at, old, new = rules[code]
    (found, *_) = [one for one in differences(old, new, format_=format_) if one.code == code]
    assert found.message.startswith(f"{at or '/'}: ")
    assert "{" not in found.message.replace('{"', "").replace("{}", "")
    assert found.fix


def test_a_bound_names_both_values() -> None:
    (found,) = differences({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 5})
    assert found == Difference(
        "MAX_LENGTH_DECREASED",
        "/maxLength",
        "/maxLength: maxLength went down from 9 to 5",
        "keep maxLength at 9 or above",
    )


def test_an_added_property_says_how_it_could_be_added() -> None:
    (found,) = differences(opened({"a": S}), opened({"a": S, "b": I}))
    assert found.message == (
        '/properties/b: the property b was added ({"type": "integer"}); the old schema allows any'
        " value there"
    )
    assert "additionalProperties" in found.fix
    assert "LENIENT" in found.fix


def test_a_lost_branch_is_shown_with_what_is_left_of_the_other_side() -> None:
    (found,) = differences({"oneOf": [S, I]}, {"oneOf": [S, {"type": "boolean"}]})
    assert 'oneOf/1 {"type": "integer"}' in found.message
    assert 'oneOf/1 {"type": "boolean"} left' in found.message


def test_a_pointer_is_escaped() -> None:
    (found,) = differences(opened({"a/~b": S}), opened({"a/~b": I}))
    assert found.path == "/properties/a~1~0b"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(S, {}, id="to anything"),
        pytest.param(S, True, id="to true"),
        pytest.param(False, S, id="from false"),
        pytest.param({"not": {}}, {"not": {}}, id="the same not"),
        pytest.param(S, {"oneOf": [S]}, id="to a union of one"),
        pytest.param({"allOf": [S]}, S, id="from a product of one"),
        pytest.param(S, {"anyOf": [I, S]}, id="to a union with it"),
        pytest.param({"allOf": [S, {"maxLength": 3}]}, S, id="to a factor"),
        pytest.param({"oneOf": [S]}, {"allOf": [S]}, id="one branch to one branch"),
        pytest.param({"oneOf": [S]}, {"oneOf": [S, I]}, id="a union grows"),
        pytest.param({"allOf": [S, S]}, {"allOf": [S]}, id="a branch written twice"),
        pytest.param({"oneOf": [S, I]}, {"oneOf": [I, S]}, id="branches change places"),
        pytest.param({"type": ["string", "null"]}, {"type": ["null", "string"]}, id="type order"),
        pytest.param(I, {"type": ["integer", "null"]}, id="becomes nullable"),
        pytest.param(
            {"type": "string", "connect.type": "bytes"},
            {"type": "number", "connect.type": "bytes"},
            id="two spellings of Kafka Connect's bytes",
        ),
        pytest.param({"multipleOf": 0.5}, {"multipleOf": 0.50}, id="the same multiple"),
        pytest.param({"enum": [1]}, {"enum": [1.0]}, id="the same number"),
    ],
)
def test_these_are_compatible(old: object, new: object) -> None:
    assert differences(old, new) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param({}, S, id="from anything"),
        pytest.param({}, {"properties": {}}, id="anything to an object"),
        pytest.param(S, {"allOf": [S, I]}, id="to a product"),
        pytest.param({"anyOf": [S, I]}, S, id="from a union"),
        pytest.param({"enum": [1]}, {"enum": [True]}, id="1 is not true"),
        pytest.param({"const": 0}, {"const": False}, id="0 is not false"),
        pytest.param({"type": "boolean"}, {"type": "null"}, id="simple types differ"),
        pytest.param({"oneOf": [I, {"type": "number"}]}, {"oneOf": [{"type": "number"}, S]},
                     id="two old branches, one partner"),
    ],
)  # fmt: skip
def test_these_are_not_compatible(old: object, new: object) -> None:
    assert differences(old, new) != ()


def test_branches_find_partners_even_if_the_first_choice_has_to_be_given_up() -> None:
    # integer fits both of the new branches, number only one.
    old = {"anyOf": [I, {"type": "number"}]}
    new = {"anyOf": [{"type": "number"}, {"type": "integer", "title": "whole"}]}
    assert differences(old, new) == ()


def test_a_pattern_covers_the_properties_whose_names_it_matches() -> None:
    by_pattern = {"type": "object", "patternProperties": {"^x-": S}, "additionalProperties": False}
    added = {**by_pattern, "properties": {"x-a": S}}
    assert "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" in codes(by_pattern, added)


def test_a_changed_property_inside_of_a_covered_one_is_told_with_its_path() -> None:
    found = differences(partly({}), partly({"b": {"type": "string", "maxLength": 1}}))
    assert {(one.code, one.path) for one in found} >= {
        ("MAX_LENGTH_ADDED", "/properties/b/maxLength")
    }


def test_what_if_then_else_say_is_not_compared() -> None:
    assert differences({"if": S, "then": {"minLength": 1}}, {"if": S, "then": False}) == ()


def test_in_draft_4_an_exclusive_bound_is_a_flag() -> None:
    old, new = (
        {"type": "number", "minimum": 0},
        {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    )
    (found,) = differences(old, new, format_="JsonSchema/draft-04")
    assert found.code == "EXCLUSIVE_MINIMUM_ADDED"


def test_what_stands_beside_a_reference_counts_since_2019() -> None:
    old = {"$defs": {"a": S}, "$ref": "#/$defs/a"}
    new = {**old, "maxLength": 3}
    assert differences(old, new, format_=DRAFT_2020) != ()


def test_what_stands_beside_a_reference_is_ignored_until_draft_7() -> None:
    old = {"definitions": {"a": S}, "$ref": "#/definitions/a"}
    assert differences(old, {**old, "maxLength": 3}) == ()


def test_a_tuple_is_written_with_prefix_items_since_2020() -> None:
    old: dict[str, object] = {"prefixItems": [S], "items": False}
    new = {"prefixItems": [S, I], "items": False}
    assert codes(old, new, DRAFT_2020) == {"ITEM_ADDED_TO_CLOSED_CONTENT_MODEL"}


def test_a_tuple_is_written_with_items_in_2019() -> None:
    old, new = array(S, additionalItems=False), array(I, additionalItems=False)
    assert codes(old, new, "JsonSchema/draft/2019-09") == {"TYPE_CHANGED"}


def test_contains_wants_one_item_since_2019() -> None:
    old, new = {"type": "array"}, {"type": "array", "contains": S}
    assert codes(old, new, DRAFT_2020) == {"MIN_CONTAINS_ADDED"}


def test_no_property_says_nothing_since_2019() -> None:
    assert differences({}, {"properties": {}}, format_=DRAFT_2020) == ()


def test_forward_is_backward_with_the_two_exchanged() -> None:
    one, other = closed({"a": S}), closed({"a": S, "b": S})
    assert [one.code for one in differences(other, one)] == [
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
    ]
