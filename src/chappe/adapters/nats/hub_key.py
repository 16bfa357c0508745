"""A random key that all nodes of a hub share: the first node makes it, the others find it.

It stands beside the cursors, for whoever can read these can do anything to the hub.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from chappe.adapters.nats.connection import Connection, WrongSequence
from chappe.adapters.nats.cursors import STREAM

SUBJECT: Final = "CU.hub.key"
KEY_BYTES: Final = 32
EXPECT: Final = "Nats-Expected-Last-Subject-Sequence"
LAG_S: Final = 0.05


async def hub_key(connection: Connection) -> bytes:
    """The key; the cursors' stream must be there.

    Raises:
        Unavailable: the engine does not answer.
    """
    while True:
        kept = await connection.get_last(STREAM, SUBJECT)
        if kept is not None:
            return kept.payload
        key = secrets.token_bytes(KEY_BYTES)
        try:
            await connection.publish(SUBJECT, key, {EXPECT: "0"})
        except WrongSequence:
            await asyncio.sleep(LAG_S)  # Another node was faster, and this replica lags behind.
        else:
            return key
