"""`chappe type deprecate`: say that a type will go, and what comes in its place."""

from __future__ import annotations

from typing import Any

import click

from chappe.cli.moment import now_text
from chappe.cli.registry_find import TYPES, find_one
from chappe.cli.registry_options import group_option
from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.when import Moment
from chappe.client.hub_client import HubClient
from chappe.client.registry import Flags, RegistryClient


@click.command()
@click.argument("name", metavar="TYPE")
@group_option
@click.option("--for", "alternative", metavar="TYPE|URL", help="What to use instead.")
@click.option("--removal", type=Moment(), metavar="TIME", help="When it goes (RFC 3339).")
@click.option("--docs", metavar="URL", help="Where to read more.")
@click.option("--undo", is_flag=True, help="It stays after all.")
@click.option("--dry-run", is_flag=True, help="Have the hub check it, and change nothing.")
@remote
def deprecate(
    session: Session,
    name: str,
    group: str | None,
    alternative: str | None,
    removal: str | None,
    docs: str | None,
    undo: bool,
    dry_run: bool,
) -> None:
    """Say that a type is deprecated: from now on, in favour of another one, until it is removed.

    \b
      chappe type deprecate order.paid --for order.paid.v2 --removal 2027-06-30T00:00:00Z

    Events of it are taken as before.
    """  # noqa: D301 - click's mark for lines as they are
    if undo and (alternative or removal or docs):
        raise click.UsageError("--undo takes the deprecation away; it goes alone")

    async def work(hub: HubClient) -> str:
        registry = RegistryClient(hub)
        xid = str((await find_one(registry, TYPES, name, group=group))["xid"])
        value: dict[str, Any] | None = None
        if not undo:
            given = {"alternative": alternative, "removal": removal, "documentation": docs}
            value = {"effective": now_text(), **{k: v for k, v in given.items() if v is not None}}
            if alternative is not None and "/" not in alternative:
                other = await find_one(registry, TYPES, alternative, group=group)
                value["alternative"] = str(other["xid"])
        flags = Flags(dry_run=dry_run)
        await registry.patch(f"{xid}/meta", {"deprecated": value}, flags)
        return xid

    xid = session.run(work)
    if dry_run:
        session.note(f"{printable(xid)} would be changed; nothing was done")
    else:
        session.say(printable(xid))
