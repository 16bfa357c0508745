"""`chappe event listen` and `forward`: events on this machine, for whoever develops a consumer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import click

from chappe.cli.local_sink import listening
from chappe.cli.render import latency, one_line, printable
from chappe.cli.session import Session, remote
from chappe.cli.sub_filters import expression, of_types
from chappe.client.http1 import Http1, Origin
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.pulling import Pulling, Received
from chappe.domain.errors import ChappeError, Unavailable
from chappe.domain.event import Event
from chappe.formats import cloudevents_http, cloudevents_json
from chappe.kit.supervise import Supervisor

_POLL_S = 20.0
_AT_ONCE = 8
_LOCK_S = 60.0
_AGAIN_S = 1.0
_MOST_AGAIN_S = 30.0


def _which(command: Callable[..., Any]) -> Callable[..., Any]:
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
@_which
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
    wanted = _wanted(types, source, filters, channel)

    def take(event: Event) -> int:
        _print(session, event, status)
        return status

    async def serve(hub: HubClient) -> None:
        async with listening(host, port, take) as (address, number):
            shown = f"[{address}]" if ":" in address else address
            sink = {"protocol": "HTTP", "sink": f"http://{shown}:{number}/"}
            async with _subscribed(session, hub, {**wanted, **sink}):
                await asyncio.Event().wait()

    session.run(serve)


@click.command()
@click.argument("address", metavar="[URL]", required=False)
@click.option("--to", metavar="URL", help="Where events are posted to; the same as URL.")
@click.option("--echo", is_flag=True, help="To a receiver of this command's own, which takes all.")
@click.option(
    "--sub", "subscription", metavar="ID", help="One that was made with --pull, which stays."
)
@_which
@remote
def forward(
    session: Session,
    address: str | None,
    to: str | None,
    echo: bool,
    subscription: str | None,
    types: Sequence[str],
    source: str | None,
    filters: Sequence[str],
    channel: str,
) -> None:
    """Take events from the hub and post them to a URL that this machine reaches, until Ctrl-C.

    \b
      chappe event forward --type 'order.*' http://localhost:3000/events
      chappe event forward --sub s-5k2v9q http://localhost:3000/events
      chappe event forward --type order.paid --echo

    For consumers that the hub cannot reach: all connections go out from here. What is not answered
    with 2xx is posted again, after some seconds. Without --sub there is a subscription for as long as
    the command runs.
    """  # noqa: D301 - click's mark for lines as they are
    if subscription is not None and (types or source is not None or filters):
        raise click.UsageError("--sub says which events; leave --type, --source and --filter out")
    given = [one for one in (address, to) if one is not None]
    if len(given) + echo != 1:
        raise click.UsageError("where are events posted to? one of URL, --to and --echo")

    async def serve(hub: HubClient) -> None:
        async with _receiver(given[0] if given else None) as receiver:
            await forward_to(hub, receiver)

    async def forward_to(hub: HubClient, receiver: str) -> None:
        parts = urlsplit(receiver)
        origin = Origin.parse(urlunsplit((parts.scheme, parts.netloc, "", "", "")))
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        http = Http1(origin)
        poster = _Poster(session, http, target)
        try:
            if subscription is not None:
                await poster.run(Pulling(hub, subscription))
                return
            wanted = _wanted(types, source, filters, channel)
            pulled = {"protocol": "PULL", "protocolsettings": {"lock_s": _LOCK_S}}
            async with _subscribed(session, hub, {**wanted, **pulled}) as id_:
                await poster.run(Pulling(hub, id_))
        finally:
            await http.close()

    session.run(serve)


@asynccontextmanager
async def _receiver(url: str | None) -> AsyncIterator[str]:
    """The URL; where there is none, that of a receiver which takes everything."""
    if url is not None:
        yield url
        return
    async with listening("127.0.0.1", 0, lambda event: 204) as (host, port):
        yield f"http://{host}:{port}/"


class _Poster:
    """Posts what it receives, and settles it by the answer."""

    def __init__(self, session: Session, http: Http1, target: str) -> None:
        self._session = session
        self._http = http
        self._target = target

    async def run(self, consumer: Pulling) -> None:
        again_s = _AGAIN_S
        while True:
            try:
                received = await consumer.receive(max_events=_AT_ONCE, wait_s=_POLL_S)
                again_s = _AGAIN_S
                async with Supervisor() as posting:
                    for one in received:
                        posting.start_soon(self._post(consumer, one), name=one.position)
            except* Unavailable as lost:
                self._session.note(f"{lost.exceptions[0]}; trying again")
                await asyncio.sleep(again_s)
                again_s = min(2 * again_s, _MOST_AGAIN_S)

    async def _post(self, consumer: Pulling, one: Received) -> None:
        event = cloudevents_json.decode(bytes(one.event))
        headers, body = cloudevents_http.encode_binary(event)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        try:
            answer = await self._http.ask(
                "POST",
                self._target,
                headers={name.decode(): value.decode("latin-1") for name, value in headers},
                body=body,
                timeout_s=_LOCK_S / 2,
            )
            took = latency(round((loop.time() - begun_s) * 1000))
            status: int | str = f"{answer.status} in {took}"
            done = 200 <= answer.status < 300
        except Unavailable as exc:
            status, done = exc.message, False
        _print(self._session, event, status)
        if done:
            await consumer.acknowledge([one.locktoken])
        else:
            delay_s = min(2.0 ** (one.deliverycount - 1), _MOST_AGAIN_S)
            await consumer.release([one.locktoken], delay_s=delay_s)


@asynccontextmanager
async def _subscribed(
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


def _wanted(
    types: Sequence[str], source: str | None, filters: Sequence[str], channel: str
) -> dict[str, object]:
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


def _print(session: Session, event: Event, status: int | str) -> None:
    match session.output:
        case "json" | "jsonl":
            session.say(one_line(cloudevents_json.encode(event)))
        case "name":
            session.say(printable(event.id))
        case _:
            cells = (str(status), event.type, event.id, event.source, event.subject or "")
            session.say("  ".join(printable(cell) for cell in cells).rstrip())
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
