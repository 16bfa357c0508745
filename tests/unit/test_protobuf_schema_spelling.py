"""Texts of Protobuf schemas keep what a text writes, in the layout of Confluent's registry."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chappe.formats.protobuf_schema.language import ProtobufLanguage
from tests.unit.protobuf_schema_fixture import language

__all__ = ["language"]

TEXT = """// An order.
syntax = 'proto3'; package shop.v1;
import public "google/protobuf/timestamp.proto"; import "google/protobuf/any.proto";
option java_multiple_files = true; option java_package = 'shop';
/* What is sold; message Not { int32 x = 1; } */
message Order {
  message Line { string sku = 1 [deprecated = true, json_name="SKU"]; Order.Line.Deep deep = 2;
    enum Deep { NONE = 0; SOME = 1; reserved 5, 7 to max; reserved "ALL"; } reserved 9; }
  reserved 20 to 30, 10 ; reserved "old" , 'older';
  oneof pay { option (hint) = "it's"; string card = 1; Line.Deep deep = 2; }
  repeated Line lines = 3; .shop.v1.Order parent = 4; v1.Order other = 5;
  map < string , Line > by_sku = 6; google.protobuf.Timestamp at = 0x7; optional int32 message = 8;
}
message Empty { }
extend google.protobuf.OneofOptions { string hint = 50001; }
extend google.protobuf.OneofOptions { Order.Line.Deep deep = 50002; }
service Shop { option deprecated = false; rpc Buy ( stream Order ) returns ( .shop.v1.Empty );
  rpc Sell(Order) returns (stream Empty) { option idempotency_level = IDEMPOTENT; } }
import "google/protobuf/descriptor.proto";
"""

CANONICAL = """syntax = "proto3";
package shop.v1;

import "google/protobuf/any.proto";
import "google/protobuf/descriptor.proto";
import public "google/protobuf/timestamp.proto";

option java_multiple_files = true;
option java_package = "shop";

message Order {
  reserved 20 to 30, 10;
  reserved "old", "older";

  repeated Line lines = 3;
  .shop.v1.Order parent = 4;
  v1.Order other = 5;
  map<string, Line> by_sku = 6;
  google.protobuf.Timestamp at = 7;
  optional int32 message = 8;

  oneof pay {
    option (hint) = "it\\'s";
\x20\x20
    string card = 1;
    Line.Deep deep = 2;
  }

  message Line {
    reserved 9;
\x20\x20
    string sku = 1 [
      deprecated = true,
      json_name = "SKU"
    ];
    Order.Line.Deep deep = 2;
\x20\x20
    enum Deep {
      reserved 5, 7 to max;
      reserved "ALL";
      NONE = 0;
      SOME = 1;
    }
  }
}
message Empty {}

extend google.protobuf.OneofOptions {
  string hint = 50001;
}
extend google.protobuf.OneofOptions {
  Order.Line.Deep deep = 50002;
}

