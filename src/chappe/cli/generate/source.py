"""The schema that code is made of: a document of the registry, the payload of a type, or a file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import Final, Literal, TypeAlias

import click

from chappe.cli.registry_find import SCHEMAS, find_one, id_of, metadata_path
from chappe.cli.schema_format import format_of
from chappe.client.hub_client import HubClient
from chappe.client.registry import NO_FLAGS, RegistryClient, encoded, object_of
from chappe.domain.errors import CallerError, Malformed, NotFound

Family: TypeAlias = Literal["JSON Schema", "Avro", "Protobuf", "XSD"]

_FAMILIES: Final[dict[str, Family]] = {
    "jsonschema": "JSON Schema",
    "avro": "Avro",
    "protobuf": "Protobuf",
    "xsd": "XSD",
}
_SUFFIXES: Final = {".avsc": "Avro/1.12", ".proto": "Protobuf", ".xsd": "XSD/1.0"}


@dataclass(frozen=True, slots=True)
class Source:
    """A document, what it is written in, and what it is called."""

    document: bytes
    family: Family
    format: str
    name: str

    @property
    def class_name(self) -> str:
        """What its class is called: "order.paid" -> "OrderPaid", "7" -> "Schema7"."""
        words = "".join(word[:1].upper() + word[1:] for word in self._words)
        return words if words[:1].isalpha() and not iskeyword(words) else f"Schema{words}"

    @property
    def module_name(self) -> str:
        """What its module is called: "order.paid" -> "order_paid", "class" -> "schema_class"."""
        words = "_".join(self._words).lower()
        return words if words[:1].isalpha() and not iskeyword(words) else f"schema_{words}"

    @property
    def _words(self) -> list[str]:
        return re.findall(r"[A-Za-z0-9]+", self.name)


def is_file(name: str) -> bool:
    """Whether SCHEMA is a file: one that is here, or has a name that only files have."""
    if name.startswith(("./", "../")) or Path(name).suffix.lower() in (".json", *_SUFFIXES):
        return True
    return Path(name).is_file()


def read_file(name: str, format: str | None) -> Source:
    """The schema of a file; by its name's end it is told what it is written in, else by `format`.

    Raises:
        click.UsageError: it cannot be read.
    """
    try:
        document = Path(name).read_bytes()
    except OSError as exc:
        raise click.UsageError(f"{name}: {exc.strerror or exc}") from exc
    stem = Path(name).name.partition(".")[0]
    return _source(document, format or _format_of_file(name, document), stem)


async def read_registry(
    hub: HubClient, name: str, *, group: str | None, version: str | None
) -> Source:
    """The schema of a name or an xid: a document, or what is declared for a type.

    Raises:
        NotFound: there is none.
        Ambiguous: several groups have one of that name.
        CallerError: the document is not in this registry.
    """
    registry = RegistryClient(hub)
    found = await find_one(registry, SCHEMAS, name, group=group)
    xid = str(found["xid"])
    if not xid.startswith("/schemagroups/"):
        format_ = str(found.get("dataschemaformat") or "")
        if "dataschema" in found:
            body = found["dataschema"]
            document = body.encode() if isinstance(body, str) else encoded(body)
            return _source(document, format_, id_of(found))
        if not found.get("dataschemaxid"):
            raise NotFound(f"schema {name!r}: the type is declared, but no schema for its payload")
        xid = str(found["dataschemaxid"])
    if version is not None:
        xid = f"{xid.partition('/versions/')[0]}/versions/{version}"
    path = metadata_path(xid)
    details = object_of(await registry.get(path))
    if "schemaurl" in details:
        raise CallerError(f"{xid}: its document is at {details['schemaurl']}; nothing is fetched")
    document = (await registry.get(path.removesuffix("$details"), NO_FLAGS)).body
    return _source(document, str(details.get("format") or ""), xid.split("/")[4])


def check(source: Source) -> None:
    """Refuse what is none of its format, costs too much, or refers to something outside of it.

    Protobuf is left to protoc, which is given nothing to read but the document.

    Raises:
        CallerError: it is refused; names the place and the rule.
    """
    try:
        _parse(source)
    except Malformed as exc:
        raise CallerError(
            f"{source.name}: {exc.message}", next="mend the schema; it is read as the hub reads it"
        ) from exc


def _parse(source: Source) -> None:
    match source.family:
        case "JSON Schema":
            from chappe.formats.json_language import JsonSchemaLanguage

            JsonSchemaLanguage().parse(source.document, source.format)
        case "Avro":
            from chappe.formats.avro.language import Avro

            Avro().parse(source.document, source.format)
        case "XSD":
            from chappe.formats.xsd.language import Xsd

            Xsd().parse(source.document, source.format)
        case "Protobuf":
            pass


def _source(document: bytes, format: str, name: str) -> Source:
    family = _FAMILIES.get(format.partition("/")[0].lower())
    if family is None:
        raise click.UsageError(
            f"{name}: its format is {format!r}; known: {', '.join(_FAMILIES.values())}"
        )
    return Source(document, family, format, name)


def _format_of_file(name: str, document: bytes) -> str:
    known = _SUFFIXES.get(Path(name).suffix.lower())
    if known is not None:
        return known
    try:
        return format_of(json.loads(document))
    except (ValueError, RecursionError):
        raise click.UsageError(
            f"{name}: it is no JSON, and its name does not end in {', '.join(_SUFFIXES)}; add --format"
        ) from None
