"""`chappe endpoint`: where events are sent to and taken from, as declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.noun import Noun
from chappe.cli.registry_find import ENDPOINTS, ask, branches, find_one, id_of
from chappe.cli.registry_options import narrowed, registry_printing
from chappe.cli.registry_print import WIDE, card, emit, emit_one, listing, wide
from chappe.cli.registry_roles import address, groups, usage
from chappe.cli.session import Session
from chappe.cli.watching import watched
from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient, object_of

_COLUMNS = Columns(("ENDPOINT", "USAGE", "PROTOCOL", "GROUPS", "ADDRESS"), wide=WIDE)
_BLOCKS = ("protocoloptions", "envelopeoptions")
_HIDDEN = frozenset("self endpointid messagesurl subscriptionsurl".split())


@click.group(cls=Noun, no_args_is_help=True)
def endpoint() -> None:
    """See where events are sent to and taken from."""


@endpoint.command("ls")
@narrowed
@click.option(
    "--usage",
    "wanted_usage",
    type=click.Choice(("consumer", "producer", "subscriber")),
    help="Only those where a client can be this.",
)
@registry_printing
@lists(_COLUMNS)
@watched
def ls(
    session: Session,
    group: str | None,
    labels: Sequence[str],
    filters: Sequence[str],
    wanted_usage: str | None,
) -> None:
    """List the endpoints; --group is a group of messages that they carry.

    \b
      chappe endpoint ls --usage producer
      chappe endpoint ls --group shop -o name
    """  # noqa: D301 - click's mark for lines as they are
    found, answer = session.run(lambda hub: declared(hub, labels, filters))
    found = [
        one
        for one in found
        if (group is None or group in groups(one))
        and (wanted_usage is None or wanted_usage in usage(one))
    ]
    if not emit(session, found, answer=answer):
        listing(session, _COLUMNS, [_row(one) for one in found])


@endpoint.command("get")
@click.argument("name", metavar="ENDPOINT")
@registry_printing
@watched
def get(session: Session, name: str) -> None:
    """Show one endpoint; ENDPOINT is its id or its xid.

    \b
      chappe endpoint get checkout
      chappe endpoint get checkout -o yaml
    """  # noqa: D301 - click's mark for lines as they are
    show_endpoint(session, name)


async def declared(
    hub: HubClient, labels: Sequence[str], filters: Sequence[str]
) -> tuple[list[dict[str, Any]], bytes]:
    """The endpoints that labels and filters let through, and the hub's answer."""
    wanted = branches(ENDPOINTS, group=None, labels=labels, filters=filters)
    return await ask(RegistryClient(hub), ENDPOINTS, wanted)


def show_endpoint(session: Session, name: str) -> None:
    """Print one endpoint."""

    async def work(hub: HubClient) -> tuple[dict[str, Any], bytes]:
        registry = RegistryClient(hub)
        found = await find_one(registry, ENDPOINTS, name, group=None)
        answer = await registry.get(str(found["xid"]))
        return object_of(answer), answer.body

    found, answer = session.run(work)
    if emit_one(session, found, answer=answer):
        return
    facts = {k: v for k, v in found.items() if k not in _BLOCKS and k not in _HIDDEN}
    kind = f"an endpoint for a {' and '.join(usage(found)) or 'client'}"
    card(session, id_of(found), kind, facts, {one: found.get(one) for one in _BLOCKS})


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        id_of(one),
        ",".join(usage(one)),
        str(one.get("protocol") or ""),
        ",".join(groups(one)),
        address(one),
        *wide(one),
    )
