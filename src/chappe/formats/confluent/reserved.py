"""Names that fields may not have (validateFields): those that the property confluent:reserved keeps, and
in JSON Schemas those that begin with "$$", which are Confluent's own.
"""

from __future__ import annotations

import json
from typing import Any, Final

from chappe.formats.confluent import texts
from chappe.formats.confluent.contracts import Metadata
from chappe.formats.confluent.errors import InvalidSchema
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Entry
from chappe.formats.confluent.parsing import Parser, Resolved

RESERVED: Final = "confluent:reserved"

_RESTRICTED: Final = "$$"


def check_names(content: Content) -> None:
    """See that no property of a JSON Schema has a name of Confluent's own.

    Raises:
        InvalidSchema: one has.
    """
    if content.type != texts.JSON:
        return
    for name in _named(content.text, "properties"):
        if name.startswith(_RESTRICTED):
            raise InvalidSchema(
                f"Invalid schema of type JSON, details: #/properties/{name}: Field names cannot"
                f" start with {_RESTRICTED} prefix"
            )


def reserved_faults(parser: Parser, sent: Resolved, previous: Entry | None) -> list[str]:
    """What is wrong with the reserved fields of a schema that follows another."""
    now = _reserved(sent.content.metadata)
    before = set() if previous is None else _reserved(previous.metadata)
    faults = [_fault("RESERVED_FIELD_REMOVED", _REMOVED, one) for one in sorted(before - now)]
    fields = _top_level_fields(parser, sent) if now else frozenset[str]()
    return faults + [
        _fault("FIELD_CONFLICTS_WITH_RESERVED_FIELD", _CONFLICTS, one)
        for one in sorted(now & fields)
    ]


_REMOVED: Final = "The new schema has reserved field {0} removed from its metadata which is present in the old schema's metadata."
_CONFLICTS: Final = "The new schema has field that conflicts with the reserved field {0}."


def _fault(code: str, text: str, field: str) -> str:
    return f"{{errorType:'{code}', description:'{text.format(field)}', additionalInfo:'{field}'}}"


def _reserved(metadata: Metadata | None) -> set[str]:
    text = "" if metadata is None else metadata.properties.get(RESERVED, "")
    return {one.strip() for one in text.split(",") if one.strip()}


def _top_level_fields(parser: Parser, sent: Resolved) -> frozenset[str]:
    """The names of a record's fields, of an object's properties, of the fields of all messages."""
    match sent.content.type:
        case texts.PROTOBUF:
            from chappe.formats.protobuf_schema.schema import ProtobufSchema

            schema = parser.parse(sent)
            messages = schema.tree.messages if isinstance(schema, ProtobufSchema) else ()
            return frozenset(one.name for each in messages for one in each.fields.values())
        case texts.AVRO:
            return frozenset(_named(sent.content.text, "fields"))
        case _:
            return frozenset(_named(sent.content.text, "properties"))


def _named(text: str, member: str) -> list[str]:
    """The keys of a member of a JSON document, or the names of its items."""
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    match value.get(member) if isinstance(value, dict) else None:
        case dict() as properties:
            return list(properties)
        case list() as fields:
            return [str(one.get("name")) for one in fields if isinstance(one, dict)]
        case _:
            return []
