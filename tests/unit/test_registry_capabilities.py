"""core/spec.md "Registry Capabilities"."""

from __future__ import annotations

from typing import Any

import pytest

from chappe.registry.capabilities import (
    FLAGS,
    IGNORES,
    UNSPECIFIED,
    Offer,
    initial,
    is_available,
    is_mutable,
    offered,
    same_specversion,
    updated,
)
from chappe.registry.errors import RegistryError

OFFER = Offer({"avro/1.0": ["backward", "forward"], "xsd*": []})


def test_a_registry_begins_with_all_that_costs_nothing() -> None:
    present = initial(OFFER)
    assert present["flags"] == list(FLAGS)
    assert present["formats"] == ["avro/1.0", "xsd*"]
    assert present["compatibilities"] == {"avro/1.0": ["backward", "forward"]}
    assert present["pagination"] is False
    assert is_mutable(present, "modelsource")
    assert not is_mutable(present, "model")


def test_a_replacement_resets_what_it_does_not_name() -> None:
    assert updated(initial(OFFER), {}, patch=False, offer=OFFER) == UNSPECIFIED


def test_a_patch_keeps_what_it_does_not_name() -> None:
    changed = updated(initial(OFFER), {"flags": ["inline"]}, patch=True, offer=OFFER)
    assert changed == {**initial(OFFER), "flags": ["inline"]}


def test_null_resets_one_capability_or_all() -> None:
    none = updated(initial(), {"flags": None, "specversions": None}, patch=True)
    assert none["flags"] == []
    assert none["specversions"] == ["1.0-rc4"]
    assert updated(none, None, patch=True, offer=OFFER) == initial(OFFER)


def test_a_wildcard_stands_for_all_that_is_offered() -> None:
    body = {
        "flags": ["*"],
        "ignores": ["*"],
        "formats": ["*"],
        "versionmodes": ["*"],
        "specversions": ["*"],
        "compatibilities": {"AVRO/1.0": ["*"]},
    }
    changed = updated(initial(), body, patch=False, offer=OFFER)
    assert changed["flags"] == list(FLAGS)
    assert changed["ignores"] == list(IGNORES)
    assert changed["formats"] == ["avro/1.0", "xsd*"]
    assert changed["versionmodes"] == ["createdat", "manual", "modifiedat", "semver"]
    assert changed["compatibilities"] == {"avro/1.0": ["backward", "forward"]}


def test_arrays_are_case_insensitive_sorted_and_without_doubles() -> None:
    changed = updated(initial(), {"flags": ["Inline", "doc", "INLINE"]}, patch=True)
    assert changed["flags"] == ["doc", "inline"]


def test_what_must_be_available_is_listed_whether_or_not_it_was_sent() -> None:
    body = {"available": {"modelsource": {"mutable": True}}}
    assert updated(initial(), body, patch=True)["available"] == {
        "capabilities": {"mutable": False},
        "entities": {"mutable": True},
        "model": {"mutable": False},
        "modelsource": {"mutable": True},
    }


def test_what_is_not_listed_is_neither_available_nor_mutable() -> None:
    changed = updated(initial(), {"available": {}}, patch=True)
    assert not is_available(changed, "export")
    assert not is_mutable(changed, "modelsource")


@pytest.mark.parametrize(
    ("body", "kind", "args"),
    [
        ([], "capability_error", {}),
        (5, "capability_error", {}),
        ({"foo": []}, "capability_unknown", {"field": "foo"}),
        ({"mutable": ["model"]}, "capability_unknown", {"field": "mutable"}),
        ({"flags": ["foo"]}, "capability_value", {"field": "flags", "value": "foo"}),
        ({"flags": "doc"}, "capability_value", {"field": "flags", "value": "doc"}),
        ({"flags": [1]}, "capability_value", {"field": "flags", "value": "1"}),
        ({"flags": ["*", "doc"]}, "capability_wildcard", {"field": "flags"}),
        ({"specversions": ["*", "1.0-rc4"]}, "capability_wildcard", {"field": "specversions"}),
        (
            {"specversions": []},
            "capability_missing_value",
            {"name": "specversions", "value": "1.0-rc4"},
        ),
        ({"specversions": ["2.0"]}, "capability_value", {"value": "2.0", "list": "1.0-rc4"}),
        (
            {"versionmodes": ["semver"]},
            "capability_missing_value",
            {"name": "versionmodes", "value": "manual"},
        ),
        ({"pagination": "true"}, "capability_value", {"field": "pagination"}),
        ({"shortself": 1}, "capability_value", {"list": "false,true"}),
        ({"formats": ["numbers"]}, "capability_error", {}),
        ({"compatibilities": {"avro/1.0": ["backward"]}}, "capability_error", {}),
        ({"formats": ["xsd*"], "compatibilities": {"xsd*": ["full"]}}, "capability_error", {}),
        ({"compatibilities": []}, "capability_value", {"field": "compatibilities"}),
        ({"available": []}, "capability_value", {"field": "available"}),
        ({"available": {"x": {"mutable": True}}}, "capability_value", {"value": "x"}),
        ({"available": {"export": {}}}, "capability_value", {"field": "available.export"}),
        (
            {"available": {"model": {"mutable": True}}},
            "capability_value",
            {"field": "available.model.mutable", "value": "true", "list": "false"},
        ),
    ],
)
def test_wrong_capabilities_are_refused(body: Any, kind: str, args: dict[str, str]) -> None:
    with pytest.raises(RegistryError) as refused:
        updated(initial(), body, patch=False, offer=OFFER)
    assert refused.value.kind == kind
    assert refused.value.subject == "/capabilities"
    assert {name: refused.value.args_shown[name] for name in args} == args


def test_the_patch_version_and_case_of_a_specversion_do_not_matter() -> None:
    assert same_specversion("1.0.5-RC4", "1.0-rc4")
    assert not same_specversion("1.0", "1.0-rc4")
    assert not same_specversion("1.0-rc1", "1.0-rc4")
    assert updated(initial(), {"specversions": ["1.0.5-rc4"]}, patch=True)["specversions"] == [
        "1.0.5-rc4"
    ]


def test_every_capability_is_offered_with_its_type() -> None:
    choices = offered(OFFER)
    assert choices.keys() == initial().keys()
    assert choices["pagination"] == {"type": "boolean", "enum": [False, True]}
    assert choices["formats"] == {
        "type": "array",
        "item": {"type": "string"},
        "enum": ["avro/1.0", "xsd*"],
    }
    assert choices["available"]["attributes"]["model"]["attributes"]["mutable"]["enum"] == [False]
