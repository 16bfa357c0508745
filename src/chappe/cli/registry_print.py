"""How entities of the registry are shown: lists, cards, and the forms that programs read.

json       an array of entities (ls), the hub's own answer (get)
jsonl      an entity a line          name       an xid a line
yaml       the same for the eye      xregistry  the hub's own answer, byte for byte
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from chappe.cli.cells import cells, padded, shortened, size
from chappe.cli.columns import Columns, arranged
from chappe.cli.registry_yaml import write_yaml
from chappe.cli.render import folded, moment, printable
from chappe.cli.session import Session
from chappe.client.registry import encoded

Entity = Mapping[str, Any]

_NARROWEST = 16  # a last column with less room is not worth its place: all are folded
_FIRST = ("name", "description", "documentation", "usage", "channel", "protocol", "envelope")
_LAST = ("labels", "deprecated", "epoch", "createdat", "modifiedat", "xid")
_SHORT = 60


WIDE = ("LABELS", "EPOCH", "CHANGED", "XID")
"""The columns that every list of the registry has besides, in -o wide; `wide` fills them."""


def emit(session: Session, entities: Sequence[Entity], *, answer: bytes | None) -> bool:
    """Print a list for programs; False when it is to be a table."""
    match session.output:
        case "json":
            session.pass_through(encoded(list(entities)) + b"\n")
        case "jsonl":
            for entity in entities:
                session.say(encoded(entity).decode())
        case "yaml":
            if entities:
                session.say(write_yaml(list(entities)).rstrip("\n"))
        case "xregistry" if answer is not None:
            session.pass_through(answer)
        case "name":
            for entity in entities:
                session.say(printable(str(entity.get("xid", ""))))
        case _:
            return False
    return True


def emit_one(session: Session, entity: Entity, *, answer: bytes) -> bool:
    """Print one entity for programs; False when it is to be a card."""
    match session.output:
        case "json" | "xregistry":
            session.pass_through(answer)
        case "jsonl":
            session.say(encoded(entity).decode())
        case "yaml":
            session.say(write_yaml(entity).rstrip("\n"))
        case "name":
            session.say(printable(str(entity.get("xid", ""))))
        case _:
            return False
    return True


def listing(
    session: Session, columns: Columns | Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Columns under a bold head. On a terminal the last one is cut where the line ends."""
    columns, rows = arranged(session, columns, rows)
    safe = [[printable(one_line(cell)) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(columns, *safe, strict=True)]
    room = width() - sum(one + 2 for one in widths[:-1]) if sys.stdout.isatty() else None
    if room is not None and room < _NARROWEST:
        if not session.accessible:
            folded(session, columns, safe)
            return
        room = None
    session.say(_row(columns, widths, room, bold=session.color))
    for row in safe:
        session.say(_row(row, widths, room, bold=False))


def wide(entity: Entity) -> tuple[str, ...]:
    """The cells of WIDE."""
    changed = moment(str(entity.get("modifiedat") or "")).partition(".")[0]
    return labels_of(entity), str(entity.get("epoch") or ""), changed, str(entity.get("xid") or "")


def card(session: Session, title: str, kind: str, entity: Entity, rest: Entity) -> None:
    """One entity for a person: its name, its facts under each other, then `rest` as blocks."""
    session.say(f"{_style(session, printable(title), bold=True)}  {printable(kind)}")
    described = entity.get("description")
    if isinstance(described, str):
        for line in _wrapped(described):
            session.say(printable(line))
    session.say("")
    facts = {name: text for name, text in _facts(entity).items() if text}
    longest = max(map(cells, facts), default=0)
    for name, text in facts.items():
        label = _style(session, padded(name, longest), dim=True)
        session.say(f"  {label}  {printable(text)}")
    for name, value in rest.items():
        if value in (None, {}, [], "", ()):
            continue
        session.say("")
        session.say(_style(session, name, bold=True))
        text = value if isinstance(value, str) else write_yaml(value)
        for line in text.rstrip("\n").splitlines():
            session.say(f"  {printable(line)}".rstrip())


def width() -> int:
    """How wide the terminal is; 80 where it does not tell."""
    return size().columns


def one_line(text: str) -> str:
    """The text with its line ends and runs of spaces as single spaces."""
    return " ".join(text.split())


def labels_of(entity: Entity) -> str:
    """{"stage": "prod", "team": "x"} -> "stage=prod team=x"."""
    found = entity.get("labels")
    if not isinstance(found, dict):
        return ""
    return " ".join(f"{name}={value}" for name, value in found.items())


def short(value: object) -> str:
    """A value on one line, cut where it gets long."""
    text = value if isinstance(value, str) else encoded(value).decode()
    text = one_line(text)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _wrapped(text: str) -> list[str]:
    if not sys.stdout.isatty():
        return text.splitlines()
    import textwrap

    return [part for line in text.splitlines() for part in textwrap.wrap(line, width()) or [""]]


def _facts(entity: Entity) -> dict[str, str]:
    facts: dict[str, str] = {}
    names = [name for name in _FIRST if name in entity]
    names += [name for name in entity if name not in _FIRST and name not in _LAST]
    names += [name for name in _LAST if name in entity]
    for name in names:
        value = entity[name]
        if name == "description" or value is None:
            continue
        if name == "labels":
            facts[name] = labels_of(entity)
        elif name in ("createdat", "modifiedat"):
            facts[name] = moment(str(value)).partition(".")[0]
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            facts[name] = ", ".join(value)
        elif isinstance(value, dict | list):
            facts[name] = short(value)
        else:
            facts[name] = value if isinstance(value, str) else encoded(value).decode()
    return facts


def _row(cells: Sequence[str], widths: Sequence[int], room: int | None, *, bold: bool) -> str:
    *fixed, last = cells
    if room is not None:
        last = shortened(last, room)
    before = [padded(cell, width) for cell, width in zip(fixed, widths, strict=False)]
    line = "  ".join([*before, last]).rstrip()
    return click.style(line, bold=True) if bold else line


def _style(session: Session, text: str, *, bold: bool = False, dim: bool = False) -> str:
    return click.style(text, bold=bold or None, dim=dim or None) if session.color else text
