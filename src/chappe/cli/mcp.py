"""`chappe mcp`: the hub's answers for AI assistants, by the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from chappe.cli.session import Session, remote
from chappe.client.hub_client import HubClient

_EXTRA = "chappe[mcp]"


@click.command()
@click.option(
    "--allow-write",
    is_flag=True,
    help="Also offer what changes something: sending events, pausing, delivering again.",
)
@click.option(
    "--listen",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Serve several over HTTP at http://127.0.0.1:PORT/mcp; each comes with a token of its own.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="With --listen: a name by which a reverse proxy is asked; more than once: all of them.",
)
@remote
def mcp(session: Session, allow_write: bool, listen: int | None, hosts: Sequence[str]) -> None:
    """Serve the hub's answers to an AI assistant, over stdin and stdout, or over HTTP.

    \b
      chappe mcp --url https://events.example
      claude mcp add chappe -- chappe mcp

    An assistant starts it (docs/mcp.md). It can find types, look at events, check payloads and
    schemas, trace events and list failures, with the rights of the token.
    """  # noqa: D301 - click's mark for lines as they are
    try:
        from chappe.cli.mcp_http import serve_http
        from chappe.cli.mcp_server import made
    except ImportError as exc:
        raise click.UsageError(f"it needs {_EXTRA}: pip install '{_EXTRA}' ({exc})") from exc

    async def serve(hub: HubClient) -> None:
        if listen is not None:
            await serve_http(
                session.url,
                timeout_s=session.timeout_s,
                tls=session.tls(),
                allow_write=allow_write,
                port=listen,
                hosts=hosts,
            )
            return
        server = made(lambda: nullcontext(hub), allow_write=allow_write, files=Path.cwd())
        await server.run_stdio_async()

    session.run(serve)
