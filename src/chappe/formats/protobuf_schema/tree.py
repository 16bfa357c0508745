"""A compiled schema as typed values: what is compared of it.

message Order { repeated Line lines = 1; map<string, int32> counts = 2; }
-> Message(fields={1: Field(label=REPEATED, type=Named(".Line")), 2: Field(type=Map(…, …))})
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum as Choice
from typing import Final, TypeAlias

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FeatureSet,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from chappe.formats.protobuf_schema.text import SCALARS


class Label(Choice):
    """The label that is written at a field."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar by its keyword, such as "sint32"."""

    name: str


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enumeration, by its full name with a dot before."""

    name: str


@dataclass(frozen=True, slots=True)
class MessageType:
    """A message, or with `grouped` a group, by its full name with a dot before."""

    name: str
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class MapType:
    """A map; its value is anything but a map."""

    key: Scalar
    value: Type


Type: TypeAlias = Scalar | EnumType | MessageType | MapType


@dataclass(frozen=True, slots=True)
class Field:
    """A field; no label where none is written. `oneof` names the oneof it is a member of, or ""."""

    name: str
    number: int
    label: Label | None
    type: Type
    oneof: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumeration: the names of each number, an alias after the name."""

    name: str
    values: Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. What stands for a map is no nested message here."""

    name: str
    fields: Mapping[int, Field]
    oneofs: Mapping[str, Sequence[int]]
    messages: Sequence[Message]
    enums: Sequence[Enum]


@dataclass(frozen=True, slots=True)
class Tree:
    """A schema with all that it refers to.

    `types` has every message by its full name (".shop.Order"), `packages` the package of each, and
    `local` the names of those that the schema itself declares.
    """

    package: str
    messages: Sequence[Message]
    enums: Sequence[Enum]
    types: Mapping[str, Message]
    packages: Mapping[str, str]
    local: frozenset[str]


_LABELS: Final = {
    FieldDescriptorProto.LABEL_REQUIRED: Label.REQUIRED,
    FieldDescriptorProto.LABEL_REPEATED: Label.REPEATED,
    FieldDescriptorProto.LABEL_OPTIONAL: Label.OPTIONAL,
}


def tree_of(files: Sequence[FileDescriptorProto]) -> Tree:
    """The tree of linked files, of which the last is the schema itself."""
    types: dict[str, Message] = {}
    packages: dict[str, str] = {}
    local: frozenset[str] = frozenset()
    messages: Sequence[Message] = ()
    for file in files:
        before = len(types)
        scope = f".{file.package}" if file.package else ""
        rules = _Rules(
            file.syntax in ("", "proto2"),
            file.options.features.message_encoding == FeatureSet.DELIMITED,
        )
        messages = [_message(each, scope, types, rules) for each in file.message_type]
        fresh = list(types)[before:]
        packages.update(dict.fromkeys(fresh, file.package))
        local = frozenset(fresh)
    main = files[-1]
    return Tree(
        main.package, messages, [_enum(each) for each in main.enum_type], types, packages, local
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a file says for all of its fields.

    `labelled`: each is written with a label; `delimited`: messages in it are encoded as groups are.
    """

    labelled: bool
    delimited: bool


def _message(
    message: DescriptorProto, scope: str, types: dict[str, Message], rules: _Rules
) -> Message:
    full = f"{scope}.{message.name}"
    maps = {f"{full}.{each.name}": each for each in message.nested_type if each.options.map_entry}
    fields = {each.number: _field(each, message, maps, rules) for each in message.field}
    made = Message(
        message.name,
        fields,
        _oneofs(fields.values()),
        [
            _message(each, full, types, rules)
            for each in message.nested_type
            if not each.options.map_entry
        ],
        [_enum(each) for each in message.enum_type],
    )
    types[full] = made
    return made


def _field(
    field: FieldDescriptorProto,
    message: DescriptorProto,
    maps: Mapping[str, DescriptorProto],
    rules: _Rules,
) -> Field:
    member = field.HasField("oneof_index") and not field.proto3_optional
    label: Label | None = _LABELS[field.label]
    if field.options.features.field_presence == FeatureSet.LEGACY_REQUIRED:
        label = Label.REQUIRED
    elif member or (label is Label.OPTIONAL and not rules.labelled and not field.proto3_optional):
        label = None
    entry = maps.get(field.type_name)
    if entry is not None:
        key, value = entry.field
        key_type = _type(key, rules)
        assert isinstance(key_type, Scalar)
        return Field(field.name, field.number, None, MapType(key_type, _type(value, rules)))
    oneof = message.oneof_decl[field.oneof_index].name if member else ""
    return Field(field.name, field.number, label, _type(field, rules), oneof)


def _type(field: FieldDescriptorProto, rules: _Rules) -> Type:
    match field.type:
        case FieldDescriptorProto.TYPE_MESSAGE:
            said = field.options.features.message_encoding
            grouped = said == FeatureSet.DELIMITED or (rules.delimited and not said)
            return MessageType(field.type_name, grouped=grouped)
        case FieldDescriptorProto.TYPE_GROUP:
            return MessageType(field.type_name, grouped=True)
        case FieldDescriptorProto.TYPE_ENUM:
            return EnumType(field.type_name)
        case scalar:
            return Scalar(SCALARS[scalar])


def _oneofs(fields: Iterable[Field]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for field in fields:
        if field.oneof:
            found.setdefault(field.oneof, []).append(field.number)
    return found


def _enum(enum: EnumDescriptorProto) -> Enum:
    values: dict[int, list[str]] = {}
    for each in enum.value:
        values.setdefault(each.number, []).append(each.name)
    return Enum(enum.name, values)
