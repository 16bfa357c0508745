"""`chappe schema history` and `diff`: what a schema was, and what is different."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.registry_find import SCHEMAS, find_one, id_of, metadata_path
from chappe.cli.registry_options import group_option, registry_printing
from chappe.cli.registry_print import emit, listing
from chappe.cli.registry_trouble import no_verdict
from chappe.cli.render import moment, printable
from chappe.cli.session import Session, printing
from chappe.client.hub_client import HubClient
from chappe.client.registry import NO_FLAGS, Flags, RegistryClient, encoded, object_of
from chappe.domain.errors import NotFound

_COLUMNS: Final = Columns(("VERSION", "DEFAULT", "AFTER", "CREATED", "MODIFIED", "DESCRIPTION"))


@click.command()
@click.argument("name", metavar="SCHEMA")
@group_option
@registry_printing
@lists(_COLUMNS)
def history(session: Session, name: str, group: str | None) -> None:
    """List the versions of a document, the oldest first.

    \b
      chappe schema history order --group shop

    The schema of a type has one state only; the channel registry has its events of change.
    """  # noqa: D301 - click's mark for lines as they are

    async def work(hub: HubClient) -> tuple[list[dict[str, Any]], bytes]:
        registry = RegistryClient(hub)
        found = await find_one(registry, SCHEMAS, name, group=group)
        xid = _document(str(found["xid"]), name)
        answer = await registry.get(f"{xid}/versions")
        return list(object_of(answer).values()), answer.body

    found, answer = session.run(work)
    found.sort(key=lambda one: str(one.get("createdat", "")))
    if not emit(session, found, answer=answer):
        listing(session, _COLUMNS, [_row(one) for one in found])


@click.command()
@click.argument("one", metavar="SCHEMA|FILE")
@click.argument("other", metavar="[SCHEMA|FILE]", required=False)
@group_option
@click.option(
    "--version",
    "versions",
    multiple=True,
    metavar="ID",
    help="Of one SCHEMA: this version against its default; twice: one against another.",
)
@printing("table")
@no_verdict
def diff(
    session: Session, one: str, other: str | None, group: str | None, versions: Sequence[str]
) -> None:
    """Show the lines that two schemas differ in; JSON is laid out first, so that order alone is no difference.

    \b
      chappe schema diff order --group shop --version 1
      chappe schema diff order.paid ./order.paid.json

    A SCHEMA is a type or a document by name, or an xid; a FILE is one that is here. Whether a change breaks
    anybody tells chappe schema check. Exit code 0: the same; 1: they differ.
    """  # noqa: D301 - click's mark for lines as they are
    if (other is None) != bool(versions) or len(versions) > 2:
        raise click.UsageError("name two schemas, or one and its --version (once or twice)")
    sides: list[tuple[str, str | None]] = (
        [(one, None), (other, None)]
        if other is not None
        else [(one, version) for version in versions]
    )
    if len(sides) == 1:
        sides.append((one, None))
    local = [None if version else _file(name) for name, version in sides]

    async def work(hub: HubClient) -> list[str]:
        registry = RegistryClient(hub)
        return [
            _laid_out(text if text is not None else await _text(registry, name, group, version))
            for (name, version), text in zip(sides, local, strict=True)
        ]

    before, after = session.run(work)
    old, new = [
        name if version is None else f"{name} (version {version})" for name, version in sides
    ]
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    changed = False
    for line in lines:
        changed = True
        session.say(printable(line))
    if changed:
        click.get_current_context().exit(1)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    ancestor = str(one.get("ancestorid") or "")
    own = str(one.get("versionid") or id_of(one))
    return (
        own,
        "default" if one.get("isdefault") is True else "",
        "" if ancestor == own else ancestor,
        moment(str(one.get("createdat", ""))).partition(".")[0],
        moment(str(one.get("modifiedat", ""))).partition(".")[0],
        str(one.get("description") or one.get("name") or ""),
    )


def _document(xid: str, name: str) -> str:
    if not xid.startswith("/schemagroups/"):
        raise NotFound(f"schema {name!r} is the payload of a type; documents have versions")
    return xid.partition("/versions/")[0]


def _file(name: str) -> bytes | None:
    return Path(name).read_bytes() if Path(name).is_file() else None


async def _text(
    registry: RegistryClient, name: str, group: str | None, version: str | None
) -> bytes:
    xid = str((await find_one(registry, SCHEMAS, name, group=group))["xid"])
    if version is not None:
        xid = f"{_document(xid, name)}/versions/{version}"
    if xid.startswith("/schemagroups/"):
        path = metadata_path(xid).removesuffix("$details")
        return (await registry.get(path, NO_FLAGS)).body
    found = object_of(await registry.get(xid, Flags()))
    schema = found.get("dataschema")
    if schema is None and isinstance(found.get("dataschemaxid"), str):
        return (await registry.get(str(found["dataschemaxid"]), NO_FLAGS)).body
    if schema is None:
        raise NotFound(f"schema {name!r}: the type is declared, but no schema for its payload")
    return schema.encode() if isinstance(schema, str) else encoded(schema)


def _laid_out(text: bytes) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
    except ValueError:
        return text.decode("utf-8", "replace")
