"""Tags of confluent.Meta in a Protobuf schema: read, changed, and nothing else with them."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.errors import Malformed
from chappe.formats.protobuf_schema.language import ProtobufLanguage
from chappe.formats.protobuf_schema.schema import ProtobufSchema
from chappe.formats.protobuf_schema.tags import META_FILE, Tagged, tags_in, with_tags
from tests.unit.protobuf_schema_fixture import language

__all__ = ("language",)

PLAIN = b"""
syntax = "proto3";
package shop;
message Order {
  option deprecated = true;
  string email = 1 [deprecated = true, json_name = "mail"];
  map<string, Line> lines = 2;
  oneof paid { string card = 3; Line last = 4; }
  message Line { int32 cents = 1; }
}
message Empty {}
"""
TAGGED = b"""
syntax = "proto3";
package shop;
import "confluent/meta.proto";
message Order {
  option (confluent.message_meta) = { doc: "all of it", tags: "A", tags: "B" };
  string email = 1 [(confluent.field_meta).tags = "PII", (confluent.field_meta).doc = "where"];
  string name = 2 [(confluent.field_meta) = { tags: "PII" }];
}
"""
WITNESS = """
import base64, json, sys
from confluent_kafka.schema_registry.confluent import meta_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
order = FileDescriptorProto.FromString(base64.b64decode(sys.stdin.read())).message_type[0]
options = order.field[0].options
print(json.dumps({
    "field": list(options.Extensions[meta_pb2.field_meta].tags),
    "message": list(order.options.Extensions[meta_pb2.message_meta].tags),
    "deprecated": options.deprecated,
}))
"""
PATHS = [
    ("Order", False), ("Order.email", True), ("Order.lines", True), ("Order.card", True),
    ("Order.last", True), ("Order.Line", False), ("Order.Line.cents", True), ("Empty", False),
]  # fmt: skip


def parsed(language: ProtobufLanguage, document: bytes) -> ProtobufSchema:
    return language.parse(document, "Protobuf")


def changed(
    language: ProtobufLanguage, schema: ProtobufSchema, **tags: Sequence[str]
) -> ProtobufSchema:
    """With tags by path, in which "__" stands for a dot."""
    wanted = {path.replace("__", "."): list(one) for path, one in tags.items()}
    described = with_tags(schema.descriptor(), lambda one: wanted.get(one.path, one.tags))
    return parsed(language, base64.b64encode(described))


def test_what_can_be_tagged_is_each_message_and_field(language: ProtobufLanguage) -> None:
    found = tags_in(parsed(language, PLAIN).descriptor())
    assert [(one.path, one.is_field) for one in found] == PATHS
    assert not any(one.tags for one in found)


def test_tags_are_read_in_both_spellings_of_an_option(language: ProtobufLanguage) -> None:
    assert tags_in(parsed(language, TAGGED).descriptor()) == [
        Tagged("Order", is_field=False, tags=("A", "B")),
        Tagged("Order.email", is_field=True, tags=("PII",)),
        Tagged("Order.name", is_field=True, tags=("PII",)),
    ]


def test_a_tag_brings_the_import_that_defines_it(language: ProtobufLanguage) -> None:
    schema = changed(language, parsed(language, PLAIN), Order__card=["PCI"], Empty=["X"])

    text = schema.canonical()
    assert text.count(f'import "{META_FILE}";') == 1
    assert 'string card = 3 [(.confluent.field_meta) = {\n      tags: "PCI"\n    }];' in text
    assert 'option (.confluent.message_meta) = {\n    tags: "X"\n  };' in text
    assert "deprecated = true" in text
    assert schema.references == ()


def test_another_implementation_reads_the_same_tags(language: ProtobufLanguage) -> None:
    schema = changed(language, parsed(language, PLAIN), Order__email=["PII", "ß"], Order=["A"])
    # A process of its own: what it imports registers its options for all of a process.
    told = subprocess.run(
        [sys.executable, "-c", WITNESS],
        input=base64.b64encode(schema.descriptor()),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(told.stdout) == {"field": ["PII", "ß"], "message": ["A"], "deprecated": True}


def test_what_else_stands_in_an_option_stays(language: ProtobufLanguage) -> None:
    text = changed(
        language, parsed(language, TAGGED), Order=[], Order__email=[], Order__name=[]
    ).canonical()
    assert '{\n    doc: "all of it"\n  }' in text
    assert '{\n    doc: "where"\n  }' in text
    assert "string name = 2;" in text
    assert "tags" not in text


def test_without_a_change_the_file_is_the_same(language: ProtobufLanguage) -> None:
    for document in (PLAIN, TAGGED):
        described = parsed(language, document).descriptor()
        assert with_tags(described, lambda one: one.tags) == described


TAGS = st.lists(st.text(st.characters(codec="utf-8"), max_size=5), unique=True, max_size=3)


@settings(max_examples=40, deadline=None)
@given(wanted=st.dictionaries(st.sampled_from([path for path, _ in PATHS]), TAGS))
def test_tags_that_are_put_in_are_there(
    language: ProtobufLanguage, wanted: dict[str, list[str]]
) -> None:
    schema = parsed(language, PLAIN)
    described = with_tags(schema.descriptor(), lambda one: wanted.get(one.path, ()))
    again = parsed(language, base64.b64encode(described))

    assert {one.path: list(one.tags) for one in tags_in(again.descriptor())} == {
        path: wanted.get(path, []) for path, _ in PATHS
    }
    assert parsed(language, again.canonical().encode()).canonical() == again.canonical()
    if any(wanted.values()):
        none = with_tags(again.descriptor(), lambda one: ())
        text = parsed(language, base64.b64encode(none)).canonical()
        line = f'package shop;\nimport "{META_FILE}";\n'.encode()
        imported = parsed(language, PLAIN.replace(b"package shop;\n", line)).descriptor()
        assert text == parsed(language, base64.b64encode(imported)).canonical()


def delimited(number: int, content: bytes) -> bytes:
    """A field of bytes as it is on the wire."""
    key = number << 3 | 2
    return (
        bytes((key & 127 | 128, key >> 7) if key > 127 else (key,))
        + bytes((len(content),))
        + content
    )


def test_an_option_of_somebody_else_s_is_no_tag() -> None:
    # FieldOptions { 1088: "no message" }, in the first field of the first message. Written by hand
    # since it could not be read in a process in which somebody registered the option.
    options = delimited(8, delimited(1088, b"no message"))
    message = delimited(1, b"A") + delimited(2, delimited(1, b"x") + options)
    with pytest.raises(Malformed, match="option 1088 is another"):
        tags_in(delimited(1, b"a.proto") + delimited(4, message))


@pytest.mark.parametrize(
    "document",
    [
        b'syntax = "proto2"; message A { optional group G = 1 { optional int32 x = 2; } }',
        b'edition = "2023"; message A { int32 x = 1; }',
    ],
)
def test_other_dialects_have_tags_too(language: ProtobufLanguage, document: bytes) -> None:
    schema = parsed(language, document)
    described = with_tags(schema.descriptor(), lambda one: ["T"])
    again = parsed(language, base64.b64encode(described))
    assert all(one.tags == ("T",) for one in tags_in(again.descriptor()))
    assert schema.dialect == again.dialect
