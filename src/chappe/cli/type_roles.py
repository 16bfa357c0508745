"""`chappe type producers` and `consumers`: who sends a type and who takes it, declared and seen side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.registry_find import ENDPOINTS, TYPES, Entity, entities, find_one, id_of
from chappe.cli.registry_options import group_option, registry_printing
from chappe.cli.registry_print import emit, listing
from chappe.cli.registry_roles import address, carries, roles
from chappe.cli.registry_seen import types_seen
from chappe.cli.render import moment, printable
from chappe.cli.session import Session
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import Flags, RegistryClient, object_of
from chappe.client.views import Subscribed
from chappe.domain.errors import ChappeError, NotFound

_PRODUCERS = Columns(("PRODUCER", "KNOWN", "LAST SEEN", "A MINUTE", "EVENTS"))
_CONSUMERS = Columns(("CONSUMER", "KNOWN", "STATE", "FILTERS", "WHERE"))
_channel = click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where to look."
)


@dataclass(frozen=True, slots=True)
class Party:
    """Who sends or takes a type; `how` is declared, seen, or subscribed."""

    name: str
    how: str
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"name": self.name, "known": self.how, **self.facts}


@click.command()
@click.argument("name", metavar="TYPE")
@group_option
@_channel
@registry_printing
@lists(_PRODUCERS)
def producers(session: Session, name: str, group: str | None, channel: str) -> None:
    """Tell who sends a type: endpoints that declare it, and sources that it was seen from.

    \b
      chappe type producers order.paid

    A source that no endpoint's label `source` names, where endpoints declare the type, is "seen, not registered".
    """  # noqa: D301 - click's mark for lines as they are
    _show(session, session.run(lambda hub: who_sends(hub, name, group, channel)), producing=True)


@click.command()
@click.argument("name", metavar="TYPE")
@group_option
@_channel
@registry_printing
@lists(_CONSUMERS)
def consumers(session: Session, name: str, group: str | None, channel: str) -> None:
    """Tell who takes a type: subscriptions that may get it, and endpoints that declare it.

    \b
      chappe type consumers order.paid
    """  # noqa: D301 - click's mark for lines as they are
    _show(session, session.run(lambda hub: who_takes(hub, name, group, channel)), producing=False)


async def who_sends(hub: HubClient, name: str, group: str | None, channel: str) -> list[Party]:
    """Declared endpoints first, then sources, the busiest first."""
    message, ends = await _declared(hub, name, group)
    found = [one for one in ends if "producers" in roles(one) and message and carries(one, message)]
    parties = [Party(id_of(one), "declared", {"where": address(one)}) for one in found]
    named = {_source_label(one) for one in found}
    seen = await types_seen(RegistryClient(hub), channel, matching=_type(name))
    sources = [source for one in seen if one.type == _type(name) for source in one.sources]
    if message is None and not sources:
        raise NotFound(f"type {name!r}: nobody has declared it, and none was seen in {channel}")
    for source in sorted(sources, key=lambda one: (-one.perminute, -one.events)):
        known = source.source in named or not found
        how = "seen" if known else "seen, not registered"
        facts = {
            "lastseen": source.lastseen, "perminute": source.perminute, "events": source.events,
        }  # fmt: skip
        parties.append(Party(source.source or "(many sources)", how, facts))
    return parties


async def who_takes(hub: HubClient, name: str, group: str | None, channel: str) -> list[Party]:
    """Subscriptions first, then declared endpoints that are no subscription."""
    message, ends = await _declared(hub, name, group)
    body = (await hub.read(paths.subscriptions({"type": _type(name), "channel": channel}))).body
    parties = [_subscribed(one) for one in msgspec.json.decode(body, type=list[Subscribed])]
    names = {one.name for one in parties}
    for one in ends:
        if message and "consumers" in roles(one) and carries(one, message):
            if id_of(one) in names or one.get("labels", {}).get("chappe") == "self":
                continue
            parties.append(Party(id_of(one), "declared", {"where": address(one)}))
    return parties


def _subscribed(one: Subscribed) -> Party:
    filters = msgspec.json.encode(one.filters).decode() if one.filters else ""
    facts = {"state": one.status.state, "filters": filters, "where": one.sink}
    return Party(one.id, "subscribed", facts)


async def _declared(
    hub: HubClient, name: str, group: str | None
) -> tuple[Entity | None, list[Entity]]:
    registry = RegistryClient(hub)
    try:
        message: Entity | None = await find_one(registry, TYPES, name, group=group)
    except NotFound:
        if name.startswith("/"):
            raise
        message = None
    try:
        answer = await registry.get("/", Flags(inline=ENDPOINTS.inline))
    except ChappeError:
        return message, []  # a registry whose model has no endpoints
    return message, list(entities(object_of(answer), ENDPOINTS))


def _type(name: str) -> str:
    return name.rpartition("/")[2]


def _source_label(endpoint: Entity) -> str:
    labels = endpoint.get("labels")
    return str(labels.get("source", "")) if isinstance(labels, dict) else ""


def _show(session: Session, found: Sequence[Party], *, producing: bool) -> None:
    if session.output == "xregistry":
        raise click.UsageError("-o xregistry: it prints table, json, jsonl, yaml, name")
    if session.output == "name":
        for one in found:
            session.say(printable(one.name))
    elif not emit(session, [one.as_json() for one in found], answer=None):
        columns = _PRODUCERS if producing else _CONSUMERS
        listing(session, columns, [_row(one, producing=producing) for one in found])


def _row(one: Party, *, producing: bool) -> tuple[str, ...]:
    facts = one.facts
    if producing:
        last = moment(str(facts.get("lastseen", ""))).partition(".")[0]
        rate = f"{facts['perminute']:g}" if "perminute" in facts else ""
        events = f"{facts['events']:,}" if "events" in facts else ""
        return one.name, one.how, last, rate, events
    return (
        one.name, one.how, facts.get("state", ""), facts.get("filters", ""), facts.get("where", ""),
    )  # fmt: skip
