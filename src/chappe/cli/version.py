"""`chappe version`."""

from __future__ import annotations

import platform

import click

from chappe import __version__
from chappe.cli.session import Session, remote


@click.command()
@remote
def version(session: Session) -> None:
    """Show the version; -o json for programs.

    \b
      chappe version
      chappe version -o json | jq -r .engine
    """  # noqa: D301 - click's mark for lines as they are
    if session.output in ("json", "jsonl"):
        session.say(f'{{"version":"{__version__}","python":"{platform.python_version()}"}}')
    else:
        session.say(f"chappe {__version__}")
