"""XML Schema compatibility as Apicurio's registry tells it.

CHAPPE_SR_VECTORS names a directory that holds, anywhere below it, the file
XsdCompatibilityCheckerTest.java of Apicurio/apicurio-registry: 20 tests with the schemas in them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from chappe.formats.xsd.language import Xsd

_FILE = "XsdCompatibilityCheckerTest.java"


def _source() -> str:
    root = os.environ.get("CHAPPE_SR_VECTORS")
    if not root:
        pytest.skip("CHAPPE_SR_VECTORS does not name a directory of other registries' vectors")
    found = sorted(Path(root).rglob(_FILE))
    if not found:
        pytest.skip(f"CHAPPE_SR_VECTORS holds no {_FILE}")
    return found[0].read_text()


def _reads(reader: bytes, writer: bytes) -> bool:
    language = Xsd()
    return not language.backward(language.parse(reader, "XSD"), language.parse(writer, "XSD"))


def _compatible(level: str, older: list[bytes], newer: bytes) -> bool:
    checked = older if level.endswith("_TRANSITIVE") else older[-1:]
    backward = level.startswith(("BACKWARD", "FULL"))
    forward = level.startswith(("FORWARD", "FULL"))
    return all(
        (not backward or _reads(newer, each)) and (not forward or _reads(each, newer))
        for each in checked
    )


def test_2d_verdicts_are_apicurios() -> None:
    source = _source()
    schemas = {
        found[1]: found[2].strip().encode()
        for found in re.finditer(r'String (\w+) = """\n(.*?)""";', source, re.S)
    }
    differing, count = [], 0
    for found in re.finditer(r"void (test\w+)\(\) \{(.*?)\n    \}\n", source, re.S):
        body = found[2]
        named = {
            name: schemas[constant]
            for name, constant in re.findall(r"TypedContent (\w+) = toTypedContent\((\w+)\)", body)
        }
        call = re.search(
            r"CompatibilityLevel\.(\w+),\s*(?:Collections\.singletonList|List\.of)\(([^)]*)\),\s*(\w+)",
            body,
        )
        assert call is not None, found[1]
        older = [named[name.strip()] for name in call[2].split(",")]
        count += 1
        if _compatible(call[1], older, named[call[3]]) != ("assertTrue(result" in body):
            differing.append(found[1])
    assert (differing, count) == ([], 20)
