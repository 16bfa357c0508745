"""Lists as tables: which columns, in which order, sorted by which.

    _COLUMNS = Columns(("ID", "STATE", "SINK"), wide=("EPOCH",))     a row has all four; -o wide shows them

    @click.command("ls")
    @remote
    @lists(_COLUMNS)
    def ls(session): … table(session, _COLUMNS, rows)

A name may be written in any case, with - or _ for a space. A column that is not there is told before
the hub is asked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from chappe.cli.session import Session

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns; those of `wide` stand last, and are shown when asked for."""

    names: tuple[str, ...]
    wide: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every one, in the order of a row's cells."""
        return (*self.names, *self.wide)

    def named(self, text: str) -> str:
        """The column of that name: "set-aside" -> "SET ASIDE".

        Raises:
            ValueError: there is none; the message says which there are.
        """
        wanted = text.strip().replace("-", " ").replace("_", " ").upper()
        if wanted in self.all:
            return wanted
        from chappe.kit.near import nearest

        near = nearest(wanted, self.all)
        hint = f"did you mean {_written(near)}? " if near else ""
        raise ValueError(
            f"{text!r} is no column; {hint}there are: {', '.join(map(_written, self.all))}"
        )


def lists(
    columns: Columns,
) -> Callable[[Callable[Concatenate[Session, P], T]], Callable[..., T]]:
    """Gives a command that lists, below its `remote`, the options --columns and --sort-by."""

    def decorated(command: Callable[Concatenate[Session, P], T]) -> Callable[..., T]:
        @functools.wraps(command)
        def listing(
            session: Session,
            /,
            *args: Any,
            shown_columns: str | None,
            sort_by: str | None,
            **kwargs: Any,
        ) -> T:
            for option, given in (("--columns", shown_columns), ("--sort-by", sort_by)):
                if given is not None and session.output != "table":
                    raise click.UsageError(
                        f"{option} is for tables (-o table, -o wide), and -o {session.output} is none"
                    )
            try:
                shown = tuple(map(columns.named, _parts(shown_columns)))
                key = None if sort_by is None else _sort_key(columns, sort_by)
            except ValueError as exc:
                raise click.UsageError(str(exc)) from exc
            session = replace(session, columns=shown, sort_by=key)
            return command(session, *args, **kwargs)

        columned = click.option(
            "--columns",
            "shown_columns",
            metavar="NAME,…",
            help=f"Only these, in this order: {', '.join(map(_written, columns.all))}.",
        )
        sorted_ = click.option(
            "--sort-by",
            metavar="[-]NAME",
            help="Rows in the order of this column; with - the other way round.",
        )
        return columned(sorted_(listing))

    return decorated


def arranged(
    session: Session, columns: Columns | Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """The columns and rows that are to be seen, in their order."""
    if not isinstance(columns, Columns):
        return columns, list(rows)
    every = columns.all
    ordered = list(rows)
    if session.sort_by is not None:
        at = every.index(session.sort_by.lstrip("-"))
        ordered.sort(key=lambda row: _order(row[at]), reverse=session.sort_by.startswith("-"))
    shown = session.columns or (every if session.wide else columns.names)
    places = [every.index(name) for name in shown]
    return shown, [[row[place] for place in places] for row in ordered]


def _parts(text: str | None) -> list[str]:
    if text is None:
        return []
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("--columns names none")
    return parts


def _sort_key(columns: Columns, text: str) -> str:
    name = columns.named(text.removeprefix("-"))
    return f"-{name}" if text.startswith("-") else name


def _order(cell: str) -> tuple[int, float, str]:
    """Numbers by what they are worth, before texts; "1,204" and "12%" are numbers."""
    try:
        return 0, float(cell.replace(",", "").removesuffix("%")), ""
    except ValueError:
        return 1, 0.0, cell.casefold()


def _written(name: str) -> str:
    return name.lower().replace(" ", "-")
