"""Changes for people: one line an entity, or what is different in it, and a count at the end.

+ /messagegroups/shop/messages/order.refunded
~ /messagegroups/shop/messages/order.paid
    description   "An order" -> "An order was paid"
  + labels.stage  "prod"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

from chappe.cli.cells import cells, padded
from chappe.cli.registry_compare import NOTHING, Change, Difference, Kind, Nothing
from chappe.cli.registry_print import width
from chappe.cli.render import printable
from chappe.cli.session import Session
from chappe.client.registry import encoded

_SIGNS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "added": ("+", "green"),
        "removed": ("-", "red"),
        "changed": ("~", "yellow"),
        "same": (" ", ""),
    }
)
DONE: Mapping[Kind, str] = MappingProxyType(
    {"added": "created", "changed": "updated", "removed": "deleted", "same": "unchanged"}
)
_LONGEST_NAME = 36


def say_done(session: Session, changes: Sequence[Change], *, dry_run: bool) -> None:
    """What was done, one line an entity; for programs, {"action", "xid"}."""
    if session.output in ("json", "jsonl"):
        found = [{"action": DONE[change.kind], "xid": change.xid} for change in changes]
        if session.output == "json":
            session.pass_through(encoded(found) + b"\n")
        else:
            for one in found:
                session.say(encoded(one).decode())
        return
    for change in changes:
        if session.output == "name":
            session.say(printable(change.xid))
            continue
        sign, color = _SIGNS[change.kind]
        words = f"{sign} {DONE[change.kind]:<9}"
        shown = (
            click.style(words, fg=color or None, dim=None if color else True)
            if session.color
            else words
        )
        session.say(f"{shown}  {printable(change.xid)}")
    session.note(_count(changes, DONE) + (" (dry run: nothing was written)" if dry_run else ""))


def say_differences(
    session: Session, changes: Sequence[Change], *, before: str, after: str
) -> None:
    """What differs, in full; nothing when nothing does. For programs, an object an entity."""
    changes = [change for change in changes if change.kind != "same"]
    if session.output in ("json", "jsonl"):
        found = [as_object(change) for change in changes]
        if session.output == "json":
            session.pass_through(encoded(found) + b"\n")
        else:
            for one in found:
                session.say(encoded(one).decode())
        return
    if session.output == "name":
        for change in changes:
            session.say(printable(change.xid))
        return
    if not changes:
        return
    session.say(_colored(session, f"--- {printable(before)}", "red"))
    session.say(_colored(session, f"+++ {printable(after)}", "green"))
    for change in changes:
        sign, color = _SIGNS[change.kind]
        session.say("")
        session.say(_colored(session, f"{sign} {printable(change.xid)}", color, bold=True))
        for line, paint in _attributes(change):
            session.say(_colored(session, line, paint))
    session.note("")
    session.note(_count(changes, MappingProxyType({kind: kind for kind in DONE})))


def _attributes(change: Change) -> Iterator[tuple[str, str]]:
    names = [min(cells(printable(one.name)), _LONGEST_NAME) for one in change.differences]
    longest = max(names, default=0)
    for one in change.differences:
        name = padded(printable(one.name), longest)
        yield from _difference(one, name, plain=change.kind != "changed")


def _difference(one: Difference, name: str, *, plain: bool) -> Iterator[tuple[str, str]]:
    match one.before, one.after:
        case Nothing(), after:
            yield _cut(f"  {' ' if plain else '+'} {name}  {_shown(after)}"), "green"
        case before, Nothing():
            yield _cut(f"  {' ' if plain else '-'} {name}  {_shown(before)}"), "red"
        case str() as before, str() as after if "\n" in before + after:
            yield f"    {name.rstrip()}", ""
            for line in difflib.unified_diff(
                before.splitlines(), after.splitlines(), lineterm="", n=2
            ):
                if not line.startswith(("---", "+++", "@@")):
                    yield f"    | {printable(line)}", {"+": "green", "-": "red"}.get(line[0], "")
        case before, after:
            line = f"    {name}  {_shown(before)} -> {_shown(after)}"
            if len(line) <= width():
                yield line, "yellow"
                return
            yield f"    {name.rstrip()}", "yellow"
            yield _cut(f"      - {_shown(before)}"), "red"
            yield _cut(f"      + {_shown(after)}"), "green"


def _shown(value: Any) -> str:
    return printable(encoded(value).decode())


def _cut(line: str) -> str:
    limit = max(width(), 40)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _count(changes: Sequence[Change], words: Mapping[Kind, str]) -> str:
    kinds = [change.kind for change in changes]
    return ", ".join(f"{kinds.count(kind)} {words[kind]}" for kind in words if kind in kinds)


def as_object(change: Change) -> dict[str, Any]:
    """A change as JSON shows it: {"xid", "change", "attributes"}."""
    return {
        "xid": change.xid,
        "change": change.kind,
        "attributes": [
            {
                "name": one.name,
                **({} if one.before is NOTHING else {"before": one.before}),
                **({} if one.after is NOTHING else {"after": one.after}),
            }
            for one in change.differences
        ],
    }


def _colored(session: Session, text: str, color: str, *, bold: bool = False) -> str:
    if not session.color:
        return text
    return click.style(text, fg=color or None, bold=bold or None)
