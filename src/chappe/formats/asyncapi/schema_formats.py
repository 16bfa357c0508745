"""The names of schema languages: the registry's `format`, and AsyncAPI's `schemaFormat`.

JSONSchema/draft-07     application/schema+json;version=draft-07
Avro/1.12               application/vnd.apache.avro+json;version=1.12
Protobuf/3              application/vnd.google.protobuf;version=3
XSD/1.1                 application/xml;version=1.1
TypeSpec/1.0            TypeSpec/1.0                  (any other is its own name)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.formats.json_schema import canonical_format, draft_of

JSON_SCHEMA: Final = "JSONSchema"
DRAFT_7: Final = f"{JSON_SCHEMA}/draft-07"
"""What AsyncAPI's own schemas are a superset of."""

_TYPES: Final[Mapping[str, str]] = {
    "avro": "application/vnd.apache.avro+json",
    "protobuf": "application/vnd.google.protobuf",
    "xsd": "application/xml",
}
_LANGUAGES: Final[Mapping[str, str]] = {
    "application/vnd.apache.avro": "Avro",
    "application/vnd.apache.avro+json": "Avro",
    "application/vnd.apache.avro+yaml": "Avro",
    "application/vnd.google.protobuf": "Protobuf",
    "application/xml": "XSD",
}
_JSON_SCHEMA: Final = re.compile(r"application/schema(?:\+json|\+yaml)?")
_OWN: Final = re.compile(r"application/vnd\.aai\.asyncapi(?:\+json|\+yaml)?")
_PARTED: Final = re.compile(r"\s*([^;\s]+)\s*(?:;\s*version\s*=\s*\"?([^\";\s]*)\"?\s*)?")
_DRAFT: Final = re.compile(r"draft(?=\d{4})")


def schema_format(format: str, schema: Any) -> str:
    """The media type of a schema of that format."""
    named = canonical_format(format)
    if named is not None:
        draft = named.partition("/")[2] or _draft(schema)
        return f"application/schema+json;version={_DRAFT.sub('draft-', draft)}"
    language, _, version = format.partition("/")
    type_ = _TYPES.get(language.lower())
    if type_ is None:
        return format
    return f"{type_};version={version}" if version else type_


def format_of(schema_format: str | None) -> str:
    """The registry's name; without any, it is a schema of AsyncAPI itself."""
    if not schema_format:
        return DRAFT_7
    found = _PARTED.fullmatch(schema_format)
    if found is None:
        return schema_format
    type_, version = found.group(1).lower(), found.group(2) or ""
    if _OWN.fullmatch(type_):
        return DRAFT_7
    if _JSON_SCHEMA.fullmatch(type_):
        return canonical_format(f"{JSON_SCHEMA}/{version}") or JSON_SCHEMA
    language = _LANGUAGES.get(type_)
    if language is None:
        return schema_format
    return f"{language}/{version}" if version else language


def is_json_schema(format: str) -> bool:
    """Whether schemas of that format are JSON Schemas, with references of its kind."""
    return canonical_format(format) is not None


def is_in_json(format: str) -> bool:
    """Whether schemas of that format are written in JSON."""
    return is_json_schema(format) or format.partition("/")[0].lower() == "avro"


def _draft(schema: Any) -> str:
    """The draft that a schema says it is of, as a name without one means it."""
    if not isinstance(schema, dict | bool):
        return "draft2020-12"
    numbers = {4: "draft-04", 6: "draft-06", 7: "draft-07", 2019: "draft2019-09"}
    try:
        return numbers.get(draft_of(schema, JSON_SCHEMA), "draft2020-12")
    except Malformed:
        return "draft2020-12"  # of a draft that nobody here knows
