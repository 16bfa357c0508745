"""Hostile Avro schemas: none takes 100 ms more than honest ones of its size, none crashes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.avro.canonical import normalized
from chappe.formats.avro.document import MAX_SCHEMA_BYTES
from chappe.formats.avro.language import Avro, AvroSchema
from chappe.formats.avro.parsing_form import parsing_canonical_form
from tests.speed import slowness

T = TypeVar("T")
AVRO = Avro()


def timed(act: Callable[[], T]) -> T:
    """The result; in CPU time that allows for a slow machine, and for nothing that grows quadratically."""
    began = time.process_time()
    result = act()
    assert time.process_time() - began < 1.0 * slowness()
    return result


def record(name: str, *types: object) -> dict[str, object]:
    fields = [{"name": f"f{at}", "type": each} for at, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def parsed(schema: object) -> AvroSchema:
    return AVRO.parse(json.dumps(schema).encode(), "Avro")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b" " * (MAX_SCHEMA_BYTES + 1), "1048577 bytes; at most 1048576 are possible"),
        (b"[" * 500_000, "nested too deeply"),
        (b'{"type":"array","items":' * 101 + b'"int"' + b"}" * 101, "more than 100 deep"),
        (b'{"type":"int","x":' + b"[" * 500 + b"]" * 500 + b"}", "more than 400 deep"),
        (b"", "not JSON"),
        (b"string", "not JSON"),
        (b'"\xff"', "not JSON"),
        (b'{"type":"int","x":"\\ud800"}', "not JSON"),
        (b'{"type":"fixed","name":"F","size":' + b"9" * 10_000 + b"}", "not JSON"),
        (json.dumps(record("-" * 900_000)).encode(), "is no name"),
        (json.dumps(record("." * 900_000)).encode(), "is no name"),
        (
            json.dumps([record(f"R{at}") for at in range(5_001)]).encode(),
            "at most 5000 named types are possible",
        ),
    ],
)
def test_what_is_too_large_or_no_schema_is_refused(document: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        timed(lambda: AVRO.parse(document, "Avro"))
    assert message in caught.value.message
    assert len(caught.value.message) < 400


def test_references_of_too_many_bytes_are_refused() -> None:
    documents = {f"r{at}": b" " * MAX_SCHEMA_BYTES for at in range(5)}
    with pytest.raises(Malformed, match="the references have 5242880 bytes"):
        AVRO.parse(b'"int"', "Avro", documents)


def test_references_in_an_endless_row_are_refused() -> None:
    documents = {
        f"R{at}": json.dumps(record(f"R{at}", f"R{at + 1}")).encode() for at in range(3_000)
    }
    with pytest.raises(Malformed, match="chained too deeply"):
        timed(lambda: AVRO.parse(b'"R0"', "Avro", documents))


CHAIN = [record(f"R{at}", f"R{at - 1}" if at else "int") for at in range(4_000)]
DOUBLING = [record(f"R{at}", *([f"R{at - 1}"] * 2 if at else ["int"])) for at in range(300)]
UNIONS = [record(f"R{at}", [f"R{below}" for below in range(at)]) for at in range(100)]
LARGE_UNION = [record(f"R{at}", "int", "string") for at in range(3_000)]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(CHAIN, id="chain"),
        pytest.param(DOUBLING, id="doubling"),
        pytest.param(UNIONS, id="unions"),
        pytest.param(LARGE_UNION, id="large union"),
    ],
)
def test_types_that_multiply_cost_what_their_text_costs(schema: object) -> None:
    reader, writer = timed(lambda: parsed(schema)), parsed(schema)
    assert timed(lambda: AVRO.backward(reader, writer)) == []
    assert timed(reader.canonical) == json.dumps(
        json.loads(reader.canonical()), separators=(",", ":")
    )
    assert timed(lambda: normalized(reader.parsed))
    assert timed(lambda: parsing_canonical_form(reader.parsed))
    assert timed(lambda: reader.check(b"\xff", "avro/binary"))


def test_types_of_a_reference_may_be_made_of_each_other_to_any_depth() -> None:
    types = json.dumps(CHAIN).encode()
    schema = AVRO.parse(b'"R3999"', "Avro", {"types": types})
    assert timed(schema.canonical).startswith('{"type":"record","name":"R3999"')


def test_an_incompatibility_that_is_reached_in_many_ways_is_told_a_hundred_times() -> None:
    writer = json.loads(json.dumps(DOUBLING))
    writer[0]["fields"][0]["type"] = "string"
    reader = record("T", DOUBLING, "R299")
    found = timed(lambda: AVRO.backward(parsed(reader), parsed(record("T", writer, "R299"))))
    assert len(found) == 100


def test_pairs_beyond_number_are_refused_as_too_complex() -> None:
    def schema(prefix: str) -> object:
        """Each of 800 types is made of unions of 12 others: 640,000 pairs of types meet."""
        names = [f"{prefix}{at}" for at in range(800)]
        bodies = [
            record(name, names[max(at - 12, 0) : at]) if at else record(name, "int")
            for at, name in enumerate(names)
        ]
        return record("T", bodies, names[-1])

    reader, writer = parsed(schema("A")), parsed(schema("B"))
    (found,) = timed(lambda: AVRO.backward(reader, writer))
    assert found.code == "TOO_COMPLEX"


def test_a_default_is_not_tried_again_and_again() -> None:
    value: dict[str, object] = {"g": 1}
    for _ in range(50):
        value = {"f": value}
    branches = [
        {
            "type": "record",
            "name": name,
            "fields": [{"name": "f", "type": ["A", "B"] if name == "B" else "A"}],
        }
        for name in ("A", "B")
    ]
    schema = {
        "type": "record",
        "name": "T",
        "fields": [{"name": "d", "type": branches, "default": value}],
    }
    with pytest.raises(Malformed, match="fits no branch of the union"):
        timed(lambda: parsed(schema))
