"""What ties events together: their trace (CloudEvents Distributed Tracing), their cause, and what they caused.

`causationid` is the id of the event that caused this one; `traceparent` is W3C's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from chappe.client.hub_client import HubClient
from chappe.client.paths import EventQuery
from chappe.client.views import Listed

LOOKED: Final = 1000
"""How many of the newest events are looked at for what an event caused."""

_TRACEPARENT: Final = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes that tie events together."""

    id: str
    source: str
    type: str
    traceparent: str | None = None
    causationid: str | None = None
    correlationid: str | None = None

    @property
    def trace(self) -> str | None:
        """The id of its trace: 32 hexadecimal digits."""
        return trace_id(self.traceparent or "")


@dataclass(frozen=True, slots=True)
class Story:
    """An event, its cause where the hub has it, and what it caused."""

    event: Linked
    cause: Linked | None
    causes: Sequence[Linked]


def trace_id(text: str) -> str | None:
    """The id in a `traceparent`, or one that stands alone; None where it is none."""
    found = _TRACEPARENT.fullmatch(text)
    return None if found is None else found[1]


async def story(hub: HubClient, position: str, channel: str) -> Story:
    """What there is to be told of the event at a position."""
    event = msgspec.json.decode(await hub.event(position, channel=channel), type=Linked)
    cause = None
    if event.causationid is not None:
        page = await hub.page(EventQuery(channel=channel, id=event.causationid, limit=1).path)
        cause = linked(page.events[0]) if page.events else None
    after = EventQuery(channel=channel, position=position, order="asc", limit=LOOKED)
    following = map(linked, (await hub.page(after.path)).events)
    return Story(event, cause, [one for one in following if one.causationid == event.id])


async def of_trace(hub: HubClient, trace: str, channel: str, last: int) -> list[Listed]:
    """The events of a trace among the newest, in the order of acceptance."""
    found: list[Listed] = []
    looked = 0
    async for one in hub.events(EventQuery(channel=channel, limit=min(last, LOOKED))):
        looked += 1
        if linked(one).trace == trace:
            found.append(one)
        if looked == last:
            break
    return found[::-1]


def linked(one: Listed) -> Linked:
    """What ties an event of a list to others."""
    return msgspec.json.decode(one.event, type=Linked)
