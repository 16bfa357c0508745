"""`chappe version`."""

from __future__ import annotations

import platform

import click

from chappe import __version__
from chappe.cli.session import Session, remote


@click.command()
@remote
def version(session: Session) -> None:
    """Show the version; -o json for programs."""
    if session.output in ("json", "jsonl"):
        session.say(f'{{"version":"{__version__}","python":"{platform.python_version()}"}}')
    else:
        session.say(f"chappe {__version__}")
