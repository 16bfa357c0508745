"""`chappe producer`: who publishes, as declared by endpoints, and as seen in the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.endpoint import declared, show_endpoint
from chappe.cli.noun import Noun
from chappe.cli.producer_make import import_, token
from chappe.cli.registry_find import id_of
from chappe.cli.registry_options import narrowed, registry_printing
from chappe.cli.registry_print import emit, listing
from chappe.cli.registry_roles import groups, roles
from chappe.cli.registry_seen import Publisher, publishers, types_seen
from chappe.cli.render import moment, printable
from chappe.cli.session import Session
from chappe.cli.watching import watched
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import RegistryClient

_COLUMNS = Columns(("PRODUCER", "KNOWN", "LAST SEEN", "A MINUTE", "TYPES"))


@click.group(cls=Noun, no_args_is_help=True)
def producer() -> None:
    """See who publishes events."""


@producer.command("ls")
@narrowed
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where to see them.")
@click.option(
    "--own", is_flag=True, help="Also the hub's own endpoints, where its channels are read."
)
@registry_printing
@lists(_COLUMNS)
@watched
def ls(
    session: Session,
    group: str | None,
    labels: Sequence[str],
    filters: Sequence[str],
    channel: str,
    own: bool,
) -> None:
    """List who publishes: endpoints that others take events from, and the sources of events seen.

    \b
      chappe producer ls --group shop      # who publishes the messages of shop

    A type that nobody has declared stands with a "!". Sources have no labels, so --label and --filter
    leave endpoints only.
    """  # noqa: D301 - click's mark for lines as they are

    async def work(hub: HubClient) -> tuple[list[dict[str, Any]], bytes, list[Publisher]]:
        found, answer = await declared(hub, labels, filters)
        if labels or filters or session.output == "xregistry":
            return found, answer, []
        seen = await types_seen(RegistryClient(hub), channel)
        return found, answer, publishers(seen, group=group)

    ends, answer, seen = session.run(work)
    ends = [
        one
        for one in ends
        if "producers" in roles(one)
        and (group is None or group in groups(one))
        and (own or not is_own(one))
    ]
    if session.output == "name":
        for name in [*(str(one["xid"]) for one in ends), *(one.source for one in seen)]:
            session.say(printable(name))
    elif not emit(session, [*ends, *(one.as_json() for one in seen)], answer=answer):
        listing(session, _COLUMNS, [*map(_row, ends), *map(_row_seen, seen)])


@producer.command("get")
@click.argument("name", metavar="PRODUCER")
@registry_printing
@watched
def get(session: Session, name: str) -> None:
    """Show one producer; PRODUCER is its endpoint's id or xid.

    \b
      chappe producer get checkout
      chappe producer get checkout -o xregistry
    """  # noqa: D301 - click's mark for lines as they are
    show_endpoint(session, name)


def is_own(one: Mapping[str, Any]) -> bool:
    """Whether the hub made the endpoint itself."""
    labels = one.get("labels")
    return isinstance(labels, Mapping) and labels.get("chappe") == "self"


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    carried = ", ".join(f"{group}/*" for group in groups(one))
    return id_of(one), "declared", "", "", carried or str(one.get("description") or "")


def _row_seen(one: Publisher) -> tuple[str, ...]:
    types = [f"!{type_}" if type_ in one.undeclared else type_ for type_ in one.types]
    last = moment(one.lastseen).partition(".")[0]
    return one.source, "seen", last, f"{one.perminute:g}", ", ".join(types)


for _command in (import_, token):
    producer.add_command(_command)
