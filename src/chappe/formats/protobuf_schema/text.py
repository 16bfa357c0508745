"""A compiled file as text again: one text for all spellings of the same schema.

Comments, layout and how names are qualified make no difference: types are written with all of their
name (".shop.Order"), options by number. Order stays, since it is what message indexes count by, unless
the text is to be normalised: then imports are sorted, members of messages and enumerations stand by
number, a oneof by its lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    Edition,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    OneofDescriptorProto,
    ServiceDescriptorProto,
)

from chappe.formats.protobuf_schema.options import entries, quoted

Lines: TypeAlias = Iterator[str]
_T = TypeVar("_T")

SCALARS: Final = {
    FieldDescriptorProto.TYPE_DOUBLE: "double",
    FieldDescriptorProto.TYPE_FLOAT: "float",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_UINT64: "uint64",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_FIXED64: "fixed64",
    FieldDescriptorProto.TYPE_FIXED32: "fixed32",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
    FieldDescriptorProto.TYPE_UINT32: "uint32",
    FieldDescriptorProto.TYPE_SFIXED32: "sfixed32",
    FieldDescriptorProto.TYPE_SFIXED64: "sfixed64",
    FieldDescriptorProto.TYPE_SINT32: "sint32",
    FieldDescriptorProto.TYPE_SINT64: "sint64",
}
_LABELS: Final = {
    FieldDescriptorProto.LABEL_OPTIONAL: "optional",
    FieldDescriptorProto.LABEL_REQUIRED: "required",
    FieldDescriptorProto.LABEL_REPEATED: "repeated",
}
_MAX_NUMBER: Final = (1 << 29) - 1
_MAX_ENUM: Final = (1 << 31) - 1


def text_of(file: FileDescriptorProto, *, normalized: bool = False) -> str:
    """The text of a file; compiled, it gives the same file."""
    return "\n".join(_Writer(file, normalized=normalized).file()) + "\n"


def dialect_of(file: FileDescriptorProto) -> str:
    """What it is written in: "proto2", "proto3", or the edition, such as "2023"."""
    if file.syntax == "editions":
        return Edition.Name(file.edition).removeprefix("EDITION_")
    return file.syntax or "proto2"


class _Writer:
    def __init__(self, file: FileDescriptorProto, *, normalized: bool) -> None:
        self._file = file
        self._normalized = normalized
        self._dialect = dialect_of(file)

    def file(self) -> Lines:
        file = self._file
        if self._dialect.startswith("proto"):
            yield f"syntax = {quoted(self._dialect)};"
        else:
            yield f"edition = {quoted(self._dialect)};"
        if file.package:
            yield f"package {file.package};"
        yield from self._imports()
        yield from self._options(file, "")
        scope = f".{file.package}" if file.package else ""
        groups = self._groups(file.extension)
        for message in file.message_type:
            if f"{scope}.{message.name}" not in groups:
                yield from self._message(message, scope, "")
        for enum in file.enum_type:
            yield from self._enum(enum, "")
        yield from self._extends(file.extension, _by_name(file.message_type, scope), "")
        for service in file.service:
            yield from self._service(service)

    def _imports(self) -> Lines:
        file = self._file
        kinds = {
            **dict.fromkeys(file.weak_dependency, "weak "),
            **dict.fromkeys(file.public_dependency, "public "),
        }
        lines = [
            f"import {kinds.get(index, '')}{quoted(name)};"
            for index, name in enumerate(file.dependency)
        ]
        lines += [f"import option {quoted(name)};" for name in file.option_dependency]
        yield from sorted(lines) if self._normalized else lines

    def _options(
        self,
        element: FileDescriptorProto
        | DescriptorProto
        | EnumDescriptorProto
        | OneofDescriptorProto
        | ServiceDescriptorProto
        | MethodDescriptorProto,
        indent: str,
    ) -> Lines:
        if element.HasField("options"):
            for each in entries(element.options):
                yield f"{indent}option {each};"

    def _message(self, message: DescriptorProto, scope: str, indent: str) -> Lines:
        yield f"{indent}{_visibility(message.visibility)}message {message.name} {{"
        yield from self._members(message, f"{scope}.{message.name}", indent + "  ")
        yield f"{indent}}}"

    def _members(self, message: DescriptorProto, scope: str, indent: str) -> Lines:
        yield from self._options(message, indent)
        yield from self._reserved(
            [(each.start, each.end - 1) for each in message.reserved_range],
            message.reserved_name,
            _MAX_NUMBER,
            indent,
        )
        for extensible in self._by(message.extension_range, lambda each: each.start):
            told = _range(extensible.start, extensible.end - 1, _MAX_NUMBER)
            options = (
                _bracketed(entries(extensible.options)) if extensible.HasField("options") else ""
            )
            yield f"{indent}extensions {told}{options};"
        nested = _by_name(message.nested_type, scope)
        yield from self._fields(message, nested, indent)
        groups = self._groups((*message.field, *message.extension))
        for name, each in nested.items():
            if not each.options.map_entry and name not in groups:
                yield from self._message(each, scope, indent)
        for enum in message.enum_type:
            yield from self._enum(enum, indent)
        yield from self._extends(message.extension, nested, indent)

    def _fields(
        self, message: DescriptorProto, nested: Mapping[str, DescriptorProto], indent: str
    ) -> Lines:
        """The fields; those of a oneof stand where its first one does."""
        fields = self._by(message.field, lambda each: (_in_oneof(each), each.number))
        members: dict[int, list[FieldDescriptorProto]] = {}
        for field in fields:
            if _in_oneof(field):
                members.setdefault(field.oneof_index, []).append(field)
        for field in fields:
            if not _in_oneof(field):
                yield from self._field(field, nested, indent)
            elif field.oneof_index in members:
                oneof = message.oneof_decl[field.oneof_index]
                yield f"{indent}oneof {oneof.name} {{"
                yield from self._options(oneof, indent + "  ")
                for member in members.pop(field.oneof_index):
                    yield from self._field(member, nested, indent + "  ", label="")
                yield f"{indent}}}"

    def _field(
        self,
        field: FieldDescriptorProto,
        nested: Mapping[str, DescriptorProto],
        indent: str,
        *,
        label: str | None = None,
    ) -> Lines:
        entry = nested.get(field.type_name)
        if entry is not None and entry.options.map_entry:
            key, value = entry.field
            start = f"{indent}map<{_type(key)}, {_type(value)}> {field.name} = {field.number}"
            yield f"{start}{self._field_options(field)};"
            return
        label = self._label(field) if label is None else label
        if self._is_group(field) and entry is not None:
            yield (
                f"{indent}{label}group {entry.name} = {field.number}{self._field_options(field)} {{"
            )
            yield from self._members(entry, field.type_name, indent + "  ")
            yield f"{indent}}}"
            return
        start = f"{indent}{label}{_type(field)} {field.name} = {field.number}"
        yield f"{start}{self._field_options(field)};"

    def _label(self, field: FieldDescriptorProto) -> str:
        label = _LABELS[field.label]
        if self._dialect == "proto2" or label == "repeated" or field.proto3_optional:
            return f"{label} "
        return ""

    def _is_group(self, field: FieldDescriptorProto) -> bool:
        return field.type == FieldDescriptorProto.TYPE_GROUP and self._dialect == "proto2"

    def _field_options(self, field: FieldDescriptorProto) -> str:
        told: list[str] = []
        if field.HasField("default_value"):
            told.append(f"default = {_default(field)}")
        if not field.extendee and field.json_name not in ("", json_name(field.name)):
            told.append(f"json_name = {quoted(field.json_name)}")
        if field.HasField("options"):
            told.extend(entries(field.options))
        return _bracketed(told)

    def _enum(self, enum: EnumDescriptorProto, indent: str) -> Lines:
        yield f"{indent}{_visibility(enum.visibility)}enum {enum.name} {{"
        inner = indent + "  "
        yield from self._options(enum, inner)
        yield from self._reserved(
            [(each.start, each.end) for each in enum.reserved_range],
            enum.reserved_name,
            _MAX_ENUM,
            inner,
        )
        # The first is the default, so it stays the first.
        first, rest = enum.value[:1], enum.value[1:]
        for value in (*first, *self._by(rest, lambda each: (each.number, each.name))):
            options = _bracketed(entries(value.options)) if value.HasField("options") else ""
            yield f"{inner}{value.name} = {value.number}{options};"
        yield f"{indent}}}"

    def _reserved(
        self, ranges: Iterable[tuple[int, int]], names: Iterable[str], most: int, indent: str
    ) -> Lines:
        for start, end in self._by(ranges, lambda each: each[0]):
            yield f"{indent}reserved {_range(start, end, most)};"
        for name in self._by(names, lambda each: each):
            told = quoted(name) if self._dialect.startswith("proto") else name
            yield f"{indent}reserved {told};"

    def _extends(
        self,
        extensions: Sequence[FieldDescriptorProto],
        nested: Mapping[str, DescriptorProto],
        indent: str,
    ) -> Lines:
        ordered = self._by(extensions, lambda each: (each.extendee, each.number))
        for extendee, fields in groupby(ordered, key=lambda each: each.extendee):
            yield f"{indent}extend {extendee} {{"
            for field in fields:
                yield from self._field(field, nested, indent + "  ")
            yield f"{indent}}}"

    def _service(self, service: ServiceDescriptorProto) -> Lines:
        yield f"service {service.name} {{"
        yield from self._options(service, "  ")
        for method in service.method:
            takes = f"{'stream ' if method.client_streaming else ''}{method.input_type}"
            gives = f"{'stream ' if method.server_streaming else ''}{method.output_type}"
            start = f"  rpc {method.name} ({takes}) returns ({gives})"
            options = list(self._options(method, "    "))
            if options:
                yield f"{start} {{"
                yield from options
                yield "  }"
            else:
                yield f"{start};"
        yield "}"

    def _groups(self, fields: Iterable[FieldDescriptorProto]) -> frozenset[str]:
        """The messages that stand for a group, and are written with their field."""
        return frozenset(each.type_name for each in fields if self._is_group(each))

    def _by(self, items: Iterable[_T], key: Callable[[_T], Any]) -> list[_T]:
        """In the order of the text, or of the key where that is to be normalised."""
        return sorted(items, key=key) if self._normalized else list(items)


def json_name(name: str) -> str:
    """The name of a field in JSON where none is given: "unit_price" -> "unitPrice"."""
    parts = name.split("_")
    return parts[0] + "".join(part[:1].upper() + part[1:] for part in parts[1:])


def _in_oneof(field: FieldDescriptorProto) -> bool:
    """Whether a oneof is written around it; `optional` in proto3 makes one that is not."""
    return field.HasField("oneof_index") and not field.proto3_optional


def _by_name(messages: Iterable[DescriptorProto], scope: str) -> dict[str, DescriptorProto]:
    return {f"{scope}.{each.name}": each for each in messages}


def _type(field: FieldDescriptorProto) -> str:
    return SCALARS.get(field.type) or field.type_name


def _visibility(visibility: int) -> str:
    return {1: "local ", 2: "export "}.get(visibility, "")


def _range(start: int, end: int, most: int) -> str:
    if start == end:
        return str(start)
    # Message sets go beyond what fields can have.
    return f"{start} to {'max' if end >= most else end}"


def _bracketed(told: Iterable[str]) -> str:
    inner = ", ".join(told)
    return f" [{inner}]" if inner else ""


def _default(field: FieldDescriptorProto) -> str:
    match field.type:
        case FieldDescriptorProto.TYPE_STRING:
            return quoted(field.default_value)
        case FieldDescriptorProto.TYPE_BYTES:
            # Escaped already.
            return f'"{field.default_value}"'
        case _:
            return field.default_value
