"""The Confluent Schema Registry's examples of changes, run from outside of this repository.

CHAPPE_SR_VECTORS names a directory with a checkout of confluentinc/schema-registry; its licence does
not allow a copy here.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.formats.protobuf_schema.diff import changes
from chappe.formats.protobuf_schema.language import ProtobufLanguage
from chappe.formats.protobuf_schema.schema import ProtobufSchema

RESOURCES = "protobuf-provider/src/test/resources"
FILES = {"diff-schema-examples.json": 54, "diff-schema-examples-with-meta.json": 1}


@pytest.fixture(scope="module")
def resources() -> Path:
    for root in (os.environ.get("CHAPPE_SR_VECTORS", ""),):
        for place in (Path(root), Path(root, "schema-registry")):
            if root and (place / RESOURCES).is_dir():
                return place / RESOURCES
    pytest.skip("CHAPPE_SR_VECTORS names no checkout of confluentinc/schema-registry")


@pytest.fixture(scope="module")
def language() -> Iterator[ProtobufLanguage]:
    with ProtocCompiler() as compiler:
        yield ProtobufLanguage(compiler)


def parsed(
    language: ProtobufLanguage, case: dict[str, Any], which: str, resources: Path
) -> ProtobufSchema:
    text: str = case[f"{which}_schema"]
    references = {
        each["name"]: each["dependency"].encode()
        for each in case.get(f"{which}_dependencies", ())
        if "dependency" in each
    }
    document = (resources / text).read_bytes() if text.endswith(".proto") else text.encode()
    return language.parse(document, "Protobuf", references)


@pytest.mark.parametrize("name", FILES)
def test_each_example_has_the_changes_and_the_verdict(
    language: ProtobufLanguage, resources: Path, name: str
) -> None:
    cases = json.loads((resources / name).read_text())
    assert len(cases) >= FILES[name]
    wrong: list[str] = []
    for case in cases:
        old, new = (parsed(language, case, each, resources) for each in ("original", "update"))
        found = Counter(f"{each.kind.value} {each.path}" for each in changes(old.tree, new.tree))
        compatible = not language.backward(new, old)
        if found != Counter(case["changes"]) or compatible != case["compatible"]:
            wrong.append(case["description"])
    assert wrong == []
