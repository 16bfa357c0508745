"""Asking before something is lost.

A person is asked, and told which context it is. A script says --yes; where the hub is that of a
protected context, neither is enough: a person types the context's name, a script says --confirm NAME.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from chappe.cli.session import Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Consent:
    """What the command line says already."""

    yes: bool = False
    context: str | None = None


def destructive(command: Callable[..., T]) -> Callable[..., T]:
    """Gives a command the options --yes and --confirm, as its argument `consent`."""

    @functools.wraps(command)
    def asked(*args: Any, yes: bool, confirm_context: str | None, **kwargs: Any) -> T:
        return command(*args, consent=Consent(yes, confirm_context), **kwargs)

    return click.option("--yes", is_flag=True, help="Do not ask.")(
        click.option(
            "--confirm",
            "confirm_context",
            metavar="CONTEXT",
            help="Do not ask, where the context is protected: its name.",
        )(asked)
    )


def confirm(session: Session, what: str, consent: Consent) -> None:
    """Ask a person before something is lost at the session's hub; a script has to say so.

    Raises:
        click.UsageError: nobody is there to be asked, and the options do not say it; or another
            context is confirmed than the one that would lose it.
        click.Abort: the person said no.
    """
    where = session.protected or session.context
    if consent.context is not None and consent.context != where:
        here = f"the context is {where}" if where else f"{session.url} is that of no context"
        raise click.UsageError(f"--confirm {consent.context}: {here}")
    if session.protected is not None:
        _typed(what, session.protected, consent)
    else:
        agreed(f"{what} (context {where})" if where else what, consent)


def agreed(what: str, consent: Consent) -> None:
    """Ask a person before something is lost that is of no hub."""
    if consent.yes or consent.context is not None:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{what}; nobody is here to be asked, so add --yes")
    click.confirm(f"{what}. Go on?", abort=True, err=True)


def _typed(what: str, context: str, consent: Consent) -> None:
    if consent.context == context:
        return
    told = f"{what}, in the protected context {context}"
    if not sys.stdin.isatty():
        raise click.UsageError(f"{told}; nobody is here to be asked, so add --confirm {context}")
    answer = click.prompt(
        f"{told}. Type its name to go on", err=True, default="", show_default=False
    )
    if answer.strip() != context:
        raise click.Abort
