"""A group of commands (`chappe sub`): its aliases, its cheat sheet, and which command was meant.

    chappe sub list        is  chappe sub ls
    chappe sub --examples  prints the examples of its commands
    chappe sub lss         says: did you mean 'ls'?

Beginnings of names are not accepted: what is unique today may fit two commands tomorrow, and a script breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from chappe.kit.near import nearest

ALIASES: Final[Mapping[str, str]] = {
    "list": "ls",
    "show": "get",
    "describe": "get",
    "delete": "rm",
    "ctx": "context",
}
"""What people's fingers know from other programs -> our word. A command of that name comes first."""


class Noun(click.Group):
    """Commands about one thing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--examples"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_say_examples,
                help="Show the examples of its commands.",
            )
        )

    def resolve_command(  # type: ignore[explicit-override]
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        names = self.list_commands(ctx)
        found = canonical(name, names)
        if found is None and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(
                f"No such command {name!r}; {meant(name, names, ctx.command_path)}", ctx
            )
        return super().resolve_command(ctx, [found or name, *args[1:]])


def canonical(name: str, names: Sequence[str]) -> str | None:
    """The command that a word stands for: ("list", ["ls", "get"]) -> "ls"; None: none."""
    if name in names:
        return name
    alias = ALIASES.get(name)
    return alias if alias in names else None


def aliases_of(name: str, names: Sequence[str]) -> list[str]:
    """The other words for a command: ("get", ["ls", "get"]) -> ["show", "describe"]."""
    return [alias for alias, of in ALIASES.items() if of == name and alias not in names]


def meant(name: str, names: Sequence[str], path: str) -> str:
    """What to say of a command that is not there: one like it, here or in another group, or all."""
    known = [*names, *(alias for alias in ALIASES if canonical(alias, names) is not None)]
    near = nearest(name, known)
    if near is not None:
        return f"did you mean {near!r}?"
    from chappe.cli.impact import IMPACT

    elsewhere = [one for one in IMPACT if one.split()[-1] == name]
    if elsewhere:
        return f"did you mean {' or '.join(f'chappe {one}' for one in elsewhere[:3])}?"
    return f"there are: {', '.join(names)}" if path else ""


def _say_examples(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from chappe.cli.help_tree import cheat_sheet

    assert isinstance(ctx.command, click.Group)
    for line in cheat_sheet(ctx.command, ctx):
        click.echo(line)
    ctx.exit()
