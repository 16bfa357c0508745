"""`chappe schema infer`: what do the payloads of a type look like?"""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from chappe.cli.registry_diff import say_done
from chappe.cli.registry_files import Document
from chappe.cli.registry_plan import Plan, carry_out, make_plan
from chappe.cli.render import printable
from chappe.cli.session import Session, remote
from chappe.cli.writing import dry_run_option
from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.registry import RegistryClient
from chappe.client.views import Inferred
from chappe.domain.errors import Conflict
from chappe.registry.values import ID

_WORDS = {
    "no_data": "without data",
    "not_json_type": "of a type that is not JSON",
    "not_json": "with data that is no JSON",
}


@click.command()
@click.argument("type_", metavar="TYPE")
@click.option("--channel", default="default", show_default=True, help="Where the events are.")
@click.option(
    "--last",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="How many of the newest are read. [default: 1000]",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write the draft there. [default: standard output]",
)
@click.option(
    "--apply",
    "applied",
    is_flag=True,
    help="Register the draft, and declare it for TYPE with validation warn.",
)
@click.option(
    "--group",
    default="default",
    show_default=True,
    help="The schema group and the message group that --apply writes to.",
)
@click.option("--id", "id_", metavar="ID", help="The id there. [default: TYPE]")
@dry_run_option("With --apply: have the hub check it, and register nothing.")
@remote
def infer(
    session: Session,
    type_: str,
    channel: str,
    last: int | None,
    file: Path | None,
    applied: bool,
    group: str,
    id_: str | None,
    dry_run: bool,
) -> None:
    """Draft a JSON Schema from the stored events of TYPE.

    \b
      chappe schema infer order.paid --file order-paid.schema.json
      chappe schema infer order.paid --apply --group shop

    All events that it was made of are valid by it. Enumerations and formats are told where enough events
    agree. --apply changes nothing that is there: it is for types that nobody has declared.
    """  # noqa: D301 - click's mark for lines as they are
    wanted = id_ or type_
    if applied and not ID.fullmatch(wanted):
        raise click.UsageError(
            f"--apply: {wanted!r} can be no id in the registry; name another with --id"
        )

    async def work(hub: HubClient) -> tuple[bytes, Inferred, Plan | None]:
        body = (await hub.read(paths.inferred(type_, channel, last))).body
        found = msgspec.json.decode(body, type=Inferred)
        plan = None
        registry = RegistryClient(hub)
        if applied:
            plan = await make_plan(registry, _documents(found, group, wanted))
            _refuse_changes(plan, type_)
        if file is not None and not dry_run:
            _write(file, found)
        if plan is not None and not dry_run:
            await carry_out(registry, plan)
        return body, found, plan

    body, found, plan = session.run(work)
    _tell(session, found)
    if plan is not None:
        say_done(session, plan.changes, dry_run=dry_run)
        session.hint(f"chappe type get {wanted} --group {group}")
    elif session.output in ("json", "jsonl"):
        session.pass_through(body)
    elif file is not None or session.output == "name":
        session.say(printable(str(file or type_)))
        session.hint(f"chappe schema add {type_} {file or 'FILE'} --mode warn")
    else:
        session.pass_through(_text(found).encode())
        session.hint(f"chappe schema infer {type_} --apply")


def _documents(found: Inferred, group: str, id_: str) -> list[Document]:
    schema = f"/schemagroups/{group}/schemas/{id_}"
    message = f"/messagegroups/{group}/messages/{id_}"
    return [
        Document("the schema", {"xid": schema, "format": found.format, "schema": found.schema}),
        Document(
            "the message",
            {
                "xid": message,
                "envelope": "CloudEvents/1.0",
                "envelopemetadata": {"type": {"value": found.type}},
                "dataschemaformat": found.format,
                "dataschemaxid": schema,
                "validation": "warn",
            },
        ),
    ]


def _refuse_changes(plan: Plan, type_: str) -> None:
    there = [change.xid for change in plan.changes if change.kind == "changed"]
    if there:
        raise Conflict(
            f"{', '.join(there)}: there already, and not the same; compare with: chappe schema infer"
            f" {type_} --file draft.json && chappe schema check draft.json --against XID"
        )


def _text(found: Inferred) -> str:
    return json.dumps(found.schema, indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, found: Inferred) -> None:
    try:
        file.write_text(_text(found), encoding="utf-8")
    except OSError as exc:
        raise click.UsageError(f"{file}: {exc.strerror or exc}") from exc


def _tell(session: Session, found: Inferred) -> None:
    events = found.events
    span = f"{events.oldest.position} to {events.newest.position}"
    session.note(f"drafted from {events.used} of {events.read} events, {span}")
    for reason, count in events.skipped.items():
        session.note(f"skipped: {count} {_WORDS.get(reason, reason)}")
    if events.stopped in ("bytes", "time"):
        session.note(f"older events were not read: the limit of {events.stopped} was reached")
