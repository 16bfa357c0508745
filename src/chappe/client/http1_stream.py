"""An answer that is read as it comes, on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httptools

_READ_BYTES = 65_536


@dataclass(slots=True)
class _Head:
    """What the parser calls back with."""

    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    begun: bool = False
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


class Streaming:
    """The answer to one request; silence longer than `silence_s` is the end of it."""

    def __init__(self, reader: asyncio.StreamReader, silence_s: float) -> None:
        self._reader = reader
        self._silence_s = silence_s
        self._head = _Head()
        self._parser = httptools.HttpResponseParser(self._head)

    async def begin(self) -> None:
        """Read the answer's head."""
        while not self._head.begun:
            await self._read()

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self._parser.get_status_code()
        return status

    @property
    def headers(self) -> dict[str, str]:
        """Its headers, with names in lower case."""
        return self._head.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, as it comes, until the hub ends it."""
        while True:
            chunks, self._head.chunks = self._head.chunks, []
            for chunk in chunks:
                yield chunk
            if self._head.complete:
                return
            await self._read()

    async def _read(self) -> None:
        async with asyncio.timeout(self._silence_s):
            chunk = await self._reader.read(_READ_BYTES)
        if not chunk:
            raise ConnectionResetError("the connection was closed")
        self._parser.feed_data(chunk)
