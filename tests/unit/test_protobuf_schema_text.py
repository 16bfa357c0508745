from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from chappe.formats.protobuf_schema.language import ProtobufLanguage
from chappe.formats.protobuf_schema.schema import ProtobufSchema
from tests.unit.protobuf_schema_fixture import PROTO3, language

__all__ = ["language"]

PROTO2 = """syntax = "proto2";
package p.q;
import "google/protobuf/descriptor.proto";
option java_package = "x\\"y\\n";
option (.p.q.on_file) = { text: "\\303\\251" numbers: 1 numbers: 2 inner { deep: { key: "k" value: 1 } } };
extend google.protobuf.FileOptions { optional Opt on_file = 50001; }
extend google.protobuf.FieldOptions { repeated string tags = 50002; optional double weight = 50003; }
extend google.protobuf.EnumValueOptions { optional bytes mark = 50004; }
message Opt {
  optional string text = 1;
  repeated int32 numbers = 2;
  optional Opt inner = 3;
  map<string, int32> deep = 4;
  optional Kind kind = 5;
}
enum Kind { option allow_alias = true; reserved -5 to -2, 90 to max; reserved "GONE";
  ZERO = 0; NEGATIVE = -1; ONE = 1 [deprecated = true, (mark) = "\\001a"]; UNO = 1; }
message M {
  option message_set_wire_format = false;
  reserved 2, 9 to 11, 1000 to max;
  reserved "foo", "bar";
  extensions 100 to 199 [verification = UNVERIFIED];
  extensions 300;
  required string a = 1 [default = "x\\ty", (tags) = "one", (tags) = "two", (weight) = -0.5];
  optional bytes b = 3 [default = "\\000\\377\\""];
  optional double c = 4 [default = -inf];
  optional Kind d = 5 [default = ONE, json_name = "else"];
  repeated int32 e = 6 [packed = true];
  optional group Grouped = 7 { optional int32 x = 1; repeated group Inner = 2 { optional M m = 1; } }
  oneof one { string f = 8; group InOne = 12 { optional int32 y = 1; } }
  map<int64, M> h = 13 [deprecated = true];
  optional string snake_case_9 = 14;
  extend M { optional int32 in_m = 100; }
  enum Own { X = 0; }
  message Nested { optional M.Own own = 1; extensions 5 to max; }
}
extend M { repeated M ext = 101; optional group Extra = 102 { optional int32 z = 1; } }
service S { option deprecated = true; rpc One(M) returns (stream Opt); rpc Two(stream M) returns (Opt) { option idempotency_level = IDEMPOTENT; } }
"""

PROTO3_ALL = f"""{PROTO3}
import "google/protobuf/any.proto";
import public "google/protobuf/empty.proto";
enum E {{ A = 0; B = 5; }}
message M {{
  optional int32 a = 1;
  oneof o {{ string b = 3; E c = 2; }}
  int32 d = 5;
  map<string, google.protobuf.Any> e = 4;
  reserved "z", "y";
  reserved 20 to 30, 10;
}}
"""

EDITION = """edition = "2023";
option features.field_presence = IMPLICIT;
message M {
  reserved gone, away;
  string a = 1 [features.field_presence = EXPLICIT];
  M b = 2 [features.message_encoding = DELIMITED];
  repeated int32 c = 3;
}
"""


def _in_order(schema: ProtobufSchema) -> FileDescriptorProto:
    """The descriptor with fields by number: a text has those of a oneof, and groups with the messages
    that stand for them, after the others.
    """
    file = FileDescriptorProto.FromString(schema.descriptor())
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        message.field.sort(key=lambda each: each.number)
        message.nested_type.sort(key=lambda each: each.name)
        waiting += message.nested_type
    return file


@pytest.mark.parametrize("text", [PROTO2, PROTO3_ALL, EDITION], ids=["proto2", "proto3", "edition"])
def test_the_canonical_text_compiles_to_the_same_schema(
    language: ProtobufLanguage, text: str
) -> None:
    schema = language.parse(text.encode(), "Protobuf")
    again = language.parse(schema.canonical().encode(), "Protobuf")
    assert _in_order(again) == _in_order(schema)
    assert again.canonical() == schema.canonical()


