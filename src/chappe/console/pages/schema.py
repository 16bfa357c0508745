"""One schema: its versions, what changed between two of them, and whom that breaks."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chappe.client.catalogue import find
from chappe.client.registry import joined, object_of
from chappe.console.comparison import MOST_EVIDENCE, Comparison, compared, pretty
from chappe.console.links import segment, with_query
from chappe.console.page import Page, Route, Visit
from chappe.console.schema_tree import SchemaTree, parsed, schema_tree
from chappe.console.schema_versions import Version, version_path, versions_of
from chappe.domain.errors import NotFound

_MOST_VERSIONS: Final = 100
_MOST_SHOWN: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class User:
    """A type whose payloads the schema describes, and who takes them; `moves`: with the version that is shown."""

    type: str
    pinned: str
    takers: Sequence[str]
    moves: bool


@dataclass(frozen=True, slots=True)
class SchemaView:
    """What is shown; `version` is the one that is looked at."""

    group: str
    id: str
    xid: str
    format: str
    description: str
    owner: str
    rule: str
    version: str
    versions: Sequence[Version]
    tree: SchemaTree
    document: str
    comparison: Comparison | None
    users: Sequence[User]
    more_evidence: str

    @property
    def affected(self) -> Sequence[str]:
        """The consumers of types that follow what changed."""
        return _distinct(one for one in self.users if one.moves)

    @property
    def consumers(self) -> Sequence[str]:
        """All consumers of payloads of the schema."""
        return _distinct(self.users)


def _distinct(users: Iterable[User]) -> Sequence[str]:
    return list(dict.fromkeys(taker for one in users for taker in one.takers))


async def show(visit: Visit) -> Page:
    """A schema at one of its versions (`v`), and what it changes since another (`from`)."""
    group, id_ = visit.params["group"], visit.params["schema"]
    above = joined("schemagroups", group, "schemas", id_)
    registry = visit.registry
    meta = object_of(await registry.get(f"{above}/meta"))
    versions = versions_of(await registry.entity(f"{above}/versions"))
    version = visit.query.get("v") or str(meta.get("defaultversionid", ""))
    known = {one.id: one for one in versions}
    if version not in known:
        raise NotFound(f"version {version!r}: the schema {id_!r} has none of that id")
    answer = await registry.get(version_path(above, version))
    format_ = answer.headers.get("xregistry-format", "")
    document = pretty(answer.body)
    older = visit.query.get("from") or known[version].ancestor
    xid = f"/schemagroups/{group}/schemas/{id_}"
    users = await _users(visit, xid, version, str(meta.get("defaultversionid", "")))
    types = [one.type for one in users if one.moves]
    comparison = None
    if older != version and older in known:
        comparison = await compared(visit, above, older, version, answer.body, format_, meta, types)
    details = object_of(await registry.get(f"{above}/versions/{joined(version)[1:]}$details"))
    labels = details.get("labels")
    return Page(
        template="schema.html",
        title=f"Schema {id_}",
        view=SchemaView(
            group,
            id_,
            xid,
            format_,
            str(details.get("description") or details.get("name") or ""),
            str(labels.get("owner", "")) if isinstance(labels, Mapping) else "",
            str(meta.get("compatibility") or ""),
            version,
            versions[:_MOST_VERSIONS],
            schema_tree(parsed(answer.body), format_),
            document[:_MOST_SHOWN],
            comparison,
            users,
            with_query(
                f"schemas/{segment(group)}/{segment(id_)}",
                {"v": version, "from": older, "last": MOST_EVIDENCE},
            )
            if comparison is not None and comparison.looked_at < MOST_EVIDENCE
            else "",
        ),
        nav="schemas",
        cli=f"chappe schema diff {shlex.quote(xid)} --version {shlex.quote(comparison.older)}"
        f" --version {shlex.quote(comparison.newer)}"
        if comparison is not None
        else f"chappe schema get {shlex.quote(xid)}",
        api=f"{above[1:]}/versions",
    )


async def _users(visit: Visit, xid: str, version: str, default: str) -> list[User]:
    """The types whose payloads it describes, with the version that each is pinned to."""

    def moves(pinned: str) -> bool:
        return (pinned or default) == version

    found = await find(visit.hub, {"schema": xid})
    return [
        User(
            one.type,
            one.schema.partition("/versions/")[2],
            [*one.subscriptions, *one.consumers],
            moves(one.schema.partition("/versions/")[2]),
        )
        for one in found.types
    ]


ROUTES = (Route("schemas/{group}/{schema}", get=show),)
