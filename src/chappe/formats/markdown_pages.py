"""Pages in Markdown for people and programs that read: /llms.txt, and the twins of types and schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from chappe.formats.asyncapi.carried import Message, SchemaFound, schema_of
from chappe.formats.asyncapi.values import members, text
from chappe.formats.catalogue import Declared
from chappe.registry.entity import Resource, Tree, Version

MOST: Final = 5_000
"""Entries of a list: who reads it has only so much room."""
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_FENCES: Final = {"avro": "json", "jsonschema": "json", "protobuf": "proto", "xsd": "xml"}


def llms_txt(tree: Tree, types: Mapping[str, Declared], base: str) -> str:
    """The map of the hub (llmstxt.org): its types and schemas, each with a link."""
    name = text(tree.attributes.get("name")) or "Chappe"
    about = text(tree.attributes.get("description")) or "An event hub and registry for CloudEvents."
    lines = [
        f"# {_plain(name)}",
        "",
        f"> {_plain(about)}",
        "",
        "Each link answers Markdown with the header `Accept: text/markdown`, and JSON without.",
        "",
        "## Types of events",
        "",
    ]
    entries = [
        _entry(type_, f"{base}/types/{quote(type_, safe='')}", _about(one.messages[0]))
        for type_, one in types.items()
    ]
    lines += _bounded(entries, f"{base}/messagegroups") or ["None is declared."]
    schemas = [
        _entry(xid.removeprefix("/schemagroups/"), base + quote(xid), None)
        for xid in _schemas(tree)
    ]
    lines += [
        "",
        "## Schemas",
        "",
        *(_bounded(schemas, f"{base}/schemagroups") or ["There is none."]),
    ]
    lines += [
        "",
        "## Interfaces",
        "",
        _entry("AsyncAPI", f"{base}/asyncapi", "what applications send and receive"),
        _entry("OpenAPI", f"{base}/openapi.json", "the hub's own API"),
        _entry("Backstage", f"{base}/catalog-info.yaml", "entities for a software catalog"),
    ]
    return "\n".join(lines) + "\n"


def type_page(tree: Tree, declared: Declared, base: str) -> str:
    """A type of events: what it means, its attributes, its payload, and how to get it."""
    lines = [f"# {_plain(declared.type)}", ""]
    for message in declared.messages:
        lines += _message(tree, message, base)
    if declared.endpoints:
        lines += ["## Endpoints", ""]
        lines += [
            _entry(one, f"{base}/endpoints/{quote(one, safe='')}", None)
            for one in declared.endpoints
        ]
        lines.append("")
    order = {"protocol": "HTTP", "sink": "https://your.service/events", "types": [declared.type]}
    lines += ["## Subscribe", "", *_fence(_json(order), "json"), ""]
    lines += [f"Send that with POST to {base}/subscriptions.", ""]
    return "\n".join(lines)


def message_page(tree: Tree, message: Message, base: str) -> str:
    """One message."""
    return "\n".join([f"# {_plain(message.id)}", "", *_message(tree, message, base)])


def schema_page(xid: str, version: Version, resource: Resource) -> str:
    """One schema, or one version of it."""
    attributes = version.attributes
    format_ = text(attributes.get("format")) or ""
    lines = [f"# {_plain(xid)}", ""]
    about = text(attributes.get("description"))
    lines += [_plain(about), ""] if about else []
    versions = ", ".join(resource.versions.ordered())
    lines += [
        f"- Format: {_plain(format_)}",
        f"- Version: {version.id}",
        f"- Versions: {versions}",
        "",
    ]
    url = text(attributes.get("schemaurl"))
    if version.document:
        lines += _fence(version.document.decode("utf-8", "replace"), _language(format_))
    elif url:
        lines.append(f"The schema is at {_plain(url)}.")
    return "\n".join([*lines, ""])


def _message(tree: Tree, message: Message, base: str) -> Iterator[str]:
    attributes = message.attributes
    about = text(attributes.get("description"))
    if about:
        yield from (_plain(about), "")
    yield f"Declared by [{_plain(message.xid)}]({base}{quote(message.xid)})."
    yield ""
    metadata = members(attributes.get("envelopemetadata"))
    if metadata:
        yield from ("| attribute | type | value | required |", "|---|---|---|---|")
        for name, rule in sorted(metadata.items()):
            said = members(rule)
            cells = (name, said.get("type"), said.get("value"), said.get("required"))
            yield "| " + " | ".join(_cell(one) for one in cells) + " |"
        yield ""
    found = schema_of(tree, message, base)
    if isinstance(found, str):
        yield from ("## Payload", "", f"Its schema is at {_plain(found)}.", "")
    elif found is not None:
        yield from ("## Payload", "", *_payload(found, base), "")


def _payload(found: SchemaFound, base: str) -> Iterator[str]:
    told = f"{_plain(found.format)}"
    yield f"{told}, [{_plain(found.xid)}]({base}{quote(found.xid)})" if found.xid else told
    yield ""
    content = found.content if isinstance(found.content, str) else _json(found.content)
    yield from _fence(content, _language(found.format))


def _schemas(tree: Tree) -> Iterator[str]:
    groups = tree.of("schemagroups")
    for gid in groups.ordered():
        for rid in groups[gid].of("schemas").ordered():
            yield f"/schemagroups/{gid}/schemas/{rid}"


def _about(message: Message) -> str | None:
    return text(message.attributes.get("description")) or text(message.attributes.get("name"))


def _entry(name: str, url: str, about: str | None) -> str:
    return f"- [{_plain(name)}]({url})" + (f": {_plain(about)}" if about else "")


def _bounded(entries: list[str], rest: str) -> list[str]:
    if len(entries) <= MOST:
        return entries
    return [*entries[:MOST], f"- and {len(entries) - MOST:,} more: {rest}"]


def _fence(content: str, language: str) -> list[str]:
    """A block of code, whatever back-ticks stand in it."""
    longest, run = 2, 0
    for one in content:
        run = run + 1 if one == "`" else 0
        longest = max(longest, run)
    marks = "`" * (longest + 1)
    return [f"{marks}{language}", content.rstrip("\n"), marks]


def _json(value: Any) -> str:
    return msgspec.json.format(_encode(value), indent=2).decode()


def _language(format: str) -> str:
    return _FENCES.get(format.partition("/")[0].lower(), "")


_MARKUP: Final = str.maketrans({one: f"\\{one}" for one in "\\`*[]<>|#"})


def _plain(text: str) -> str:
    """A text in one line, in which nothing is markup."""
    return " ".join(text.split()).translate(_MARKUP)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _plain(value) if isinstance(value, str) else ""
