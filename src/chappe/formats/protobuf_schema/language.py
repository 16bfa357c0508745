"""The schema language Protobuf, as the registry's formats name it.

"Protobuf"       any dialect
"Protobuf/2"     proto2; "Protobuf/3" proto3; "Protobuf/2023" and later: editions
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.protobuf_schema.compiler import Compiler
from chappe.formats.protobuf_schema.diff import changes
from chappe.formats.protobuf_schema.document import prepare
from chappe.formats.protobuf_schema.payload import UnknownFields
from chappe.formats.protobuf_schema.schema import ProtobufSchema
from chappe.formats.schema_language import Difference, Language, Policy, Schema

MAX_DIFFERENCES: Final = 100

_PLAIN: Final = "Protobuf"
_FORMAT = re.compile(r"(?:protobuf|proto)(?:/(?:proto|v)?(2|3|20\d\d))?", re.I)


class ProtobufLanguage:
    """Parses with a compiler that is given in; `unknown_fields` is the policy for payloads."""

    def __init__(self, compiler: Compiler, *, unknown_fields: UnknownFields = "refuse") -> None:
        self._compiler = compiler
        self._unknown_fields: UnknownFields = unknown_fields

    def canonical_format(self, format: str) -> str | None:
        """In one spelling: "protobuf/proto3" -> "Protobuf/3"; None where it is of no such language."""
        found = _FORMAT.fullmatch(format)
        if found is None:
            return None
        return f"{_PLAIN}/{found[1]}" if found[1] else _PLAIN

    def parse(
        self, document: bytes, format: str, references: Mapping[str, bytes] | None = None
    ) -> ProtobufSchema:
        """Parse the text of a .proto file, or a FileDescriptorProto in Base64.

        `references` are by the names that imports call them. Waits for the compiler: a millisecond
        as a rule.

        Raises:
            Malformed: see `Language.parse`.
            Unavailable: the compiler cannot run.
        """
        wanted = self.canonical_format(format)
        if wanted is None:
            raise Malformed(
                f"dataschemaformat: {shortened(format)} is unknown; known: {_PLAIN},"
                f" {_PLAIN}/2, {_PLAIN}/3, {_PLAIN}/2023"
            )
        main, others = prepare(document, references or {})
        schema = ProtobufSchema(
            self._compiler.compile(main, others),
            wanted,
            text=b"" if main.described else main.content,
            unknown_fields=self._unknown_fields,
        )
        number = wanted.partition("/")[2]
        if number and number != schema.dialect.removeprefix("proto"):
            raise Malformed(
                f"dataschema: it is {schema.dialect}, dataschemaformat says {wanted} (without a"
                " statement of syntax or edition it is proto2)"
            )
        return schema

    def backward(
        self, reader: Schema, writer: Schema, *, policy: Policy = "STRICT"
    ) -> Sequence[Difference]:
        """Why data of `writer` cannot be read with `reader`, a hundred reasons at most; there is one policy."""
        if not isinstance(reader, ProtobufSchema) or not isinstance(writer, ProtobufSchema):
            raise TypeError("both schemas must be of this language")
        breaking = (each for each in changes(writer.tree, reader.tree) if not each.compatible)
        return [
            Difference(each.kind.value, each.path, each.message, each.fix)
            for each in islice(breaking, MAX_DIFFERENCES)
        ]


_: type[Language] = ProtobufLanguage
