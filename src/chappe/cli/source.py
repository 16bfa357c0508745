"""`chappe source`: create, webhook, ls, get, pause, resume, rm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from chappe.cli.columns import Columns, lists
from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.noun import Noun
from chappe.cli.own_print import show
from chappe.cli.render import one_line, printable, table
from chappe.cli.session import Session, remote
from chappe.cli.source_webhook import webhook
from chappe.cli.sub_create import text_or_file
from chappe.cli.sub_hold import delete_each, post_each, told
from chappe.cli.watching import watched
from chappe.cli.writing import dry_run_option, wait_option, wait_until
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.views import Connected

_COLUMNS: Final = Columns(
    ("ID", "URL", "CHANNEL", "STATE", "TAKEN", "SET ASIDE", "NODE", "ERROR"),
    wide=("PROTOCOL", "EPOCH"),
)
_PROTOCOLS: Final = {
    "kafka": "KAFKA",
    "nats": "NATS",
    "tls": "NATS",
    "mqtt": "MQTT5",
    "mqtts": "MQTT5",
    "amqp": "AMQP",
    "amqps": "AMQP",
}


@click.group(cls=Noun, no_args_is_help=True)
def source() -> None:
    """Read events from other brokers, and take other systems' webhooks."""


source.add_command(webhook)


@source.command()
@click.argument("id_", metavar="ID")
@click.option("--from", "place", required=True, metavar="URL", help="The broker, kafka://k1:9092.")
@click.option("--protocol", help="The protocol, where the URL leaves the choice: MQTT3.")
@click.option("--topic", "topics", multiple=True, help="Kafka: a topic; MQTT: the topic filter.")
@click.option("--subject", help="NATS: the subject, with * and > for tokens.")
@click.option("--jetstream", is_flag=True, help="NATS: read from a stream.")
@click.option("--address", help="AMQP: the node.")
@click.option("--group", help="The consumer group, or NATS' queue group.")
@click.option(
    "--start",
    type=click.Choice(("earliest", "latest")),
    help="Where reading begins the first time: with all that the broker keeps, or what comes then.",
)
@click.option("--settings", metavar="JSON|@FILE", help="More of protocolsettings.")
@click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="What takes the events."
)
@click.option("--user", metavar="NAME", help="The user, with --password.")
@click.option("--password", metavar="TEXT|@FILE", help="The user's password.")
@click.option("--bearer", metavar="TOKEN|@FILE", help="A token that the broker asks for.")
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="File of the authorities (PEM)."
)
@click.option("--paused", is_flag=True, help="Do not read yet.")
@dry_run_option()
@wait_option("Wait so long until a node reads from it; 1 if none does.")
@remote
def create(
    session: Session,
    id_: str,
    place: str,
    protocol: str | None,
    topics: Sequence[str],
    subject: str | None,
    jetstream: bool,
    address: str | None,
    group: str | None,
    start: str | None,
    settings: str | None,
    channel: str,
    user: str | None,
    password: str | None,
    bearer: str | None,
    ca: str | None,
    paused: bool,
    dry_run: bool,
    wait_s: float | None,
) -> None:
    """Read from a broker into a channel.

    \b
      chappe source create shop --from kafka://k1:9092,k2:9092 --topic orders
      chappe source create iot --from nats://n1:4222 --subject 'plant.>' --jetstream
    """  # noqa: D301 - click's mark for lines as they are
    if (user is None) != (password is None):
        raise click.UsageError("--user and --password go together")
    if user is not None and bearer is not None:
        raise click.UsageError("--bearer and --user: one of them")
    protocol = protocol or _PROTOCOLS.get(place.partition("://")[0].lower(), "")
    wanted: dict[str, object] = {
        "id": id_,
        "protocol": protocol,
        "url": place,
        "channel": channel,
        "paused": paused,
        "protocolsettings": {
            **_settings(protocol, topics, subject, address, group),
            **({"jetstream": True} if jetstream else {}),
            **({"start": start} if start is not None else {}),
            **_more(settings),
        },
    }
    if bearer is not None:
        wanted["credential"] = {
            "credentialtype": "ACCESSTOKEN",
            "accesstoken": text_or_file("--bearer", bearer).strip(),
            "accesstokentype": "bearer",
        }
    elif user is not None and password is not None:
        wanted["credential"] = {
            "credentialtype": "PLAIN",
            "identifier": user,
            "secret": text_or_file("--password", password).strip(),
        }
    if ca is not None:
        wanted["tls"] = {"ca": Path(ca).read_text(encoding="utf-8")}
    path = paths.rehearsed(paths.SOURCES, dry_run=dry_run)
    body = session.run(lambda hub: hub.write("POST", path, wanted)).body
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
    else:
        told(session, id_, "made", dry_run=dry_run)
    if dry_run:
        return
    if not paused:
        wait_until(session, lambda hub: _not_reading(hub, id_), wait_s)
    session.hint(f"chappe source get {printable(id_)}")


