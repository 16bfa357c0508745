"""What a schema document is before it is compiled, and what it may cost.

A document is the text of a .proto file, or a FileDescriptorProto in Base64. Either may come as a JSON
string, since registries carry documents in JSON.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.protobuf_schema import known
from chappe.formats.protobuf_schema.compiler import Source

MAX_BYTES: Final = 1 << 20
MAX_ALL_BYTES: Final = 4 << 20
MAX_REFERENCES: Final = 1_000
MAX_NAME_BYTES: Final = 512

# Some 10 µs each in the compiler, and all of a schema's own and imported ones count.
MAX_STATEMENTS: Final = 10_000
# Names of options with 500,000 parts end the compiler's stack.
MAX_DOTS: Final = 50_000

_MAIN: Final = "dataschema.proto"
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")
_STATEMENT_ENDS = re.compile(rb"[;,{]")


def prepare(document: bytes, references: Mapping[str, bytes]) -> tuple[Source, Sequence[Source]]:
    """The sources of a document and of what it refers to.

    References with names of bundled types are left out: those types are always the same.

    Raises:
        Malformed: too large, no text, or a name that no import could have.
    """
    wanted = {name: text for name, text in references.items() if name not in known.NAMES}
    if len(wanted) > MAX_REFERENCES:
        raise Malformed(
            f"dataschema: {len(wanted)} references; at most {MAX_REFERENCES} are possible"
        )
    _check_size(document, wanted)
    for name in wanted:
        _check_name(name, wanted)
    main_name = _MAIN
    while main_name in wanted:
        main_name = f"_{main_name}"
    main = _source(main_name, document, "dataschema")
    others = [
        _source(name, text, f"dataschema: reference {shortened(name)}")
        for name, text in wanted.items()
    ]
    statements = sum(
        len(_STATEMENT_ENDS.findall(each.content)) if not each.described else _described(each)
        for each in (main, *others)
    )
    if statements > MAX_STATEMENTS:
        raise Malformed(
            f"dataschema: {statements} statements with what it refers to (semicolons, commas and"
            f" opening braces); at most {MAX_STATEMENTS} are possible"
        )
    dots = sum(each.content.count(b".") for each in (main, *others))
    if dots > MAX_DOTS:
        raise Malformed(
            f"dataschema: {dots} dots with what it refers to; at most {MAX_DOTS} are possible"
        )
    return main, others


def _check_size(document: bytes, references: Mapping[str, bytes]) -> None:
    if len(document) > MAX_BYTES:
        raise Malformed(f"dataschema: {len(document)} bytes; at most {MAX_BYTES} are possible")
    total = len(document) + sum(map(len, references.values()))
    if total > MAX_ALL_BYTES:
        raise Malformed(
            f"dataschema: {total} bytes with what it refers to; at most {MAX_ALL_BYTES} are"
            " possible"
        )


def _check_name(name: str, names: Mapping[str, bytes]) -> None:
    """Refuse what is no path below a directory: it could never be imported."""
    parts = name.split("/")
    if (
        not all(part.strip() not in ("", ".", "..") for part in parts)
        or "\\" in name
        or not name.isprintable()
        or len(name.encode(errors="replace")) > MAX_NAME_BYTES
        or max(len(part.encode(errors="replace")) for part in parts) > 200
    ):
        raise Malformed(
            f"dataschema: reference {shortened(name)} is no name that an import can have: a"
            f" relative path without '.' and '..', at most {MAX_NAME_BYTES} bytes long"
        )
    for end in range(1, len(parts)):
        if (above := "/".join(parts[:end])) in names:
            raise Malformed(
                f"dataschema: reference {shortened(name)} lies below reference"
                f" {shortened(above)}; one name cannot be both a file and a directory"
            )


def _source(name: str, document: bytes, what: str) -> Source:
    text = document
    if text.lstrip()[:1] == b'"':
        text = _unquoted(text, what)
    if text and _BASE64.fullmatch(text):
        described = _from_base64(text, name)
        if described is not None:
            return Source(name, described, described=True)
    try:
        text.decode()
    except UnicodeDecodeError as exc:
        raise Malformed(f"{what}: not UTF-8: {exc.reason} at byte {exc.start}") from None
    return Source(name, text)


def _unquoted(text: bytes, what: str) -> bytes:
    try:
        return msgspec.json.decode(text, type=str).encode()
    except (msgspec.MsgspecError, UnicodeError) as exc:
        raise Malformed(
            f"{what}: begins with a quotation mark but is no JSON string: {exc}"
        ) from None


def _from_base64(text: bytes, name: str) -> bytes | None:
    """The descriptor under its name here; None when the bytes are none."""
    try:
        file = FileDescriptorProto.FromString(
            base64.b64decode(b"".join(text.split()), validate=True)
        )
    except (binascii.Error, DecodeError):
        return None
    file.name = name
    for message in file.message_type:
        _complete(message)
    return file.SerializeToString(deterministic=True)


def _complete(message: DescriptorProto) -> None:
    """Give each optional field of proto3 the oneof that it stands in; libraries leave it out."""
    own = {oneof.name: at for at, oneof in enumerate(message.oneof_decl)}
    for field in message.field:
        if field.proto3_optional and not field.HasField("oneof_index"):
            name = f"_{field.name}"
            if name not in own:
                own[name] = len(message.oneof_decl)
                message.oneof_decl.add(name=name)
            field.oneof_index = own[name]
    for nested in message.nested_type:
        _complete(nested)


def _described(source: Source) -> int:
    """How many statements a descriptor amounts to, roughly: each thing in it has a name."""
    return len(source.content) // 12
