"""An HTTP client in the raw: one keep-alive connection, one request at a time, nothing hidden.

It is no part of the hub on purpose: what it calls acknowledged, an ordinary program has read off a
socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class NoAnswer(Exception):
    """The connection was refused, ended early or took too long: nobody knows what happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's value."""
        return json.loads(self.body)


class Client:
    """One connection, made when it is needed, dropped after any trouble."""

    def __init__(self, host: str, port: int, *, timeout_s: float = 15.0) -> None:
        self._address = (host, port)
        self._timeout_s = timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request, read its answer.

        Raises:
            NoAnswer: there was none.
        """
        lines = [f"{method} {target} HTTP/1.1", "Host: hub", f"Content-Length: {len(body or b'')}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(*self._address)
                reader, writer = self._streams
                writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))
                await writer.drain()
                answer = await _read(reader)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            await self.close()
            raise NoAnswer(f"{method} {target}: {type(error).__name__} {error}") from error
        if answer.headers.get("connection", "").lower() == "close":
            await self.close()
        return answer

    async def ask_json(self, method: str, target: str, value: object = None) -> Answer:
        """As `ask`, with a JSON body where `value` is given."""
        if value is None:
            return await self.ask(method, target)
        body = json.dumps(value).encode()
        return await self.ask(method, target, {"Content-Type": "application/json"}, body)

    async def close(self) -> None:
        """Hang up."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in head[1:-2]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(head[0].split(" ", 2)[1])
    body = b""
    if status not in (204, 304):
        # The hub knows each answer's length; one without would be a finding of its own.
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(status, headers, body)
