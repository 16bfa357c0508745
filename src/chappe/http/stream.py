"""Server-sent events: /events/stream and /channels/{channel}/events/stream (WHATWG HTML 9.2).

    retry: 2000

    id: 2-1041-7
    :accepted 2026-11-22T10:02:11.402Z
    data: {"specversion":"1.0","id":"A-1017",…}

The id is a position, so a reader that comes back with `Last-Event-ID` misses nothing and gets nothing
twice, whichever node it comes to. While nothing fits, a line with the id alone keeps the connection and
the place: what was looked at in vain need not be looked at again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import closing
from typing import Final

from chappe.domain.channel import DEFAULT
from chappe.domain.event import Event
from chappe.domain.filters import All, Exact
from chappe.domain.matching import wants
from chappe.domain.position import Position
from chappe.domain.subscription import Subscription
from chappe.flows.stream import Reading
from chappe.formats import cloudevents_json
from chappe.formats.fields import decode_json
from chappe.formats.filters_json import parse_filters
from chappe.formats.times import rfc3339
from chappe.http.exchange import Request, Response, Stream
from chappe.http.parts import Parts

PARAMETERS: Final = ("type", "source", "subject", "filter", "from", "access_token")

HEARTBEAT_S: Final = 15.0
"""Less than the 30 to 60 s of silence after which most proxies hang up."""

RETRY_MS: Final = 2_000
FORM: Final = "sse"

_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold back what it has not much of
)
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


async def stream(parts: Parts, request: Request) -> Response | Stream:
    """Events as they come."""
    reading = await opened(parts, request)
    return Stream(200, _HEADERS, _events(reading), reading.close)


async def opened(parts: Parts, request: Request) -> Reading:
    """The reader that a request asks for.

    Raises:
        Malformed: a parameter breaks its rule.
        NotFound, Overloaded, Unavailable: as Streams.open.
    """
    resumed = request.header(b"last-event-id")
    start = request.query.get("from", "latest")
    if resumed:
        start = resumed.decode("latin-1")
    return await parts.streams.open(
        request.params.get("channel", DEFAULT), start, wanted_of(request.query)
    )


def wanted_of(query: Mapping[str, str]) -> Callable[[Event], bool] | None:
    """Which events are asked for; None: all.

    Raises:
        Malformed: the filter is none.
    """
    if not any(name in query for name in ("type", "source", "subject", "filter")):
        return None
    text = query.get("filter")
    if text is None:
        filters: object = []
    elif text.lstrip()[:1] in ("[", "{"):
        filters = decode_json(text.encode(), "filter")
    else:
        filters = {"sql": text}
    filter_ = parse_filters(filters if isinstance(filters, list) else [filters])
    if "subject" in query:
        filter_ = All((Exact("subject", query["subject"]), filter_))
    types = frozenset({query["type"]}) if "type" in query else frozenset[str]()
    return wants(
        Subscription(id="", sink="", source=query.get("source"), types=types, filter=filter_)
    )


def frame(event: Event, position: Position, at_ms: int) -> bytes:
    """One event: its position, and its JSON format in as many lines as it has."""
    encoded = cloudevents_json.encode(event)
    if b"\n" in encoded or b"\r" in encoded:
        # Only between the tokens of a payload as it was sent: any line end does there.
        encoded = b"\ndata: ".join(_LINE_END.split(encoded))
    place, time = str(position).encode("ascii"), rfc3339(at_ms).encode("ascii")
    return b"id: %b\n:accepted %b\ndata: %b\n\n" % (place, time, encoded)


async def _events(reading: Reading) -> AsyncGenerator[bytes, None]:
    with closing(reading):
        yield b"retry: %d\n\n" % RETRY_MS
        told = reading.at
        while not reading.ended:
            pieces = await reading.next(HEARTBEAT_S)
            if pieces:
                frames: list[bytes] = []
                for piece in pieces:
                    frames += piece.tailed.encoded(FORM, piece.indexes, frame)
                yield b"".join(frames)
                last = pieces[-1]
                told = Position(last.tailed.block.shard, last.tailed.block.seq, last.indexes[-1])
            elif not reading.ended:
                if reading.at[1:] > told[1:]:
                    told = reading.at
                    yield b"id: %b\n\n" % str(told).encode("ascii")
                else:
                    yield b":\n\n"
        yield b"retry: %d\n: this node is shutting down; come back\n\n" % (RETRY_MS // 2)
