from __future__ import annotations

import pytest

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.domain.errors import Malformed
from chappe.formats.protobuf_schema.framing import join_indexes, split_indexes
from chappe.formats.protobuf_schema.language import ProtobufLanguage
from chappe.formats.protobuf_schema.schema import ProtobufSchema
from tests.unit.protobuf_schema_fixture import PROTO3, language

__all__ = ["language"]

BINARY = "application/protobuf"
JSON = "application/json"
ORDER = f"""{PROTO3}package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/any.proto";
message Order {{
  string id = 1;
  repeated Line lines = 2;
  google.protobuf.Timestamp at = 3;
  map<string, Line> by_name = 4;
  google.protobuf.Any any = 5;
  message Line {{ string sku = 1; int32 count = 2; }}
}}
message Other {{ bool x = 1; message Inner {{ bool y = 1; }} }}
"""


@pytest.fixture(scope="module")
def order(language: ProtobufLanguage) -> ProtobufSchema:
    return language.parse(ORDER.encode(), "Protobuf/3")


@pytest.mark.parametrize(
    "content_type",
    [
        BINARY,
        "application/x-protobuf; messageType=shop.Order",
        "application/vnd.google.protobuf",
        "application/vnd.shop.order+protobuf",
        "application/octet-stream",
        None,
    ],
)
def test_binary_payloads_are_checked(order: ProtobufSchema, content_type: str | None) -> None:
    assert order.check(b"\x0a\x02o1\x12\x04\x0a\x02s1", content_type) == ()


@pytest.mark.parametrize("content_type", [JSON, "application/vnd.shop+json", None])
def test_json_payloads_are_checked(order: ProtobufSchema, content_type: str | None) -> None:
    data = (
        b'{"id": "o1", "lines": [{"sku": "s1", "count": 2}], "at": "2026-01-02T03:04:05Z",'
        b' "byName": {"a": {"sku": "s"}}, "any": {"@type": "x.org/shop.Other", "x": true}}'
    )
    assert order.check(data, content_type) == ()


def test_no_data_is_a_violation(order: ProtobufSchema) -> None:
    (violation,) = order.check(None, BINARY)
    assert violation.rule == "data"


def test_other_types_of_data_are_a_violation(order: ProtobufSchema) -> None:
    (violation,) = order.check(b"", "text/plain")
    assert (violation.rule, violation.value) == ("datacontenttype", "'text/plain'")


@pytest.mark.parametrize(
    ("data", "pointer", "rule", "message"),
    [
        (b"\x0a\x05o1", "", "protobuf", "no shop.Order: "),
        (b"\x0a\x01\xff", "", "protobuf", "no shop.Order: "),
        (b"hello world", "", "protobuf", "no shop.Order: "),
        (b"\x48\x01", "/9", "unknown field", "shop.Order has no field 9"),
        (
            b"\x12\x00\x12\x02\x18\x01",
            "/lines/1/3",
            "unknown field",
            "shop.Order.Line has no field 3",
        ),
        (
            b"\x22\x07\x0a\x01a\x12\x02\x18\x01",
            "/by_name/a/3",
            "unknown field",
            "shop.Order.Line has no field 3",
        ),
        (b"\x08\x01", "/1", "unknown field", "field id = 1 of shop.Order is of another type"),
    ],
)
def test_a_wrong_binary_payload_tells_where(
    order: ProtobufSchema, data: bytes, pointer: str, rule: str, message: str
) -> None:
    (violation,) = order.check(data, BINARY)
    assert (violation.pointer, violation.rule) == (pointer, rule)
    assert violation.message.startswith(message)


