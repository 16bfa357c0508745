from __future__ import annotations

import base64
import json

import pytest

from chappe.domain.errors import Malformed
from chappe.formats.protobuf_schema import known
from chappe.formats.protobuf_schema.language import ProtobufLanguage
from tests.unit.protobuf_schema_fixture import PROTO3, language

__all__ = ["language"]

ORDER = f"""{PROTO3}package shop;
// What a customer wants.
message Order {{
  string id = 1;
  repeated Line lines = 2;
  message Line {{ string sku = 1; }}
}}
"""


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Protobuf", "Protobuf"),
        ("protobuf/3", "Protobuf/3"),
        ("PROTOBUF/proto2", "Protobuf/2"),
        ("Protobuf/2023", "Protobuf/2023"),
        ("Protobuf/4", None),
        ("Protobuf/", None),
        ("Avro/1.9", None),
        ("JSONSchema", None),
    ],
)
def test_a_format_has_one_spelling(
    language: ProtobufLanguage, written: str, canonical: str | None
) -> None:
    assert language.canonical_format(written) == canonical


def test_the_canonical_text_has_neither_comments_nor_layout(language: ProtobufLanguage) -> None:
    assert language.parse(ORDER.encode(), "Protobuf/3").canonical() == (
        'syntax = "proto3";\n'
        "package shop;\n\n"
        "message Order {\n"
        "  string id = 1;\n"
        "  repeated Line lines = 2;\n\n"
        "  message Line {\n"
        "    string sku = 1;\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    "spelling",
    [
        ORDER.replace("// What a customer wants.", "/* else */"),
        ORDER.replace("repeated Line", "repeated .shop.Order.Line"),
        ORDER.replace("repeated Line", "repeated Order.Line").replace("\n", "\r\n"),
        json.dumps(ORDER),
        " " + json.dumps(ORDER) + "\n",
    ],
)
def test_spellings_of_one_schema_have_one_normalized_text(
    language: ProtobufLanguage, spelling: str
) -> None:
    plain = language.parse(ORDER.encode(), "Protobuf")
    assert language.parse(spelling.encode(), "Protobuf").normalized() == plain.normalized()


def test_a_descriptor_in_base64_is_a_schema_too(language: ProtobufLanguage) -> None:
    plain = language.parse(ORDER.encode(), "Protobuf")
    described = base64.b64encode(plain.descriptor())
    assert language.parse(described, "Protobuf/3").normalized() == plain.normalized()


def test_a_descriptor_in_base64_can_refer_to_text_and_to_descriptors(
    language: ProtobufLanguage,
) -> None:
    shared = f"{PROTO3}message Money {{ int64 cents = 1; }}".encode()
    main = f'{PROTO3}import "money.proto"; message Order {{ Money price = 1; }}'.encode()
    schema = language.parse(main, "Protobuf", {"money.proto": shared})
    described = base64.b64encode(schema.descriptor())
    described_money = base64.b64encode(language.parse(shared, "Protobuf").descriptor())
    for money in (shared, described_money):
        again = language.parse(described, "Protobuf", {"money.proto": money})
        assert again.normalized() == schema.normalized()


def test_a_descriptor_is_checked_like_text(language: ProtobufLanguage) -> None:
    plain = language.parse(ORDER.encode(), "Protobuf")
    broken = plain.descriptor().replace(b".shop.Order.Line", b".shop.Order.Lime")
    with pytest.raises(Malformed, match=r'"\.shop\.Order\.Lime"'):
        language.parse(base64.b64encode(broken), "Protobuf")


def test_references_are_what_it_imports_but_the_bundled_types(language: ProtobufLanguage) -> None:
    main = (
        f'{PROTO3}import "b.proto"; import "google/protobuf/any.proto"; import public "a.proto";'
        "message M { A a = 1; B b = 2; google.protobuf.Any any = 3; }"
    )
    references = {
        "a.proto": f"{PROTO3}message A {{}}".encode(),
        "b.proto": f'{PROTO3}import "deep/c.proto"; message B {{ C c = 1; }}'.encode(),
        "deep/c.proto": f"{PROTO3}message C {{}}".encode(),
    }
    schema = language.parse(main.encode(), "Protobuf", references)
    assert schema.references == ("b.proto", "a.proto")


