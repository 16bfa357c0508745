"""`chappe schema check`: may I change it? The screen is in `schema_verdict`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO
from urllib.parse import urlencode

import click
import msgspec

from chappe.cli.registry_find import SCHEMAS, find_one
from chappe.cli.report_formats import Checked, Finding, Format, report_option, written
from chappe.cli.schema_verdict import RULES, lines, reach
from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.problems import error_of
from chappe.client.registry import RegistryClient
from chappe.client.views import Judgement

_NO = 1
_ENDING = re.compile(r"(\.v?\d+)?(\.(schema|json|avsc|proto|xsd))+\Z")


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--against",
    metavar="SCHEMA",
    help="What is to change: a type or a schema by name, or an xid. [default: as FILE is called]",
)
@click.option("--group", help="Only in the group of this id.")
@click.option(
    "--rule",
    type=click.Choice(RULES),
    help="What the exit code is about. [default: the schema's own rule, else backward]",
)
@click.option(
    "--policy",
    type=click.Choice(("strict", "lenient", "semantic")),
    default="strict",
    show_default=True,
    help="How JSON Schemas are compared.",
)
@click.option("--type", "type_", help="Ask the events of this type. [default: those that name it]")
@click.option("--channel", help="Where they are. [default: default]")
@click.option("--last", type=int, help="How many of the newest are asked. [default: 1000]")
@report_option
@remote
def check(
    session: Session,
    file: BinaryIO,
    against: str | None,
    group: str | None,
    rule: str | None,
    policy: str,
    type_: str | None,
    channel: str | None,
    last: int | None,
    report: Format | None,
) -> None:
    """Tell whether a schema may become what FILE (or -) holds, and which stored events say no.

    \b
      chappe schema check order.paid.json
      chappe schema check new.avsc --against /schemagroups/shop/schemas/order

    Nothing is changed. The exit code is 1 when the change breaks the rule, or a stored event would no longer
    be valid.
    """  # noqa: D301 - click's mark for lines as they are
    name = against or type_ or _ENDING.sub("", PurePath(file.name).name)
    if name in ("-", "<stdin>"):
        raise click.UsageError("--against: what comes from standard input does not say its name")
    asked = {"policy": policy, "type": type_, "channel": channel, "last": last}
    document = file.read()

    async def ask(hub: HubClient) -> bytes:
        xid = name
        if not xid.startswith("/"):
            xid = str((await find_one(RegistryClient(hub), SCHEMAS, name, group=group))["xid"])
        wanted = {"against": xid, **asked}
        query = {key: value for key, value in wanted.items() if value is not None}
        answer = await hub.exchange(
            "POST",
            f"/validate/schema?{urlencode(query, safe='/')}",
            document,
            {"accept": "application/json"},
        )
        if answer.status != 200:
            raise error_of(answer)
        return answer.body

    body = session.run(ask)
    judgement = msgspec.json.decode(body, type=Judgement)
    kept = rule or judgement.rule or "backward"
    if report is not None:
        place = None if file.name in ("-", "<stdin>") else file.name
        checked = [Checked(judgement.xid, list(_findings(judgement, kept, place)))]
        click.echo(written(report, "chappe schema check", checked), nl=False)
    elif session.output in ("json", "jsonl"):
        session.pass_through(body)
    else:
        reached = session.run(lambda hub: reach(hub, judgement, channel or DEFAULT_CHANNEL))
        name = "FILE" if file.name in ("-", "<stdin>") else file.name
        for line in lines(judgement, kept, reached, name, session):
            session.say(line)
    misfits = sum(one.invalid for one in judgement.evidence)
    if misfits or not judgement.compatible[kept]:
        click.get_current_context().exit(_NO)


def _findings(judgement: Judgement, kept: str, file: str | None) -> Iterator[Finding]:
    """What the exit code is about: what breaks the rule, and stored events that would not be valid."""
    direction, _, transitive = kept.partition("_")
    directions = ("backward", "forward") if direction == "full" else (direction,)
    asked = [("", judgement.differences)]
    if transitive:
        asked += [
            (f"version {one.xid.rpartition('/')[2]}: ", one.differences)
            for one in judgement.earlier
        ]
    for before, differences in asked:
        for one in directions:
            for change in differences.get(one, ()):
                message = f"{before}{change.message} [{one}]"
                yield Finding(change.code, message, file, where=change.path, fix=change.fix)
    for seen in judgement.evidence:
        if seen.invalid:
            said = f"{seen.invalid} of {seen.events} stored events would no longer be valid"
            example = f", such as {seen.examples[0].position}" if seen.examples else ""
            yield Finding("stored-events", f"{seen.type}: {said}{example}", file)
