"""Avro, "Schema Resolution": the verdicts of Apache Avro for Java 1.11.5, and the rules one by one.

The 5,453 pairs were made at random from a grammar of schemas; each carries Java's verdict and, of each
incompatibility, type and location. They stand in ../shared/vectors, or where CHAPPE_VECTORS says.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chappe.formats.avro.language import Avro
from chappe.formats.schema_language import Difference

ROOT = Path(__file__).parents[2]
VECTORS = Path(os.environ.get("CHAPPE_VECTORS", ROOT.parent / "shared" / "vectors"))
PAIRS = VECTORS / "avro-compatibility" / "pairs.jsonl.gz"

DIFFERENT: frozenset[int] = frozenset()
"""Lines on which this project and Java are known to disagree, each with its reason. There is none."""


def backward(reader: object, writer: object) -> Sequence[Difference]:
    avro = Avro()
    return avro.backward(
        avro.parse(json.dumps(reader).encode(), "Avro/1.12"),
        avro.parse(json.dumps(writer).encode(), "Avro/1.12"),
    )


def codes(reader: object, writer: object) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in backward(reader, writer)]


def record(*fields: dict[str, Any], name: str = "R", **more: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def test_java_agrees_on_every_pair() -> None:
    if not PAIRS.exists():
        pytest.skip(f"THE VECTORS ARE NOT HERE: {PAIRS}; CHAPPE_VECTORS may name their directory")
    avro = Avro()
    disagreed = set()
    with gzip.open(PAIRS, "rt") as lines:
        for number, line in enumerate(lines, 1):
            pair = json.loads(line)
            found = avro.backward(
                avro.parse(pair["reader"].encode(), "Avro"),
                avro.parse(pair["writer"].encode(), "Avro"),
            )
            told = [f"{each.code} {each.path}" for each in found]
            if (not found) != pair["compatible"] or told != pair["incompatibilities"]:
                disagreed.add(number)
    assert disagreed == DIFFERENT


@pytest.mark.parametrize(
    ("reader", "writer"),
    [
        ("long", "int"),
        ("float", "int"),
        ("double", "int"),
        ("float", "long"),
        ("double", "long"),
        ("double", "float"),
        ("string", "bytes"),
        ("bytes", "string"),
    ],
)
def test_schema_resolution_a_primitive_is_promoted(reader: str, writer: str) -> None:
    assert codes(reader, writer) == []


@pytest.mark.parametrize(
    ("reader", "writer"),
    [("int", "long"), ("long", "float"), ("float", "double"), ("int", "string"), ("null", "int")],
)
def test_schema_resolution_a_primitive_is_not_narrowed(reader: str, writer: str) -> None:
    assert codes(reader, writer) == [("TYPE_MISMATCH", "/")]


def test_schema_resolution_a_field_that_is_only_the_writers_is_ignored() -> None:
    assert codes(record(), record({"name": "a", "type": "int"})) == []


def test_schema_resolution_a_field_that_is_only_the_readers_needs_a_default() -> None:
    field = {"name": "a", "type": "int"}
    assert codes(record({**field, "default": 0}), record()) == []
    assert codes(record(field), record()) == [("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0")]


def test_schema_resolution_fields_are_matched_by_name_not_by_place() -> None:
    a, b = {"name": "a", "type": "int"}, {"name": "b", "type": "string"}
    assert codes(record(a, b), record(b, a)) == []


def test_schema_resolution_a_field_is_found_by_an_alias() -> None:
    reader = record({"name": "b", "type": "long", "aliases": ["a"]})
    assert codes(reader, record({"name": "a", "type": "int"})) == []


def test_schema_resolution_a_field_that_is_two_fields_of_the_writer_is_refused() -> None:
    reader = record({"name": "a", "type": "int", "aliases": ["b"]})
    writer = record({"name": "a", "type": "int"}, {"name": "b", "type": "int"})
    assert codes(reader, writer) == [("READER_FIELD_AMBIGUOUS", "/fields/0")]


def test_schema_resolution_names_are_compared_without_namespaces() -> None:
    assert codes(record(name="a.R"), record(name="b.R")) == []


def test_schema_resolution_a_type_is_found_by_its_full_alias() -> None:
    reader = record(name="n.New", aliases=["Old", "other.Older"])
    assert codes(reader, record(name="n.Old")) == []
    assert codes(reader, record(name="other.Older")) == []
    assert codes(reader, record(name="Old")) == [("NAME_MISMATCH", "/name")]


def test_schema_resolution_an_enum_reads_the_symbols_it_has() -> None:
    def enum(*symbols: str, **more: object) -> dict[str, object]:
        return {"type": "enum", "name": "E", "symbols": symbols, **more}

    assert codes(enum("A", "B"), enum("B")) == []
    assert codes(enum("A"), enum("B", "A", "C")) == [("MISSING_ENUM_SYMBOLS", "/symbols")]
    assert codes(enum("A", default="A"), enum("B", "A")) == []


def test_schema_resolution_fixed_types_need_one_size() -> None:
    four = {"type": "fixed", "name": "F", "size": 4}
    assert codes({**four, "size": 8}, four) == [("FIXED_SIZE_MISMATCH", "/size")]


def test_schema_resolution_each_branch_of_the_writer_needs_one_of_the_reader() -> None:
    assert codes(["null", "double"], ["int", "null", "long"]) == []
    assert codes(["null", "int"], ["null", "string"]) == [("MISSING_UNION_BRANCH", "/1")]
    assert codes(["null", "int"], "string") == [("MISSING_UNION_BRANCH", "/")]
    assert codes("long", ["int", "long"]) == []
    assert codes("int", ["int", "long"]) == [("TYPE_MISMATCH", "/")]


def test_schema_resolution_items_and_values_are_compared() -> None:
    def lists(of: str) -> object:
        return {"type": "array", "items": {"type": "map", "values": of}}

    assert codes(lists("long"), lists("int")) == []
    assert codes(lists("int"), lists("long")) == [("TYPE_MISMATCH", "/items/values")]


def test_schema_resolution_a_recursive_type_is_compared_once() -> None:
    def node(value: str) -> object:
        return record({"name": "v", "type": value}, {"name": "next", "type": ["null", "R"]})

    assert codes(node("long"), node("int")) == []
    assert codes(node("int"), node("long")) == [("TYPE_MISMATCH", "/fields/0/type")]


def test_a_difference_tells_both_sides_what_mends_it_and_javas_words() -> None:
    (found,) = backward(record({"name": "total", "type": "long"}, name="shop.R"), record())
    assert found == Difference(
        code="READER_FIELD_MISSING_DEFAULT_VALUE",
        path="/fields/0",
        message=(
            "the reader's field 'total' has no default, and the writer's record 'R' has no such"
            " field"
        ),
        fix="give the field 'total' a default",
        info="total",
    )
