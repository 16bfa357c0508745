from __future__ import annotations

import pytest

from chappe.formats.protobuf_schema.diff import changes
from chappe.formats.protobuf_schema.language import ProtobufLanguage
from tests.unit.protobuf_schema_fixture import PROTO3, language

__all__ = ["language"]

PROTO2 = 'syntax = "proto2";\n'


def found(
    language: ProtobufLanguage,
    old: str,
    new: str,
    old_references: dict[str, str] | None = None,
    new_references: dict[str, str] | None = None,
) -> list[str]:
    """The changes as "KIND path", and before those that old data does not survive a "!"."""
    writer, reader = (
        language.parse(
            text.encode(),
            "Protobuf",
            {name: each.encode() for name, each in (references or {}).items()},
        )
        for text, references in ((old, old_references), (new, new_references))
    )
    all_changes = changes(writer.tree, reader.tree)
    told = [
        f"{'' if each.compatible else '!'}{each.kind.value} {each.path}" for each in all_changes
    ]
    broken = [f"!{each.code} {each.path}" for each in language.backward(reader, writer)]
    assert broken == [each for each in told if each.startswith("!")]
    return told


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("message M {}", "message M {}", []),
        ("package p; message M {}", "package q; message M {}", ["!PACKAGE_CHANGED #/"]),
        (
            "package p; message M { M m = 1; }",
            "message M { M m = 1; }",
            ["!PACKAGE_CHANGED #/"],
        ),
        ("message M {}", "message M {} message N {}", ["MESSAGE_ADDED #/N"]),
        ("message M { message N {} }", "message M {}", ["!MESSAGE_REMOVED #/M/N"]),
        (
            "message M {} message N {}",
            "message N {} message M {}",
            ["MESSAGE_MOVED #/M", "MESSAGE_MOVED #/N"],
        ),
        ("enum E { A = 0; }", "enum F { X = 0; }", ["ENUM_REMOVED #/E", "ENUM_ADDED #/F"]),
        (
            "enum E { A = 0; B = 1; C = 2; }",
            "enum E { A = 0; X = 1; D = 3; }",
            ["ENUM_CONST_CHANGED #/E/1", "ENUM_CONST_REMOVED #/E/2", "ENUM_CONST_ADDED #/E/3"],
        ),
        (
            "message M { int32 a = 1; }",
            "message M { int32 b = 2; }",
            ["FIELD_REMOVED #/M/1", "FIELD_ADDED #/M/2"],
        ),
        ("message M { int32 a = 1; }", "message M { int32 b = 1; }", ["FIELD_NAME_CHANGED #/M/1"]),
        ("message M { int32 a = 1; }", "message M { bool a = 1; }", []),
        (
            "message M { int32 a = 1; } enum E { A = 0; }",
            "message M { E a = 1; } enum E { A = 0; }",
            [],
        ),
        (
            "message M { int32 a = 1; }",
            "message M { sint32 a = 1; }",
            ["!FIELD_SCALAR_KIND_CHANGED #/M/1"],
        ),
        ("message M { string a = 1; }", "message M { bytes a = 1; }", []),
        ("message M { fixed64 a = 1; }", "message M { sfixed64 a = 1; }", []),
        (
            "message M { fixed32 a = 1; }",
            "message M { float a = 1; }",
            ["!FIELD_SCALAR_KIND_CHANGED #/M/1"],
        ),
        (
            "message M { string a = 1; }",
            "message M { M a = 1; }",
            ["!FIELD_KIND_CHANGED #/M/1"],
        ),
        (
            "message M { map<string, int32> a = 1; }",
            "message M { M a = 1; }",
            ["!FIELD_KIND_CHANGED #/M/1"],
        ),
        (
            "message M { map<string, int32> a = 1; }",
            "message M { map<int32, string> a = 1; }",
            ["!FIELD_SCALAR_KIND_CHANGED #/M/1", "!FIELD_SCALAR_KIND_CHANGED #/M/1"],
        ),
        (
            "message M { A a = 1; } message A {} message B {}",
            "message M { B a = 1; } message A {} message B {}",
            ["!FIELD_NAMED_TYPE_CHANGED #/M/1"],
        ),
        ("message M { int32 a = 1; }", "message M { repeated int32 a = 1; }", []),
        (
            "message M { optional int32 a = 1; }",
            "message M { repeated int32 a = 1; }",
            ["!FIELD_NUMERIC_LABEL_CHANGED #/M/1"],
        ),
        (
            "message M { optional string a = 1; }",
            "message M { repeated string a = 1; }",
            ["FIELD_STRING_OR_BYTES_LABEL_CHANGED #/M/1"],
        ),
        (
            "message M {}",
            "message M { oneof o { int32 a = 1; } }",
            ["ONEOF_ADDED #/M/o", "ONEOF_FIELD_ADDED #/M/o/1"],
        ),
        (
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            "message M { oneof o { int32 a = 1; } }",
            ["!ONEOF_FIELD_REMOVED #/M/o/2"],
        ),
        (
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            "message M {}",
            ["ONEOF_REMOVED #/M/o"],
        ),
        (
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            "message M { int32 a = 1; }",
            [
                "ONEOF_REMOVED #/M/o",
                "ONEOF_FIELD_MOVED_TO_TOP_LEVEL #/M/1",
                "!ONEOF_FIELD_REMOVED #/M/o/2",
            ],
        ),
        (
            "message M { int32 a = 1; }",
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            ["ONEOF_ADDED #/M/o", "ONEOF_FIELD_ADDED #/M/o/2"],
        ),
        (
            "message M { int32 a = 1; int32 b = 2; }",
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            ["!MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o", "ONEOF_ADDED #/M/o"],
        ),
        (
            "message M { int32 a = 1; oneof o { int32 b = 2; } }",
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            ["!FIELD_MOVED_TO_EXISTING_ONEOF #/M/o"],
        ),
        (
            "message M { oneof o { int32 a = 1; } }",
            "message M { oneof o { string a = 1; } }",
            ["!FIELD_SCALAR_KIND_CHANGED #/M/o/1"],
        ),
    ],
)
def test_changes_of_proto3(
    language: ProtobufLanguage, old: str, new: str, expected: list[str]
) -> None:
    assert found(language, PROTO3 + old, PROTO3 + new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "required int32 a = 1;", ["!REQUIRED_FIELD_ADDED #/M/1"]),
        ("required int32 a = 1;", "", ["!REQUIRED_FIELD_REMOVED #/M/1"]),
        (
            "optional int32 a = 1;",
            "required int32 a = 1;",
            ["!FIELD_NUMERIC_LABEL_CHANGED #/M/1"],
        ),
        (
            "optional group G = 1 { optional int32 x = 1; }",
            "optional G g = 1; message G { optional int32 x = 1; }",
            ["!FIELD_KIND_CHANGED #/M/1"],
        ),
    ],
)
def test_changes_of_proto2(
    language: ProtobufLanguage, old: str, new: str, expected: list[str]
) -> None:
    old, new = (f"{PROTO2}message M {{ {each} }}" for each in (old, new))
    assert found(language, old, new) == expected


