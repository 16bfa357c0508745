"""`chappe mcp --listen`: the same server for several, over streamable HTTP at /mcp.

Whoever asks brings the hub's token along (`Authorization: Bearer …`), and has its rights and no others:
the process has none of its own. It listens on this machine; a reverse proxy gives it TLS and a name.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.transport_security import TransportSecuritySettings

from chappe.cli.mcp_server import made
from chappe.client.hub_client import HubClient

_LOOPBACK: Final = "127.0.0.1"
_TOKEN: ContextVar[str | None] = ContextVar("token", default=None)


async def serve_http(
    url: str,
    *,
    timeout_s: float,
    tls: ssl.SSLContext | None,
    allow_write: bool,
    port: int,
    hosts: Sequence[str],
) -> None:
    """Serve until the process is told to end; `hosts` are names besides this machine's own."""

    @asynccontextmanager
    async def asking() -> AsyncIterator[HubClient]:
        async with HubClient(url, token=_TOKEN.get(), timeout_s=timeout_s, tls=tls) as hub:
            yield hub

    server = made(asking, allow_write=allow_write, files=None, middleware=[_as_the_caller])
    names = [_LOOPBACK, "localhost", *hosts]
    # Else a page in a browser could reach it by a name of its own (DNS rebinding).
    guarded = TransportSecuritySettings(
        allowed_hosts=[*names, *(f"{one}:*" for one in names)],
        allowed_origins=[f"{scheme}://{one}" for one in hosts for scheme in ("http", "https")],
    )
    await server.run_streamable_http_async(
        host=_LOOPBACK, port=port, stateless_http=True, transport_security=guarded
    )


async def _as_the_caller(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    given = "" if ctx.request is None else str(ctx.request.headers.get("authorization", ""))
    scheme, _, token = given.partition(" ")
    before = _TOKEN.set(token.strip() if scheme.lower() == "bearer" else None)
    try:
        return await call_next(ctx)
    finally:
        _TOKEN.reset(before)
