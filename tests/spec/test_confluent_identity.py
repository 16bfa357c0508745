"""The identity of content: the same for the same, and that of Confluent's registry."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chappe.formats.confluent.contracts import parse_metadata, parse_rule_set
from chappe.formats.confluent.identity import Content, Reference

VECTORS = os.environ.get("CHAPPE_SR_VECTORS", "")
GOLDEN = "core/src/test/resources/schema-md5-golden-data.json"


def test_the_digest_of_a_text_alone() -> None:
    assert Content("AVRO", '"string"').guid == "095d71cf-1255-6b9d-5e33-0ad575b3df5d"


@pytest.mark.parametrize(
    "other",
    [
        Content("AVRO", '"int"'),
        Content("AVRO", '"string"', (Reference("a", "b", 1),)),
        Content("AVRO", '"string"', (), parse_metadata({})),
        Content("AVRO", '"string"', (), parse_metadata({"properties": {"a": "b"}})),
        Content("AVRO", '"string"', (), None, parse_rule_set({})),
        Content("AVRO", '"string"', (), None, parse_rule_set({"enableAt": "CLIENT"})),
    ],
)
def test_other_content_has_another_identity(other: Content) -> None:
    assert other.guid != Content("AVRO", '"string"').guid


def test_the_order_of_properties_does_not_matter() -> None:
    one = parse_metadata({"properties": {"a": "1", "b": "2"}, "sensitive": ["x", "y"]})
    two = parse_metadata({"sensitive": ["y", "x"], "properties": {"b": "2", "a": "1"}})
    assert Content("AVRO", "", (), one).guid == Content("AVRO", "", (), two).guid


@pytest.mark.skipif(not VECTORS, reason="CHAPPE_SR_VECTORS names no copy of Confluent's vectors")
def test_the_identities_are_those_of_confluents_registry() -> None:
    data: dict[str, Any] = json.loads((Path(VECTORS) / GOLDEN).read_bytes())
    references = tuple(Reference(**one) for one in data["references"])
    found = {
        type_: {
            parts: Content(
                type_,
                data["schemas"][type_.lower()],
                references if parts[0] == "1" else (),
                parse_metadata(data["metadata"]) if parts[1] == "1" else None,
                parse_rule_set(data["rules"]) if parts[2] == "1" else None,
            ).guid
            for parts in of_type
        }
        for type_, of_type in data["expectedHashes"].items()
    }
    assert found == data["expectedHashes"]
