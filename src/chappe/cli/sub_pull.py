"""`chappe sub pull`: take the events of a pulled subscription."""

from __future__ import annotations

import sys

import click
import msgspec

from chappe.cli.render import moment, one_line, printable
from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient
from chappe.client.pulling import Pulling, Received, decode_received
from chappe.client.views import Attributes

_POLL_S = 20.0
_PAGE = 1_000


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--ack", is_flag=True, help="Acknowledge what was printed, so that it is done.")
@click.option(
    "--max",
    "most",
    type=click.IntRange(min=1),
    help="So many events at most. [default: 100; with --follow: any number]",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 60),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long for the first event.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@remote
def pull(
    session: Session, id_: str, ack: bool, most: int | None, wait_s: float, follow: bool
) -> None:
    """Take events of a subscription that was made with --pull.

    \b
      chappe sub pull s-5k2v9q --ack --follow
      chappe sub pull s-5k2v9q -o jsonl | jq -r .locktoken

    Without --ack the events stay locked for a while (lock_s), and then come again.
    """  # noqa: D301 - click's mark for lines as they are
    if session.output == "json" and follow:
        raise click.UsageError("-o json is one answer of the API; with --follow take -o jsonl")

    async def take(hub: HubClient) -> None:
        consumer = Pulling(hub, id_)
        left = most if most is not None else (None if follow else 100)
        patience_s = _POLL_S if follow else wait_s
        while left is None or left > 0:
            body = await consumer.receive_json(
                max_events=_PAGE if left is None else min(left, _PAGE),
                wait_s=patience_s,
            )
            received = decode_received(body)
            if session.output == "json":
                session.pass_through(body)
            else:
                for one in received:
                    _print(session, one)
            sys.stdout.flush()
            if ack and received:
                done = await consumer.acknowledge([one.locktoken for one in received])
                for failed in done.failed:
                    session.note(f"not acknowledged: {failed.locktoken}: {failed.detail}")
            if left is not None:
                left -= len(received)
            if follow:
                continue
            if not received or session.output == "json":
                break
            patience_s = 0.0

    session.run(take)


def _print(session: Session, one: Received) -> None:
    match session.output:
        case "jsonl":
            session.say(one_line(msgspec.json.encode(one)))
        case "name":
            session.say(one.locktoken)
        case _:
            shown = msgspec.json.decode(one.event, type=Attributes)
            cells = (
                one.position,
                f"{one.deliverycount}x",
                moment(one.lockeduntil),
                shown.type,
                shown.id,
                shown.source,
                shown.subject or "",
            )
            session.say("  ".join(printable(cell) for cell in cells).rstrip())
