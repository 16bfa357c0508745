"""`chappe sub lag`: how far behind, since when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click
import msgspec

from chappe.cli.amounts import duration
from chappe.cli.columns import Columns, lists
from chappe.cli.moment import now
from chappe.cli.render import one_line, table
from chappe.cli.session import Session, remote
from chappe.cli.watching import watched
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import Lagging, Subscribed

_COLUMNS = Columns(
    ("ID", "STATE", "BEHIND", "OLDEST", "OPEN", "WAITING", "LAST FAILURE"), wide=("SINK",)
)


@click.command()
@click.argument("ids", metavar="[ID...]", nargs=-1)
@remote
@lists(_COLUMNS)
@watched
def lag(session: Session, ids: Sequence[str]) -> None:
    """Tell how many events a subscription is behind, and how old the oldest of them is.

    \b
      chappe sub lag
      chappe sub lag billing -w
    """  # noqa: D301 - click's mark for lines as they are

    async def read(hub: HubClient) -> list[bytes]:
        named: Sequence[str] = ids
        if not named:
            body = (await hub.read(paths.SUBSCRIPTIONS)).body
            named = [one.id for one in msgspec.json.decode(body, type=list[Subscribed])]
        return [(await hub.read(paths.subscription(one))).body for one in named]

    bodies = session.run(read)
    match session.output:
        case "json":
            session.say("[" + ",".join(one_line(body) for body in bodies) + "]")
        case "jsonl":
            for body in bodies:
                session.say(one_line(body))
        case _:
            found = [msgspec.json.decode(body, type=Lagging) for body in bodies]
            if session.output == "name":
                for one in found:
                    session.say(one.id)
            else:
                table(session, _COLUMNS, [_row(one, now()) for one in found])


def _row(one: Lagging, at: datetime) -> tuple[str, ...]:
    status = one.status
    failed = status.lastfailure
    return (
        one.id,
        status.state,
        f"{status.events:,}{'' if status.exact else '+'}",
        _age(status.oldest, at) if status.oldest and status.events else "",
        str(status.open),
        str(status.waiting),
        "" if failed is None else f"{_age(failed.at, at)} ago  {failed.reason}"[:80].rstrip(),
        one.sink,
    )


def _age(text: str, at: datetime) -> str:
    return duration(max(0.0, (at - datetime.fromisoformat(text)).total_seconds()))
