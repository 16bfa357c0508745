"""Live: events as they come. The hub filters; what comes too fast to be read is counted, not shown."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chappe.client import paths
from chappe.client.problems import error_of
from chappe.client.streaming import SILENCE_S, Parser, Streamed, StreamQuery
from chappe.client.views import Attributes
from chappe.console import templates
from chappe.console.choice import choice
from chappe.console.exchange import Streaming
from chappe.console.links import with_query
from chappe.console.page import Page, Route, Visit
from chappe.domain.errors import ChappeError, Forbidden, Unauthenticated, Unavailable

ROWS_A_TICK = 10
TICK_S = 0.25
"""So 40 rows a second at the most: nobody reads faster."""

_QUIET_S = 15.0
_LOOKED_AT = 500
_SHOWN = 50
_FIELDS = ("channel", "type", "source", "filter")


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as a row shows it."""

    position: str
    acceptedat: str
    id: str
    source: str
    type: str
    subject: str | None = None


class _Newest(msgspec.Struct, frozen=True, kw_only=True):
    matched: bool
    position: str
    acceptedat: str
    id: str
    source: str
    type: str
    subject: str | None = None


class _Tried(msgspec.Struct, frozen=True, kw_only=True):
    read: int
    events: Sequence[_Newest] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """What is shown before anything comes: the newest events that fit; `feed` is where others come from."""

    rows: Sequence[Came]
    looked_at: int
    given: Mapping[str, str]
    channel: str
    channels: Sequence[str]
    feed: str
    trouble: str


async def show(visit: Visit) -> Page:
    """The newest events, and those that come."""
    given = {name: visit.query[name] for name in _FIELDS if name in visit.query}
    channel = given.get("channel", paths.DEFAULT_CHANNEL)
    rows, looked_at, trouble = await _newest(visit, given, channel)
    channels = msgspec.json.decode((await visit.hub.read(paths.CHANNELS)).body)
    view = Live(
        rows=rows,
        looked_at=looked_at,
        given=given,
        channel=channel,
        channels=sorted(channels) if isinstance(channels, dict) else [channel],
        feed="" if trouble else with_query("live/feed", given),
        trouble=trouble,
    )
    options = "".join(f" --{name} '{value}'" for name, value in given.items())
    return Page(
        template="live.html",
        title="Live",
        view=view,
        nav="live",
        cli=f"chappe event tail{options}",
        api=_query(given).path.lstrip("/"),
        status=400 if trouble else 200,
    )


async def feed(visit: Visit) -> Streaming:
    """Server-sent events for the page: `rows` are rows of the table as HTML, `seen` counts what came."""
    given = {name: visit.query[name] for name in _FIELDS if name in visit.query}
    headers = {"content-type": "text/event-stream", "cache-control": "no-store"}
    return Streaming(200, headers, _chunks(visit, given))


async def _newest(
    visit: Visit, given: Mapping[str, str], channel: str
) -> tuple[list[Came], int, str]:
    path = with_query("/validate/filters", {"channel": channel, "last": _LOOKED_AT})
    try:
        answer = await visit.hub.write("POST", path, _choice(given))
    except (Unavailable, Forbidden, Unauthenticated):
        raise  # nothing that another filter would mend
    except (ChappeError, ValueError) as error:
        return [], 0, str(error)
    found = msgspec.json.decode(answer.body, type=_Tried)
    rows = [
        Came(
            position=one.position,
            acceptedat=one.acceptedat,
            id=one.id,
            source=one.source,
            type=one.type,
            subject=one.subject,
        )
        for one in found.events
        if one.matched
    ]
    return rows[:_SHOWN], found.read, ""


def _choice(given: Mapping[str, str]) -> dict[str, object]:
    """The fields of the form as the API has them, without those that are empty."""
    form = {**given, "filters": given.get("filter", "")}
    return {name: value for name, value in choice(form).items() if value}


def _query(given: Mapping[str, str]) -> StreamQuery:
    return StreamQuery(
        channel=given.get("channel", paths.DEFAULT_CHANNEL),
        type=given.get("type"),
        source=given.get("source"),
        filter=given.get("filter"),
    )


async def _chunks(visit: Visit, given: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
    """What the page is sent, four times a second while anything comes."""
    channel = given.get("channel", paths.DEFAULT_CHANNEL)
    newest: deque[Streamed] = deque(maxlen=ROWS_A_TICK)
    seen = 0

    async def read() -> None:
        nonlocal seen
        parser = Parser()
        sent = {"accept": "text/event-stream"}
        async with visit.hub.stream(_query(given).path, sent, silence_s=SILENCE_S) as streamed:
            if streamed.status != 200:
                raise error_of(await streamed.whole())
            async for chunk in streamed.chunks():
                for one in parser.feed(chunk):
                    newest.append(one)
                    seen += 1

    # No group: a generator may be closed by another task than the one that began it.
    reading = asyncio.get_running_loop().create_task(read(), name="live feed")
    try:
        yield b"retry: 2000\n\n"
        told, silent_s = 0, 0.0
        while True:
            await asyncio.sleep(TICK_S)
            if seen != told:
                rows = [_came(one) for one in reversed(newest)]
                newest.clear()
                count, told, silent_s = seen - told, seen, 0.0
                yield _message("rows", _rendered(rows, visit, channel))
                yield _message("seen", json.dumps({"came": count, "shown": len(rows)}))
            elif reading.done():
                error = reading.exception()
                if error is not None:
                    said = str(error) if isinstance(error, ChappeError) else "the stream broke off"
                    yield _message("trouble", said)
                return
            else:
                silent_s += TICK_S
                if silent_s >= _QUIET_S:
                    silent_s = 0.0
                    yield b":\n\n"
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChappeError):
            await reading


def _came(one: Streamed) -> Came:
    event = msgspec.json.decode(one.event, type=Attributes)
    return Came(
        position=one.position,
        acceptedat=one.acceptedat,
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
    )


def _rendered(rows: Sequence[Came], visit: Visit, channel: str) -> str:
    """The rows as the page has them: its links begin where the page stands, not the feed.

    `depth` says how many steps below /console/ that is.
    """
    values = {"rows": rows, "channel": channel}
    depth = visit.query.get("depth", "")
    root = "../" * int(depth) if depth in ("1", "2", "3") else ""
    body = templates.render("live_rows.html", values, root=root, now=visit.now)
    return body.decode()


def _message(name: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n".encode()


ROUTES = (Route("live", get=show), Route("live/feed", get=feed))
