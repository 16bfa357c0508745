"""`chappe sub test`, and the test event that goes out before a subscription is made.

error: the test event was refused: 404 Not Found in 41 ms
why:   https://billing/elsewhere answers, but has no such path (said: "no route /elsewhere")
next:  mend the URL, or add --no-test to create it anyway
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import click
import msgspec

from chappe.cli.render import latency, mark, printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.views import Tried

_NO: Final = 1
_MEANS: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "answers, but cannot read the event",
        401: "answers, but asks for a credential (--bearer)",
        403: "answers, but does not let the hub in",
        404: "answers, but has no such path",
        405: "answers, but takes no POST there",
        410: "answers that it wants no events any more",
        413: "answers, but the event is too large for it",
        415: "answers, but does not understand the event's media type",
        429: "answers, but has too much to do",
        503: "answers, but cannot do it now",
    }
)


@click.command("test")
@click.argument("id_", metavar="ID")
@remote
def test(session: Session, id_: str) -> None:
    """Send one test event to a subscription's sink, signed as all of them, and show the answer.

    \b
      chappe sub test billing

    Nothing is stored. The exit code is 1 when the sink does not take it.
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.write("POST", paths.tried(id_), None)).body
    tried = msgspec.json.decode(body, type=Tried)
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
    elif tried.delivered:
        session.say(taken(session, tried))
    if not tried.delivered:
        if session.output not in ("json", "jsonl"):
            refuse(session, tried, next_="mend the sink, or its URL: chappe sub edit " + id_)
        click.get_current_context().exit(_NO)


def taken(session: Session, tried: Tried) -> str:
    """One line about a test event that the sink took."""
    signed = ", signed" if tried.signed else ""
    glyph = mark("✓", "green", session)
    return (
        f"{glyph} the sink took a test event: {tried.status} in {latency(tried.latency_ms)}{signed}"
    )


def refuse(session: Session, tried: Tried, *, next_: str) -> None:
    """Three lines about one that it did not take; with -o json the hub's answer."""
    if session.output in ("json", "jsonl"):
        click.echo(msgspec.json.encode(tried), err=True)
        return
    for line in _refusal(tried):
        click.echo(printable(line), err=True)
    click.echo(printable(f"next:  {next_}"), err=True)


def _refusal(tried: Tried) -> tuple[str, str]:
    took = latency(tried.latency_ms)
    if tried.status is None:
        return (
            f"error: the test event was not taken: no answer in {took}",
            f"why:   {tried.sink}: {tried.reason}",
        )
    try:
        phrase = f"{tried.status} {HTTPStatus(tried.status).phrase}"
    except ValueError:
        phrase = str(tried.status)
    said = tried.reason.removeprefix(phrase).removeprefix(phrase.partition(" ")[2]).lstrip(": ")
    means = _MEANS.get(tried.status, "answers, but does not take it")
    return (
        f"error: the test event was refused: {phrase} in {took}",
        f"why:   {tried.sink} {means}" + (f' (said: "{said}")' if said else ""),
    )
