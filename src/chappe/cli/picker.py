"""A name that was not given: a person picks it from a list; a script is told that it is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final

import click

from chappe.cli.render import printable

_MOST: Final = 20
"""So many fit on a screen; of more, a part of the name says which."""


def picked(names: Callable[[], Sequence[str]], metavar: str, *, no_input: bool) -> str:
    """The name that a person picks by its number, by itself, or by a part that only one has.

    Raises:
        click.UsageError: nobody is there to be asked, or there is nothing to pick from.
        click.Abort: the person picked none.
    """
    ctx = click.get_current_context()
    before = ctx.meta.get(__name__)
    if isinstance(before, str):
        return before  # -w runs the command again and again
    if no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"Missing argument {metavar!r}.", ctx)
    chosen = ctx.meta[__name__] = _asked(ctx, list(names()), metavar)
    return chosen


def _asked(ctx: click.Context, found: Sequence[str], metavar: str) -> str:
    if not found:
        raise click.UsageError(f"Missing argument {metavar!r}; the hub has none to pick from.", ctx)
    shown = found
    while True:
        for number, name in enumerate(shown[:_MOST], start=1):
            click.echo(f"{number:>3}  {printable(name)}", err=True)
        if len(shown) > _MOST:
            click.echo(f"     … and {len(shown) - _MOST} more: type a part of the name", err=True)
        said = str(click.prompt(f"{metavar} (number or name)", err=True)).strip()
        if said in found:
            return said
        if said.isascii() and said.isdigit() and 1 <= int(said) <= min(len(shown), _MOST):
            return shown[int(said) - 1]
        fits = [name for name in found if said.casefold() in name.casefold()]
        if len(fits) == 1:
            return fits[0]
        shown = fits or found
