"""Names of fields that a schema keeps for others: the property confluent:reserved."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from chappe.formats.confluent.contracts import Metadata
from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Entry
from chappe.formats.confluent.texts import AVRO, PROTOBUF

RESERVED: Final = "confluent:reserved"

_FIELD: Final = re.compile(r"\b(\w+)\s*=\s*\d+\s*[;\[]")


def reserved_faults(content: Content, previous: Entry | None) -> list[str]:
    """What is wrong with the reserved fields of a schema that follows another."""
    now = _reserved(content.metadata)
    before = set() if previous is None else _reserved(previous.metadata)
    faults = [_fault("RESERVED_FIELD_REMOVED", _REMOVED, one) for one in sorted(before - now)]
    fields = top_level_fields(content)
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


def top_level_fields(content: Content) -> set[str]:
    """The names of a record's fields, an object's properties, the first message's fields."""
    if content.type == PROTOBUF:
        head = content.text.partition("message")[2]
        return set(_FIELD.findall(_first_block(head)))
    try:
        value: Any = json.loads(content.text)
    except (ValueError, RecursionError):
        return set()
    if not isinstance(value, dict):
        return set()
    if content.type == AVRO:
        fields = value.get("fields")
        named = fields if isinstance(fields, list) else []
        return {str(one.get("name")) for one in named if isinstance(one, dict)}
    properties = value.get("properties")
    return set(properties) if isinstance(properties, dict) else set()


def _first_block(text: str) -> str:
    """What stands in the first braces, without the blocks inside."""
    depth, found = 0, []
    for one in text:
        if one == "{":
            depth += 1
        elif one == "}":
            depth -= 1
            if not depth:
                break
        elif depth == 1:
            found.append(one)
    return "".join(found)
