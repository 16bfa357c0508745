"""`chappe sub replay`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click
import msgspec

from chappe.cli.following import followed
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session, remote
from chappe.cli.when import Moment
from chappe.cli.writing import dry_run_option, wait_option
from chappe.client import paths
from chappe.client.views import Replayed

_NO: Final = 1


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--from",
    "from_",
    required=True,
    type=Moment(),
    metavar="PLACE",
    help="earliest, a time (RFC 3339, or 7d, 2h ago) or a position: events from there on.",
)
@click.option(
    "--until",
    type=Moment(),
    metavar="PLACE",
    help="Events before a time, or up to a position. [default: all that are stored now]",
)
@click.option("--to", "sink", metavar="URL", help="Another sink; no secret goes there.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="So many a second. [default: as fast as the sink takes them]",
)
@dry_run_option("Say how many events it would be, and do nothing.")
@wait_option("Wait so long until it is done; 1 if it is not by then.")
@remote
def replay(
    session: Session,
    id_: str,
    from_: str,
    until: str | None,
    sink: str | None,
    rate: float | None,
    dry_run: bool,
    wait_s: float | None,
) -> None:
    """Deliver stored events again; prints the id of the subscription that does it.

    \b
      chappe sub replay billing --from 2026-11-22T10:00:00Z --dry-run
      chappe sub replay billing --from 0-1041-7 --rate 50
    """  # noqa: D301 - click's mark for lines as they are
    sent = {
        "from": from_,
        "until": until,
        "sink": sink,
        "rate": rate,
        "dry_run": dry_run or None,
    }
    wanted = {name: value for name, value in sent.items() if value is not None}
    body = session.run(lambda hub: hub.write("POST", paths.replay(id_), wanted)).body
    done = msgspec.json.decode(body, type=Replayed)
    if session.output in ("json", "jsonl"):
        session.say(one_line(body))
    else:
        _say(session, done)
    wait_for(session, [done], wait_s)


def wait_for(session: Session, begun: Sequence[Replayed], wait_s: float | None) -> None:
    """Wait until replays are through, and show how far they are; the command ends with 1 where they are not."""
    ids = [one.subscription.id for one in begun if one.subscription is not None]
    total = sum(one.events for one in begun)
    if wait_s is None or not ids:
        return
    if not session.run(lambda hub: followed(session, hub, ids, total, wait_s)):
        session.note(f"not through within {wait_s:g} s: chappe sub lag {ids[0]}")
        click.get_current_context().exit(_NO)


def _say(session: Session, done: Replayed) -> None:
    if done.subscription is not None:
        session.say(printable(done.subscription.id))
    about = "" if done.exact else "about "
    takes = "" if done.seconds is None else f", in {about or 'about '}{done.seconds:g} s"
    session.note(f"{about}{done.events} events match{takes}")
