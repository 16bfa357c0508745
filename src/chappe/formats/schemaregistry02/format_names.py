"""Names of schema formats: those of the text's examples, and the registry's own.

    "avro"          -> "Avro/1.12"
    "json-schema"   -> of a schema what its `$schema` says, such as "JsonSchema/draft-07"; of a group "JsonSchema"
    "protobuf"      -> of a schema what its syntax says, such as "Protobuf/3"; of a group "Protobuf"
    "xsd11"         -> "XSD/1.1"
    "thrift"        -> itself, as any name that is not known: kept, and not checked

A schema's are what the Confluent API makes of them, so that versions of one schema may come from both.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Final

from chappe.formats.json_language import format_of
from chappe.registry.request import Formats

_NAMES: Final[Mapping[str, str]] = {
    "avro": "Avro",
    "json": "JsonSchema",
    "json-schema": "JsonSchema",
    "jsonschema": "JsonSchema",
    "protobuf": "Protobuf",
    "xsd": "XSD",
    "xsd10": "XSD/1.0",
    "xsd11": "XSD/1.1",
}
_SYNTAXES: Final = ("Protobuf/3", "Protobuf/2", "Protobuf/2023")


def effective(sent: str, present: str | None) -> str:
    """The registry's name of a format; what is there stays, if the name says no more than its language."""
    name = _NAMES.get(sent.lower(), sent)
    if present is not None and name.lower() == present.partition("/")[0].lower():
        return present
    return "Avro/1.12" if name == "Avro" else name


def precise(format: str, document: bytes, formats: Formats) -> str:
    """The format of a schema whose language alone is named.

    Raises:
        Malformed: it should be a JSON Schema, and is none.
    """
    if format == "JsonSchema":
        return format_of(document)
    if format == "Protobuf":
        fitting = (one for one in _SYNTAXES if formats.fault(one, document) is None)
        return next(fitting, format)
    return format


def of_media_type(contenttype: str | None) -> str | None:
    """What a media type's own parameter says: "application/json;format=avro" -> "avro"."""
    if contenttype is None:
        return None
    message = Message()
    message["content-type"] = contenttype
    found = message.get_param("format")
    return found if isinstance(found, str) and found else None
