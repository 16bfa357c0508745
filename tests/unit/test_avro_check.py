"""Payloads against Avro schemas, in both encodings, honest and hostile."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest

from chappe.formats.avro.broken import MAX_DATA_DEPTH
from chappe.formats.avro.language import Avro, AvroSchema
from chappe.formats.schema_language import Violation
from tests.speed import slowness

BINARY = "application/avro"
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {"name": "lines", "type": {"type": "array", "items": {"type": "map", "values": "int"}}},
        {"name": "note", "type": ["null", "string"]},
    ],
}
NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


def parsed(schema: object) -> AvroSchema:
    return Avro().parse(json.dumps(schema).encode(), "Avro")


def check(
    schema: object, data: bytes | str, content_type: str | None = None
) -> Sequence[Violation]:
    if isinstance(data, str):
        return parsed(schema).check(data.encode(), content_type)
    return parsed(schema).check(data, content_type or BINARY)


def told(schema: object, data: bytes | str) -> list[tuple[str, str, str]]:
    return [(each.pointer, each.rule, each.value) for each in check(schema, data)]


# --- binary


def test_a_valid_binary_payload_has_no_violations() -> None:
    assert check(ORDER, b"\x02a\x02\x02\x02\x02k\x80\x01\x00\x00\x02\x02x") == ()


def test_a_block_may_tell_its_length() -> None:
    assert check({"type": "array", "items": "int"}, b"\x03\x04\x02\x04\x00") == ()


@pytest.mark.parametrize(
    ("schema", "data", "found"),
    [
        ("boolean", b"\x02", ("", "boolean", "0x02")),
        ("int", b"\xff\xff\xff\xff\x1f", ("", "int", "-4294967296")),
        ("int", b"\x80\x80\x80\x80\x10", ("", "int", "2147483648")),
        ("long", b"\xff" * 11, ("", "long", "0xffffffffffffffffffffff")),
        ("long", b"\xff" * 9 + b"\x02", ("", "long", "0xffffffffffffffffff02")),
        ("long", b"\xff", ("", "length", "")),
        ("float", b"\0\0\0", ("", "length", "")),
        ("double", b"\0" * 9, ("", "trailing", "0x00")),
        ("string", b"\x06ab", ("", "length", "")),
        ("string", b"\x01", ("", "length", "-1")),
        ("string", b"\x04\xc3\x28", ("", "string", "0xc328")),
        ("bytes", b"\x03", ("", "length", "-2")),
        ({"type": "fixed", "name": "F", "size": 2}, b"a", ("", "length", "")),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02", ("", "enum", "1")),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x01", ("", "enum", "-1")),
        (["null", "int"], b"\x04", ("", "union", "2")),
        (["null", "int"], b"\x02", ("", "length", "")),
        ("null", b"\0", ("", "trailing", "0x00")),
        ("int", b"", ("", "length", "")),
    ],
)
def test_a_broken_binary_value_is_told(
    schema: object, data: bytes, found: tuple[str, str, str]
) -> None:
    assert told(schema, data) == [found]


def test_a_broken_binary_value_is_told_with_its_place() -> None:
    data = b"\x02a\x02\x02\x02\x06a/b\xff\xff\xff\xff\x7f\x00\x00\x00"
    assert [each.pointer for each in check(ORDER, data)] == ["/lines/0/a~1b"]


def test_a_blocks_length_must_be_that_of_its_items() -> None:
    assert told({"type": "array", "items": "int"}, b"\x03\x02\x02\x04\x00")[0][1] == "block"
    assert told({"type": "array", "items": "int"}, b"\x03\x06\x02\x04\x00\x00")[0][1] == "block"


# --- JSON


def test_a_valid_json_payload_has_no_violations() -> None:
    data = '{"id":"a","state":"NEW","lines":[{"k":1}],"note":{"string":"x"}}'
    assert not check(ORDER, data, "application/json; charset=utf-8")


def test_every_violation_of_a_json_payload_is_told_with_its_place() -> None:
    data = '{"state":"OLD","lines":[{"a/b":2147483648}],"note":"x","more":1}'
    assert told(ORDER, data) == [
        ("/id", "required", ""),
        ("/state", "enum", "'OLD'"),
        ("/lines/0/a~1b", "int", "2147483648"),
        ("/note", "union", "'x'"),
        ("/more", "unknown", "1"),
    ]


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ("null", "null"),
        ("boolean", "true"),
        ("int", "1.0"),
        ("long", "-9223372036854775808"),
        ("float", "1"),
        ("double", '"NaN"'),
        ("bytes", '"\\u00ff"'),
        ("string", '""'),
        ({"type": "fixed", "name": "F", "size": 2}, '"\\u00ff\\u0000"'),
        (["null", "int"], "null"),
        (["null", "int"], '{"int":1}'),
        (["null", "int"], '{"null":null}'),
        (["null", {"type": "fixed", "name": "n.F", "size": 1}], '{"n.F":"a"}'),
    ],
)
def test_json_values_of_the_types(schema: object, data: str) -> None:
    assert told(schema, data) == []


@pytest.mark.parametrize(
    ("schema", "data", "rule"),
    [
        ("null", "0", "null"),
        ("boolean", "1", "boolean"),
        ("int", "1.5", "int"),
        ("int", "true", "int"),
        ("long", "9223372036854775808", "long"),
        ("float", '"1"', "float"),
        ("bytes", '"\\u0100"', "bytes"),
        ("string", "1", "string"),
        ({"type": "fixed", "name": "F", "size": 2}, '"a"', "fixed"),
        ({"type": "fixed", "name": "F", "size": 2}, "1", "fixed"),
        ({"type": "array", "items": "int"}, "{}", "array"),
        ({"type": "map", "values": "int"}, "[]", "map"),
        (ORDER, "[]", "record"),
        (["null", "int"], "1", "union"),
        (["null", "int"], '{"long":1}', "union"),
        (["string"], "null", "union"),
        ("int", "{", "json"),
        ("int", "1e400", "json"),
    ],
)
def test_json_values_of_other_types(schema: object, data: str, rule: str) -> None:
    assert [each[1] for each in told(schema, data)] == [rule]


def test_a_field_of_a_json_record_may_stand_under_an_alias() -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "a", "type": "int", "aliases": ["b"]}],
    }
    assert told(schema, '{"b":1}') == []
    assert told(schema, '{"b":"x"}') == [("/b", "int", "'x'")]


# --- types of content


@pytest.mark.parametrize(
    "content_type",
    [
        "avro/binary",
        "application/avro",
        "Application/Vnd.Apache.Avro; v=1",
        "application/vnd.apache.avro+binary",
        "application/x-order+avro",
        "application/octet-stream",
    ],
)
def test_types_of_avros_binary(content_type: str) -> None:
    assert parsed("int").check(b"\x02", content_type) == ()


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "avro/json", "application/avro+json", "text/json"]
)
def test_types_of_avros_json(content_type: str | None) -> None:
    assert not parsed("int").check(b"2", content_type)


def test_other_data_is_told_as_such() -> None:
    (found,) = parsed("int").check(b"2", "text/xml")
    assert (found.rule, found.value) == ("datacontenttype", "'text/xml'")


def test_an_event_without_data_is_told_as_such() -> None:
    (found,) = parsed("int").check(None, None)
    assert found.rule == "data"


# --- hostile payloads


def timed(schema: object, data: bytes | str) -> tuple[float, list[str]]:
    compiled = parsed(schema)
    content_type = BINARY if isinstance(data, bytes) else None
    raw = data if isinstance(data, bytes) else data.encode()
    compiled.check(b"", content_type)
    began = time.process_time()
    found = compiled.check(raw, content_type)
    return time.process_time() - began, [each.rule for each in found]


@pytest.mark.parametrize(
    ("schema", "data", "rule"),
    [
        pytest.param(NODE, b"\x02" * 1_000_000 + b"\0", "depth", id="deep"),
        pytest.param(
            NODE, '{"next":{"Node":' * 300 + '{"next":null}' + "}}" * 300, "depth", id="j"
        ),
        pytest.param(NODE, '{"next":{"Node":' * 100_000, "json", id="deeper json"),
        pytest.param(
            {"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]},
            b"",
            "depth",
            id="endless type",
        ),
        pytest.param(
            {"type": "array", "items": "null"},
            b"\xfe" + b"\xff" * 8 + b"\x01\0",
            "block",
            id="2^62",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "fixed", "name": "E", "size": 0}},
            b"\xff" * 9 + b"\x01\0",
            "block",
            id="-2^63",
        ),
        pytest.param(
            {"type": "array", "items": "long"}, b"\xfe\xff\xff\xff\x0f", "block", id="many"
        ),
        pytest.param(
            {"type": "array", "items": {"type": "fixed", "name": "K", "size": 1024}},
            b"\x80\x01" + b"a" * 1024,
            "block",
            id="more than is left",
        ),
        pytest.param("bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "length", id="2^63"),
        pytest.param(
            {"type": "map", "values": "null"}, b"\xfe\xff\xff\xff\x0f\0", "block", id="map"
        ),
    ],
)
def test_a_hostile_payload_is_refused_at_once(schema: object, data: bytes | str, rule: str) -> None:
    took_s, found = timed(schema, data)
    assert found == [rule]
    assert took_s < 0.1 * slowness()


def test_fields_without_a_byte_cost_nothing() -> None:
    nothing = [{"name": f"n{at}", "type": "null"} for at in range(10_000)]
    wide = {"type": "record", "name": "W", "fields": [*nothing, {"name": "b", "type": "boolean"}]}
    took_s, found = timed(
        {"type": "array", "items": wide}, b"\x80\x80\x08" + b"\1" * (1 << 16) + b"\0"
    )
    assert found == []
    assert took_s < 0.1 * slowness()


def test_values_may_nest_to_the_limit() -> None:
    levels = MAX_DATA_DEPTH // 2 - 1
    assert told(NODE, b"\x02" * levels + b"\0") == []
