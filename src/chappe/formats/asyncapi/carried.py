"""What passes at an endpoint, as its registry tells: messages with their schemas, mirrors seen through.

A message's own attributes go before those of the message that it extends (`basemessage`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from chappe.formats.asyncapi.schema_formats import is_in_json
from chappe.formats.asyncapi.values import members, text
from chappe.formats.discovery_endpoints import referred
from chappe.formats.hub_entities import MESSAGES
from chappe.registry.entity import Attributes, Group, Resource, Tree, Version

MAX_BASES: Final = 8
_FRAGMENT: Final = "#"
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `xid` is that of the message itself, wherever it is mirrored."""

    xid: str
    id: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SchemaFound:
    """A payload's schema: JSON, or a text. `xid` is "" where it stands in the message itself."""

    xid: str
    format: str
    content: Any
    description: str | None = None


def messages_of(tree: Tree, endpoint: Group, base: str) -> Iterator[Message]:
    """The endpoint's own messages, then those of its groups; each once."""
    seen: set[str] = set()
    for plural, group in (
        ("endpoints", endpoint),
        *(("messagegroups", one) for one in referred(tree, endpoint, base)),
    ):
        for message in messages_in(tree, plural, group):
            if message.xid not in seen:
                seen.add(message.xid)
                yield message


def messages_in(tree: Tree, plural: str, group: Group) -> Iterator[Message]:
    """The messages of a group or an endpoint, by id."""
    kept = group.of(MESSAGES)
    for id_ in kept.ordered():
        resource: Resource | None = kept[id_]
        xid = f"/{plural}/{group.id}/{MESSAGES}/{id_}"
        if resource is not None and resource.xref is not None:
            xid, resource = resource.xref, tree.resource(resource.xref)
        version = None if resource is None else resource.default
        if version is not None:
            attributes = _with_bases(tree, version.attributes)
            yield Message(xid, xid.rpartition("/")[2], attributes)


def schema_of(tree: Tree, message: Message, base: str) -> SchemaFound | str | None:
    """The schema of a message's payload; a URL, where it is elsewhere."""
    attributes = message.attributes
    xid, uri = text(attributes.get("dataschemaxid")), text(attributes.get("dataschemauri"))
    if xid is None and uri is not None:
        path = uri.removeprefix(base).removeprefix(_FRAGMENT)
        if not path.startswith("/"):
            return uri
        xid = path
    if xid is not None:
        found = version_at(tree, xid)
        return None if found is None else _of_version(xid, found)
    content = attributes.get("dataschema")
    format_ = text(attributes.get("dataschemaformat"))
    if content is None or format_ is None:
        return None
    return SchemaFound("", format_, content)


def version_at(tree: Tree, xid: str) -> Version | None:
    """The version at "/schemagroups/g/schemas/s[/versions/v]"; mirrors are seen through."""
    parts = xid.removesuffix("$details").split("/")
    if len(parts) not in (5, 7):
        return None
    resource = tree.resource("/".join(parts[:5]))
    if resource is not None and resource.xref is not None:
        resource = tree.resource(resource.xref)
    if resource is None:
        return None
    return resource.default if len(parts) == 5 else resource.versions.find(parts[6])


def parsed(document: bytes, format: str) -> Any:
    """A schema's document as a value: JSON where its language is written in JSON, else a text."""
    if is_in_json(format):
        try:
            return _decode(document)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            pass
    return document.decode("utf-8", "replace")


def _of_version(xid: str, version: Version) -> SchemaFound | str | None:
    if not version.document:
        return text(version.attributes.get("schemaurl"))
    format_ = text(version.attributes.get("format")) or ""
    content = parsed(version.document, format_)
    return SchemaFound(xid, format_, content, text(version.attributes.get("description")))


def _with_bases(tree: Tree, attributes: Attributes) -> Attributes:
    found = attributes
    for _ in range(MAX_BASES):
        base = text(attributes.get("basemessage")) or text(attributes.get("basemessageuri"))
        resource = None if base is None else tree.resource(base.removeprefix(_FRAGMENT))
        if resource is None or resource.default is None:
            return found
        attributes = resource.default.attributes
        found = _joined(attributes, found)
    return found


def _joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own`, and what `base` has besides; maps are joined."""
    made = dict(base)
    for name, value in own.items():
        below = base.get(name)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            made[name] = _joined(members(below), value)
        else:
            made[name] = value
    return made
