"""The kinds of changes from one schema to a later one, and which of them old data survives.

The names are those of the Confluent Schema Registry, whose rules these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What changed."""

    PACKAGE_CHANGED = "PACKAGE_CHANGED"
    MESSAGE_ADDED = "MESSAGE_ADDED"
    MESSAGE_REMOVED = "MESSAGE_REMOVED"
    MESSAGE_MOVED = "MESSAGE_MOVED"
    ENUM_ADDED = "ENUM_ADDED"
    ENUM_REMOVED = "ENUM_REMOVED"
    ENUM_CONST_ADDED = "ENUM_CONST_ADDED"
    ENUM_CONST_CHANGED = "ENUM_CONST_CHANGED"
    ENUM_CONST_REMOVED = "ENUM_CONST_REMOVED"
    FIELD_ADDED = "FIELD_ADDED"
    FIELD_REMOVED = "FIELD_REMOVED"
    FIELD_NAME_CHANGED = "FIELD_NAME_CHANGED"
    FIELD_KIND_CHANGED = "FIELD_KIND_CHANGED"
    FIELD_SCALAR_KIND_CHANGED = "FIELD_SCALAR_KIND_CHANGED"
    FIELD_NAMED_TYPE_CHANGED = "FIELD_NAMED_TYPE_CHANGED"
    FIELD_NUMERIC_LABEL_CHANGED = "FIELD_NUMERIC_LABEL_CHANGED"
    FIELD_STRING_OR_BYTES_LABEL_CHANGED = "FIELD_STRING_OR_BYTES_LABEL_CHANGED"
    REQUIRED_FIELD_ADDED = "REQUIRED_FIELD_ADDED"
    REQUIRED_FIELD_REMOVED = "REQUIRED_FIELD_REMOVED"
    ONEOF_ADDED = "ONEOF_ADDED"
    ONEOF_REMOVED = "ONEOF_REMOVED"
    ONEOF_FIELD_ADDED = "ONEOF_FIELD_ADDED"
    ONEOF_FIELD_REMOVED = "ONEOF_FIELD_REMOVED"
    ONEOF_FIELD_MOVED_TO_TOP_LEVEL = "ONEOF_FIELD_MOVED_TO_TOP_LEVEL"
    MULTIPLE_FIELDS_MOVED_TO_ONEOF = "MULTIPLE_FIELDS_MOVED_TO_ONEOF"
    FIELD_MOVED_TO_EXISTING_ONEOF = "FIELD_MOVED_TO_EXISTING_ONEOF"


INCOMPATIBLE: Final = frozenset(
    {
        Kind.PACKAGE_CHANGED,
        Kind.MESSAGE_REMOVED,
        Kind.FIELD_KIND_CHANGED,
        Kind.FIELD_SCALAR_KIND_CHANGED,
        Kind.FIELD_NAMED_TYPE_CHANGED,
        Kind.FIELD_NUMERIC_LABEL_CHANGED,
        Kind.REQUIRED_FIELD_ADDED,
        Kind.REQUIRED_FIELD_REMOVED,
        Kind.ONEOF_FIELD_REMOVED,
        Kind.MULTIPLE_FIELDS_MOVED_TO_ONEOF,
        Kind.FIELD_MOVED_TO_EXISTING_ONEOF,
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `path` is "#/Message/Nested/3" or "#/Message/oneof/3", a number is a field's."""

    kind: Kind
    path: str
    message: str = ""
    fix: str = ""

    @property
    def compatible(self) -> bool:
        """Whether data of the older schema stays readable."""
        return self.kind not in INCOMPATIBLE
