"""`chappe producer import` and `token`: declare who was only seen, and let somebody publish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from chappe.cli.moment import now_text
from chappe.cli.registry_find import ENDPOINTS, ask
from chappe.cli.registry_seen import Publisher, TypeSeen, publishers, types_seen
from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.sub_hold import told
from chappe.cli.writing import dry_run_option
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL, channel_events
from chappe.client.registry import Flags, RegistryClient
from chappe.domain.errors import NotFound

_NO_ID: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_MOST_ID: Final = 100


@click.command("import")
@click.argument("sources", metavar="[SOURCE...]", nargs=-1)
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where they were seen.")
@click.option("--owner", help="The label owner of what is made.")
@click.option("--dry-run", is_flag=True, help="Have the hub check it, and make nothing.")
@remote
def import_(
    session: Session, sources: Sequence[str], channel: str, owner: str | None, dry_run: bool
) -> None:
    """Declare sources that were seen in the events and that no endpoint names; prints what it made.

    \b
      chappe producer import --dry-run
      chappe producer import /shop/web --owner team-checkout

    Each gets an endpoint with the label source, which carries the groups of the types it sends.
    """  # noqa: D301 - click's mark for lines as they are

    async def work(hub: HubClient) -> list[str]:
        registry = RegistryClient(hub)
        ends, _ = await ask(registry, ENDPOINTS, [])
        named = {(one.get("labels") or {}).get("source") for one in ends}
        ids = {str(one.get("endpointid")) for one in ends}
        seen = await types_seen(registry, channel)
        found = {one.source: one for one in publishers(seen, group=None)}
        for one in sources:
            if one not in found:
                raise NotFound(f"source {one!r}: none was seen in {channel}", subject=one)
        wanted = {
            _id(one.source, ids): _endpoint(one, seen, session.url, channel, owner)
            for one in found.values()
            if one.source not in named
            and not one.source.startswith("(")
            and (not sources or one.source in sources)
        }
        if wanted:
            await registry.post("/", {"endpoints": wanted}, Flags(dry_run=dry_run))
        return list(wanted)

    made = session.run(work)
    for id_ in made:
        session.say(printable(f"/endpoints/{id_}"))
    if dry_run:
        session.note(f"{len(made)} would be declared; nothing was done")
    elif not made:
        session.note("every source that was seen is declared")


@click.command()
@click.argument("name")
@click.option(
    "--data",
    envvar="CHAPPE_DATA",
    type=click.Path(path_type=Path),
    help="The hub's data directory. [env: CHAPPE_DATA]",
)
@click.option(
    "--file",
    envvar="CHAPPE_TOKENS",
    type=click.Path(path_type=Path),
    help="The tokens file. [env: CHAPPE_TOKENS]  [default: tokens.json in the data directory]",
)
@dry_run_option("See that it can be made, and make none.")
@remote
def token(session: Session, name: str, data: Path | None, file: Path | None, dry_run: bool) -> None:
    """Make a token that may publish, and nothing else; printed this once. On the hub's own machine.

    \b
      chappe producer token shop-web --data /var/lib/chappe
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.token import path_of
    from chappe.server import tokens

    if dry_run:
        tokens.check_new(path_of(data, file), name, ["publish"], ())
        told(session, name, "made", dry_run=True)
        return
    made = tokens.new_token(path_of(data, file), name, ["publish"], (), created=now_text())
    session.say(made)
    session.note("Keep it: the hub has its hash only. Use it as: CHAPPE_TOKEN=… chappe event send")


def _id(source: str, taken: set[str]) -> str:
    """A free id for a source: "/shop/web" -> "shop-web"."""
    plain = _NO_ID.sub("-", source).strip("-.")[:_MOST_ID] or "source"
    id_, number = plain, 2
    while id_ in taken:
        id_, number = f"{plain}-{number}", number + 1
    taken.add(id_)
    return id_


def _endpoint(
    one: Publisher, seen: Sequence[TypeSeen], url: str, channel: str, owner: str | None
) -> dict[str, Any]:
    groups = {
        xid.split("/")[2]
        for type_ in seen
        if type_.type in one.types
        for xid in type_.declared
        if xid.startswith("/messagegroups/")
    }
    return {
        "description": f"Publishes {', '.join(one.types)}"[:200],
        "labels": {"source": one.source, **({"owner": owner} if owner else {})},
        "usage": ["consumer"],
        "envelope": "CloudEvents/1.0",
        "protocol": "HTTP",
        "protocoloptions": {"endpoints": [{"uri": url.rstrip("/") + channel_events(channel)}]},
        "messagegroups": [f"/messagegroups/{group}" for group in sorted(groups)],
    }