@pytest.mark.parametrize("text", [PROTO2, PROTO3_ALL, EDITION], ids=["proto2", "proto3", "edition"])
def test_the_normalized_text_is_its_own_normalized_text(
    language: ProtobufLanguage, text: str
) -> None:
    schema = language.parse(text.encode(), "Protobuf")
    again = language.parse(schema.normalized().encode(), "Protobuf")
    assert again.normalized() == schema.normalized()
    assert language.backward(again, schema) == []


def test_normalized_puts_in_order_what_means_nothing_to_data(language: ProtobufLanguage) -> None:
    assert language.parse(PROTO3_ALL.encode(), "Protobuf").normalized() == (
        'syntax = "proto3";\n\n'
        'import "google/protobuf/any.proto";\n'
        'import public "google/protobuf/empty.proto";\n\n'
        "message M {\n"
        "  reserved 10;\n"
        "  reserved 20 to 30;\n"
        '  reserved "y";\n'
        '  reserved "z";\n\n'
        "  optional int32 a = 1;\n"
        "  map<string, .google.protobuf.Any> e = 4;\n"
        "  int32 d = 5;\n\n"
        "  oneof o {\n"
        "    .E c = 2;\n"
        "    string b = 3;\n"
        "  }\n"
        "}\n"
        "enum E {\n"
        "  A = 0;\n"
        "  B = 5;\n"
        "}\n"
    )


def test_schemas_that_differ_in_order_only_have_one_normalized_text(
    language: ProtobufLanguage,
) -> None:
    one = language.parse(f"{PROTO3}message M {{ int32 a = 1; int32 b = 2; }}".encode(), "Protobuf")
    two = language.parse(f"{PROTO3}message M {{ int32 b = 2; int32 a = 1; }}".encode(), "Protobuf")
    assert one.canonical() != two.canonical()
    assert one.normalized() == two.normalized()


def test_the_first_of_an_enum_stays_the_first(language: ProtobufLanguage) -> None:
    schema = language.parse(
        f"{PROTO3}enum E {{ ZERO = 0; TWO = 2; LESS = -1; }}".encode(), "Protobuf"
    )
    text = schema.normalized()
    assert text.index("ZERO") < text.index("LESS") < text.index("TWO")


def test_order_of_messages_is_part_of_a_schema(language: ProtobufLanguage) -> None:
    one = language.parse(f"{PROTO3}message A {{}} message B {{}}".encode(), "Protobuf")
    two = language.parse(f"{PROTO3}message B {{}} message A {{}}".encode(), "Protobuf")
    assert one.normalized() != two.normalized()


def test_a_field_of_a_type_named_like_a_map_entry_is_no_map(language: ProtobufLanguage) -> None:
    text = (
        f"{PROTO3}message TagsEntry {{ int32 x = 1; }}"
        "message M { map<string, string> tags = 1; .TagsEntry other = 2; }"
    )
    canonical = language.parse(text.encode(), "Protobuf").canonical()
    assert "map<string, string> tags = 1;" in canonical
    assert ".TagsEntry other = 2;" in canonical


def test_options_of_imported_definitions_keep_their_names(language: ProtobufLanguage) -> None:
    text = (
        f'{PROTO3}import "confluent/meta.proto";'
        'message M { string a = 1 [(confluent.field_meta).tags = "PII",'
        ' (confluent.field_meta).params = { key: "k" value: "v" }]; }'
    )
    schema = language.parse(text.encode(), "Protobuf")
    assert schema.canonical().endswith(
        "message M {\n"
        "  string a = 1 [\n"
        '    (confluent.field_meta).tags = "PII",\n'
        "    (confluent.field_meta).params = {\n"
        '      key: "k",\n'
        '      value: "v"\n'
        "    }\n"
        "  ];\n"
        "}\n"
    )
    normalized = schema.normalized()
    assert normalized.endswith(
        "message M {\n"
        "  string a = 1 [(.confluent.field_meta) = {\n"
        "    params: {\n"
        '      key: "k",\n'
        '      value: "v"\n'
        "    },\n"
        '    tags: "PII"\n'
        "  }];\n"
        "}\n"
    )
    assert language.parse(normalized.encode(), "Protobuf").canonical() == normalized
