"""`chappe sub pause` and `resume`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.writing import dry_run_option, wait_option, wait_until
from chappe.client import paths
from chappe.client.hub_client import HubClient


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@wait_option("Wait so long until nothing is under way any more; 1 if something is.")
@remote
def pause(session: Session, ids: Sequence[str], dry_run: bool, wait_s: float | None) -> None:
    """Let delivery rest: what is under way ends, nothing more begins, nothing is lost.

    \b
      chappe sub pause billing
      chappe sub ls --channel orders -o name | xargs chappe sub pause
    """  # noqa: D301 - click's mark for lines as they are
    post_each(session, ids, paths.pause, dry_run=dry_run, what="paused")

    async def under_way(hub: HubClient) -> str:
        found = [await hub.subscription(one) for one in ids]
        busy = [f"{one.status.open} of {one.id}" for one in found if one.status.open]
        return f"deliveries under way: {', '.join(busy)}" if busy else ""

    if not dry_run:
        wait_until(session, under_way, wait_s)


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@remote
def resume(session: Session, ids: Sequence[str], dry_run: bool) -> None:
    """Let delivery go on where it stood.

    \b
      chappe sub resume billing
    """  # noqa: D301 - click's mark for lines as they are
    post_each(session, ids, paths.resume, dry_run=dry_run, what="resumed")


def post_each(
    session: Session, ids: Sequence[str], path: Callable[[str], str], *, dry_run: bool, what: str
) -> None:
    """POST to the path of each id, and say the id; of a dry run, what would become of it."""

    async def post(hub: HubClient) -> None:
        for one in ids:
            await hub.write("POST", paths.rehearsed(path(one), dry_run=dry_run), {})
            told(session, one, what, dry_run=dry_run)

    session.run(post)


def delete_each(
    session: Session, ids: Sequence[str], path: Callable[[str], str], *, dry_run: bool
) -> None:
    """DELETE the path of each id, and say the id; of a dry run, what would become of it."""

    async def end(hub: HubClient) -> None:
        for one in ids:
            await hub.delete(paths.rehearsed(path(one), dry_run=dry_run))
            told(session, one, "ended", dry_run=dry_run)

    session.run(end)


def told(session: Session, name: str, what: str, *, dry_run: bool) -> None:
    """Say what was done to something, by its name, or what would be."""
    if dry_run:
        session.note(f"{printable(name)} would be {what}; nothing was done")
    else:
        session.say(printable(name))
