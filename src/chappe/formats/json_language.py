"""JSON Schema as a language of the registry: parsed with its references, canonical, compared.

Payloads are checked by `json_schema`; what makes two schemas compatible is in `json_compat`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chappe.domain.errors import Malformed
from chappe.formats.json_compat.compare import TooCostly, compare
from chappe.formats.json_compat.containment import Answer, Contains, contains
from chappe.formats.json_compat.documents import Documents
from chappe.formats.json_compat.reading import Shapes
from chappe.formats.json_compat.rules import LENIENT, STRICT, difference
from chappe.formats.json_schema import compiled, decode_schema, draft_of
from chappe.formats.schema_language import (
    Check,
    Difference,
    Language,
    Policy,
    Schema,
    Violation,
)

_PLAIN: Final = "JsonSchema"
_SPELLINGS: Final = {
    4: "draft-04",
    6: "draft-06",
    7: "draft-07",
    2019: "draft/2019-09",
    2020: "draft/2020-12",
}
_DRAFT = re.compile(r"(?:draft)?[-/]?(?:0?([467])|(2019)-09|(2020)-12)")
_META_SCHEMA = re.compile(
    r"https?://json-schema\.org/(?:draft-0([467])|draft/(2019)-09|draft/(2020)-12)/schema#?"
)
_POLICIES: Final = {"STRICT": STRICT, "LENIENT": LENIENT}
_SEMANTIC_ANSWERS: Final[Mapping[Answer, Difference]] = {
    "no": Difference(
        "NOT_CONTAINED", "", "/: the old schema accepts values that the new one does not"
    ),
    "unknown": Difference(
        "CONTAINMENT_UNKNOWN",
        "",
        "/: it could not be proved that the new schema accepts all that the old one does",
        "write both schemas in the same way, or compare by the STRICT policy",
    ),
    "too large": Difference(
        "COMPARISON_TOO_COSTLY",
        "",
        "/: the schemas have too many subschemas or branches to decide what they mean",
        "compare by the STRICT or the LENIENT policy",
    ),
    "too long": Difference(
        "COMPARISON_TOO_COSTLY",
        "",
        "/: a second of processor time did not suffice to decide whether the new schema accepts all that the"
        " old one does; what is not decided counts as incompatible",
        "compare by the STRICT or the LENIENT policy",
    ),
    "other drafts": Difference(
        "DRAFT_CHANGED",
        "",
        "/: the schemas are of different drafts, whose meanings are not compared",
        "keep the draft, or compare by the STRICT or the LENIENT policy",
    ),
}
_TOO_COSTLY: Final = Difference(
    "COMPARISON_TOO_COSTLY",
    "",
    "/: the schemas have too many pairs of branches to compare",
    "use fewer branches in anyOf, oneOf and allOf",
)

FORMATS: Final = (_PLAIN, *(f"{_PLAIN}/{spelling}" for spelling in _SPELLINGS.values()))


def format_of(document: bytes) -> str:
    """The format of a schema that came without one: what `$schema` says, else draft-07.

    That is how registries for Kafka read it; a plain "JsonSchema" is 2020-12 where `$schema` is missing.

    Raises:
        Malformed: it is no JSON Schema at all.
    """
    schema = decode_schema(document)
    named = schema.get("$schema") if isinstance(schema, dict) else None
    found = _META_SCHEMA.fullmatch(named) if isinstance(named, str) else None
    return f"{_PLAIN}/{_SPELLINGS[_number(found) if found else 7]}"


@dataclass(frozen=True, slots=True, eq=False)
class JsonSchemaDocument:
    """A parsed JSON Schema."""

    format: str
    draft: int
    references: Sequence[str]
    documents: Documents
    shapes: Shapes
    raw: dict[str, object] | bool
    compiled: Check

    def canonical(self) -> str:
        """The JSON without white space, its keys in the order in which they came."""
        return msgspec.json.encode(self.raw).decode()

    def normalized(self) -> str:
        """The same with sorted keys."""
        return msgspec.json.encode(self.raw, order="sorted").decode()

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """What is wrong with a payload; empty when it is valid."""
        return self.compiled(data, content_type)


class JsonSchemaLanguage:
    """JSON Schema, drafts 4 to 2020-12."""

    def __init__(self, contains: Contains = contains) -> None:
        """`contains` decides for the SEMANTIC policy."""
        self._contains = contains

    def canonical_format(self, format: str) -> str | None:
        """The format in its one spelling: "JSONSchema/draft2020-12" -> "JsonSchema/draft/2020-12"."""
        language, slash, draft = format.partition("/")
        if language.lower() != _PLAIN.lower():
            return None
        if not slash:
            return _PLAIN
        found = _DRAFT.fullmatch(draft.lower())
        return f"{_PLAIN}/{_SPELLINGS[_number(found)]}" if found else None

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> JsonSchemaDocument:
        """Parse a schema; a plain "JsonSchema" is of the draft that `$schema` names, else 2020-12.

        Raises:
            Malformed: it is no schema of the format, refers to something that is not there, or is
                larger, deeper or costlier than is possible.
        """
        canonical = self.canonical_format(format)
        if canonical is None:
            raise Malformed(f"format: {format[:80]!r} is unknown; known: {', '.join(FORMATS)}")
        schema = decode_schema(document)
        spelling = canonical.partition("/")[2].replace("draft/", "draft-")
        draft = draft_of(schema, f"{_PLAIN}/{spelling}" if spelling else _PLAIN)
        given = {name: _bridged(_decoded(name, text)) for name, text in (references or {}).items()}
        documents = Documents(_bridged(schema), given, draft=draft)
        return JsonSchemaDocument(
            format=f"{_PLAIN}/{_SPELLINGS[draft]}",
            draft=draft,
            references=documents.names,
            documents=documents,
            shapes=Shapes(documents, draft),
            raw=schema,
            compiled=compiled(documents, draft),
        )

    def normalized(self, schema: Schema) -> str:
        """The canonical text with sorted keys."""
        return _own(schema).normalized()

    def backward(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data written with `writer` cannot be read with `reader`; empty when it can."""
        new, old = _own(reader), _own(writer)
        if policy != "SEMANTIC":
            return _changes(new, old, _POLICIES[policy])
        answer = self._contains(new.documents, old.documents, (new.draft, old.draft))
        if answer == "yes":
            return ()
        # The rules know where and why; where they find nothing, the answer stands alone.
        changes = _changes(new, old, STRICT)
        return (_SEMANTIC_ANSWERS[answer], *(one for one in changes if one is not _TOO_COSTLY))


