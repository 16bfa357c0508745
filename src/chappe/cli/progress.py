"""Progress for people: a bar on a terminal once it takes longer than a moment, else a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import click

from chappe.cli.amounts import duration
from chappe.cli.session import Session

_AFTER_S: Final = 0.5
_LINE_EVERY_S: Final = 10.0
_WIDTH: Final = 30


class Bar:
    """How much of `total` is done; on standard error, and nothing with --quiet."""

    def __init__(self, session: Session, total: int, what: str, now_s: Callable[[], float]) -> None:
        self._session = session
        self._total = total
        self._what = what
        self._now_s = now_s
        self._begun_s = self._said_s = now_s()
        self._drawn = False

    def show(self, done: int) -> None:
        """So many are done."""
        took_s = self._now_s() - self._begun_s
        if self._session.quiet or took_s < _AFTER_S:
            return
        if sys.stderr.isatty() and not self._session.accessible:
            filled = _WIDTH * done // max(1, self._total)
            line = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {self._text(done, took_s)}"
            click.echo(f"\r{line}\x1b[K", err=True, nl=False)
            self._drawn = True
        elif self._now_s() - self._said_s >= _LINE_EVERY_S:
            self._said_s = self._now_s()
            click.echo(self._text(done, took_s), err=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._drawn:
            click.echo("", err=True)

    def _text(self, done: int, took_s: float) -> str:
        rate = done / took_s
        left = f", {duration((self._total - done) / rate)} to go" if 0 < done < self._total else ""
        return f"{done:,} of {self._total:,} {self._what}, {rate:.1f} a second{left}"
