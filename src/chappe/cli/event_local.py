"""`chappe event listen`: events on this machine, for whoever develops a consumer.

What `forward` shares with it is here, too: which events, a subscription that ends with the command, a line each.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click

from chappe.cli.local_sink import listening
from chappe.cli.render import one_line, printable
from chappe.cli.session import Session, remote
from chappe.cli.sub_filters import expression, of_types
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.domain.errors import ChappeError
from chappe.domain.event import Event
from chappe.formats import cloudevents_json


def which(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which events."""
    for option in (
        click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="DIALECT:ATTRIBUTE=VALUE",
            help="exact, prefix or suffix; more than once: all of them.",
        ),
        click.option("--source", help="Only this source."),
        click.option(
            "--type", "types", multiple=True, help="Only this type, or order.*; several: any."
        ),
    ):
        command = option(command)
    return command


@click.command()
@which
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="0: one that is free.")
@click.option(
    "--status",
    type=click.IntRange(200, 599),
    default=204,
    show_default=True,
    help="What is answered, to see what the hub makes of it.",
)
@remote
def listen(
    session: Session,
    types: Sequence[str],
    source: str | None,
    filters: Sequence[str],
    channel: str,
    host: str,
    port: int,
    status: int,
) -> None:
    """Subscribe a sink on this machine, and print what it gets, until Ctrl-C.

    \b
      chappe event listen --type order.paid
      chappe event listen --status 503

    The hub has to reach this machine at --host; where it cannot, take `chappe event forward`.
    """  # noqa: D301 - click's mark for lines as they are
    wanted = wanted_of(types, source, filters, channel)

    def take(event: Event) -> int:
        show(session, event, status)
        return status

    async def serve(hub: HubClient) -> None:
        async with listening(host, port, take) as (address, number):
            shown = f"[{address}]" if ":" in address else address
            sink = {"protocol": "HTTP", "sink": f"http://{shown}:{number}/"}
            async with subscribed(session, hub, {**wanted, **sink}):
                await asyncio.Event().wait()

    session.run(serve)


@asynccontextmanager
async def subscribed(
    session: Session, hub: HubClient, wanted: Mapping[str, object]
) -> AsyncIterator[str]:
    """A subscription that ends with the command."""
    made = await hub.subscribe(wanted)
    session.note(f"subscription {made.id} -> {made.sink}, until Ctrl-C")
    try:
        yield made.id
    finally:
        # Cancelled by then; a second Ctrl-C does not wait for it.
        try:
            await hub.unsubscribe(made.id)
        except ChappeError as error:
            session.note(f"subscription {made.id} stays: {error.message}; chappe sub rm {made.id}")


def wanted_of(
    types: Sequence[str], source: str | None, filters: Sequence[str], channel: str
) -> dict[str, object]:
    """The events that the options name, as a subscription has them."""
    wanted: dict[str, object] = {"channel": channel}
    named, expressions = of_types(types)
    expressions += map(expression, filters)
    if named:
        wanted["types"] = named
    if source is not None:
        wanted["source"] = source
    if expressions:
        wanted["filters"] = expressions
    return wanted


def show(session: Session, event: Event, status: int | str, *, before: str = "") -> None:
    """A line for the event and what was answered, and one for its payload; for programs the event."""
    match session.output:
        case "json" | "jsonl":
            session.say(one_line(cloudevents_json.encode(event)))
        case "name":
            session.say(printable(event.id))
        case _:
            cells = (str(status), event.type, event.id, event.source, event.subject or "")
            session.say(before + "  ".join(printable(cell) for cell in cells).rstrip())
            shown = _payload(event)
            if shown:
                session.say(f"     {shown}")
    sys.stdout.flush()


def _payload(event: Event) -> str:
    if event.data is None:
        return ""
    try:
        text = event.data.decode()
    except UnicodeDecodeError:
        return f"{len(event.data)} bytes"
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= 200 else f"{shown[:199]}…"
