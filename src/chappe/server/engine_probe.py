"""Whether a running engine keeps the promises that the hub makes in its name."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import msgspec

from chappe.domain.errors import Unavailable
from chappe.server.engine_home import MAX_PAYLOAD_BYTES
from chappe.server.nats_binary import OLDEST, read_version

_ANSWER_WITHIN_S = 10.0


class Store(msgspec.Struct, frozen=True):
    """`jetstream.config` of /varz."""

    sync_always: bool = False


class JetStream(msgspec.Struct, frozen=True):
    """`jetstream` of /varz; without JetStream it is empty."""

    config: Store | None = None


class Varz(msgspec.Struct, frozen=True):
    """The part of the engine's /varz that matters here."""

    version: str
    max_payload: int
    jetstream: JetStream = JetStream()


def broken_promise(found: Varz) -> str | None:
    """What the engine fails to do, to be read after "it runs but"; None: it keeps them all."""
    if found.jetstream.config is None:
        return "has no JetStream"
    if not found.jetstream.config.sync_always:
        return "acknowledges before it has fsynced (its sync_interval is not always)"
    version = read_version(found.version)
    if version is None or version < OLDEST:
        return f"is version {found.version}, not {OLDEST[0]}.{OLDEST[1]} or later"
    if found.max_payload < MAX_PAYLOAD_BYTES:
        return f"takes messages of {found.max_payload} bytes, not of {MAX_PAYLOAD_BYTES}"
    return None


async def ask_varz(monitor_url: str) -> Varz:
    """What the engine says about itself.

    Raises:
        Unavailable: it does not answer, or with something else.
    """
    parts = urlsplit(monitor_url)
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(b"GET /varz HTTP/1.0\r\n\r\n")
                answer = await reader.read()
            finally:
                writer.close()
                await writer.wait_closed()
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=Varz)
    except (OSError, msgspec.DecodeError) as exc:
        raise Unavailable(f"the engine does not answer at {monitor_url}/varz: {exc}") from exc