@pytest.mark.parametrize(
    ("data", "pointer", "rule", "message"),
    [
        (b'{"id"', "", "json", "not JSON: "),
        (b"[]", "", "json", "no JSON object"),
        (b'{"id": "\xff"}', "", "json", "not UTF-8 at byte 8"),
        (b'{"id": 5}', "/id", "protobuf", ""),
        (b'{"lines": [{}, {"sku": "a", "price": 5}]}', "/lines/1", "protobuf", "Message type"),
        (b'{"lines": [{"count": "many"}]}', "/lines/count", "protobuf", "invalid literal"),
        (b'{"lines": [{"count": 1.5}]}', "/lines/0/count", "protobuf", "Couldn't parse integer"),
        (b'{"byName": {"a b": {"count": true}}}', "/byName/a b/count", "protobuf", "Bool value"),
        (b'{"at": "yesterday"}', "/at", "protobuf", ""),
        (b'{"id": "a", "id": "b"}', "", "json", "not JSON: duplicate key id"),
        (b'{"lines": [{"count": ' + b"9" * 5_000 + b"}]}", "", "json", "not JSON"),
        (b'{"any": {"@type": "x.org/no.Such"}}', "/any", "protobuf", ""),
        (b'{"lines":' * 200_000, "", "json", "200000 values"),
        (b'{"lines":' * 20_000, "", "json", "not JSON"),
    ],
)
def test_a_wrong_json_payload_tells_where(
    order: ProtobufSchema, data: bytes, pointer: str, rule: str, message: str
) -> None:
    (violation,) = order.check(data, JSON)
    assert (violation.pointer, violation.rule) == (pointer, rule)
    assert violation.message.startswith(message)
    assert "Available Fields" not in violation.message


def test_unknown_fields_pass_where_the_policy_accepts_them() -> None:
    with ProtocCompiler() as compiler:
        lenient = ProtobufLanguage(compiler, unknown_fields="accept").parse(
            ORDER.encode(), "Protobuf"
        )
    assert lenient.check(b"\x48\x01", BINARY) == ()
    assert lenient.check(b'{"else": 1}', JSON) == ()


def test_missing_required_fields_are_named(language: ProtobufLanguage) -> None:
    schema = language.parse(
        b'syntax = "proto2"; message M { required int32 a = 1; repeated M more = 2; }', "Protobuf/2"
    )
    binary = schema.check(b"\x08\x01\x12\x02\x08\x01\x12\x00", BINARY)
    assert [(each.pointer, each.rule) for each in binary] == [("/more/1/a", "required")]
    as_json = schema.check(b'{"more": [{"a": 1}]}', JSON)
    assert [(each.pointer, each.rule) for each in as_json] == [("/a", "required")]


def test_unknown_values_of_a_closed_enum_are_unknown_fields(language: ProtobufLanguage) -> None:
    schema = language.parse(
        b'syntax = "proto2"; message M { optional E e = 1; } enum E { A = 0; }', "Protobuf/2"
    )
    (violation,) = schema.check(b"\x08\x07", BINARY)
    assert (violation.pointer, violation.rule) == ("/1", "unknown field")


def test_unknown_values_of_an_open_enum_pass(language: ProtobufLanguage) -> None:
    schema = language.parse(
        f"{PROTO3}message M {{ E e = 1; }} enum E {{ A = 0; }}".encode(), "Protobuf"
    )
    assert schema.check(b"\x08\x07", BINARY) == ()


@pytest.mark.parametrize(("depth", "valid"), [(99, True), (101, False)])
def test_nesting_is_limited(language: ProtobufLanguage, depth: int, valid: bool) -> None:
    schema = language.parse(f"{PROTO3}message M {{ M m = 1; }}".encode(), "Protobuf")
    binary = b""
    for _ in range(depth):
        size = len(binary)
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
        binary = b"\x0a" + length + binary
    violations = schema.check(binary, BINARY)
    assert (violations == ()) is valid
    assert valid or violations[0].message == "no M: nested more than 100 deep"


def test_the_message_can_be_named_by_its_indexes(order: ProtobufSchema) -> None:
    assert order.check_message(b"\x08\x01", (1, 0)) == ()
    assert order.check_message(b'{"x": true}', (1,), JSON) == ()
    (violation,) = order.check_message(b"", (2,))
    assert violation.rule == "message"