def _changes(
    new: JsonSchemaDocument, old: JsonSchemaDocument, harmless: frozenset[str]
) -> Sequence[Difference]:
    try:
        outcome = compare(old.shapes, new.shapes, harmless)
    except TooCostly:
        return (_TOO_COSTLY,)
    return tuple([difference(one) for one in outcome.changes if one.code not in harmless])


def _own(schema: Schema) -> JsonSchemaDocument:
    if not isinstance(schema, JsonSchemaDocument):
        raise TypeError(f"{type(schema).__name__} is no JSON Schema")
    return schema


def _decoded(name: str, document: bytes) -> dict[str, object] | bool:
    try:
        return decode_schema(document)
    except Malformed as exc:
        raise Malformed(f"references/{name[:80]}: {exc}") from None


def _bridged(schema: dict[str, object] | bool) -> dict[str, object] | bool:
    """With `definitions` found under "#/$defs/" too, as registries for Kafka allow."""
    if isinstance(schema, bool):
        return schema
    old, new = schema.get("definitions"), schema.get("$defs", {})
    if not isinstance(old, dict) or not isinstance(new, dict) or old.keys() <= new.keys():
        return schema
    return {**schema, "$defs": {**old, **new}}


def _number(found: re.Match[str]) -> int:
    return next(int(group) for group in found.groups() if group)


_: type[Language] = JsonSchemaLanguage
