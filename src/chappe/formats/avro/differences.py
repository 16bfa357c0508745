"""Incompatibilities in words: what differs, with both values, and what would mend it."""

from __future__ import annotations

from chappe.formats.avro.compatible import Incompatibility
from chappe.formats.avro.tree import (
    Array,
    Enum,
    Fixed,
    Map,
    Primitive,
    Record,
    Type,
    Union,
    branch_name,
)
from chappe.formats.fields import shortened
from chappe.formats.schema_language import Difference

_SHOWN = 5


def difference(found: Incompatibility) -> Difference:
    """The same, for a person."""
    message, fix = _told(found)
    return Difference(found.code, found.location, message, fix, found.info)


def confluent_text(found: Difference, *, reader: str = "new", writer: str = "old") -> str:
    """The same in the words of Confluent's registry, which clients and its users know."""
    match found.code:
        case "FIXED_SIZE_MISMATCH":
            told = (
                f"The size of FIXED type field at path '{found.path}' in the {reader} schema does"
                f" not match with the {writer} schema"
            )
        case "TYPE_MISMATCH":
            told = (
                f"The type (path '{found.path}') of a field in the {reader} schema does not match"
                f" with the {writer} schema"
            )
        case "NAME_MISMATCH":
            told = f"The name of the schema has changed (path '{found.path}')"
        case "MISSING_ENUM_SYMBOLS":
            told = (
                f"The {reader} schema is missing enum symbols '{found.info}' at path"
                f" '{found.path}' in the {writer} schema"
            )
        case "MISSING_UNION_BRANCH":
            told = (
                f"The {reader} schema is missing a type inside a union field at path"
                f" '{found.path}' in the {writer} schema"
            )
        case "READER_FIELD_MISSING_DEFAULT_VALUE":
            told = (
                f"The field '{found.info}' at path '{found.path}' in the {reader} schema has no"
                f" default value and is missing in the {writer} schema"
            )
        case _:
            return f"Unexpected exception during compatibility check: {found.info or found.message}"
    return f"{{errorType:'{found.code}', description:'{told}', additionalInfo:'{found.info}'}}"


def _told(found: Incompatibility) -> tuple[str, str]:
    reader, writer, subject = found.reader, found.writer, found.subject
    match found.code, reader, writer:
        case "NAME_MISMATCH", (Record() | Enum() | Fixed()), (Record() | Enum() | Fixed()):
            other = shortened(writer.name.full)
            return (
                f"the reader's {_shown(reader)} is not the writer's {_shown(writer)}",
                f"give the reader's type its old name or the alias {other}",
            )
        case "FIXED_SIZE_MISMATCH", Fixed(), Fixed():
            return (
                f"the reader's {_shown(reader)} has {reader.size} bytes, the writer's {writer.size}",
                f"keep the size {writer.size}, or add a type of the new size beside it",
            )
        case "MISSING_ENUM_SYMBOLS", Enum(), Enum():
            missing = [symbol for symbol in writer.symbols if symbol not in set(reader.symbols)]
            shown = ", ".join(map(shortened, missing[:_SHOWN]))
            shown += ", …" if len(missing) > _SHOWN else ""
            return (
                f"the reader's {_shown(reader)} lacks {shown} of the writer's",
                "keep the symbols, or give the reader's enum a default",
            )
        case "READER_FIELD_MISSING_DEFAULT_VALUE", _, _:
            return (
                f"the reader's field {shortened(subject)} has no default, and the writer's"
                f" {_shown(writer)} has no such field",
                f"give the field {shortened(subject)} a default",
            )
        case "READER_FIELD_AMBIGUOUS", _, _:
            return (
                f"the reader's field {shortened(subject)}, by its name and aliases, is several"
                f" fields of the writer's {_shown(writer)}",
                "remove an alias",
            )
        case "MISSING_UNION_BRANCH", _, _:
            return (
                f"no branch of the reader's {_shown(reader)} reads the writer's"
                f" {shortened(subject)}",
                f"keep a branch for {shortened(subject)}",
            )
        case "TYPE_MISMATCH", _, _:
            return (
                f"the reader has {_shown(reader)}, the writer {_shown(writer)}",
                f"keep {_shown(writer)}, or read both with a union",
            )
        case _:
            return f"the schemas cannot be compared: {found.info}", ""


def _shown(of_type: Type) -> str:
    """Such as "record 'com.example.Order'", "array of int", "union of null, string"."""
    match of_type:
        case Record() | Enum() | Fixed():
            return f"{of_type.kind} {shortened(of_type.name.full)}"
        case Array():
            return f"array of {branch_name(of_type.items)}"
        case Map():
            return f"map of {branch_name(of_type.values)}"
        case Union():
            names = [branch_name(branch) for branch in of_type.branches]
            more = ", …" if len(names) > _SHOWN else ""
            return f"union of {', '.join(names[:_SHOWN])}{more}"
        case Primitive():
            return of_type.kind
