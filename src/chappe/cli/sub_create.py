"""`chappe sub create`: look what it would be, ask the sink, then make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from chappe.cli.amounts import amount, duration, size
from chappe.cli.event_input import pairs
from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.sub_filters import expression, of_types
from chappe.cli.sub_settings import put_settings
from chappe.cli.sub_trial import refuse, taken
from chappe.cli.when import Moment, PerSecond
from chappe.cli.writing import dry_run_option, wait_option, wait_until
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.views import Lagging, Rehearsed, Subscribed, Tried

_NO = 1


@click.command()
@click.argument("name", required=False)
@click.option("--to", "sink", metavar="URL", help="The sink: where events go.")
@click.option("--pull", "pulled", is_flag=True, help="No sink: consumers take the events.")
@click.option(
    "--lock",
    "lock_s",
    type=click.FloatRange(1, 3600),
    metavar="SECONDS",
    help="With --pull: how long a received event stays locked. [default: 60]",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    help="Only this type, or order.*; more than once: any of them.",
)
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
    type=Moment(),
    default="latest",
    show_default=True,
    metavar="PLACE",
    help="latest, earliest, a time (RFC 3339, or 7d, 2h ago) or a position: the first event.",
)
@click.option(
    "--rate", type=PerSecond(), metavar="PER_SECOND", help="So many a second at most: 500, 30/m."
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
@click.option("--no-test", is_flag=True, help="Send no test event before.")
@dry_run_option("Have the hub check it, and make nothing.")
@wait_option("With --from: wait so long until what is stored is delivered; 1 if it is not by then.")
@remote
def create(
    session: Session,
    /,
    name: str | None,
    no_test: bool,
    dry_run: bool,
    wait_s: float | None,
    **asked: Any,
) -> None:
    """Have events delivered to a sink; prints the subscription's id, which NAME is if it is given.

    \b
      chappe sub create billing --type order.paid --to http://127.0.0.1:9000/
      chappe sub create --type order.paid --filter prefix:subject=eu- --to https://billing.example/
      chappe sub create --sql "type LIKE 'order.%' AND hop < 5" --to https://billing.example/
      chappe sub create crm --from 7d --rate 500/s --to https://crm.example/events
      chappe sub create --type order.paid --pull

    Before it is made, one test event goes to the sink, signed as all will be, and what it answers is
    shown; where it refuses, nothing is made (exit code 1). Not with --no-test, brokers, or sinks that have
    to agree first. How much is stored already and will be delivered is told before, too.
    """  # noqa: D301 - click's mark for lines as they are
    wanted = _wanted(**asked)

    async def rehearse(hub: HubClient) -> bytes:
        return (await hub.write("POST", paths.new_subscription(name, dry_run=True), wanted)).body

    would = msgspec.json.decode(rehearsed := session.run(rehearse), type=Rehearsed)
    for warning in would.warnings:
        session.note(f"warning: {printable(warning)}")
    if would.forecast is not None:
        session.note(_forecast(would))
    if not no_test and wanted["protocol"] == "HTTP" and would.handshake == "off":
        tried = session.run(lambda hub: _try(hub, wanted))
        if not tried.delivered:
            refuse(session, tried, next_="mend the URL, or add --no-test to create it anyway")
            click.get_current_context().exit(_NO)
        session.note(taken(session, tried))
    if dry_run:
        _say_dry(session, rehearsed, name)
        return

    async def make(hub: HubClient) -> bytes:
        return (await hub.write("POST", paths.new_subscription(name), wanted)).body

    body = session.run(make)
    id_ = msgspec.json.decode(body, type=Subscribed).id
    made = printable(id_)
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
    else:
        session.say(made)
    wait_until(session, lambda hub: _behind(hub, id_), wait_s)
    if session.output in ("json", "jsonl"):
        return
    if asked["pulled"]:
        session.hint(f"chappe sub pull {made} --ack --follow")
        return
    first = asked["types"][0] if asked["types"] else "order.paid"
    session.hint(f"chappe event send --type {first} -d '{{}}'")


async def _behind(hub: HubClient, id_: str) -> str:
    body = (await hub.read(paths.subscription(id_))).body
    status = msgspec.json.decode(body, type=Lagging).status
    left = status.events  # with those that are open
    return f"{amount(left, 'event')} to go: chappe sub lag {printable(id_)}" if left else ""


def _wanted(
    *,
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
    rate: float | None,
    expires: str | None,
    dead_letters_to: str | None,
    header: Sequence[str],
    bearer: str | None,
    concurrency: int | None,
    timeout_s: float | None,
    max_attempts: int | None,
    settings: Sequence[str],
) -> dict[str, Any]:
    """The object of the Subscriptions API that the options describe."""
    if (sink is None) != pulled:
        raise click.UsageError("where do events go? --to URL, or --pull, and not both")
    if lock_s is not None and not pulled:
        raise click.UsageError("--lock is for --pull")
    wanted: dict[str, Any] = {"protocol": "HTTP", "channel": channel, "start": start}
    if pulled:
        wanted |= {"protocol": "PULL"}
        if lock_s is not None:
            wanted["protocolsettings"] = {"lock_s": lock_s}
    else:
        wanted["sink"] = sink
    named, by_type = of_types(types)
    if named:
        wanted["types"] = named
    if dead_letters_to is not None:
        wanted["deadletter"] = {"sink": dead_letters_to}
    if rate is not None:
        wanted["rate"] = {"per_second": rate}
    expressions = [*by_type, *map(expression, filters), *_expressions(filter_json)]
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
    plain = {
        "expires": expires, "source": source, "concurrency": concurrency, "timeout_s": timeout_s,
    }  # fmt: skip
    wanted |= {name: value for name, value in plain.items() if value is not None}
    if max_attempts is not None:
        wanted["retry"] = {"max_attempts": max_attempts}
    put_settings(wanted, settings)
    return wanted


async def _try(hub: HubClient, wanted: Mapping[str, Any]) -> Tried:
    answer = await hub.write("POST", paths.tried(), wanted)
    return msgspec.json.decode(answer.body, type=Tried)


def _forecast(would: Rehearsed) -> str:
    forecast = would.forecast
    assert forecast is not None
    about = "" if forecast.exact else "about "
    if not forecast.events:
        return f"nothing of what is stored since {would.start} is for it"
    takes = "" if forecast.seconds is None else f", in about {duration(forecast.seconds)}"
    per_second = f" at {would.rate.per_second:g} a second" if would.rate else ""
    return (
        f"{about}{amount(forecast.events, 'stored event')} ({size(forecast.bytes)}) come first"
        f"{takes}{per_second}"
    )


def _say_dry(session: Session, body: bytes, name: str | None) -> None:
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
        return
    session.note(f"{name or 'a subscription'} would be made; nothing was done")


def _expressions(filter_json: str | None) -> list[object]:
    if filter_json is None:
        return []
    text = text_or_file("--filter-json", filter_json)
    try:
        found = msgspec.json.decode(text, type=list[dict[str, Any]] | dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise click.UsageError(f"--filter-json is no JSON object or array of them ({exc})") from exc
    return list(found) if isinstance(found, list) else [found]


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
