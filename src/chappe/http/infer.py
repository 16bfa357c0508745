"""A schema drafted from stored events: GET /channels/{channel}/types/{type}/schema."""

from __future__ import annotations

from collections.abc import Mapping

from chappe.flows.infer import FORMAT, Place
from chappe.formats.times import rfc3339
from chappe.http.exchange import Request, Response, json_response
from chappe.http.paging import newest
from chappe.http.parts import Parts


async def infer(parts: Parts, request: Request) -> Response:
    """The draft, and what it was made of."""
    channel, type_ = request.params["channel"], request.params["type"]
    found = await parts.infer(type_, channel=channel, last=newest(request.query, least=1))
    return json_response(
        {
            "type": type_,
            "channel": channel,
            "events": {
                "read": found.read,
                "used": found.used,
                "skipped": dict(sorted(found.skipped.items())),
                "stopped": found.stopped,
                "newest": _place(found.newest),
                "oldest": _place(found.oldest),
            },
            "format": FORMAT,
            "schema": found.schema,
        }
    )


def _place(place: Place) -> Mapping[str, str]:
    return {"position": str(place.position), "acceptedat": rfc3339(place.at_ms)}
