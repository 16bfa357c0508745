"""What `chappe event` reads: ls, get, tail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.event_forms import FORMS
from chappe.cli.render import moment, one_line, printable, table
from chappe.cli.session import OUTPUTS, Session, printing
from chappe.cli.sub_filters import expression
from chappe.cli.watching import watched
from chappe.cli.when import Moment
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL, EventQuery
from chappe.client.streaming import StreamQuery, follow
from chappe.client.views import Attributes, Listed

_COLUMNS = Columns(
    ("POSITION", "ACCEPTED", "TYPE", "ID", "SOURCE", "SUBJECT"), wide=("TIME", "CONTENT TYPE")
)
_PAGE = 1000
_LOST = "connection lost ({}); trying again"

_printing = printing(*OUTPUTS, *FORMS)
_channel = click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel."
)


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        _channel,
        click.option("--subject", help="Only this subject."),
        click.option("--source", help="Only this source."),
        click.option("--type", "type_", help="Only this type."),
    ):
        command = option(command)
    return command


@click.command("ls")
@_which
@click.option("--id", "id_", help="Only this id.")
@click.option(
    "--from",
    "--since",
    "from_",
    type=Moment(),
    metavar="TIME",
    help="Accepted then or later: RFC 3339, or 2h ago.",
)
@click.option("--until", type=Moment(), metavar="TIME", help="Accepted before then, as --from.")
@click.option("--after", metavar="POSITION", help="Start after this position.")
@click.option(
    "--order",
    type=click.Choice(("desc", "asc")),
    default="desc",
    show_default=True,
    help="Newest or oldest first.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="So many at most."
)
@click.option("--all", "all_", is_flag=True, help="All that fit, whatever --limit says.")
@_printing
@lists(_COLUMNS)
@watched
def ls(
    session: Session,
    type_: str | None,
    source: str | None,
    subject: str | None,
    channel: str,
    id_: str | None,
    from_: str | None,
    until: str | None,
    after: str | None,
    order: str,
    limit: int,
    all_: bool,
) -> None:
    """List events, newest first.

    \b
      chappe event ls --type order.paid --limit 20
      chappe event ls --all -o jsonl > events.jsonl     # CloudEvents, one a line
      chappe event ls --channel deadletters
    """  # noqa: D301 - click's mark for lines as they are
    query = EventQuery(
        channel=channel,
        type=type_,
        source=source,
        subject=subject,
        id=id_,
        accepted_from=from_,
        accepted_until=until,
        position=after,
        order=order,
        limit=_PAGE if all_ else min(limit, _PAGE),
    )
    if session.output == "json":
        if all_ or limit > _PAGE:
            raise click.UsageError(f"-o json is one page of at most {_PAGE}; take -o jsonl")
        session.pass_through(session.run(lambda hub: hub.read(query.path)).body)
        return

    async def listed(hub: HubClient) -> list[Listed]:
        found: list[Listed] = []
        count = 0
        async for one in hub.events(query):
            count += 1
            if session.output == "table":
                found.append(one)
            else:
                _print(session, one, channel)
            if count == limit and not all_:
                break
        return found

    found = session.run(listed)
    if session.output == "table":
        table(session, _COLUMNS, [_row(one) for one in found])


@click.command()
@click.argument("reference")
@_channel
@_printing
def get(session: Session, reference: str, channel: str) -> None:
    """Show one event: REFERENCE is a position, an id, or SOURCE#ID.

    \b
      chappe event get 2-1041-7
      chappe event get '/shop#A-1017'
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.event(reference, channel=channel))
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            session.say(one_line(body))
        case "name":
            session.say(printable(msgspec.json.decode(body, type=Attributes).id))
        case form if form in FORMS:
            session.pass_through(FORMS[form](body, url=session.url, channel=channel))
        case _:
            for line in msgspec.json.format(body, indent=2).decode().splitlines():
                session.say(printable(line))
            session.hint(f"chappe event trace '{printable(reference)}'")


@click.command()
@_which
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="DIALECT:ATTRIBUTE=VALUE",
    help="exact, prefix or suffix, such as prefix:subject=eu-; more than once: all of them.",
)
@click.option("-n", "--last", type=click.IntRange(0, _PAGE), default=0, help="Begin with so many.")
@click.option(
    "--from",
    "start",
    type=Moment(),
    metavar="WHERE",
    help="Begin there: earliest, a time (RFC 3339, or 2h ago), or a position to go on behind.",
)
@_printing
def tail(
    session: Session,
    type_: str | None,
    source: str | None,
    subject: str | None,
    channel: str,
    filters: Sequence[str],
    last: int,
    start: str | None,
) -> None:
    """Follow events as they come, until Ctrl-C; a lost connection is made again, without a gap.

    \b
      chappe event tail --type order.paid -n 10
      chappe event tail --from earliest -o jsonl | jq .data
    """  # noqa: D301 - click's mark for lines as they are
    if last and (start is not None or filters):
        raise click.UsageError(
            "-n counts the newest of all; it goes with neither --from nor --filter"
        )
    query = StreamQuery(
        channel,
        type_,
        source,
        subject,
        msgspec.json.encode(list(map(expression, filters))).decode() if filters else None,
        start or "latest",
    )

    async def print_all(hub: HubClient) -> None:
        wanted = query
        if last:
            query_of_last = EventQuery(
                channel=channel, type=type_, source=source, subject=subject, limit=last
            )
            newest = (await hub.page(query_of_last.path)).events
            for one in reversed(newest):
                _print(session, one, channel)
            # Where there is none yet, all that come from now on are the last ones, too.
            wanted = replace(query, start=newest[0].position if newest else "earliest")
        async for found in follow(hub, wanted, lost=lambda why: session.note(_LOST.format(why))):
            event = msgspec.Raw(found.event)
            listed = Listed(position=found.position, acceptedat=found.acceptedat, event=event)
            _print(session, listed, channel)

    session.run(print_all)


def _print(session: Session, one: Listed, channel: str) -> None:
    match session.output:
        case form if form in FORMS:
            written = FORMS[form](bytes(one.event), url=session.url, channel=channel)
            session.pass_through(written)
        case "json" | "jsonl":
            session.say(one_line(bytes(one.event)))
        case "name":
            session.say(one.position)
        case _:
            session.say(
                "  ".join(printable(cell) for cell in _row(one)[: len(_COLUMNS.names)]).rstrip()
            )
    sys.stdout.flush()


def _row(one: Listed) -> tuple[str, ...]:
    shown = msgspec.json.decode(one.event, type=Attributes)
    return (
        one.position,
        moment(one.acceptedat),
        shown.type,
        shown.id,
        shown.source,
        shown.subject or "",
        shown.time or "",
        shown.datacontenttype or "",
    )
