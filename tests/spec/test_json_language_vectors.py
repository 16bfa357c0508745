"""The vectors of other schema registries, which stay outside of this repository.

CHAPPE_SR_VECTORS names a directory that holds, anywhere below it, the files of Confluent's Schema
Registry (json-schema-provider/src/test/resources) and of Apicurio Registry
(schema-util/json/src/test/resources), under their names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chappe.formats.json_compat.compare import compare
from chappe.formats.json_compat.rules import LENIENT, STRICT
from chappe.formats.json_language import JsonSchemaDocument, JsonSchemaLanguage, format_of

LANGUAGE = JsonSchemaLanguage()
CONFLUENT: Mapping[str, int] = {
    "diff-schema-examples.json": 104,
    "diff-schema-examples-2020-12.json": 113,
    "diff-combined-schema-examples.json": 28,
    "diff-combined-schema-examples-2020-12.json": 18,
}
APICURIO = "compatibility-test-data.json"
_TRAILING_COMMA = re.compile(r",(\s*[\]}])")


def vectors(name: str) -> list[dict[str, object]]:
    root = os.environ.get("CHAPPE_SR_VECTORS")
    if not root:
        pytest.skip("CHAPPE_SR_VECTORS does not name a directory of other registries' vectors")
    # Other languages have files of the same name; those of JSON are in a directory that says so.
    found = sorted(
        Path(root).rglob(name), key=lambda one: "json" not in str(one.parent.relative_to(root))
    )
    if not found:
        pytest.skip(f"{root} holds no {name}")
    document = json.loads(_TRAILING_COMMA.sub(r"\1", found[0].read_text()))
    cases: list[dict[str, object]] = document["tests"] if isinstance(document, dict) else document
    return cases


def parsed(schema: object) -> JsonSchemaDocument:
    document = json.dumps(schema).encode()
    return LANGUAGE.parse(document, format_of(document))


def pairs(name: str) -> Iterator[tuple[dict[str, object], JsonSchemaDocument, JsonSchemaDocument]]:
    for case in vectors(name):
        if isinstance(case.get("original_schema"), dict):
            yield case, parsed(case["original_schema"]), parsed(case["update_schema"])


@pytest.mark.parametrize("name", CONFLUENT)
def test_the_strict_policy_agrees_with_confluent(name: str) -> None:
    wrong = [
        case["description"]
        for case, old, new in pairs(name)
        if (not LANGUAGE.backward(new, old)) != case["compatible"]
    ]
    assert wrong == []


@pytest.mark.parametrize("name", CONFLUENT)
def test_the_lenient_policy_agrees_with_confluent(name: str) -> None:
    wrong = [
        case["description"]
        for case, old, new in pairs(name)
        if (not LANGUAGE.backward(new, old, policy="LENIENT"))
        != case.get("compatible_lenient", case["compatible"])
    ]
    assert wrong == []


@pytest.mark.parametrize("name", CONFLUENT)
def test_the_changes_are_those_that_confluent_finds(name: str) -> None:
    wrong = []
    for case, old, new in pairs(name):
        changes = compare(old.shapes, new.shapes, STRICT).changes
        told = sorted(f"{one.code} #/{'/'.join(one.steps())}" for one in changes)
        if told != sorted(case["changes"]):  # type: ignore[call-overload]
            wrong.append((case["description"], told))
    assert wrong == []


@pytest.mark.parametrize(("name", "count"), CONFLUENT.items())
def test_no_case_of_confluent_is_left_out(name: str, count: int) -> None:
    assert len(list(pairs(name))) >= count


def test_the_policies_agree_with_apicurio_as_far_as_is_known() -> None:
    right = {"STRICT": 0, "SEMANTIC": 0}
    cases = vectors(APICURIO)
    for case in cases:
        old, new = parsed(case["original"]), parsed(case["updated"])
        backward, forward = case["compatibility"] != "none", case["compatibility"] == "both"
        right["STRICT"] += (not LANGUAGE.backward(new, old)) == backward
        right["STRICT"] += (not LANGUAGE.backward(old, new)) == forward
        right["SEMANTIC"] += (not LANGUAGE.backward(new, old, policy="SEMANTIC")) == backward
        right["SEMANTIC"] += (not LANGUAGE.backward(old, new, policy="SEMANTIC")) == forward
    # Both directions of 145 pairs. Apicurio's rules are others than Confluent's in 29 of them.
    assert (len(cases), right["STRICT"] >= 261, right["SEMANTIC"] >= 270) == (145, True, True)


def test_the_lenient_rules_are_the_strict_ones_and_more() -> None:
    assert STRICT < LENIENT
