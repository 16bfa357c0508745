"""`chappe event send`: what is asked for; `event_send` does it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from chappe.cli.event_input import DEFAULT_SOURCE, Flags, pairs, payload, read
from chappe.cli.event_send import Sender
from chappe.cli.event_sink import SinkSender, sink_of, sink_options
from chappe.cli.event_validate import judge, judge_files
from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.domain.event import CORE_ATTRIBUTES


@click.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--type", "type_", help="The event's type, such as order.paid.")
@click.option("--source", default=DEFAULT_SOURCE, show_default=True, help="Where it happened.")
@click.option("--id", "id_", help="Unique for the source. [default: a random UUID]")
@click.option("--subject", help="What it happened to.")
@click.option("-d", "--data", help="The payload.")
@click.option("--data-file", metavar="FILE", help="The payload, from a file or - (stdin).")
@click.option("--content-type", help="The payload's media type. [default: application/json]")
@click.option("--schema", help="The attribute dataschema, a URI.")
@click.option("--time", "time_", help="When it happened, RFC 3339. [default: now]")
@click.option("--ext", multiple=True, metavar="NAME=VALUE", help="An extension attribute.")
@click.option("--count", type=click.IntRange(min=1), default=1, help="Send that many.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PER_SECOND",
    help="With --count: so many a second. [default: as fast as the hub takes them]",
)
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel.")
@click.option("--dry-run", is_flag=True, help="Have the hub check it, and send nothing.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long until every subscription is through with all of them; 1 if not.",
)
@sink_options
@remote
def send(
    session: Session,
    file: str | None,
    type_: str | None,
    source: str,
    id_: str | None,
    subject: str | None,
    data: str | None,
    data_file: str | None,
    content_type: str | None,
    schema: str | None,
    time_: str | None,
    ext: Sequence[str],
    count: int,
    rate: float | None,
    channel: str,
    dry_run: bool,
    wait_s: float | None,
    k_sink: str | None,
    k_ce_overrides: str | None,
    k_ca_certs: str | None,
) -> None:
    """Send events; prints the position of each once it is on disk.

    \b
      chappe event send --type order.paid --subject eu-7 -d '{"total": 12.5}'
      chappe event send event.json
      chappe event ls -o jsonl | chappe event send -

    FILE (or -) holds events in the JSON format or the same as YAML: one, an array (stored as a whole or
    not at all), or one after another.

    Without --url and CHAPPE_URL they go to the address in K_SINK, where there is one (Knative's
    SinkBinding), with the extensions of K_CE_OVERRIDES; printed are then their ids.
    """  # noqa: D301 - click's mark for lines as they are
    sink = sink_of(session, k_sink, overrides=k_ce_overrides, certificates=k_ca_certs)
    if sink is not None and channel != DEFAULT_CHANNEL:
        raise click.UsageError("--channel: K_SINK is the whole address; --url names a hub instead")
    if sink is not None and (dry_run or wait_s is not None):
        raise click.UsageError("--dry-run and --wait ask a hub; K_SINK is none, so name one: --url")
    if file is not None:
        if type_ is not None or data is not None or count > 1:
            raise click.UsageError("FILE holds whole events; --type, --data, --count make one")
        if sink is not None:
            SinkSender(session, sink).run(read(file), None)
        elif dry_run:
            judge_files(session, file)
        else:
            session.run(lambda hub: _send_all(session, hub, channel, file, wait_s))
        return
    if type_ is None:
        raise click.UsageError(
            "what is to be sent? --type TYPE makes an event, FILE or - holds some"
        )
    extensions = pairs("--ext", ext)
    for name in extensions:
        if name in CORE_ATTRIBUTES or name in ("data", "data_base64"):
            raise click.UsageError(f"--ext {name}: no extension; see the option for it in -h")
    flags = Flags(
        type=type_,
        source=source,
        id=id_,
        subject=subject,
        time=time_,
        schema=schema,
        content_type=content_type,
        data=payload(data, data_file),
        extensions=extensions,
    )
    events = [flags.encode(number, count) for number in range(1, count + 1)]
    if sink is not None:
        SinkSender(session, sink).run(events, rate)
        return
    if dry_run:
        judge(session, events)
        return

    async def send_them(hub: HubClient) -> None:
        sender = Sender(session, hub, channel, waits=wait_s is not None)
        if count == 1:
            await sender.send(events[0])
        else:
            await sender.send_paced(events, rate_per_s=rate)
        await sender.wait(wait_s)

    session.run(send_them)
    session.hint("chappe event trace POSITION")


async def _send_all(
    session: Session, hub: HubClient, channel: str, file: str, wait_s: float | None
) -> None:
    sender = Sender(session, hub, channel, waits=wait_s is not None)
    await sender.send_stream(read(file))
    await sender.wait(wait_s)
