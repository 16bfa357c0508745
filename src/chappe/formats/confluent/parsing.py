"""Schemas parsed by their languages, with what they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

from chappe.domain.errors import Malformed
from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.identity import Content, Reference
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.names import Name
from chappe.formats.confluent.texts import AVRO, JSON, PROTOBUF, type_of
from chappe.formats.held import MOST, held_bytes
from chappe.formats.schema_language import Difference, Language, Policy, Schema
from chappe.kit.kept import Kept

MOST_REFERENCES: Final = 1000
"""Schemas that one may refer to, with those that they refer to."""
MOST_FOLLOWED: Final = 10_000
"""References that are followed for that; a schema may be referred to from many others."""
_MOST_CACHED: Final = 2000

_FORMATS: Final[Mapping[str, str]] = {AVRO: "Avro/1.12", JSON: "JsonSchema", PROTOBUF: "Protobuf"}

_Key = tuple[str, bool, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Content with concrete versions of what it refers to, and all documents that it needs."""

    content: Content
    documents: Mapping[str, str]


class Comparing(Protocol):
    """formats.languages.Languages."""

    def known(self, format: str) -> bool:
        """Whether there is a language of the format."""
        ...

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> Schema:
        """The schema, or Malformed."""
        ...

    def compare(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data of the writer cannot be read."""
        ...


@runtime_checkable
class Normal(Protocol):
    """A schema that has a text that all share that mean the same."""

    def normalized(self) -> str:
        """The text."""
        ...


@runtime_checkable
class Described(Protocol):
    """A schema with a FileDescriptorProto."""

    def descriptor(self) -> bytes:
        """It, serialised."""
        ...


@runtime_checkable
class Dialect(Protocol):
    """A schema that tells its dialect, such as "proto3" or "2023"."""

    @property
    def dialect(self) -> str:
        """The dialect."""
        ...


class Parser:
    """Parses schemas, and remembers those that it parsed; from any thread."""

    def __init__(self, languages: Comparing) -> None:
        self._languages = languages
        self._lenient: Language | None = None
        self._parsed: Kept[_Key, Schema] = Kept(_MOST_CACHED, MOST)

    @property
    def types(self) -> Sequence[str]:
        """The types of schemas that are known."""
        return [type_ for type_ in _FORMATS if self.knows(type_)]

    def knows(self, type: str) -> bool:
        """Whether there are schemas of the type."""
        return type in _FORMATS and self._languages.known(_FORMATS[type])

    def type_of(self, format: str) -> str | None:
        """The schema type of a format of the registry, such as "Avro/1.12" -> "AVRO"."""
        return type_of(format)

    def parse(self, resolved: Resolved, *, strict: bool = False) -> Schema:
        """The parsed schema; `strict` asks for names and defaults as the language's rules have them.

        Raises:
            InvalidSchema: it is none, or of a type that is not known.
        """
        content = resolved.content
        if not self.knows(content.type):
            raise InvalidSchema(f"Invalid schema type {content.type}")
        key = _key(resolved, strict=strict)
        found = self._parsed.find(key)
        if found is not None:
            return found
        document = content.text.encode("utf-8", "surrogatepass")
        documents = {name: text.encode() for name, text in resolved.documents.items()}
        languages: Comparing | Language = self._languages
        if content.type == AVRO and not strict:
            languages = self._lenient_avro()
        format_ = _json_format(document) if content.type == JSON else _FORMATS[content.type]
        try:
            parsed = languages.parse(document, format_, documents or None)
        except Malformed as error:
            raise InvalidSchema(
                f"Invalid schema of type {content.type}, details: {error.message}"
            ) from error
        weight = held_bytes((document, *documents.values()))
        self._parsed.keep(key, parsed, weight)
        if content.type != PROTOBUF:
            # The text that it is shown in is asked for next, and is the same schema; so is what the
            # strict rules took, by the lenient ones. A descriptor may differ from that of its text.
            shown = replace(resolved, content=replace(content, text=parsed.canonical()))
            for other in {_key(shown, strict=strict), _key(shown, strict=False)} - {key}:
                self._parsed.keep(other, parsed, weight)
        return parsed

    def format_of(self, resolved: Resolved) -> str:
        """The registry's format of a schema, such as "JsonSchema/draft-07"."""
        schema = self.parse(resolved)
        if isinstance(schema, Dialect):
            return f"Protobuf/{schema.dialect.removeprefix('proto')}"
        return schema.format

    def shown(
        self, resolved: Resolved, *, strict: bool = False, normalize: bool = False
    ) -> Resolved:
        """The schema in the text that it is shown in, and that its identity is made of.

        `normalize` asks for the text that all share that mean the same.

        Raises:
            InvalidSchema: it is none.
        """
        schema = self.parse(resolved, strict=strict)
        content = replace(resolved.content, text=schema.canonical())
        if normalize:
            references = sorted(
                set(content.references), key=lambda one: (one.subject, one.version, one.name)
            )
            content = replace(
                content, text=_normalized(content.type, schema), references=tuple(references)
            )
        return replace(resolved, content=content)

    def normal_text(self, resolved: Resolved) -> str:
        """The text that all share that mean the same.

        Raises:
            InvalidSchema: it is no schema.
        """
        return _normalized(resolved.content.type, self.parse(resolved))

    def backward(self, reader: Resolved, writer: Resolved, policy: Policy) -> Sequence[Difference]:
        """Why data of `writer` cannot be read with `reader`."""
        return self._languages.compare(self.parse(reader), self.parse(writer), policy=policy)

    def _lenient_avro(self) -> Language:
        """What was registered elsewhere by laxer rules must be found, read and compared, too."""
        if self._lenient is None:
            from chappe.formats.avro.language import Avro

            self._lenient = Avro(strict=False)
        return self._lenient


def _key(resolved: Resolved, *, strict: bool) -> _Key:
    content = resolved.content
    return content.type, strict, content.text, tuple(sorted(resolved.documents.items()))


def resolve(index: Index, name: Name, content: Content, *, deleted: bool = True) -> Resolved:
    """Find what a schema of the subject refers to, and what that refers to.

    Raises:
        InvalidSchema: something is not there; `deleted` tells whether deleted versions count.
    """
    if not content.references:
        return Resolved(content, {})
    if len(content.references) > MOST_REFERENCES:
        raise _too_many(MOST_REFERENCES)
    documents: dict[str, str] = {}
    own = [_found(index, name, one, deleted=deleted) for one in content.references]
    # Depth first and in their order, as Confluent's registry does it: of several schemas under one
    # name the first one holds.
    waiting = list(zip(reversed(content.references), reversed(own), strict=True))
    followed = len(own)
    while waiting:
        reference, entry = waiting.pop()
        if reference.name in documents:
            continue
        if len(documents) == MOST_REFERENCES:
            raise _too_many(MOST_REFERENCES)
        followed += len(entry.references)
        if followed > MOST_FOLLOWED:
            raise _too_many(MOST_FOLLOWED)
        documents[reference.name] = entry.content.text
        waiting += [
            (one, _found(index, entry.name, one, deleted=deleted))
            for one in reversed(entry.references)
        ]
    references = tuple(
        replace(one, version=entry.version)
        for one, entry in zip(content.references, own, strict=True)
    )
    return Resolved(replace(content, references=references), documents)


def resolve_entry(index: Index, entry: Entry) -> Resolved:
    """The same for what is registered."""
    return resolve(index, entry.name, entry.content)


def _found(index: Index, name: Name, reference: Reference, *, deleted: bool) -> Entry:
    target = name.beside(reference.subject)
    subject = index.subject(target)
    entry = None
    if subject is not None:
        if reference.version == -1:
            entry = subject.latest
        else:
            entry = subject.version(reference.version)
    if entry is None or (entry.deleted and not deleted):
        raise InvalidSchema(
            f'No schema reference found for subject "{target.text}" and version {reference.version}'
        )
    return entry


def _too_many(most: int) -> InvalidSchema:
    return InvalidSchema(f"references: with those of what is referred to, more than {most}")


def _normalized(type: str, schema: Schema) -> str:
    if isinstance(schema, Normal):
        return schema.normalized()
    if type == AVRO:
        from chappe.formats.avro.canonical import normalized
        from chappe.formats.avro.language import AvroSchema

        if isinstance(schema, AvroSchema):
            return normalized(schema.parsed)
    return schema.canonical()


def _json_format(document: bytes) -> str:
    """Such as "JsonSchema/draft-07", by what the document says."""
    from chappe.formats.json_language import format_of

    try:
        return format_of(document)
    except Malformed:
        return "JsonSchema/draft-07"
