"""`chappe delivery`: what could not be delivered (the hub's dead letters), and delivering it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import msgspec

from chappe.cli.render import moment, one_line, printable, table
from chappe.cli.session import Session, confirm, remote
from chappe.cli.sub import show
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.views import DeadLetter, Discarded, Redriven

_COLUMNS = ("POSITION", "BURIED", "STATE", "SUBSCRIPTION", "TYPE", "ID", "REASON")
_REASON_WIDTH = 60

F = TypeVar("F", bound=Callable[..., Any])


def _filters(command: F) -> F:
    for option in (
        click.option("--until", metavar="TIME", help="Given up before that time (RFC 3339)."),
        click.option("--from", "from_", metavar="TIME", help="Given up then or later (RFC 3339)."),
        click.option("--reason", metavar="TEXT", help="A part of the reason, in any case."),
        click.option("--source", help="Events of this source."),
        click.option("--type", "type_", help="Events of this type."),
        click.option("--subscription", metavar="ID", help="Letters of this subscription."),
    ):
        command = option(command)
    return command


@click.group(no_args_is_help=True)
def delivery() -> None:
    """See what could not be delivered, deliver it again, or put it away."""


@delivery.command("ls")
@_filters
@click.option(
    "--state",
    type=click.Choice(("open", "redriving", "redriven", "discarded")),
    help="In this state. [default: all but discarded]",
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most.")
@remote
def ls(session: Session, /, state: str | None, limit: int, **filters: str | None) -> None:
    """List dead letters, the newest first.

    \b
      chappe delivery ls --subscription s-1 --reason timeout
    """  # noqa: D301 - click's mark for lines as they are
    given = {**_given(filters), **({} if state is None else {"state": state})}

    async def read(hub: HubClient) -> list[msgspec.Raw]:
        found: list[msgspec.Raw] = []
        path: str | None = paths.dead_letters({**given, "limit": str(min(limit, 1000))})
        while path is not None and len(found) < limit:
            answer = await hub.read(path)
            found += msgspec.json.decode(answer.body, type=list[msgspec.Raw])
            path = paths.next_page(answer.headers.get("link"))
        return found[:limit]

    rows = session.run(read)
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
def get(session: Session, position: str) -> None:
    """Show one dead letter: the event, why it failed, and what redrives did."""
    body = session.run(lambda hub: hub.read(paths.dead_letter(position))).body
    show(session, body, name=position)


@delivery.command()
@click.argument("positions", metavar="[POSITION...]", nargs=-1)
@_filters
@click.option("--all", "all_", is_flag=True, help="Every letter that is open.")
@click.option("--to", metavar="ID", help="To this subscription instead of the one that failed.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="So many a second. [default: as fast as the sink takes them]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be delivered, and do nothing.")
@remote
def retry(
    session: Session,
    /,
    positions: Sequence[str],
    all_: bool,
    to: str | None,
    rate: float | None,
    dry_run: bool,
    **filters: str | None,
) -> None:
    """Deliver dead letters again: those at positions, or all open ones that fit.

    \b
      chappe delivery retry 0-1041-7
      chappe delivery retry --subscription s-1 --rate 20
    """  # noqa: D301 - click's mark for lines as they are
    given = _chosen(positions, filters, all_=all_)
    how: dict[str, object] = {
        name: value
        for name, value in (("to", to), ("rate", rate), ("dry_run", dry_run or None))
        if value is not None
    }

    async def post(hub: HubClient) -> list[bytes]:
        if not positions:
            return [(await hub.write("POST", paths.REDRIVE, {**given, **how})).body]
        return [(await hub.write("POST", paths.redrive(one), how)).body for one in positions]

    for body in session.run(post):
        if session.output in ("json", "jsonl"):
            session.say(one_line(body))
            continue
        done = msgspec.json.decode(body, type=Redriven)
        for name in done.redrives:
            session.say(printable(name))
        what = "would be delivered again" if dry_run else "are delivered again"
        for name, count in done.letters.items():
            session.note(f"{count} letters of {printable(name)} {what}")
        for name, count in done.ended.items():
            session.note(f"{count} letters are left: {printable(name)} has ended (see --to)")
        if done.more:
            session.note("there are more that fit; run this again")


@delivery.command()
@click.argument("positions", metavar="[POSITION...]", nargs=-1)
@_filters
@click.option("--all", "all_", is_flag=True, help="Every letter.")
@click.option("--dry-run", is_flag=True, help="Say how many it would be, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote
def discard(
    session: Session,
    /,
    positions: Sequence[str],
    all_: bool,
    dry_run: bool,
    yes: bool,
    **filters: str | None,
) -> None:
    """Put dead letters away: those at positions, or all that fit; lists show them no more."""
    given = _chosen(positions, filters, all_=all_)
    if dry_run and positions:
        raise click.UsageError("--dry-run is for letters chosen by a filter")
    if not dry_run:
        confirm(f"This puts {', '.join(positions) or 'all letters that fit'} away", yes=yes)

    async def delete(hub: HubClient) -> Discarded:
        for one in positions:
            await hub.delete(paths.dead_letter(one))
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


def _given(filters: Mapping[str, str | None]) -> dict[str, str]:
    names = {"type_": "type", "from_": "from"}
    return {names.get(name, name): value for name, value in filters.items() if value is not None}


def _chosen(
    positions: Sequence[str], filters: Mapping[str, str | None], *, all_: bool
) -> dict[str, object]:
    given: dict[str, object] = dict(_given(filters))
    if all_:
        given["all"] = True
    if bool(positions) == bool(given):
        raise click.UsageError("name positions, or a filter, or --all")
    return given


def _letter(row: msgspec.Raw) -> DeadLetter:
    return msgspec.json.decode(row, type=DeadLetter)


def _row(one: DeadLetter) -> tuple[str, ...]:
    reason = one.reason
    if len(reason) > _REASON_WIDTH:
        reason = f"{reason[: _REASON_WIDTH - 1]}…"
    return (
        one.position, moment(one.buriedat), one.state, one.subscription, one.type, one.id, reason,
    )  # fmt: skip
