"""`chappe mcp`: the hub's answers for AI assistants, by the Model Context Protocol over stdin and stdout."""

from __future__ import annotations

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
@remote
def mcp(session: Session, allow_write: bool) -> None:
    """Serve the hub's answers to an AI assistant, over stdin and stdout.

    \b
      chappe mcp --url https://events.example
      claude mcp add chappe -- chappe mcp

    An assistant starts it (docs/mcp.md). It can find types, look at events, check payloads and
    schemas, trace events and list failures, with the rights of the token.
    """  # noqa: D301 - click's mark for lines as they are
    try:
        from chappe.cli.mcp_server import made
    except ImportError as exc:
        raise click.UsageError(f"it needs {_EXTRA}: pip install '{_EXTRA}' ({exc})") from exc

    async def serve(hub: HubClient) -> None:
        await made(hub, allow_write=allow_write).run_stdio_async()

    session.run(serve)
