"""`chappe event trace`: did it arrive, and what is it part of?"""

from __future__ import annotations

import asyncio
from typing import Final

import click
import msgspec

from chappe.cli import trace_screen
from chappe.cli.event_causes import told
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session, remote
from chappe.client import paths
from chappe.client.causes import of_trace, story, trace_id
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.views import Trace
from chappe.domain.errors import NotFound

_LOOK_AGAIN_S: Final = 0.1
_MOST_SHOWN: Final = 50
_SETTLED: Final = frozenset({"delivered", "dead-lettered", "expired", "not matched", "not offered"})


@click.command()
@click.argument("reference")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long for every subscription to be through with it.",
)
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel.")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Of a traceparent: look at so many of the newest events.",
)
@remote
def trace(session: Session, reference: str, channel: str, wait_s: float, last: int) -> None:
    """Did it arrive? REFERENCE is a position, an id, SOURCE#ID, or a traceparent (W3C).

    \b
      chappe event trace A-1017
      chappe event trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01

    Shows each subscription with its attempts, or with what kept the event from it, then the event's trace,
    cause, and what it caused (by the extensions traceparent and causationid, among the 1000 events after
    it). With --wait, the exit code is 1 when one of them is still at it by then.
    """  # noqa: D301 - click's mark for lines as they are
    asked = trace_id(reference)
    if asked is None:
        references = [reference]
    else:
        found = session.run(lambda hub: of_trace(hub, asked, channel, last))
        if not found:
            raise NotFound(f"trace {asked}: no event of it among the newest {last:,} of {channel}")
        references = [one.position for one in found[:_MOST_SHOWN]]
    bodies = []
    is_settled = True
    for one in references:
        path = paths.trace(one, channel)
        body, done = session.run(lambda hub, path=path: settled(hub, path, wait_s))  # type: ignore[misc]
        is_settled = is_settled and done
        bodies.append(body)
    match session.output:
        case "json" if asked is not None:
            session.say("[" + ",".join(map(one_line, bodies)) + "]")
        case "json":
            session.pass_through(bodies[0])
        case "jsonl":
            for body in bodies:
                session.say(one_line(body))
        case _:
            for body in bodies:
                _show(session, msgspec.json.decode(body, type=Trace), alone=asked is None)
    if wait_s and not is_settled:
        click.get_current_context().exit(1)


def _show(session: Session, found: Trace, *, alone: bool) -> None:
    if session.output == "name":
        session.say(found.position)
        return
    for line in trace_screen.lines(found, session):
        session.say(line)
    if not alone:
        return
    said = told(session.run(lambda hub: story(hub, found.position, found.channel)))
    if said:
        session.say(printable(said))
    session.hint(trace_screen.hint(found))


async def settled(hub: HubClient, path: str, wait_s: float) -> tuple[bytes, bool]:
    """A trace, once every subscription is through or the time is over; whether all are."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        body = (await hub.read(path)).body
        arrivals = msgspec.json.decode(body, type=Trace).subscriptions
        done = all(one.state in _SETTLED for one in arrivals)
        if done or loop.time() >= until:
            return body, done
        await asyncio.sleep(_LOOK_AGAIN_S)
