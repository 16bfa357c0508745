"""`chappe type lint`: what a reader of the registry will miss.

shop.order.paid  error    no-schema       nothing says what its payload looks like
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from chappe.cli.registry_find import TYPES, Entity, ask, branches, find_one, id_of
from chappe.cli.registry_options import narrowed, registry_printing
from chappe.cli.registry_print import emit, listing
from chappe.cli.registry_seen import TypeSeen, types_seen
from chappe.cli.render import printable
from chappe.cli.session import Session
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import RegistryClient
from chappe.domain.lint_guide import TYPE_LINT

_NO: Final = 1
_COLUMNS: Final = ("TYPE", "LEVEL", "RULE", "WHAT")
# A name that says whose it is, and what: at least two parts, as CloudEvents recommends a prefix.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+([.:/][A-Za-z0-9_-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one type."""

    type: str
    level: str
    rule: str
    what: str


@click.command()
@click.argument("names", metavar="[TYPE...]", nargs=-1)
@narrowed
@click.option(
    "--channel", default=DEFAULT_CHANNEL, show_default=True, help="Where events are seen."
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@registry_printing
def lint(
    session: Session,
    names: Sequence[str],
    group: str | None,
    labels: Sequence[str],
    filters: Sequence[str],
    channel: str,
    strict: bool,
) -> None:
    """Tell what the declarations of types lack: schemas, owners, words; and types that nobody has declared.

    \b
      chappe type lint
      chappe type lint order.paid --strict

    The exit code is 1 where there is an error. `chappe errors explain RULE` says why, and how to mend it.
    """  # noqa: D301 - click's mark for lines as they are
    if session.output == "xregistry":
        raise click.UsageError("-o xregistry: it prints table, json, jsonl, yaml, name")

    async def work(hub: HubClient) -> list[Finding]:
        registry = RegistryClient(hub)
        if names:
            found: list[Entity] = [
                await find_one(registry, TYPES, one, group=group) for one in names
            ]
        else:
            wanted = branches(TYPES, group=group, labels=labels, filters=filters)
            found, _ = await ask(registry, TYPES, wanted)
        seen = await types_seen(registry, channel)
        whole = not (names or group or labels or filters)
        return [
            *(finding for one in found for finding in about(one)),
            *(drift(seen) if whole else ()),
        ]

    findings = session.run(work)
    if session.output == "name":
        for name in dict.fromkeys(one.type for one in findings):
            session.say(printable(name))
    elif not emit(session, [asdict(one) for one in findings], answer=None):
        if findings:
            listing(session, _COLUMNS, [tuple(asdict(one).values()) for one in findings])
        errors = sum(one.level == "error" for one in findings)
        session.note(f"{errors} errors, {len(findings) - errors} warnings")
    if any(one.level == "error" or strict for one in findings):
        click.get_current_context().exit(_NO)


def about(one: Mapping[str, Any]) -> Iterator[Finding]:
    """What the rules say of one declaration."""
    name = id_of(one)
    if not any(one.get(x) for x in ("dataschema", "dataschemauri", "dataschemaxid", "basemessage")):
        yield _found(name, "no-schema", "nothing says what its payload looks like")
    elif not one.get("validation"):
        yield _found(name, "not-checked", "its payload is not checked (validation)")
    if not one.get("description"):
        yield _found(name, "no-description", "nobody says what it means")
    labels = one.get("labels")
    if not (isinstance(labels, dict) and labels.get("owner")):
        yield _found(name, "no-owner", "no label owner")
    if not _NAME.fullmatch(name):
        yield _found(name, "short-name", "its name does not say whose it is: use a prefix")
    schema = one.get("dataschema")
    if isinstance(schema, dict) and schema.get("type") == "object":
        yield from _about_properties(name, schema)


def drift(seen: Sequence[TypeSeen]) -> Iterator[Finding]:
    """Types that are sent and that nobody has declared."""
    for one in seen:
        if one.events and not one.declared:
            yield _found(one.type, "undeclared", f"{one.events:,} events, and no declaration")


def _about_properties(name: str, schema: Mapping[str, Any]) -> Iterator[Finding]:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        yield _found(name, "empty-schema", "its schema names no properties")
        return
    required = schema.get("required")
    for missing in required if isinstance(required, list) else []:
        if missing not in properties:
            what = f"requires {str(missing)!r}, which its properties do not describe"
            yield _found(name, "unknown-required", what)


def _found(name: str, rule: str, what: str) -> Finding:
    return Finding(name, TYPE_LINT[rule].level, rule, what)
