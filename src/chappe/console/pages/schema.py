"""One schema: its versions, what changed between two of them, and whom that breaks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from chappe.client.catalogue import find
from chappe.client.problems import error_of
from chappe.client.registry import joined, object_of
from chappe.client.views import Changed, Judgement, Seen
from chappe.console.diff import DiffRow, side_by_side
from chappe.console.page import Page, Route, Visit
from chappe.console.pages.type import parsed
from chappe.console.schema_tree import SchemaTree, schema_tree
from chappe.console.shown import moment
from chappe.domain.errors import ChappeError, NotFound

_MOST_VERSIONS: Final = 100
_EVIDENCE_OF: Final = 200
_MOST_DEPTH: Final = 32
_MOST_SHOWN: Final = 64 * 1024
_RULES: Final = (
    "backward", "forward", "full", "backward_transitive", "forward_transitive", "full_transitive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the rail."""

    id: str
    createdat: str
    default: bool
    ancestor: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what, why it matters in one sentence, and the cure."""

    code: str
    path: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions beside each other; without `compatible` nobody could judge, and `trouble` says why.

    `rule` is what the schema keeps, "backward" where it keeps none; `breaking` is what that rule
    forbids, `risky` what only the other direction does, `safe` the pointers of all other changes.
    """

    older: str
    newer: str
    rule: str
    kept: bool
    compatible: Mapping[str, bool]
    breaking: Sequence[Change]
    risky: Sequence[Change]
    safe: Sequence[str]
    evidence: Sequence[Seen]
    rows: Sequence[DiffRow] | None
    trouble: str


@dataclass(frozen=True, slots=True)
class User:
    """A type whose payloads the schema describes, and who takes them."""

    type: str
    pinned: str
    takers: Sequence[str]


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


async def show(visit: Visit) -> Page:
    """A schema at one of its versions (`v`), and what it changes since another (`from`)."""
    group, id_ = visit.params["group"], visit.params["schema"]
    above = joined("schemagroups", group, "schemas", id_)
    registry = visit.registry
    meta = object_of(await registry.get(f"{above}/meta"))
    versions = _versions(await registry.entity(f"{above}/versions"))
    version = visit.query.get("v") or str(meta.get("defaultversionid", ""))
    known = {one.id: one for one in versions}
    if version not in known:
        raise NotFound(f"version {version!r}: the schema {id_!r} has none of that id")
    answer = await registry.get(f"{above}/versions/{joined(version)[1:]}")
    format_ = answer.headers.get("xregistry-format", "")
    document = _pretty(answer.body)
    older = visit.query.get("from") or known[version].ancestor
    comparison = None
    if older != version and older in known:
        comparison = await _compared(visit, above, older, version, answer.body, document, meta)
    xid = f"/schemagroups/{group}/schemas/{id_}"
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
            await _users(visit, xid),
        ),
        nav="schemas",
        cli=f"chappe schema get {xid}",
        api=f"{above[1:]}/versions",
    )


def _versions(found: Mapping[str, Any]) -> list[Version]:
    """The newest first."""
    listed = [
        Version(
            id_,
            str(one.get("createdat", "")),
            one.get("isdefault") is True,
            str(one.get("ancestorid", "")),
        )
        for id_, one in found.items()
    ]
    # Later ones stand later among those of the same time.
    made = sorted(listed, key=lambda one: moment(one.createdat) or datetime.min.replace(tzinfo=UTC))
    return made[::-1]


async def _compared(
    visit: Visit,
    above: str,
    older: str,
    newer: str,
    body: bytes,
    document: str,
    meta: Mapping[str, Any],
) -> Comparison:
    before = await visit.registry.get(f"{above}/versions/{joined(older)[1:]}")
    rows = side_by_side(_pretty(before.body), document)
    judged, trouble = None, ""
    try:
        judged = await _judged(visit, f"{above}/versions/{joined(older)[1:]}", body)
    except ChappeError as error:
        trouble = error.message
    keeps = str(meta.get("compatibility") or "").lower()
    rule = keeps if keeps in _RULES else "backward"
    if judged is None:
        return Comparison(older, newer, rule, keeps in _RULES, {}, (), (), (), (), rows, trouble)
    backward = [_change(one) for one in judged.differences.get("backward", ())]
    forward = [_change(one) for one in judged.differences.get("forward", ())]
    match rule.partition("_")[0]:
        case "forward":
            breaking, risky = forward, backward
        case "full":
            breaking, risky = [*backward, *forward], []
        case _:
            breaking, risky = backward, forward
    forbidden = {one.path for one in breaking}
    risky = [one for one in risky if one.path not in forbidden]
    told = forbidden | {one.path for one in risky}
    safe = [
        pointer
        for pointer in pointers_changed(parsed(before.body), parsed(body))
        if not any(_is_told(pointer, one) for one in told)
    ]
    return Comparison(
        older,
        newer,
        rule,
        keeps in _RULES,
        {one: judged.compatible[one] for one in _RULES if one in judged.compatible},
        _once(breaking),
        _once(risky),
        safe[:50],
        judged.evidence,
        rows,
        "",
    )


def _is_told(pointer: str, told: str) -> bool:
    """Whether a change is part of one that was judged: within it, or that it is required."""
    within = pointer == told or pointer.startswith(f"{told}/")
    above = pointer.removesuffix("/required")
    return within or (above != pointer and told.startswith(f"{above}/properties/"))


async def _judged(visit: Visit, older: str, document: bytes) -> Judgement:
    query = urlencode({"against": older, "last": _EVIDENCE_OF})
    headers = {"accept": "application/json", "content-type": "application/octet-stream"}
    answer = await visit.hub.exchange("POST", f"/validate/schema?{query}", document, headers)
    if answer.status >= 300:
        raise error_of(answer)
    return msgspec.json.decode(answer.body, type=Judgement)


def _change(one: Changed) -> Change:
    return Change(one.code, one.path, one.message, one.fix)


def _once(changes: Sequence[Change]) -> list[Change]:
    return list(dict.fromkeys(changes))


def pointers_changed(old: object, new: object, at: str = "") -> list[str]:
    """Where two documents differ, as JSON pointers; what came or went is named as a whole."""
    if isinstance(old, dict) and isinstance(new, dict) and at.count("/") < _MOST_DEPTH:
        found: list[str] = []
        for name in sorted({*old, *new}):
            below = f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in old and name in new:
                found += pointers_changed(old[name], new[name], below)
            else:
                found.append(below)
        return found
    return [] if old == new else [at or "/"]


async def _users(visit: Visit, xid: str) -> list[User]:
    """The types whose payloads it describes, with the version that each is pinned to."""
    found = await find(visit.hub, {"schema": xid})
    return [
        User(
            one.type,
            one.schema.partition("/versions/")[2],
            [*one.subscriptions, *one.consumers],
        )
        for one in found.types
    ]


def _pretty(document: bytes) -> str:
    """A document as lines: JSON is laid out alike in all versions."""
    text = document.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


ROUTES = (Route("schemas/{group}/{schema}", get=show),)
