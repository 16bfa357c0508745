"""Following events as they come: server-sent events (docs/streams.md), resumed after every loss.

async for one in follow(hub, StreamQuery(type="order.paid")):
    print(one.position, one.event)
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from chappe.client import paths
from chappe.client.hub_client import HubClient
from chappe.client.paths import DEFAULT_CHANNEL
from chappe.client.problems import error_of
from chappe.domain.errors import Unavailable

SILENCE_S = 45.0
"""The hub says something every 15 s; a connection that is silent for three times that is dead."""

FIRST_AGAIN_S = 1.0
MOST_AGAIN_S = 15.0


@dataclass(frozen=True, slots=True)
class StreamQuery:
    """Which events, as in paths.EventQuery; `filter` is JSON or SQL, `start` as the parameter `from`."""

    channel: str = DEFAULT_CHANNEL
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    filter: str | None = None
    start: str = "latest"

    @property
    def path(self) -> str:
        """The path with its query."""
        given = (
            ("type", self.type),
            ("source", self.source),
            ("subject", self.subject),
            ("filter", self.filter),
            ("from", self.start),
        )
        query = urlencode([(name, value) for name, value in given if value is not None])
        return f"{paths.channel_events(self.channel)}/stream?{query}"


@dataclass(frozen=True, slots=True)
class Streamed:
    """An event of a stream; `event` is its JSON format."""

    position: str
    acceptedat: str
    event: bytes


class Parser:
    """Bytes of a stream -> events; `last_id` is where it may be resumed."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = self._id = last_id
        self._rest = b""
        self._data: list[bytes] = []
        self._accepted = ""

    def feed(self, chunk: bytes) -> list[Streamed]:
        """The events that are whole now."""
        found: list[Streamed] = []
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b": ")
            match name:
                case b"id":
                    self._id = value.decode("ascii")
                case b"data":
                    self._data.append(value)
                case b"":
                    # Not before: an event that was cut off in the middle has not come.
                    self.last_id = self._id
                    if not self._data:
                        continue
                    found.append(Streamed(self.last_id, self._accepted, b"\n".join(self._data)))
                    self._data.clear()
                case _ if line.startswith(b":accepted "):
                    self._accepted = line[10:].decode("ascii")
                case _:
                    pass
        return found


async def follow(
    hub: HubClient, query: StreamQuery, *, lost: Callable[[str], None] = lambda why: None
) -> AsyncIterator[Streamed]:
    """Events as they come; a lost connection is made again, and goes on where it was.

    `lost` is told why a connection ended. It ends for good only by what the caller can mend, and
    where not even the first connection could be made.

    Raises:
        CallerError: the hub refuses what is asked for.
        Unavailable: the hub does not answer the first request.
    """
    parser = Parser()
    connected = False
    again_s = FIRST_AGAIN_S
    while True:
        headers = {"accept": "text/event-stream"}
        if parser.last_id:
            headers["last-event-id"] = parser.last_id
        why = "the hub ended it"
        try:
            async with hub.stream(query.path, headers, silence_s=SILENCE_S) as answer:
                if answer.status >= 300:
                    raise error_of(await answer.whole())
                connected = True
                async for chunk in answer.chunks():
                    again_s = FIRST_AGAIN_S
                    for one in parser.feed(chunk):
                        yield one
        except Unavailable as exc:
            if not connected:
                raise
            why = exc.message
        # What was cut off in the middle comes again.
        parser = Parser(parser.last_id)
        lost(why)
        await asyncio.sleep(random.uniform(again_s / 2, again_s))  # noqa: S311  # spreads readers
        again_s = min(again_s * 2, MOST_AGAIN_S)
