"""Avro as one of the schema languages: formats "Avro" and "Avro/1.9" to "Avro/1.12".

The versions of Avro's specification tell nothing apart that a schema could say: all are read as 1.12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.avro.binary import compile_binary
from chappe.formats.avro.broken import Broken
from chappe.formats.avro.canonical import canonical_text
from chappe.formats.avro.compatible import incompatibilities
from chappe.formats.avro.differences import difference
from chappe.formats.avro.encoded_json import compile_json
from chappe.formats.avro.parse import Parsed, parse
from chappe.formats.fields import shortened
from chappe.formats.schema_language import Difference, Language, Policy, Schema, Violation

_PLAIN: Final = "Avro"
_VERSIONS: Final = ("1.9", "1.10", "1.11", "1.12")
FORMATS: Final = (_PLAIN, *(f"{_PLAIN}/{version}" for version in _VERSIONS))
_SPELLINGS: Final = {name.lower(): name for name in FORMATS}
_PATCH = re.compile(r"(avro/1\.\d+)\.\d+")

_BINARY: Final = frozenset(
    (
        "avro/binary",
        "application/avro",
        "application/x-avro",
        "application/avro-binary",
        "application/vnd.apache.avro",
        "application/octet-stream",
    )
)
_BINARY_SUFFIX: Final = ("+avro", "+binary")
_JSON: Final = frozenset(("application/json", "text/json", "avro/json"))


class AvroSchema:
    """A parsed schema of Avro."""

    def __init__(self, format: str, parsed: Parsed) -> None:
        self._format = format
        self.parsed = parsed

    @property
    def format(self) -> str:
        """Such as "Avro/1.12"; "Avro" where the version was not told."""
        return self._format

    @property
    def references(self) -> Sequence[str]:
        """The full names of types of other documents that this one refers to itself."""
        return self.parsed.outside

    def canonical(self) -> str:
        """All that the schema says, as Java's Avro writes it, types of references by name."""
        return self._canonical

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with a payload, in the encoding that its type names.

        Data without a type is JSON, as with every event (spec.md 3.1.2 datacontenttype). Logical types
        are not checked: a reader may ignore them.
        """
        if data is None:
            return (Violation("", "data", "", "the event has no data, its type declares a schema"),)
        match _encoding(content_type):
            case "binary":
                broken = self._check_binary(data)
                return (broken.violation(),) if broken else ()
            case "json":
                return [broken.violation() for broken in self._check_json(data)]
            case _:
                return (
                    Violation(
                        "",
                        "datacontenttype",
                        shortened(content_type),
                        "the data is neither Avro's binary nor JSON, its type declares an Avro"
                        " schema",
                    ),
                )

    @cached_property
    def _canonical(self) -> str:
        return canonical_text(self.parsed)

    @cached_property
    def _check_binary(self) -> Callable[[bytes], Broken | None]:
        return compile_binary(self.parsed)

    @cached_property
    def _check_json(self) -> Callable[[bytes], Sequence[Broken]]:
        return compile_json(self.parsed)


class Avro:
    """The language of schemas of the formats Avro and Avro/….

    Args:
        strict: refuse names that break the specification's rules, and defaults that are no values of
            their types. Otherwise schemas are taken as registries without such checks took them:
            letters of any script, any namespaces, any defaults.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict

    def canonical_format(self, format: str) -> str | None:
        """The format in its one spelling: "avro/1.11.3" -> "Avro/1.11"; None where it is not served."""
        name = format.lower()
        found = _PATCH.fullmatch(name)
        return _SPELLINGS.get(found.group(1) if found else name)

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> AvroSchema:
        """Parse a schema; a reference's name is the full name of the type, or any name of a document."""
        canonical = self.canonical_format(format)
        if canonical is None:
            raise Malformed(f"format: {shortened(format)} is unknown; known: {', '.join(FORMATS)}")
        return AvroSchema(canonical, parse(document, references, strict=self._strict))

    def backward(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data of the writer cannot be read, as Apache Avro for Java tells; one way, any policy."""
        if not isinstance(reader, AvroSchema) or not isinstance(writer, AvroSchema):
            message = f"the reader is {reader.format}, the writer {writer.format}"
            return (Difference("LANGUAGE_CHANGED", "/", message),)
        found = incompatibilities(reader.parsed.type, writer.parsed.type)
        return [difference(each) for each in found]


def _encoding(content_type: str | None) -> str | None:
    if content_type is None:
        return "json"
    name = content_type.partition(";")[0].strip().lower()
    if name in _BINARY or name.endswith(_BINARY_SUFFIX):
        return "binary"
    return "json" if name in _JSON or name.endswith("+json") else None


_: type[Language] = Avro
