"""Tags inside of Protobuf schemas: those of confluent.Meta, which confluent/meta.proto puts to messages and
fields as their option 1088.

    message Order {                                            "Order" is a message
      option (confluent.message_meta) = { tags: "shop" };
      string email = 1 [(confluent.field_meta) = { tags: "PII" }];    "Order.email" a field
    }

Paths begin at the file, without its package. What else stands in an option is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from chappe.domain.errors import Malformed
from chappe.formats.protobuf_schema.classes import Classes

META_FILE: Final = "confluent/meta.proto"
_NUMBER: Final = 1088
_TAGS: Final = 3


class Tagged(NamedTuple):
    """A message or a field, and its tags in the order of the text."""

    path: str
    is_field: bool
    tags: Sequence[str]


def tags_in(described: bytes) -> list[Tagged]:
    """All that can be tagged in a serialised FileDescriptorProto: each message, then its fields.

    Raises:
        Malformed: option 1088 is another than Meta in it.
    """
    found: list[Tagged] = []
    for path, is_field, element in _elements(_read(described).message_type, ""):
        extension = _extension(is_field=is_field)
        has = element.HasField("options") and element.options.HasExtension(extension)
        tags = tuple(element.options.Extensions[extension].tags) if has else ()
        found.append(Tagged(path, is_field, tags))
    return found


def with_tags(described: bytes, change: Callable[[Tagged], Sequence[str]]) -> bytes:
    """The file with the tags that `change` gives for each message and field.

    It imports confluent/meta.proto then, if something is tagged.

    Raises:
        Malformed: option 1088 is another than Meta in it.
    """
    file = _read(described)
    told = {(one.path, one.is_field): one for one in tags_in(described)}
    wanted = {key: tuple(change(one)) for key, one in told.items()}
    if all(wanted[key] == tuple(one.tags) for key, one in told.items()):
        return described
    for path, is_field, element in _elements(file.message_type, ""):
        tags = wanted[path, is_field]
        if tags == tuple(told[path, is_field].tags):
            continue
        extension = _extension(is_field=is_field)
        meta = element.options.Extensions[extension]
        meta.tags[:] = tags
        if not meta.ByteSize():
            element.options.ClearExtension(extension)
        if not element.options.ByteSize():
            element.ClearField("options")
    if any(wanted.values()) and META_FILE not in (*file.dependency, *file.option_dependency):
        file.dependency.append(META_FILE)
    return bytes(file.SerializeToString(deterministic=True))


def _elements(messages: Any, above: str) -> Iterator[tuple[str, bool, Any]]:
    for message in messages:
        if message.options.map_entry:
            continue
        path = f"{above}{message.name}"
        yield path, False, message
        for field in message.field:
            yield f"{path}.{field.name}", True, field
        yield from _elements(message.nested_type, f"{path}.")


def _read(described: bytes) -> Any:
    pool = _pool()
    message = pool.FindMessageTypeByName(FileDescriptorProto.DESCRIPTOR.full_name)
    try:
        return _classes().of(message).FromString(described)
    except DecodeError:
        raise Malformed(
            f"dataschema: its option {_NUMBER} is another than that of {META_FILE}"
        ) from None


def _extension(*, is_field: bool) -> Any:
    name = "field_meta" if is_field else "message_meta"
    return _pool().FindExtensionByName(f"confluent.{name}")


@cache
def _pool() -> DescriptorPool:
    """Descriptors that know of Meta's tags; its other members stay what they are, unread."""
    pool = DescriptorPool()
    pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
    own = FileDescriptorProto(
        name=META_FILE,
        package="confluent",
        syntax="proto3",
        dependency=[descriptor_pb2.DESCRIPTOR.name],
        message_type=[
            DescriptorProto(
                name="Meta",
                field=[
                    FieldDescriptorProto(
                        name="tags",
                        number=_TAGS,
                        type=FieldDescriptorProto.TYPE_STRING,
                        label=FieldDescriptorProto.LABEL_REPEATED,
                    )
                ],
            )
        ],
        extension=[
            FieldDescriptorProto(
                name=f"{kind.lower()}_meta",
                number=_NUMBER,
                extendee=f".google.protobuf.{kind}Options",
                type=FieldDescriptorProto.TYPE_MESSAGE,
                type_name=".confluent.Meta",
                label=FieldDescriptorProto.LABEL_OPTIONAL,
            )
            for kind in ("Message", "Field")
        ],
    )
    pool.AddSerializedFile(own.SerializeToString())
    return pool


@cache
def _classes() -> Classes:
    described = FileDescriptorProto(name=descriptor_pb2.DESCRIPTOR.name)
    classes = Classes(_pool(), (described, FileDescriptorProto(name=META_FILE)))
    classes.complete()
    return classes
