"""Who would get this event, and why: every subscription's answer, and the test that decided.

    POST /validate/subscriptions[?channel=orders][&subscription=s-5k2v9q,s-77aaz1]     an event in any mode

Nothing is stored. What became of an event that is stored is in its trace (`http.events`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import Malformed, NotFound
from chappe.domain.event import Event
from chappe.domain.matching import explain
from chappe.domain.subscription import Subscription
from chappe.formats import cloudevents_http
from chappe.http.exchange import Request, Response, json_response
from chappe.http.parts import Parts

_AT_ONCE: Final = 256
"""So many subscriptions are asked before others have their turn."""


async def explain_all(parts: Parts, request: Request) -> Response:
    """What the subscriptions of a channel say to the event that the request carries."""
    event = cloudevents_http.decode(request.headers, request.body)
    if not isinstance(event, Event):
        raise Malformed(f"body: a batch of {len(event)} was sent, one event is needed")
    channel = request.query.get("channel", DEFAULT)
    if channel not in parts.state.value.channels:
        raise NotFound(f"channel {channel!r}: there is none of that name")
    of_channel = {
        id_: one
        for id_, one in sorted(parts.state.value.subscriptions.items())
        if one.channel == channel
    }
    named = request.query.get("subscription")
    asked = list(of_channel.values()) if named is None else _named(named, of_channel, channel)
    rows: list[Mapping[str, object]] = []
    for number, subscription in enumerate(asked):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        decision = explain(subscription, event)
        rows.append(
            {
                "subscription": subscription.id,
                "sink": subscription.sink,
                "matched": decision.passed,
                "decided_by": decision.leaf,
                "found": decision.found,
            }
        )
    return json_response(
        {
            "channel": channel,
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subscriptions": rows,
        }
    )


def _named(
    named: str, of_channel: Mapping[str, Subscription], channel: str
) -> Sequence[Subscription]:
    asked: list[Subscription] = []
    for id_ in named.split(","):
        found = of_channel.get(id_)
        if found is None:
            raise NotFound(f"subscription {id_!r}: there is none in channel {channel}")
        asked.append(found)
    return asked
