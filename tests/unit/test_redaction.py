"""What samples do not show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.event import Event
from chappe.formats.redaction import LABEL, MOST_RULES, Rule, redacted, rules_of

HIDDEN = "«redacted: label chappe.redact»"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc*"), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def event(data: Any) -> Event:
    return Event(id="1", source="/s", type="t", data=json.dumps(data).encode(), text=True)


def shown(data: Any, label: str, schema: Any = None) -> Any:
    rules = rules_of({LABEL: label}, b"" if schema is None else json.dumps(schema).encode())
    made, _ = redacted(event(data), rules)
    assert made.data is not None
    return json.loads(made.data)


@pytest.mark.parametrize(
    ("label", "data", "wanted"),
    [
        ("/a", {"a": 1, "b": 2}, {"a": HIDDEN, "b": 2}),
        ("/a/b /c", {"a": {"b": [1]}, "c": 3}, {"a": {"b": HIDDEN}, "c": HIDDEN}),
        (
            "/cards/*/number",
            {"cards": [{"number": 1}, {"x": 2}]},
            {"cards": [{"number": HIDDEN}, {"x": 2}]},
        ),
        ("/1", [1, 2], [1, HIDDEN]),
        ("/a~1b, /c~0d", {"a/b": 1, "c~d": 2}, {"a/b": HIDDEN, "c~d": HIDDEN}),
        ("/none /a/none /9", {"a": [1]}, {"a": [1]}),
        ("", {"a": 1.50}, {"a": 1.50}),
    ],
)
def test_a_label_names_what_is_hidden(label: str, data: Any, wanted: Any) -> None:
    assert shown(data, label) == wanted


def test_a_schema_names_it_by_its_keywords() -> None:
    schema = {
        "properties": {
            "pin": {"writeOnly": True},
            "owner": {"$ref": "#/$defs/person"},
            "accounts": {"items": {"properties": {"iban": {"x-sensitive": True}}}},
            "open": {"writeOnly": False},
        },
        "$defs": {"person": {"allOf": [{"properties": {"email": {"x-sensitive": True}}}]}},
    }
    rules = {one.pointer: one.name for one in rules_of({}, json.dumps(schema).encode())}
    assert rules == {
        "/pin": "writeOnly",
        "/owner/email": "x-sensitive",
        "/accounts/*/iban": "x-sensitive",
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/a", "a": {"$ref": "#/a"}},
        {"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}] * 50}}, "$ref": "#/$defs/a"},
        {"properties": {f"p{n}": {"writeOnly": True} for n in range(5_000)}},
        {"properties": [], "items": 3, "allOf": {}, "$ref": 1},
    ],
)
def test_a_hostile_schema_costs_little(schema: Any) -> None:
    assert len(rules_of({}, json.dumps(schema).encode())) <= MOST_RULES


def test_what_cannot_be_looked_into_is_not_shown_at_all() -> None:
    for data in (b"\x00\x01", b"[" * 100_000):
        made, applied = redacted(
            Event(id="1", source="/s", type="t", data=data), rules_of({LABEL: "/a"}, b"")
        )
        assert (made.data, [one.pointer for one in applied]) == (f'"{HIDDEN}"'.encode(), [""])


def test_numbers_stay_as_they_were_written() -> None:
    sent = Event(
        id="1", source="/s", type="t", data=b'{"a":1,"b":12345678901234567890.10}', text=True
    )
    made, _ = redacted(sent, [Rule(("a",), "x")])
    assert made.data is not None
    assert b"12345678901234567890.10" in made.data


@given(JSON, st.lists(st.sampled_from(["a", "b", "*", "0"]), max_size=3))
def test_only_what_a_rule_leads_to_changes(data: Any, steps: list[str]) -> None:
    rule = Rule(tuple(steps), "x")
    made, applied = redacted(event(data), [rule])
    again, _ = redacted(made, [rule])
    assert again.data == made.data  # what is hidden stays hidden
    if not applied:
        assert made == event(data)
