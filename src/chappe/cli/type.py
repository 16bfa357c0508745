"""`chappe type`: the types of events (messages, to xRegistry) that are declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.noun import Noun
from chappe.cli.picker import picked
from chappe.cli.registry_find import (
    ENDPOINTS,
    TYPES,
    ask,
    branches,
    entities,
    find_one,
    group_of,
    id_of,
)
from chappe.cli.registry_options import group_option, narrowed, registry_printing
from chappe.cli.registry_print import WIDE, card, emit, emit_one, listing, wide
from chappe.cli.registry_roles import carries, roles
from chappe.cli.registry_seen import TypeSeen, told, types_seen
from chappe.cli.render import printable
from chappe.cli.schema_tree import tree
from chappe.cli.session import Session
from chappe.cli.type_deprecate import deprecate
from chappe.cli.type_graph import graph
from chappe.cli.type_lint import lint
from chappe.cli.type_roles import consumers, producers
from chappe.cli.type_sample import copied, recent, sample, type_of
from chappe.cli.watching import watched
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.registry import Flags, RegistryClient, encoded, object_of
from chappe.domain.errors import ChappeError, Forbidden, NotFound

_COLUMNS = Columns(("TYPE", "GROUP", "PAYLOAD", "CHECKED", "DESCRIPTION"), wide=WIDE)
_BLOCKS = ("envelopemetadata", "envelopeoptions", "protocoloptions", "dataschema")
_HIDDEN = frozenset(
    "self messageid versionid isdefault ancestorid metaurl versionsurl versionscount".split()
)


@click.group("type", cls=Noun, no_args_is_help=True)
def type_() -> None:
    """See which types of events are declared, and what they look like."""


@type_.command("ls")
@narrowed
@registry_printing
@lists(_COLUMNS)
@watched
def ls(session: Session, group: str | None, labels: Sequence[str], filters: Sequence[str]) -> None:
    """List the types of events.

    \b
      chappe type ls --label stage=prod
      chappe type ls --group shop --filter 'description=*refund*'
    """  # noqa: D301 - click's mark for lines as they are
    wanted = branches(TYPES, group=group, labels=labels, filters=filters)
    found, answer = session.run(lambda hub: ask(RegistryClient(hub), TYPES, wanted))
    if not emit(session, found, answer=answer):
        listing(session, _COLUMNS, [_row(one) for one in found])


@type_.command("get")
@click.argument("name", metavar="[TYPE]", required=False)
@group_option
@click.option("--no-input", is_flag=True, help="Ask nothing: without TYPE it is wrong usage.")
@registry_printing
@watched
def get(session: Session, name: str | None, group: str | None, no_input: bool) -> None:
    """Show one type: its attributes, its schema, who sends and takes it, and its newest event.

    \b
      chappe type get order.paid

    At the end stands a curl that sends one. TYPE is its name, or its xid where several groups have one of that name;
    without it, a person at a terminal picks one. Of a type that nobody has declared, what was seen is shown.
    """  # noqa: D301 - click's mark for lines as they are
    type_name = name or picked(lambda: _names(session, group), "TYPE", no_input=no_input)

    async def work(
        hub: HubClient,
    ) -> tuple[dict[str, Any], bytes, list[dict[str, Any]], Sequence[TypeSeen], list[bytes]]:
        registry = RegistryClient(hub)
        try:
            found = await find_one(registry, TYPES, type_name, group=group)
        except NotFound:
            seen = await types_seen(registry, DEFAULT_CHANNEL, matching=type_name)
            if session.output != "table" or group or not told(seen, type_name):
                raise
            return {}, b"", [], seen, await _newest(hub, type_name)
        answer = await registry.get(str(found["xid"]))
        if session.output != "table":
            return object_of(answer), answer.body, [], (), []
        seen = await types_seen(registry, DEFAULT_CHANNEL, matching=id_of(found))
        shown = object_of(answer)
        newest = await _newest(hub, type_of(shown) or id_of(found))
        meta = object_of(await registry.get(f"{found['xid']}/meta"))
        if meta.get("deprecated") is not None:
            shown["deprecated"] = meta["deprecated"]
        return shown, answer.body, await _endpoints(registry), seen, newest

    found, answer, ends, seen, newest = session.run(work)
    if not found:
        card(
            session,
            type_name,
            "seen, but not declared",
            told(seen, type_name),
            _to_send(session.url, newest),
        )
        session.hint(f"chappe schema infer {printable(type_name)} --apply")
        return
    if emit_one(session, found, answer=answer):
        return
    facts = {k: v for k, v in found.items() if k not in _BLOCKS and k not in _HIDDEN}
    for role in ("producers", "consumers"):
        facts[role] = [id_of(one) for one in ends if role in roles(one) and carries(one, found)]
    facts |= told(seen, id_of(found)) or {"seen": "no event of it yet"}
    if not any(name in found for name in ("dataschema", "dataschemaxid", "dataschemauri")):
        facts["schema"] = "none: nothing says what its payload looks like"
    blocks = {name: found[name] for name in _BLOCKS if name in found}
    shown = {**_readable(blocks), **_to_send(session.url, newest)}
    kind = f"a type of the group {group_of(found)}"
    if deprecated := facts.pop("deprecated", None):
        kind = f"{kind}, {_going(deprecated)}"
    card(session, id_of(found), kind, facts, shown)
    session.hint(f"chappe type sample {printable(id_of(found))} | chappe event send -")


def _names(session: Session, group: str | None) -> list[str]:
    wanted = branches(TYPES, group=group, labels=(), filters=())
    found, _ = session.run(lambda hub: ask(RegistryClient(hub), TYPES, wanted))
    count = Counter(map(id_of, found))
    return sorted(id_of(one) if count[id_of(one)] == 1 else str(one["xid"]) for one in found)


def _going(deprecated: object) -> str:
    """DEPRECATED since 2026-11-23, gone 2027-06-30, instead: /messagegroups/shop/messages/paid.v2."""
    said = deprecated if isinstance(deprecated, dict) else {}
    words = (("effective", " since "), ("removal", ", gone "), ("alternative", ", instead: "))
    parts = [
        before + (str(said[name])[:10] if name != "alternative" else str(said[name]))
        for name, before in words
        if said.get(name)
    ]
    return f"DEPRECATED{''.join(parts)}"


async def _newest(hub: HubClient, type_: str) -> list[bytes]:
    """The newest event; none for those who may see the registry alone."""
    try:
        return await recent(hub, type_, DEFAULT_CHANNEL, 1)
    except Forbidden:
        return []


async def _endpoints(registry: RegistryClient) -> list[dict[str, Any]]:
    try:
        answer = await registry.get("/", Flags(inline=ENDPOINTS.inline))
    except ChappeError:
        return []  # a registry whose model has no endpoints
    return list(entities(object_of(answer), ENDPOINTS))


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        id_of(one),
        group_of(one),
        str(one.get("dataschemaformat") or one.get("dataschemauri") or ""),
        str(one.get("validation") or ""),
        str(one.get("description") or one.get("name") or ""),
        *wide(one),
    )


def _to_send(url: str, newest: Sequence[bytes]) -> dict[str, str]:
    """The newest event, and a command that sends one like it; nothing where there is none."""
    import shlex

    import msgspec

    if not newest:
        return {}
    media_type = "content-type: application/cloudevents+json"
    event = copied(newest[0]).decode()
    return {
        "newest event": msgspec.json.format(newest[0], indent=2).decode(),
        "send one": f"curl {url}/events -H {shlex.quote(media_type)} -d {shlex.quote(event)}",
    }


def _readable(blocks: Mapping[str, Any]) -> dict[str, Any]:
    import json

    readable: dict[str, Any] = dict(blocks)
    metadata = readable.get("envelopemetadata")
    if isinstance(metadata, dict):
        readable["envelopemetadata"] = "\n".join(_attributes(metadata))
    schema = readable.get("dataschema")
    if isinstance(schema, dict) and (lines := tree(json.loads(encoded(schema)))):
        readable["dataschema"] = "\n".join(lines)
    elif isinstance(schema, dict | list):
        readable["dataschema"] = json.dumps(json.loads(encoded(schema)), indent=2)
    return readable


def _attributes(metadata: Mapping[str, Any]) -> list[str]:
    from chappe.cli.cells import aligned

    rows = []
    for name, one in metadata.items():
        if isinstance(one, dict):
            required = "required" if one.get("required") is True else "optional"
            text = str(one.get("value") or "")
            said = str(one.get("description") or "")
            rows.append((name, str(one.get("type") or "string"), required, text, said))
    return aligned(rows) if rows else []


for _command in (producers, consumers, graph, sample, lint, deprecate):
    type_.add_command(_command)
