"""All schema languages of the hub behind one face: by the format's name.

It is what payloads are checked with (SchemaLanguage), what the registry's engine asks about documents
(registry.request.Formats), and what tells whether a schema may change (`compare`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from chappe.domain.errors import Malformed
from chappe.formats.held import MOST, held_bytes
from chappe.formats.json_compat.containment import Contains, contains
from chappe.formats.json_schema import JsonSchema, canonical_format
from chappe.formats.protobuf_schema.compiler import Compiler
from chappe.formats.schema_language import (
    Check,
    Difference,
    Language,
    Policy,
    Schema,
    SchemaLanguage,
)
from chappe.kit.kept import Kept
from chappe.registry.capabilities import Offer
from chappe.registry.request import Formats

RULES: Final = (
    "backward",
    "backward_transitive",
    "forward",
    "forward_transitive",
    "full",
    "full_transitive",
)
"""The compatibility rules of core/spec.md `compatibility`; all are made of one comparison."""


MOST_KEPT: Final = 2_000
_Key: TypeAlias = tuple[str, bytes, tuple[tuple[str, bytes], ...]]


@dataclass(frozen=True, slots=True)
class Languages:
    """Makes a language when its first schema comes: their parsers take a while to load.

    Schemas that were parsed are kept: a version is compared with the one before it, which was parsed when
    it came. From any thread.

    `by_pattern` gives them by the pattern of their formats' names, in lower case, such as "avro*".
    """

    by_pattern: Mapping[str, Callable[[], Language]]
    json: JsonSchema = field(default_factory=JsonSchema)
    _made: dict[str, Language] = field(default_factory=dict, init=False, repr=False)
    _parsed: Kept[_Key, Schema] = field(
        default_factory=lambda: Kept(MOST_KEPT, MOST), init=False, repr=False
    )

    @property
    def offer(self) -> Offer:
        """What the capabilities `formats` and `compatibilities` can list."""
        return Offer(dict.fromkeys(self.by_pattern, RULES))

    def compile(self, document: bytes, format: str) -> Check:
        """The check of payloads by a schema.

        Raises:
            Malformed: the format is not known, or the document is none of it.
        """
        dialect = canonical_format(format)
        if dialect is not None:
            return self.json.compile(document, dialect)
        # Of its own: events are checked by it while other threads read the schemas that are kept.
        language, canonical = self._need(format)
        return language.parse(document, canonical).check

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> Schema:
        """The schema; raises as `compile` does. Not for payloads: see `compile`."""
        language, canonical = self._need(format)
        others = tuple(sorted(references.items())) if references else ()
        key = canonical, document, others
        found = self._parsed.find(key)
        if found is None:
            found = language.parse(document, canonical, references)
            weight = held_bytes((document, *(one for _, one in others)))
            self._parsed.keep(key, found, weight)
        return found

    def compare(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data of `writer` cannot be read with `reader`; schemas of two languages never fit."""
        language, _ = self._need(reader.format)
        if language is not self._need(writer.format)[0]:
            message = f"{writer.format} was before, it is {reader.format} now"
            return (Difference("SCHEMA_TYPE_CHANGED", "", message),)
        return language.backward(reader, writer, policy=policy)

    def known(self, format: str) -> bool:
        """Whether documents of that format can be checked."""
        return self._find(format) is not None

    def fault(self, format: str, document: bytes) -> str | None:
        """Why the document is none of the format."""
        try:
            self.parse(document, format)
        except Malformed as error:
            return error.message
        return None

    def compatibilities(self, format: str) -> frozenset[str]:
        """The rules that can be checked for a format."""
        return frozenset(RULES) if self.known(format) else frozenset()

    def incompatibility(self, format: str, older: bytes, newer: bytes) -> str | None:
        """Why data of `older` cannot be read with `newer`."""
        try:
            differences = self.compare(self.parse(newer, format), self.parse(older, format))
        except Malformed as error:
            return error.message
        if not differences:
            return None
        return "; ".join(_told(one) for one in differences[:_SHOWN])

    def _need(self, format: str) -> tuple[Language, str]:
        found = self._find(format)
        if found is None:
            known = ", ".join(sorted(self.by_pattern))
            raise Malformed(f"format: {format[:80]!r} is not known; known: {known}")
        return found

    def _find(self, format: str) -> tuple[Language, str] | None:
        for pattern, make in self.by_pattern.items():
            if fnmatchcase(format.lower(), pattern):
                language = self._made.get(pattern) or self._made.setdefault(pattern, make())
                canonical = language.canonical_format(format)
                return None if canonical is None else (language, canonical)
        return None


def every_language(compiler: Compiler, contains: Contains = contains) -> Languages:
    """All languages; Protobuf's needs a compiler, `contains` compares what JSON Schemas mean."""
    return Languages(
        {
            "avro*": _avro,
            "jsonschema*": lambda: _json_schema(contains),
            "protobuf*": lambda: _protobuf(compiler),
            "xsd*": _xsd,
        }
    )


def json_alone() -> Languages:
    """JSON Schema, for those who need no other."""
    return Languages({"jsonschema*": lambda: _json_schema(contains)})


# What a language is parsed with is loaded when it is first needed.


def _avro() -> Language:
    from chappe.formats.avro.language import Avro

    return Avro()


def _json_schema(contains: Contains) -> Language:
    from chappe.formats.json_language import JsonSchemaLanguage

    return JsonSchemaLanguage(contains)


def _xsd() -> Language:
    from chappe.formats.xsd.language import Xsd

    return Xsd()


def _protobuf(compiler: Compiler) -> Language:
    from chappe.formats.protobuf_schema.language import ProtobufLanguage

    return ProtobufLanguage(compiler)


_SHOWN: Final = 5


def _told(one: Difference) -> str:
    where = f"{one.path}: " if one.path else ""
    fix = f" (to mend it: {one.fix})" if one.fix else ""
    return f"{where}{one.code}: {one.message}{fix}"


_: type[SchemaLanguage] = Languages
__: type[Formats] = Languages
