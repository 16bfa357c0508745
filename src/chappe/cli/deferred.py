"""A noun of the command line before its commands are imported: its help, and the names of its verbs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import click

from chappe.cli.noun import Noun

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class DeferredNoun(Noun):
    """Stands for the group at `where` ("chappe.cli.type:type_"), which is imported for a verb."""

    def __init__(self, name: str, where: str, help: str, verbs: Mapping[str, str]) -> None:
        super().__init__(name, help=help, no_args_is_help=True)
        self._where = where
        self._verbs = verbs

    def real(self) -> click.Group:
        """The group itself."""
        module, _, name = self._where.partition(":")
        group = getattr(import_module(module), name)
        assert isinstance(group, click.Group)
        return group

    def list_commands(self, ctx: click.Context) -> list[str]:  # type: ignore[explicit-override]
        return sorted(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # type: ignore[explicit-override]
        return self.real().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # type: ignore[explicit-override]
        # Click shortens each text to the line, as it does for the commands themselves.
        sketch = click.Group(
            commands=[click.Command(name, help=text) for name, text in self._verbs.items()]
        )
        sketch.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # type: ignore[explicit-override]
        return completed(self, self._verbs, ctx, incomplete)


def completed(
    group: click.Group, names: Mapping[str, str], ctx: click.Context, incomplete: str
) -> list[CompletionItem]:
    """The commands of a group that begin so, and its options; click's own way imports every command."""
    from click.shell_completion import CompletionItem

    options = click.Command.shell_complete(group, ctx, incomplete)
    begin_so = {name: text for name, text in names.items() if name.startswith(incomplete)}
    return [*(CompletionItem(name, help=text) for name, text in begin_so.items()), *options]
