"""The seam for schema languages: a document is compiled once, the check runs for every event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from chappe.registry.declaration import Declaration, Mode


@dataclass(frozen=True, slots=True)
class Violation:
    """Where and how a payload breaks its schema.

    `pointer` is a JSON pointer into the payload ("" is the whole); `rule` the schema's keyword, or
    "json", "datacontenttype", "data" where the payload is no such thing at all, or "schema" where it
    costs too much to tell; `value` what stands there, as shortened JSON text.
    """

    pointer: str
    rule: str
    value: str
    message: str

    def details(self) -> dict[str, str]:
        """As it stands in an answer."""
        return {
            "pointer": self.pointer,
            "rule": self.rule,
            "value": self.value,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the declaration says about a payload; no violations: it is valid."""

    mode: Mode
    declaration: Declaration
    violations: Sequence[Violation] = ()


class Check(Protocol):
    """A compiled schema."""

    def __call__(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with the payload; empty when it is valid. Never raises.

        `data` is None when the event has no payload, `content_type` None when it names none.
        """
        ...


class SchemaLanguage(Protocol):
    """Compiles schema documents. Reads no file and opens no socket, whatever a document says."""

    def compile(self, document: bytes, format: str) -> Check:
        """Compile a document of the dialect `format` (such as "JSONSchema/draft-07").

        Raises:
            Malformed: it is no schema of that dialect, refers to something outside of itself, or
                is larger or costlier than is possible.
        """
        ...


Policy: TypeAlias = Literal["STRICT", "LENIENT", "SEMANTIC"]
"""How JSON Schemas are compared: by Confluent's rules, strictly or leniently, or by containment of
what they accept. The other languages have one way."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes data of one schema unreadable with another.

    `code` is the rule's name, such as "READER_FIELD_MISSING_DEFAULT_VALUE" or
    "REQUIRED_ATTRIBUTE_ADDED"; `path` a pointer into the reader's schema; `message` tells what changed,
    with both values; `fix` what would make it compatible, "" where nothing simple would; `info` the
    words in which the rule's first home tells it (Avro's for Java), for those who compare texts.
    """

    code: str
    path: str
    message: str
    fix: str = ""
    info: str = ""


class Schema(Protocol):
    """A parsed schema; immutable, safe to check payloads with in the hub's own process."""

    @property
    def format(self) -> str:
        """The format in its one spelling, such as "Avro/1.12", "JsonSchema/draft-07", "Protobuf/3"."""
        ...

    @property
    def references(self) -> Sequence[str]:
        """The names of other schemas that it refers to, as they stand in it."""
        ...

    def canonical(self) -> str:
        """One text for all spellings of the same schema: what its identity is made of."""
        ...

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with a payload; empty when it is valid. Never raises."""
        ...


class Language(Protocol):
    """One schema language. Reads no file and opens no socket, whatever a document says."""

    def canonical_format(self, format: str) -> str | None:
        """The format in its one spelling, or None where it is not of this language."""
        ...

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> Schema:
        """Parse a schema; `references` are the documents of what it refers to, by name, all of them.

        Raises:
            Malformed: it is no schema of the format, refers to something that is not there, or is
                larger, deeper or costlier than is possible.
        """
        ...

    def backward(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data written with `writer` cannot be read with `reader`; empty when it can.

        Forward compatibility is the same with the two exchanged.
        """
        ...
