"""`chappe schema ls` and `get`: the schemas of types, and the documents of schema groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.registry_find import (
    SCHEMAS,
    ask,
    branches,
    find_one,
    group_of,
    id_of,
    metadata_path,
)
from chappe.cli.registry_options import group_option, narrowed, registry_printing
from chappe.cli.registry_print import WIDE, card, emit, emit_one, listing, wide
from chappe.cli.render import moment, printable
from chappe.cli.session import Session
from chappe.cli.watching import watched
from chappe.client.hub_client import HubClient
from chappe.client.registry import NO_FLAGS, Flags, RegistryClient, encoded
from chappe.domain.errors import NotFound

_COLUMNS = Columns(("SCHEMA", "GROUP", "OF", "FORMAT", "CHECKED", "MODIFIED"), wide=WIDE)
_DOCUMENTS = "/schemagroups/"
_PAYLOAD = ("dataschema", "dataschemauri", "dataschemaformat", "dataschemaxid")
_BODIES = ("schema", "schemabase64", "dataschema")
_HIDDEN = frozenset(
    "self schemaid messageid isdefault metaurl versionsurl envelopemetadata envelope xid".split()
)


@click.command("ls")
@narrowed
@registry_printing
@lists(_COLUMNS)
@watched
def ls(session: Session, group: str | None, labels: Sequence[str], filters: Sequence[str]) -> None:
    """List the schemas: those declared for a type, and the documents of schema groups.

    \b
      chappe schema ls
      chappe schema ls --group shop -o name
    """  # noqa: D301 - click's mark for lines as they are
    wanted = branches(SCHEMAS, group=group, labels=labels, filters=filters)
    found, answer = session.run(lambda hub: ask(RegistryClient(hub), SCHEMAS, wanted))
    found = [one for one in found if _has_schema(one)]
    if session.output == "name":
        for one in found:
            # A type's name is enough for `schema get` and `schema rm`; documents go by their xid.
            session.say(printable(str(one["xid"]) if _is_document(one) else id_of(one)))
    elif not emit(session, found, answer=answer):
        listing(session, _COLUMNS, [_row(one) for one in found])


@click.command("get")
@click.argument("name", metavar="SCHEMA")
@group_option
@click.option("--version", metavar="ID", help="This version of a document. [default: its default]")
@click.option("--document", is_flag=True, help="Print the schema alone, byte for byte.")
@registry_printing
@watched
def get(
    session: Session, name: str, group: str | None, version: str | None, document: bool
) -> None:
    """Show one schema: a type's, or a document of a schema group.

    \b
      chappe schema get order.paid
      chappe schema get order --group shop --version 2 --document > order.json

    SCHEMA is the type's name, the document's id, or an xid where several fit.
    """  # noqa: D301 - click's mark for lines as they are

    async def work(hub: HubClient) -> tuple[bytes, bytes]:
        registry = RegistryClient(hub)
        found = await find_one(registry, SCHEMAS, name, group=group)
        if not _has_schema(found):
            raise NotFound(f"schema {name!r}: the type is declared, but no schema for its payload")
        xid = str(found["xid"])
        if not _is_document(found):
            if version is not None:
                raise click.UsageError(f"--version: {name} is a type; documents have versions")
            return (await registry.get(xid)).body, b""
        if version is not None:
            xid = f"{xid.partition('/versions/')[0]}/versions/{version}"
        path = metadata_path(xid)
        answer = await registry.get(path, Flags(inline=["schema"]))
        raw = await registry.get(path.removesuffix("$details"), NO_FLAGS) if document else None
        return answer.body, raw.body if raw else b""

    body, raw = session.run(work)
    found = json.loads(body)
    if document:
        session.pass_through(raw if _is_document(found) else _indented(found.get("dataschema")))
    elif not emit_one(session, found, answer=body):
        _show(session, found)


def _show(session: Session, found: Mapping[str, Any]) -> None:
    facts = {k: v for k, v in found.items() if k not in _HIDDEN and k not in _BODIES}
    facts["xid"] = found.get("xid")
    kind = "a document" if _is_document(found) else "the payload of a type"
    bodies = {name: found[name] for name in _BODIES if name in found}
    blocks = {
        name: one if isinstance(one, str) else _indented(one).decode()
        for name, one in bodies.items()
    }
    name = str(found.get("xid", "")).split("/")[4]
    card(session, name, f"{kind}, group {group_of(found)}", facts, blocks)


def _indented(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return json.dumps(json.loads(encoded(value)), indent=2, ensure_ascii=False).encode() + b"\n"


def _has_schema(one: Mapping[str, Any]) -> bool:
    return _is_document(one) or any(name in one for name in _PAYLOAD)


def _is_document(one: Mapping[str, Any]) -> bool:
    return str(one.get("xid", "")).startswith(_DOCUMENTS)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    if _is_document(one):
        version = str(one.get("versionid") or "")
        of, format_, checked = f"version {version}", one.get("format"), _validated(one)
    else:
        of, format_ = "a type", one.get("dataschemaformat")
        checked = str(one.get("validation") or "")
    modified = moment(str(one.get("modifiedat") or ""))[:16]  # to the minute
    return id_of(one), group_of(one), of, str(format_ or ""), checked, modified, *wide(one)


def _validated(one: Mapping[str, Any]) -> str:
    match one.get("formatvalidated"):
        case True:
            return "valid"
        case False:
            return "not checked"
        case _:
            return ""
