"""`chappe sub`: create, ls, get, rm; the other commands have modules of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from chappe.cli.event_input import pairs
from chappe.cli.render import one_line, printable, table
from chappe.cli.session import Session, confirm, remote
from chappe.cli.sub_explain import explain
from chappe.cli.sub_hold import pause, resume
from chappe.cli.sub_pull import pull
from chappe.cli.sub_replay import replay
from chappe.cli.sub_rotate import rotate
from chappe.cli.sub_settings import put_settings
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.views import Subscribed

_COLUMNS = ("ID", "STATE", "SINK", "TYPES", "SOURCE", "FILTERS", "CHANNEL")
_DIALECTS = ("exact", "prefix", "suffix")


@click.group(no_args_is_help=True)
def sub() -> None:
    """Subscribe sinks to events."""


@sub.command()
@click.option("--to", "sink", metavar="URL", help="The sink: where events go.")
@click.option("--pull", "pulled", is_flag=True, help="No sink: consumers take the events.")
@click.option(
    "--lock",
    "lock_s",
    type=click.FloatRange(1, 3600),
    metavar="SECONDS",
    help="With --pull: how long a received event stays locked. [default: 60]",
)
@click.option("--type", "types", multiple=True, help="Only this type; more than once: any of them.")
@click.option("--source", help="Only this source.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="DIALECT:ATTRIBUTE=VALUE",
    help="exact, prefix or suffix, such as prefix:subject=eu-; more than once: all of them.",
)
@click.option("--sql", metavar="EXPRESSION", help="A CESQL expression that must be TRUE.")
@click.option("--filter-json", metavar="JSON", help="Filters of the Subscriptions API; @FILE too.")
@click.option("--channel", default=DEFAULT_CHANNEL, show_default=True, help="The channel.")
@click.option(
    "--from",
    "start",
    default="latest",
    show_default=True,
    metavar="PLACE",
    help="latest, earliest, a time (RFC 3339) or a position: the first event.",
)
@click.option("--expires", metavar="TIME", help="Ends by itself then (RFC 3339).")
@click.option("--dead-letters-to", metavar="URL", help="A sink for what cannot be delivered.")
@click.option("--header", multiple=True, metavar="NAME=VALUE", help="A header for each delivery.")
@click.option("--bearer", metavar="TOKEN|@FILE", help="A token that the sink asks for.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Deliveries at a time.")
@click.option(
    "--timeout", "timeout_s", type=float, metavar="SECONDS", help="For an answer of the sink."
)
@click.option("--max-attempts", type=click.IntRange(min=1), help="Then it is a dead letter.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="Any other field, such as ordering=key or rate.per_second=50.",
)
@remote
def create(
    session: Session,
    sink: str | None,
    pulled: bool,
    lock_s: float | None,
    types: Sequence[str],
    source: str | None,
    filters: Sequence[str],
    sql: str | None,
    filter_json: str | None,
    channel: str,
    start: str,
    expires: str | None,
    dead_letters_to: str | None,
    header: Sequence[str],
    bearer: str | None,
    concurrency: int | None,
    timeout_s: float | None,
    max_attempts: int | None,
    settings: Sequence[str],
) -> None:
    """Have events delivered to a sink; prints the subscription's id.

    \b
      chappe sub create --to http://127.0.0.1:9000/
      chappe sub create --type order.paid --filter prefix:subject=eu- --to https://billing.example/
      chappe sub create --sql "type LIKE 'order.%' AND hop < 5" --to https://billing.example/
      chappe sub create --type order.paid --pull
    """  # noqa: D301 - click's mark for lines as they are
    if (sink is None) != pulled:
        raise click.UsageError("where do events go? --to URL, or --pull, and not both")
    if lock_s is not None and not pulled:
        raise click.UsageError("--lock is for --pull")
    wanted: dict[str, object] = {"protocol": "HTTP", "channel": channel, "start": start}
    if pulled:
        wanted |= {"protocol": "PULL"}
        if lock_s is not None:
            wanted["protocolsettings"] = {"lock_s": lock_s}
    else:
        wanted["sink"] = sink
    if types:
        wanted["types"] = list(types)
    if expires is not None:
        wanted["expires"] = expires
    if dead_letters_to is not None:
        wanted["deadletter"] = {"sink": dead_letters_to}
    if source is not None:
        wanted["source"] = source
    expressions = [*map(expression, filters), *_expressions(filter_json)]
    if sql is not None:
        expressions.append({"sql": sql})
    if expressions:
        wanted["filters"] = expressions
    headers = pairs("--header", header)
    if headers and pulled:
        raise click.UsageError("--header is for --to")
    if headers:
        wanted["protocolsettings"] = {"headers": dict(headers)}
    if bearer is not None:
        wanted["sinkcredential"] = {
            "credentialtype": "ACCESSTOKEN",
            "accesstoken": text_or_file("--bearer", bearer).strip(),
            "accesstokentype": "bearer",
        }
    if concurrency is not None:
        wanted["concurrency"] = concurrency
    if timeout_s is not None:
        wanted["timeout_s"] = timeout_s
    if max_attempts is not None:
        wanted["retry"] = {"max_attempts": max_attempts}
    put_settings(wanted, settings)
    body = session.run(lambda hub: hub.write("POST", paths.SUBSCRIPTIONS, wanted)).body
    made = msgspec.json.decode(body, type=Subscribed)
    for warning in made.warnings:
        session.note(f"warning: {printable(warning)}")
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
        return
    session.say(printable(made.id))
    if pulled:
        session.hint(f"chappe sub pull {printable(made.id)} --ack --follow")
        return
    session.hint(f"chappe event send --type {types[0] if types else 'order.paid'} -d '{{}}'")


@sub.command("ls")
@click.option("--type", "type_", help="Those that may get events of this type.")
@click.option("--source", help="Those that may get events of this source.")
@click.option("--channel", help="Those of this channel.")
@click.option("--state", help="Those in this state, such as paused.")
@remote
def ls(session: Session, /, **filters: str | None) -> None:
    """List the subscriptions, and how delivery goes."""
    given = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    body = session.run(lambda hub: hub.read(paths.subscriptions(given))).body
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            for raw in msgspec.json.decode(body, type=list[msgspec.Raw]):
                session.say(one_line(bytes(raw)))
        case "name":
            for one in msgspec.json.decode(body, type=list[Subscribed]):
                session.say(one.id)
        case _:
            found = msgspec.json.decode(body, type=list[Subscribed])
            table(session, _COLUMNS, [_row(one) for one in found])


@sub.command()
@click.argument("id_", metavar="ID")
@remote
def get(session: Session, id_: str) -> None:
    """Show one subscription; its secrets are never shown."""
    show(session, session.run(lambda hub: hub.read(paths.subscription(id_))).body, name=id_)


@sub.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@remote
def rm(session: Session, ids: Sequence[str], yes: bool) -> None:
    """End subscriptions; what they have not delivered yet is not delivered any more."""
    confirm(f"This ends {', '.join(ids)} and whatever waits there for delivery", yes=yes)

    async def end(hub: HubClient) -> None:
        for one in ids:
            await hub.unsubscribe(one)
            session.say(one)

    session.run(end)


for _command in (pause, resume, replay, rotate, explain, pull):
    sub.add_command(_command)


def expression(text: str) -> dict[str, Any]:
    """One filter: prefix:subject=eu- -> {"prefix": {"subject": "eu-"}}.

    Raises:
        click.UsageError: the text has another form.
    """
    dialect, colon, rest = text.partition(":")
    attribute, equals, value = rest.partition("=")
    if dialect not in _DIALECTS or not colon or not equals or not attribute:
        raise click.UsageError(
            f"--filter {text!r} is not DIALECT:ATTRIBUTE=VALUE with one of {', '.join(_DIALECTS)}; "
            "for the other dialects there is --filter-json"
        )
    return {dialect: {attribute: value}}


def show(session: Session, body: bytes, *, name: str) -> None:
    """Print one object of the API."""
    match session.output:
        case "json":
            session.pass_through(body)
        case "jsonl":
            session.say(one_line(body))
        case "name":
            session.say(printable(name))
        case _:
            for line in msgspec.json.format(body, indent=2).decode().splitlines():
                session.say(printable(line))


def text_or_file(option: str, text: str) -> str:
    """The text that was given, or that of the file which @FILE names.

    Raises:
        click.UsageError: the file cannot be read.
    """
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise click.UsageError(f"{option} {text}: {exc}") from exc


def _expressions(filter_json: str | None) -> list[object]:
    if filter_json is None:
        return []
    text = text_or_file("--filter-json", filter_json)
    try:
        found = msgspec.json.decode(text, type=list[dict[str, Any]] | dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise click.UsageError(f"--filter-json is no JSON object or array of them ({exc})") from exc
    return list(found) if isinstance(found, list) else [found]


def _row(one: Subscribed) -> tuple[str, ...]:
    filters = msgspec.json.encode(one.filters).decode() if one.filters else ""
    types = ", ".join(one.types)
    return one.id, one.status.state, one.sink, types, one.source or "", filters, one.channel
