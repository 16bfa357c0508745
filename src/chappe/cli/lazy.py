"""A click group whose commands are imported when they are called, not when help lists them.

LazyGroup(lazy={"event": ("chappe.cli.event:event", "Send, list, follow and trace events")})
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from chappe.cli.deferred import DeferredNoun, completed
from chappe.cli.noun import Noun

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class LazyGroup(Noun):
    """Knows its commands by where they are."""

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]],
        verbs: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
        **kwargs: Any,
    ) -> None:
        """`verbs` are the help, and the commands, of those that are groups themselves."""
        super().__init__(*args, **kwargs)
        self._lazy = lazy
        self._verbs = verbs or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # type: ignore[explicit-override]
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # type: ignore[explicit-override]
        if cmd_name not in self._lazy:
            return None
        if cmd_name in self._verbs:
            return DeferredNoun(cmd_name, self._lazy[cmd_name][0], *self._verbs[cmd_name])
        module, _, name = self._lazy[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # type: ignore[explicit-override]
        texts = {name: text for name, (_, text) in self._lazy.items()}
        return completed(self, texts, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # type: ignore[explicit-override]
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])
