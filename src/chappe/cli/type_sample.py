"""`chappe type sample`: an event of a type that can be sent, and a command that sends one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import click
import msgspec

from chappe.cli.event_input import DEFAULT_SOURCE
from chappe.cli.moment import now_text
from chappe.cli.registry_find import TYPES, find_one
from chappe.cli.registry_options import group_option
from chappe.cli.session import Session, printing
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL, EventQuery
from chappe.client.problems import error_of
from chappe.client.registry import RegistryClient
from chappe.client.views import Judged
from chappe.domain.errors import NotFound, SchemaMismatch
from chappe.formats.json_sample import sample as made_of

_LOOKED: Final = 20
_OWN: Final = frozenset({"id", "time", "traceparent", "tracestate", "causationid"})
"""Of an event that was: its copy is another event."""


@click.command("sample")
@click.argument("name", metavar="TYPE")
@group_option
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where to look.")
@click.option("--new", is_flag=True, help="By the schema, also where there are real events.")
@printing("jsonl", "json", "table")
def sample(session: Session, name: str, group: str | None, channel: str, new: bool) -> None:
    """Print an event of a type that the hub would take: a real one with an id and a time of its own.

    \b
      chappe type sample order.paid | chappe event send -

    Where there is none that fits, one is made by the schema (JSON Schema). What is printed was judged by
    the hub: the exit code is 1 when nothing could be made that its schema lets through.
    """  # noqa: D301 - click's mark for lines as they are
    event, origin = session.run(lambda hub: _found(hub, name, group, channel, new=new))
    if session.output == "table":
        session.say(msgspec.json.format(event, indent=2).decode())
    else:
        session.say(event.decode())
    session.note(origin)


async def _found(
    hub: HubClient, name: str, group: str | None, channel: str, *, new: bool
) -> tuple[bytes, str]:
    declared = await _declaration(hub, name, group)
    type_ = type_of(declared) or name
    real = [] if new else await recent(hub, type_, channel, _LOOKED)
    for one in real:
        event = copied(one)
        if (await judged(hub, event)).valid:
            return event, "after the newest real event that is valid; id and time are new"
    schema = await _schema(hub, declared)
    format_ = str(declared.get("dataschemaformat") or "")
    if format_ and not isinstance(schema, dict | bool):
        raise NotFound(f"type {name!r}: no event of it is there, and of {format_} none can be made")
    event = _event(type_, made_of(schema) if format_ else {})
    verdict = await judged(hub, event)
    if not verdict.valid:
        first = verdict.errors[0] if verdict.errors else None
        said = "" if first is None else f": at {first.pointer or '/'}: {first.message}"
        raise SchemaMismatch(
            f"type {name!r}: no event of it is there, and what was made breaks its schema{said}",
            [], declaration=verdict.declaration, next=f"write one: chappe type get {name}",
        )  # fmt: skip
    return event, "made by the schema; no real event is there" if not new else "made by the schema"


async def recent(hub: HubClient, name: str, channel: str, count: int) -> list[bytes]:
    """The newest events of a type, in the JSON format, as its policy shows them in samples."""
    query = EventQuery(channel=channel, type=name, limit=count, redact=True)
    return [bytes(one.event) for one in (await hub.page(query.path)).events]


async def judged(hub: HubClient, event: bytes) -> Judged:
    """What the hub says to an event that it is not to store."""
    headers = {"content-type": "application/cloudevents+json", "accept": "application/json"}
    answer = await hub.exchange("POST", paths.VALIDATE, event, headers)
    if answer.status != 200:
        raise error_of(answer)
    return msgspec.json.decode(answer.body, type=Judged)


def copied(event: bytes) -> bytes:
    """The event as another one: with an id and a time of its own, in no trace. Its payload stays as it is."""
    members = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
    kept = {name: value for name, value in members.items() if name not in _OWN}
    return msgspec.json.encode({"id": str(uuid4()), "time": now_text(), **kept})


async def _declaration(hub: HubClient, name: str, group: str | None) -> dict[str, Any]:
    """What is declared for the type; nothing where it was only seen."""
    registry = RegistryClient(hub)
    try:
        found = await find_one(registry, TYPES, name, group=group)
    except NotFound:
        if name.startswith("/") or not await recent(hub, name, DEFAULT_CHANNEL, 1):
            raise
        return {}
    declared: dict[str, Any] = json.loads((await registry.get(str(found["xid"]))).body)
    return declared


def type_of(declared: Mapping[str, Any]) -> str:
    """The type of the events that a message declares: as it says, else its id."""
    metadata = declared.get("envelopemetadata")
    said = metadata.get("type") if isinstance(metadata, dict) else None
    value = said.get("value") if isinstance(said, dict) else None
    return str(value or declared.get("messageid") or "")


async def _schema(hub: HubClient, declared: Mapping[str, Any]) -> object:
    """The JSON Schema of the payload: in the message, or the document that it names."""
    schema = declared.get("dataschema")
    xid = declared.get("dataschemaxid")
    try:
        if schema is None and isinstance(xid, str):
            schema = json.loads((await RegistryClient(hub).get(xid)).body)
        elif isinstance(schema, str):
            schema = json.loads(schema)
    except ValueError:
        return None
    return schema


def _event(type_: str, data: object) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": DEFAULT_SOURCE,
            "type": type_,
            "time": now_text(),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
