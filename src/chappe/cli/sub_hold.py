"""`chappe sub pause` and `resume`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.hub_client import HubClient


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@remote
def pause(session: Session, ids: Sequence[str]) -> None:
    """Let delivery rest: what is under way ends, nothing more begins, nothing is lost."""
    post_each(session, ids, paths.pause)


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@remote
def resume(session: Session, ids: Sequence[str]) -> None:
    """Let delivery go on where it stood."""
    post_each(session, ids, paths.resume)


def post_each(session: Session, ids: Sequence[str], path: Callable[[str], str]) -> None:
    """POST to the path of each id, and say the id."""

    async def post(hub: HubClient) -> None:
        for one in ids:
            await hub.write("POST", path(one), {})
            session.say(one)

    session.run(post)
