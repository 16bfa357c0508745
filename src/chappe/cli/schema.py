"""`chappe schema`: what the payload of a type looks like; what reads is in `schema_cmds`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import click
import msgspec

from chappe.cli.consent import Consent, confirm, destructive
from chappe.cli.noun import Noun
from chappe.cli.schema_check import check
from chappe.cli.schema_cmds import get, ls
from chappe.cli.schema_format import format_of
from chappe.cli.schema_gen import gen
from chappe.cli.schema_infer import infer
from chappe.cli.schema_lint import lint
from chappe.cli.schema_versions import diff, history
from chappe.cli.session import Session, remote
from chappe.cli.sub_hold import told
from chappe.cli.writing import dry_run_option
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.registry import Flags, RegistryClient

DEFAULT_GROUP = "default"
_group = click.option(
    "--group", default=DEFAULT_GROUP, show_default=True, help="The message group."
)


@click.group(cls=Noun, no_args_is_help=True)
def schema() -> None:
    """Declare what the payload of a type looks like; see schemas and their documents."""


@schema.command()
@click.argument("type_", metavar="TYPE")
@click.argument("file", type=click.File("rb"))
@_group
@click.option(
    "--mode",
    type=click.Choice(("off", "warn", "enforce")),
    default="enforce",
    show_default=True,
    help="What becomes of a payload that breaks it: nothing, a warning, or a refusal.",
)
@click.option(
    "--format",
    "format_",
    help="The schema's dialect. [default: by $schema of the file, else draft-07]",
)
@dry_run_option()
@remote
def add(
    session: Session,
    type_: str,
    file: BinaryIO,
    group: str,
    mode: str,
    format_: str | None,
    dry_run: bool,
) -> None:
    """Declare the JSON Schema in FILE (or -) for the payloads of TYPE; replaces an earlier one.

    \b
      chappe schema add order.paid order-paid.schema.json --group shop
    """  # noqa: D301 - click's mark for lines as they are
    try:
        declared = msgspec.json.decode(file.read(), type=dict[str, Any] | bool)
    except msgspec.MsgspecError as exc:
        raise click.UsageError(f"{file.name} is no JSON object ({exc})") from exc
    wanted = {
        "envelope": "CloudEvents/1.0",
        "envelopemetadata": {"type": {"value": type_}},
        "dataschemaformat": format_ or format_of(declared),
        "dataschema": declared,
        "validation": mode,
    }
    path = paths.declaration(group, type_)
    if dry_run:
        flags = Flags(dry_run=True)
        would = session.run(lambda hub: RegistryClient(hub).put(path, wanted, flags))
        if session.output in ("json", "jsonl"):
            session.pass_through(would.body)
        session.note(f"{path} would be declared; nothing was done")
        return
    answer = session.run(lambda hub: hub.write("PUT", path, wanted))
    if session.output in ("json", "jsonl"):
        session.pass_through(answer.body)
        return
    session.say(path)
    session.hint(f"chappe event send --type {type_} -d '{{}}'")


@schema.command()
@click.argument("types", metavar="TYPE...", nargs=-1, required=True)
@_group
@dry_run_option()
@remote
@destructive
def rm(session: Session, types: Sequence[str], group: str, consent: Consent, dry_run: bool) -> None:
    """Take declarations away; payloads of the type are not checked any more.

    \b
      chappe schema rm order.paid --yes
    """  # noqa: D301 - click's mark for lines as they are
    if not dry_run:
        confirm(session, f"This takes the declarations of {', '.join(types)} away", consent)

    async def end(hub: HubClient) -> None:
        registry = RegistryClient(hub)
        for one in types:
            await registry.delete(paths.declaration(group, one), flags=Flags(dry_run=dry_run))
            told(session, one, "taken away", dry_run=dry_run)

    session.run(end)


for _command in (ls, get, check, diff, history, infer, lint, gen):
    schema.add_command(_command)