def test_the_message_can_be_named(order: ProtobufSchema) -> None:
    assert order.check_named(b"\x08\x01", "shop.Other.Inner") == ()
    for name in ("shop.No", "shop.Order.ByNameEntry", "", "\udcff"):
        (violation,) = order.check_named(b"", name)
        assert violation.rule == "message"


def test_a_schema_without_messages_fits_no_payload(language: ProtobufLanguage) -> None:
    schema = language.parse(f"{PROTO3}enum E {{ A = 0; }}".encode(), "Protobuf")
    (violation,) = schema.check(b"", BINARY)
    assert violation.rule == "message"


FAT = "message Fat {" + "".join(f"string f{i} = {i + 1};" for i in range(3_000)) + "}"


@pytest.mark.parametrize(
    "data",
    [b"\x0a\x00" * (1 << 19), b"\x12\x00" * (1 << 19), b"\x12\x04\x0a\x00\x0a\x00" * 100_000],
    ids=["fat", "many", "nested"],
)
def test_a_small_payload_cannot_take_much_memory(language: ProtobufLanguage, data: bytes) -> None:
    schema = language.parse(
        f"{PROTO3}message M {{ repeated Fat fat = 1; repeated M more = 2; }} {FAT}".encode(),
        "Protobuf",
    )
    (violation,) = schema.check(data, BINARY)
    assert violation.message.startswith("its messages would take too much memory")


def test_an_entry_of_a_map_without_a_value_counts_as_the_value_that_is_made(
    language: ProtobufLanguage,
) -> None:
    schema = language.parse(
        f"{PROTO3}message M {{ map<string,Fat> fat = 1; }} {FAT}".encode(), "Protobuf"
    )
    assert schema.check(b"\x0a\x00" * 100, BINARY) == ()
    (violation,) = schema.check(b"\x0a\x00" * 100_000, BINARY)
    assert violation.message.startswith("its messages would take too much memory")


def test_a_small_json_payload_cannot_take_much_memory(language: ProtobufLanguage) -> None:
    schema = language.parse(
        f"{PROTO3}message M {{ repeated Fat fat = 1; }} {FAT}".encode(), "Protobuf"
    )
    (violation,) = schema.check(b'{"fat": [' + b"{}," * 40_000 + b"{}]}", JSON)
    assert violation.message.startswith("its messages would take too much memory")


def test_messages_in_extensions_count_too(language: ProtobufLanguage) -> None:
    fat = FAT.replace("string", "optional string")
    schema = language.parse(
        f'syntax = "proto2"; message M {{ extensions 1 to max; }} {fat}'
        "extend M { repeated Fat fat = 1; }".encode(),
        "Protobuf",
    )
    (violation,) = schema.check(b"\x0a\x00" * 100_000, BINARY)
    assert violation.message.startswith("its messages would take too much memory")


def test_a_large_payload_of_fat_messages_is_counted_not_guessed(
    language: ProtobufLanguage,
) -> None:
    schema = language.parse(
        f"{PROTO3}message M {{ repeated Fat fat = 1; }} {FAT}".encode(), "Protobuf"
    )
    assert schema.check((b"\x0a\x83\x40\x0a\x80\x40" + b"x" * 8192) * 100, BINARY) == ()


@pytest.mark.parametrize(
    ("indexes", "frame"),
    [((0,), b"\x00"), ((1,), b"\x02\x02"), ((1, 0), b"\x04\x02\x00"), ((100,), b"\x02\xc8\x01")],
)
def test_message_indexes_are_framed(indexes: tuple[int, ...], frame: bytes) -> None:
    assert join_indexes(indexes, b"rest") == frame + b"rest"
    assert split_indexes(frame + b"rest") == (indexes, b"rest")


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01", b"\xff\xff\xff\xff\xff\x01", b"\x02\x01"])
def test_broken_message_indexes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        split_indexes(data)
