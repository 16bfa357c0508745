"""A nats-server that belongs to no hub, for several nodes on one engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

from chappe.server.nats_binary import find_nats_binary
from tests.chaos.hub import free_port, wait_until


@contextlib.asynccontextmanager
async def an_engine(directory: Path) -> AsyncIterator[str]:
    """Its URL; it syncs every message to the disk, as a hub's own does."""
    port = free_port()
    config = directory / "nats.conf"
    config.write_text(
        f"listen: 127.0.0.1:{port}\n"
        f"jetstream {{ store_dir: {json.dumps(str(directory / 'store'))}, sync_interval: always }}\n"
    )
    log = directory / "nats.log"
    binary = (await find_nats_binary(None)).path
    process = await asyncio.create_subprocess_exec(binary, "-c", config, "-l", log)
    try:
        await wait_until(
            lambda: log.exists() and "Server is ready" in log.read_text(), "the engine serves"
        )
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()
