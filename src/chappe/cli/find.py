"""`chappe find`: what the hub knows of something, by words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from chappe.cli.columns import Columns, lists
from chappe.cli.find_types import show_types
from chappe.cli.registry_options import registry_printing
from chappe.cli.registry_print import emit, labels_of, listing
from chappe.cli.registry_roles import roles
from chappe.cli.registry_tree import Shape
from chappe.cli.session import Session
from chappe.cli.type_sample import type_of
from chappe.client.hub_client import HubClient
from chappe.client.registry import Flags, RegistryClient, object_of

_COLUMNS = Columns(("KIND", "ID", "WHERE", "DESCRIPTION"), wide=("XID",))
# What a person calls them; anything else goes by its singular in the model.
_KINDS = {
    "messagegroup": "group",
    "schemagroup": "group",
    "message": "type",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One entity, what it is called, and how well it fits: lower is better."""

    kind: str
    entity: Mapping[str, Any]
    rank: int

    @property
    def xid(self) -> str:
        """Where it stands."""
        return str(self.entity.get("xid", ""))

    @property
    def id(self) -> str:
        """What it is called there."""
        return self.xid.rpartition("/")[2]


@click.command()
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="type, schema, producer, consumer, endpoint, channel, subscription, group; or another of "
    "the model. More than once: any of them.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Only with this label; more than once: all of them.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="So many at most.",
)
@registry_printing
@lists(_COLUMNS)
def find(
    session: Session, words: Sequence[str], kinds: Sequence[str], labels: Sequence[str], limit: int
) -> None:
    """Find types, schemas, producers, consumers, channels and subscriptions by words.

    \b
      chappe find order paid
      chappe find refund --kind type --label stage=prod

    All words must be there: in the id, the name, the description or the labels. The exit code is 1
    when nothing is found. Without words, --kind or --label finds all that fit.
    """  # noqa: D301 - click's mark for lines as they are
    if not (words or kinds or labels):
        raise click.UsageError("what is to be found? a word, --kind or --label")
    asked = [word.casefold() for text in words for word in text.split()]
    everything = session.run(_everything)
    found = sorted(
        (one for one in _matching(everything, asked) if _wanted(one, kinds, labels)),
        key=lambda one: (one.rank, one.id.lower(), one.xid),
    )
    shown = found[:limit]
    if not found:
        session.note(_nothing(words, everything, kinds))
        click.get_current_context().exit(1)
    if session.output == "xregistry":
        raise click.UsageError("-o xregistry: it prints table, json, jsonl, yaml, name")
    listed = [{"kind": one.kind, **one.entity} for one in shown]
    if not emit(session, listed, answer=None):
        listing(session, _COLUMNS, [_row(one) for one in shown])
        if any(one.kind == "type" for one in shown):
            types = {one.xid: type_of(one.entity) or one.id for one in shown if one.kind == "type"}
            show_types(session, types)
            first = next(one for one in shown if one.kind == "type")
            session.hint(f"chappe type get {first.id}")
    if len(found) > limit:
        session.note(f"{len(found) - limit} more; see them with --limit {len(found)}")


async def _everything(hub: HubClient) -> list[tuple[str, Mapping[str, Any]]]:
    registry = RegistryClient(hub)
    shape = Shape.of_model(object_of(await registry.get("/model")))
    inline = [
        f"{plural}.{resources}" if resources else plural
        for plural, group in shape.groups.items()
        for resources in (*group.resources, *(() if group.resources else ("",)))
    ]
    body = object_of(await registry.get("/", Flags(inline=inline)))
    return list(_entities(body, shape))


def _entities(body: Mapping[str, Any], shape: Shape) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for plural, group_shape in shape.groups.items():
        for group in (body.get(plural) or {}).values():
            yield _kind(group_shape.singular, group), group
            for resources, singular in group_shape.resources.items():
                for one in (group.get(resources) or {}).values():
                    yield _kind(singular, one), one


def _kind(singular: str, entity: Mapping[str, Any]) -> str:
    if singular == "endpoint":
        match roles(entity):
            case found if found == {"producers"}:
                return "producer"
            case found if found == {"consumers"}:
                return "consumer"
            case _:
                return "endpoint"
    return _KINDS.get(singular, singular)


def _matching(
    everything: Sequence[tuple[str, Mapping[str, Any]]], words: Sequence[str]
) -> Iterator[Found]:
    for kind, entity in everything:
        rank = _rank(entity, words)
        if rank is not None:
            yield Found(kind, entity, rank)


def _rank(entity: Mapping[str, Any], words: Sequence[str]) -> int | None:
    id_ = str(entity.get("xid", "")).rpartition("/")[2].casefold()
    said = " ".join(
        str(entity.get(name) or "") for name in ("name", "description", "types", "sink")
    )
    everywhere = f"{id_} {said} {labels_of(entity)}".casefold()
    if not all(word in everywhere for word in words):
        return None
    if not words or id_ == " ".join(words):
        return 0
    if id_.startswith(words[0]) and all(word in id_ for word in words):
        return 1
    return 2 if all(word in id_ for word in words) else 3


def _wanted(found: Found, kinds: Sequence[str], labels: Sequence[str]) -> bool:
    names = {found.kind}
    if found.xid.startswith("/endpoints/") and found.xid.count("/") == 2:
        names |= {"endpoint", *(role.removesuffix("s") for role in roles(found.entity))}
    if kinds and not names & {kind.lower() for kind in kinds}:
        return False
    there = found.entity.get("labels")
    there = there if isinstance(there, dict) else {}
    for label in labels:
        name, equals, value = label.partition("=")
        if name not in there or (equals and str(there[name]) != value):
            return False
    return True


def _nothing(
    words: Sequence[str],
    everything: Sequence[tuple[str, Mapping[str, Any]]],
    kinds: Sequence[str],
) -> str:
    from chappe.kit.near import suggested

    ids = [str(entity.get("xid", "")).rpartition("/")[2] for _, entity in everything]
    known = sorted({kind for kind, _ in everything} | {"endpoint", "producer", "consumer"})
    unknown = [kind for kind in kinds if kind not in known]
    if unknown and everything:
        return f"nothing found; there is no {unknown[0]!r} here, but: {', '.join(known)}"
    said = f"nothing found for {' '.join(words)!r}" if words else "nothing found"
    return said + suggested(" ".join(words), ids)


def _row(found: Found) -> tuple[str, ...]:
    entity = found.entity
    said = entity.get("description") or entity.get("name") or labels_of(entity)
    return found.kind, found.id, found.xid.rpartition("/")[0] or "/", str(said), found.xid
