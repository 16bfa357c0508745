"""Options and their values as the language writes them, in the order of their numbers.

deprecated = true
(.confluent.field_meta) = {
  doc: "x"
}

The layout is that of `literals`, so that what is read again from it is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from chappe.formats.protobuf_schema.literals import braced

_ESCAPES = {
    ord("\\"): "\\\\",
    ord('"'): '\\"',
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}
_UNINTERPRETED = "uninterpreted_option"


def entries(options: Message) -> Iterator[str]:
    """Each option with its value; a repeated option once for each value.

    Options whose definition is not imported have no name, and are left out.
    """
    for field, value in options.ListFields():
        if field.name == _UNINTERPRETED and not field.is_extension:
            continue
        name = f"(.{field.full_name})" if field.is_extension else field.name
        for each in _values(field, value):
            yield f"{name} = {_value(field, each)}"


def quoted(text: str) -> str:
    """A string literal."""
    escaped = text.translate(_ESCAPES)
    if escaped.isprintable():
        return f'"{escaped}"'
    return "".join(
        ('"', *(each if each.isprintable() else _octal(each.encode()) for each in escaped), '"')
    )


def quoted_bytes(value: bytes) -> str:
    """A string literal for bytes."""
    return "".join(
        (
            '"',
            *(
                chr(each).translate(_ESCAPES) if 32 <= each < 127 else f"\\{each:03o}"
                for each in value
            ),
            '"',
        )
    )


def _octal(value: bytes) -> str:
    return "".join(f"\\{each:03o}" for each in value)


def _values(field: FieldDescriptor, value: Any) -> Iterator[Any]:
    if not field.is_repeated:
        yield value
    elif _is_map(field):
        entry = _message_of(field).fields_by_name
        for key in sorted(value):
            yield (entry["key"], key), (entry["value"], value[key])
    else:
        yield from value


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _message_of(field: FieldDescriptor) -> Descriptor:
    assert field.message_type is not None
    return field.message_type


def _value(field: FieldDescriptor, value: Any) -> str:
    """One value in the syntax of options, which inside braces is that of the text format."""
    if isinstance(value, tuple):
        (key_type, key), (value_type, inner) = value
        return braced((f"key: {_value(key_type, key)}", f"value: {_value(value_type, inner)}"))
    match field.type:
        case FieldDescriptor.TYPE_MESSAGE | FieldDescriptor.TYPE_GROUP:
            return braced(_members(value))
        case FieldDescriptor.TYPE_ENUM:
            assert field.enum_type is not None
            known = field.enum_type.values_by_number.get(value)
            return str(value) if known is None else known.name
        case FieldDescriptor.TYPE_BOOL:
            return "true" if value else "false"
        case FieldDescriptor.TYPE_STRING:
            return quoted(value).replace("'", "\\'")
        case FieldDescriptor.TYPE_BYTES:
            return quoted_bytes(value).replace("'", "\\'")
        case FieldDescriptor.TYPE_FLOAT | FieldDescriptor.TYPE_DOUBLE:
            return _number(value)
        case _:
            return str(value)


def _members(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.is_extension:
            name = f"[{field.full_name}]"
        elif field.type == FieldDescriptor.TYPE_GROUP:
            name = _message_of(field).name
        else:
            name = field.name
        for each in _values(field, value):
            yield f"{name}: {_value(field, each)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