def test_required_is_required_in_editions_too(language: ProtobufLanguage) -> None:
    new = 'edition = "2023"; message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; }'
    assert found(language, 'edition = "2023"; message M {}', new) == ["!REQUIRED_FIELD_ADDED #/M/1"]


def test_messages_encoded_as_groups_are_of_another_kind(language: ProtobufLanguage) -> None:
    old = 'edition = "2023"; message M { M a = 1; }'
    new = f'edition = "2023"; option features.message_encoding = DELIMITED; {old[18:]}'
    assert found(language, old, new) == ["!FIELD_KIND_CHANGED #/M/1"]


MAIN = f'{PROTO3}package p; import "b.proto"; message M {{ q.B b = 1; map<string, q.B> c = 2; }}'


def test_an_imported_type_that_stays_readable_may_change(language: ProtobufLanguage) -> None:
    old = {"b.proto": f"{PROTO3}package q; message B {{ int32 x = 1; }}"}
    new = {"b.proto": f"{PROTO3}package q; message B {{ int64 x = 1; string y = 2; }}"}
    assert found(language, MAIN, MAIN, old, new) == ["FIELD_ADDED #/B/2"]


def test_a_broken_imported_type_breaks_all_that_use_it(language: ProtobufLanguage) -> None:
    deep = (
        "package q; message B { C c = 1; } message C { B b = 1; D d = 2; } message D { %s x = 1; }"
    )
    old, new = ({"b.proto": PROTO3 + deep % each} for each in ("int32", "string"))
    assert sorted(found(language, MAIN, MAIN, old, new)) == [
        "!FIELD_NAMED_TYPE_CHANGED #/B/1",
        "!FIELD_NAMED_TYPE_CHANGED #/C/1",
        "!FIELD_NAMED_TYPE_CHANGED #/C/2",
        "!FIELD_NAMED_TYPE_CHANGED #/M/1",
        "!FIELD_NAMED_TYPE_CHANGED #/M/2",
        "!FIELD_SCALAR_KIND_CHANGED #/D/1",
    ]


def test_a_type_may_move_into_an_import(language: ProtobufLanguage) -> None:
    old = f"{PROTO3}package p; message M {{ B b = 1; }} message B {{ int32 x = 1; }}"
    new = f'{PROTO3}package p; import "b.proto"; message M {{ B b = 1; }}'
    moved = {"b.proto": f"{PROTO3}package p; message B {{ string x = 1; }}"}
    assert found(language, old, new, None, moved) == [
        "!MESSAGE_REMOVED #/B",
        "!FIELD_SCALAR_KIND_CHANGED #/B/1",
        "!FIELD_NAMED_TYPE_CHANGED #/M/1",
    ]


def test_a_difference_tells_both_values_and_what_would_do(language: ProtobufLanguage) -> None:
    old, new = (
        language.parse(f"{PROTO3}message M {{ {each} n = 4; }}".encode(), "Protobuf")
        for each in ("int32", "string")
    )
    (difference,) = language.backward(new, old)
    assert (difference.code, difference.path) == ("FIELD_SCALAR_KIND_CHANGED", "#/M/4")
    assert difference.message == ("n = 4 was int32, is string: they are encoded in different ways")
    assert difference.fix == "add a field with another number beside n = 4"
