"""What a shell is answered when TAB is pressed: commands, options, and names of what is there.

Which parameter takes which names stands in one table here; the parameters themselves know nothing of
it. Whatever goes wrong, the answer is merely shorter: a shell has no place for an error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from chappe.cli.complete_names import names
from chappe.cli.completion import SHELLS, VARIABLE, of_shell
from chappe.cli.configured import Given, configured
from chappe.cli.session import given_by

# By what stands in the usage; below a noun's name where it is the noun that tells.
_ARGUMENTS: Final[Mapping[str, str]] = {
    "TYPE": "type",
    "SCHEMA": "schema",
    "SCHEMA|FILE": "schema",
    "PRODUCER": "producer",
    "ENDPOINT": "endpoint",
    "QUERY": "type",
    "sub ID": "subscription",
    "source ID": "source",
    "context NAME": "context",
    "token NAME": "token",
}
_OPTIONS: Final[Mapping[str, str]] = {
    "--type": "type",
    "--sub": "subscription",
    "--subscription": "subscription",
    "--endpoint": "endpoint",
    "--context": "context",
    "--confirm": "context",
}


class _Names(click.types.StringParamType):
    """A text that completes to names of a kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(  # type: ignore[explicit-override]
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        given = Given()
        at: click.Context | None = ctx
        while at is not None:  # from the command outwards: what stands further in wins
            outer = given_by(at, dict(at.params))
            given = Given(
                {**outer.flags, **given.flags}, {**outer.environment, **given.environment}
            )
            at = at.parent
        found = names(self.kind, incomplete, configured(given))
        return [CompletionItem(one) for one in found]


def answer(root: click.Group, instruction: str) -> None:
    """Answer a shell on standard output; "bash_complete" asks, with the line in COMP_WORDS."""
    shell, _, what = instruction.partition("_")
    if shell not in SHELLS or what != "complete":
        return
    real = sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stderr = nowhere
        try:
            asked = of_shell(shell)(root, {}, "chappe", VARIABLE)
            _named(root, asked.get_completion_args()[0])
            print(asked.complete())
        except Exception:  # noqa: BLE001, S110 - TAB must never print an error into the line
            pass
        finally:
            sys.stderr = real


def _named(group: click.Group, words: Sequence[str]) -> None:
    """Give the parameters of the command that is being typed their names."""
    command: click.Command = group
    path: list[str] = []
    context = click.Context(group, resilient_parsing=True)
    _give(command, "")
    rest = list(words)
    while rest and isinstance(command, click.Group):
        word = rest.pop(0)
        if word.startswith("-"):
            if _takes_value(command, word) and rest:
                rest.pop(0)
            continue
        below = command.get_command(context, word)
        if below is None:
            break
        path.append(word)
        command, context = below, click.Context(below, context, resilient_parsing=True)
        _give(command, path[0])


def _give(command: click.Command, noun: str) -> None:
    for one in command.params:
        if not isinstance(one.type, type(click.STRING)):
            continue
        kind = _kind(one, noun)
        if kind is not None:
            one.type = _Names(kind)


def _kind(one: click.Parameter, noun: str) -> str | None:
    if isinstance(one, click.Option):
        return next((_OPTIONS[name] for name in one.opts if name in _OPTIONS), None)
    shown = (one.metavar or (one.name or "").upper()).strip("[].")
    return _ARGUMENTS.get(f"{noun} {shown}") or _ARGUMENTS.get(shown)


def _takes_value(command: click.Command, word: str) -> bool:
    options: list[Any] = [one for one in command.params if isinstance(one, click.Option)]
    return any(word in one.opts and not one.is_flag for one in options)
