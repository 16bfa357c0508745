"""`chappe delivery retry`: dead letters again, and how far that is.

2 letters of crm would be delivered again, in about 1.0 s at 2 a second: 0-1-0 0-2-0
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from chappe.cli.amounts import amount, duration
from chappe.cli.delivery_filters import chosen, filtered, letters
from chappe.cli.following import followed
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session, remote
from chappe.cli.when import PerSecond
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import DeadLetter, Redriven

_FIRST: Final = 5
_LOOK_S: Final = 0.2
_NO: Final = 1


@click.command()
@click.argument("positions", metavar="[POSITION...]", nargs=-1)
@filtered
@click.option(
    "--state",
    type=click.Choice(("open", "dead")),
    help="Those alone are delivered again; said for the sake of delivery ls.",
)
@click.option("--all", "all_", is_flag=True, help="Every letter that is open.")
@click.option("--to", metavar="ID", help="To this subscription instead of the one that failed.")
@click.option(
    "--rate",
    type=PerSecond(),
    metavar="PER_SECOND",
    help="So many a second: 50, 30/m. [default: as fast as the sink takes them]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be delivered, and do nothing.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long until it is done. [default: on a terminal, for as long as it takes]",
)
@remote
def retry(
    session: Session,
    /,
    positions: Sequence[str],
    state: str | None,
    all_: bool,
    to: str | None,
    rate: float | None,
    dry_run: bool,
    wait_s: float | None,
    **filters: str | None,
) -> None:
    """Deliver dead letters again: those at positions, or all open ones that fit.

    \b
      chappe delivery retry 0-1041-7
      chappe delivery retry --sub billing --state dead --since 2h --dry-run
      chappe delivery retry --sub billing --since 2h --rate 20

    The hub does it: Ctrl-C ends the watching alone, and what failed again can be retried with the same
    command. With --wait the exit code is 1 when it is not done by then.
    """  # noqa: D301 - click's mark for lines as they are
    given = chosen(positions, filters, all_=all_)
    how: dict[str, object] = {
        name: value
        for name, value in (("to", to), ("rate", rate), ("dry_run", dry_run or None))
        if value is not None
    }

    async def post(hub: HubClient) -> tuple[list[bytes], list[str]]:
        first = list(positions)[:_FIRST]
        if positions:
            answers = [await hub.write("POST", paths.redrive(one), how) for one in positions]
        else:
            if dry_run:
                asked = {**{k: str(v).lower() for k, v in given.items() if k != "all"}}
                rows = await letters(hub, {**asked, "state": "open"}, _FIRST)
                first = [msgspec.json.decode(row, type=DeadLetter).position for row in rows]
            answers = [await hub.write("POST", paths.REDRIVE, {**given, **how})]
        return [answer.body for answer in answers], first

    bodies, first = session.run(post)
    done = [msgspec.json.decode(body, type=Redriven) for body in bodies]
    for body, one in zip(bodies, done, strict=True):
        if session.output in ("json", "jsonl"):
            session.say(one_line(body))
        else:
            _print(session, one, rate, first if dry_run else [])
    redrives = [name for one in done for name in one.redrives]
    total = sum(sum(one.letters.values()) for one in done)
    interactive = wait_s is None and sys.stderr.isatty()
    if redrives and not dry_run and (interactive or wait_s):
        within = None if interactive else wait_s
        if not session.run(lambda hub: followed(session, hub, redrives, total, within)):
            click.get_current_context().exit(_NO)


def _print(session: Session, done: Redriven, rate: float | None, first: Sequence[str]) -> None:
    for name in done.redrives:
        session.say(printable(name))
    for name, count in done.letters.items():
        takes = "" if rate is None else f", in about {duration(count / rate)} at {rate:g} a second"
        what = "would be delivered again" if not done.redrives else "are delivered again"
        more = " …" if count > len(first) else ""
        shown = f": {' '.join(first)}{more}" if first else ""
        session.note(f"{amount(count, 'letter')} of {printable(name)} {what}{takes}{shown}")
    if not done.letters and not done.ended:
        session.note("no open letter fits")
    for name, count in done.ended.items():
        session.note(f"{amount(count, 'letter')} are left: {printable(name)} has ended (see --to)")
    if done.more:
        session.note("there are more that fit; run this again")
