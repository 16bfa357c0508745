"""`chappe registry`: the whole of it, or a part, as documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click

from chappe.cli import asyncapi_files
from chappe.cli.noun import Noun
from chappe.cli.registry_compare import compare
from chappe.cli.registry_diff import say_differences, say_done
from chappe.cli.registry_files import (
    Document,
    Form,
    form_of,
    is_collection,
    read_documents,
    written,
)
from chappe.cli.registry_find import metadata_path
from chappe.cli.registry_options import registry_printing
from chappe.cli.registry_plan import Ways, carry_out, make_plan, tree_of
from chappe.cli.registry_print import emit, emit_one
from chappe.cli.registry_tree import BadDocument, Registry, Shape, read_into, set_own_aside
from chappe.cli.registry_trouble import no_verdict
from chappe.cli.session import OUTPUTS, Session, printing
from chappe.client.hub_client import HubClient
from chappe.client.registry import NO_FLAGS, Flags, RegistryClient, joined, object_of


@click.group(cls=Noun, no_args_is_help=True)
def registry() -> None:
    """Export, import, compare and read the registry."""


@registry.command()
@click.argument("path", default="/")
@click.option("-f", "--file", metavar="FILE", help="Write it there. [default: standard output]")
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "yaml", "asyncapi", "backstage")),
    help="json, yaml: of xRegistry. [default: by FILE's name, else json]",
)
@click.option("--endpoint", metavar="ID", help="This endpoint alone; with asyncapi.")
@click.option("--application", metavar="NAME", help="An application's endpoints; with asyncapi.")
@printing("table", "json", "yaml", "xregistry")
def export(
    session: Session,
    path: str,
    file: str | None,
    form: str | None,
    endpoint: str | None,
    application: str | None,
) -> None:
    """Write the registry, or what is at PATH, as a document that import and apply take.

    \b
      chappe registry export -f hub.xreg.json
      chappe registry export /schemagroups/shop -f shop.cereg.yaml
      chappe registry export --format asyncapi --application checkout -f checkout.yaml
      chappe registry export --format backstage -f catalog-info.yaml
    """  # noqa: D301 - click's mark for lines as they are
    if form != "asyncapi" and (endpoint or application):
        raise click.UsageError("--endpoint and --application go with --format asyncapi")
    if form in ("asyncapi", "backstage"):
        if path.strip("/"):
            raise click.UsageError(f"PATH: --format {form} is of the whole hub, or of --endpoint")
        if form == "backstage":
            _put(session, file, asyncapi_files.export_backstage(session))
            return
        named = (form_of(file) if file else None) or (
            "json" if session.output == "json" else "yaml"
        )
        _put(
            session,
            file,
            asyncapi_files.export(session, endpoint=endpoint, application=application, form=named),
        )
        return
    _export(session, path, file, cast("Form | None", form))


def _export(session: Session, path: str, file: str | None, form: Form | None) -> None:
    if form is None:
        named: Form | None = "yaml" if session.output == "yaml" else None
        form = named or (form_of(file) if file else None) or "json"

    async def work(hub: HubClient) -> bytes:
        client = RegistryClient(hub)
        if path.strip("/") in ("", "export"):
            return (await client.get("/export")).body
        parts = path.strip("/").removesuffix("$details")
        flags = Flags(inline=["*"], doc=True)
        return (await client.get(metadata_path(f"/{parts}"), flags)).body

    body = session.run(work)
    if file is None and session.output == "xregistry":
        session.pass_through(body)
        return
    import json
    from decimal import Decimal

    _put(session, file, written(json.loads(body, parse_float=Decimal), form).encode())


def _put(session: Session, file: str | None, text: bytes) -> None:
    """Write it where it is asked for."""
    if file is None or file == "-":
        session.pass_through(text)
        return
    try:
        Path(file).write_bytes(text)
    except OSError as exc:
        raise click.UsageError(f"{file}: {exc.strerror or exc}") from exc
    session.note(f"{file}: {len(text):,} bytes")


@registry.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--keep-epochs",
    is_flag=True,
    help="The files' epochs must be the present ones; else nothing is done (exit code 5).",
)
@click.option("--application", metavar="NAME", help="What an AsyncAPI document's is called.")
@printing(*OUTPUTS)
def import_(
    session: Session,
    files: Sequence[str],
    dry_run: bool,
    keep_epochs: bool,
    application: str | None,
) -> None:
    """Take exports in: all of it, or nothing. What the hub has besides stays.

    \b
      chappe registry import backup.json --dry-run
      chappe registry export | chappe --url $OTHER registry import -

    A model, capabilities and the registry's name come along; times stay those of the files. A file of
    AsyncAPI (2.x, 3.x) is told by its content: its channels become endpoints.
    """  # noqa: D301 - click's mark for lines as they are
    documents = read_documents(files)
    described = [one for one in documents if asyncapi_files.is_asyncapi(one.body)]
    if described:
        if len(documents) > 1:
            raise click.UsageError(
                "an AsyncAPI document is imported alone: it is a write of its own"
            )
        asyncapi_files.import_(session, described[0].body, application=application, dry_run=dry_run)
        return
    if application is not None:
        raise click.UsageError("--application goes with an AsyncAPI document")

    async def work(hub: HubClient) -> None:
        client = RegistryClient(hub)
        plan = await make_plan(client, documents, Ways(epochs=keep_epochs, times=True))
        if not dry_run:
            await carry_out(client, plan)
        say_done(session, plan.changes, dry_run=dry_run)

    session.run(work)


@registry.command("diff")
@click.argument("file")
@click.argument("other", metavar="[FILE2]", required=False)
@printing(*OUTPUTS)
@no_verdict
def diff(session: Session, file: str, other: str | None) -> None:
    """Compare the hub with FILE, or FILE with FILE2: what is added, removed, changed.

    \b
      chappe registry diff backup.json
      chappe registry diff old.json new.json

    Exit code 0: the same; 1: they differ; 2 and more: it cannot be told. Epochs and times are no
    difference, nor is what each hub makes for itself. What FILE leaves to the hub's defaults is;
    for that, chappe diff -f asks the hub.
    """  # noqa: D301 - click's mark for lines as they are
    if other is None:
        changes = session.run(lambda hub: _against_hub(RegistryClient(hub), file))
        before, after = f"the hub at {session.url}", file
    else:
        old, new = _offline(file, other), _offline(other, file)
        set_own_aside(old, new)
        changes = compare(old, new)
        before, after = file, other
    say_differences(session, changes, before=before, after=after)
    if any(change.kind != "same" for change in changes):
        click.get_current_context().exit(1)


@registry.command("get")
@click.argument("path", default="/")
@click.option("--inline", multiple=True, metavar="PATH", help="Show this too; * for everything.")
@click.option("--filter", "filters", multiple=True, metavar="EXPRESSION", help="Any of these.")
@click.option("--doc", is_flag=True, help="In document view.")
@registry_printing
def get(
    session: Session, path: str, inline: Sequence[str], filters: Sequence[str], doc: bool
) -> None:
    """Read anything by its path: an entity, a collection, /model, /capabilities, a document.

    \b
      chappe registry get /messagegroups --filter 'labels.stage=prod'
      chappe registry get '/schemagroups/shop/schemas/order$details' --inline schema
    """  # noqa: D301 - click's mark for lines as they are
    parts = path.strip("/").split("/") if path.strip("/") else []
    target = joined(*parts) or "/"
    flags = Flags(inline=inline, filters=filters, doc=doc) if inline or filters or doc else NO_FLAGS
    answer = session.run(lambda hub: RegistryClient(hub).get(target, flags))
    media_type = answer.headers.get("content-type", "")
    has_entity = "xregistry-xid" not in answer.headers and "json" in media_type
    if not has_entity or session.output == "table":
        # A document is not ours to form.
        body = answer.body
        if has_entity:
            body = written(object_of(answer), "json").encode()
        session.pass_through(body)
        return
    found = object_of(answer)
    if session.output in ("jsonl", "name") and is_collection(found):
        emit(session, list(found.values()), answer=answer.body)
    else:
        emit_one(session, found, answer=answer.body)


async def _against_hub(client: RegistryClient, file: str) -> list[Any]:
    documents = read_documents([file])
    tree, shape = await tree_of(client, documents)
    whole = any(document.body.get("xid", "/") in ("", "/") for document in documents)
    there = Registry()
    if whole:
        read_into(there, object_of(await client.get("/export")), shape)
    else:
        from chappe.cli.registry_plan import present

        there = await present(client, tree, shape)
    if not tree.attributes:
        there.attributes = {}
    for name in ("model", "capabilities", "modelsource"):
        # What a file does not speak of at all, it does not take away.
        if name not in tree.attributes:
            there.attributes.pop(name, None)
    set_own_aside(there, tree)
    return compare(there, tree)


def _offline(file: str, other: str) -> Registry:
    tree = Registry()
    shape = Shape({})
    documents: list[Document] = read_documents([file])
    for document in (*documents, *read_documents([other])):
        shape = shape.joined(Shape.of_document(document.body))
    for document in documents:
        try:
            read_into(tree, document.body, shape)
        except BadDocument as exc:
            raise click.UsageError(f"{document.origin}: {exc}") from exc
    return tree
