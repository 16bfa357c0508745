"""A compiled file as text again, laid out as Confluent's registry does: identities are made of it.

Comments and layout make no difference. Names of types, reserved numbers and plain options stay as the
text that was compiled writes them; without one, types are written with all of their name
(".shop.Order"), and options by number. Order stays, since it is what message indexes count by, unless
the text is to be normalised: then all names are in full, imports are sorted, members of messages and
enumerations stand by number, a oneof by its lowest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    Edition,
    EnumDescriptorProto,
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    OneofDescriptorProto,
    ServiceDescriptorProto,
)

from chappe.formats.protobuf_schema.layout import apart, block, bracketed
from chappe.formats.protobuf_schema.options import entries, quoted
from chappe.formats.protobuf_schema.spelling import Spelling, as_written

Lines: TypeAlias = Iterator[str]
_Element: TypeAlias = (
    FileDescriptorProto
    | DescriptorProto
    | EnumDescriptorProto
    | OneofDescriptorProto
    | ServiceDescriptorProto
    | MethodDescriptorProto
)
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


def text_of(
    file: FileDescriptorProto, *, normalized: bool = False, spelling: Spelling | None = None
) -> str:
    """The text of a file; compiled, it gives the same messages. `spelling` is that of its own text."""
    return "\n".join(_Writer(file, normalized=normalized, spelling=spelling).file()) + "\n"


def dialect_of(file: FileDescriptorProto) -> str:
    """What it is written in: "proto2", "proto3", or the edition, such as "2023"."""
    if file.syntax == "editions":
        return Edition.Name(file.edition).removeprefix("EDITION_")
    return file.syntax or "proto2"


class _Writer:
    def __init__(
        self, file: FileDescriptorProto, *, normalized: bool, spelling: Spelling | None
    ) -> None:
        self._file = file
        self._normalized = normalized
        self._spelling = Spelling() if spelling is None or normalized else spelling
        self._dialect = dialect_of(file)
        self._tells_syntax = self._dialect != "proto2" or (
            not normalized and (spelling is None or spelling.syntax)
        )

    def file(self) -> Lines:
        file = self._file
        if not self._dialect.startswith("proto"):
            yield f"edition = {quoted(self._dialect)};"
        elif self._tells_syntax:
            yield f"syntax = {quoted(self._dialect)};"
        if file.package:
            yield f"package {file.package};"
        scope = f".{file.package}" if file.package else ""
        groups = self._groups(file.extension)
        messages = [one for one in file.message_type if f"{scope}.{one.name}" not in groups]
        yield from apart(
            (
                self._imports(),
                self._options(file, "", ""),
                [
                    *(line for one in messages for line in self._message(one, scope, "")),
                    *(line for one in file.enum_type for line in self._enum(one, scope, "")),
                ],
                self._extends(file.extension, _by_name(file.message_type, scope), scope, ""),
                (line for one in file.service for line in self._service(one, scope)),
            ),
            first=False,  # Even where nothing is before it.
        )

    def _imports(self) -> Lines:
        file = self._file
        kinds = {
            **dict.fromkeys(file.weak_dependency, "weak "),
            **dict.fromkeys(file.public_dependency, "public "),
        }
        plain = [name for at, name in enumerate(file.dependency) if at not in kinds]
        other = [(kinds[at], file.dependency[at]) for at in sorted(kinds)]
        yield from (f"import {quoted(name)};" for name in self._by(plain, lambda one: one))
        yield from (
            f"import {kind}{quoted(name)};" for kind, name in self._by(other, lambda one: one)
        )
        names = self._by(file.option_dependency, lambda one: one)
        yield from (f"import option {quoted(name)};" for name in names)

    def _options(self, element: _Element, path: str, indent: str) -> Lines:
        for each in self._told(element, path):
            yield f"{indent}option {each};".replace("\n", f"\n{indent}")

    def _told(
        self, element: _Element | FieldDescriptorProto | EnumValueDescriptorProto, path: str
    ) -> Sequence[str]:
        """The options of an element, as they are written or by number."""
        if not element.HasField("options"):
            return ()
        told = self._spelling.options.get(path)
        return self._by(entries(element.options), _name) if told is None else told

    def _message(self, message: DescriptorProto, scope: str, indent: str) -> Lines:
        start = f"{indent}{_visibility(message.visibility)}message {message.name} {{"
        yield from block(start, self._members(message, f"{scope}.{message.name}", indent + "  "))

    def _members(self, message: DescriptorProto, scope: str, indent: str) -> Lines:
        nested = _by_name(message.nested_type, scope)
        fields = self._by(message.field, lambda each: each.number)
        alone = [one for one in fields if not _in_oneof(one)]
        groups = self._groups((*message.field, *message.extension))
        inner = [
            each
            for name, each in nested.items()
            if not each.options.map_entry and name not in groups
        ]
        yield from apart(
            (
                self._reserved(
                    [(each.start, each.end - 1) for each in message.reserved_range],
                    message.reserved_name,
                    _MAX_NUMBER,
                    scope,
                    indent,
                ),
                self._options(message, scope, indent),
                self._fields(
                    [one for one in alone if not self._is_group(one)], nested, scope, indent
                ),
                self._oneofs(message, fields, nested, scope, indent),
                self._fields([one for one in alone if self._is_group(one)], nested, scope, indent),
                self._extensible(message, scope, indent),
                self._extends(message.extension, nested, scope, indent),
                [
                    *(line for one in inner for line in self._message(one, scope, indent)),
                    *(line for one in message.enum_type for line in self._enum(one, scope, indent)),
                ],
            ),
            indent=indent[2:],
        )

    def _extensible(self, message: DescriptorProto, scope: str, indent: str) -> Lines:
        written = self._spelling.extensions.get(scope)
        options = [self._spelling.options.get(f"{scope}.{one}", []) for one in written or ()]
        if written is not None and None not in options:
            for numbers, told in zip(written, options, strict=True):
                yield f"{indent}extensions {numbers}{bracketed(told or (), indent)};"
            return
        for each in self._by(message.extension_range, lambda each: each.start):
            numbers = _range(each.start, each.end - 1, _MAX_NUMBER)
            retold = entries(each.options) if each.HasField("options") else ()
            yield f"{indent}extensions {numbers}{bracketed(retold, indent)};"

    def _oneofs(
        self,
        message: DescriptorProto,
        fields: Sequence[FieldDescriptorProto],
        nested: Mapping[str, DescriptorProto],
        scope: str,
        indent: str,
    ) -> Lines:
        members: dict[int, list[FieldDescriptorProto]] = {}
        for field in fields:
            if _in_oneof(field):
                members.setdefault(field.oneof_index, []).append(field)
        for at in members if self._normalized else sorted(members):
            oneof, inner = message.oneof_decl[at], indent + "  "
            groups = [one for one in members[at] if self._is_group(one)]
            others = [one for one in members[at] if not self._is_group(one)]
            sections = (
                self._options(oneof, f"{scope}.{oneof.name}", inner),
                self._fields(others, nested, scope, inner, label=""),
                self._fields(groups, nested, scope, inner, label=""),
            )
            yield from block(f"{indent}oneof {oneof.name} {{", apart(sections, indent=indent))

    def _fields(
        self,
        fields: Iterable[FieldDescriptorProto],
        nested: Mapping[str, DescriptorProto],
        scope: str,
        indent: str,
        *,
        label: str | None = None,
    ) -> Lines:
        for field in fields:
            told = self._spelling.types.get((scope, field.number))
            yield from self._field(field, nested, scope, indent, told, label=label)

    def _field(
        self,
        field: FieldDescriptorProto,
        nested: Mapping[str, DescriptorProto],
        scope: str,
        indent: str,
        told: str | None,
        *,
        label: str | None = None,
    ) -> Lines:
        entry = nested.get(field.type_name)
        end = f"{field.number}{self._field_options(field, scope, indent)}"
        if entry is not None and entry.options.map_entry:
            key, value = entry.field
            yield f"{indent}map<{_type(key)}, {_type(value, told)}> {field.name} = {end};"
            return
        label = self._label(field) if label is None else label
        if self._is_group(field) and entry is not None:
            start = f"{indent}{label}group {entry.name} = {end} {{"
            yield from block(start, self._members(entry, field.type_name, indent + "  "))
            return
        yield f"{indent}{label}{_type(field, told)} {field.name} = {end};"

    def _label(self, field: FieldDescriptorProto) -> str:
        label = _LABELS[field.label]
        if self._dialect == "proto2" or label == "repeated" or field.proto3_optional:
            return f"{label} "
        return ""

    def _is_group(self, field: FieldDescriptorProto) -> bool:
        return field.type == FieldDescriptorProto.TYPE_GROUP and self._dialect == "proto2"

    def _field_options(self, field: FieldDescriptorProto, scope: str, indent: str) -> str:
        path = f"{scope}.{field.name}"
        written = self._spelling.options.get(path)
        if written is not None:
            return bracketed(written, indent)
        told = list(self._told(field, path))
        if field.HasField("default_value"):
            told.append(f"default = {_default(field)}")
        if not field.extendee and field.json_name not in ("", json_name(field.name)):
            told.append(f"json_name = {quoted(field.json_name)}")
        return bracketed(self._by(told, _name), indent)

    def _enum(self, enum: EnumDescriptorProto, scope: str, indent: str) -> Lines:
        start = f"{indent}{_visibility(enum.visibility)}enum {enum.name} {{"
        yield from block(start, self._values(enum, f"{scope}.{enum.name}", indent + "  "))

    def _values(self, enum: EnumDescriptorProto, scope: str, indent: str) -> Lines:
        yield from self._reserved(
            [(each.start, each.end) for each in enum.reserved_range],
            enum.reserved_name,
            _MAX_ENUM,
            scope,
            indent,
        )
        yield from self._options(enum, scope, indent)
        values = self._by(enum.value, lambda each: (each.number, each.name))
        if values and values[0].number != enum.value[0].number:
            # The first is the default, so its number stays the first.
            values.remove(enum.value[0])
            values.insert(0, enum.value[0])
        for value in values:
            options = bracketed(self._told(value, f"{scope}.{value.name}"), indent)
            yield f"{indent}{value.name} = {value.number}{options};"

    def _reserved(
        self,
        ranges: Iterable[tuple[int, int]],
        names: Iterable[str],
        most: int,
        scope: str,
        indent: str,
    ) -> Lines:
        written = self._spelling.reserved.get(scope)
        if written is not None:
            yield from (f"{indent}reserved {one};" for one in written)
            return
        for start, end in self._by(ranges, lambda each: each[0]):
            yield f"{indent}reserved {_range(start, end, most)};"
        for name in self._by(names, lambda each: each):
            told = quoted(name) if self._dialect.startswith("proto") else name
            yield f"{indent}reserved {told};"

    def _extends(
        self,
        extensions: Sequence[FieldDescriptorProto],
        nested: Mapping[str, DescriptorProto],
        scope: str,
        indent: str,
    ) -> Lines:
        written = self._spelling.extended.get(scope, [])
        if len(written) != len(extensions):
            written = [(0, one.extendee, "") for one in extensions]
        # What is extended stands in the order in which it is first named.
        order = {name: at for at, name in reversed(list(enumerate(x.extendee for x in extensions)))}
        pairs = self._by(
            zip(extensions, written, strict=True),
            lambda pair: (order[pair[0].extendee], pair[0].number),
        )
        for (_, extendee), inner in groupby(
            pairs, key=lambda pair: (pair[1][0], as_written(pair[0].extendee, pair[1][1]))
        ):
            lines = (
                line
                for field, (_, _, told) in inner
                for line in self._field(field, nested, scope, indent + "  ", told)
            )
            yield from block(f"{indent}extend {extendee} {{", lines)

    def _service(self, service: ServiceDescriptorProto, scope: str) -> Lines:
        scope = f"{scope}.{service.name}"
        methods = (line for one in service.method for line in self._method(one, scope))
        sections = apart((self._options(service, scope, "  "), methods))
        yield from block(f"service {service.name} {{", sections)

    def _method(self, method: MethodDescriptorProto, scope: str) -> Lines:
        path = f"{scope}.{method.name}"
        told = self._spelling.methods.get(path, (None, None))
        takes = as_written(method.input_type, told[0])
        gives = as_written(method.output_type, told[1])
        takes = f"stream {takes}" if method.client_streaming else takes
        gives = f"stream {gives}" if method.server_streaming else gives
        start = f"  rpc {method.name} ({takes}) returns ({gives})"
        options = list(self._options(method, path, "    "))
        if options:
            yield f"{start} {{"
            yield from options
            yield "  };"
        else:
            yield f"{start};"

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


def _type(field: FieldDescriptorProto, told: str | None = None) -> str:
    return SCALARS.get(field.type) or as_written(field.type_name, told)


def _name(option: str) -> str:
    """Of an option as it is written: "packed = true" -> "packed"."""
    return option.partition(" ")[0]


def _visibility(visibility: int) -> str:
    return {1: "local ", 2: "export "}.get(visibility, "")


def _range(start: int, end: int, most: int) -> str:
    if start == end:
        return str(start)
    # Message sets go beyond what fields can have.
    return f"{start} to {'max' if end >= most else end}"


def _default(field: FieldDescriptorProto) -> str:
    match field.type:
        case FieldDescriptorProto.TYPE_STRING:
            return quoted(field.default_value)
        case FieldDescriptorProto.TYPE_BYTES:
            # Escaped already.
            return f'"{field.default_value}"'
        case _:
            return field.default_value