@pytest.mark.parametrize("name", sorted(known.NAMES))
def test_bundled_types_need_no_reference(language: ProtobufLanguage, name: str) -> None:
    schema = language.parse(f'{PROTO3}import "{name}"; message M {{}}'.encode(), "Protobuf")
    assert schema.references == ()


def test_a_reference_cannot_replace_a_bundled_type(language: ProtobufLanguage) -> None:
    name = "google/protobuf/timestamp.proto"
    main = f'{PROTO3}import "{name}"; message M {{ google.protobuf.Timestamp at = 1; }}'
    other = f"{PROTO3}package google.protobuf; message Timestamp {{ string x = 9; }}"
    schema = language.parse(main.encode(), "Protobuf", {name: other.encode()})
    assert schema.check(b'{"at": "2026-01-02T03:04:05Z"}', "application/json") == ()


def test_two_schemas_with_the_same_names_do_not_meet(language: ProtobufLanguage) -> None:
    number = language.parse(f"{PROTO3}message M {{ int32 a = 1; }}".encode(), "Protobuf")
    text = language.parse(f"{PROTO3}message M {{ string a = 1; }}".encode(), "Protobuf")
    assert number.check(b"\x08\x01", "application/protobuf") == ()
    assert text.check(b"\x0a\x01a", "application/protobuf") == ()


