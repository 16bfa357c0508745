"""A schema document with what is said of it: as it was sent, and as it is shown (spec.md 2.2.5, 3.3.3).

parameter      header                    of
format         Schema-Format             the schema, where its group has no format
authority      Schema-Authority          the schema
description    Schema-Description        the version
id             Schema-Id                 the version; when shown, its path where it was given none
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chappe.domain.errors import Malformed
from chappe.formats.fields import shortened
from chappe.formats.schemaregistry02.format_names import effective, of_media_type, precise
from chappe.formats.schemaregistry02.uris import Named, check_authority, check_version_id
from chappe.formats.schemaregistry02.versions import AUTHORITY, VERSION_URI, text_of
from chappe.registry.entity import Group, Resource, Version
from chappe.registry.request import DocumentWrite, Formats
from chappe.registry.values import LIMIT_BYTES

PARAMETERS: Final = ("format", "description", "authority", "id")


@dataclass(frozen=True, slots=True)
class Sent:
    """A document to register; None: nothing was said."""

    document: bytes
    contenttype: str | None = None
    format: str | None = None
    description: str | None = None
    authority: str | None = None
    id: str | None = None

    def is_of(self, version: Version, named: Named) -> bool:
        """Whether a version is what was sent: its bytes, their type, and its names where they were."""
        has = version.attributes
        return (
            version.document == self.document
            and has.get("contenttype") == self.contenttype
            and self.id in (None, text_of(has, VERSION_URI) or named.path)
            and self.authority in (None, text_of(has, AUTHORITY))
        )


def parse_sent(document: bytes, contenttype: str | None, given: Mapping[str, str]) -> Sent:
    """What a client wants to register; `given` are texts by the names of PARAMETERS.

    Raises:
        Malformed: there is no document, or something said of it breaks a rule.
    """
    if not document:
        raise Malformed("body: is empty; it is the schema document")
    for name, text in given.items():
        if not text:
            raise Malformed(f"{name}: is empty; leave it out")
        if len(text.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
            raise Malformed(f"{name}: {shortened(text)} is longer than {LIMIT_BYTES} bytes")
    sent = Sent(document, contenttype, **given)
    if sent.authority is not None:
        check_authority(sent.authority)
    if sent.id is not None:
        check_version_id(sent.id)
    return sent


def format_for(sent: Sent, group: Group, schema: Resource | None, formats: Formats) -> str:
    """The registry's format of what was sent (spec.md 2.2.3, 2.2.4).

    Raises:
        Malformed: none was named and the group has none, or one was and the group has one.
    """
    of_group = text_of(group.attributes, "format")
    if of_group is not None:
        if sent.format is not None:
            raise Malformed(
                f"format: {shortened(sent.format)} was sent, but all schemas of the group are in"
                f" {shortened(of_group)}; leave it out"
            )
        return of_group
    default = None if schema is None else schema.default
    present = None if default is None else text_of(default.attributes, "format")
    wanted = sent.format
    if wanted is None:
        wanted = present if present is not None else of_media_type(sent.contenttype)
    if wanted is None:
        raise Malformed(
            "format: is missing, and the group has none; name it in the header Schema-Format, such"
            " as avro, json-schema, protobuf or xsd11"
        )
    format_ = effective(wanted, present)
    return format_ if format_ == present else precise(format_, sent.document, formats)


def write_of(sent: Sent, format: str, authority: str | None, versionid: str) -> DocumentWrite:
    """The write to the registry; `authority` is the schema's, a `versionid` "" the engine's to choose."""
    said = {
        "format": format,
        "description": sent.description,
        AUTHORITY: authority,
        VERSION_URI: sent.id,
        "versionid": versionid,
    }
    attributes: dict[str, Any] = {name: text for name, text in said.items() if text}
    return DocumentWrite(sent.document, attributes, sent.contenttype)


def described(version: Version, named: Named, group: Group) -> dict[str, str]:
    """What is said of a version beside its document, by the names of headers."""
    has = version.attributes
    found = {
        "schema-id": text_of(has, VERSION_URI) or named.path,
        "schema-version": str(named.number),
        # spec.md 2.2.4: absent where the group has one.
        "schema-format": None if "format" in group.attributes else text_of(has, "format"),
        "schema-description": text_of(has, "description"),
        "schema-authority": text_of(has, AUTHORITY),
        "schema-createdtimeutc": text_of(has, "createdat"),
    }
    return {name: text for name, text in found.items() if text is not None}
