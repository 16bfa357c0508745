"""A real engine for the conformance suites."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chappe.adapters.nats.connection import Connection, NatsAddress
from chappe.server.embedded_nats import EmbeddedNats


@asynccontextmanager
async def connected(data: Path) -> AsyncIterator[Connection]:
    """A connection to a nats-server of its own, which ends with the context."""
    async with EmbeddedNats(data) as engine:
        address = NatsAddress((engine.url,), engine.user, engine.password, None)
        connection = await Connection.open(address, name="test")
        try:
            yield connection
        finally:
            await connection.close()
