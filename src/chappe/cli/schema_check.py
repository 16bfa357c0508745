"""`chappe schema check`: may I change it?"""

from __future__ import annotations

from typing import BinaryIO
from urllib.parse import urlencode

import click
import msgspec

from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient
from chappe.client.problems import error_of
from chappe.client.views import Changed, Judgement, Seen

_NO = 1
_RULES = ("backward", "forward", "full")


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--against", required=True, metavar="XID", help="The schema that is to change.")
@click.option(
    "--rule",
    type=click.Choice(_RULES),
    default="backward",
    show_default=True,
    help="What the exit code is about.",
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
@remote
def check(
    session: Session,
    file: BinaryIO,
    against: str,
    rule: str,
    policy: str,
    type_: str | None,
    channel: str | None,
    last: int | None,
) -> None:
    """Tell whether a schema may become what FILE (or -) holds, and which stored events say no.

    \b
      chappe schema check order.json --against /schemagroups/shop/schemas/order

    Nothing is changed. The exit code is 1 when the change breaks --rule, or a stored event would no longer
    be valid.
    """  # noqa: D301 - click's mark for lines as they are
    asked = {"against": against, "policy": policy, "type": type_, "channel": channel, "last": last}
    query = urlencode({name: value for name, value in asked.items() if value is not None}, safe="/")
    document = file.read()

    async def ask(hub: HubClient) -> bytes:
        answer = await hub.exchange(
            "POST", f"/validate/schema?{query}", document, {"accept": "application/json"}
        )
        if answer.status != 200:
            raise error_of(answer)
        return answer.body

    body = session.run(ask)
    judgement = msgspec.json.decode(body, type=Judgement)
    if session.output in ("json", "jsonl"):
        session.pass_through(body)
    else:
        _print(session, judgement)
    misfits = sum(one.invalid for one in judgement.evidence)
    if misfits or not judgement.compatible[rule]:
        click.get_current_context().exit(_NO)


def _print(session: Session, judgement: Judgement) -> None:
    for rule in _RULES:
        session.say(f"{'✓' if judgement.compatible[rule] else '✗'} {rule}")
        for change in judgement.differences.get(rule, ()):
            session.say(f"    {_told(change)}")
    for one in judgement.evidence:
        _print_evidence(session, one)


def _print_evidence(session: Session, one: Seen) -> None:
    name = printable(one.type)
    if not one.invalid:
        session.say(f"✓ {name}: all of {one.events} stored events stay valid")
        return
    session.say(f"✗ {name}: {one.invalid} of {one.events} stored events would no longer be valid")
    for example in one.examples:
        first = example.errors[0]
        where = f"{example.position}  {printable(example.source)}#{printable(example.id)}"
        session.say(f"    {where}  {first.pointer or '/'}: {printable(first.message)}")


def _told(change: Changed) -> str:
    fix = f"  fix: {printable(change.fix)}" if change.fix else ""
    return f"{change.path or '/'}  {change.code}: {printable(change.message)}{fix}"
