"""One parsed Protobuf schema: its text, its tree and its messages, in a pool of its own.

The pool is private since pools know each name once: two tenants' `shop.Order` would meet in a shared
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.protobuf_schema import known
from chappe.formats.protobuf_schema.classes import Classes
from chappe.formats.protobuf_schema.payload import PayloadCheck, UnknownFields
from chappe.formats.protobuf_schema.spelling import spelling_of
from chappe.formats.protobuf_schema.text import dialect_of, text_of
from chappe.formats.protobuf_schema.tree import Tree, tree_of
from chappe.formats.schema_language import Violation

MAX_DESCRIPTOR_BYTES: Final = 4 << 20
# Each thing is kept by its full name, so a long package counts once for each.
MAX_NAMES_BYTES: Final = 16 << 20

_DESCRIPTOR_FILE: Final = "google/protobuf/descriptor.proto"


class ProtobufSchema:
    """A linked schema; immutable."""

    def __init__(
        self,
        described: bytes,
        format: str,
        *,
        text: bytes = b"",
        unknown_fields: UnknownFields = "refuse",
    ) -> None:
        """Load a FileDescriptorSet of which the last file is the schema; `text` is what it was
        compiled from, if it was a text.

        Raises:
            Malformed: it is none, or too large to be loaded.
        """
        if len(described) > MAX_DESCRIPTOR_BYTES:
            raise Malformed(
                f"dataschema: {len(described)} bytes when compiled; at most"
                f" {MAX_DESCRIPTOR_BYTES} are possible"
            )
        try:
            self._files = FileDescriptorSet.FromString(described).file
        except DecodeError as exc:
            raise Malformed(f"dataschema: its descriptor cannot be read: {exc}") from None
        if not self._files:
            raise Malformed("dataschema: its descriptor is empty")
        self._main = self._files[-1]
        self._format = format
        self._source = text
        self._unknown_fields: UnknownFields = unknown_fields
        _check_names(self._files)
        self._pool = _pool(self._files)
        self._classes = Classes(self._pool, self._files)
        self._checks: dict[str, PayloadCheck] = {}
        self._by_indexes: dict[tuple[int, ...], PayloadCheck] = {}

    @property
    def format(self) -> str:
        """As it was asked for: "Protobuf", "Protobuf/2", "Protobuf/3" or an edition's."""
        return self._format

    @property
    def dialect(self) -> str:
        """What the text says: "proto2", "proto3", or an edition, such as "2023"."""
        return dialect_of(self._main)

    @property
    def package(self) -> str:
        """The package, or ""."""
        return self._main.package

    @cached_property
    def references(self) -> Sequence[str]:
        """What it imports itself, but the bundled types, in the order of the text."""
        return tuple(
            name
            for name in (*self._main.dependency, *self._main.option_dependency)
            if name not in known.NAMES
        )

    @cached_property
    def tree(self) -> Tree:
        """What is compared of it."""
        return tree_of(self._files)

    def canonical(self) -> str:
        """The text without comments, in one layout; names as they are written."""
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        return self._text(normalized=False)

    def normalized(self) -> str:
        """The canonical text with all names in full and in one order where order means nothing to
        data: imports and names sorted, members by number. Order of messages stays, since indexes
        count by it.
        """
        return self._text(normalized=True)

    def descriptor(self) -> bytes:
        """The schema's own FileDescriptorProto, serialised; imports are not in it."""
        return self._main.SerializeToString(deterministic=True)

    def message_name(self, indexes: Sequence[int] = (0,)) -> str | None:
        """The full name ("shop.Order.Line") of the message at the indexes: of a top-level message,
        then of one nested in it, and so on. None when there is none.
        """
        messages: Sequence[DescriptorProto] = self._main.message_type
        names = [self.package] if self.package else []
        for index in indexes:
            if not 0 <= index < len(messages):
                return None
            names.append(messages[index].name)
            messages = messages[index].nested_type
        return ".".join(names) if indexes else None

    def check(self, data: bytes | None, content_type: str | None) -> Sequence[Violation]:
        """Check against the first message, which is what a schema without more words means."""
        known = self._by_indexes.get((0,))
        if known is not None:
            return known(data, content_type)
        return self.check_message(data, (0,), content_type)

    def check_message(
        self,
        data: bytes | None,
        indexes: Sequence[int],
        content_type: str | None = "application/protobuf",
    ) -> Sequence[Violation]:
        """Check against the message at the indexes (see `framing`)."""
        known = self._by_indexes.get(tuple(indexes))
        if known is not None:
            return known(data, content_type)
        name = self.message_name(indexes)
        if name is None:
            told = f"{list(indexes)}"[:80]
            return (Violation("", "message", told, f"the schema has no message at {told}"),)
        violations = self.check_named(data, name, content_type)
        if name in self._checks:
            self._by_indexes[tuple(indexes)] = self._checks[name]
        return violations

    def check_named(
        self, data: bytes | None, name: str, content_type: str | None = "application/protobuf"
    ) -> Sequence[Violation]:
        """Check against a message by its full name, such as "shop.Order", imported ones too."""
        check = self._checks.get(name)
        if check is None:
            message = self._find(name)
            if message is None:
                told = shortened(name)
                return (Violation("", "message", told, f"the schema has no message {told}"),)
            check = PayloadCheck(message, self._classes, self._unknown_fields)
            self._checks[name] = check
        return check(data, content_type)

    def _find(self, name: str) -> Descriptor | None:
        try:
            message = self._pool.FindMessageTypeByName(name)
        except (KeyError, TypeError, UnicodeError):
            return None
        return None if message.GetOptions().map_entry else message

    def _text(self, *, normalized: bool) -> str:
        """The text; options that imports define are known only in the schema's own pool."""
        spelling = None
        if self._source and not normalized:
            spelling = spelling_of(self._source.decode(), self._main.package)
        if all(file.name != _DESCRIPTOR_FILE for file in self._files):
            return text_of(self._main, normalized=normalized, spelling=spelling)
        message = self._pool.FindMessageTypeByName(FileDescriptorProto.DESCRIPTOR.full_name)
        self._classes.complete()
        found = self._classes.of(message).FromString(self._main.SerializeToString())
        # Of the same definition, in the schema's own pool.
        return text_of(found, normalized=normalized, spelling=spelling)  # type: ignore[arg-type]