@pytest.mark.parametrize(
    ("document", "format", "message"),
    [
        ("message {", "Protobuf", "line 1, column 9: Expected message name"),
        (f'{PROTO3}import "x.proto";', "Protobuf", "line 2, column 1: import 'x.proto' is missing"),
        (f"{PROTO3}message M {{ X x = 1; }}", "Protobuf", 'line 2, column 13: "X" is not defined'),
        (PROTO3 + "message M { int32 a = 1; int32 b = 1; }", "Protobuf", "has already been used"),
        (PROTO3, "Protobuf/2", "it is proto3, dataschemaformat says Protobuf/2"),
        ("message M {}", "Protobuf/3", "it is proto2, dataschemaformat says Protobuf/3"),
        (PROTO3, "Avro", "dataschemaformat: 'Avro' is unknown"),
        ('"syntax', "Protobuf", "begins with a quotation mark but is no JSON string"),
        (f"{PROTO3}// \udcff", "Protobuf", "not UTF-8"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(
    language: ProtobufLanguage, document: str, format: str, message: str
) -> None:
    with pytest.raises(Malformed) as refused:
        language.parse(document.encode(errors="surrogateescape"), format)
    assert message in refused.value.message


def test_an_error_in_a_reference_names_the_reference(language: ProtobufLanguage) -> None:
    main = f'{PROTO3}import "b.proto"; message M {{ B b = 1; }}'.encode()
    with pytest.raises(Malformed, match=r"in reference 'b\.proto' line 2, column 13"):
        language.parse(main, "Protobuf", {"b.proto": f"{PROTO3}message B {{ X x = 1; }}".encode()})


def test_a_missing_import_tells_what_there_is(language: ProtobufLanguage) -> None:
    main = f'{PROTO3}import "c.proto"; message M {{ C c = 1; }}'.encode()
    with pytest.raises(Malformed, match=r"neither a reference \(b\.proto\) nor a bundled type"):
        language.parse(main, "Protobuf", {"b.proto": f"{PROTO3}message B {{}}".encode()})


def test_imports_in_a_circle_are_refused(language: ProtobufLanguage) -> None:
    main = f'{PROTO3}import "a.proto"; message M {{}}'.encode()
    references = {
        "a.proto": f'{PROTO3}import "b.proto"; message A {{}}'.encode(),
        "b.proto": f'{PROTO3}import "a.proto"; message B {{}}'.encode(),
    }
    with pytest.raises(Malformed, match="recursively imports itself"):
        language.parse(main, "Protobuf", references)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x.proto", "a/../b.proto", "a//b.proto", "a\\b", "", ".", "a\0b"]
)
def test_a_reference_must_have_a_name_that_imports_can_have(
    language: ProtobufLanguage, name: str
) -> None:
    with pytest.raises(Malformed, match="is no name that an import can have"):
        language.parse(PROTO3.encode(), "Protobuf", {name: PROTO3.encode()})


def test_a_reference_below_another_is_refused(language: ProtobufLanguage) -> None:
    references = {"a": PROTO3.encode(), "a/b.proto": PROTO3.encode()}
    with pytest.raises(Malformed, match="cannot be both a file and a directory"):
        language.parse(PROTO3.encode(), "Protobuf", references)


def test_a_reference_may_have_any_name_of_a_file(language: ProtobufLanguage) -> None:
    main = f'{PROTO3}import "dataschema.proto"; message M {{ A a = 1; }}'.encode()
    schema = language.parse(
        main, "Protobuf", {"dataschema.proto": f"{PROTO3}message A {{}}".encode()}
    )
    assert schema.references == ("dataschema.proto",)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (f"{PROTO3}//{'x' * (1 << 20)}", "bytes; at most 1048576 are possible"),
        (
            PROTO3 + "message A {" + "".join(f"int32 f{i}={i + 1};" for i in range(12_000)) + "}",
            "12002 statements",
        ),
        ("message A { optional int32 a = 1 [" + "a." * 60_000 + "a = 1]; }", "60000 dots"),
        (
            f"{PROTO3}package {'a' * 500}; message A {{"
            + "".join(f"A f{i}={i + 1};" for i in range(9_900))
            + "}",
            "bytes when compiled",
        ),
        (
            PROTO3 + "message A {" + "".join(f"string f{i}={i + 1};" for i in range(6_000)) + "}",
            "its types cannot be built: Error building mini table: Message size exceeded",
        ),
        (
            f"{PROTO3}message {'A' * 30_000} {{"
            + "".join(f"message B{i} {{}}" for i in range(3_000))
            + "}",
            "bytes in full; at most 16777216 are possible",
        ),
    ],
    ids=["bytes", "statements", "dots", "compiled", "fields", "names"],
)
def test_a_schema_that_costs_too_much_is_refused(
    language: ProtobufLanguage, document: str, message: str
) -> None:
    with pytest.raises(Malformed) as refused:
        language.parse(document.encode(), "Protobuf")
    assert message in refused.value.message


def test_a_long_chain_of_messages_needs_no_stack(language: ProtobufLanguage) -> None:
    chain = "".join(f"message A{i} {{ A{i + 1} a = 1; }}" for i in range(2_000))
    schema = language.parse(
        f"{PROTO3}{chain} message A2000 {{ int32 x = 1; }}".encode(), "Protobuf"
    )
    assert language.backward(schema, schema) == []
    assert schema.check(b"\x0a\x02\x0a\x00", "application/protobuf") == ()
    assert schema.check(b'{"a": {"a": {}}}', "application/json") == ()
    assert schema.canonical().startswith('syntax = "proto3";\n\nmessage A0 {\n  A1 a = 1;')


def test_messages_are_found_by_their_indexes(language: ProtobufLanguage) -> None:
    schema = language.parse(
        f"{PROTO3}package p; message A {{}} message B {{ message C {{}} message D {{}} }}".encode(),
        "Protobuf",
    )
    assert [schema.message_name(at) for at in ((0,), (1,), (1, 1))] == ["p.A", "p.B", "p.B.D"]
    assert [schema.message_name(at) for at in ((2,), (-1,), (0, 0), ())] == [None] * 4
