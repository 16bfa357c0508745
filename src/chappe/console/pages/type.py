"""One type of events: what it is, what it looks like, who sends and takes it, how to subscribe."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chappe.client.catalogue import TypeFound, find
from chappe.client.paths import EventQuery, inferred, subscriptions
from chappe.client.registry import RegistryClient, joined, object_of
from chappe.client.views import Inferred, Subscribed
from chappe.console.page import Page, Route, Visit
from chappe.console.schema_tree import SchemaTree, schema_tree
from chappe.console.snippets import Snippet, subscribing
from chappe.domain.errors import CallerError, ChappeError, NotFound

_MOST_SHOWN_BYTES = 16 * 1024
_DRAFTED_OF = 100


@dataclass(frozen=True, slots=True)
class Example:
    """The newest event that is there; `cut` where it is longer than what is shown."""

    position: str
    acceptedat: str
    source: str
    id: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What its payloads look like: `origin` is where that comes from.

    `xid` names a schema of the registry; `origin` is "declared", "draft" or "".
    """

    origin: str
    format: str
    xid: str
    tree: SchemaTree | None


@dataclass(frozen=True, slots=True)
class Sender:
    """A source that was seen; `known` tells whether the declaration expects it."""

    source: str
    known: bool


@dataclass(frozen=True, slots=True)
class TypeView:
    """What is shown."""

    found: TypeFound
    facts: Mapping[str, str]
    attributes: Sequence[tuple[str, str, bool, str]]
    shape: Shape
    example: Example | None
    senders: Sequence[Sender]
    takers: Sequence[Subscribed]


@dataclass(frozen=True, slots=True)
class SubscribeView:
    """What the panel shows."""

    found: TypeFound
    snippets: Sequence[Snippet]


async def show(visit: Visit) -> Page:
    """All that is known of the type."""
    found = await _found(visit)
    declared = await _declaration(visit.registry, found)
    answer = await visit.hub.read(subscriptions({"type": found.type, "limit": "50"}))
    return Page(
        template="type.html",
        title=found.type,
        view=TypeView(
            found,
            _facts(found, declared),
            list(_attributes(declared)),
            await _shape(visit, found, declared),
            await _example(visit, found.type),
            _senders(found, declared),
            msgspec.json.decode(answer.body, type=list[Subscribed]),
        ),
        nav="find",
        cli=f"chappe type get {shlex.quote(found.type)}" if found.declared else "",
        api=found.declared[0][1:] if found.declared else "",
    )


async def subscribe(visit: Visit) -> Page:
    """How to subscribe, ready to be copied."""
    found = await _found(visit)
    return Page(
        template="type_subscribe.html",
        title=f"Subscribe to {found.type}",
        view=SubscribeView(found, subscribing(found.type, visit.asked.hub_url)),
        nav="find",
    )


async def _found(visit: Visit) -> TypeFound:
    type_ = visit.params["type"]
    page = await find(visit.hub, {"type": type_})
    if not page.types:
        raise NotFound(f"type {type_!r}: it is neither declared nor seen in the channel default")
    return page.types[0]


async def _declaration(registry: RegistryClient, found: TypeFound) -> Mapping[str, Any]:
    if not found.declared:
        return {}
    return object_of(await registry.get(joined(*found.declared[0].split("/")[1:])))


async def _shape(visit: Visit, found: TypeFound, declared: Mapping[str, Any]) -> Shape:
    format_ = str(declared.get("dataschemaformat") or "")
    if "dataschema" in declared:
        return Shape("declared", format_, "", schema_tree(declared["dataschema"], format_))
    xid = declared.get("dataschemaxid")
    if isinstance(xid, str):
        try:
            answer = await visit.registry.get(joined(*xid.split("/")[1:]))
        except CallerError:
            return Shape("declared", format_, "", None)
        format_ = answer.headers.get("xregistry-format", format_)
        return Shape("declared", format_, xid, schema_tree(parsed(answer.body), format_))
    if found.events:
        try:
            drafted = await visit.hub.read(inferred(found.type, last=_DRAFTED_OF))
        except ChappeError:
            return Shape("", "", "", None)  # no event of it holds JSON
        draft = msgspec.json.decode(drafted.body, type=Inferred)
        return Shape("draft", draft.format, "", schema_tree(draft.schema, draft.format))
    return Shape("", "", "", None)


def parsed(document: bytes) -> object:
    """A document as JSON, or as text where it is none."""
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return document.decode("utf-8", "replace")


async def _example(visit: Visit, type_: str) -> Example | None:
    page = await visit.hub.page(EventQuery(type=type_, limit=1, redact=True).path)
    if not page.events:
        return None
    listed = page.events[0]
    event = json.loads(bytes(listed.event))
    text = json.dumps(event, indent=2, ensure_ascii=False)
    cut = len(text) > _MOST_SHOWN_BYTES
    return Example(
        listed.position,
        listed.acceptedat,
        str(event.get("source", "")),
        str(event.get("id", "")),
        text[:_MOST_SHOWN_BYTES],
        cut,
    )


def _facts(found: TypeFound, declared: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "Owner": found.owner,
        "Group": found.group,
        "Payload is checked": {"enforce": "yes, or refused", "warn": "yes, with a warning"}.get(
            found.validation, "no" if found.declared else ""
        ),
        "Media type": str(declared.get("datacontenttype") or ""),
        "Documentation": str(declared.get("documentation") or ""),
    }
    labels = declared.get("labels")
    if isinstance(labels, Mapping):
        facts["Labels"] = ", ".join(f"{name}={value}" for name, value in labels.items())
    return {name: value for name, value in facts.items() if value}


def _attributes(declared: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    """Attributes of the envelope: name, value or type, whether required, description."""
    metadata = declared.get("envelopemetadata")
    if not isinstance(metadata, Mapping):
        return []
    return [
        (
            name,
            str(one.get("value") or one.get("type") or "string"),
            one.get("required") is True,
            str(one.get("description") or ""),
        )
        for name, one in metadata.items()
        if isinstance(one, Mapping)
    ]


def _senders(found: TypeFound, declared: Mapping[str, Any]) -> list[Sender]:
    """The sources that were seen; drift is one that the declaration does not expect."""
    metadata = declared.get("envelopemetadata")
    source = metadata.get("source") if isinstance(metadata, Mapping) else None
    value = source.get("value") if isinstance(source, Mapping) else None
    template = value if isinstance(value, str) else "{any}"
    return [
        Sender(
            one or "(more than 100 sources)",
            bool(found.declared) and (one is None or _fits(template, one)),
        )
        for one in found.sources
    ]


def _fits(template: str, source: str) -> bool:
    """Whether a source may be one of a URI template: "/shop/{branch}" fits "/shop/berlin"."""
    first, *others = re.split(r"\{[^{}]*\}", template)
    if not others:
        return source == first
    *between, last = others
    at, end = len(first), len(source) - len(last)
    if at > end or not source.startswith(first) or not source.endswith(last):
        return False
    for part in between:
        found = source.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


ROUTES = (
    Route("types/{type}", get=show),
    Route("types/{type}/subscribe", get=subscribe),
)
