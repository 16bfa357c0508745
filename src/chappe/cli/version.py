"""`chappe version`."""

from __future__ import annotations

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

    The JSON has Python, the platform, and the engine (nats-server) that a hub here would run, or null.
    """  # noqa: D301 - click's mark for lines as they are
    if session.output not in ("json", "jsonl"):
        session.say(f"chappe {__version__}")
        return
    import json
    import platform

    told = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engine": _engine(),
    }
    session.say(json.dumps(told))


def _engine() -> str | None:
    import asyncio

    from chappe.domain.errors import InvalidSetting
    from chappe.server.nats_binary import find_nats_binary, shown
    from chappe.server.settings import load_here

    try:
        named = load_here({}).nats_server
        return shown(asyncio.run(find_nats_binary(named)).version)
    except InvalidSetting:
        return None  # what is wrong with it, `chappe doctor` tells
