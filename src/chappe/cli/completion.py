"""`chappe completion`: the script that makes a shell ask this program what may come next."""

from __future__ import annotations

import click

from chappe.cli.session import Session, local

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CHAPPE_COMPLETE"
"""Tells the program that a shell asks: "bash_complete", with the words in COMP_WORDS."""


@click.command()
@click.argument("shell", metavar="bash|zsh|fish")
@local()
def completion(session: Session, shell: str) -> None:
    """Print the script that completes commands, options and names of the hub with TAB.

    \b
      eval "$(chappe completion bash)"                  # now; in ~/.bashrc: always
      chappe completion bash > ~/.local/share/bash-completion/completions/chappe
      chappe completion zsh > "${fpath[1]}/_chappe"     # or in ~/.zshrc, as for bash
      chappe completion fish > ~/.config/fish/completions/chappe.fish

    Names of types, schemas, subscriptions, producers and sources come from the hub, are kept for a
    minute, and never keep the shell waiting for more than 0.3 s. There is none for PowerShell.
    """  # noqa: D301 - click's mark for lines as they are
    if shell not in SHELLS:
        from chappe.kit.near import meant

        why = "has no completion" if shell in ("powershell", "pwsh") else meant(shell, SHELLS)
        raise click.UsageError(f"{shell!r}: {why}; there is one for {', '.join(SHELLS)}")
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    asked = found(click.Command("chappe"), {}, "chappe", VARIABLE)
    # Not source(): for bash, it would start one to see how old it is.
    session.say(asked.source_template % asked.source_vars())
