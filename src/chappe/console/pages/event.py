"""One event: what it says, and what became of it; the page for "did it arrive?"."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chappe.client import paths
from chappe.client.causes import trace_id
from chappe.client.views import Arrival, Trace
from chappe.console.page import Page, Route, Visit

_DATA = ("data", "data_base64")
_MOST_SHOWN = 64 * 1024
_REASONS = {"not matched", "not offered"}
_AS_STATE = {"dead-lettered": "dead", "expired": "dead", "pending": "waiting"}


@dataclass(frozen=True, slots=True)
class Data:
    """The payload as text; `whole` tells whether all of it is shown, `bytes` how long it is."""

    text: str
    bytes: int
    whole: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Became:
    """What became of the event for one subscription: `state` as the macros know it."""

    state: str
    said: str
    arrival: Arrival
    why: str
    next: str | None


@dataclass(frozen=True, slots=True)
class EventView:
    """What is shown; `matched` of `offered` subscriptions wanted the event.

    `cause` is the id of the event that caused it, `cause_position` where that one stands, if it is here.
    """

    trace: Trace
    attributes: Sequence[tuple[str, str]]
    data: Data | None
    became: Sequence[Became]
    matched: int
    traceparent: str | None
    traceid: str | None
    cause: str | None
    cause_position: str | None
    curl: str


async def show(visit: Visit) -> Page:
    """An event by its position, its id, or its source and id joined with `#`."""
    reference = visit.params["reference"]
    channel = visit.query.get("channel", paths.DEFAULT_CHANNEL)
    trace = await visit.hub.trace(reference, channel=channel)
    event: dict[str, Any] = msgspec.json.decode(
        await visit.hub.event(trace.position, channel=channel)
    )
    became = [_became(one) for one in trace.subscriptions]
    became.sort(key=lambda one: (not one.arrival.matched, one.state == "delivered"))
    view = EventView(
        trace=trace,
        attributes=_attributes(event),
        data=_data(event),
        became=became,
        matched=sum(one.arrival.matched for one in became),
        traceparent=event.get("traceparent"),
        traceid=trace_id(str(event.get("traceparent", ""))),
        cause=event.get("causationid"),
        cause_position=await _position(visit, event.get("causationid"), channel),
        curl=f"curl -H 'Accept: application/cloudevents+json' '{visit.asked.hub_url.rstrip('/')}"
        f"{paths.event(trace.position, channel)}'",
    )
    suffix = "" if channel == paths.DEFAULT_CHANNEL else f" --channel {channel}"
    return Page(
        template="event.html",
        title=trace.id,
        view=view,
        cli=f"chappe event trace {trace.position}{suffix}",
        api=paths.trace(trace.position, channel).lstrip("/"),
    )


async def _position(visit: Visit, event_id: object, channel: str) -> str | None:
    """Where the newest event of that id stands."""
    if not isinstance(event_id, str):
        return None
    page = await visit.hub.page(paths.EventQuery(channel=channel, id=event_id, limit=1).path)
    return page.events[0].position if page.events else None


def _attributes(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The context attributes as they are written in the JSON format, but for those of the head."""
    return [
        (name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
        for name, value in event.items()
        if name not in _DATA
    ]


def _data(event: Mapping[str, Any]) -> Data | None:
    if "data_base64" in event:
        raw = base64.b64decode(event["data_base64"])
        try:
            text, kind = raw.decode(), "text"
        except UnicodeDecodeError:
            text, kind = raw[: _MOST_SHOWN // 3].hex(" "), "bytes, in hexadecimal"
    elif "data" in event:
        value = event["data"]
        if isinstance(value, str):
            text, kind = value, "text"
        else:
            text, kind = msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), "JSON"
        raw = text.encode("utf-8", "surrogatepass")
    else:
        return None
    return Data(text[:_MOST_SHOWN], len(raw), len(text) <= _MOST_SHOWN, kind)


def _became(arrival: Arrival) -> Became:
    last = arrival.attempts[-1] if arrival.attempts else None
    if arrival.state == "not matched" and arrival.decided_by is not None:
        found = "no such attribute" if arrival.found is None else repr(arrival.found)
        why = f"{arrival.decided_by} decided; the event has {found}"
    elif arrival.state == "not offered":
        why = "the subscription began after this event"
    else:
        why = "" if last is None or arrival.state == "delivered" else last.reason or ""
    return Became(
        state="quiet" if arrival.state in _REASONS else _AS_STATE.get(arrival.state, arrival.state),
        said=arrival.state,
        arrival=arrival,
        why=why,
        next=last.next if last is not None and arrival.state == "retrying" else None,
    )


ROUTES = (Route("events/{reference}", get=show),)
