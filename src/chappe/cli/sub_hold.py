"""`chappe sub pause` and `resume`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.hub_client import HubClient

_dry_run = click.option("--dry-run", is_flag=True, help="See that they are there; do nothing.")


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@_dry_run
@remote
def pause(session: Session, ids: Sequence[str], dry_run: bool) -> None:
    """Let delivery rest: what is under way ends, nothing more begins, nothing is lost.

    \b
      chappe sub pause billing
      chappe sub ls --channel orders -o name | xargs chappe sub pause
    """  # noqa: D301 - click's mark for lines as they are
    if dry_run:
        see_each(session, ids, "would be paused")
        return
    post_each(session, ids, paths.pause)


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@_dry_run
@remote
def resume(session: Session, ids: Sequence[str], dry_run: bool) -> None:
    """Let delivery go on where it stood.

    \b
      chappe sub resume billing
    """  # noqa: D301 - click's mark for lines as they are
    if dry_run:
        see_each(session, ids, "would be resumed")
        return
    post_each(session, ids, paths.resume)


def post_each(session: Session, ids: Sequence[str], path: Callable[[str], str]) -> None:
    """POST to the path of each id, and say the id."""

    async def post(hub: HubClient) -> None:
        for one in ids:
            await hub.write("POST", path(one), {})
            session.say(one)

    session.run(post)


def see_each(session: Session, ids: Sequence[str], what: str) -> None:
    """See that each id is that of a subscription, and say what would become of it.

    Raises:
        NotFound: one is not.
    """

    async def read(hub: HubClient) -> None:
        for one in ids:
            found = await hub.subscription(one)
            session.note(f"{printable(one)} {what} ({found.status.state})")

    session.run(read)
