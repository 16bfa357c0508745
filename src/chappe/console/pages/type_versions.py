"""A type's tab *Versions*: the versions of its schema, each with the verdict on what it changed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chappe.client.registry import joined, object_of
from chappe.console.page import Page, Route, Visit
from chappe.console.schema_versions import RULES, judged, version_path, versions_of
from chappe.console.type_head import Head, type_head
from chappe.domain.errors import CallerError, ChappeError

_MOST: Final = 50
_JUDGED: Final = 10
"""Each verdict compares two schemas; older ones are judged on the schema's own page."""


@dataclass(frozen=True, slots=True)
class Line:
    """A version beside the one that it was made of: `compatible` None: it was not judged, `why` says it."""

    id: str
    createdat: str
    default: bool
    used: bool
    ancestor: str
    compatible: bool | None
    changes: int
    why: str


@dataclass(frozen=True, slots=True)
class TypeVersions:
    """What is shown; without `xid` the schema stands in the message, or there is none."""

    head: Head
    xid: str
    rule: str
    kept: bool
    pinned: str
    lines: Sequence[Line]
    inline: bool
    trouble: str


async def show(visit: Visit) -> Page:
    """The versions, the newest first."""
    head, declared = await type_head(visit, "versions")
    named = declared.get("dataschemaxid")
    xid, _, pinned = named.partition("/versions/") if isinstance(named, str) else ("", "", "")
    rule, trouble = "", ""
    lines: Sequence[Line] = ()
    if xid:
        above = joined(*xid.split("/")[1:])
        try:
            meta = object_of(await visit.registry.get(f"{above}/meta"))
            rule = str(meta.get("compatibility") or "").lower()
            lines = await _lines(visit, above, rule if rule in RULES else "backward", pinned)
        except CallerError as error:
            trouble = error.message
    kept = rule in RULES
    return Page(
        template="type_versions.html",
        title=f"Versions of {head.found.type}",
        view=TypeVersions(
            head,
            xid,
            rule if kept else "backward",
            kept,
            pinned,
            lines,
            "dataschema" in declared,
            trouble,
        ),
        nav="find",
        cli=f"chappe schema history {shlex.quote(xid)}" if xid else "",
        api=f"{xid[1:]}/versions" if xid else "",
    )


async def _lines(visit: Visit, above: str, rule: str, pinned: str) -> list[Line]:
    found: Mapping[str, Any] = await visit.registry.entity(f"{above}/versions")
    versions = versions_of(found)
    lines: list[Line] = []
    for number, one in enumerate(versions[:_MOST]):
        compatible, changes, why = None, 0, ""
        if one.ancestor in (one.id, ""):
            why = "the first"
        elif one.ancestor not in found:
            why = f"version {one.ancestor} is gone"
        elif number >= _JUDGED:
            why = "not judged here"
        else:
            try:
                compatible, changes = await _verdict(visit, above, one.ancestor, one.id, rule)
            except ChappeError as error:
                why = error.message
        used = one.id == pinned if pinned else one.default
        lines.append(
            Line(one.id, one.createdat, one.default, used, one.ancestor, compatible, changes, why)
        )
    return lines


async def _verdict(
    visit: Visit, above: str, older: str, newer: str, rule: str
) -> tuple[bool | None, int]:
    """Whether the rule allows the change, and how many differences it forbids."""
    document = (await visit.registry.get(version_path(above, newer))).body
    found = await judged(visit, version_path(above, older), document, last=0)
    directions = {"backward": ("backward",), "forward": ("forward",)}.get(
        rule.partition("_")[0], ("backward", "forward")
    )
    changes = sum(len(found.differences.get(one, ())) for one in directions)
    return found.compatible.get(rule.partition("_")[0]), changes


ROUTES = (Route("types/{type}/versions", get=show),)
