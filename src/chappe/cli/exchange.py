"""`chappe export` and `import`: the registry in the words of others, by name of the format.

A format is one line of FORMATS: where its functions are, so that nothing is loaded before it is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from chappe.cli.session import OUTPUTS, Session, printing
from chappe.client.hub_client import HubClient

if TYPE_CHECKING:
    from chappe.cli.registry_files import Document

Written: TypeAlias = Mapping[str, bytes]
"""Files by name; one named "-" is the whole, and may go to standard output."""

Write: TypeAlias = Callable[[HubClient, Mapping[str, str]], Awaitable[Written]]
"""Writes a hub's registry; the mapping has the --set NAME=VALUE of the command line."""

Read: TypeAlias = Callable[[str, bytes], bytes]
"""A document (its name, its bytes) -> a document of the registry, as `chappe apply` takes it.

Raises click.UsageError where it is none of the format.
"""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is, and "module:function" of what writes and reads it, where something does."""

    about: str
    write: str = ""
    read: str = ""


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "chappe": Format(
            "a directory of YAML, a file a group, for Git",
            write="chappe.cli.exchange_own:directory",
            read="chappe.cli.exchange_own:as_it_is",
        ),
        "xregistry": Format(
            "one document of xRegistry (JSON), as /export answers it",
            write="chappe.cli.exchange_own:document",
            read="chappe.cli.exchange_own:as_it_is",
        ),
        "asyncapi": Format(
            "an AsyncAPI 3 document: all endpoints, or those of --endpoint, --application",
            write="chappe.cli.asyncapi_files:asyncapi",
        ),
        "backstage": Format(
            "entities of Backstage's catalogue", write="chappe.cli.asyncapi_files:backstage"
        ),
        "grafana": Format(
            "a Grafana dashboard of the hub's metrics", write="chappe.cli.grafana_files:dashboard"
        ),
        "prometheus-rules": Format(
            "alert rules for Prometheus", write="chappe.cli.grafana_files:rules"
        ),
    }
)


def _known(way: str) -> list[str]:
    return [name for name, one in FORMATS.items() if getattr(one, way)]


@click.command()
@click.argument("directory", metavar="[DIR]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(_known("write")),
    default="chappe",
    show_default=True,
    help="chappe: a directory for Git; the others are one document.",
)
@click.option("--endpoint", metavar="ID", help="asyncapi: this endpoint alone.")
@click.option("--application", metavar="NAME", help="asyncapi: the endpoints of this application.")
@click.option(
    "-f", "--file", metavar="FILE", help="Write one document there; - is standard output."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="For the format.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@printing(*OUTPUTS)
def export(
    session: Session,
    directory: str | None,
    form: str,
    file: str | None,
    endpoint: str | None,
    application: str | None,
    settings: Sequence[str],
    dry_run: bool,
) -> None:
    """Write the registry as files: for Git, or in another format.

    \b
      chappe export hub/                 # then: chappe diff -f hub/, chappe apply -f hub/ --prune
      chappe export --format xregistry -f hub.json
      chappe export --format asyncapi --endpoint checkout

    Prints the files. What each hub makes for itself, and epochs and times, are left out of the format chappe,
    so that an export right after an apply changes nothing.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.event_input import pairs

    write: Write = _loaded(FORMATS[form].write)
    chosen = {"endpoint": endpoint, "application": application}
    named = {name: value for name, value in chosen.items() if value is not None}
    if named and form != "asyncapi":
        raise click.UsageError(f"--{next(iter(named))} is for --format asyncapi")
    given = {**pairs("--set", settings), **named}
    written = session.run(lambda hub: write(hub, given))
    if set(written) == {"-"}:
        _one(session, written["-"], file or directory or "-", dry_run=dry_run)
        return
    if file is not None or directory is None:
        raise click.UsageError(f"--format {form} writes several files; name a directory")
    for name, body in sorted(written.items()):
        path = Path(directory) / name
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        session.say(str(path))
    session.note(f"{len(written)} files" + (" would be written" if dry_run else ""))


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(_known("read")),
    default="chappe",
    show_default=True,
    help="What the files are in.",
)
@click.option("--dry-run", is_flag=True, help="Have the hub check it, and do nothing.")
@printing(*OUTPUTS)
def import_(session: Session, files: Sequence[str], form: str, dry_run: bool) -> None:
    """Take files of another format into the registry: create, update, leave what is the same.

    \b
      chappe import hub/
      chappe import --format xregistry hub.json --dry-run
      chappe import asyncapi.yaml

    AsyncAPI documents (2 and 3, JSON or YAML) are told by their content. Nothing is deleted; all of it is written in one request, or nothing is. A file may be a directory or -.
    """  # noqa: D301 - click's mark for lines as they are
    from chappe.cli.asyncapi_files import import_ as take_asyncapi
    from chappe.cli.asyncapi_files import is_asyncapi
    from chappe.cli.registry_diff import say_done
    from chappe.cli.registry_files import read_documents
    from chappe.cli.registry_plan import Ways, carry_out, make_plan
    from chappe.client.registry import RegistryClient

    if FORMATS[form].read.endswith(":as_it_is"):
        documents = read_documents(files)
    else:
        documents = _converted(files, _loaded(FORMATS[form].read))

    if any(is_asyncapi(one.body) for one in documents):
        if len(documents) > 1:
            raise click.UsageError("an AsyncAPI document is imported alone: name one file")
        take_asyncapi(session, documents[0].body, dry_run=dry_run)
        return

    async def work(hub: HubClient) -> None:
        client = RegistryClient(hub)
        plan = await make_plan(client, documents, Ways())
        if not dry_run:
            await carry_out(client, plan)
        say_done(session, plan.all_changes, dry_run=dry_run)

    session.run(work)


def _loaded(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)


def _one(session: Session, body: bytes, file: str, *, dry_run: bool) -> None:
    if dry_run:
        session.note(f"{file}: {len(body):,} bytes would be written")
    elif file == "-":
        session.pass_through(body)
    else:
        try:
            Path(file).write_bytes(body)
        except OSError as exc:
            raise click.UsageError(f"{file}: {exc.strerror or exc}") from exc
        session.say(file)


def _converted(files: Sequence[str], read: Read) -> list[Document]:
    """The files, converted, as documents of the registry."""
    import json
    from decimal import Decimal

    from chappe.cli.registry_files import Document

    found = []
    for file in files:
        with click.open_file(file, "rb") as opened:
            body = read(file, opened.read())
        found.append(Document(file, json.loads(body, parse_float=Decimal)))
    return found
