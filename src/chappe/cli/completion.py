"""`chappe completion`: the script that makes a shell ask this program what may come next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chappe.cli.session import Session, local

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

SHELLS = ("bash", "zsh", "fish", "powershell")
_ALSO = {"pwsh": "powershell"}
VARIABLE = "_CHAPPE_COMPLETE"
"""Tells the program that a shell asks: "bash_complete", with the words in COMP_WORDS."""


@click.command()
@click.argument("shell", metavar="bash|zsh|fish|powershell")
@local()
def completion(session: Session, shell: str) -> None:
    """Print the script that completes commands, options and names of the hub with TAB.

    \b
      eval "$(chappe completion bash)"                  # now; in ~/.bashrc: always
      chappe completion bash > ~/.local/share/bash-completion/completions/chappe
      chappe completion zsh > "${fpath[1]}/_chappe"     # or in ~/.zshrc, as for bash
      chappe completion fish > ~/.config/fish/completions/chappe.fish
      chappe completion powershell | Out-String | Invoke-Expression   # now; in $PROFILE: always

    Names of types, schemas, subscriptions, producers and sources come from the hub, are kept for a
    minute, and never keep the shell waiting for more than 0.3 s.
    """  # noqa: D301 - click's mark for lines as they are
    shell = _ALSO.get(shell, shell)
    if shell not in SHELLS:
        from chappe.kit.near import meant

        raise click.UsageError(
            f"{shell!r}: {meant(shell, SHELLS)}; there is one for {', '.join(SHELLS)}"
        )
    asked = of_shell(shell)(click.Command("chappe"), {}, "chappe", VARIABLE)
    # Not source(): for bash, it would start one to see how old it is.
    session.say(asked.source_template % asked.source_vars())


def of_shell(name: str) -> type[ShellComplete]:
    """How a shell asks and is answered; for PowerShell ours, for the others Click's."""
    if name == "powershell":
        from chappe.cli.complete_powershell import PowerShellComplete

        return PowerShellComplete
    from click.shell_completion import get_completion_class

    found = get_completion_class(name)
    assert found is not None
    return found
