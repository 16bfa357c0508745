"""`chappe delivery`: what could not be delivered (the hub's dead letters), and delivering it again."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.delivery_filters import chosen, filtered, given_filters, letters
from chappe.cli.delivery_retry import retry
from chappe.cli.noun import Noun
from chappe.cli.own_print import show
from chappe.cli.render import moment, one_line, printable, table
from chappe.cli.session import Session, printing, remote
from chappe.cli.watching import watched
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import DeadLetter, Discarded

_COLUMNS = Columns(("POSITION", "BURIED", "STATE", "SUBSCRIPTION", "TYPE", "ID", "REASON"))
_REASON_WIDTH = 60


@click.group(cls=Noun, no_args_is_help=True)
def delivery() -> None:
    """See what could not be delivered, deliver it again, or put it away."""


@delivery.command("ls")
@filtered
@click.option(
    "--state",
    type=click.Choice(("open", "dead", "redriving", "redriven", "discarded")),
    help="In this state; dead is open. [default: all but discarded]",
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most.")
@remote
@lists(_COLUMNS)
@watched
def ls(session: Session, /, state: str | None, limit: int, **filters: str | None) -> None:
    """List dead letters, the newest first.

    \b
      chappe delivery ls --sub billing --state dead --since 2h
      chappe delivery ls --reason timeout -w
    """  # noqa: D301 - click's mark for lines as they are
    given = {**given_filters(filters), **_state(state)}
    rows = session.run(lambda hub: letters(hub, given, limit))
    match session.output:
        case "json":
            session.say("[" + ",".join(bytes(row).decode() for row in rows) + "]")
        case "jsonl":
            for row in rows:
                session.say(one_line(bytes(row)))
        case "name":
            for row in rows:
                session.say(printable(_letter(row).position))
        case _:
            table(session, _COLUMNS, [_row(_letter(row)) for row in rows])


@delivery.command()
@click.argument("position")
@remote
@watched
def get(session: Session, position: str) -> None:
    """Show one dead letter: the event, why it failed, and what redrives did.

    \b
      chappe delivery get 1-98-0
      chappe delivery get 1-98-0 -o json | jq .event
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.read(paths.dead_letter(position))).body
    show(session, body, name=position, kind="dead letter")


@delivery.command()
@click.argument("positions", metavar="[POSITION...]", nargs=-1)
@filtered
@click.option("--all", "all_", is_flag=True, help="Every letter.")
@click.option("--dry-run", is_flag=True, help="Say how many it would be, and do nothing.")
@remote
@destructive
def discard(
    session: Session,
    /,
    positions: Sequence[str],
    all_: bool,
    dry_run: bool,
    consent: Consent,
    **filters: str | None,
) -> None:
    """Put dead letters away: those at positions, or all that fit; lists show them no more.

    \b
      chappe delivery discard --sub billing --reason 410 --dry-run
      chappe delivery discard 1-98-0 --yes
    """  # noqa: D301 - click's mark for lines as they are
    given = chosen(positions, filters, all_=all_)
    if not dry_run:
        what = ", ".join(positions) or "all letters that fit"
        confirm(session, f"This puts {what} away", consent)

    async def delete(hub: HubClient) -> Discarded:
        for one in positions:
            await hub.delete(paths.dead_letter(one) + ("?dry_run=true" if dry_run else ""))
        if positions:
            return Discarded(letters=len(positions), more=False)
        parameters = {
            name: str(value).lower() if value is True else str(value)
            for name, value in given.items()
        }
        if dry_run:
            parameters["dry_run"] = "true"
        answer = await hub.delete(paths.dead_letters(parameters))
        return msgspec.json.decode(answer.body, type=Discarded)

    done = session.run(delete)
    session.say(str(done.letters))
    if done.more:
        session.note("there are more that fit; run this again")


@delivery.command()
@filtered
@click.option(
    "--state",
    type=click.Choice(("open", "dead", "redriving", "redriven", "discarded")),
    help="In this state; dead is open. [default: all but discarded]",
)
@printing("jsonl", "json", "table")
def export(session: Session, /, state: str | None, **filters: str | None) -> None:
    """Write the events of dead letters as JSON lines of CloudEvents, as they were sent; the oldest first.

    \b
      chappe delivery export --sub billing > dead.jsonl
      chappe delivery export --sub billing | chappe event send --channel repair -

    With -o json each line is the whole letter: the event, why it failed, and what redrives did.
    """  # noqa: D301 - click's mark for lines as they are
    given = {**given_filters(filters), **_state(state)}

    async def write(hub: HubClient) -> None:
        for row in reversed(await letters(hub, given, None)):
            body = (await hub.read(paths.dead_letter(_letter(row).position))).body
            if session.output == "json":
                session.say(one_line(body))
            else:
                session.say(one_line(bytes(msgspec.json.decode(body, type=_Whole).event)))

    session.run(write)


class _Whole(msgspec.Struct):
    event: msgspec.Raw


delivery.add_command(retry)


def _state(state: str | None) -> dict[str, str]:
    return {} if state is None else {"state": "open" if state == "dead" else state}


def _letter(row: msgspec.Raw) -> DeadLetter:
    return msgspec.json.decode(row, type=DeadLetter)


def _row(one: DeadLetter) -> tuple[str, ...]:
    reason = one.reason
    if len(reason) > _REASON_WIDTH:
        reason = f"{reason[: _REASON_WIDTH - 1]}…"
    return (
        one.position, moment(one.buriedat), one.state, one.subscription, one.type, one.id, reason,
    )  # fmt: skip
