"""Two versions of a schema beside each other: the verdict, each change, and what stored events say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chappe.client.views import Changed, Seen
from chappe.console.diff import DiffRow, side_by_side
from chappe.console.page import Visit
from chappe.console.schema_tree import parsed, schema_tree
from chappe.console.schema_versions import RULES, judged, version_path
from chappe.console.shown import middle
from chappe.console.tree_diff import Member, tree_diff
from chappe.domain.errors import ChappeError

MOST_EVIDENCE: Final = 10_000
_EVIDENCE_OF: Final = 200
_MOST_ASKED: Final = 3
_MOST_VALUE: Final = 160
_MOST_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, from what to what, why it matters in one sentence, the rule, and the cure."""

    code: str
    path: str
    before: str
    after: str
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
    safe: Sequence[Change]
    evidence: Sequence[Seen]
    looked_at: int
    members: Sequence[Member]
    rows: Sequence[DiffRow] | None
    trouble: str


async def compared(
    visit: Visit,
    above: str,
    older: str,
    newer: str,
    body: bytes,
    format_: str,
    meta: Mapping[str, Any],
    types: Sequence[str],
) -> Comparison:
    before = await visit.registry.get(version_path(above, older))
    was, is_ = parsed(before.body), parsed(body)
    rows = side_by_side(pretty(before.body), pretty(body))
    members = tree_diff(
        schema_tree(was, before.headers.get("xregistry-format", format_)),
        schema_tree(is_, format_),
    )
    last = MOST_EVIDENCE if visit.query.get("last") == str(MOST_EVIDENCE) else _EVIDENCE_OF
    evidence: list[Seen] = []
    verdict, trouble = None, ""
    try:
        verdict = await judged(visit, version_path(above, older), body, last=last)
        evidence += verdict.evidence
        # Of types whose payloads nobody checks the hub looks at events only where it is told to.
        told_of = {one.type for one in evidence}
        for type_ in [one for one in types if one not in told_of][:_MOST_ASKED]:
            more = await judged(visit, version_path(above, older), body, last=last, type_=type_)
            evidence += (one for one in more.evidence if one.events)
    except ChappeError as error:
        trouble = error.message
    keeps = str(meta.get("compatibility") or "").lower()
    rule = keeps if keeps in RULES else "backward"
    if verdict is None:
        return Comparison(
            older, newer, rule, keeps in RULES, {}, (), (), (), (), last, members, rows, trouble
        )
    backward = [_change(one, was, is_) for one in verdict.differences.get("backward", ())]
    forward = [_change(one, was, is_) for one in verdict.differences.get("forward", ())]
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
        Change("", pointer, *_before_and_after(pointer, was, is_), "", "")
        for pointer in pointers_changed(was, is_)
        if not any(_is_told(pointer, one) for one in told)
    ]
    return Comparison(
        older,
        newer,
        rule,
        keeps in RULES,
        {one: verdict.compatible[one] for one in RULES if one in verdict.compatible},
        _once(breaking),
        _once(risky),
        safe[:50],
        evidence,
        last,
        members,
        rows,
        "",
    )


def _is_told(pointer: str, told: str) -> bool:
    """Whether a change is part of one that was judged: within it, or that it is required."""
    within = pointer == told or pointer.startswith(f"{told}/")
    above = pointer.removesuffix("/required")
    return within or (above != pointer and told.startswith(f"{above}/properties/"))


def _change(one: Changed, was: object, is_: object) -> Change:
    before, after = _before_and_after(one.path, was, is_)
    return Change(one.code, one.path, before, after, one.message, one.fix)


def _before_and_after(pointer: str, was: object, is_: object) -> tuple[str, str]:
    return _shown_at(was, pointer), _shown_at(is_, pointer)


def _shown_at(document: object, pointer: str) -> str:
    """What stands at a JSON pointer, on one line; "" where nothing does."""
    found = document
    for part in pointer.split("/")[1:] if pointer != "/" else ():
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif (
            isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found)
        ):
            found = found[int(name)]
        else:
            return ""
    return middle(json.dumps(found, ensure_ascii=False), _MOST_VALUE)


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


def pretty(document: bytes) -> str:
    """A document as lines: JSON is laid out alike in all versions."""
    text = document.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
