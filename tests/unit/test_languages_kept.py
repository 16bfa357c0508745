"""Schemas that were parsed once are not parsed again for each comparison with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from chappe.adapters.protoc.compiler import ProtocCompiler
from chappe.domain.errors import Malformed
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.parsing import Parser, Resolved
from chappe.formats.languages import Languages, every_language
from chappe.formats.protobuf_schema.compiler import Source

STORED = b'syntax = "proto3"; message Order { string id = 1; }'


class Counted:
    """The compiler, and how often it was asked for each text."""

    def __init__(self, compiler: ProtocCompiler) -> None:
        self._compiler = compiler
        self.asked: list[bytes] = []

    def compile(self, main: Source, references: Sequence[Source]) -> bytes:
        self.asked.append(main.content)
        return self._compiler.compile(main, references)


@pytest.fixture(scope="module")
def protoc() -> Iterator[ProtocCompiler]:
    with ProtocCompiler() as compiler:
        yield compiler


@pytest.fixture
def counted(protoc: ProtocCompiler) -> Counted:
    return Counted(protoc)


@pytest.fixture
def languages(counted: Counted) -> Languages:
    return every_language(counted)


def changed(number: int) -> bytes:
    return STORED.replace(b"}", b"int32 f%d = %d; }" % (number, number))


def test_checks_against_one_stored_version_compile_it_once(
    languages: Languages, counted: Counted
) -> None:
    for number in range(2, 12):
        assert languages.incompatibility("Protobuf/3", STORED, changed(number)) is None
    assert counted.asked.count(STORED) == 1
    assert len(counted.asked) == 11


def test_a_schema_that_is_registered_is_compiled_once_for_all_questions(
    languages: Languages, counted: Counted
) -> None:
    new = changed(2)
    assert languages.fault("Protobuf/3", new) is None
    assert languages.incompatibility("Protobuf/3", STORED, new) is None
    assert languages.incompatibility("Protobuf/3", new, STORED) is None
    assert sorted(counted.asked) == sorted([STORED, new])


def test_confluents_api_compiles_a_stored_version_once(
    languages: Languages, counted: Counted
) -> None:
    parser = Parser(languages)
    stored = Resolved(Content("PROTOBUF", STORED.decode()), {})
    for number in range(2, 12):
        sent = Resolved(Content("PROTOBUF", changed(number).decode()), {})
        assert not parser.backward(sent, stored, "STRICT")
    assert counted.asked.count(STORED) == 1


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("JSON", '{ "type": "object", "properties": {"a": {"type": "integer"} } }'),
        ("AVRO", '{"name": "R", "fields": [{"type": "int", "name": "a"}], "type": "record"}'),
    ],
)
def test_the_text_that_a_schema_is_shown_in_is_not_parsed_again(
    languages: Languages, type_: str, text: str
) -> None:
    parser = Parser(languages)
    sent = Resolved(Content(type_, text), {})
    shown = parser.shown(sent, strict=True)
    assert shown.content.text != text
    kept = parser.parse(sent, strict=True)
    assert parser.parse(shown, strict=True) is kept
    assert parser.parse(shown) is kept
    # And it is what the text alone would have given.
    alone = Parser(every_language(Counted(ProtocCompiler()))).parse(shown)
    assert (alone.format, alone.canonical()) == (kept.format, kept.canonical())
    assert not languages.compare(alone, kept)
    assert not languages.compare(kept, alone)


def test_the_same_text_with_other_references_is_another_schema(
    languages: Languages, counted: Counted
) -> None:
    text = b'syntax = "proto3"; import "a.proto"; message B { A a = 1; }'
    for fields in (b"", b"string x = 1;"):
        other = b'syntax = "proto3"; message A { %b }' % fields
        schema = languages.parse(text, "Protobuf/3", {"a.proto": other})
        assert schema is languages.parse(text, "Protobuf/3", {"a.proto": other})
    assert counted.asked == [text, text]
    with pytest.raises(Malformed, match="missing"):
        languages.parse(text, "Protobuf/3")


def test_the_same_text_in_another_language_is_another_schema(languages: Languages) -> None:
    text = b'{"type": "string"}'
    formats = {languages.parse(text, one).format for one in ("Avro/1.12", "JsonSchema/draft-07")}
    assert formats == {"Avro/1.12", "JsonSchema/draft-07"}


def test_what_is_refused_is_refused_again(languages: Languages, counted: Counted) -> None:
    for _ in range(2):
        with pytest.raises(Malformed):
            languages.parse(b"message", "Protobuf/3")
    assert len(counted.asked) == 2