def _pool(files: Sequence[FileDescriptorProto]) -> DescriptorPool:
    pool = DescriptorPool()
    try:
        for file in files:
            pool.AddSerializedFile(file.SerializeToString())
    except (TypeError, ValueError) as exc:
        why = str(exc).removeprefix("Couldn't build proto file into descriptor pool: ")
        raise Malformed(f"dataschema: its types cannot be built: {why[:300]}") from None
    return pool


def _check_names(files: Sequence[FileDescriptorProto]) -> None:
    total = 0
    for file in files:
        if file.name in known.NAMES:
            continue
        for message in file.message_type:
            total += _names(message, len(file.package))
        for enum in file.enum_type:
            total += sum(len(file.package) + len(each.name) for each in enum.value)
        total += (len(file.package) + 100) * (len(file.enum_type) + len(file.extension))
    if total > MAX_NAMES_BYTES:
        raise Malformed(
            f"dataschema: its names take {total} bytes in full; at most {MAX_NAMES_BYTES} are"
            " possible"
        )


def _names(message: DescriptorProto, above: int) -> int:
    """How many bytes the full names of a message and of all in it take."""
    here = above + len(message.name) + 1
    total = here
    total += sum(here + len(each.name) for each in message.field)
    total += sum(here + len(each.name) for each in message.extension)
    for enum in message.enum_type:
        total += here + len(enum.name) + sum(here + len(each.name) for each in enum.value)
    return total + sum(_names(each, here) for each in message.nested_type)
