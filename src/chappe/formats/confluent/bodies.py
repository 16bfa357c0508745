"""Answers about schemas, as JSON. What is empty is left out, as Confluent's registry does."""

from __future__ import annotations

import base64
from typing import Any

from chappe.formats.confluent.identity import Content
from chappe.formats.confluent.index import Entry, Index
from chappe.formats.confluent.looking import Found
from chappe.formats.confluent.names import DEFAULT, Name
from chappe.formats.confluent.parsing import Described, Parser, resolve_entry
from chappe.formats.confluent.texts import resolved_avro


def version_body(entry: Entry, *, text: str | None = None) -> dict[str, Any]:
    """A version of a subject; `text` where it is to be shown in another form."""
    return {
        "subject": entry.name.text,
        "version": entry.version,
        "id": entry.id,
        "guid": entry.guid,
        **_content(entry.content, text),
        "ts": entry.ts,
        "deleted": entry.deleted,
    }


def found_body(found: Found, *, text: str | None = None) -> dict[str, Any]:
    """What was looked up."""
    if found.entry is not None:
        return version_body(found.entry, text=text)
    return {
        "subject": found.name.text,
        "version": found.version,
        "id": found.id,
        "guid": found.content.guid,
        **_content(found.content, text),
    }


def registered_body(found: Found, *, text: str | None = None) -> dict[str, Any]:
    """What was registered."""
    body = found_body(found, text=text)
    del body["subject"]
    return {"id": body.pop("id"), **body}


def id_body(entry: Entry, *, scope: Name | None = None, text: str | None = None) -> dict[str, Any]:
    """A schema by its id; whose it is only where a subject or a context was asked for."""
    body: dict[str, Any] = {}
    if scope is not None:
        body = {"subject": entry.name.text, "version": entry.version}
    return {**body, "guid": entry.guid, **_content(entry.content, text), "ts": entry.ts}


def qualified(entry: Entry, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the context of each reference in its subject (referenceFormat=qualified)."""
    if entry.name.context == DEFAULT or "references" not in body:
        return body
    references = [
        {**one.shown(), "subject": entry.name.beside(one.subject).text} for one in entry.references
    ]
    return {**body, "references": references}


def formatted(index: Index, parser: Parser, entry: Entry, format: str) -> str | None:
    """The text of a version in a format that a client asks for; None for the usual one.

    Raises:
        InvalidSchema: it, or what it refers to, cannot be read any more.
    """
    match entry.type, format:
        case ("AVRO", "resolved"):
            resolved = resolve_entry(index, entry)
            return resolved_avro(resolved.content.text, resolved.documents)
        case ("PROTOBUF", "serialized"):
            schema = parser.parse(resolve_entry(index, entry))
            if isinstance(schema, Described):
                return base64.b64encode(schema.descriptor()).decode("ascii")
            return None
        case _:
            return None  # Formats that are not known are passed over.


def _content(content: Content, text: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"schemaType": content.type}
    if content.references:
        body["references"] = [one.shown() for one in content.references]
    if content.metadata is not None:
        body["metadata"] = content.metadata.shown()
    if content.rules is not None:
        body["ruleSet"] = content.rules.shown()
    return body | {"schema": content.text if text is None else text}
