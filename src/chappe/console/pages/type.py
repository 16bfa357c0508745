"""One type of events: what it is, what it looks like, who sends and takes it. Its other tabs are type_*."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chappe.client.catalogue import TypeFound
from chappe.client.paths import VALIDATE, EventQuery, inferred, subscriptions
from chappe.client.problems import error_of
from chappe.client.registry import joined
from chappe.client.views import Inferred, Judged, Subscribed
from chappe.console.links import with_query
from chappe.console.page import Page, Route, Visit
from chappe.console.schema_tree import SchemaTree, parsed, schema_tree
from chappe.console.snippets import sending
from chappe.console.type_head import Head, type_head
from chappe.domain.errors import CallerError, ChappeError
from chappe.formats.json_sample import sample

_MOST_SHOWN_BYTES = 16 * 1024
_DRAFTED_OF = 100


@dataclass(frozen=True, slots=True)
class Example:
    """The newest event that is there; `cut` where it is longer than what is shown, and then without `curl`."""

    position: str
    acceptedat: str
    source: str
    id: str
    text: str
    cut: bool
    curl: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What its payloads look like: `origin` is where that comes from.

    `xid` names a schema of the registry; `origin` is "declared", "draft" or "".
    """

    origin: str
    format: str
    xid: str
    tree: SchemaTree | None


_NO_SHAPE = Shape("", "", "", None)


@dataclass(frozen=True, slots=True)
class Sender:
    """A source that was seen; `known` tells whether the declaration expects it."""

    source: str
    known: bool


@dataclass(frozen=True, slots=True)
class Made:
    """An event made of the schema alone; `valid` is the hub's verdict, `why` what it complains about."""

    text: str
    valid: bool
    why: str


@dataclass(frozen=True, slots=True)
class TypeView:
    """What is shown."""

    head: Head
    facts: Mapping[str, str]
    attributes: Sequence[tuple[str, str, bool, str]]
    shape: Shape
    example: Example | None
    made: Made | None
    senders: Sequence[Sender]
    takers: Sequence[Subscribed]


async def show(visit: Visit) -> Page:
    """What it looks like, with an event that came and one that is made; who sends and takes it."""
    head, declared = await type_head(visit, "shape")
    found = head.found
    answer = await visit.hub.read(subscriptions({"type": found.type, "limit": "50"}))
    shape, schema = await _shape(visit, found, declared)
    return Page(
        template="type.html",
        title=found.type,
        view=TypeView(
            head,
            _facts(found, declared),
            list(_attributes(declared)),
            shape,
            await _example(visit, found.type),
            await _made(visit, found.type, shape, schema),
            _senders(found, declared),
            msgspec.json.decode(answer.body, type=list[Subscribed]),
        ),
        nav="find",
        cli=f"chappe type get {shlex.quote(found.type)}"
        if found.declared
        else f"chappe schema infer {shlex.quote(found.type)}",
        api=found.declared[0][1:] if found.declared else with_query("find", {"type": found.type}),
    )


async def _shape(
    visit: Visit, found: TypeFound, declared: Mapping[str, Any]
) -> tuple[Shape, object]:
    """The shape, and the schema that it was read of (None: there is none, or it is not there)."""
    format_ = str(declared.get("dataschemaformat") or "")
    if "dataschema" in declared:
        schema = declared["dataschema"]
        return Shape("declared", format_, "", schema_tree(schema, format_)), schema
    xid = declared.get("dataschemaxid")
    if isinstance(xid, str):
        try:
            answer = await visit.registry.get(joined(*xid.split("/")[1:]))
        except CallerError:
            return Shape("declared", format_, xid, None), None
        format_ = answer.headers.get("xregistry-format", format_)
        schema = parsed(answer.body)
        return Shape("declared", format_, xid, schema_tree(schema, format_)), schema
    if found.events:
        try:
            drafted = await visit.hub.read(inferred(found.type, last=_DRAFTED_OF))
        except ChappeError:
            return _NO_SHAPE, None  # no event of it holds JSON
        draft = msgspec.json.decode(drafted.body, type=Inferred)
        return Shape("draft", draft.format, "", schema_tree(draft.schema, draft.format)), None
    return _NO_SHAPE, None


async def _made(visit: Visit, type_: str, shape: Shape, schema: object) -> Made | None:
    """An event by the schema; None: no JSON Schema is declared."""
    if shape.format.partition("/")[0].casefold() != "jsonschema" or not isinstance(
        schema, dict | bool
    ):
        return None
    event = {
        "specversion": "1.0",
        "id": "example-1",
        "source": "/example",
        "type": type_,
        "datacontenttype": "application/json",
        "data": sample(schema),
    }
    headers = {"content-type": "application/cloudevents+json", "accept": "application/json"}
    answer = await visit.hub.exchange("POST", VALIDATE, msgspec.json.encode(event), headers)
    text = json.dumps(event, indent=2, ensure_ascii=False)[:_MOST_SHOWN_BYTES]
    if answer.status != 200:
        return Made(text, valid=False, why=error_of(answer).message)
    verdict = msgspec.json.decode(answer.body, type=Judged)
    first = verdict.errors[0] if verdict.errors else None
    why = "" if first is None else f"{first.pointer or '/'}: {first.message}"
    return Made(text, valid=verdict.valid, why=why)


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
        "" if cut else sending(event, visit.asked.hub_url),
    )


def _facts(found: TypeFound, declared: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "Group": found.group,
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


ROUTES = (Route("types/{type}", get=show),)