async def _not_reading(hub: HubClient, id_: str) -> str:
    found = msgspec.json.decode((await hub.read(paths.source(id_))).body, type=Connected)
    status = found.status
    return "" if status.state == "running" else f"{id_} is {status.state}: {status.error or '…'}"


@source.command("ls")
@remote
@lists(_COLUMNS)
@watched
def ls(session: Session) -> None:
    """List the sources and how they do.

    \b
      chappe source ls
      chappe source ls -o json | jq '.[].status.state'
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.read(paths.SOURCES)).body
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            for raw in msgspec.json.decode(body, type=list[msgspec.Raw]):
                session.say(one_line(bytes(raw)))
        case "name":
            for one in msgspec.json.decode(body, type=list[Connected]):
                session.say(one.id)
        case _:
            found = msgspec.json.decode(body, type=list[Connected])
            table(session, _COLUMNS, [_row(one) for one in found])


@source.command()
@click.argument("id_", metavar="ID")
@remote
@watched
def get(session: Session, id_: str) -> None:
    """Show one source and how it does; its secrets are never shown.

    \b
      chappe source get github
      chappe source get factory -o json | jq .status
    """  # noqa: D301 - click's mark for lines as they are
    body = session.run(lambda hub: hub.read(paths.source(id_))).body
    show(session, body, name=id_, kind="source")


@source.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@remote
def pause(session: Session, ids: Sequence[str], dry_run: bool) -> None:
    """Let reading rest; the broker keeps what comes, as far as it does that.

    \b
      chappe source pause factory
    """  # noqa: D301 - click's mark for lines as they are
    post_each(session, ids, paths.pause_source, dry_run=dry_run, what="paused")


@source.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@remote
def resume(session: Session, ids: Sequence[str], dry_run: bool) -> None:
    """Let reading go on where it stopped.

    \b
      chappe source resume factory
    """  # noqa: D301 - click's mark for lines as they are
    post_each(session, ids, paths.resume_source, dry_run=dry_run, what="resumed")


@source.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@dry_run_option()
@remote
@destructive
def rm(session: Session, ids: Sequence[str], consent: Consent, dry_run: bool) -> None:
    """End sources; what they have read stays, and so does what the broker keeps for them.

    \b
      chappe source rm factory --yes
    """  # noqa: D301 - click's mark for lines as they are
    if not dry_run:
        names = ", ".join(ids)
        confirm(session, f"This ends the sources {names}; nothing more is read from there", consent)
    delete_each(session, ids, paths.source, dry_run=dry_run)


def _settings(
    protocol: str,
    topics: Sequence[str],
    subject: str | None,
    address: str | None,
    group: str | None,
) -> dict[str, object]:
    """What the short options mean to the protocol; the hub says what is missing or too much."""
    found: dict[str, object] = {}
    if topics and protocol.startswith("MQTT"):
        if len(topics) > 1:
            raise click.UsageError("--topic: MQTT has one topic filter, with + and # for levels")
        found["topicfilter"] = topics[0]
    elif topics:
        found["topics"] = list(topics)
    if subject is not None:
        found["subject"] = subject
    if address is not None:
        found["address"] = address
    if group is not None:
        names = {
            "NATS": "queue",
            "MQTT3": "sharedsubscriptiongroup",
            "MQTT5": "sharedsubscriptiongroup",
        }
        found[names.get(protocol, "consumergroup")] = group
    return found


def _more(settings: str | None) -> Mapping[str, Any]:
    if settings is None:
        return {}
    try:
        return msgspec.json.decode(text_or_file("--settings", settings), type=dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise click.UsageError(f"--settings is no JSON object ({exc})") from exc


def _row(one: Connected) -> tuple[str, ...]:
    status = one.status
    return (
        one.id,
        one.url or one.webhook,
        one.channel,
        status.state,
        str(status.taken),
        str(status.setaside),
        status.node,
        status.error if status.state in ("failing", "unserved") else "",
        one.protocol,
        str(one.epoch),
    )