service Shop {
  option deprecated = false;

  rpc Buy (stream Order) returns (.shop.v1.Empty);
  rpc Sell (Order) returns (stream Empty) {
    option idempotency_level = IDEMPOTENT;
  };
}
"""


def test_a_text_has_one_layout_and_its_own_names(language: ProtobufLanguage) -> None:
    schema = language.parse(TEXT.encode(), "Protobuf")
    assert schema.canonical() == CANONICAL
    assert language.parse(CANONICAL.encode(), "Protobuf").canonical() == CANONICAL


def test_one_normalized_text_whatever_is_written(language: ProtobufLanguage) -> None:
    schema = language.parse(TEXT.encode(), "Protobuf")
    described = language.parse(b64encode(schema.descriptor()), "Protobuf")
    assert described.normalized() == schema.normalized()
    assert "  map<string, .shop.v1.Order.Line> by_sku = 6;\n" in schema.normalized()


def test_a_descriptor_has_no_spelling_and_tells_names_in_full(language: ProtobufLanguage) -> None:
    schema = language.parse(TEXT.encode(), "Protobuf")
    described = language.parse(b64encode(schema.descriptor()), "Protobuf").canonical()
    assert "  .shop.v1.Order other = 5;\n" in described
    assert "  reserved 20 to 30;\n  reserved 10;\n" in described


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("message M {}", "\nmessage M {}\n"),
        ("enum E { A = 0; }", "\nenum E {\n  A = 0;\n}\n"),
        ('syntax = "proto2"; message M {}', 'syntax = "proto2";\n\nmessage M {}\n'),
    ],
)
def test_a_syntax_is_told_where_it_is_written(
    language: ProtobufLanguage, text: str, told: str
) -> None:
    assert language.parse(text.encode(), "Protobuf").canonical() == told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"a" "b"', '"ab"'),
        ("'\\x41\\102'", '"AB"'),
        ("'say \"x\"'", '"say \\"x\\""'),
        ('"\\t\\\\"', '"\\t\\\\"'),
    ],
)
def test_strings_are_told_in_one_form(language: ProtobufLanguage, written: str, told: str) -> None:
    text = f"option java_package = {written}; message M {{}}"
    canonical = language.parse(text.encode(), "Protobuf").canonical()
    assert canonical == f"\noption java_package = {told};\n\nmessage M {{}}\n"
    assert language.parse(canonical.encode(), "Protobuf").canonical() == canonical


def test_values_with_parts_are_told_line_by_line(language: ProtobufLanguage) -> None:
    text = """import "confluent/meta.proto";
    option (confluent.file_meta) = { doc: "x" tags: ["PII", "B"], params { key: "k"; value: "" } };
    message M { optional int32 a = 1 [(confluent.field_meta) = { tags: [] }]; }"""
    canonical = language.parse(text.encode(), "Protobuf").canonical()
    assert canonical == (
        '\nimport "confluent/meta.proto";\n'
        "\noption (confluent.file_meta) = {\n"
        '  doc: "x",\n'
        '  tags: [\n    "PII",\n    "B"\n  ],\n'
        '  params: {\n    key: "k",\n    value: ""\n  }\n'
        "};\n"
        "\nmessage M {\n"
        "  optional int32 a = 1 [(confluent.field_meta) = {\n    tags: [\n    ]\n  }];\n"
        "}\n"
    )
    assert language.parse(canonical.encode(), "Protobuf").canonical() == canonical


def test_what_is_not_certain_is_told_by_the_descriptor(language: ProtobufLanguage) -> None:
    text = """import "confluent/meta.proto";
    message M { optional int32 a = 1 [(confluent.field_meta) = { tags: "A's" tags: "\\101" }]; }"""
    canonical = language.parse(text.encode(), "Protobuf").canonical()
    assert canonical.endswith(
        "  optional int32 a = 1 [(.confluent.field_meta) = {\n"
        '    tags: "A\\\'s",\n'
        '    tags: "A"\n'
        "  }];\n"
        "}\n"
    )
    assert language.parse(canonical.encode(), "Protobuf").canonical() == canonical


def test_words_of_the_language_are_names_too(language: ProtobufLanguage) -> None:
    text = """syntax = "proto3";
    message message { string optional = 1; repeated string repeated = 2; int32 group = 3;
      optional int32 map = 4; .message oneof = 5; int32 rpc = 6; }"""
    assert language.parse(text.encode(), "Protobuf").canonical() == (
        'syntax = "proto3";\n\n'
        "message message {\n"
        "  string optional = 1;\n"
        "  repeated string repeated = 2;\n"
        "  int32 group = 3;\n"
        "  optional int32 map = 4;\n"
        "  .message oneof = 5;\n"
        "  int32 rpc = 6;\n"
        "}\n"
    )


def test_groups_stand_after_fields_and_oneofs(language: ProtobufLanguage) -> None:
    text = """message M { optional group G = 1 { required int32 x = 1; } optional N n = 2;
      oneof o { int32 i = 3; } message N { } }"""
    assert language.parse(text.encode(), "Protobuf").canonical() == (
        "\nmessage M {\n"
        "  optional N n = 2;\n"
        "\n"
        "  oneof o {\n    int32 i = 3;\n  }\n"
        "\n"
        "  optional group G = 1 {\n    required int32 x = 1;\n  }\n"
        "\n"
        "  message N {}\n"
        "}\n"
    )


def test_extensions_keep_their_statements(language: ProtobufLanguage) -> None:
    text = """message M { extensions 100 to 199, 500; extensions 1000 to max [verification = UNVERIFIED];
      extend M { optional M in_m = 100; } }
    extend M { repeated .M more = 101; optional group Extra = 102 { optional int32 z = 1; } }"""
    assert language.parse(text.encode(), "Protobuf").canonical() == (
        "\nmessage M {\n"
        "  extensions 100 to 199, 500;\n"
        "  extensions 1000 to max [verification = UNVERIFIED];\n"
        "\n"
        "  extend M {\n    optional M in_m = 100;\n  }\n"
        "}\n"
        "\nextend M {\n"
        "  repeated .M more = 101;\n"
        "  optional group Extra = 102 {\n    optional int32 z = 1;\n  }\n"
        "}\n"
    )


def test_the_lowest_of_an_enum_is_first_unless_the_default_would_be_another(
    language: ProtobufLanguage,
) -> None:
    text = "enum E { option allow_alias = true; B = 0; A = 0; } enum F { C = 1; D = -1; }"
    assert language.parse(text.encode(), "Protobuf").normalized() == (
        "\nenum E {\n  option allow_alias = true;\n  A = 0;\n  B = 0;\n}\n"
        "enum F {\n  C = 1;\n  D = -1;\n}\n"
    )
