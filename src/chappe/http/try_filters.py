"""What a subscription would get: its choice of events, tried on the newest that are stored.

    POST /validate/filters[?channel=orders][&last=100]     {"source": …, "types": […], "filters": […]}

Nothing is stored or delivered.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from chappe.domain.channel import DEFAULT
from chappe.domain.errors import NotFound
from chappe.domain.lint import warnings
from chappe.domain.matching import explain
from chappe.domain.subscription import Subscription
from chappe.formats.fields import decode_json
from chappe.formats.subscription_json import parse_choice
from chappe.formats.times import rfc3339
from chappe.http.exchange import Request, Response, json_response
from chappe.http.paging import newest
from chappe.http.parts import Parts
from chappe.ports.event_index import LIMIT, Query

PARAMETERS: Final = ("channel", "last")
_AT_ONCE: Final = 256
"""So many events are tried before others have their turn."""


async def try_filters(parts: Parts, request: Request) -> Response:
    """Which of the newest events pass, and for each the test that decided."""
    choice = parse_choice(decode_json(request.body, "body"))
    channel = request.query.get("channel", DEFAULT)
    if channel not in parts.state.value.channels:
        raise NotFound(f"channel {channel!r}: there is none of that name")
    tried = Subscription(
        "tried", "", source=choice.source, types=choice.types, filter=choice.filter
    )
    rows: list[dict[str, Any]] = []
    left, after = newest(request.query, least=1, default=100), None
    while left > 0:
        page = await parts.find.page(Query(channel, after=after, limit=min(left, LIMIT)))
        for item in page.items:
            if len(rows) % _AT_ONCE == 0:
                await asyncio.sleep(0)
            event = item.event
            decision = explain(tried, event)
            row: dict[str, Any] = {
                "position": str(item.position),
                "acceptedat": rfc3339(item.at_ms),
                "id": event.id,
                "source": event.source,
                "type": event.type,
                "matched": decision.passed,
                "decided_by": decision.leaf,
                "found": decision.found,
            }
            if event.subject is not None:
                row["subject"] = event.subject
            rows.append(row)
        left -= len(page.items)
        after = page.next
        if after is None or not page.items:
            break
    return json_response(
        {
            "channel": channel,
            "read": len(rows),
            "matched": sum(row["matched"] for row in rows),
            "warnings": warnings(choice.source, choice.types, choice.filter),
            "events": rows,
        }
    )
