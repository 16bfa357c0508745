"""`chappe event forward`: events of a hub posted to a URL that this machine reaches.

10:02:11.402  ✓ 200 in 3 ms  shop.order.paid  A-1017  /shop/web
     {"order":"A-1017","total":12.5}
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import click

from chappe.cli.event_local import show, subscribed, wanted_of, which
from chappe.cli.keys import pressed
from chappe.cli.local_sink import listening
from chappe.cli.moment import now_text
from chappe.cli.render import clock_time, latency, mark
from chappe.cli.session import Session, remote
from chappe.client.http1 import Http1, Origin
from chappe.client.hub_client import HubClient
from chappe.client.pulling import Pulling, Received
from chappe.client.views import Subscribed
from chappe.domain.errors import CallerError, NotFound, Unavailable
from chappe.domain.event import Event
from chappe.formats import cloudevents_http, cloudevents_json
from chappe.kit.supervise import Supervisor

_POLL_S = 20.0
_AT_ONCE = 8
_LOCK_S = 60.0
_AGAIN_S = 1.0
_MOST_AGAIN_S = 30.0


@click.command()
@click.argument("address", metavar="[URL]", required=False)
@click.option("--to", metavar="URL", help="Where events are posted to; the same as URL.")
@click.option("--echo", is_flag=True, help="To a receiver of this command's own, which takes all.")
@click.option(
    "--sub", "subscription", metavar="ID", help="One that was made with --pull, which stays."
)
@click.option(
    "--durable",
    metavar="NAME",
    help="A subscription of this name, made where there is none: it stays, and so does what comes "
    "meanwhile.",
)
@click.option(
    "--ephemeral", is_flag=True, help="One that ends with the command, as without --durable."
)
@which
@remote
def forward(
    session: Session,
    address: str | None,
    to: str | None,
    echo: bool,
    subscription: str | None,
    durable: str | None,
    ephemeral: bool,
    types: Sequence[str],
    source: str | None,
    filters: Sequence[str],
    channel: str,
) -> None:
    """Take events from the hub and post them to a URL that this machine reaches, until Ctrl-C.

    \b
      chappe event forward --type 'order.*' http://localhost:3000/events
      chappe event forward --type 'order.*' --durable my-laptop http://localhost:3000/events
      chappe event forward --sub s-5k2v9q http://localhost:3000/events
      chappe event forward --type order.paid --echo

    For consumers that the hub cannot reach: all connections go out from here. What is not answered
    with 2xx is posted again, after some seconds. Without --sub and --durable there is a subscription for as
    long as the command runs. On a terminal, r posts the last event once more, and q ends the command.
    """  # noqa: D301 - click's mark for lines as they are
    if subscription is not None and (types or source is not None or filters):
        raise click.UsageError("--sub says which events; leave --type, --source and --filter out")
    if sum((subscription is not None, durable is not None, ephemeral)) > 1:
        raise click.UsageError("one of --sub, --durable and --ephemeral")
    given = [one for one in (address, to) if one is not None]
    if len(given) + echo != 1:
        raise click.UsageError("where are events posted to? one of URL, --to and --echo")
    wanted = {
        **wanted_of(types, source, filters, channel),
        "protocol": "PULL",
        "protocolsettings": {"lock_s": _LOCK_S},
    }

    async def serve(hub: HubClient) -> None:
        async with _receiver(given[0] if given else None) as receiver:
            parts = urlsplit(receiver)
            origin = Origin.parse(urlunsplit((parts.scheme, parts.netloc, "", "", "")))
            target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            http = Http1(origin)
            poster = _Poster(session, http, target)
            try:
                if subscription is not None:
                    await _posted(session, poster, Pulling(hub, subscription))
                elif durable is not None:
                    await _there(session, hub, durable, wanted)
                    await _posted(session, poster, Pulling(hub, durable))
                else:
                    async with subscribed(session, hub, wanted) as id_:
                        await _posted(session, poster, Pulling(hub, id_))
            finally:
                await http.close()

    session.run(serve)


async def _there(session: Session, hub: HubClient, name: str, wanted: Mapping[str, object]) -> None:
    """Make the subscription, or see that the one of this name is what is asked for.

    Raises:
        click.UsageError: it is another one.
    """
    try:
        found = await hub.subscription(name)
    except NotFound:
        made = await hub.subscribe(wanted, id=name)
        session.note(f"subscription {made.id} is made, and stays; chappe sub rm {made.id} ends it")
        return
    asked = {field: wanted[field] for field in ("types", "source", "filters") if field in wanted}
    if found.protocol != "PULL" or (asked and asked != _choice(found)):
        raise click.UsageError(
            f"--durable {name}: there is a subscription of that name, but another one ({found.protocol}, "
            f"{_choice(found) or 'all events'}); take another name, or chappe sub rm {name}"
        )
    session.note(f"subscription {name} goes on where it stopped")


def _choice(found: Subscribed) -> dict[str, object]:
    chosen = {"types": list(found.types), "source": found.source, "filters": list(found.filters)}
    return {name: value for name, value in chosen.items() if value}


async def _posted(session: Session, poster: _Poster, consumer: Pulling) -> None:
    """Post what comes until the person has seen enough."""
    task = asyncio.current_task()
    assert task is not None
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        task.cancel()

    try:
        async with Supervisor() as again:
            keys = {
                "r": lambda: again.start_soon(poster.post_again(), name="again"),
                "q": end,
            }
            with pressed(keys) as is_watched:
                if is_watched:
                    session.note("r posts the last event once more, q ends")
                try:
                    await poster.run(consumer)
                except asyncio.CancelledError:
                    if not ended:
                        raise
                    task.uncancel()
                finally:
                    again.cancel()
    except ExceptionGroup as group:
        # What ended the work, as it was raised: the group is this function's own.
        raise group.exceptions[0] from None


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
        self._last: Event | None = None

    async def run(self, consumer: Pulling) -> None:
        again_s = _AGAIN_S
        while True:
            try:
                received = await consumer.receive(max_events=_AT_ONCE, wait_s=_POLL_S)
                again_s = _AGAIN_S
                async with Supervisor() as posting:
                    for one in received:
                        posting.start_soon(self._settle(consumer, one), name=one.position)
            except* Unavailable as lost:
                self._session.note(f"{lost.exceptions[0]}; trying again")
                await asyncio.sleep(again_s)
                again_s = min(2 * again_s, _MOST_AGAIN_S)

    async def post_again(self) -> None:
        """Post the last event once more; nothing is settled by it."""
        if self._last is None:
            self._session.note("no event has come yet")
        else:
            await self._post(self._last)

    async def _settle(self, consumer: Pulling, one: Received) -> None:
        self._last = event = cloudevents_json.decode(bytes(one.event))
        if await self._post(event):
            await consumer.acknowledge([one.locktoken])
        else:
            delay_s = min(2.0 ** (one.deliverycount - 1), _MOST_AGAIN_S)
            await consumer.release([one.locktoken], delay_s=delay_s)

    async def _post(self, event: Event) -> bool:
        """Post it, and tell how that went; whether it was taken."""
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
            said = f"{answer.status} in {took}"
            is_taken = 200 <= answer.status < 300
        except (Unavailable, CallerError) as exc:
            said, is_taken = exc.message, False
        glyph = mark("✓", "green", self._session) if is_taken else mark("✗", "red", self._session)
        show(self._session, event, said, before=f"{clock_time(now_text())}  {glyph} ")
        return is_taken
