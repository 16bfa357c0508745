"""`chappe sub explain`: who would get this event, and why.

order.paid  A-1017  from /shop   channel default
  s-5k2v9q  ✓ gets it   sql(hop < 5) decided; the event has '4'   http://127.0.0.1:9000/
  s-77aaz1  - does not  exact(subject)='eu' decided; the event has 'us'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from chappe.cli.cells import cells, padded
from chappe.cli.event_input import Batch, read
from chappe.cli.render import mark, one_line, printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.problems import error_of
from chappe.client.views import Explained, Told

_NO = 1


@click.command()
@click.argument("event")
@click.option("--sub", "ids", multiple=True, metavar="ID", help="Only this one; also repeated.")
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel.")
@remote
def explain(session: Session, event: str, ids: Sequence[str], channel: str) -> None:
    """Tell which subscriptions would get an event, and which test decided.

    \b
      chappe sub explain 2-1041-7
      chappe sub explain event.json --sub s-5k2v9q

    EVENT is a file (or -) with one event in the JSON format, which is not published; or a position,
    an id, or SOURCE#ID of a stored one. The exit code is 1 when none would get it. What became of a
    stored event tells chappe event trace.
    """  # noqa: D301 - click's mark for lines as they are
    given = _given(event)

    async def ask(hub: HubClient) -> bytes:
        body = given if given is not None else await hub.event(event, channel=channel)
        headers = {"content-type": "application/cloudevents+json", "accept": "application/json"}
        answer = await hub.exchange("POST", paths.explained(channel, ids), body, headers)
        if answer.status != 200:
            raise error_of(answer)
        return answer.body

    body = session.run(ask)
    explained = msgspec.json.decode(body, type=Explained)
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            for raw in msgspec.json.decode(body, type=_Raw).subscriptions:
                session.say(one_line(bytes(raw)))
        case "name":
            for one in explained.subscriptions:
                if one.matched:
                    session.say(printable(one.subscription))
        case _:
            for line in _lines(explained, session):
                session.say(line)
    if not any(one.matched for one in explained.subscriptions):
        click.get_current_context().exit(_NO)


class _Raw(msgspec.Struct):
    subscriptions: list[msgspec.Raw]


def _given(event: str) -> bytes | None:
    """The event of a file; None where EVENT names a stored one."""
    if event != "-" and not Path(event).is_file():
        return None
    found = [
        one
        for item in read(event)
        for one in (item.events if isinstance(item, Batch) else [item.event])
    ]
    if len(found) != 1:
        raise click.UsageError(f"{event} holds {len(found)} events; one is explained at a time")
    return found[0]


def _lines(explained: Explained, session: Session) -> Iterator[str]:
    yield printable(
        f"{explained.type}  {explained.id}  from {explained.source}   channel {explained.channel}"
    )
    if not explained.subscriptions:
        yield "  no subscription on this channel"
    names = max((cells(printable(one.subscription)) for one in explained.subscriptions), default=0)
    for one in explained.subscriptions:
        yield _line(one, names, session)


def _line(one: Told, names: int, session: Session) -> str:
    glyph = mark("✓", "green", session) if one.matched else mark("-", "white", session)
    told = [_why(one)]
    if one.matched:
        told.append(one.sink)
    verdict = "gets it " if one.matched else "does not"
    return f"  {padded(printable(one.subscription), names)}  {glyph} {verdict}  " + printable(
        "   ".join(told)
    )


def _why(one: Told) -> str:
    if one.decided_by is None:
        return "it takes every event"
    found = "no such attribute" if one.found is None else repr(one.found)
    return f"{one.decided_by} decided; the event has {found}"
