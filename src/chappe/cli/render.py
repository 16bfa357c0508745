"""Drawing for people: tables, marks, ages. Values come from others; a terminal must survive them.

Rich draws on a terminal and is imported only there; into a pipe go plain aligned columns.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from chappe.cli.cells import aligned
from chappe.cli.columns import Columns, arranged

if TYPE_CHECKING:
    from chappe.cli.session import Session

_ASCII = {"✓": "ok", "✗": "x", "↻": "~", "·": ".", "…": "...", "→": "->"}


def printable(text: str) -> str:
    r"""The text without what could move a terminal's cursor or change its colours.

    "a\x1b[2Jb" -> "a\\x1b[2Jb"
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def mark(glyph: str, color: str, session: Session) -> str:
    """A coloured mark, in ASCII where the output cannot show it; words always stand beside it."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        glyph.encode("ascii" if session.accessible else encoding)
    except UnicodeEncodeError:
        glyph = _ASCII.get(glyph, "?")
    return click.style(glyph, fg=color) if session.color else glyph


def table(
    session: Session, columns: Columns | Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Print rows under a head; nothing but the head when there are none."""
    columns, rows = arranged(session, columns, rows)
    safe = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty() and not session.accessible:
        folded(session, columns, safe)
    else:
        for line in aligned([columns, *safe]):
            session.say(line)


def folded(session: Session, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal; what is too wide for it goes on below, within its column."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(no_color=not session.color, highlight=False, emoji=False).print(drawn)


def one_line(value: bytes) -> str:
    """The JSON value on one line; its numbers and strings stay as they were written."""
    import msgspec

    flat = msgspec.json.format(value, indent=-1) if b"\n" in value or b"\r" in value else value
    return flat.decode()


def moment(text: str) -> str:
    """A time for a list: "2026-11-22T10:02:11.402Z" -> "2026-11-22 10:02:11.402"."""
    return text.replace("T", " ", 1).removesuffix("Z")


def clock_time(text: str) -> str:
    """The time of day alone: "2026-11-22T10:02:11.402Z" -> "10:02:11.402"."""
    try:
        return datetime.fromisoformat(text).strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return text


def latency(milliseconds: int) -> str:
    """31 -> "31 ms", 2000 -> "2.0 s"."""
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def ordinal(number: int) -> str:
    """1 -> "1st", 12 -> "12th"."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
